/*
 * native.c: the engine without JavaScript: a host of rz.h that loads a GGUF file with stdio and
 * measures.
 *   bench_native MODEL THREADS CONTEXT
 * prints {"loadMs": ...}, then for every line "TOKENS PROMPT" of standard input the rates of a
 * greedy generation, in tokens per second: {"prefill": ..., "decode": ..., "promptTokens": ...}.
 * Prefill is the time from the text to the first token, decode that of the tokens after it, as in
 * js/model.ts.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../src/rz.h"

enum { chunk = 128 }; /* prompt tokens per step, as js/model.ts has it */

static double milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void *take(size_t bytes) {
    void *p = malloc(bytes ? bytes : 1);
    if (!p) fail("bench_native", "no memory");
    return p;
}

/* The bytes of a need; fewer at the end of the file. */
static size_t read_need(FILE *f, const rz_need *need) {
    if (fseeko(f, (off_t)need->offset, SEEK_SET)) return 0;
    return fread(need->dst, 1, need->length, f);
}

static rz_model *load(const char *path, uint32_t threads) {
    const rz_load_opts opts = {.threads = threads};
    rz_loader *l;
    rz_model *m = NULL;
    rz_need need;
    rz_err err;
    FILE *f = fopen(path, "rb");
    if (!f) fail(path, "there is no such file");
    if (rz_load_open(&opts, &l, &err)) fail(path, err.text);
    int result;
    while ((result = rz_load_next(l, &need)) == RZ_NEED) rz_load_feed(l, read_need(f, &need));
    if (result == RZ_DONE) result = rz_load_finish(&l, &m);
    if (result < 0) fail(path, rz_load_error(l)->text);
    fclose(f);
    return m;
}

typedef struct {
    uint32_t *ids;
    size_t n;
} token_list;

static token_list tokenize(const rz_model *m, const char *text) {
    const size_t bytes = strlen(text), room = 3 * bytes + 8;
    const size_t scratch_bytes = rz_tokenize_scratch(m, bytes);
    token_list tokens = {take(room * sizeof *tokens.ids), 0};
    void *scratch = take(scratch_bytes);
    rz_err err;
    int result = rz_tokenize(m, text, bytes, RZ_TOK_SPECIAL, scratch, scratch_bytes, tokens.ids,
                             room, &tokens.n, &err);
    if (result) fail("the prompt", err.text);
    if (tokens.n > room) fail("the prompt", "it has more tokens than expected");
    free(scratch);
    return tokens;
}

/* Steps to the next token; false at the end. */
static int next_token(rz_session *s) {
    int result;
    while ((result = rz_step(s)) == RZ_AGAIN) continue;
    if (result < 0) fail("a step", rz_session_error(s)->text);
    return result == RZ_TOKEN;
}

static void generate(rz_model *m, const char *prompt, uint32_t max_tokens, uint32_t context) {
    const rz_session_opts opts = {.n_ctx = context, .chunk = chunk, .kv_type = RZ_KV_F16};
    const rz_sampling greedy = {
        .top_p = 1, .repeat_penalty = 1, .max_tokens = max_tokens, .ignore_end = 1};
    rz_session *s;
    rz_err err;
    const double start = milliseconds();
    token_list tokens = tokenize(m, prompt);
    if (rz_session_open(m, &opts, &s, &err)) fail("the session", err.text);
    if (rz_session_prompt(s, tokens.ids, tokens.n) || rz_session_sampling(s, &greedy)) {
        fail("the prompt", rz_session_error(s)->text);
    }
    uint32_t n = 0;
    double first = start, last = start;
    while (next_token(s)) {
        last = milliseconds();
        if (n++ == 0) first = last;
    }
    const double prefill = 1e3 * (double)tokens.n / (first - start);
    const double decode = n > 1 ? 1e3 * (n - 1) / (last - first) : 0;
    printf("{\"prefill\": %.6g, \"decode\": %.6g, \"promptTokens\": %zu}\n", prefill, decode,
           tokens.n);
    fflush(stdout);
    rz_session_close(&s);
    free(tokens.ids);
}

int main(int argc, char **argv) {
    static char line[1 << 16];
    if (argc != 4) fail("usage", "bench_native MODEL THREADS CONTEXT");
    const double start = milliseconds();
    rz_model *m = load(argv[1], (uint32_t)strtoul(argv[2], NULL, 10));
    printf("{\"loadMs\": %.6g}\n", milliseconds() - start);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        char *prompt;
        const uint32_t tokens = (uint32_t)strtoul(line, &prompt, 10);
        line[strcspn(line, "\n")] = 0;
        generate(m, prompt + (*prompt == ' '), tokens, (uint32_t)strtoul(argv[3], NULL, 10));
    }
    rz_model_close(&m);
    return 0;
}
