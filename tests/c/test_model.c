/*
 * test_model.c: real models from file to text, under every kernel table: recorded prompt ids,
 * logits against a plain float forward pass (reference.c) and against llama.cpp's, greedy
 * continuations.
 */
#include <math.h>
#include <stdbool.h>

#include "check.h"
#include "reference.h"

enum { max_ids = 512 };

/* How far logits may be apart: the largest difference, over all positions.
 *
 * reference: float types differ by the order of float sums only (measured 2e-5 on logits up to 22).
 * Quantised ones also by activations rounded to int8 per 32 columns, half a step of 1/127 of the
 * block's largest value in each of 7 products a layer: measured 0.42 at most, 0.07 on average.
 * llama: llama.cpp rounds activations too, to the type of an F16 or BF16 matrix (11 and 8 bits of
 * mantissa: measured 6e-3 and 5e-2), to int8 for quantised ones (per 256 columns for the K types),
 * so two such noises add up: measured 0.28 to 0.45. */
typedef struct {
    const char *name, *prompt;
    double reference, reference_rms, llama;
} recorded_case;

static const recorded_case cases[] = {
    {"stories260K", "p0", 5e-5, 1e-5, 1e-4},
    {"stories260K", "p1", 5e-5, 1e-5, 1e-4},
    {"stories260K", "p2", 5e-5, 1e-5, 1e-4},
    {"stories260K-F16", "p0", 5e-5, 1e-5, 0.012},
    {"stories260K-BF16", "p0", 5e-5, 1e-5, 0.09},
    {"stories260K-Q8_0", "p0", 0.6, 0.1, 0.5},
    {"stories260K-Q4_0", "p0", 0.7, 0.1, 0.5},
    {"stories260K-pad256-F32", "p0", 5e-5, 1e-5, 1e-4},
    {"stories260K-pad256-Q4_K_M", "p0", 0.8, 0.15, 0.9},
    {"stories260K-pad256-Q6_K", "p0", 0.8, 0.15, 0.9},
    {"llama-2-tiny-random", "p0", 5e-7, 1e-7, 2e-4},
};
enum { n_cases = sizeof cases / sizeof cases[0] };

typedef struct {
    const recorded_case *c;
    host_file file;
    char prompt[256];
    uint32_t ids[max_ids]; /* prompt, then greedy */
    uint32_t n_prompt, n_greedy, n_vocab;
    double gap;       /* smallest between the best two logits on the greedy path */
    float *llama;     /* [n_prompt][n_vocab] */
    float *reference; /* [n_prompt + n_greedy][n_vocab] */
} recording;

/* ---- reading recordings ---------------------------------------------------------------------- */

/* The text behind "key": in a flat JSON object, or NULL. */
static const char *json_find(const char *json, const char *key) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(json, quoted);
    return at ? at + strlen(quoted) : NULL;
}

static uint32_t json_ids(const char *json, const char *key, uint32_t *ids, uint32_t room) {
    const char *at = json_find(json, key);
    uint32_t n = 0;
    at = at ? strchr(at, '[') : NULL;
    while (at && *at && *at != ']' && n < room) {
        char *end;
        ids[n++] = (uint32_t)strtoul(at + 1, &end, 10);
        at = end;
    }
    return n;
}

/* A string without escapes. */
static void json_text(const char *json, const char *key, char *out, size_t room) {
    const char *at = json_find(json, key), *start = at ? strchr(at, '"') : NULL;
    const char *end = start ? strchr(start + 1, '"') : NULL;
    out[0] = 0;
    if (end) snprintf(out, room, "%.*s", (int)(end - start - 1), start + 1);
}

static char *read_text(const char *path) {
    host_file f = host_read(path);
    if (!f.bytes) return NULL;
    char *text = realloc(f.bytes, f.n + 1);
    text[f.n] = 0;
    return text;
}

static bool open_recording(recording *r, const recorded_case *c, const char *dir) {
    char path[1024];
    *r = (recording){.c = c};
    snprintf(path, sizeof path, "%s/gguf-models/%s.gguf", dir, c->name);
    r->file = host_read(path);
    snprintf(path, sizeof path, "%s/gguf-models/reference/%s.%s.json", dir, c->name, c->prompt);
    char *json = read_text(path);
    snprintf(path, sizeof path, "%s/gguf-models/reference/%s.%s.logits.f32", dir, c->name,
             c->prompt);
    host_file logits = host_read(path);
    CHECK(r->file.bytes && json && logits.bytes, "cannot read %s %s", c->name, c->prompt);
    if (!r->file.bytes || !json || !logits.bytes) return false;
    json_text(json, "prompt", r->prompt, sizeof r->prompt);
    r->n_prompt = json_ids(json, "prompt_ids", r->ids, max_ids);
    r->n_greedy = json_ids(json, "greedy_ids", r->ids + r->n_prompt, max_ids - r->n_prompt);
    r->gap = strtod(json_find(json, "min_top1_top2_gap"), NULL);
    r->llama = (float *)logits.bytes;
    r->reference = reference_logits(r->file, r->ids, r->n_prompt + r->n_greedy, &r->n_vocab);
    CHECK(r->n_prompt > 0 && r->n_greedy > 0 && r->reference, "%s %s is not usable", c->name,
          c->prompt);
    CHECK(logits.n == (size_t)r->n_prompt * r->n_vocab * 4, "%zu bytes of logits", logits.n);
    free(json);
    return r->reference != NULL;
}

static void close_recording(recording *r) {
    free(r->file.bytes);
    free(r->llama);
    free(r->reference);
}

/* ---- comparing ------------------------------------------------------------------------------- */

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

static uint32_t best_of(const float *logits, uint32_t n) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) best = logits[i] > logits[best] ? i : best;
    return best;
}

/* How far the best logit is above the second. */
static double margin(const float *logits, uint32_t n) {
    uint32_t best = best_of(logits, n);
    double second = -INFINITY;
    for (uint32_t i = 0; i < n; i++) second = i == best ? second : fmax(second, logits[i]);
    return logits[best] - second;
}

static rz_model *open_model(const recording *r, uint32_t mask) {
    rz_model *m;
    rz_err err = {0};
    int result = host_load(&m, r->file, &(rz_load_opts){.kernels = mask}, 0, &err);
    CHECK(result == RZ_OK, "%s: %s", r->c->name, err.text);
    return m;
}

static void prompt_ids(const recording *r, rz_model *m) {
    uint32_t ids[max_ids];
    size_t n, room = rz_tokenize_scratch(m, strlen(r->prompt));
    void *scratch = malloc(room);
    rz_err err = {0};
    /* "ids:1" is how the recordings write a prompt that is not a text: the BOS alone */
    size_t bytes = strncmp(r->prompt, "ids:", 4) == 0 ? 0 : strlen(r->prompt);
    int result =
        rz_tokenize(m, r->prompt, bytes, RZ_TOK_SPECIAL, scratch, room, ids, max_ids, &n, &err);
    CHECK(result == RZ_OK && n == r->n_prompt && memcmp(ids, r->ids, n * sizeof *ids) == 0,
          "'%s': %zu ids: %s", r->prompt, n, err.text);
    free(scratch);
}

static void check_logits(const recording *r, rz_model *m, const float *logits) {
    const size_t all = (size_t)(r->n_prompt + r->n_greedy) * r->n_vocab;
    double rms, unused, most = largest_difference(logits, r->reference, all, &rms);
    double llama = largest_difference(logits, r->llama, (size_t)r->n_prompt * r->n_vocab, &unused);
    printf("  %s %s, %s: reference %.2g (rms %.2g), llama.cpp %.2g\n", r->c->name, r->c->prompt,
           rz_model_kernels(m), most, rms, llama);
    CHECK(most <= r->c->reference && rms <= r->c->reference_rms, "reference: %g, rms %g", most,
          rms);
    CHECK(llama <= r->c->llama, "llama.cpp: %g", llama);
}

/* Where the reference is sure of the next token - its margin is more than what two logits may be
 * off - the engine says the same. Most positions are sure. */
static void check_choices(const recording *r, const float *logits) {
    uint32_t sure = 0;
    for (uint32_t t = 0; t < r->n_prompt + r->n_greedy; t++) {
        const float *want = r->reference + (size_t)t * r->n_vocab;
        if (margin(want, r->n_vocab) <= 2 * r->c->reference) continue;
        sure++;
        uint32_t id = best_of(logits + (size_t)t * r->n_vocab, r->n_vocab);
        CHECK(id == best_of(want, r->n_vocab), "position %u: token %u", t, id);
    }
    CHECK(2 * sure > r->n_prompt + r->n_greedy, "only %u positions are sure", sure);
}

/* llama.cpp's continuation, token by token. */
static void check_greedy(const recording *r, rz_model *m) {
    rz_session *s;
    rz_err err = {0};
    rz_session_opts opts = {.n_ctx = r->n_prompt + r->n_greedy};
    int result = rz_session_open(m, &opts, &s, &err);
    CHECK(result == RZ_OK, "%s", err.text);
    if (result) return;
    CHECK(rz_session_prompt(s, r->ids, r->n_prompt) == RZ_OK, "%s", rz_session_error(s)->text);
    for (uint32_t i = 0; i < r->n_greedy; i++) {
        do result = rz_step(s);
        while (result == RZ_AGAIN);
        CHECK(result == RZ_TOKEN && rz_session_token(s) == r->ids[r->n_prompt + i],
              "token %u: %d, %u instead of %u", i, result, rz_session_token(s),
              r->ids[r->n_prompt + i]);
        if (result != RZ_TOKEN || rz_session_token(s) != r->ids[r->n_prompt + i]) break;
    }
    rz_session_close(&s);
}

static void one_table(const recording *r, uint32_t mask) {
    rz_model *m = open_model(r, mask);
    if (!m) return;
    prompt_ids(r, m);
    float *logits = host_logits(m, r->ids, r->n_prompt + r->n_greedy, 32, RZ_KV_F32);
    CHECK(logits != NULL, "no logits");
    if (logits) {
        check_logits(r, m, logits);
        check_choices(r, logits);
    }
    /* a path that never comes nearer to a tie than noise could carry it */
    if (r->gap > 0.05 || r->gap > 2 * r->c->llama) check_greedy(r, m);
    free(logits);
    rz_model_close(&m);
}

/* The recorded ids are the reference's choice, where it is sure by the same measure. */
static void recording_is_sound(const recording *r) {
    for (uint32_t i = 0; i < r->n_greedy; i++) {
        const float *logits = r->reference + (size_t)(r->n_prompt - 1 + i) * r->n_vocab;
        if (margin(logits, r->n_vocab) <= 2 * r->c->llama) continue;
        uint32_t id = best_of(logits, r->n_vocab);
        CHECK(id == r->ids[r->n_prompt + i], "token %u: reference %u, recorded %u", i, id,
              r->ids[r->n_prompt + i]);
    }
}

int main(void) {
    const char *dir = fixtures("models recorded from llama.cpp");
    int free_running = 0;
    for (int i = 0; dir && i < n_cases; i++) {
        recording r;
        if (!open_recording(&r, &cases[i], dir)) {
            checks_failed++; /* already said why */
            continue;
        }
        TEST(recording_is_sound, &r);
        for (uint32_t bit = 1; bit; bit <<= 1) {
            if (rz_kernels_usable() & bit) TEST(one_table, &r, bit);
        }
        free_running += r.gap > 0.05 || r.gap > 2 * r.c->llama;
        close_recording(&r);
    }
    if (dir) printf("%d of %d continuations reproduced freely\n", free_running, n_cases);
    return check_summary("test_model");
}
