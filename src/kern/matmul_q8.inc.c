/*
 * matmul_q8.inc.c: matrix products with Q8_0. Whole bytes are what tables of relaxed SIMD differ in, so it has a
 * file of its own. Included once per table.
 */

RZ_INLINE void tiles_q8_0(const uint8_t *cell, size_t stride, const uint8_t *act, uint32_t cols,
                          const next_lines *next, vf *acc, const int T, const int G) {
    for (uint32_t b = 0; b < cols / 32; b++, cell += 34 * NR, act += ACT_BYTES(T)) {
        const uint8_t *words = cell + 2 * NR, *x = ACT_WORDS(act, T, 0);
        FOR_G fetch_next(cell + g * stride, next, T);
        vi sum[16];
        FOR_G FOR_T sum[g * T + t] = W8_BIAS ? vi_shl(vi_splat(ACT_NS(act, T, t)), 7) : vi_splat(0);
        UNROLL for (const uint8_t *q = words; q < words + 32 * NR; q += 4 * NR, x += XK_BYTES) {
            w8 w[SIDE_BY_SIDE];
            if (T == 1) FOR_G rz_fetch_ahead(q + g * stride, 4 * NR);
            FOR_G w[g] = w8_load(q + g * stride);
            FOR_T FOR_G sum[g * T + t] = vi_dot_w8(sum[g * T + t], w[g], ACT_Q(x, t));
        }
        FOR_G add_scaled(acc + g * T, sum + g * T, vf_load_f16(cell + g * stride), act, T);
    }
}

MATMUL_CODES(static void matmul_q8_0, q8_0, PAIRS, 34)
