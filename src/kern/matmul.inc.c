/*
 * matmul.inc.c: matrix products of float weights and of codes of 4 bits. Included once per table.
 * Each body follows the scalar one of the same name.
 */

/* start plus the sums of the codes of 4 bits of 32 columns. */
RZ_INLINE void sum_q4(const uint8_t *qs, size_t stride, const uint8_t *act, const vi *start, vi *out,
                      const int T, const int G) {
    na sum[16];
    FOR_G FOR_T sum[g * T + t] = na_start(start[t]);
    const uint8_t *end = qs + 16 * NR, *x = ACT_WORDS(act, T, 0);
    UNROLL for (const uint8_t *q = qs; q < end; q += 4 * NR, x += XK_BYTES) {
        vb raw[SIDE_BY_SIDE], codes[SIDE_BY_SIDE];
        FOR_G raw[g] = words(q + g * stride, T), codes[g] = vb_low4(raw[g]);
        FOR_T FOR_G sum[g * T + t] = na_dot(sum[g * T + t], codes[g], ACT_Q(x, t));
        if (SUMS_APART(T)) continue;
        FOR_G codes[g] = vb_high4(raw[g]);
        FOR_T FOR_G sum[g * T + t] = na_dot(sum[g * T + t], codes[g], ACT_Q(x + 4 * XK_BYTES, t));
    }
    UNROLL for (const uint8_t *q = qs; SUMS_APART(T) && q < end; q += 4 * NR, x += XK_BYTES) {
        vb high = vb_high4(vb_load(q));
        FOR_T sum[t] = na_dot(sum[t], high, ACT_Q(x, t));
    }
    FOR_G FOR_T out[g * T + t] = na_end(sum[g * T + t], start[t]);
}

RZ_INLINE void tiles_q4_0(const uint8_t *cell, size_t stride, const uint8_t *act, uint32_t cols,
                          const next_lines *next, vf *acc, const int T, const int G) {
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
    for (uint32_t b = 0; b < cols / 32; b++, cell += 20 * NR, act += ACT_BYTES(T)) {
        fetch_next(cell, next, T);
        vi zero[8], sum[8];
        FOR_T zero[t] = vi_splat(0);
        sum_q4(cell + 4 * NR, 0, act, zero, sum, T, 1);
        add_scaled(acc, sum, vf_load_f16(cell), act, T);
        add_minima(acc, vf_load_f16(cell + 2 * NR), act, T);
    }
}

/* The activations' sums of 8 groups of 32 columns times their minima. */
RZ_INLINE void offsets_k(const uint8_t *mins, const uint8_t *act, vf *offset, const int T) {
    vf sum[8];
    FOR_T sum[t] = vf_zero();
    UNROLL for (int j = 0; j < 8; j++, act += ACT_BYTES(T)) {
        sum_minima(sum, vf_load_u8(mins + j * NR), act, T);
    }
    FOR_T offset[t] = sum[t];
    settle(offset, T);
}

/* acc += d * scaled - dmin * offset, of a block of 256 columns */
RZ_INLINE void add_block_k(vf *acc, vf d, vf dmin, const vf *scaled, const vf *offset, const int T) {
    FOR_T acc[t] = vf_nmadd(dmin, offset[t], vf_madd(d, scaled[t], acc[t]));
    settle(acc, T);
}

/* Two groups of 32 columns, in the low and the high nibbles of the same bytes, times their scales: one after the
 * other, where registers are few. */
RZ_INLINE void pair_q4_k(const uint8_t *qs, const uint8_t *scales, const uint8_t *act, vf *scaled,
                         const int T) {
    const uint8_t *end = qs + 32 * NR, *act2 = act + ACT_BYTES(T);
    const uint8_t *x = ACT_WORDS(act, T, 0), *x2 = ACT_WORDS(act2, T, 0);
    vi low[8], high[8];
    na low_sum[8], high_sum[8];
    FOR_T low_sum[t] = na_start(vi_splat(0));
    if (!SUMS_APART(T)) FOR_T high_sum[t] = na_start(vi_splat(0));
    UNROLL for (const uint8_t *q = qs; q < end; q += 4 * NR, x += XK_BYTES) {
        vb raw = words(q, T), codes = vb_low4(raw);
        FOR_T low_sum[t] = na_dot(low_sum[t], codes, ACT_Q(x, t));
        if (SUMS_APART(T)) continue;
        codes = vb_high4(raw);
        FOR_T high_sum[t] = na_dot(high_sum[t], codes, ACT_Q(x2, t));
        x2 += XK_BYTES;
    }
    FOR_T low[t] = na_end(low_sum[t], vi_splat(0));
    add_scaled(scaled, low, vf_load_u8(scales), act, T);
    if (SUMS_APART(T)) FOR_T high_sum[t] = na_start(vi_splat(0));
    UNROLL for (const uint8_t *q = qs; SUMS_APART(T) && q < end; q += 4 * NR, x2 += XK_BYTES) {
        vb codes = vb_high4(vb_load(q));
        FOR_T high_sum[t] = na_dot(high_sum[t], codes, ACT_Q(x2, t));
    }
    FOR_T high[t] = na_end(high_sum[t], vi_splat(0));
    add_scaled(scaled, high, vf_load_u8(scales + NR), act2, T);
}

RZ_INLINE void tile_q4_k(const uint8_t *cell, const uint8_t *act, uint32_t cols,
                         const next_lines *next, vf *acc, const int T) {
    for (uint32_t b = 0; b < cols / 256; b++, cell += 148 * NR) {
        fetch_next(cell, next, T);
        const uint8_t *scales = cell + 4 * NR, *mins = scales + 8 * NR, *qs = mins + 8 * NR;
        vf scaled[8], offset[8];
        offsets_k(mins, act, offset, T);
        FOR_T scaled[t] = vf_zero();
        for (int c = 0; c < 4; c++, act += 2 * ACT_BYTES(T)) {
            pair_q4_k(qs + c * 32 * NR, scales + 2 * c * NR, act, scaled, T);
        }
        add_block_k(acc, vf_load_scales(cell), vf_load_scales(cell + 2 * NR), scaled, offset, T);
    }
}

/* Two groups of 32 columns of a block, of one token. */
RZ_INLINE vf quarter_q4_k(const uint8_t *cell, const uint8_t *act, int quarter, vf scaled) {
    if (quarter == 0) rz_fetch_ahead(cell, 20 * NR);
    pair_q4_k(cell + (20 + quarter * 32) * NR, cell + (4 + 2 * quarter) * NR, act + 2 * quarter * ACT_BYTES(1), &scaled, 1);
    return scaled;
}

/* The end of a block of Q4_K and Q5_K, of one token; once for both. */
static __attribute__((noinline)) void end_k(const uint8_t *cell, const uint8_t *act, const float *scaled, float *y) {
    vf offset, sum = vf_load(scaled), acc = vf_load(y);
    offsets_k(cell + 12 * NR, act, &offset, 1);
    add_block_k(&acc, vf_load_scales(cell), vf_load_scales(cell + 2 * NR), &sum, &offset, 1);
    vf_store(y, acc);
}

/* Float weights: columns are tokens of x in the same tile order. */
#define TILE_FLOAT(name, bytes, load)                                                              \
    RZ_INLINE void tile_##name(const uint8_t *w, const float *x, uint32_t cols,                    \
                               const next_lines *next, vf *out, const int T) {                     \
        (void)next;                                                                                \
        vf acc[8];                                                                                 \
        FOR_T acc[t] = out[t];                                                                     \
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
    GROUPS_OF(name, float, x->f32, F32_STEP, 0, true)                                              \
    MATMUL(SHARED_FN void SHARED(matmul_##name), name, 0, FOURS(name))
MATMUL_FLOAT(f32)
MATMUL_FLOAT(f16)
MATMUL_FLOAT(bf16)
MATMUL_CODES(SHARED_FN void SHARED(matmul_q4_0), q4_0, PAIRS, 18)
ONE_BY_ONE(q4_1, uint8_t)
MATMUL_CODES(SHARED_FN void SHARED(matmul_q4_1), q4_1, 0, 20)
STRIP_OF_256(q4_k, end_k)
ONE_BY_ONE(q4_k, uint8_t)
GROUPS_OF(q4_k, uint8_t, x->q8, Q8_STEP, 148, false)
MATMUL(SHARED_FN void SHARED(matmul_q4_k), q4_k, 0, LAST_TOKEN(q4_k))
