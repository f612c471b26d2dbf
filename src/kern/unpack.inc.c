/*
 * unpack.inc.c: panels of the types that have no product of their own, see rz_panel_kind: of those packed as whole blocks
 * row by row, of those packed in words of codes all rows at once. Included once per table, or once for all of them.
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

/* Q2_K and Q3_K: codes of two bits, and words of third bits. */
static const uint8_t *unpack_of_2(rz_panel *p, const uint8_t *cell) {
    const uint8_t *third = cell + 14 * NR, *q = cell + (p->minima ? 20 : 46) * NR;
    factors_of_256(p, cell);
    UNROLL for (int w = 0; w < 16; w++, q += 4 * NR) {
        const vb low = vb_load(q), high = vb_load(third + w % 8 * 4 * NR);
        uint8_t *codes = p->codes + (w / 8 * 32 + w % 8) * 4 * NR;
        UNROLL for (int b = 0; b < 4; b++, codes += 32 * NR) {
            vb code = look_up_bits(two_bits, low, 2 * b);
            if (!p->minima) code = vb_or(code, look_up_bits(third_bit, high, w / 8 * 4 + b));
            vb_store(codes, code);
        }
    }
    return q;
}

/* IQ4_XS, whose scales come first, and IQ4_NL: codes of four bits, 32 by 32. */
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

/* ---- all of them ------------------------------------------------------------------------------------ */

/* Levels as codes, scale[column / 16] and then min. */
SHARED_FN const uint8_t *SHARED(unpack_blocks)(rz_panel *p, const rz_dtype *type, const uint8_t *block,
                                               uint32_t width) {
    p->minima = type->minima;
    if (type->code_bits == 2) return unpack_of_2(p, block);
    if (type->code_bits == 4) return unpack_of_4(p, type, block, width);
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
