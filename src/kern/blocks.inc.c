/*
 * blocks.inc.c: matrix products of the types that have none of their own. Included once per
 * table, after tile.inc.c, unpack.inc.c and panel.inc.c.
 *
 * Their panels hold signed bytes, interleaved like Q8_0. Every 16 columns have a scale (and a
 * minimum), so that one body serves all types but those that take floats.
 */

/* acc += min * (d * ns), ns of the lower or the upper 16 columns. Tokens are the lanes of a vector, which reads into the words
 * that follow those of a tile; with one token they may be those behind the last block. */
RZ_INLINE void sum_minima_of_16(vf *acc, vf min, const uint8_t *act, uint32_t upper, const int T) {
    float sums[NR];
    if (T == 1) {
        sums[0] = ACT_D(act, 1, 0) * (float)ACT_NS16(act, 1, upper, 0);
    } else {
        const float *words = (const float *)act; /* d[T], ds[T] and, which are integers, ns[T], ns_upper[T] */
        const vf ns = vf_from_i(vf_bits(vf_load(words + 2 * T))), ns_upper = vf_from_i(vf_bits(vf_load(words + 3 * T)));
        vf_store(sums, vf_mul(vf_load(words), upper ? ns_upper : vf_sub(ns, ns_upper)));
    }
    FOR_T acc[t] = vf_madd(min, vf_splat(sums[t]), acc[t]);
}

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
            if (p->minima) sum_minima_of_16(acc, vf_load(factors + RZ_BLOCK_MAX / 16 * NR), act, (uint32_t)half, T);
        }
    }
}
PANEL_KIND(blocks, uint8_t, x->q8, ACT_BYTES(1), true, SHARED(unpack_blocks))

static void matmul_blocks(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y,
                          size_t ldy) {
    SHARED(multiply_panels)(w, g0, g1, x, y, ldy, &kind_blocks);
}
