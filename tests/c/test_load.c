/*
 * test_load.c: the streaming loader (src/load.c, src/engine.c) as a host meets it: bytes in pieces
 * of any size, several files, memory that stays near the size of the file, allocations that fail
 * one by one, files that end anywhere, and calls in the wrong order.
 */
#include "../../src/dtype.h"
#include "../../src/model.h"
#include "budget.h"
#include "check.h"
#include "tiny.h"

/* ---- a host that watches ----------------------------------------------------------------------
 */

typedef struct {
    const host_file *files;
    uint32_t n_files;
    size_t piece;      /* bytes a feed, at most; 0: what is asked for; SIZE_MAX: random */
    bool tell_sizes;   /* rz_load_size() first */
    rz_load_opts opts; /* parts is filled in */
    random_state r;
} feed_plan;

static size_t piece_of(feed_plan *p, size_t length) {
    if (p->piece == SIZE_MAX) return 1 + random_below(&p->r, (uint32_t)length);
    return p->piece && p->piece < length ? p->piece : length;
}

/* Feeds until the loader is done or fails. Needs go forwards in every file and never overlap. */
static int feed_all(feed_plan *p, rz_loader *l) {
    uint64_t *end = calloc(p->n_files, sizeof *end); /* of what was fetched, by file */
    rz_need need;
    int result;
    for (uint32_t i = 0; p->tell_sizes && i < p->n_files; i++) {
        CHECK(rz_load_size(l, i, p->files[i].n) == RZ_OK, "size of file %u", i);
    }
    while ((result = rz_load_next(l, &need)) == RZ_NEED) {
        CHECK(need.length > 0 && need.dst && need.part < p->n_files, "an empty need");
        CHECK(need.offset >= end[need.part], "byte %llu of file %u is wanted again",
              (unsigned long long)need.offset, need.part);
        const host_file *f = &p->files[need.part];
        size_t left = need.offset < f->n ? f->n - (size_t)need.offset : 0;
        size_t n = piece_of(p, left < need.length ? left : need.length);
        if (left == 0) n = 0;
        if (n) memcpy(need.dst, f->bytes + need.offset, n);
        end[need.part] = need.offset + n;
        result = rz_load_feed(l, n);
        if (result < 0) break;
    }
    free(end);
    return result;
}

/* Loads by a plan; on failure *m is NULL and *err says why. */
static int feed_model(feed_plan *p, rz_model **m, rz_err *err) {
    rz_loader *l = NULL;
    *m = NULL;
    p->opts.parts = p->n_files;
    int result = rz_load_open(&p->opts, &l, err);
    if (result) return result;
    result = feed_all(p, l);
    if (result == RZ_DONE) result = rz_load_finish(&l, m);
    if (result < 0) *err = *rz_load_error(l);
    rz_load_close(&l);
    CHECK(l == NULL, "closing clears the handle");
    return result;
}

/* ---- the same model ---------------------------------------------------------------------------
 */

static bool same_matrix(const rz_mat *a, const rz_mat *b) {
    return a->rows == b->rows && a->cols == b->cols && a->dtype == b->dtype &&
           memcmp(a->data, b->data, (size_t)rz_mat_bytes(a)) == 0;
}

static bool same_vector(const float *a, const float *b, uint32_t n) {
    return (!a && !b) || (a && b && memcmp(a, b, n * sizeof *a) == 0);
}

static bool same_norm(rz_norm a, rz_norm b, uint32_t n) {
    return same_vector(a.w, b.w, n) && same_vector(a.b, b.b, n);
}

static bool same_linear(const rz_linear *a, const rz_linear *b) {
    return same_matrix(&a->w, &b->w) && same_vector(a->b, b->b, a->w.rows);
}

static bool same_layer(const rz_config *c, const rz_layer *a, const rz_layer *b) {
    return same_norm(a->attn_norm, b->attn_norm, c->n_embd) && same_linear(&a->wq, &b->wq) &&
           same_linear(&a->wk, &b->wk) && same_linear(&a->wv, &b->wv) &&
           same_linear(&a->wo, &b->wo) && same_norm(a->ffn_norm, b->ffn_norm, c->n_embd) &&
           same_linear(&a->gate, &b->gate) && same_linear(&a->up, &b->up) &&
           same_linear(&a->down, &b->down);
}

static bool same_model(const rz_model *a, const rz_model *b) {
    bool same = memcmp(&a->config, &b->config, sizeof a->config) == 0 &&
                same_matrix(&a->token_embd, &b->token_embd) &&
                same_linear(&a->output, &b->output) &&
                same_norm(a->output_norm, b->output_norm, a->config.n_embd) &&
                same_vector(a->rope_factors, b->rope_factors, a->config.rope.dim / 2);
    for (uint32_t i = 0; same && i < a->config.n_layer; i++) {
        same = same_layer(&a->config, &a->layers[i], &b->layers[i]);
    }
    return same;
}

static tiny_spec mixed_spec(uint32_t dtype) {
    tiny_spec s = tiny_default();
    s.dtype = dtype, s.n_layer = 2, s.n_embd = 256, s.n_ff = 256, s.n_vocab = 75;
    s.biases = true, s.rope_factors = true, s.vocabulary = true;
    return s;
}

static void any_pieces(uint32_t dtype) {
    static const size_t pieces[] = {1, 97, 4096, SIZE_MAX, SIZE_MAX};
    tiny_spec spec = mixed_spec(dtype);
    host_file file = tiny_model(&spec);
    feed_plan whole = {.files = &file, .n_files = 1};
    rz_model *want, *m;
    rz_err err = {0};
    CHECK(feed_model(&whole, &want, &err) == RZ_OK, "%s", err.text);
    for (int i = 0; i < 10 && want; i++) {
        feed_plan p = {.files = &file,
                       .n_files = 1,
                       .piece = pieces[i / 2],
                       .tell_sizes = i % 2,
                       .opts = {.threads = 1 + (uint32_t)i % 3},
                       .r = {(uint64_t)i}};
        if (pieces[i / 2] == 1 && dtype != RZ_DT_Q4_0) continue; /* once is enough, it is slow */
        CHECK(feed_model(&p, &m, &err) == RZ_OK, "pieces %d: %s", i, err.text);
        CHECK(m && same_model(m, want), "pieces %d: another model", i);
        rz_model_close(&m);
    }
    rz_model_close(&want);
    free(file.bytes);
}

/* ---- several files ------------------------------------------------------------------------------
 */

/* Copies of a model's tensors, every n-th of them, into a file of their own. */
static host_file part_of(host_file file, uint32_t first, uint32_t step) {
    rz_gguf g;
    gguf_writer w;
    char name[64];
    gguf_open(&w, 3, 32);
    CHECK(rz_gguf_parse(&g, file.bytes, file.n, true, NULL, NULL) == RZ_OK, "parse");
    if (first == 0) { /* all metadata, as it stands */
        buffer_add(&w.kv, file.bytes + 24,
                   (size_t)((const uint8_t *)g.tensors[0].name - file.bytes) - 32);
        w.n_kv = g.n_kv;
    }
    for (uint32_t i = first; i < g.n_tensors; i += step) {
        const rz_gguf_tensor *t = &g.tensors[i];
        snprintf(name, sizeof name, "%.*s", (int)t->name_len, t->name);
        gguf_tensor(&w, name, t->n_dims, t->dims, t->dtype, file.bytes + t->offset,
                    (size_t)t->bytes);
    }
    rz_gguf_free(&g);
    return gguf_close(&w);
}

static void several_files(uint32_t n_files) {
    tiny_spec spec = mixed_spec(RZ_DT_Q8_0);
    host_file file = tiny_model(&spec), parts[4];
    feed_plan whole = {.files = &file, .n_files = 1};
    rz_model *want, *m;
    rz_err err = {0};
    for (uint32_t i = 0; i < n_files; i++) parts[i] = part_of(file, i, n_files);
    CHECK(feed_model(&whole, &want, &err) == RZ_OK, "%s", err.text);
    for (int i = 0; i < 4; i++) {
        feed_plan p = {
            .files = parts, .n_files = n_files, .piece = i / 2 ? 1000 : 0, .tell_sizes = i % 2};
        CHECK(feed_model(&p, &m, &err) == RZ_OK, "%s", err.text);
        CHECK(m && same_model(m, want), "another model");
        rz_model_close(&m);
    }
    /* a part too few: its tensors are missing */
    feed_plan less = {.files = parts, .n_files = n_files - 1};
    CHECK(feed_model(&less, &m, &err) == RZ_E_SHAPE && strstr(err.text, "' is missing"), "'%s'",
          err.text);
    rz_model_close(&want);
    for (uint32_t i = 0; i < n_files; i++) free(parts[i].bytes);
    free(file.bytes);
}

/* The first of several files says how many there are. */
static void number_of_files(void) {
    tiny_spec spec = tiny_default();
    gguf_writer w;
    gguf_open(&w, 3, 32);
    gguf_text(&w, "general.architecture", "llama");
    gguf_u32(&w, "split.count", 3);
    host_file file = gguf_close(&w), whole = tiny_model(&spec);
    const host_file two[2] = {file, whole};
    feed_plan p = {.files = two, .n_files = 2};
    rz_model *m;
    rz_err err = {0};
    int result = feed_model(&p, &m, &err);
    CHECK(result == RZ_E_FORMAT &&
              strcmp(err.text, "this is one part of a model in 3 files, but 2 were given") == 0,
          "%d '%s'", result, err.text);
    free(file.bytes), free(whole.bytes);
}

/* ---- memory -------------------------------------------------------------------------------------
 */

/* Every row of a matrix is what the file holds; `name` is its tensor. */
static void rows_of_file(const rz_mat *m, host_file file, const char *name) {
    uint64_t row_bytes = 0;
    const uint8_t *data = tiny_tensor_data(file, name);
    rz_dtype_row_bytes(rz_dtype_get(m->dtype), m->cols, &row_bytes);
    uint8_t *row = malloc((size_t)row_bytes);
    CHECK(data != NULL, "no tensor %s", name);
    for (uint32_t r = 0; data && r < m->rows; r++) {
        rz_pack_row(m, r, row);
        CHECK(memcmp(row, data + r * row_bytes, (size_t)row_bytes) == 0, "%s row %u", name, r);
    }
    free(row);
}

static void peak_memory(uint32_t dtype) {
    tiny_spec s = tiny_default();
    budget b;
    rz_model *m;
    rz_model_info info;
    rz_err err = {0};
    s.dtype = dtype, s.n_layer = 8, s.n_embd = 1024, s.n_ff = 2816, s.n_head = 16, s.n_head_kv = 8;
    s.n_vocab = 12000;
    host_file file = tiny_model(&s);
    budget_open(&b);
    feed_plan p = {
        .files = &file, .n_files = 1, .piece = 1 << 16, .opts = {.allocator = &b.allocator}};
    int result = feed_model(&p, &m, &err);
    CHECK(result == RZ_OK, "%s", err.text);
    if (result) return;
    rz_model_info_get(m, &info);
    printf("  %s: file %.1f MB, peak %.1f MB, then %.1f MB\n", rz_dtype_get(dtype)->name,
           (double)file.n / 1e6, (double)b.peak / 1e6, (double)b.now / 1e6);
    CHECK(file.n > 60e6, "%zu bytes are no 64 MB", file.n);
    CHECK((double)b.peak <= 1.1 * (double)file.n + 8e6, "%zu bytes for a file of %zu", b.peak,
          file.n);
    CHECK(b.now == info.memory_bytes, "%zu bytes are held, %llu are told", b.now,
          (unsigned long long)info.memory_bytes);
    rows_of_file(&m->token_embd, file, "token_embd.weight");
    rows_of_file(&m->output.w, file, "output.weight");
    rows_of_file(&m->layers[7].down.w, file, "blk.7.ffn_down.weight");
    rows_of_file(&m->layers[3].wk.w, file, "blk.3.attn_k.weight");
    rz_model_close(&m);
    CHECK(b.now == 0 && b.blocks == 0 && b.wrong_frees == 0, "%zu bytes left", b.now);
    free(file.bytes);
}

/* Every allocation of a load fails once; afterwards nothing is left and the next load works. */
static void failing_allocations(bool vocab_only, uint32_t threads) {
    tiny_spec spec = mixed_spec(RZ_DT_Q4_K);
    host_file file = tiny_model(&spec);
    budget b;
    rz_model *m;
    int result = RZ_E_MEMORY;
    unsigned n = 0;
    budget_open(&b);
    while (result == RZ_E_MEMORY && n < 100) {
        rz_err err = {0};
        feed_plan p = {
            .files = &file,
            .n_files = 1,
            .opts = {.allocator = &b.allocator, .vocab_only = vocab_only, .threads = threads}};
        b.calls = 0;
        b.fail_at = ++n;
        result = feed_model(&p, &m, &err);
        CHECK(result == RZ_OK || (result == RZ_E_MEMORY && err.code == RZ_E_MEMORY && m == NULL),
              "allocation %u: %d", n, result);
        CHECK(result == RZ_OK || strncmp(err.text, "no memory ", 10) == 0, "allocation %u: '%s'", n,
              err.text);
        rz_model_close(&m);
        CHECK(b.now == 0 && b.blocks == 0 && b.wrong_frees == 0, "allocation %u: %zu bytes left", n,
              b.now);
    }
    CHECK(result == RZ_OK && n > 5 && b.calls == n - 1, "%u allocations failed, %u were made",
          n - 1, b.calls);
    free(file.bytes);
}

/* ---- files that end too early -------------------------------------------------------------------
 */

/* The tensor that holds byte n of the data or comes behind it, in the order of the file. */
static const rz_gguf_tensor *tensor_at(const rz_gguf *g, uint64_t n) {
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        if (g->tensors[i].offset + g->tensors[i].bytes > n) return &g->tensors[i];
    }
    return NULL;
}

/* What the loader must say of the first n bytes of a file whose size it does not know. */
static void sentence_of_stream(const rz_gguf *g, size_t n, char *text, size_t room) {
    if (n == 0) {
        snprintf(text, room, "the file is empty");
    } else if (n < g->header_bytes) {
        snprintf(text, room, "GGUF: the file ends at byte %zu, inside its header", n);
    } else {
        const rz_gguf_tensor *t = tensor_at(g, n);
        uint64_t at = t->offset > n ? t->offset : n; /* in the padding: where it would go on */
        snprintf(text, room, "the file ends at byte %llu, inside tensor '%.*s', which ends at %llu",
                 (unsigned long long)at, (int)t->name_len, t->name,
                 (unsigned long long)(t->offset + t->bytes));
    }
}

/* With a known size one of the tensors that lie outside is named. */
static bool names_one_outside(const rz_gguf *g, size_t n, const char *got) {
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        const rz_gguf_tensor *t = &g->tensors[i];
        char text[320];
        snprintf(text, sizeof text, "tensor '%.*s' ends at byte %llu of a file of %zu bytes",
                 (int)t->name_len, t->name, (unsigned long long)(t->offset + t->bytes), n);
        if (t->offset + t->bytes > n && strcmp(text, got) == 0) return true;
    }
    return false;
}

static void cut_everywhere(void) {
    tiny_spec spec = tiny_default();
    spec.vocabulary = true;
    host_file file = tiny_model(&spec);
    rz_gguf g;
    CHECK(rz_gguf_parse(&g, file.bytes, file.n, true, NULL, NULL) == RZ_OK, "parse");
    for (size_t n = 0; n < file.n; n += 97) {
        const host_file part = {file.bytes, n};
        for (int tell = 0; tell < 2; tell++) {
            feed_plan p = {
                .files = &part, .n_files = 1, .tell_sizes = tell, .piece = n % 2 ? 0 : 500};
            rz_model *m;
            rz_err err = {0};
            char want[320];
            int result = feed_model(&p, &m, &err);
            sentence_of_stream(&g, n, want, sizeof want);
            bool right = tell && n >= g.header_bytes ? names_one_outside(&g, n, err.text)
                                                     : strcmp(err.text, want) == 0;
            CHECK(result == RZ_E_TRUNCATED && err.code == RZ_E_TRUNCATED && right,
                  "%zu bytes: %d '%s' instead of '%s'", n, result, err.text, want);
        }
    }
    rz_gguf_free(&g);
    free(file.bytes);
}

/* A size that is told wrong: too small is believed, too large is found out. */
static void wrong_sizes(void) {
    tiny_spec spec = tiny_default();
    host_file file = tiny_model(&spec);
    for (int larger = 0; larger < 2; larger++) {
        rz_loader *l;
        rz_err err = {0};
        rz_need need;
        int result = rz_load_open(NULL, &l, &err);
        CHECK(rz_load_size(l, 0, larger ? file.n * 1000 : file.n - 1) == RZ_OK, "size");
        CHECK(rz_load_size(l, 1, 5) == RZ_E_ARG &&
                  !strcmp(rz_load_error(l)->text, "there is no file 2"),
              "'%s'", rz_load_error(l)->text);
        while ((result = rz_load_next(l, &need)) == RZ_NEED) {
            size_t left = need.offset < file.n ? file.n - (size_t)need.offset : 0;
            size_t n = left < need.length ? left : need.length;
            memcpy(need.dst, file.bytes + (n ? need.offset : 0), n);
            if (rz_load_feed(l, n) < 0) break;
        }
        if (larger) {
            CHECK(result == RZ_DONE, "%d '%s'", result, rz_load_error(l)->text);
        } else {
            char text[80];
            snprintf(text, sizeof text,
                     "tensor 'output.weight' ends at byte %zu of a file of %zu bytes", file.n,
                     file.n - 1);
            CHECK(rz_load_error(l)->code == RZ_E_TRUNCATED && !strcmp(rz_load_error(l)->text, text),
                  "'%s'", rz_load_error(l)->text);
        }
        rz_load_close(&l);
    }
    free(file.bytes);
}

/* ---- calls in the wrong order
 * -------------------------------------------------------------------- */

static void loader_says(const rz_loader *l, int result, int code, const char *text) {
    CHECK(result == code && strcmp(rz_load_error(l)->text, text) == 0, "%d '%s' instead of %d '%s'",
          result, rz_load_error(l)->text, code, text);
}

static void wrong_order(void) {
    tiny_spec spec = tiny_default();
    host_file file = tiny_model(&spec);
    rz_loader *l;
    rz_model *m;
    rz_err err = {0};
    rz_need need, again;
    CHECK(rz_load_open(NULL, &l, &err) == RZ_OK, "%s", err.text);
    CHECK(rz_load_error(l)->code == RZ_OK && rz_load_error(l)->text[0] == 0, "no error yet");
    CHECK(rz_load_total(l) == 0, "nothing is known yet");
    loader_says(l, rz_load_feed(l, 1), RZ_E_STATE, "1 bytes fed where 0 were asked for");
    loader_says(l, rz_load_finish(&l, &m), RZ_E_STATE, "the model has not been read to its end");
    CHECK(m == NULL && l != NULL, "on failure the loader stays");
    CHECK(rz_load_next(l, &need) == RZ_NEED && need.part == 0 && need.offset == 0,
          "the first bytes");
    CHECK(rz_load_next(l, &again) == RZ_NEED && again.offset == 0 && again.length == need.length &&
              again.dst == need.dst,
          "asked again, the same answer");
    char text[80];
    snprintf(text, sizeof text, "%zu bytes fed where %zu were asked for", need.length + 1,
             need.length);
    loader_says(l, rz_load_feed(l, need.length + 1), RZ_E_STATE, text);
    memcpy(need.dst, file.bytes, 100);
    CHECK(rz_load_feed(l, 100) == RZ_OK, "that did no harm");
    loader_says(l, rz_load_feed(l, 1), RZ_E_STATE, "1 bytes fed where 0 were asked for");
    int result;
    while ((result = rz_load_next(l, &need)) == RZ_NEED) {
        size_t left = file.n - (size_t)need.offset, n = left < need.length ? left : need.length;
        if (n) memcpy(need.dst, file.bytes + need.offset, n);
        if (rz_load_total(l))
            loader_says(l, rz_load_finish(&l, &m), RZ_E_STATE,
                        "the model has not been read to its end");
        CHECK(rz_load_feed(l, n) == RZ_OK, "byte %llu", (unsigned long long)need.offset);
    }
    CHECK(result == RZ_DONE && rz_load_next(l, &need) == RZ_DONE && need.length == 0,
          "done is done");
    loader_says(l, rz_load_feed(l, 1), RZ_E_STATE, "1 bytes fed where 0 were asked for");
    CHECK(rz_load_total(l) > 0 && rz_load_total(l) < file.n, "bytes of tensors");
    CHECK(rz_load_finish(&l, &m) == RZ_OK && m && l == NULL, "a model");
    rz_model_close(&m);
    rz_load_close(&l);
    free(file.bytes);
}

/* A loader that failed stays failed and says the same again. */
static void failed_for_good(void) {
    rz_loader *l;
    rz_model *m;
    rz_err err;
    rz_need need;
    CHECK(rz_load_open(NULL, &l, &err) == RZ_OK && rz_load_next(l, &need) == RZ_NEED, "open");
    memcpy(need.dst, "<!DOCTYPE html>", 15);
    CHECK(rz_load_feed(l, 15) == RZ_OK && rz_load_next(l, &need) == RZ_NEED, "more may follow");
    const char *text = "not a GGUF file: it starts with bytes 3c 21 44 4f, as a web page does";
    loader_says(l, rz_load_feed(l, 0), RZ_E_FORMAT, text);
    loader_says(l, rz_load_next(l, &need), RZ_E_FORMAT, text);
    loader_says(l, rz_load_feed(l, 0), RZ_E_FORMAT, text);
    CHECK(rz_load_finish(&l, &m) == RZ_E_STATE && m == NULL && l, "no model comes of it");
    rz_load_close(&l);
}

int main(void) {
    static const uint32_t types[] = {RZ_DT_F32,  RZ_DT_BF16, RZ_DT_Q4_0,
                                     RZ_DT_Q8_0, RZ_DT_Q4_K, RZ_DT_Q6_K};
    for (int i = 0; i < 6; i++) TEST(any_pieces, types[i]);
    TEST(several_files, 2);
    TEST(several_files, 3);
    TEST(number_of_files);
    TEST(peak_memory, RZ_DT_Q4_0);
    TEST(peak_memory, RZ_DT_Q4_K);
    TEST(failing_allocations, false, 1);
    TEST(failing_allocations, false, 2);
    TEST(failing_allocations, true, 1);
    TEST(cut_everywhere);
    TEST(wrong_sizes);
    TEST(wrong_order);
    TEST(failed_for_good);
    return check_summary("test_load");
}
