/*
 * test_same_bits.c: the bits of the logits depend on the tokens alone: not on threads, chunks, rewinding, sampling or earlier
 * runs; and how far a cache of halves moves them.
 */
#include <math.h>

#include "session_case.h"

static float *logits_of(rz_model *m, uint32_t chunk, uint32_t kv_type) {
    rz_model_info info;
    rz_model_info_get(m, &info);
    float *logits = host_logits(m, ids_below(info.n_vocab), n_ids, chunk, kv_type);
    CHECK(logits != NULL, "no logits");
    return logits;
}

/* Under one table: logits by 1 to 3 threads in chunks of any size. */
static void same_bits_of(host_file file, size_t bytes, uint32_t bit, uint32_t kv_type) {
    static const uint32_t chunks[] = {1, 2, 5, 32, 512};
    float *want = NULL;
    for (uint32_t threads = 1; threads <= 3; threads++) {
        rz_model *m;
        rz_model_info info;
        rz_err err = {0};
        int result = host_load(&m, file, &(rz_load_opts){.kernels = bit, .threads = threads}, 0, &err);
        CHECK(result == RZ_OK, "%s", err.text);
        if (result) break;
        rz_model_info_get(m, &info);
        CHECK(info.threads == threads, "%u threads", info.threads);
        for (int c = 0; c < 5; c++) {
            /* the scalar table takes tokens one by one: two sizes of chunks are enough */
            if (bit == RZ_KERN_SCALAR && c != 2 && c != 4) continue;
            float *got = logits_of(m, chunks[c], kv_type);
            if (!want) want = logits_of(m, 7, kv_type);
            CHECK(got && want && memcmp(got, want, bytes) == 0,
                  "table %u, %u threads, chunks of %u: other bits", bit, threads, chunks[c]);
            free(got);
        }
        rz_model_close(&m);
    }
    free(want);
}

static void same_bits(uint32_t dtype, uint32_t kv_type) {
    tiny_spec spec = wide_spec(dtype);
    host_file file = tiny_model(&spec);
    for (uint32_t bit = 1; bit; bit <<= 1) {
        if (!(rz_kernels_usable() & bit)) continue;
        same_bits_of(file, (size_t)n_ids * spec.n_vocab * sizeof(float), bit, kv_type);
    }
    free(file.bytes);
}

/* Rounding keys and values to 11 bits moves logits by a few 1e-4 of the largest (measured 6e-4);
 * where activations are rounded to int8 after that, some of them fall to the other side (6e-3). */
static void f16_cache(uint32_t dtype) {
    tiny_spec spec = wide_spec(dtype);
    rz_model *m = load(&spec, NULL);
    float *f32 = logits_of(m, 32, RZ_KV_F32), *f16 = logits_of(m, 32, RZ_KV_F16);
    double most = 0, size = 0;
    for (size_t i = 0; i < (size_t)n_ids * spec.n_vocab; i++) {
        double d = fabs((double)f32[i] - f16[i]);
        if (!(d <= most)) most = d;
        size = fmax(size, fabs(f32[i]));
    }
    printf("  F16 cache, %s: %.2g of the largest logit\n", rz_dtype_get(dtype)->name, most / size);
    CHECK(most <= (dtype == RZ_DT_F32 ? 2e-3 : 0.02) * size, "%g of %g", most, size);
    CHECK(most > 0, "an F16 cache changes nothing?");
    free(f32), free(f16);
    rz_model_close(&m);
}

/* The logits after the last prompt token. */
static void last_logits(rz_session *s, float *out, uint32_t n_vocab) {
    int result;
    uint32_t rows;
    size_t stride;
    do result = rz_step(s);
    while (result == RZ_AGAIN);
    CHECK(result == RZ_TOKEN, "%d: %s", result, rz_session_error(s)->text);
    memcpy(out, rz_session_logits(s, &rows, &stride), n_vocab * sizeof *out);
}

static void rewind_and_turns(uint32_t kv_type) {
    tiny_spec spec = wide_spec(RZ_DT_Q8_0);
    rz_model *m = load(&spec, NULL);
    const uint32_t *ids = ids_below(spec.n_vocab);
    const size_t bytes = spec.n_vocab * sizeof(float);
    float *want = malloc(bytes), *got = malloc(bytes);
    rz_session *fresh = open(m, (rz_session_opts){.n_ctx = n_ids, .kv_type = kv_type});
    rz_session *used = open(m, (rz_session_opts){.n_ctx = n_ids, .kv_type = kv_type, .chunk = 7});
    CHECK(rz_session_prompt(fresh, ids, 40) == RZ_OK, "prompt");
    last_logits(fresh, want, spec.n_vocab);
    rz_session_prompt(used, ids + 20, 50); /* something else first, longer */
    last_logits(used, got, spec.n_vocab);
    for (uint32_t keep = 0; keep <= 39; keep += 13) {
        CHECK(rz_session_rewind(used, keep) == RZ_OK, "keep %u", keep);
        rz_session_prompt(used, ids + keep, 40 - keep);
        last_logits(used, got, spec.n_vocab);
        CHECK(memcmp(got, want, bytes) == 0, "kept %u: other bits", keep);
    }
    /* back into the part that was not computed yet */
    CHECK(rz_session_rewind(used, 0) == RZ_OK && rz_session_prompt(used, ids, 25) == RZ_OK, "25");
    CHECK(rz_step(used) == RZ_AGAIN && rz_session_position(used) == 7, "7 of 25");
    CHECK(rz_session_rewind(used, 20) == RZ_OK && rz_session_position(used) == 7, "keep 20");
    CHECK(rz_session_prompt(used, ids + 20, 20) == RZ_OK, "40 again");
    last_logits(used, got, spec.n_vocab);
    CHECK(memcmp(got, want, bytes) == 0, "rewound in a prompt: other bits");
    /* two turns equal one: the sampled token between them is computed with the second prompt */
    uint32_t joined[n_ids], n = 10;
    CHECK(rz_session_rewind(used, 0) == RZ_OK && rz_session_prompt(used, ids, 10) == RZ_OK,
          "turn 1");
    memcpy(joined, ids, sizeof joined);
    for (int i = 0; i < 3; i++) {
        last_logits(used, got, spec.n_vocab);
        joined[n++] = rz_session_token(used);
    }
    CHECK(rz_session_prompt(used, ids + 30, 12) == RZ_OK, "turn 2");
    last_logits(used, got, spec.n_vocab);
    memcpy(joined + n, ids + 30, 12 * sizeof *joined);
    CHECK(rz_session_rewind(fresh, 0) == RZ_OK && rz_session_prompt(fresh, joined, n + 12) == RZ_OK,
          "one prompt");
    last_logits(fresh, want, spec.n_vocab);
    CHECK(memcmp(got, want, bytes) == 0, "two turns: other bits");
    rz_session_close(&fresh), rz_session_close(&used);
    rz_model_close(&m);
    free(want), free(got);
}

/* A token that sees three chunks of keys: threads take them apart. A session of chunks of 2 has no room for that. */
static void many_keys(uint32_t kv_type, uint32_t n_head, uint32_t n_head_kv) {
    enum { n_keys = 1200, n_tokens = 3 };
    tiny_spec spec = wide_spec(RZ_DT_Q8_0);
    spec.n_head = n_head, spec.n_head_kv = n_head_kv, spec.head_dim = 32;
    host_file file = tiny_model(&spec);
    uint32_t ids[n_keys];
    const size_t bytes = spec.n_vocab * sizeof(float);
    float *want = malloc(n_tokens * bytes), *got = malloc(n_tokens * bytes);
    for (uint32_t i = 0; i < n_keys; i++) ids[i] = (i * 37 + i / 11) % spec.n_vocab;
    for (uint32_t threads = 1; threads <= 3; threads++) {
        rz_model *m = NULL;
        rz_err err = {0};
        CHECK(host_load(&m, file, &(rz_load_opts){.threads = threads}, 0, &err) == RZ_OK, "%s", err.text);
        for (uint32_t chunk = 2; chunk <= 64; chunk += 62) {
            rz_session *s = open(m, (rz_session_opts){.n_ctx = 1300, .kv_type = kv_type, .chunk = chunk});
            CHECK(rz_session_prompt(s, ids, n_keys) == RZ_OK, "prompt");
            for (uint32_t i = 0; i < n_tokens; i++) last_logits(s, got + i * spec.n_vocab, spec.n_vocab);
            rz_session_close(&s);
            if (threads == 1 && chunk == 2) memcpy(want, got, n_tokens * bytes);
            CHECK(memcmp(got, want, n_tokens * bytes) == 0, "%u threads, chunks of %u: other bits", threads, chunk);
        }
        rz_model_close(&m);
    }
    free(want), free(got), free(file.bytes);
}

/* Two sessions of one model do not disturb each other, and a seed repeats itself. */
static void same_seed(void) {
    tiny_spec spec = wide_spec(RZ_DT_Q4_0);
    rz_model *m = load(&spec, &(rz_load_opts){.threads = 2});
    rz_session *s[2];
    rz_sampling o = {.temperature = 1,
                     .top_k = 50,
                     .top_p = 0.9f,
                     .repeat_penalty = 1.1f,
                     .repeat_last = 8,
                     .seed = 77,
                     .ignore_end = 1};
    for (int i = 0; i < 2; i++) {
        s[i] = open(m, (rz_session_opts){.n_ctx = n_ids});
        CHECK(rz_session_sampling(s[i], &o) == RZ_OK, "sampling");
        CHECK(rz_session_prompt(s[i], ids_below(spec.n_vocab), 20) == RZ_OK, "prompt");
    }
    uint32_t different = 0;
    for (int i = 0; i < 40; i++) {
        CHECK(rz_step(s[0]) == RZ_TOKEN && rz_step(s[1]) == RZ_TOKEN, "step %d", i);
        CHECK(rz_session_token(s[0]) == rz_session_token(s[1]), "token %d", i);
        different |= 1u << rz_session_token(s[0]) % 32;
    }
    CHECK(different & (different - 1), "the same token forever");
    rz_session_close(&s[0]), rz_session_close(&s[1]);
    rz_model_close(&m);
}

/* The logits are the model's, whatever the sampling does with them. */
static void logits_without_penalty(void) {
    tiny_spec spec = wide_spec(RZ_DT_Q4_0);
    rz_model *m = load(&spec, &(rz_load_opts){.threads = 1});
    rz_session *s[2];
    const float *logits[2];
    uint32_t rows;
    size_t stride;
    for (int i = 0; i < 2; i++) {
        rz_sampling o = {.temperature = 1, .top_p = 1, .repeat_penalty = i ? 1.5f : 1, .repeat_last = 20};
        s[i] = open(m, (rz_session_opts){.n_ctx = n_ids});
        CHECK(rz_session_sampling(s[i], &o) == RZ_OK, "sampling");
        CHECK(rz_session_prompt(s[i], ids_below(spec.n_vocab), 20) == RZ_OK, "prompt");
        CHECK(rz_step(s[i]) == RZ_TOKEN, "step");
        logits[i] = rz_session_logits(s[i], &rows, &stride);
    }
    CHECK(rows == 1 && memcmp(logits[0], logits[1], spec.n_vocab * sizeof(float)) == 0, "other logits");
    rz_session_close(&s[0]), rz_session_close(&s[1]);
    rz_model_close(&m);
}

int main(void) {
    TEST(same_bits, RZ_DT_F32, RZ_KV_F32);
    TEST(same_bits, RZ_DT_F16, RZ_KV_F16);
    TEST(same_bits, RZ_DT_Q4_0, RZ_KV_F32);
    TEST(same_bits, RZ_DT_Q8_0, RZ_KV_F16);
    TEST(same_bits, RZ_DT_Q4_K, RZ_KV_F32);
    TEST(same_bits, RZ_DT_Q6_K, RZ_KV_F16);
    TEST(f16_cache, RZ_DT_F32);
    TEST(f16_cache, RZ_DT_Q4_0);
    TEST(rewind_and_turns, RZ_KV_F32);
    TEST(rewind_and_turns, RZ_KV_F16);
    TEST(many_keys, RZ_KV_F32, 8, 4);
    TEST(many_keys, RZ_KV_F16, 8, 4);
    TEST(many_keys, RZ_KV_Q8_0, 6, 2);
    TEST(many_keys, RZ_KV_Q8_0, 20, 1); /* more heads than are computed at once */
    TEST(same_seed);
    TEST(logits_without_penalty);
    return check_summary("test_same_bits");
}
