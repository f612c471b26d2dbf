/*
 * blocks.inc.c: matrix products of the types that are packed as whole blocks. Included once per
 * table, after tile.inc.c and panel.inc.c.
 *
 * A panel of at most 256 columns of one group is unpacked to signed bytes on the stack, interleaved
 * like Q8_0, and then multiplied with all tokens; their sums wait in y from panel to panel. Every
 * 16 columns have a scale (and a minimum), so that one body serves all types but those that take floats.
 */

/* Adds `blocks` times 32 columns of T tokens to y, of which `live` are wanted. */
RZ_INLINE void tile_panel(const rz_panel *p, bool minima, uint32_t blocks, const uint8_t *act,
                          float *y, size_t ldy, int live, bool first, const int T) {
    vf acc[8];
    FOR_T acc[t] = first || t >= live ? vf_zero() : vf_load(y + t * ldy);
    const uint8_t *codes = p->codes;
    const float *factors = p->factors;
    for (uint32_t b = 0; b < blocks; b++, act += ACT_BYTES(T)) {
        for (int half = 0; half < 2; half++, codes += 16 * NR, factors += NR) {
            const uint8_t *act_half = act + half * 4 * T * XK_BYTES;
            vi sum[8];
            FOR_T sum[t] = vi_splat(W8_BIAS ? W8_BIAS * ACT_NS16(act, T, half, t) : 0);
            UNROLL for (int v = 0; v < 4; v++) {
                w8 w = w8_load_signed(codes + v * 4 * NR);
                FOR_T sum[t] = vi_dot_w8(sum[t], w, ACT_Q(act_half, T, v, t));
            }
            vf scale = vf_load(factors);
            FOR_T acc[t] = vf_madd(vf_from_i(sum[t]), vf_mul(scale, vf_splat(ACT_D(act, T, t))),
                                   acc[t]);
            if (!minima) continue;
            vf min = vf_load(factors + RZ_BLOCK_MAX / 16 * NR);
            FOR_T acc[t] = vf_madd(
                min, vf_splat(ACT_D(act, T, t) * (float)ACT_NS16(act, T, half, t)), acc[t]);
        }
    }
    FOR_T if (t < live) vf_store(y + t * ldy, acc[t]);
}

/* Not worth a copy for each place they are called from. */
static __attribute__((noinline)) void tile_panel_many(const rz_panel *p, bool minima,
                                                      uint32_t blocks, const uint8_t *act, float *y,
                                                      size_t ldy, int live, bool first) {
    tile_panel(p, minima, blocks, act, y, ldy, live, first, TILE);
}
static __attribute__((noinline, unused)) void tile_panel_few(const rz_panel *p, bool minima, uint32_t blocks,
                                                             const uint8_t *act, float *y, size_t ldy, int live,
                                                             bool first) {
    tile_panel(p, minima, blocks, act, y, ldy, live, first, NARROW);
}
static __attribute__((noinline)) void tile_panel_one(const rz_panel *p, bool minima,
                                                     uint32_t blocks, const uint8_t *act, float *y,
                                                     bool first) {
    tile_panel(p, minima, blocks, act, y, 0, 1, first, 1);
}

/* All tokens times the panel of columns k to k + width of a group; y is the group's. */
static void multiply_panel(const rz_panel *p, bool minima, uint32_t k, uint32_t width,
                           const rz_act *x, float *y, size_t ldy) {
    const size_t token_bytes = (size_t)x->cols / 32 * ACT_BYTES(1), before = k / 32 * ACT_BYTES(1);
    uint32_t t0 = 0;
    for (; x->n - t0 > NARROW; t0 += rz_min_u32(TILE, x->n - t0)) {
        tile_panel_many(p, minima, width / 32, x->q8 + t0 * token_bytes + TILE * before,
                        y + t0 * ldy, ldy, (int)rz_min_u32(TILE, x->n - t0), k == 0);
    }
    if (NARROW > 1 && x->n - t0 > 1) {
        tile_panel_few(p, minima, width / 32, x->q8 + t0 * token_bytes + NARROW * before, y + t0 * ldy, ldy,
                       (int)(x->n - t0), k == 0);
    } else if (t0 < x->n) {
        tile_panel_one(p, minima, width / 32, x->q8 + t0 * token_bytes + before, y + t0 * ldy,
                       k == 0);
    }
}

static void matmul_blocks(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y,
                          size_t ldy) {
    const rz_dtype *type = rz_dtype_get(w->dtype);
    for (uint32_t g = g0; g < g1; g++) {
        const uint8_t *block = w->data + g * w->group_bytes;
        for (uint32_t k = 0, width; k < w->cols; k += width) {
            rz_panel p;
            width = rz_min_u32(RZ_BLOCK_MAX, w->cols - k);
            block = SHARED(unpack_panel)(&p, type, block, width);
            multiply_panel(&p, type->minima, k, width, x, y + (size_t)g * NR, ldy);
        }
    }
}
