/*
 * fuzz_gguf.c: any bytes as a model: loaded in pieces with little memory; what loads computes three
 * steps and tokenizes. Whatever comes: a typed refusal with a sentence or a result, nothing left
 * behind, no allocation past the limit.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/dtype.h"
#include "budget.h"
#include "fuzz.h"
#include "tiny.h"

enum { memory_limit = 8 << 20 };

static void must(bool holds) {
    if (!holds) abort();
}

static void three_steps(rz_model *m, uint32_t kv_type) {
    rz_model_info info;
    rz_session *s;
    rz_err err = {0};
    rz_model_info_get(m, &info);
    rz_session_opts opts = {.n_ctx = 6, .chunk = 2, .kv_type = kv_type};
    rz_sampling sampling = {.temperature = kv_type ? 0.7f : 0,
                            .top_k = 3,
                            .top_p = 0.9f,
                            .min_p = 0.1f,
                            .repeat_penalty = 1.2f,
                            .repeat_last = 4,
                            .seed = 1};
    uint64_t bytes = rz_session_bytes(m, &opts);
    int result = rz_session_open(m, &opts, &s, &err);
    must(result == RZ_OK ? bytes > 0 && rz_session_memory(s) == bytes : err.text[0] && !s);
    if (result) return;
    const uint32_t ids[3] = {0, info.n_vocab - 1, info.n_vocab / 2};
    must(rz_session_sampling(s, &sampling) == RZ_OK && rz_session_prompt(s, ids, 3) == RZ_OK);
    for (int i = 0; i < 3; i++) {
        result = rz_step(s);
        must(result >= 0 || (result == rz_session_error(s)->code && rz_session_error(s)->text[0]));
        must(result != RZ_TOKEN || rz_session_token(s) < info.n_vocab);
    }
    rz_session_close(&s);
}

static void tokenize(const rz_model *m) {
    static const char text[] = "Hello <s> world's\n\n \xf0\x9f\x98\x80 <|endoftext|> \xff"
                               "aaaaaaaa";
    const size_t n = sizeof text - 1, room = rz_tokenize_scratch(m, n);
    rz_model_info info;
    uint32_t ids[256];
    char back[64];
    size_t n_ids, count;
    rz_err err = {0};
    rz_model_info_get(m, &info);
    char *scratch = malloc(room), *piece = malloc(rz_piece_max(m));
    for (uint32_t flags = 0; flags < 4; flags++) {
        int result = rz_tokenize(m, text, n, flags, scratch, room, ids, 256, &n_ids, &err);
        must(result == RZ_OK || (result < 0 && err.text[0]));
        if (result) continue;
        for (size_t i = 0; i < n_ids && i < 256; i++) must(ids[i] < info.n_vocab);
        result = rz_detokenize(m, ids, n_ids < 256 ? n_ids : 256, flags, back, sizeof back, &count,
                               &err);
        must(result == RZ_OK || err.text[0]);
    }
    for (uint32_t id = 0; id < info.n_vocab; id += 1 + info.n_vocab / 64) {
        int result = rz_piece(m, id, RZ_TOK_SPECIAL, piece, &count, &err);
        must(result == RZ_OK ? count <= rz_piece_max(m) : err.text[0] != 0);
        rz_is_end(m, id);
    }
    free(scratch), free(piece);
}

static void load(host_file file, uint32_t vocab_only) {
    budget b;
    rz_model *m;
    rz_err err = {0};
    budget_open(&b);
    b.limit = memory_limit;
    rz_load_opts opts = {.allocator = &b.allocator, .vocab_only = vocab_only};
    int result = host_load(&m, file, &opts, file.n % 2 ? 0 : 1 + file.n % 1000, &err);
    must(result == RZ_OK || (result < 0 && result == err.code && err.text[0]));
    if (result == RZ_OK) {
        rz_meta meta;
        rz_model_info info;
        rz_model_info_get(m, &info);
        must(info.memory_bytes <= b.peak);
        for (uint32_t i = 0; i < info.n_meta; i++) must(rz_model_meta(m, i, &meta) == RZ_OK);
        if (!vocab_only && info.n_vocab > 0) {
            three_steps(m, RZ_KV_F32);
            three_steps(m, RZ_KV_F16);
        }
        tokenize(m);
        rz_model_close(&m);
    }
    must(b.now == 0 && b.blocks == 0 && b.wrong_frees == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    host_file copy = {malloc(size ? size : 1), size};
    if (size) memcpy(copy.bytes, data, size);
    load(copy, 0);
    load(copy, 1);
    free(copy.bytes);
    return 0;
}

/* Models of several types, as small as they can be, then vocabularies alone. */
host_file fuzz_seed(int i) {
    static const uint32_t types[] = {RZ_DT_F32, RZ_DT_F16, RZ_DT_BF16, RZ_DT_Q4_0, RZ_DT_Q8_0};
    tiny_spec s = tiny_default();
    gguf_writer w;
    s.n_embd = 8, s.n_ff = 8, s.n_head = 2, s.n_head_kv = 1, s.n_vocab = 8;
    if (i < 5) {
        s.dtype = types[i];
        if (i > 2) s.n_embd = s.n_ff = 32;
        s.tied = i % 2, s.biases = i == 1, s.rope_factors = i == 2, s.rope_scale = i == 3 ? 2 : 0;
        return tiny_model(&s);
    }
    if (i == 5 || i == 6) { /* whole super-blocks, one head */
        s.dtype = i == 5 ? RZ_DT_Q4_K : RZ_DT_Q6_K;
        s.n_embd = 256, s.n_ff = 256, s.n_head_kv = 2;
        return tiny_model(&s);
    }
    if (i == 7) {
        s.vocabulary = true;
        return tiny_model(&s);
    }
    if (i > 9) return (host_file){NULL, 0};
    gguf_open(&w, 2, 8);
    if (i == 8) tiny_vocabulary(&w);
    if (i == 9) tiny_bpe_vocabulary(&w);
    return gguf_close(&w);
}
