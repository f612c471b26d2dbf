/*
 * blocks.inc.c: matrix products of the types that are packed as whole blocks. Included once per
 * table, after tile.inc.c and panel.inc.c.
 *
 * Their panels hold signed bytes, interleaved like Q8_0. Every 16 columns have a scale (and a
 * minimum), so that one body serves all types but those that take floats.
 */

RZ_INLINE void tile_blocks(const rz_panel *p, uint32_t width, const uint8_t *act, vf *acc, const int T) {
    const uint8_t *codes = p->codes;
    const float *factors = p->factors;
    for (uint32_t b = 0; b < width / 32; b++, act += ACT_BYTES(T)) {
        for (int half = 0; half < 2; half++, codes += 16 * NR, factors += NR) {
            const uint8_t *x = ACT_WORDS(act, T, 4 * half);
            vi sum[8];
            FOR_T sum[t] = vi_splat(W8_BIAS ? W8_BIAS * ACT_NS16(act, T, half, t) : 0);
            UNROLL for (const uint8_t *q = codes; q < codes + 16 * NR; q += 4 * NR, x += XK_BYTES) {
                w8 w = w8_load_signed(q);
                FOR_T sum[t] = vi_dot_w8(sum[t], w, ACT_Q(x, t));
            }
            vf scale = vf_load(factors);
            FOR_T acc[t] = vf_madd(vf_from_i(sum[t]), vf_mul(scale, vf_splat(ACT_D(act, T, t))),
                                   acc[t]);
            if (!p->minima) continue;
            vf min = vf_load(factors + RZ_BLOCK_MAX / 16 * NR);
            FOR_T acc[t] = vf_madd(
                min, vf_splat(ACT_D(act, T, t) * (float)ACT_NS16(act, T, half, t)), acc[t]);
        }
    }
}
PANEL_KIND(blocks, uint8_t, x->q8, ACT_BYTES(1), true, SHARED(unpack_blocks))

static void matmul_blocks(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y,
                          size_t ldy) {
    SHARED(multiply_panels)(w, g0, g1, x, y, ldy, &kind_blocks);
}
