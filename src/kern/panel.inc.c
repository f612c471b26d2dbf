/*
 * panel.inc.c: what matrix products of the types that are packed as whole blocks do without the byte
 * dot product: unpacking a panel (see blocks.inc.c), and its product with floats. Included once per
 * table, or once for all of them, after tile.inc.c.
 */

/* Unpacks `width` columns of a group, whose blocks begin at `block`; returns where the next ones do. */
SHARED_FN const uint8_t *SHARED(unpack_panel)(rz_panel *p, const rz_dtype *type, const uint8_t *block,
                                              uint32_t width) {
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

/* Adds `cols` columns times T tokens to y, of which `live` are wanted; x is [column][token]. */
RZ_INLINE void panel_f32(const rz_panel *p, uint32_t cols, const float *x, float *y, size_t ldy,
                         int live, bool first, const int T) {
    const uint8_t *codes = p->codes;
    vf acc[8];
    FOR_T acc[t] = first || t >= live ? vf_zero() : vf_load(y + t * ldy);
    for (uint32_t i = 0; i < cols / 16; i++) {
        vf sum[8];
        FOR_T sum[t] = vf_zero();
        for (int v = 0; v < 4; v++, codes += 4 * NR) {
            vb four = vb_load(codes);
            for (int j = 0; j < 4; j++, x += T) {
                vf w = vf_from_byte(four, j);
                FOR_T sum[t] = vf_madd(w, vf_splat(x[t]), sum[t]);
            }
        }
        vf scale = vf_load(p->factors + i * NR);
        FOR_T acc[t] = vf_madd(sum[t], scale, acc[t]);
        settle(acc, T);
    }
    FOR_T if (t < live) vf_store(y + t * ldy, acc[t]);
}

SHARED_FN void SHARED(matmul_mxfp4)(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x,
                                     float *y, size_t ldy) {
    for (uint32_t g = g0; g < g1; g++) {
        const uint8_t *block = w->data + g * w->group_bytes;
        for (uint32_t k = 0, width; k < w->cols; k += width) {
            rz_panel p;
            width = rz_min_u32(RZ_BLOCK_MAX, w->cols - k);
            block = SHARED(unpack_panel)(&p, rz_dtype_get(w->dtype), block, width);
            for (uint32_t t0 = 0; t0 < x->n; t0 += TILE) {
                int live = (int)rz_min_u32(TILE, x->n - t0);
                float *sums = y + t0 * ldy + (size_t)g * NR;
                const float *tile = x->f32 + (size_t)t0 * x->cols;
                if (live > NARROW) {
                    panel_f32(&p, width, tile + k * TILE, sums, ldy, live, k == 0, TILE);
                } else if (NARROW > 1 && live > 1) {
                    panel_f32(&p, width, tile + k * NARROW, sums, ldy, live, k == 0, NARROW);
                } else {
                    panel_f32(&p, width, tile + k, sums, ldy, live, k == 0, 1);
                }
            }
        }
    }
}
