/*
 * matmul.inc.c: matrix products of float weights and of codes of up to 6 bits. Included once per table.
 * Each body follows the scalar one of the same name.
 */

/* start plus the sums of the codes of 4 bits of 32 columns. */
RZ_INLINE void sum_q4(const uint8_t *qs, size_t stride, const uint8_t *act, const vi *start, vi *out,
                      const int T, const int G) {
    na sum[16];
    FOR_G FOR_T sum[g * T + t] = na_start(start[t]);
    UNROLL for (int v = 0; v < 4; v++) {
        vb raw[2], codes[2];
        FOR_G raw[g] = words(qs + g * stride + v * 4 * NR, T), codes[g] = vb_low4(raw[g]);
        FOR_T FOR_G sum[g * T + t] = na_dot(sum[g * T + t], codes[g], ACT_Q(act, T, v, t));
        if (SUMS_APART(T)) continue;
        FOR_G codes[g] = vb_high4(raw[g]);
        FOR_T FOR_G sum[g * T + t] = na_dot(sum[g * T + t], codes[g], ACT_Q(act, T, v + 4, t));
    }
    UNROLL for (int v = 0; SUMS_APART(T) && v < 4; v++) {
        vb high = vb_high4(vb_load(qs + v * 4 * NR));
        FOR_T sum[t] = na_dot(sum[t], high, ACT_Q(act, T, v + 4, t));
    }
    FOR_G FOR_T out[g * T + t] = na_end(sum[g * T + t], start[t]);
}

RZ_INLINE void tiles_q4_0(const uint8_t *cell, size_t stride, const uint8_t *act, uint32_t cols,
                          const next_lines *next, vf *acc, const int T, const int G) {
    FOR_G FOR_T acc[g * T + t] = vf_zero();
    for (uint32_t b = 0; b < cols / 32; b++, cell += 18 * NR, act += ACT_BYTES(T)) {
        FOR_G fetch_next(cell + g * stride, next, T);
        vi start[8], sum[16];
        FOR_T start[t] = vi_shl(vi_splat(ACT_NS(act, T, t)), 3);
        sum_q4(cell + 2 * NR, stride, act, start, sum, T, G);
        FOR_G add_scaled(acc + g * T, sum + g * T, vf_load_f16(cell + g * stride), act, T);
    }
}

RZ_INLINE void tile_q4_1(const uint8_t *cell, const uint8_t *act, uint32_t cols,
                         const next_lines *next, vf *acc, const int T) {
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 32; b++, cell += 20 * NR, act += ACT_BYTES(T)) {
        fetch_next(cell, next, T);
        vi zero[8], sum[8];
        FOR_T zero[t] = vi_splat(0);
        sum_q4(cell + 4 * NR, 0, act, zero, sum, T, 1);
        add_scaled(acc, sum, vf_load_f16(cell), act, T);
        add_minima(acc, vf_load_f16(cell + 2 * NR), act, T);
    }
}

/* 16 columns of codes of 5 bits, of which *bits are the fifth: in loops that stay loops they come down by one. */
RZ_INLINE void half_q5(na *sum, const uint8_t *qs, vb *bits, const uint8_t *act, const bool upper,
                       const int T) {
    UNROLL for (int v = 0; v < 4; v++, qs += 4 * NR) {
        vb raw = vb_load(qs), codes = upper ? vb_high4(raw) : vb_low4(raw);
        codes = vb_or(codes, vb_bit_at4(*bits, 0));
        *bits = vb_shift_down(*bits, 1);
        FOR_T sum[t] = na_dot(sum[t], codes, ACT_Q(act, T, v + 4 * upper, t));
    }
}

/* start plus the sums of the codes of 5 bits of 32 columns: h holds the fifth bits, qs the nibbles. */
RZ_INLINE void sum_q5(const uint8_t *h, const uint8_t *qs, const uint8_t *act, const vi *start,
                      vi *out, const int T) {
    na low_sum[8], high_sum[8];
    FOR_T low_sum[t] = na_start(start[t]), high_sum[t] = na_start(vi_splat(0));
    vb bits = vb_load(h);
    if (SUMS_APART(T)) {
        half_q5(low_sum, qs, &bits, act, false, T);
        half_q5(low_sum, qs, &bits, act, true, T);
        FOR_T out[t] = na_end(low_sum[t], start[t]);
        return;
    }
    UNROLL for (int v = 0; v < 4; v++) {
        vb raw = words(qs + v * 4 * NR, T);
        vb low = vb_or(vb_low4(raw), vb_bit_at4(bits, ROLLED ? 0 : v));
        vb high = vb_or(vb_high4(raw), vb_bit_at4(bits, ROLLED ? 4 : v + 4));
        if (ROLLED) bits = vb_shift_down(bits, 1);
        FOR_T {
            low_sum[t] = na_dot(low_sum[t], low, ACT_Q(act, T, v, t));
            na *sum = NA_NARROW ? &high_sum[t] : &low_sum[t];
            *sum = na_dot(*sum, high, ACT_Q(act, T, v + 4, t));
        }
    }
    FOR_T {
        out[t] = na_end(low_sum[t], start[t]);
        if (NA_NARROW) out[t] = vi_add(out[t], na_end(high_sum[t], vi_splat(0)));
    }
}

RZ_INLINE void tile_q5_0(const uint8_t *cell, const uint8_t *act, uint32_t cols,
                         const next_lines *next, vf *acc, const int T) {
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 32; b++, cell += 22 * NR, act += ACT_BYTES(T)) {
        fetch_next(cell, next, T);
        vi sum[8];
        FOR_T sum[t] = vi_shl(vi_splat(ACT_NS(act, T, t)), 4);
        sum_q5(cell + 2 * NR, cell + 6 * NR, act, sum, sum, T);
        add_scaled(acc, sum, vf_load_f16(cell), act, T);
    }
}

RZ_INLINE void tile_q5_1(const uint8_t *cell, const uint8_t *act, uint32_t cols,
                         const next_lines *next, vf *acc, const int T) {
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 32; b++, cell += 24 * NR, act += ACT_BYTES(T)) {
        fetch_next(cell, next, T);
        vi sum[8];
        FOR_T sum[t] = vi_splat(0);
        sum_q5(cell + 4 * NR, cell + 8 * NR, act, sum, sum, T);
        add_scaled(acc, sum, vf_load_f16(cell), act, T);
        add_minima(acc, vf_load_f16(cell + 2 * NR), act, T);
    }
}

/* The activations' sums of 8 groups of 32 columns times their minima. */
RZ_INLINE void offsets_k(const uint8_t *mins, const uint8_t *act, vf *offset, const int T) {
    vf sum[8];
    FOR_T sum[t] = vf_zero();
    UNROLL for (int j = 0; j < 8; j++, act += ACT_BYTES(T)) {
        vf m = vf_load_u8(mins + j * NR);
        FOR_T sum[t] = vf_madd(m, vf_splat(ACT_DS(act, T, t)), sum[t]);
    }
    FOR_T offset[t] = sum[t];
    settle(offset, T);
}

/* acc += d * scaled - dmin * offset, of a block of 256 columns */
RZ_INLINE void add_block_k(vf *acc, const uint8_t *cell, const vf *scaled, const vf *offset,
                           const int T) {
    vf d = vf_load_f16(cell), dmin = vf_load_f16(cell + 2 * NR);
    FOR_T acc[t] = vf_nmadd(dmin, offset[t], vf_madd(d, scaled[t], acc[t]));
    settle(acc, T);
}

/* Two groups of 32 columns, in the low and the high nibbles of the same bytes, times their scales: one after the
 * other, where registers are few. qh: NULL, or bytes whose bits j and j + 1 are the fifth ones. */
RZ_INLINE void halves_k(const uint8_t *qs, const uint8_t *qh, int j, const uint8_t *scales,
                        const uint8_t *act, vf *scaled, const int T) {
    _Pragma("GCC unroll 2") for (int upper = 0; upper < 2; upper++, act += ACT_BYTES(T)) {
        const vb bit = vb_splat((uint8_t)(1 << (j + upper)));
        vi sum[8];
        FOR_T sum[t] = vi_splat(0);
        UNROLL for (int v = 0; v < 8; v++) {
            vb raw = vb_load(qs + v * 4 * NR), codes = upper ? vb_high4(raw) : vb_low4(raw);
            if (qh) codes = vb_or(codes, vb_at4_if(vb_load(qh + v * 4 * NR), bit));
            FOR_T sum[t] = vi_dot_u7(sum[t], codes, ACT_Q(act, T, v, t));
        }
        add_scaled(scaled, sum, vf_load_u8(scales + upper * NR), act, T);
    }
}

/* The same of both at once. */
RZ_INLINE void pair_q4_k(const uint8_t *qs, const uint8_t *scales, const uint8_t *act, vf *scaled,
                         const int T) {
    const uint8_t *act2 = act + ACT_BYTES(T);
    vi low[8], high[8];
    if (SUMS_APART(T)) return halves_k(qs, NULL, 0, scales, act, scaled, T);
    na low_sum[8], high_sum[8];
    FOR_T low_sum[t] = na_start(vi_splat(0)), high_sum[t] = na_start(vi_splat(0));
    UNROLL for (int v = 0; v < 8; v++) {
        vb raw = words(qs + v * 4 * NR, T), codes0 = vb_low4(raw), codes1 = vb_high4(raw);
        FOR_T {
            low_sum[t] = na_dot(low_sum[t], codes0, ACT_Q(act, T, v, t));
            high_sum[t] = na_dot(high_sum[t], codes1, ACT_Q(act2, T, v, t));
        }
    }
    FOR_T low[t] = na_end(low_sum[t], vi_splat(0)), high[t] = na_end(high_sum[t], vi_splat(0));
    add_scaled(scaled, low, vf_load_u8(scales), act, T);
    add_scaled(scaled, high, vf_load_u8(scales + NR), act2, T);
}

RZ_INLINE void tile_q4_k(const uint8_t *cell, const uint8_t *act, uint32_t cols,
                         const next_lines *next, vf *acc, const int T) {
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 256; b++, cell += 148 * NR) {
        fetch_next(cell, next, T);
        const uint8_t *scales = cell + 4 * NR, *mins = scales + 8 * NR, *qs = mins + 8 * NR;
        if (T == 1) rz_fetch_ahead(cell, 20 * NR);
        vf scaled[8], offset[8];
        offsets_k(mins, act, offset, T);
        FOR_T scaled[t] = vf_zero();
        for (int c = 0; c < 4; c++, act += 2 * ACT_BYTES(T)) {
            pair_q4_k(qs + c * 32 * NR, scales + 2 * c * NR, act, scaled, T);
        }
        add_block_k(acc, cell, scaled, offset, T);
    }
}

/* The same with a fifth bit: bits 2 c and 2 c + 1 of qh belong to pair c. */
RZ_INLINE void pair_q5_k(const uint8_t *qs, const uint8_t *qh, const uint8_t *scales, int c,
                         const uint8_t *act, vf *scaled, const int T) {
    vi low[8], high[8];
    if (SUMS_APART(T)) return halves_k(qs, qh, 2 * c, scales, act, scaled, T);
    FOR_T low[t] = high[t] = vi_splat(0);
    for (int half = 0; half < 2; half++, qs += 16 * NR, qh += 16 * NR) {
        const uint8_t *act1 = act + half * 4 * T * XK_BYTES, *act2 = act1 + ACT_BYTES(T);
        na low_sum[8], high_sum[8];
        FOR_T low_sum[t] = na_start(vi_splat(0)), high_sum[t] = na_start(vi_splat(0));
        UNROLL for (int v = 0; v < 4; v++) {
            vb raw = words(qs + v * 4 * NR, T);
            vb bits = vb_shift_down(vb_load(qh + v * 4 * NR), 2 * c);
            vb codes0 = vb_or(vb_low4(raw), vb_bit_at4(bits, 0));
            vb codes1 = vb_or(vb_high4(raw), vb_bit_at4(bits, 1));
            FOR_T {
                low_sum[t] = na_dot(low_sum[t], codes0, ACT_Q(act1, T, v, t));
                high_sum[t] = na_dot(high_sum[t], codes1, ACT_Q(act2, T, v, t));
            }
        }
        FOR_T {
            low[t] = vi_add(low[t], na_end(low_sum[t], vi_splat(0)));
            high[t] = vi_add(high[t], na_end(high_sum[t], vi_splat(0)));
        }
    }
    add_scaled(scaled, low, vf_load_u8(scales), act, T);
    add_scaled(scaled, high, vf_load_u8(scales + NR), act + ACT_BYTES(T), T);
}

RZ_INLINE void tile_q5_k(const uint8_t *cell, const uint8_t *act, uint32_t cols,
                         const next_lines *next, vf *acc, const int T) {
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 256; b++, cell += 180 * NR) {
        fetch_next(cell, next, T);
        const uint8_t *scales = cell + 4 * NR, *mins = scales + 8 * NR;
        const uint8_t *qh = mins + 8 * NR, *qs = qh + 32 * NR;
        if (T == 1) rz_fetch_ahead(cell, 52 * NR);
        vf scaled[8], offset[8];
        offsets_k(mins, act, offset, T);
        FOR_T scaled[t] = vf_zero();
        for (int c = 0; c < 4; c++, act += 2 * ACT_BYTES(T)) {
            pair_q5_k(qs + c * 32 * NR, qh, scales + 2 * c * NR, c, act, scaled, T);
        }
        add_block_k(acc, cell, scaled, offset, T);
    }
}

/* 16 columns of quarter i of one half of a block, whose words begin at q. */
RZ_INLINE void quarter_q6_k(const uint8_t *q, const uint8_t *scale, const uint8_t *act, int part,
                            vf *scaled, const int i, const int T) {
    vi sum[8];
    FOR_T sum[t] = vi_shl(vi_splat(ACT_NS16(act, T, part, t)), 5);
    UNROLL for (int v = 4 * part; v < 4 * part + 4; v++) {
        const uint8_t *at = q + v * 12 * NR;
        vb raw = vb_load(at + i % 2 * 4 * NR), high = vb_load(at + 8 * NR);
        vb codes = vb_or(i < 2 ? vb_low4(raw) : vb_high4(raw), vb_pair_at4(high, i));
        FOR_T sum[t] = vi_dot_u7(sum[t], codes, ACT_Q(act, T, v, t));
    }
    add_scaled(scaled, sum, vf_load_s8(scale), act, T);
}

/* The same of all quarters: one after the other where registers are few, else words are read once. */
RZ_INLINE void part_q6_k(const uint8_t *q, const uint8_t *scales, int part, const uint8_t *act,
                         vf *scaled, const int T) {
    if (T > 1) {
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
            quarter_q6_k(q, scales + (i * 2 + part) * NR, act + i * ACT_BYTES(T), part, scaled, i, T);
        }
        return;
    }
    vi sum[4];
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
        sum[i] = vi_shl(vi_splat(ACT_NS16(act + i * ACT_BYTES(1), 1, part, 0)), 5);
    }
    UNROLL for (int v = 4 * part; v < 4 * part + 4; v++) {
        const uint8_t *at = q + v * 12 * NR;
        vb raw0 = words(at, 1), raw1 = words(at + 4 * NR, 1), high = words(at + 8 * NR, 1);
        vb codes[4] = {vb_or(vb_low4(raw0), vb_pair_at4(high, 0)),
                       vb_or(vb_low4(raw1), vb_pair_at4(high, 1)),
                       vb_or(vb_high4(raw0), vb_pair_at4(high, 2)),
                       vb_or(vb_high4(raw1), vb_pair_at4(high, 3))};
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
            sum[i] = vi_dot_u7(sum[i], codes[i], ACT_Q(act + i * ACT_BYTES(1), 1, v, 0));
        }
    }
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
        add_scaled(scaled, &sum[i], vf_load_s8(scales + (i * 2 + part) * NR), act + i * ACT_BYTES(1), 1);
    }
}

RZ_INLINE void tile_q6_k(const uint8_t *cell, const uint8_t *act, uint32_t cols,
                         const next_lines *next, vf *acc, const int T) {
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 256; b++, cell += 210 * NR) {
        fetch_next(cell, next, T);
        const uint8_t *scales = cell + 2 * NR, *q = cell + 18 * NR;
        if (T == 1) rz_fetch_ahead(cell, 18 * NR);
        vf scaled[8];
        FOR_T scaled[t] = vf_zero();
        for (int half = 0; half < 2; half++, act += 4 * ACT_BYTES(T)) {
            UNROLL for (int part = 0; part < 2; part++) {
                part_q6_k(q + half * 96 * NR, scales + half * 8 * NR, part, act, scaled, T);
            }
        }
        vf d = vf_load_f16(cell);
        FOR_T acc[t] = vf_madd(d, scaled[t], acc[t]);
        settle(acc, T);
    }
}

/* Float weights: columns are tokens of x in the same tile order. */
#define TILE_FLOAT(name, bytes, load)                                                              \
    RZ_INLINE void tile_##name(const uint8_t *w, const float *x, uint32_t cols,                    \
                               const next_lines *next, vf *out, const int T) {                     \
        (void)next;                                                                                \
        vf acc[8];                                                                                 \
        FOR_T acc[t] = vf_zero();                                                                  \
        for (uint32_t k = 0; k < cols; k++, w += (bytes) * NR, x += T) {                           \
            vf wk = load;                                                                          \
            FOR_T acc[t] = vf_madd(wk, vf_splat(x[t]), acc[t]);                                    \
        }                                                                                          \
        FOR_T out[t] = acc[t];                                                                     \
    }                                                                                              \
    /* One token and 4 groups: a group alone would wait for its own sums. */                       \
    static void fours_##name(const rz_mat *m, uint32_t g, const float *x, float *y) {              \
        const uint8_t *group = m->data + g * m->group_bytes;                                       \
        vf acc[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};                                  \
        for (uint32_t k = 0; k < m->cols; k++, group += (bytes) * NR) {                            \
            _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {                                  \
                const uint8_t *w = group + i * m->group_bytes;                                     \
                acc[i] = vf_madd(load, vf_splat(x[k]), acc[i]);                                    \
            }                                                                                      \
        }                                                                                          \
        for (int i = 0; i < 4; i++) vf_store(y + (g + (uint32_t)i) * NR, acc[i]);                  \
    }
TILE_FLOAT(f32, 4, vf_load((const float *)w))
TILE_FLOAT(f16, 2, vf_load_f16(w))
TILE_FLOAT(bf16, 2, vf_load_bf16(w))

#define FOURS(name)                                                                                \
    for (; x->n == 1 && g0 + 4 <= g1; g0 += 4) fours_##name(w, g0, x->f32, y)
#define MATMUL_FLOAT(name)                                                                         \
    ONE_BY_ONE(name, float)                                                                        \
    GROUPS_OF(name, float, x->f32, F32_STEP, 0)                                                    \
    MATMUL(SHARED_FN void SHARED(matmul_##name), name, 0, FOURS(name))
#define MATMUL_CODES(name, cell)                                                                   \
    ONE_BY_ONE(name, uint8_t)                                                                      \
    GROUPS_OF(name, uint8_t, x->q8, Q8_STEP, cell)                                                 \
    MATMUL(SHARED_FN void SHARED(matmul_##name), name, 0, )
MATMUL_FLOAT(f32)
MATMUL_FLOAT(f16)
MATMUL_FLOAT(bf16)
GROUPS_OF(q4_0, uint8_t, x->q8, Q8_STEP, 18)
MATMUL(SHARED_FN void SHARED(matmul_q4_0), q4_0, PAIRS, )
MATMUL_CODES(q4_1, 20)
MATMUL_CODES(q5_0, 22)
MATMUL_CODES(q5_1, 24)
MATMUL_CODES(q4_k, 148)
MATMUL_CODES(q5_k, 180)
MATMUL_CODES(q6_k, 210)
