/*
 * test_kv.c: what the KV cache stores and what attention reads back, for every type and table:
 * against a softmax in double precision over the values as they were rounded for storing.
 */
#include <math.h>

#include "../../src/kern/kern.h"
#include "../../src/kv.h"
#include "check.h"

enum { head_dim = 64, heads = 2, positions = 600, queries = 3 };

static float keys[positions][heads * head_dim], values[positions][heads * head_dim];
static float query[queries][head_dim];

static uint32_t random_bits = 1;
static float random_float(void) {
    random_bits ^= random_bits << 13, random_bits ^= random_bits >> 17, random_bits ^= random_bits << 5;
    return (float)(int32_t)random_bits * 0x1p-31f;
}

static void fill(void) {
    for (int t = 0; t < positions; t++) {
        for (int d = 0; d < heads * head_dim; d++) keys[t][d] = random_float(), values[t][d] = random_float();
    }
    for (int i = 0; i < queries; i++) {
        for (int d = 0; d < head_dim; d++) query[i][d] = random_float();
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

/* What is left of 32 floats in a cache of this type. */
static void rounded(uint32_t type, const float *x, float *out) {
    uint8_t block[34];
    memcpy(out, x, 32 * sizeof *x);
    if (type == RZ_KV_F16) {
        for (int i = 0; i < 32; i++) out[i] = rz_f32_from_f16(rz_f16_from_f32(x[i]));
    } else if (type == RZ_KV_Q8_0) {
        rz_quantize(RZ_DT_Q8_0, x, 32, block, NULL);
        rz_dequantize(RZ_DT_Q8_0, block, 32, out, NULL);
    }
}

/* A query as a cache of bytes sees it: quantised, one scale per 32. */
static void rounded_query(uint32_t type, const float *x, float *out) {
    uint8_t act[head_dim / 32 * 48];
    memcpy(out, x, head_dim * sizeof *x);
    if (type != RZ_KV_Q8_0) return;
    rz_kern_scalar.act_q8(act, x, head_dim, head_dim, 1, 1);
    for (int d = 0; d < head_dim; d++) {
        const uint8_t *block = act + d / 32 * 48;
        out[d] = rz_load_f32(block) * (float)(int8_t)block[16 + d % 32];
    }
}

static void model_attention(uint32_t type, uint32_t head, int i, uint32_t limit, double *out) {
    static double score[positions];
    float q[head_dim], row[head_dim];
    double most = -INFINITY, total = 0;
    rounded_query(type, query[i], q);
    for (uint32_t t = 0; t < limit; t++) {
        score[t] = 0;
        for (int d = 0; d < head_dim; d += 32) rounded(type, keys[t] + head * head_dim + d, row + d);
        for (int d = 0; d < head_dim; d++) score[t] += (double)q[d] * row[d];
        most = fmax(most, score[t]);
    }
    for (int d = 0; d < head_dim; d++) out[d] = 0;
    for (uint32_t t = 0; t < limit; t++) {
        double p = exp(score[t] - most);
        total += p;
        for (int d = 0; d < head_dim; d += 32) rounded(type, values[t] + head * head_dim + d, row + d);
        for (int d = 0; d < head_dim; d++) out[d] += p * row[d];
    }
    for (int d = 0; d < head_dim; d++) out[d] /= total;
}

/* The queries over the first chunk of keys of one head. */
static void compare(const rz_kern *kern, const rz_kv *kv, uint32_t head, uint32_t limit) {
    const float *q[queries];
    const uint8_t *q_act[queries];
    float *out[queries], max[queries], sum[queries];
    static float rows[queries][head_dim];
    static uint8_t acts[queries][head_dim / 32 * 96];
    uint32_t limits[queries];
    for (int i = 0; i < queries; i++) {
        q[i] = query[i], out[i] = rows[i], limits[i] = limit;
        kern->act_q8(acts[i], query[i], head_dim, head_dim, 1, 1);
        q_act[i] = acts[i];
    }
    rz_attn a = {.k = rz_kv_k(kv, 0, head), .v = rz_kv_v(kv, 0, head), .kv_type = kv->type,
                 .head_dim = head_dim, .n_q = queries, .q = q, .q_act = q_act, .limit = limits,
                 .key_product = kern->matmul[RZ_DT_Q8_0], .out = out, .max = max, .sum = sum};
    kern->attend(&a, 0);
    for (int i = 0; i < queries; i++) {
        double want[head_dim];
        model_attention(kv->type, head, i, limit, want);
        /* scores of up to 64 products, exp within 3e-7, sums of up to 512 terms: each of size 1 */
        for (int d = 0; d < head_dim; d++) {
            CHECK(fabs(out[i][d] / sum[i] - want[d]) < 4e-5, "%s, type %u, %u keys: %.9g is not %.9g",
                  kern->name, kv->type, limit, out[i][d] / sum[i], want[d]);
        }
    }
}

static void stores_and_reads(const rz_kern *kern, uint32_t type) {
    static const uint32_t limits[] = {1, 7, 33, 512};
    cache c = open_cache(kern, type);
    uint32_t stored = 0;
    for (int n = 0; n < 4; n++) {
        for (; stored < limits[n]; stored++) rz_kv_append(&c.kv, 0, stored, keys[stored], values[stored]);
        for (uint32_t head = 0; head < heads; head++) compare(kern, &c.kv, head, limits[n]);
    }
    CHECK(c.kv.lost == UINT32_MAX, "lost %u", c.kv.lost);
    free(c.memory);
}

/* Numbers that a type cannot hold are noticed at their position. */
static void notices_what_does_not_fit(const rz_kern *kern, uint32_t type) {
    static const float bad[] = {NAN, INFINITY, 1e30f};
    for (int n = 0; n < 3; n++) {
        cache c = open_cache(kern, type);
        float k[heads * head_dim] = {0}, v[heads * head_dim] = {0};
        rz_kv_append(&c.kv, 0, 0, k, v);
        (n % 2 ? k : v)[70] = bad[n];
        rz_kv_append(&c.kv, 0, 5, k, v);
        CHECK(c.kv.lost == 5, "lost %u", c.kv.lost);
        free(c.memory);
    }
}

int main(void) {
    fill();
    for (uint32_t bit = 1; bit && bit <= rz_kernels_usable(); bit <<= 1) {
        if (!(rz_kernels_usable() & bit)) continue;
        const rz_kern *kern = rz_kern_choose(bit, NULL);
        for (uint32_t type = RZ_KV_F32; type <= RZ_KV_Q8_0; type++) TEST(stores_and_reads, kern, type);
        TEST(notices_what_does_not_fit, kern, RZ_KV_F16);
        TEST(notices_what_does_not_fit, kern, RZ_KV_Q8_0);
    }
    return check_summary("test_kv");
}
