/*
 * matmul_q8.inc.c: matrix products with Q8_0. Whole bytes are what tables of relaxed SIMD differ in, so it has a
 * file of its own. Included once per table.
 */

RZ_INLINE void tile_q8_0(const uint8_t *cell, const uint8_t *act, uint32_t cols, vf *acc,
                         const int T) {
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 32; b++, cell += 34 * NR, act += ACT_BYTES(T)) {
        vi sum[8];
        FOR_T sum[t] = W8_BIAS ? vi_shl(vi_splat(ACT_NS(act, T, t)), 7) : vi_splat(0);
        UNROLL for (int v = 0; v < 8; v++) {
            if (T == 1) rz_fetch_ahead(cell + 2 * NR + v * 4 * NR, 4 * NR);
            w8 w = w8_load(cell + 2 * NR + v * 4 * NR);
            FOR_T sum[t] = vi_dot_w8(sum[t], w, ACT_Q(act, T, v, t));
        }
        add_scaled(acc, sum, vf_load_f16(cell), act, T);
    }
}

MATMUL(static void matmul_q8_0, q8_0, uint8_t, x->q8, Q8_STEP, )
