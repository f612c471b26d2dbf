/*
 * panel.inc.c: matrix products that unpack up to 256 columns of a group, a panel, for all tokens, and the one with floats,
 * which does without the byte dot product. Included once per table, or once for all of them, after tile.inc.c and
 * unpack.inc.c.
 */

/* Groups g0 <= g < g1. Sums wait in y from panel to panel. */
SHARED_FN void SHARED(multiply_panels)(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y, size_t ldy,
                                       const rz_panel_kind *kind) {
    const rz_dtype *type = rz_dtype_get(w->dtype);
    rz_panel p;
    for (uint32_t g = g0; g < g1; g++) {
        const uint8_t *cell = w->data + g * w->group_bytes, *next;
        for (uint32_t k = 0, width; k < w->cols; k += width, cell = next) {
            width = rz_min_u32(RZ_BLOCK_MAX, w->cols - k);
            next = kind->unpack(&p, type, cell, width);
            rz_fetch(cell + w->group_bytes, rz_ceil_div((uint32_t)(next - cell), 64));
            kind->multiply(&p, k, width, x, y + (size_t)g * NR, ldy);
        }
    }
}

/* A tile of floats; x is [column][token]. */
RZ_INLINE void tile_floats(const rz_panel *p, uint32_t width, const float *x, vf *acc, const int T) {
    const uint8_t *codes = p->codes;
    for (uint32_t i = 0; i < width / 16; i++) {
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
}

PANEL_KIND(floats, float, x->f32, 32 * sizeof(float), true, SHARED(unpack_blocks))

SHARED_FN void SHARED(matmul_mxfp4)(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x,
                                     float *y, size_t ldy) {
    SHARED(multiply_panels)(w, g0, g1, x, y, ldy, &kind_floats);
}
