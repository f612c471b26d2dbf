/*
 * count_kern.c: runs hot kernels of one table a fixed number of times, for tools/count.mjs, which has
 * valgrind count their instructions. `count_kern avx2`: 64 rows of 1024 columns, with 1 and 8 tokens;
 * attention of 4 queries over 512 keys as halves and as bytes, there without the product with the keys,
 * which counts among the products.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern_case.h"

enum { rows = 64, cols = 1024, keys = 512, head_dim = 64, n_queries = 4 };

static void products(const rz_kern *k, uint32_t dtype, uint32_t tokens) {
    random_state r = {1};
    const rz_dtype *t = rz_dtype_get(dtype);
    uint8_t *file = malloc((size_t)rows * cols / t->block * t->block_bytes);
    float *x = malloc(tokens * cols * sizeof *x), *y = malloc(tokens * rows * sizeof *y);
    case_weights(&r, W_RANDOM, dtype, file, (size_t)rows * cols);
    case_inputs(&r, X_RANDOM, x, tokens * cols);
    rz_mat m;
    uint8_t *data = case_pack(&m, k, dtype, rows, cols, file);
    case_act a = case_activations(k, x, tokens, cols, t->floats);
    k->matmul[dtype](&m, 0, rz_mat_groups(&m), &a.act, y, rows);
    case_act_free(&a);
    free(data), free(file), free(x), free(y);
}

static void no_scores(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y, size_t ldy) {
    (void)w, (void)g0, (void)g1;
    memset(y, 0, x->n * ldy * sizeof *y);
}

static void attention(const rz_kern *k, uint32_t kv_type) {
    float *kv = calloc(keys * head_dim, sizeof *kv), rows_of[n_queries][head_dim], max[n_queries], sum[n_queries];
    const float *q[n_queries];
    float *out[n_queries];
    uint32_t limit[n_queries];
    for (int i = 0; i < n_queries; i++) q[i] = kv, out[i] = rows_of[i], limit[i] = keys;
    rz_attn a = {.k = kv, .v = kv, .kv_type = kv_type, .head_dim = head_dim, .n_q = n_queries,
                 .q = q, .key_product = no_scores,
                 .limit = limit, .out = out, .max = max, .sum = sum};
    k->attend(&a, 0);
    free(kv);
}

int main(int argc, char **argv) {
    static const uint32_t types[] = {RZ_DT_F16, RZ_DT_Q4_0, RZ_DT_Q8_0, RZ_DT_Q4_K, RZ_DT_Q6_K};
    for (uint32_t bit = 1; bit; bit <<= 1) {
        const rz_kern *k = rz_kernels_usable() & bit ? rz_kern_choose(bit, NULL) : NULL;
        if (!k || argc < 2 || strcmp(k->name, argv[1]) != 0) continue;
        for (int i = 0; i < 5; i++) products(k, types[i], 1), products(k, types[i], 8);
        attention(k, RZ_KV_F16), attention(k, RZ_KV_Q8_0);
        return 0;
    }
    fprintf(stderr, "usage: count_kern TABLE, one that this machine runs\n");
    return 2;
}
