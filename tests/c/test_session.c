/*
 * test_session.c: sessions (src/engine.c): what steps return and when, and every refusal with its
 * sentence.
 */
#include <math.h>

#include "budget.h"
#include "session_case.h"

/* ---- helpers --------------------------------------------------------------------------------- */

/* All logits are 0: greedy takes token 0, sampling any. */
static rz_model *indifferent(void) {
    tiny_spec spec = tiny_default();
    rz_model *m;
    rz_err err = {0};
    spec.vocabulary = true;
    host_file file = tiny_model(&spec);
    memset(tiny_tensor_data(file, "output_norm.weight"), 0, spec.n_embd * 4);
    CHECK(host_load(&m, file, NULL, 0, &err) == RZ_OK, "%s", err.text);
    free(file.bytes);
    return m;
}

static void check_step(rz_session *s, int want, uint32_t position, uint32_t token, uint32_t end) {
    int result = rz_step(s);
    CHECK(result == want && rz_session_position(s) == position && rz_session_token(s) == token &&
              rz_session_end(s) == end,
          "step %d, position %u, token %u, end %u instead of %d, %u, %u, %u (%s)", result,
          rz_session_position(s), rz_session_token(s), rz_session_end(s), want, position, token,
          end, rz_session_error(s)->text);
}

static void check_refused(const rz_session *s, int result, int code, const char *text) {
    const rz_err *err = rz_session_error(s);
    CHECK(result == code && err->code == code && strcmp(err->text, text) == 0,
          "%d '%s' instead of %d '%s'", result, err->text, code, text);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void prompt_and_tokens(void) {
    rz_model *m = indifferent();
    rz_session *s = open(m, (rz_session_opts){.n_ctx = 8, .chunk = 2});
    const uint32_t ids[5] = {5, 6, 7, 8, 9};
    uint32_t rows;
    size_t stride;
    CHECK(rz_session_prompt(s, ids, 5) == RZ_OK, "prompt");
    check_step(s, RZ_AGAIN, 2, RZ_NO_TOKEN, RZ_END_NONE);
    rz_session_logits(s, &rows, &stride);
    CHECK(rows == 0, "no logits inside a prompt");
    check_step(s, RZ_AGAIN, 4, RZ_NO_TOKEN, RZ_END_NONE);
    check_step(s, RZ_TOKEN, 5, 0, RZ_END_NONE);
    const float *logits = rz_session_logits(s, &rows, &stride);
    CHECK(rows == 1 && stride >= TINY_VOCABULARY && logits[0] == 0, "%u rows", rows);
    check_step(s, RZ_TOKEN, 6, 0, RZ_END_NONE);
    check_step(s, RZ_TOKEN, 7, 0, RZ_END_NONE);
    check_step(s, RZ_DONE, 8, 0, RZ_END_CONTEXT); /* full: the last token was computed */
    check_step(s, RZ_DONE, 8, 0, RZ_END_CONTEXT);
    CHECK(rz_session_rewind(s, 3) == RZ_OK && rz_session_position(s) == 3, "rewind");
    CHECK(rz_session_end(s) == RZ_END_NONE && rz_session_token(s) == RZ_NO_TOKEN, "begun again");
    CHECK(rz_session_prompt(s, ids, 1) == RZ_OK, "prompt");
    check_step(s, RZ_TOKEN, 4, 0, RZ_END_NONE);
    rz_session_close(&s);
    CHECK(s == NULL, "closing clears the handle");
    rz_session_close(&s);
    rz_model_close(&m);
}

static void max_tokens(void) {
    rz_model *m = indifferent();
    rz_session *s = open(m, (rz_session_opts){.n_ctx = 20});
    const uint32_t ids[2] = {5, 6};
    rz_sampling o = {.repeat_penalty = 1, .top_p = 1, .max_tokens = 2};
    CHECK(rz_session_sampling(s, &o) == RZ_OK && rz_session_prompt(s, ids, 2) == RZ_OK, "set up");
    check_step(s, RZ_TOKEN, 2, 0, RZ_END_NONE);
    check_step(s, RZ_TOKEN, 3, 0, RZ_END_NONE);
    check_step(s, RZ_DONE, 3, 0, RZ_END_LENGTH); /* the second token was not computed */
    check_step(s, RZ_DONE, 3, 0, RZ_END_LENGTH);
    CHECK(rz_session_prompt(s, ids, 2) == RZ_OK, "the next turn counts from 0");
    check_step(s, RZ_TOKEN, 6, 0, RZ_END_NONE);
    check_step(s, RZ_TOKEN, 7, 0, RZ_END_NONE);
    check_step(s, RZ_DONE, 7, 0, RZ_END_LENGTH);
    rz_session_close(&s);
    rz_model_close(&m);
}

/* Starts over when the context is full; returns what the step then says. */
static int step_on(rz_session *s) {
    const uint32_t id = 5;
    if (rz_session_end(s) == RZ_END_CONTEXT) {
        CHECK(rz_session_rewind(s, 0) == RZ_OK && rz_session_prompt(s, &id, 1) == RZ_OK,
              "start over");
    }
    return rz_step(s);
}

/* All tokens are equally likely: sooner or later </s>, which is token 2, is drawn. */
static void end_token(void) {
    enum { draws = 5000 }; /* not to see 1 of 281 so often: once in 5e7 */
    rz_model *m = indifferent();
    rz_session *s = open(m, (rz_session_opts){.n_ctx = 50});
    const uint32_t id = 5;
    rz_sampling o = {.temperature = 1, .repeat_penalty = 1, .top_p = 1, .seed = 1};
    CHECK(rz_session_sampling(s, &o) == RZ_OK && rz_session_prompt(s, &id, 1) == RZ_OK, "set up");
    for (int i = 0; i < draws && rz_session_end(s) != RZ_END_STOP; i++) {
        int result = step_on(s);
        bool ended = rz_session_end(s) == RZ_END_STOP;
        CHECK(rz_session_end(s) == RZ_END_CONTEXT || ended == (rz_session_token(s) == 2), "draw %d",
              i);
        CHECK(result == (rz_session_end(s) ? RZ_DONE : RZ_TOKEN), "draw %d: %d", i, result);
    }
    uint32_t position = rz_session_position(s);
    check_step(s, RZ_DONE, position, 2, RZ_END_STOP);
    CHECK(rz_session_prompt(s, &id, 1) == RZ_OK, "a next turn follows");
    CHECK(rz_step(s) == RZ_TOKEN && rz_session_position(s) == position + 2, "with </s> before it");

    int seen = 0;
    o.ignore_end = 1;
    CHECK(rz_session_sampling(s, &o) == RZ_OK, "ignore_end");
    for (int i = 0; i < draws; i++) {
        seen += step_on(s) == RZ_TOKEN && rz_session_token(s) == 2;
        CHECK(rz_session_end(s) != RZ_END_STOP, "stopped");
    }
    CHECK(seen > 0, "</s> never came");
    rz_session_close(&s);
    rz_model_close(&m);
}

static void all_logits(void) {
    rz_model *m = indifferent();
    rz_session *s = open(m, (rz_session_opts){.n_ctx = 8, .chunk = 2, .all_logits = 1});
    const uint32_t ids[5] = {5, 6, 7, 8, 9};
    static const uint32_t want[3] = {2, 2, 1};
    CHECK(rz_session_prompt(s, ids, 5) == RZ_OK, "prompt");
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t rows;
        size_t stride;
        check_step(s, RZ_AGAIN, i < 2 ? 2 * i + 2 : 5, RZ_NO_TOKEN, RZ_END_NONE);
        rz_session_logits(s, &rows, &stride);
        CHECK(rows == want[i], "step %u has %u rows", i, rows);
    }
    check_step(s, RZ_DONE, 5, RZ_NO_TOKEN, RZ_END_NONE);
    CHECK(rz_session_prompt(s, ids, 1) == RZ_OK, "and on");
    check_step(s, RZ_AGAIN, 6, RZ_NO_TOKEN, RZ_END_NONE);
    check_step(s, RZ_DONE, 6, RZ_NO_TOKEN, RZ_END_NONE);
    rz_session_close(&s);
    rz_model_close(&m);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void refused_calls(void) {
    rz_model *m = indifferent();
    rz_session *s = open(m, (rz_session_opts){.n_ctx = 8});
    const uint32_t ids[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, bad[2] = {1, TINY_VOCABULARY};
    char text[80];
    check_refused(s, rz_step(s), RZ_E_STATE, "there is no prompt to go on from");
    check_refused(s, rz_session_prompt(s, ids, 0), RZ_E_ARG, "the prompt has no tokens");
    check_refused(s, rz_session_prompt(s, ids, 9), RZ_E_CONTEXT,
                  "the prompt has 9 tokens, but only 8 of the context's 8 are free");
    snprintf(text, sizeof text, "token %d does not exist: the vocabulary has %d", TINY_VOCABULARY,
             TINY_VOCABULARY);
    check_refused(s, rz_session_prompt(s, bad, 2), RZ_E_ARG, text);
    check_refused(s, rz_step(s), RZ_E_STATE, "there is no prompt to go on from");
    CHECK(rz_session_prompt(s, ids, 3) == RZ_OK, "prompt");
    check_refused(s, rz_session_prompt(s, ids, 6), RZ_E_CONTEXT,
                  "the prompt has 6 tokens, but only 5 of the context's 8 are free");
    check_refused(s, rz_session_rewind(s, 4), RZ_E_ARG, "cannot keep 4 of 3 tokens");
    check_step(s, RZ_TOKEN, 3, 0, RZ_END_NONE); /* nothing of that did any harm */
    CHECK(rz_session_rewind(s, 0) == RZ_OK, "rewind");
    check_refused(s, rz_step(s), RZ_E_STATE, "there is no prompt to go on from");
    rz_session_close(&s);
    rz_model_close(&m);
}

static void refused_sampling(void) {
    rz_model *m = indifferent();
    rz_session *s = open(m, (rz_session_opts){.n_ctx = 8});
    static const float bad[3] = {NAN, INFINITY, -INFINITY};
    const rz_sampling good = {.repeat_penalty = 1, .top_p = 1};
    for (int i = 0; i < 3; i++) {
        for (int field = 0; field < 4; field++) {
            rz_sampling o = good;
            if (field == 0) o.temperature = bad[i];
            if (field == 1) o.top_p = bad[i];
            if (field == 2) o.min_p = bad[i];
            if (field == 3) o.repeat_penalty = bad[i];
            check_refused(s, rz_session_sampling(s, &o), RZ_E_ARG,
                          "a sampling option is not a finite number");
        }
    }
    for (int i = 0; i < 2; i++) {
        rz_sampling o = good;
        o.repeat_penalty = (float)-i;
        check_refused(s, rz_session_sampling(s, &o), RZ_E_ARG,
                      "the repetition penalty must be larger than 0");
    }
    rz_session_close(&s);
    rz_model_close(&m);
}

static void refused_options(void) {
    tiny_spec spec = tiny_default();
    rz_model *m = load(&spec, NULL);
    rz_session *s = (rz_session *)m;
    rz_err err;
    rz_session_opts o = {.n_ctx = (1 << 26) + 1};
    CHECK(rz_session_bytes(m, &o) == 0, "too large a context");
    CHECK(rz_session_open(m, &o, &s, &err) == RZ_E_ARG && s == NULL &&
              strcmp(err.text, "a context of 67108865 tokens is too large") == 0,
          "'%s'", err.text);
    o = (rz_session_opts){.n_ctx = 8, .kv_type = RZ_KV_Q8_0};
    CHECK(rz_session_open(m, &o, &s, &err) == RZ_E_UNSUPPORTED && s == NULL &&
              strcmp(err.text, "a KV cache of q8_0 needs heads of a multiple of 32 dimensions, this "
                               "model has 8: use f16") == 0,
          "'%s'", err.text);
    o = (rz_session_opts){.n_ctx = 8, .kv_type = 3};
    CHECK(rz_session_bytes(m, &o) == 0, "no such cache");
    CHECK(rz_session_open(m, &o, &s, &err) == RZ_E_ARG && s == NULL &&
              strcmp(err.text, "KV cache type 3 does not exist") == 0,
          "'%s'", err.text);
    rz_model_close(&m);

    rz_loader *l;
    rz_load_opts lo = {.parts = 5000, .threads = 2};
    CHECK(rz_load_open(&lo, &l, &err) == RZ_E_ARG && l == NULL &&
              strcmp(err.text, "5000 files and 2 threads: at most 4096 and 64 are possible") == 0,
          "'%s'", err.text);
    lo = (rz_load_opts){.threads = 65};
    CHECK(rz_load_open(&lo, &l, &err) == RZ_E_ARG && l == NULL, "'%s'", err.text);
    lo = (rz_load_opts){.kernels = 1u << 30};
    CHECK(rz_load_open(&lo, &l, &err) == RZ_E_UNSUPPORTED && l == NULL &&
              strcmp(err.text, "no kernels for this processor among mask 40000000") == 0,
          "'%s'", err.text);
}

/* ---- results that are no numbers --------------------------------------------------------------
 */

/* Weights so large that something on the way overflows: the step says so, under every table. (No
 * F16 weight is large enough for that in two layers.) */
static void overflow(uint32_t dtype, float weight_scale) {
    tiny_spec spec = wide_spec(dtype);
    spec.weight_scale = weight_scale;
    for (uint32_t bit = 1; bit; bit <<= 1) {
        if (!(rz_kernels_usable() & bit)) continue;
        rz_model *m = load(&spec, &(rz_load_opts){.kernels = bit});
        if (!m) continue;
        for (uint32_t n = 1; n <= 5; n += 4) {
            rz_session *s = open(m, (rz_session_opts){.n_ctx = 8});
            char text[100];
            snprintf(text, sizeof text,
                     "the model computed logits that are not numbers at position %u", n - 1);
            for (int again = 0; again < 2; again++) {
                CHECK(rz_session_prompt(s, ids_below(spec.n_vocab), n) == RZ_OK, "prompt");
                check_refused(s, rz_step(s), RZ_E_VALUE, text);
                CHECK(rz_session_rewind(s, 0) == RZ_OK, "rewind");
            }
            rz_session_close(&s);
        }
        rz_model_close(&m);
    }
}

/* Keys past 65504 fit into an F32 cache only. */
static void overflow_of_f16_cache(void) {
    tiny_spec spec = wide_spec(RZ_DT_F32);
    spec.weight_scale = 1e6f;
    rz_model *m = load(&spec, NULL);
    const uint32_t *ids = ids_below(spec.n_vocab);
    rz_session *f32 = open(m, (rz_session_opts){.n_ctx = 8}), *f16;
    CHECK(rz_session_prompt(f32, ids, 4) == RZ_OK && rz_step(f32) == RZ_TOKEN, "F32 holds them");
    f16 = open(m, (rz_session_opts){.n_ctx = 8, .kv_type = RZ_KV_F16, .chunk = 2});
    for (int again = 0; again < 2; again++) {
        CHECK(rz_session_prompt(f16, ids, 4) == RZ_OK, "prompt");
        check_refused(f16, rz_step(f16), RZ_E_VALUE,
                      "a key or value of position 0 does not fit into the F16 cache");
        check_refused(f16, rz_step(f16), RZ_E_VALUE, /* and the rest of the prompt neither */
                      "a key or value of position 0 does not fit into the F16 cache");
        CHECK(rz_session_rewind(f16, 0) == RZ_OK, "rewind");
    }
    rz_session_close(&f32), rz_session_close(&f16);
    rz_model_close(&m);
}

/* One key too large spoils the cache from there on, and a rewind in front of it mends it. */
static void lost_key(void) {
    tiny_spec spec = tiny_default(); /* 1 layer: its keys see column 0 of the token alone */
    host_file file = tiny_model(&spec);
    rz_model *m;
    rz_err err = {0};
    const uint32_t small = 5, large = 6, ids[4] = {small, small, large, small};
    float *keys = (float *)tiny_tensor_data(file, "blk.0.attn_k.weight");
    float *tokens = (float *)tiny_tensor_data(file, "token_embd.weight");
    const char *text = "a key or value of position 2 does not fit into the F16 cache";
    memset(keys, 0, 16 * 32 * sizeof *keys);
    keys[0] = 1e6f;
    tokens[small * 32] = 0;
    tokens[large * 32] = 1;
    CHECK(host_load(&m, file, NULL, 0, &err) == RZ_OK, "%s", err.text);
    rz_session *s = open(m, (rz_session_opts){.n_ctx = 8, .kv_type = RZ_KV_F16});
    CHECK(rz_session_prompt(s, ids, 4) == RZ_OK, "prompt");
    check_refused(s, rz_step(s), RZ_E_VALUE, text);
    CHECK(rz_session_rewind(s, 3) == RZ_OK && rz_session_prompt(s, &small, 1) == RZ_OK, "keep it");
    check_refused(s, rz_step(s), RZ_E_VALUE, text);
    CHECK(rz_session_rewind(s, 2) == RZ_OK && rz_session_prompt(s, &small, 1) == RZ_OK, "drop it");
    CHECK(rz_step(s) == RZ_TOKEN, "mended: %s", rz_session_error(s)->text);
    rz_session_close(&s);
    rz_model_close(&m);
    free(file.bytes);
}
/* ---- memory and information --------------------------------------------------------------------
 */

static void memory(void) {
    tiny_spec spec = wide_spec(RZ_DT_Q4_K);
    budget b;
    budget_open(&b);
    rz_model *m = load(&spec, &(rz_load_opts){.allocator = &b.allocator, .threads = 2});
    rz_model_info info;
    rz_model_info_get(m, &info);
    CHECK(b.now == info.memory_bytes, "the model holds %zu bytes and says %llu", b.now,
          (unsigned long long)info.memory_bytes);
    for (int i = 0; i < 16; i++) {
        rz_session_opts o = {.n_ctx = i & 1 ? 100 : 7,
                             .chunk = i & 2 ? 512 : 3,
                             .kv_type = i & 4 ? RZ_KV_F16 : RZ_KV_F32,
                             .all_logits = i & 8};
        size_t before = b.now;
        uint64_t said = rz_session_bytes(m, &o);
        rz_session *s = open(m, o);
        CHECK(b.now - before == said && rz_session_memory(s) == said, "takes %zu bytes, said %llu",
              b.now - before, (unsigned long long)said);
        unsigned calls = b.calls;
        CHECK(rz_session_prompt(s, ids_below(spec.n_vocab), 6) == RZ_OK, "prompt");
        while (rz_step(s) > RZ_OK && rz_session_end(s) == RZ_END_NONE &&
               rz_session_position(s) < 6) {
        }
        CHECK(b.calls == calls, "a step allocates");
        rz_session_close(&s);
        CHECK(b.now == before, "%zu bytes are left", b.now - before);
    }
    rz_model_close(&m);
    CHECK(b.now == 0 && b.blocks == 0 && b.wrong_frees == 0, "%zu bytes, %u blocks, %u wrong frees",
          b.now, b.blocks, b.wrong_frees);
}

/* A session fails as one allocation and leaves nothing behind. */
static void no_memory(void) {
    tiny_spec spec = tiny_default();
    budget b;
    rz_session *s;
    rz_err err = {0};
    budget_open(&b);
    rz_model *m = load(&spec, &(rz_load_opts){.allocator = &b.allocator});
    rz_session_opts o = {.n_ctx = 64};
    size_t before = b.now;
    b.fail_at = b.calls + 1;
    int result = rz_session_open(m, &o, &s, &err);
    CHECK(result == RZ_E_MEMORY && s == NULL && b.now == before &&
              strcmp(err.text, "no memory for a context of 64 tokens: it needs 1 MB") == 0,
          "%d '%s'", result, err.text);
    CHECK(rz_session_open(m, &o, &s, &err) == RZ_OK && b.calls == b.fail_at + 1, "one allocation");
    rz_session_close(&s);
    rz_model_close(&m);
    CHECK(b.now == 0, "%zu bytes are left", b.now);
}

static void information(void) {
    tiny_spec spec = tiny_default();
    spec.vocabulary = true;
    rz_model *m = load(&spec, NULL);
    rz_model_info i;
    rz_meta meta;
    rz_model_info_get(m, &i);
    CHECK(i.n_vocab == TINY_VOCABULARY && i.n_ctx_train == 64 && i.n_embd == 32 && i.n_layer == 1 &&
              i.n_head == 4 && i.n_head_kv == 2 && i.head_dim == 8 && i.n_ff == 64,
          "sizes");
    CHECK(i.bos == 1 && i.eos == 2 && i.add_bos == 1 && i.vocab_only == 0 && i.threads == 1,
          "flags");
    uint64_t params = 2 * TINY_VOCABULARY * 32 + 32 * 32 * 2 + 2 * 16 * 32 + 3 * 64 * 32 + 3 * 32;
    CHECK(i.n_params == params && i.file_bytes == params * 4, "%llu parameters",
          (unsigned long long)i.n_params);
    CHECK(i.weight_bytes >= i.file_bytes && i.memory_bytes > i.weight_bytes, "memory");
    CHECK(strcmp(rz_model_arch(m), "llama") == 0 && strcmp(rz_model_type(m), "F32") == 0, "names");
    CHECK(strcmp(rz_model_kernels(m), "") != 0, "kernels");
    CHECK(rz_model_meta(m, 0, &meta) == RZ_OK && meta.type == 8 && meta.string_len == 5 &&
              memcmp(meta.string, "llama", 5) == 0 && meta.key_len == 20,
          "the first entry is the architecture");
    CHECK(rz_model_meta(m, 1, &meta) == RZ_OK && meta.type == 4 && meta.number == 1 && !meta.string,
          "the second the number of layers");
    CHECK(rz_model_meta(m, i.n_meta, &meta) == RZ_E_ARG, "past the end");
    CHECK(rz_model_meta(m, i.n_meta - 1, &meta) == RZ_OK && meta.type == 9 &&
              meta.array_type == 5 && meta.array_len == TINY_VOCABULARY,
          "the last one: types of the tokens");
    CHECK(rz_model_pool(m) == NULL, "one thread needs no pool");
    rz_model_close(&m);
    CHECK(m == NULL, "closing clears the handle");
    rz_model_close(&m);
}

static void negative_log_likelihood(void) {
    random_state r = {4};
    for (int round = 0; round < 100; round++) {
        float logits[50];
        double sum = 0;
        for (int i = 0; i < 50; i++) logits[i] = random_float(&r) * (round < 50 ? 10 : 1000);
        double most = -INFINITY;
        for (int i = 0; i < 50; i++) most = fmax(most, logits[i]);
        for (int i = 0; i < 50; i++) sum += exp(logits[i] - most);
        for (uint32_t t = 0; t < 50; t++) {
            double want = log(sum) + most - logits[t], got = NAN;
            CHECK(rz_nll(logits, 50, t, &got, NULL) == RZ_OK, "target %u", t);
            CHECK(fabs(got - want) <= 1e-12 * (1 + fabs(want)), "%.17g is not %.17g", got, want);
        }
        double nll;
        rz_err err;
        CHECK(rz_nll(logits, 50, 50, &nll, &err) == RZ_E_ARG &&
                  strcmp(err.text, "token 50 does not exist: the vocabulary has 50") == 0,
              "outside");
    }
}

int main(void) {
    TEST(prompt_and_tokens);
    TEST(max_tokens);
    TEST(end_token);
    TEST(all_logits);
    TEST(refused_calls);
    TEST(refused_sampling);
    TEST(refused_options);
    TEST(overflow, RZ_DT_F32, 1e30f);
    TEST(overflow, RZ_DT_BF16, 1e30f);
    TEST(overflow, RZ_DT_Q4_0, 4e6f);
    TEST(overflow, RZ_DT_Q8_0, 6e7f);
    TEST(overflow, RZ_DT_Q4_K, 1.5e7f);
    TEST(overflow, RZ_DT_Q6_K, 2e9f);
    TEST(overflow_of_f16_cache);
    TEST(lost_key);
    TEST(memory);
    TEST(no_memory);
    TEST(information);
    TEST(negative_log_likelihood);
    return check_summary("test_session");
}
