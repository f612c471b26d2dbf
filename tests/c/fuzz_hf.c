/*
 * fuzz_hf.c: any bytes as a Hugging Face model. What stands before the first zero byte is config.json,
 * the rest the safetensors file; where there is no such byte all of it is the safetensors file beside a
 * right config.json. A typed refusal with a sentence or a model that computes; nothing left behind, no
 * allocation past the limit.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/dtype.h"
#include "budget.h"
#include "fuzz.h"
#include "tiny_hf.h"

enum { memory_limit = 8 << 20 };

static void must(bool holds) {
    if (!holds) abort();
}

static void compute(rz_model *m) {
    rz_model_info info;
    rz_session *s;
    rz_err err = {0};
    rz_model_info_get(m, &info);
    const bool encoder = strstr(rz_model_arch(m), "bert") != NULL;
    rz_session_opts opts = {.n_ctx = 6, .chunk = 2, .embed = encoder};
    const uint32_t tokens[3] = {0, info.n_vocab - 1, info.n_vocab / 2};
    if (rz_session_open(m, &opts, &s, &err) < 0) {
        must(err.text[0] != 0);
        return;
    }
    must(rz_session_prompt(s, tokens, 3) == RZ_OK);
    for (int i = 0; i < 3; i++) {
        int result = rz_step(s);
        must(result >= 0 || rz_session_error(s)->text[0]);
    }
    if (encoder) {
        float *out = malloc(info.n_embd * sizeof *out);
        rz_session_embedding(s, RZ_POOL_NONE, out);
        free(out);
    }
    rz_session_close(&s);
}

static void load(const host_file *parts, uint32_t vocab_only, uint32_t quantize) {
    budget b;
    rz_model *m;
    rz_err err = {0};
    budget_open(&b);
    b.limit = memory_limit;
    rz_load_opts opts = {.allocator = &b.allocator, .vocab_only = vocab_only, .quantize = quantize};
    size_t piece = parts[1].n % 2 ? 0 : 1 + parts[1].n % 1000;
    int result = host_load_parts(&m, parts, 2, &opts, piece, &err);
    must(result == RZ_OK || (result < 0 && result == err.code && err.text[0]));
    if (result == RZ_OK) {
        rz_meta meta;
        rz_model_info info;
        rz_model_info_get(m, &info);
        must(info.memory_bytes == b.now);
        for (uint32_t i = 0; i < info.n_meta; i++) must(rz_model_meta(m, i, &meta) == RZ_OK);
        if (!vocab_only && info.n_embd < 4096) compute(m);
        rz_model_close(&m);
    }
    must(b.now == 0 && b.blocks == 0 && b.wrong_frees == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    /* a length of less than 2^56 ends with zero bytes, so only what begins like JSON has a configuration */
    const bool both = zero && (data[0] == '{' || data[0] == ' ');
    tiny_hf own = tiny_hf_model(TINY_LLAMA);
    const size_t before = both ? (size_t)(zero - data) : 0, from = both ? before + 1 : 0;
    host_file copy = {malloc(size ? size : 1), size};
    if (size) memcpy(copy.bytes, data, size);
    const host_file config = {copy.bytes, before}, weights = {copy.bytes + from, size - from};
    const host_file parts[] = {both ? config : own.config, weights};
    load(parts, 0, 0);
    load(parts, 0, size % 3 ? RZ_DT_Q8_0 : RZ_DT_Q4_K);
    load(parts, 1, 0);
    free(copy.bytes);
    tiny_hf_free(&own);
    return 0;
}

host_file fuzz_seed(int i) {
    tiny_hf m = tiny_hf_model(i);
    if (!m.config.bytes) return (host_file){NULL, 0};
    host_file both = {malloc(m.config.n + 1 + m.weights.n), m.config.n + 1 + m.weights.n};
    memcpy(both.bytes, m.config.bytes, m.config.n);
    both.bytes[m.config.n] = 0;
    memcpy(both.bytes + m.config.n + 1, m.weights.bytes, m.weights.n);
    tiny_hf_free(&m);
    return both;
}
