/* kv.c: see kv.h. */
#include "kv.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kern/kv_i16.h"

enum { Q8_BLOCK = 32, Q8_FILE_BYTES = 34 };

void rz_kv_layout(rz_kv *kv, rz_arena *a, const rz_model *m, uint32_t type, uint32_t n_ctx) {
    const rz_config *c = &m->config;
    const uint32_t nr = m->kern->nr;
    if (type == RZ_KV_F16 && m->kern->kv_i16) type = RZ_KV_I16;
    *kv = (rz_kv){.type = type,
                  .lost = UINT32_MAX,
                  .nr = nr,
                  .n_ctx = rz_round_up(n_ctx, rz_kv_of_integers(type) ? RZ_KEY_BLOCK : nr),
                  .head_dim = c->head_dim,
                  .n_head_kv = c->n_head_kv,
                  .v_width = rz_round_up(c->head_dim, nr),
                  .flip = m->kern->flip};
    if (type == RZ_KV_Q8_0) {
        kv->k_group = (uint64_t)kv->head_dim / Q8_BLOCK * Q8_FILE_BYTES * nr;
        kv->v_row = (uint64_t)kv->head_dim / Q8_BLOCK * RZ_VALUE_BLOCK / RZ_KEY_BLOCK;
    } else if (type == RZ_KV_I16) {
        kv->k_group = (uint64_t)rz_i16_row(kv->head_dim) * nr;
        kv->v_row = rz_i16_values(kv->v_width) / RZ_KEY_BLOCK;
    } else {
        const uint32_t element = type == RZ_KV_F16 ? 2 : 4;
        kv->k_group = (uint64_t)kv->head_dim * nr * element;
        kv->v_row = (uint64_t)kv->v_width * element;
    }
    kv->k_head = kv->n_ctx / nr * kv->k_group;
    kv->v_head = kv->n_ctx * kv->v_row;
    uint64_t heads = (uint64_t)c->n_layer * c->n_head_kv;
    kv->k = rz_arena_take(a, heads, kv->k_head);
    kv->v = rz_arena_take(a, heads, kv->v_head);
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

#if defined(__x86_64__)
/* Whether halves are converted eight at a time. Every processor with AVX2 has F16C, which older compilers do not ask for. */
static bool can_store_halves(const rz_kv *kv) {
    return kv->type == RZ_KV_F16 && kv->v_width == kv->head_dim && __builtin_cpu_supports("avx2");
}

/* A head's key into lane `lane` of its group, its value into its row. */
__attribute__((target("f16c"))) static bool store_halves(const rz_kv *kv, uint8_t *group, uint32_t lane, uint8_t *row,
                                                         const float *k, const float *v) {
    const __m128i infinity = _mm_set1_epi16(0x7c00);
    __m128i lost = _mm_setzero_si128();
    for (uint32_t d = 0; d < kv->head_dim; d += 8) {
        const __m128i key = _mm256_cvtps_ph(_mm256_loadu_ps(k + d), _MM_FROUND_TO_NEAREST_INT);
        const __m128i value = _mm256_cvtps_ph(_mm256_loadu_ps(v + d), _MM_FROUND_TO_NEAREST_INT);
        uint8_t halves[16];
        _mm_storeu_si128((__m128i *)halves, key);
        for (uint32_t i = 0; i < 8; i++) memcpy(group + 2 * ((d + i) * kv->nr + lane), halves + 2 * i, 2);
        _mm_storeu_si128((__m128i *)(row + 2 * d), value);
        lost = _mm_or_si128(lost, _mm_cmpeq_epi16(_mm_and_si128(key, infinity), infinity));
        lost = _mm_or_si128(lost, _mm_cmpeq_epi16(_mm_and_si128(value, infinity), infinity));
    }
    return _mm_movemask_epi8(lost) == 0;
}
#endif

/* The same of floats or halves. */
static bool store_floats(const rz_kv *kv, uint8_t *group, uint32_t lane, uint8_t *row,
                         const float *k, const float *v) {
#if defined(__x86_64__)
    if (can_store_halves(kv)) return store_halves(kv, group, lane, row, k, v);
#endif
    bool fits = true;
    for (uint32_t d = 0; d < kv->head_dim; d++) {
        fits &= store(kv, group, (size_t)d * kv->nr + lane, k[d]);
        fits &= store(kv, row, d, v[d]);
    }
    for (uint32_t d = kv->head_dim; d < kv->v_width; d++) store(kv, row, d, 0);
    return fits;
}

/* One block of a key as Q8_0, its words nr words apart. */
static void store_key_block(const rz_kv *kv, uint8_t *cell, uint32_t lane, const uint8_t *block) {
    uint8_t *words = cell + 2 * kv->nr + 4 * lane;
    memcpy(cell + 2 * lane, block, 2);
    for (uint32_t i = 0; i < Q8_BLOCK; i += 4) {
        rz_store_u32(words + i * kv->nr, rz_load_u32(block + 2 + i) ^ kv->flip * 0x01010101u);
    }
}

/* 32 dimensions of the value of key `key` of a block of keys. */
static void store_value_block(const rz_kv *kv, uint8_t *values, uint32_t key, const uint8_t *block) {
    if (key == 0) memset(values, 0, RZ_VALUE_CODES);
    rz_store_u32(values + 4 * key, rz_bits_from_f32(rz_f32_from_f16(rz_load_u16(block))));
    for (uint32_t d = 0; d < Q8_BLOCK; d += kv->nr) { /* a group, because dividing takes long */
        uint8_t *codes = values + rz_value_code(kv->nr, key, d);
        for (uint32_t i = 0; i < kv->nr; i++) codes[4 * i] = block[2 + d + i];
    }
}

static bool store_q8(const rz_kv *kv, uint8_t *group, uint32_t lane, uint8_t *values, uint32_t key,
                     const float *k, const float *v) {
    bool fits = true;
    for (uint32_t d = 0; d < kv->head_dim; d += Q8_BLOCK) {
        uint8_t block[Q8_FILE_BYTES] = {0};
        fits &= rz_quantize(RZ_DT_Q8_0, k + d, Q8_BLOCK, block, NULL) == RZ_OK;
        store_key_block(kv, group, lane, block);
        memset(block, 0, sizeof block);
        fits &= rz_quantize(RZ_DT_Q8_0, v + d, Q8_BLOCK, block, NULL) == RZ_OK;
        store_value_block(kv, values, key, block);
        group += (size_t)Q8_FILE_BYTES * kv->nr;
        values += RZ_VALUE_BLOCK;
    }
    return fits;
}

static bool store_scale(uint8_t *p, float scale) {
    rz_store_u32(p, rz_bits_from_f32(scale == scale ? scale : 0));
    return scale == scale;
}

/* A head's key into lane `lane` of its group, its value among those of a block of keys. */
static bool store_i16(const rz_kv *kv, uint8_t *group, uint32_t lane, uint8_t *values, uint32_t key,
                      const float *k, const float *v) {
    const uint32_t n = kv->head_dim, nr = kv->nr;
    const rz_i16_unit ku = rz_i16_unit_of(k, n), vu = rz_i16_unit_of(v, n);
    if (key == 0) memset(values, 0, RZ_VALUE_CODES);
    for (uint32_t d = 0; d < rz_round_up(n, 2); d++) {
        rz_store_u16(group + rz_i16_key_at(nr, lane, d), d < n ? rz_i16_of(k[d], ku) : 0);
    }
    for (uint32_t d = 0; d < kv->v_width; d += nr) {
        uint8_t *row = values + rz_i16_value_at(nr, key, d);
        for (uint32_t i = d; i < d + nr; i++, row += 4) rz_store_u16(row, i < n ? rz_i16_of(v[i], vu) : 0);
    }
    const bool key_fits = store_scale(group + 4 * lane, ku.scale);
    return store_scale(values + 4 * key, vu.scale) && key_fits;
}

void rz_kv_append(rz_kv *kv, uint32_t layer, uint32_t position, const float *k, const float *v) {
    const size_t group = position / kv->nr * kv->k_group;
    const uint32_t lane = position % kv->nr, key = position % RZ_KEY_BLOCK;
    bool fits = true;
    for (uint32_t h = 0; h < kv->n_head_kv; h++, k += kv->head_dim, v += kv->head_dim) {
        uint8_t *kh = rz_kv_k(kv, layer, h) + group, *vh = rz_kv_v(kv, layer, h);
        uint8_t *block = vh + (position - key) * kv->v_row;
        switch (kv->type) {
        case RZ_KV_Q8_0: fits &= store_q8(kv, kh, lane, block, key, k, v); break;
        case RZ_KV_I16: fits &= store_i16(kv, kh, lane, block, key, k, v); break;
        default: fits &= store_floats(kv, kh, lane, vh + position * kv->v_row, k, v);
        }
    }
    uint32_t lost = kv->lost; /* the first one counts, whichever thread comes first */
    while (!fits && position < lost && !atomic_compare_exchange_weak(&kv->lost, &lost, position)) {}
}
