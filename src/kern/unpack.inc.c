/*
 * unpack.inc.c: panels of the types that have no product of their own, see rz_panel_kind: of those packed as whole blocks
 * row by row (of grids only the points), of those packed in words of codes all rows at once. Included once per table, or once
 * for all of them.
 */

/* ---- words of codes --------------------------------------------------------------------------------- */

/* Tables for the lowest bits of an index of 4, whatever the others are. */
static const int8_t two_bits[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
static const int8_t third_bit[16] = {-4, 0, -4, 0, -4, 0, -4, 0, -4, 0, -4, 0, -4, 0, -4, 0}; /* less 4 */
static const int8_t upper_bits[16] = {-32, -16, 0, 16, -32, -16, 0, 16, -32, -16, 0, 16, -32, -16, 0, 16}; /* less 32 */

/* Scales as floats; not inlined, because in wasm they take 100 bytes each time. */
static __attribute__((noinline)) void put_scales(float *to, const uint8_t *scales) { vf_store(to, vf_load_scales(scales)); }

/* What a table says of the bits from bit n on of every byte. */
RZ_INLINE vb look_up_bits(const int8_t *table, vb a, int n) { return vb_lookup(table, vb_low4(vb_shift_down(a, n))); }

/* Sixteen scales of Q3_K, whose nibbles and upper bits lie apart, or of Q2_K, with minima in the high nibbles. */
RZ_INLINE void factors_of_256(rz_panel *p, const uint8_t *cell) {
    float *factors = p->factors;
    for (int m = 0; m <= (int)p->minima; m++) {
        float d[NR];
        put_scales(d, cell + m * 2 * NR);
        for (int w = 0; w < 4; w++) {
            const uint8_t *nibbles = cell + (p->minima ? 4 + 4 * w : 2 + w % 2 * 4) * NR;
            vb bytes = vb_low4(vb_shift_down(vb_load(nibbles), p->minima ? 4 * m : w / 2 * 4));
            if (!p->minima) bytes = vb_or(bytes, look_up_bits(upper_bits, vb_load(cell + 10 * NR), 2 * w));
            for (int j = 0; j < 4; j++, factors += NR) vf_store(factors, vf_mul(vf_load(d), vf_from_byte(bytes, j)));
        }
    }
}

/* The one scale of TQ2_0. */
static void factor_of_256(rz_panel *p, const uint8_t *cell) {
    for (int i = 0; i < RZ_BLOCK_MAX / 16; i++) put_scales(p->factors + i * NR, cell);
}

/* Q2_K, Q3_K and TQ2_0: codes of two bits, and words of third bits. */
static const uint8_t *unpack_of_2(rz_panel *p, const rz_dtype *type, const uint8_t *cell) {
    const bool three = type->code_bits == 3;
    const int8_t *levels = three ? two_bits : type->levels;
    const uint8_t *third = cell + 14 * NR, *q = cell + (three ? 46 : p->minima ? 20 : 2) * NR;
    if (three || p->minima) {
        factors_of_256(p, cell);
    } else {
        factor_of_256(p, cell);
    }
    UNROLL for (int w = 0; w < 16; w++, q += 4 * NR) {
        const vb low = vb_load(q), high = vb_load(third + w % 8 * 4 * NR);
        uint8_t *codes = p->codes + (w / 8 * 32 + w % 8) * 4 * NR;
        UNROLL for (int b = 0; b < 4; b++, codes += 32 * NR) {
            vb code = look_up_bits(levels, low, 2 * b);
            if (three) code = vb_or(code, look_up_bits(third_bit, high, w / 8 * 4 + b));
            vb_store(codes, code);
        }
    }
    return q;
}

/* Scales of MXFP4, which are powers of two, as floats. */
static void put_powers(float *to, const uint8_t *exponents) {
    for (int r = 0; r < NR; r++) to[r] = rz_mxfp4_scale(exponents[r]);
}

/* IQ4_XS, whose scales come first, IQ4_NL and MXFP4: codes of four bits, 32 by 32. */
static const uint8_t *unpack_of_4(rz_panel *p, const rz_dtype *type, const uint8_t *cell, uint32_t width) {
    const bool large = type->block == RZ_BLOCK_MAX;
    const uint8_t *scales = cell + 2 * NR;
    float d[NR];
    put_scales(d, cell);
    if (large) cell += 10 * NR;
    uint8_t *codes = p->codes;
    for (int g = 0; g < (int)width / 32; g++, codes += 16 * NR) {
        vf scale;
        if (large) {
            const vb low = vb_low4(vb_shift_down(vb_load(scales + 4 * NR), g % 2 * 4));
            const vb upper = look_up_bits(upper_bits, vb_load(scales), g % 4 * 2);
            scale = vf_mul(vf_load(d), vf_add(vf_from_byte(low, g / 2), vf_from_byte(upper, g / 4)));
        } else if (type->floats) {
            put_powers(d, cell);
            scale = vf_load(d);
            cell += NR;
        } else {
            scale = vf_load_f16(cell);
            cell += 2 * NR;
        }
        vf_store(p->factors + 2 * g * NR, scale);
        vf_store(p->factors + (2 * g + 1) * NR, scale);
        UNROLL for (int v = 0; v < 4; v++, cell += 4 * NR, codes += 4 * NR) {
            const vb both = vb_load(cell);
            vb_store(codes, vb_lookup(type->levels, vb_low4(both)));
            vb_store(codes + 16 * NR, vb_lookup(type->levels, vb_high4(both)));
        }
    }
    return cell;
}

/* ---- points of grids -------------------------------------------------------------------------------- */

/* The points are looked up row by row, their codes and signs are taken apart for all rows. */
static void unpack_points(rz_panel *p, const rz_dtype *type, const uint8_t *block) {
    static const int8_t sign_code[16] = {0, 8, 8, 0, 8, 0, 0, 0, 8}; /* of one bit, wherever it is */
    uint32_t points[RZ_BLOCK_MAX / 4 * NR], signs[RZ_BLOCK_MAX / 8 * NR], own_bit[NR];
    for (int r = 0; r < NR; r++) {
        type->points(block + (uint32_t)r * type->block_bytes, points + r, signs + r, p->factors + r, NR);
        own_bit[r] = 0x08040201;
    }
    const bool four = type->point_columns == 4;
    const uint8_t *point = (const uint8_t *)points, *sign = (const uint8_t *)signs;
    for (uint8_t *codes = p->codes; codes < p->codes + RZ_BLOCK_MAX * NR; sign += 4 * NR, point += four ? 8 * NR : 4 * NR) {
        UNROLL for (int half = 0; half < 2; half++, codes += 4 * NR) {
            const vb x = vb_load(four ? point + half * 4 * NR : point), nibbles = vb_or(x, vb_words_up(x, 12));
            const vb code = four ? vb_low4(nibbles) : look_up_bits(two_bits, nibbles, 2 * half);
            const vb bit = vb_and(vb_shift_down(vb_load(sign), 4 * half), vb_load((const uint8_t *)own_bit));
            vb_store(codes, vb_lookup(type->levels, vb_or(code, vb_lookup(sign_code, bit))));
        }
    }
}

/* ---- all of them ------------------------------------------------------------------------------------ */

/* Levels as codes, scale[column / 16] and then min. */
SHARED_FN const uint8_t *SHARED(unpack_blocks)(rz_panel *p, const rz_dtype *type, const uint8_t *block,
                                               uint32_t width) {
    p->minima = type->minima;
    if (type->code_bits == 2 || type->code_bits == 3) return unpack_of_2(p, type, block);
    if (type->code_bits == 4) return unpack_of_4(p, type, block, width);
    if (type->points) {
        unpack_points(p, type, block);
        return block + NR * type->block_bytes;
    }
    for (uint32_t c = 0; c < width; c += type->block) {
        for (uint32_t r = 0; r < NR; r++, block += type->block_bytes) {
            type->unpack(block, p->codes + c * NR + 4 * r, 4 * NR, p->factors + c / 16 * NR + r, NR);
        }
    }
    for (uint32_t i = 0; i < width * NR; i += 4 * NR) {
        vb_store(p->codes + i, vb_lookup(type->levels, vb_load(p->codes + i)));
    }
    return block;
}
