/* kv.c: see kv.h. */
#include "kv.h"

void rz_kv_layout(rz_kv *kv, rz_arena *a, const rz_model *m, uint32_t type, uint32_t n_ctx) {
    const rz_config *c = &m->config;
    *kv = (rz_kv){.type = type,
                  .lost = UINT32_MAX,
                  .nr = m->kern->nr,
                  .n_ctx = rz_round_up(n_ctx, m->kern->nr),
                  .head_dim = c->head_dim,
                  .n_head_kv = c->n_head_kv,
                  .v_width = rz_round_up(c->head_dim, m->kern->nr)};
    kv->k_head = (uint64_t)kv->n_ctx * kv->head_dim;
    kv->v_head = (uint64_t)kv->n_ctx * kv->v_width;
    uint64_t heads = (uint64_t)c->n_layer * c->n_head_kv;
    kv->k = rz_arena_take(a, heads, kv->k_head * rz_kv_element(kv));
    kv->v = rz_arena_take(a, heads, kv->v_head * rz_kv_element(kv));
}

/* False if a half cannot hold x: too large, or NaN. */
static bool store(const rz_kv *kv, uint8_t *p, size_t i, float x) {
    if (kv->type == RZ_KV_F16) {
        uint16_t half = rz_f16_from_f32(x);
        rz_store_u16(p + 2 * i, half);
        return (half & 0x7c00) != 0x7c00;
    }
    memcpy(p + 4 * i, &x, 4);
    return true;
}

void rz_kv_append(rz_kv *kv, uint32_t layer, uint32_t position, const float *k, const float *v) {
    const size_t group = (size_t)(position / kv->nr) * kv->head_dim * kv->nr;
    const size_t row = (size_t)position * kv->v_width;
    bool fits = true;
    for (uint32_t h = 0; h < kv->n_head_kv; h++, k += kv->head_dim, v += kv->head_dim) {
        uint8_t *kh = rz_kv_k(kv, layer, h), *vh = rz_kv_v(kv, layer, h);
        for (uint32_t d = 0; d < kv->head_dim; d++) {
            fits &= store(kv, kh, group + (size_t)d * kv->nr + position % kv->nr, k[d]);
            fits &= store(kv, vh, row + d, v[d]);
        }
        for (uint32_t d = kv->head_dim; d < kv->v_width; d++) store(kv, vh, row + d, 0);
    }
    if (!fits) kv->lost = rz_min_u32(kv->lost, position);
}
