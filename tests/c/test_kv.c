/*
 * test_kv.c: what the KV cache stores and what attention reads back, for every type and table:
 * against a softmax in double precision over the values as they were rounded for storing, and for a
 * cache of integers with queries and weights as they are rounded for products of them.
 */
#include <math.h>

#include "../../src/kern/kv_i16.h"
#include "../../src/kv.h"
#include "check.h"

enum { widest = 128, heads = 2, positions = 600, queries = 9 /* one more than a tile has */ };

static uint32_t head_dim;
static float keys[positions][heads * widest], values[positions][heads * widest], query[queries][widest];

static uint32_t random_bits = 1;
static float random_float(void) {
    random_bits ^= random_bits << 13, random_bits ^= random_bits >> 17, random_bits ^= random_bits << 5;
    return (float)(int32_t)random_bits * 0x1p-31f;
}

static void fill(void) {
    for (int t = 0; t < positions; t++) {
        for (int d = 0; d < heads * widest; d++) keys[t][d] = random_float(), values[t][d] = random_float();
    }
    for (int i = 0; i < queries; i++) {
        for (int d = 0; d < widest; d++) query[i][d] = random_float();
    }
}

/* A model that is only as large as the cache needs. */
static rz_model tiny_model(const rz_kern *kern) {
    rz_model m = {.kern = kern};
    m.config.head_dim = head_dim;
    m.config.n_head_kv = heads;
    m.config.n_layer = 1;
    return m;
}

typedef struct {
    rz_kv kv;
    void *memory;
} cache;

static cache open_cache(const rz_kern *kern, uint32_t type) {
    rz_model m = tiny_model(kern);
    cache c;
    rz_arena a = {0};
    rz_kv_layout(&c.kv, &a, &m, type, positions);
    c.memory = aligned_alloc(RZ_ALIGN, rz_round_up((uint32_t)a.used, RZ_ALIGN));
    memset(c.memory, 0xff, a.used);
    a = (rz_arena){.base = c.memory};
    rz_kv_layout(&c.kv, &a, &m, type, positions);
    return c;
}

/* Numbers that share a scale. */
static uint32_t scaled_together(uint32_t type) { return type == RZ_KV_Q8_0 ? 32 : head_dim; }

/* What is left of n floats in a cache of this type. */
static void rounded(uint32_t type, const float *x, float *out, uint32_t n) {
    uint8_t block[34];
    const rz_i16_unit unit = rz_i16_unit_of(x, n);
    for (uint32_t i = 0; i < n; i++) {
        switch (type) {
        case RZ_KV_F16: out[i] = rz_f32_from_f16(rz_f16_from_f32(x[i])); break;
        case RZ_KV_I16: out[i] = (float)(int16_t)rz_i16_of(x[i], unit) * unit.scale; break;
        default: out[i] = x[i];
        }
    }
    if (type != RZ_KV_Q8_0) return;
    rz_quantize(RZ_DT_Q8_0, x, 32, block, NULL);
    rz_dequantize(RZ_DT_Q8_0, block, 32, out, NULL);
}

/* A query as a cache of integers sees it: quantised, of bytes with one scale per 32. */
static void rounded_query(uint32_t type, const float *x, float *out) {
    uint8_t act[widest / 32 * 48];
    memcpy(out, x, head_dim * sizeof *x);
    if (type == RZ_KV_I16) rounded(type, x, out, head_dim);
    if (type != RZ_KV_Q8_0) return;
    rz_kern_scalar.act_q8(act, x, head_dim, head_dim, 1, 1);
    for (uint32_t d = 0; d < head_dim; d++) {
        const uint8_t *block = act + d / 32 * 48;
        out[d] = rz_load_f32(block) * (float)(int8_t)block[16 + d % 32];
    }
}

/* Weights of n keys as a cache of integers rounds them: times the values' sizes, whole parts of the largest of them. */
static void round_weights(uint32_t type, double *weight, const float (*rows)[widest], uint32_t n) {
    double size[RZ_KEY_BLOCK] = {0}, most = 0;
    for (uint32_t j = 0; j < n; j++) {
        for (uint32_t d = 0; d < scaled_together(type); d++) size[j] = fmax(size[j], fabs(rows[j][d]));
        most = fmax(most, weight[j] * size[j]);
    }
    const double unit = most / (type == RZ_KV_I16 ? RZ_I16_MOST : RZ_WEIGHT_MOST);
    for (uint32_t j = 0; j < n; j++) weight[j] = rint(weight[j] * size[j] / unit) * unit / size[j];
}

/* out += p v over n keys of a block */
static void add_values(uint32_t type, uint32_t head, uint32_t block, uint32_t n, const double *p, double *out) {
    const uint32_t together = scaled_together(type);
    for (uint32_t d0 = 0; d0 < head_dim; d0 += together) {
        double weight[RZ_KEY_BLOCK];
        float rows[RZ_KEY_BLOCK][widest];
        memcpy(weight, p, n * sizeof *p);
        for (uint32_t j = 0; j < n; j++) rounded(type, values[block + j] + head * head_dim + d0, rows[j], together);
        if (rz_kv_of_integers(type)) round_weights(type, weight, (const float (*)[widest])rows, n);
        for (uint32_t j = 0; j < n; j++) {
            for (uint32_t d = 0; d < together; d++) out[d0 + d] += weight[j] * rows[j][d];
        }
    }
}

static void model_attention(uint32_t type, uint32_t head, int i, uint32_t limit, double *out) {
    static double score[positions];
    float q[widest], row[widest];
    double most = -INFINITY, total = 0;
    rounded_query(type, query[i], q);
    for (uint32_t t = 0; t < limit; t++) {
        score[t] = 0;
        for (uint32_t d = 0; d < head_dim; d += scaled_together(type)) {
            rounded(type, keys[t] + head * head_dim + d, row + d, scaled_together(type));
        }
        for (uint32_t d = 0; d < head_dim; d++) score[t] += (double)q[d] * row[d];
        most = fmax(most, score[t]);
    }
    for (uint32_t d = 0; d < head_dim; d++) out[d] = 0;
    for (uint32_t block = 0; block < limit; block += RZ_KEY_BLOCK) {
        const uint32_t n = rz_min_u32(RZ_KEY_BLOCK, limit - block);
        double p[RZ_KEY_BLOCK];
        for (uint32_t j = 0; j < n; j++) total += p[j] = exp(score[block + j] - most);
        add_values(type, head, block, n, p, out);
    }
    for (uint32_t d = 0; d < head_dim; d++) out[d] /= total;
}

/* n queries as integers. */
static void pack_queries(const rz_kern *kern, uint32_t type, const float (*q)[widest], uint32_t n, uint8_t *dst) {
    for (uint32_t i = 0; type == RZ_KV_I16 && i < n; i++) rz_i16_query(dst + i * rz_i16_row(head_dim), q[i], head_dim);
    for (uint32_t i = 0, width; type == RZ_KV_Q8_0 && i < n; i += width) {
        width = rz_tile_width(kern->tile_small, n, i);
        kern->act_q8(dst + i * (head_dim / 32) * rz_act_block(kern), q[i], widest, head_dim, rz_min_u32(width, n - i), width);
    }
}

/* n queries from i0 on over the first chunk of keys of one head; query i sees the keys first[i] <= key < limit[i]. */
static void attend_some(const rz_kern *kern, const rz_kv *kv, uint32_t head, uint32_t i0, uint32_t n, const uint32_t *first,
                        const uint32_t *limit, float (*rows)[widest], float *sum) {
    enum { room = 16 };
    const float *q[queries];
    float *out[queries], max[queries];
    static uint8_t q_act[room * (widest / 32) * (16 + 64)];
    for (uint32_t i = 0; i < n; i++) q[i] = query[i0 + i], out[i] = rows[i];
    pack_queries(kern, kv->type, query + i0, n, q_act);
    rz_attn a = {.k = rz_kv_k(kv, 0, head), .v = rz_kv_v(kv, 0, head), .kv_type = kv->type,
                 .head_dim = head_dim, .n_q = n, .q = q, .q_act = q_act, .first = first, .limit = limit,
                 .key_product = kern->key_product, .out = out, .max = max, .sum = sum};
    kern->attend(&a, 0);
}

/* All of them over the same keys, `together` a call: 1 or all. */
static void attend(const rz_kern *kern, const rz_kv *kv, uint32_t head, uint32_t limit, uint32_t together,
                   float (*rows)[widest], float *sum) {
    uint32_t first[queries] = {0}, limits[queries];
    for (int i = 0; i < queries; i++) limits[i] = limit;
    for (uint32_t i = 0; i < queries; i += together) attend_some(kern, kv, head, i, together, first, limits, rows + i, sum + i);
}

static void compare(const rz_kern *kern, const rz_kv *kv, uint32_t head, uint32_t limit) {
    static float out[queries][widest], other[queries][widest];
    float sum[queries];
    attend(kern, kv, head, limit, queries, other, sum);
    attend(kern, kv, head, limit, 1, out, sum);
    CHECK(memcmp(out, other, sizeof out) == 0, "%s, type %u, %u keys: other bits together", kern->name, kv->type, limit);
    for (int i = 0; i < queries; i++) {
        double want[widest];
        model_attention(kv->type, head, i, limit, want);
        /* scores of up to 64 products, exp within 3e-7, sums of up to 512 terms: each of size 1 */
        for (uint32_t d = 0; d < head_dim; d++) {
            CHECK(fabs(out[i][d] / sum[i] - want[d]) < 4e-5, "%s, type %u, %u keys: %.9g is not %.9g",
                  kern->name, kv->type, limit, out[i][d] / sum[i], want[d]);
        }
    }
}

static void stores_and_reads(const rz_kern *kern, uint32_t type, uint32_t dims) {
    static const uint32_t limits[] = {1, 7, 33, 512};
    head_dim = dims;
    cache c = open_cache(kern, type);
    uint32_t stored = 0;
    for (int n = 0; n < 4; n++) {
        for (; stored < limits[n]; stored++) rz_kv_append(&c.kv, 0, stored, keys[stored], values[stored]);
        for (uint32_t head = 0; head < heads; head++) compare(kern, &c.kv, head, limits[n]);
    }
    CHECK(c.kv.lost == UINT32_MAX, "lost %u", c.kv.lost);
    free(c.memory);
}

/* Queries that see keys of their own get the same bits together and alone. */
static void keeps_to_its_keys(const rz_kern *kern, uint32_t type) {
    static const uint32_t first[][queries] = {{0}, {0, 5, 31, 33, 64, 64, 65, 66, 96}, {0, 0, 64, 70, 71, 71, 71, 71, 71}},
                          limit[][queries] = {{1, 31, 32, 33, 70, 70, 70, 70, 71}, {1, 7, 64, 65, 66, 67, 68, 69, 97},
                                              {2, 3, 90, 91, 100, 100, 100, 100, 100}};
    static float out[queries][widest], alone[1][widest];
    float sum[queries], sum_alone;
    head_dim = 64;
    cache c = open_cache(kern, type);
    for (uint32_t t = 0; t < 100; t++) rz_kv_append(&c.kv, 0, t, keys[t], values[t]);
    for (int n = 0; n < 3; n++) {
        attend_some(kern, &c.kv, 1, 0, queries, first[n], limit[n], out, sum);
        for (uint32_t i = 0; i < queries; i++) {
            attend_some(kern, &c.kv, 1, i, 1, first[n] + i, limit[n] + i, alone, &sum_alone);
            CHECK(memcmp(out[i], alone[0], head_dim * sizeof(float)) == 0 && sum[i] == sum_alone, "%s, ranges %d, query %u",
                  kern->name, n, i);
        }
    }
    free(c.memory);
}

static void scale_queries(float factor) {
    for (int i = 0; i < queries; i++) {
        for (int d = 0; d < widest; d++) query[i][d] *= factor;
    }
}

/* A cache of integers under queries 16 times as large: the bits of the scalar table where products and sums round
 * apart. Elsewhere scores of 64 products of up to 16 are off by 1e-4, weights by one part in 8191, both of values of
 * size 1. */
static void agrees_with_scalar(const rz_kern *kern, uint32_t type) {
    const bool same_bits = kern == &rz_kern_scalar || strcmp(kern->name, "simd128") == 0;
    static float out[queries][widest], plain[queries][widest];
    float sum[queries], plain_sum[queries];
    head_dim = 64;
    cache c = open_cache(kern, type), p = open_cache(&rz_kern_scalar, c.kv.type);
    for (uint32_t t = 0; t < 500; t++) {
        rz_kv_append(&c.kv, 0, t, keys[t], values[t]), rz_kv_append(&p.kv, 0, t, keys[t], values[t]);
    }
    scale_queries(16);
    attend(kern, &c.kv, 1, 500, 1, out, sum);
    attend(&rz_kern_scalar, &p.kv, 1, 500, 1, plain, plain_sum);
    scale_queries(1.0f / 16);
    for (int i = 0; i < queries; i++) {
        for (uint32_t d = 0; d < head_dim; d++) {
            const float got = out[i][d] / sum[i], want = plain[i][d] / plain_sum[i];
            CHECK(same_bits ? got == want : fabsf(got - want) < 5e-4f, "%s: %.9g is not %.9g", kern->name, got, want);
        }
    }
    free(c.memory), free(p.memory);
}

/* A query that holds NaN gets NaN, the others what they should. */
static void keeps_nan(const rz_kern *kern, uint32_t type) {
    head_dim = 64;
    cache c = open_cache(kern, type);
    const float before = query[1][3];
    static float out[queries][widest], good[queries][widest];
    float sum[queries];
    for (uint32_t t = 0; t < 40; t++) rz_kv_append(&c.kv, 0, t, keys[t], values[t]);
    attend(kern, &c.kv, 0, 40, queries, good, sum);
    query[1][3] = NAN;
    attend(kern, &c.kv, 0, 40, queries, out, sum);
    query[1][3] = before;
    for (uint32_t d = 0; d < head_dim; d++) CHECK(isnan(out[1][d] / sum[1]), "%g", out[1][d] / sum[1]);
    for (int i = 0; i < queries; i++) {
        CHECK(i == 1 || memcmp(out[i], good[i], sizeof out[i]) == 0, "%s, query %d", kern->name, i);
    }
    free(c.memory);
}

/* Numbers that a type cannot hold are noticed at their position. */
static void notices_what_does_not_fit(const rz_kern *kern, uint32_t type) {
    static const float bad[] = {NAN, INFINITY, 1e30f};
    head_dim = 64;
    for (int n = 0; n < 3; n++) {
        cache c = open_cache(kern, type);
        float k[heads * widest] = {0}, v[heads * widest] = {0};
        rz_kv_append(&c.kv, 0, 0, k, v);
        (n % 2 ? k : v)[70] = bad[n];
        rz_kv_append(&c.kv, 0, 5, k, v);
        const uint32_t lost = c.kv.type == RZ_KV_I16 && isfinite(bad[n]) ? UINT32_MAX : 5; /* its scales are floats */
        CHECK(c.kv.lost == lost, "lost %u", c.kv.lost);
        free(c.memory);
    }
}

static void check_type(const rz_kern *kern, uint32_t type) {
    static const uint32_t dims[] = {64, 128, 3, 8, 80};
    for (int i = 0; i < (type == RZ_KV_Q8_0 ? 2 : 5); i++) TEST(stores_and_reads, kern, type, dims[i]);
    if (rz_kv_of_integers(type) || (type == RZ_KV_F16 && kern->kv_i16)) TEST(agrees_with_scalar, kern, type);
    TEST(keeps_to_its_keys, kern, type);
    TEST(keeps_nan, kern, type);
    if (type != RZ_KV_F32) TEST(notices_what_does_not_fit, kern, type);
}

int main(void) {
    fill();
    for (uint32_t bit = 1; bit && bit <= rz_kernels_usable(); bit <<= 1) {
        if (!(rz_kernels_usable() & bit)) continue;
        const rz_kern *kern = rz_kern_choose(bit, NULL);
        for (uint32_t type = RZ_KV_F32; type <= RZ_KV_Q8_0; type++) check_type(kern, type);
        if (kern == &rz_kern_scalar) check_type(kern, RZ_KV_I16);
    }
    return check_summary("test_kv");
}
