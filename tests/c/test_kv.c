/*
 * test_kv.c: what the KV cache stores and what attention reads back, for every type and table:
 * against a softmax in double precision over the values as they were rounded for storing, and for a
 * cache of bytes with queries and weights as they are rounded for products of integers.
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

/* Weights of n keys as a cache of bytes rounds them: times the values' sizes, whole parts of the largest of them. */
static void round_weights(double *weight, const float (*rows)[32], uint32_t n) {
    double size[RZ_KEY_BLOCK] = {0}, most = 0;
    for (uint32_t j = 0; j < n; j++) {
        for (int d = 0; d < 32; d++) {
            if (fabs(rows[j][d]) > size[j]) size[j] = fabs(rows[j][d]);
        }
        if (weight[j] * size[j] > most) most = weight[j] * size[j];
    }
    const double unit = most / RZ_WEIGHT_MOST;
    for (uint32_t j = 0; j < n; j++) weight[j] = rint(weight[j] * size[j] / unit) * unit / size[j];
}

/* out += p v over n keys of a block */
static void add_values(uint32_t type, uint32_t head, uint32_t block, uint32_t n, const double *p, double *out) {
    for (int d0 = 0; d0 < head_dim; d0 += 32) {
        double weight[RZ_KEY_BLOCK];
        float rows[RZ_KEY_BLOCK][32];
        memcpy(weight, p, n * sizeof *p);
        for (uint32_t j = 0; j < n; j++) rounded(type, values[block + j] + head * head_dim + d0, rows[j]);
        if (type == RZ_KV_Q8_0) round_weights(weight, (const float (*)[32])rows, n);
        for (uint32_t j = 0; j < n; j++) {
            for (int d = 0; d < 32; d++) out[d0 + d] += weight[j] * rows[j][d];
        }
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
    for (uint32_t block = 0; block < limit; block += RZ_KEY_BLOCK) {
        const uint32_t n = rz_min_u32(RZ_KEY_BLOCK, limit - block);
        double p[RZ_KEY_BLOCK];
        for (uint32_t j = 0; j < n; j++) total += p[j] = exp(score[block + j] - most);
        add_values(type, head, block, n, p, out);
    }
    for (int d = 0; d < head_dim; d++) out[d] /= total;
}

/* The queries over the first chunk of keys of one head, as tokens of `together` heads each. */
static void attend(const rz_kern *kern, const rz_kv *kv, uint32_t head, uint32_t limit, uint32_t together,
                   float (*rows)[head_dim], float *sum) {
    enum { tile = 8 };
    const float *q[queries];
    const uint8_t *q_act[queries];
    float *out[queries], max[queries];
    static uint8_t acts[queries][tile * (head_dim / 32) * (16 + 64)];
    uint32_t limits[queries];
    static float scaled[queries][head_dim];
    for (uint32_t i = 0; i < queries; i++) {
        for (int d = 0; d < head_dim; d++) {
            scaled[i][d] = query[i][d] * (kv->type == RZ_KV_F16 ? kern->query_scale : 1);
        }
        q[i] = scaled[i], out[i] = rows[i], limits[i] = limit;
    }
    for (uint32_t run = 0; run < queries / together; run++) {
        q_act[run] = acts[run];
        for (uint32_t i = 0; i < together; i += kern->tile) {
            kern->act_q8(acts[run] + i * (head_dim / 32) * rz_act_block(kern), query[run * together + i], head_dim,
                         head_dim, rz_min_u32(kern->tile, together - i), rz_tile_width(kern, together, i));
        }
    }
    rz_attn a = {.k = rz_kv_k(kv, 0, head), .v = rz_kv_v(kv, 0, head), .kv_type = kv->type,
                 .head_dim = head_dim, .n_q = queries, .q = q, .heads = together, .q_act = q_act, .limit = limits,
                 .key_product = kern->matmul[RZ_DT_Q8_0], .out = out, .max = max, .sum = sum};
    kern->attend(&a, 0);
}

static void compare(const rz_kern *kern, const rz_kv *kv, uint32_t head, uint32_t limit) {
    static float out[queries][head_dim], other[queries][head_dim];
    float sum[queries];
    attend(kern, kv, head, limit, queries, other, sum);
    attend(kern, kv, head, limit, 1, out, sum);
    CHECK(memcmp(out, other, sizeof out) == 0, "%s, type %u, %u keys: other bits together", kern->name, kv->type, limit);
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

/* A query that holds NaN gets NaN, the others what they should. */
static void keeps_nan(const rz_kern *kern, uint32_t type) {
    cache c = open_cache(kern, type);
    const float before = query[1][3];
    static float out[queries][head_dim], good[queries][head_dim];
    float sum[queries];
    for (uint32_t t = 0; t < 40; t++) rz_kv_append(&c.kv, 0, t, keys[t], values[t]);
    attend(kern, &c.kv, 0, 40, queries, good, sum);
    query[1][3] = NAN;
    attend(kern, &c.kv, 0, 40, queries, out, sum);
    query[1][3] = before;
    for (int d = 0; d < head_dim; d++) CHECK(isnan(out[1][d] / sum[1]), "%g", out[1][d] / sum[1]);
    CHECK(memcmp(out[0], good[0], sizeof out[0]) == 0 && memcmp(out[2], good[2], sizeof out[2]) == 0, "%s", kern->name);
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
        for (uint32_t type = RZ_KV_F32; type <= RZ_KV_Q8_0; type++) TEST(keeps_nan, kern, type);
        TEST(notices_what_does_not_fit, kern, RZ_KV_F16);
        TEST(notices_what_does_not_fit, kern, RZ_KV_Q8_0);
    }
    return check_summary("test_kv");
}
