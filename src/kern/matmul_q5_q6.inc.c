/*
 * matmul_q5_q6.inc.c: matrix products with codes of 5 and 6 bits, whose bits lie in two places: one token reads them
 * there, tiles of tokens a panel where they are together. Included once per table, after panel.inc.c and matmul.inc.c.
 */

/* ---- one token: what becomes of a group --------------------------------------------------------- */

/* start plus the sum of the codes of 5 bits of 32 columns: h holds the fifth bits, qs the nibbles. */
RZ_INLINE vi sum_q5(const uint8_t *h, const uint8_t *qs, const uint8_t *act, vi start) {
    const uint8_t *x = ACT_WORDS(act, 1, 0);
    na low_sum = na_start(start), high_sum = na_start(vi_splat(0));
    vb bits = vb_load(h);
    UNROLL for (int v = 0; v < 4; v++, x += XK_BYTES) {
        vb raw = words(qs + v * 4 * NR, 1);
        vb low = vb_or(vb_low4(raw), vb_bit_at4(bits, ROLLED ? 0 : v));
        vb high = vb_or(vb_high4(raw), vb_bit_at4(bits, ROLLED ? 4 : v + 4));
        if (ROLLED) bits = vb_shift_down(bits, 1);
        low_sum = na_dot(low_sum, low, ACT_Q(x, 0));
        na *sum = NA_NARROW ? &high_sum : &low_sum;
        *sum = na_dot(*sum, high, ACT_Q(x + 4 * XK_BYTES, 0));
    }
    vi sum = na_end(low_sum, start);
    return NA_NARROW ? vi_add(sum, na_end(high_sum, vi_splat(0))) : sum;
}

RZ_INLINE void turn_q5_0(const uint8_t *cell, size_t stride, const uint8_t *act, uint32_t cols, vf *acc, const int G) {
    for (uint32_t b = 0; b < cols / 32; b++, cell += 22 * NR, act += ACT_BYTES(1)) {
        UNROLL for (int g = 0; g < G; g++) {
            const uint8_t *c = cell + g * stride;
            vi sum = sum_q5(c + 2 * NR, c + 6 * NR, act, vi_shl(vi_splat(ACT_NS(act, 1, 0)), 4));
            add_scaled(acc + g, &sum, vf_load_f16(c), act, 1);
        }
    }
}

RZ_INLINE void turn_q5_1(const uint8_t *cell, size_t stride, const uint8_t *act, uint32_t cols, vf *acc, const int G) {
    for (uint32_t b = 0; b < cols / 32; b++, cell += 24 * NR, act += ACT_BYTES(1)) {
        UNROLL for (int g = 0; g < G; g++) {
            const uint8_t *c = cell + g * stride;
            vi sum = sum_q5(c + 4 * NR, c + 8 * NR, act, vi_splat(0));
            add_scaled(acc + g, &sum, vf_load_f16(c), act, 1);
            add_minima(acc + g, vf_load_f16(c + 2 * NR), act, 1);
        }
    }
}

/* Two groups of 32 columns as in pair_q4_k(); bits 2 c and 2 c + 1 of qh are the fifth ones. */
RZ_INLINE void pair_q5_k(const uint8_t *qs, const uint8_t *qh, const uint8_t *scales, int c,
                         const uint8_t *act, vf *scaled) {
    const uint8_t *act2 = act + ACT_BYTES(1), *x = ACT_WORDS(act, 1, 0), *x2 = ACT_WORDS(act2, 1, 0);
    vi low = vi_splat(0), high = vi_splat(0);
    for (int half = 0; half < 2; half++, qs += 16 * NR, qh += 16 * NR) {
        na low_sum = na_start(vi_splat(0)), high_sum = na_start(vi_splat(0));
        UNROLL for (int v = 0; v < 4; v++, x += XK_BYTES, x2 += XK_BYTES) {
            vb raw = words(qs + v * 4 * NR, 1), bits = vb_shift_down(vb_load(qh + v * 4 * NR), 2 * c);
            low_sum = na_dot(low_sum, vb_or(vb_low4(raw), vb_bit_at4(bits, 0)), ACT_Q(x, 0));
            high_sum = na_dot(high_sum, vb_or(vb_high4(raw), vb_bit_at4(bits, 1)), ACT_Q(x2, 0));
        }
        low = vi_add(low, na_end(low_sum, vi_splat(0)));
        high = vi_add(high, na_end(high_sum, vi_splat(0)));
    }
    add_scaled(scaled, &low, vf_load_u8(scales), act, 1);
    add_scaled(scaled, &high, vf_load_u8(scales + NR), act2, 1);
}

RZ_INLINE vf quarter_q5_k(const uint8_t *cell, const uint8_t *act, int quarter, vf scaled) {
    if (quarter == 0) rz_fetch_ahead(cell, 52 * NR);
    pair_q5_k(cell + (52 + quarter * 32) * NR, cell + 20 * NR, cell + (4 + 2 * quarter) * NR, quarter,
              act + 2 * quarter * ACT_BYTES(1), &scaled);
    return scaled;
}

/* Codes of quarter i of one half of a block, from a word of their low bits and one of their high bits. */
RZ_INLINE vb codes_q6_k(vb low, vb high, const int i) {
    return vb_or(i < 2 ? vb_low4(low) : vb_high4(low), vb_pair_at4(high, i));
}

/* 16 columns of each quarter of one half of a block. */
RZ_INLINE void part_q6_k(const uint8_t *q, const uint8_t *scales, int part, const uint8_t *act, vf *scaled) {
    const uint8_t *x = ACT_WORDS(act, 1, 4 * part);
    vi sum[4];
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
        sum[i] = vi_shl(vi_splat(ACT_NS16(act + i * ACT_BYTES(1), 1, part, 0)), 5);
    }
    UNROLL for (int v = 0; v < 4; v++, q += 12 * NR, x += XK_BYTES) {
        vb low[2] = {words(q, 1), words(q + 4 * NR, 1)}, high = words(q + 8 * NR, 1);
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
            sum[i] = vi_dot_u7(sum[i], codes_q6_k(low[i % 2], high, i), ACT_Q(x + i * ACT_BYTES(1), 0));
        }
    }
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
        add_scaled(scaled, &sum[i], vf_load_s8(scales + (i * 2 + part) * NR), act + i * ACT_BYTES(1), 1);
    }
}

/* The quarters of a strip are such parts, not the quarters of a half. */
RZ_INLINE vf quarter_q6_k(const uint8_t *cell, const uint8_t *act, int quarter, vf scaled) {
    const int half = quarter / 2;
    if (quarter == 0) rz_fetch_ahead(cell, 18 * NR);
    part_q6_k(cell + (18 + quarter * 48) * NR, cell + (2 + half * 8) * NR, quarter % 2, act + half * 4 * ACT_BYTES(1), &scaled);
    return scaled;
}

RZ_INLINE void end_q6_k(const uint8_t *cell, const uint8_t *act, const float *scaled, float *y) {
    (void)act;
    vf_store(y, vf_madd(vf_load_scales(cell), vf_load(scaled), vf_load(y)));
}

/* ---- tiles of tokens ---------------------------------------------------------------------------- */

/* sum += codes of 4 n columns times activations from x on. */
RZ_INLINE void dot_codes(vi *sum, const uint8_t *codes, const uint8_t *x, const int n, const int T) {
    UNROLL for (const uint8_t *q = codes; q < codes + n * 4 * NR; q += 4 * NR, x += XK_BYTES) {
        vb w = vb_load(q);
        FOR_T sum[t] = vi_dot_u7(sum[t], w, ACT_Q(x, t));
    }
}

/* Blocks of 32 codes of 5 bits. Factors: scale[8], min[8]. */
static const uint8_t *unpack_q5(rz_panel *p, const rz_dtype *type, const uint8_t *cell, uint32_t width) {
    p->minima = type == rz_dtype_get(RZ_DT_Q5_1);
    for (uint32_t b = 0; b < width / 32; b++) {
        vf_store(p->factors + b * NR, vf_load_f16(cell));
        cell += 2 * NR;
        if (p->minima) {
            vf_store(p->factors + (8 + b) * NR, vf_load_f16(cell));
            cell += 2 * NR;
        }
        vb bits = vb_load(cell);
        cell += 4 * NR;
        for (int v = 0; v < 4; v++, cell += 4 * NR) {
            uint8_t *codes = p->codes + (b * 8 + (uint32_t)v) * 4 * NR;
            vb raw = vb_load(cell);
            vb_store(codes, vb_or(vb_low4(raw), vb_bit_at4(bits, 0)));
            vb_store(codes + 16 * NR, vb_or(vb_high4(raw), vb_bit_at4(bits, 4)));
            bits = vb_shift_down(bits, 1);
        }
    }
    return cell;
}

RZ_INLINE void tile_q5(const rz_panel *p, uint32_t width, const uint8_t *act, vf *acc, const int T) {
    for (uint32_t b = 0; b < width / 32; b++, act += ACT_BYTES(T)) {
        vi sum[8];
        FOR_T sum[t] = vi_shl(vi_splat(p->minima ? 0 : ACT_NS(act, T, t)), 4);
        dot_codes(sum, p->codes + b * 32 * NR, ACT_WORDS(act, T, 0), 8, T);
        add_scaled(acc, sum, vf_load(p->factors + b * NR), act, T);
        if (p->minima) add_minima(acc, vf_load(p->factors + (8 + b) * NR), act, T);
    }
}
PANEL_KIND(q5, uint8_t, x->q8, ACT_BYTES(1), false, unpack_q5)

/* A block of 256 codes, of 5 bits or of 4. Factors: scale[8], min[8], d, dmin. */
RZ_INLINE const uint8_t *unpack_of_256(rz_panel *p, const uint8_t *cell, const bool fifth) {
    const uint8_t *qh = cell + 20 * NR, *qs = fifth ? qh + 32 * NR : qh;
    for (int j = 0; j < 16; j++) vf_store(p->factors + j * NR, vf_load_u8(cell + (4 + j) * NR));
    for (int j = 0; j < 2; j++) put_scales(p->factors + (16 + j) * NR, cell + 2 * j * NR);
    uint8_t *codes = p->codes;
    for (int c = 0; c < 4; c++, qs += 32 * NR, codes += 64 * NR) {
        for (int i = 0; i < 32 * NR; i += 4 * NR) {
            vb raw = vb_load(qs + i), bits = vb_shift_down(vb_load(qh + i), 2 * c), low = vb_low4(raw), high = vb_high4(raw);
            vb_store(codes + i, fifth ? vb_or(low, vb_bit_at4(bits, 0)) : low);
            vb_store(codes + i + 32 * NR, fifth ? vb_or(high, vb_bit_at4(bits, 1)) : high);
        }
    }
    return cell + (fifth ? 180 : 148) * NR;
}

static const uint8_t *unpack_q5_k(rz_panel *p, const rz_dtype *type, const uint8_t *cell, uint32_t width) {
    (void)type, (void)width;
    return unpack_of_256(p, cell, true);
}

RZ_INLINE void tile_q5_k(const rz_panel *p, uint32_t width, const uint8_t *act, vf *acc, const int T) {
    const float *d = p->factors + 16 * NR;
    vf scaled[8], offset[8], sum_min[8];
    (void)width;
    FOR_T scaled[t] = sum_min[t] = vf_zero();
    for (int j = 0; j < 8; j++) {
        sum_minima(sum_min, vf_load(p->factors + (8 + j) * NR), act + j * ACT_BYTES(T), T);
    }
    FOR_T offset[t] = sum_min[t];
    settle(offset, T);
    for (int j = 0; j < 8; j++, act += ACT_BYTES(T)) {
        vi sum[8];
        FOR_T sum[t] = vi_splat(0);
        dot_codes(sum, p->codes + j * 32 * NR, ACT_WORDS(act, T, 0), 8, T);
        add_scaled(scaled, sum, vf_load(p->factors + j * NR), act, T);
    }
    add_block_k(acc, vf_load(d), vf_load(d + NR), scaled, offset, T);
}
PANEL_KIND(q5_k, uint8_t, x->q8, ACT_BYTES(1), false, unpack_q5_k)

/* Factors of Q6_K: scale[16] in the order of use, which is half, 16 columns, quarter; and d. */
static const uint8_t *unpack_q6_k(rz_panel *p, const rz_dtype *type, const uint8_t *cell, uint32_t width) {
    const uint8_t *scales = cell + 2 * NR, *q = cell + 18 * NR;
    (void)type, (void)width;
    for (int j = 0; j < 16; j++) {
        vf_store(p->factors + j * NR, vf_load_s8(scales + (j / 8 * 8 + j % 4 * 2 + j / 4 % 2) * NR));
    }
    put_scales(p->factors + 16 * NR, cell);
    for (uint8_t *codes = p->codes; codes < p->codes + 256 * NR; codes += 64 * NR) {
        for (int v = 0; v < 4; v++, q += 12 * NR) {
            vb low[2] = {vb_load(q), vb_load(q + 4 * NR)}, high = vb_load(q + 8 * NR);
            _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
                vb_store(codes + (i * 4 + v) * 4 * NR, codes_q6_k(low[i % 2], high, i));
            }
        }
    }
    return cell + 210 * NR;
}

RZ_INLINE void tile_q6_k(const rz_panel *p, uint32_t width, const uint8_t *act, vf *acc, const int T) {
    const uint8_t *codes = p->codes;
    const float *scale = p->factors;
    vf scaled[8];
    (void)width;
    FOR_T scaled[t] = vf_zero();
    for (int half = 0; half < 2; half++, act += 4 * ACT_BYTES(T)) {
        for (int part = 0; part < 2; part++) {
            const uint8_t *a = act;
            UNROLL for (int i = 0; i < 4; i++, a += ACT_BYTES(T), codes += 16 * NR, scale += NR) {
                vi sum[8];
                FOR_T sum[t] = vi_shl(vi_splat(ACT_NS16(a, T, part, t)), 5);
                dot_codes(sum, codes, ACT_WORDS(a, T, 4 * part), 4, T);
                add_scaled(scaled, sum, vf_load(scale), a, T);
            }
        }
    }
    FOR_T acc[t] = vf_madd(vf_load(scale), scaled[t], acc[t]);
}
PANEL_KIND(q6_k, uint8_t, x->q8, ACT_BYTES(1), false, unpack_q6_k)

/* Tiles of tokens by panels, and the token that has none. */
#define MATMUL_PANELS(name, kind)                                                                  \
    SHARED_FN void SHARED(matmul_##name)(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y, \
                                         size_t ldy) {                                             \
        LAST_TOKEN(name);                                                                          \
        if (x->n > 1) SHARED(multiply_panels)(w, g0, g1, x, y, ldy, &kind);                        \
    }
STRIP_OF_32(q5_0, 22)
MATMUL_PANELS(q5_0, kind_q5)
STRIP_OF_32(q5_1, 24)
MATMUL_PANELS(q5_1, kind_q5)
STRIP_OF_256(q5_k, end_k)
MATMUL_PANELS(q5_k, kind_q5_k)
STRIP_OF_256(q6_k, end_q6_k)
MATMUL_PANELS(q6_k, kind_q6_k)
