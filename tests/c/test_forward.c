/*
 * test_forward.c: the network (src/forward.c) on random models of every shape against a plain float
 * forward pass: ways of sharing heads, head sizes, biases, RoPE variants, weight types, long
 * contexts.
 */
#include <math.h>

#include "../../src/dtype.h"
#include "../../src/model.h"
#include "check.h"
#include "reference.h"
#include "tiny.h"

/* Largest difference of logits, relative to the largest logit. Random models are kind: the stream
 * stays near 1 and sums have a few hundred terms.
 * float types: order of sums, 2^-24 each (measured 2e-6)
 * quantised: activations in steps of 1/127 of the largest of 32, 7 products a layer (measured 0.03)
 */
static double allowed(uint32_t dtype) {
    return rz_dtype_get(dtype)->floats ? 1e-5 : 0.06;
}

static double worst_float, worst_quantised;

static double relative_difference(const float *got, const float *want, size_t n) {
    double most = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - want[i]);
        if (!(d <= most)) most = d; /* NaN is the largest */
        size = fmax(size, fabs(want[i]));
    }
    return most / size;
}

static void random_ids(uint32_t *ids, uint32_t n, uint32_t n_vocab, uint64_t seed) {
    random_state r = {seed};
    for (uint32_t i = 0; i < n; i++) ids[i] = random_below(&r, n_vocab);
}

/* Every usable table against the reference, in chunks of a size that does not divide n. */
static void like_reference(const char *what, const tiny_spec *spec, uint32_t n) {
    host_file file = tiny_model(spec);
    uint32_t *ids = malloc(n * sizeof *ids), n_vocab;
    random_ids(ids, n, spec->n_vocab, spec->seed);
    float *want = reference_logits(file, ids, n, &n_vocab);
    CHECK(want && n_vocab == spec->n_vocab, "%s: no reference", what);
    for (uint32_t bit = 1; bit && want; bit <<= 1) {
        if (!(rz_kernels_usable() & bit)) continue;
        rz_model *m;
        rz_err err = {0};
        int result = host_load(&m, file, &(rz_load_opts){.kernels = bit}, 0, &err);
        CHECK(result == RZ_OK, "%s: %s", what, err.text);
        if (result) continue;
        float *got = host_logits(m, ids, n, 7, RZ_KV_F32);
        double d = got ? relative_difference(got, want, (size_t)n * n_vocab) : NAN;
        CHECK(d <= allowed(spec->dtype), "%s, %s: %g", what, rz_model_kernels(m), d);
        double *worst = rz_dtype_get(spec->dtype)->floats ? &worst_float : &worst_quantised;
        *worst = fmax(*worst, d);
        free(got);
        rz_model_close(&m);
    }
    free(want), free(ids), free(file.bytes);
}

static void head_sharing(void) {
    static const uint32_t shapes[][4] = {
        /* n_embd, n_head, n_head_kv, head_dim */
        {32, 4, 4, 0},   {32, 4, 2, 0},  {32, 4, 1, 0},  {32, 1, 1, 0},  {36, 3, 1, 0},
        {80, 20, 1, 0},  {64, 32, 1, 0}, {36, 2, 2, 10}, {32, 4, 2, 16}, {32, 2, 1, 64},
        {128, 2, 1, 80}, {40, 5, 5, 2},  {24, 6, 3, 6},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        tiny_spec s = tiny_default();
        char what[80];
        s.n_layer = 2;
        s.n_embd = shapes[i][0], s.n_head = shapes[i][1];
        s.n_head_kv = shapes[i][2], s.head_dim = shapes[i][3];
        s.seed = 100 + i;
        snprintf(what, sizeof what, "%u wide, %u heads on %u, head_dim %u", s.n_embd, s.n_head,
                 s.n_head_kv, s.head_dim);
        like_reference(what, &s, 20);
    }
}

static void widths(void) {
    static const uint32_t embd[] = {4, 12, 20, 68}, ff[] = {1, 7, 50, 172},
                          vocab[] = {3, 9, 17, 129};
    for (int i = 0; i < 4; i++) {
        tiny_spec s = tiny_default();
        s.n_embd = embd[i], s.n_head = 2, s.n_head_kv = 1, s.n_ff = ff[i], s.n_vocab = vocab[i];
        s.seed = 200 + (uint64_t)i;
        like_reference("odd widths", &s, 13);
    }
}

static void weight_types(void) {
    static const uint32_t types[] = {RZ_DT_F32,  RZ_DT_F16,  RZ_DT_BF16, RZ_DT_Q4_0,
                                     RZ_DT_Q8_0, RZ_DT_Q4_K, RZ_DT_Q6_K};
    for (int i = 0; i < 7; i++) {
        for (int tied = 0; tied < 2; tied++) {
            tiny_spec s = tiny_default();
            s.dtype = types[i];
            s.n_layer = 2, s.n_embd = 256, s.n_ff = 512, s.n_head = 8, s.n_head_kv = 2;
            s.n_vocab = 100, s.tied = tied, s.seed = 300 + (uint64_t)i;
            like_reference(rz_dtype_get(types[i])->name, &s, 12);
        }
    }
}

static void variants(void) {
    for (int i = 0; i < 16; i++) {
        tiny_spec s = tiny_default();
        char what[80];
        s.n_layer = 2;
        s.tied = i & 1, s.biases = i & 2, s.rope_factors = i & 4, s.rope_scale = i & 8 ? 2.5f : 0;
        s.seed = 400 + (uint64_t)i;
        snprintf(what, sizeof what, "tied %d biases %d factors %d scale %g", s.tied, s.biases,
                 s.rope_factors, (double)s.rope_scale);
        like_reference(what, &s, 30);
    }
    for (uint32_t rope_dim = 2; rope_dim <= 8; rope_dim += 2) {
        tiny_spec s = tiny_default();
        s.rope_dim = rope_dim, s.rope_factors = rope_dim == 4;
        like_reference("part of the head is rotated", &s, 30);
    }
}

/* More keys than one chunk of attention holds. */
static void long_context(void) {
    tiny_spec s = tiny_default();
    s.n_head = 4, s.n_head_kv = 2, s.seed = 500;
    like_reference("600 tokens", &s, 600);
    s.n_head_kv = 1, s.n_head = 20, s.n_embd = 80;
    like_reference("1100 tokens", &s, 1100);
}

/* ---- pairs of RoPE ----------------------------------------------------------------------------
 */

/* Moves row 2 i of every head to row i and row 2 i + 1 to row i + rope_dim / 2: what converters do
 * between the two orders. */
static void permute_rows(host_file file, const char *name, uint32_t heads, uint32_t head_dim,
                         uint32_t rope_dim, uint32_t cols) {
    float *w = (float *)tiny_tensor_data(file, name);
    float *old = malloc((size_t)heads * head_dim * cols * sizeof *old);
    CHECK(w != NULL, "no tensor %s", name);
    memcpy(old, w, (size_t)heads * head_dim * cols * sizeof *old);
    for (uint32_t h = 0; h < heads; h++) {
        for (uint32_t i = 0; i < rope_dim; i++) {
            uint32_t to = i / 2 + i % 2 * (rope_dim / 2);
            memcpy(w + ((size_t)h * head_dim + to) * cols, old + ((size_t)h * head_dim + i) * cols,
                   cols * sizeof *w);
        }
    }
    free(old);
}

static void both_pair_orders(uint32_t rope_dim) {
    enum { n = 40 };
    tiny_spec s = tiny_default();
    uint32_t ids[n], n_vocab;
    rz_model *m;
    rz_err err = {0};
    s.head_dim = 16, s.rope_dim = rope_dim, s.seed = 600;
    host_file file = tiny_model(&s);
    random_ids(ids, n, s.n_vocab, 1);
    float *want = reference_logits(file, ids, n, &n_vocab);
    permute_rows(file, "blk.0.attn_q.weight", s.n_head, 16, rope_dim, s.n_embd);
    permute_rows(file, "blk.0.attn_k.weight", s.n_head_kv, 16, rope_dim, s.n_embd);
    CHECK(host_load(&m, file, NULL, 0, &err) == RZ_OK, "%s", err.text);
    float *wrong = host_logits(m, ids, n, 7, RZ_KV_F32);
    m->config.rope.kind = RZ_ROPE_HALVES;
    float *got = host_logits(m, ids, n, 7, RZ_KV_F32);
    double d = relative_difference(got, want, (size_t)n * n_vocab);
    CHECK(d <= 1e-5, "permuted rows, other pairs: %g", d);
    CHECK(relative_difference(wrong, want, (size_t)n * n_vocab) > 1e-3,
          "the order does not matter?");
    free(want), free(wrong), free(got), free(file.bytes);
    rz_model_close(&m);
}

/* Frequencies do not overflow whatever the file says. */
static void rope_factor_refused(float factor) {
    tiny_spec s = tiny_default();
    rz_model *m;
    rz_err err = {0};
    s.rope_factors = true;
    host_file file = tiny_model(&s);
    memcpy(tiny_tensor_data(file, "rope_freqs.weight") + 4, &factor, 4);
    int result = host_load(&m, file, NULL, 0, &err);
    CHECK(result == RZ_E_VALUE && strcmp(err.text, "rope_freqs.weight holds a factor that is not "
                                                   "usable") == 0,
          "factor %g: %d '%s'", (double)factor, result, err.text);
    rz_model_close(&m);
    free(file.bytes);
}

int main(void) {
    TEST(head_sharing);
    TEST(widths);
    TEST(weight_types);
    TEST(variants);
    TEST(long_context);
    TEST(both_pair_orders, 16);
    TEST(both_pair_orders, 6);
    TEST(rope_factor_refused, 0.0f);
    TEST(rope_factor_refused, -1.0f);
    TEST(rope_factor_refused, 0x1p-140f);
    printf("largest relative difference: %.2g for float weights, %.2g for quantised ones\n",
           worst_float, worst_quantised);
    return check_summary("test_forward");
}
