/*
 * test_types_model.c: whole models in every weight type: recorded ones against a plain float
 * forward pass and llama.cpp, and small random ones whose every matrix, embedding and output
 * included, is of one type.
 */
#include <math.h>

#include "check.h"
#include "reference.h"
#include "tiny.h"
#include "types_case.h"

/* ---- recorded models --------------------------------------------------------------------------
 */

/* How far logits (up to 20) may be apart, about twice what was measured: activations are rounded to
 * int8 per 32 columns, in llama.cpp too, so two such noises stand between the two. Measured: from
 * the plain pass 0.24 to 0.39 (root mean square 0.06 to 0.08), for Q2_K 0.63 (0.11); from llama.cpp
 * 0.21 to 0.48, 0.70; llama.cpp itself from the plain pass 0.17 to 0.39, 0.44. `sure`: positions,
 * of 105, whose best two logits are further apart than twice the difference; there the best must be
 * the same. */
typedef struct {
    const char *name;
    double reference, rms, llama;
    uint32_t sure;
} recorded_case;

static const recorded_case cases[] = {
    {"stories260K-Q4_1", 0.6, 0.1, 0.5, 70},      {"stories260K-Q5_0", 0.6, 0.1, 0.5, 70},
    {"stories260K-Q5_1", 0.6, 0.1, 0.5, 70},      {"stories260K-IQ4_NL", 0.7, 0.1, 0.5, 70},
    {"stories260K-pad256-Q2_K", 1, 0.2, 1.1, 20}, {"stories260K-pad256-IQ4_XS", 0.7, 0.15, 0.8, 70},
};
enum { n_cases = sizeof cases / sizeof cases[0], max_ids = 256 };

typedef struct {
    const recorded_case *c;
    host_file file, llama;                       /* llama: [n_prompt][n_vocab] floats */
    uint32_t ids[max_ids], n_prompt, n, n_vocab; /* prompt and greedy continuation: n in all */
    float *reference;                            /* [n][n_vocab] */
} recording;

static uint32_t json_ids(const char *json, const char *key, uint32_t *ids, uint32_t room) {
    const char *at = strstr(json, key);
    uint32_t n = 0;
    for (at = at ? strchr(at, '[') : NULL; at && *at && *at != ']' && n < room; n++) {
        char *end;
        ids[n] = (uint32_t)strtoul(at + 1, &end, 10);
        at = end;
    }
    return n;
}

static bool open_recording(recording *r, const recorded_case *c, const char *dir) {
    char path[1024];
    *r = (recording){.c = c};
    snprintf(path, sizeof path, "%s/gguf-models/%s.gguf", dir, c->name);
    r->file = host_read(path);
    snprintf(path, sizeof path, "%s/gguf-models/reference/%s.p0.logits.f32", dir, c->name);
    r->llama = host_read(path);
    snprintf(path, sizeof path, "%s/gguf-models/reference/%s.p0.json", dir, c->name);
    host_file json = host_read(path);
    if (!r->file.bytes || !r->llama.bytes || !json.bytes) return false;
    json.bytes = realloc(json.bytes, json.n + 1);
    json.bytes[json.n] = 0;
    const char *text = (const char *)json.bytes;
    r->n_prompt = json_ids(text, "\"prompt_ids\":", r->ids, max_ids);
    r->n = r->n_prompt +
           json_ids(text, "\"greedy_ids\":", r->ids + r->n_prompt, max_ids - r->n_prompt);
    free(json.bytes);
    r->reference = reference_logits(r->file, r->ids, r->n, &r->n_vocab);
    return r->reference && r->n > 50 && r->llama.n == (size_t)r->n_prompt * r->n_vocab * 4;
}

static void close_recording(recording *r) {
    free(r->file.bytes), free(r->llama.bytes), free(r->reference);
}

static double largest_difference(const float *a, const float *b, size_t n, double *rms) {
    double most = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        if (!(d <= most)) most = d; /* NaN is the largest */
        squares += d * d;
    }
    *rms = sqrt(squares / (double)n);
    return most;
}

static uint32_t best_of(const float *logits, uint32_t n, double *margin) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) best = logits[i] > logits[best] ? i : best;
    *margin = INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        if (i != best) *margin = fmin(*margin, (double)logits[best] - logits[i]);
    }
    return best;
}

static void recorded_table(const recording *r, uint32_t mask) {
    const size_t prompt = (size_t)r->n_prompt * r->n_vocab;
    const float *llama = (const float *)(const void *)r->llama.bytes;
    rz_model *m;
    rz_err err = {0};
    CHECK(host_load(&m, r->file, &(rz_load_opts){.kernels = mask}, 0, &err) == RZ_OK, "%s",
          err.text);
    float *logits = m ? host_logits(m, r->ids, r->n, 32, RZ_KV_F32) : NULL;
    CHECK(logits, "no logits");
    if (logits) {
        double rms, unused, margin;
        double most = largest_difference(logits, r->reference, (size_t)r->n * r->n_vocab, &rms);
        double apart = largest_difference(logits, llama, prompt, &unused);
        double exact = largest_difference(llama, r->reference, prompt, &unused);
        uint32_t sure = 0;
        for (uint32_t t = 0; t < r->n; t++) {
            const uint32_t want =
                best_of(r->reference + (size_t)t * r->n_vocab, r->n_vocab, &margin);
            if (margin <= 2 * most) continue; /* two logits may be off by so much */
            double other;
            uint32_t id = best_of(logits + (size_t)t * r->n_vocab, r->n_vocab, &other);
            CHECK(id == want, "position %u: token %u, not %u", t, id, want);
            if (t + 1 >= r->n_prompt && t + 1 < r->n && margin > 2 * r->c->llama) {
                CHECK(id == r->ids[t + 1], "position %u: token %u, llama.cpp %u", t, id,
                      r->ids[t + 1]);
            }
            sure++;
        }
        printf("  %s, %s (%s): plain pass %.2g (rms %.2g), llama.cpp %.2g (itself %.2g off); %u of "
               "%u sure\n",
               r->c->name, rz_model_kernels(m), rz_model_type(m), most, rms, apart, exact, sure,
               r->n);
        CHECK(most <= r->c->reference && rms <= r->c->rms, "plain pass: %g, rms %g", most, rms);
        CHECK(apart <= r->c->llama, "llama.cpp: %g", apart);
        CHECK(sure >= r->c->sure, "only %u of %u positions are sure", sure, r->n);
    }
    free(logits);
    rz_model_close(&m);
}

static void recorded(const char *dir, const recorded_case *c) {
    recording r;
    bool usable = open_recording(&r, c, dir);
    CHECK(usable, "cannot read %s", c->name);
    for (uint32_t bit = 1; usable && bit; bit <<= 1) {
        if (rz_kernels_usable() & bit) recorded_table(&r, bit);
    }
    close_recording(&r);
}

/* ---- small random models ----------------------------------------------------------------------
 */

enum { n_ids = 20 };

static host_file model_of(uint32_t dtype, bool tied) {
    tiny_spec spec = tiny_default();
    spec.n_layer = 2, spec.n_embd = 256, spec.n_ff = 512, spec.n_vocab = 75, spec.dtype = dtype;
    spec.tied = tied, spec.seed = dtype;
    return tiny_model(&spec);
}

static float *logits_of(host_file file, uint32_t mask, uint32_t threads, uint32_t chunk,
                        const uint32_t *ids) {
    rz_model *m;
    rz_err err = {0};
    rz_load_opts opts = {.kernels = mask, .threads = threads};
    CHECK(host_load(&m, file, &opts, 777, &err) == RZ_OK, "%s", err.text);
    float *logits = m ? host_logits(m, ids, n_ids, chunk, RZ_KV_F32) : NULL;
    rz_model_close(&m);
    return logits;
}

static void memory_of(uint32_t dtype, host_file file) {
    rz_model *m;
    rz_err err = {0};
    rz_model_info info;
    CHECK(host_load(&m, file, &(rz_load_opts){0}, 0, &err) == RZ_OK, "%s", err.text);
    if (!m) return;
    rz_model_info_get(m, &info);
    CHECK(strcmp(rz_model_type(m), rz_dtype_get(dtype)->name) == 0, "%s", rz_model_type(m));
    CHECK(info.weight_bytes * 10 <= info.file_bytes * 11, "%llu bytes in memory, %llu in the file",
          (unsigned long long)info.weight_bytes, (unsigned long long)info.file_bytes);
    rz_model_close(&m);
}

static void random_model(uint32_t dtype, bool tied) {
    uint32_t ids[n_ids], n_vocab = 0;
    double rms, size, unused;
    host_file file = model_of(dtype, tied);
    for (uint32_t i = 0; i < n_ids; i++) ids[i] = i * 7 % 75;
    float *want = reference_logits(file, ids, n_ids, &n_vocab);
    float *zero = calloc(n_ids * 75, sizeof *zero);
    CHECK(want && n_vocab == 75, "no reference");
    largest_difference(want, zero, n_ids * 75, &size);
    memory_of(dtype, file);
    for (uint32_t bit = 1; bit; bit <<= 1) {
        if (!(rz_kernels_usable() & bit)) continue;
        float *got = logits_of(file, bit, 1, 32, ids), *single = logits_of(file, bit, 1, 1, ids);
        float *threaded = logits_of(file, bit, 3, 7, ids);
        if (got && single && threaded) {
            double most = largest_difference(got, want, n_ids * 75, &rms);
            /* measured: at most 0.025 of the size on average, 0.11 anywhere; that of Q8_0 is 0.020;
             * with floats order of sums alone: 1.3e-6 */
            double share = rz_dtype_get(dtype)->floats ? 1e-5 : 0.2;
            CHECK(rms <= share / 5 * size && most <= share * size,
                  "%s, table %u: off by %g (rms %g) of %g", rz_dtype_get(dtype)->name, bit, most,
                  rms, size);
            largest_difference(got, single, n_ids * 75, &unused);
            CHECK(memcmp(got, single, n_ids * 75 * sizeof *got) == 0, "one by one: rms %g", unused);
            largest_difference(got, threaded, n_ids * 75, &unused);
            CHECK(memcmp(got, threaded, n_ids * 75 * sizeof *got) == 0, "by 7 on 3 threads: rms %g",
                  unused);
        }
        free(got), free(single), free(threaded);
    }
    free(want), free(zero), free(file.bytes);
}

/* Types that are known by name only are refused by it. */
static void refused(uint32_t dtype, const char *name) {
    host_file file = model_of(RZ_DT_Q8_0, false);
    char want[160];
    rz_model *m;
    rz_err err = {0};
    uint8_t *line = tiny_tensor_line(file, "blk.1.ffn_up.weight");
    rz_store_u32(line + 4 + 2 * 8, dtype);
    snprintf(want, sizeof want,
             "tensor 'blk.1.ffn_up.weight' has weight type %s, which is not supported", name);
    int result = host_load(&m, file, &(rz_load_opts){0}, 0, &err);
    CHECK(result == RZ_E_UNSUPPORTED && strcmp(err.text, want) == 0, "%d %s", result, err.text);
    rz_model_close(&m);
    free(file.bytes);
}

/* A scale that is no number is found in the row it stands in. */
static void bad_scale(uint32_t dtype) {
    const rz_dtype *t = rz_dtype_get(dtype);
    host_file file = model_of(dtype, false);
    rz_model *m;
    rz_err err = {0};
    uint8_t *data = tiny_tensor_data(file, "blk.1.ffn_up.weight");
    uint8_t *block = data + (size_t)(11 * (256 / t->block) + 256 / t->block - 1) * t->block_bytes;
    if (dtype == RZ_DT_MXFP4) {
        block[0] = 255;
    } else {
        types_set_half(dtype, block, types_halves(dtype) - 1, 0x7e00);
    }
    int result = host_load(&m, file, &(rz_load_opts){0}, 0, &err);
    CHECK(result == RZ_E_VALUE &&
              strcmp(err.text, "tensor 'blk.1.ffn_up.weight' holds NaN or infinity in row 11") == 0,
          "%s: %d %s", t->name, result, err.text);
    rz_model_close(&m);
    free(file.bytes);
}

int main(void) {
    uint32_t ids[RZ_DT_COUNT];
    const int n = types_quantised(ids);
    const char *dir = fixtures("models recorded from llama.cpp");
    for (int i = 0; dir && i < n_cases; i++) TEST(recorded, dir, &cases[i]);
    for (int i = 0; i < n; i++) TEST(random_model, ids[i], i % 2);
    for (int i = 0; i < n; i++) {
        if (ids[i] != RZ_DT_NVFP4) TEST(bad_scale, ids[i]);
    }
    TEST(refused, 28, "F64");
    TEST(refused, 9, "Q8_1");
    TEST(refused, 15, "Q8_K");
    TEST(refused, 24, "I8");
    return check_summary("test_types_model");
}
