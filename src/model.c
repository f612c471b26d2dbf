/*
 * model.c: from headers to a model with a place for every tensor.
 */
#include "model.h"

#include "bind.h"
#include "err.h"
#include "math64.h"

/* ---- memory -------------------------------------------------------------------------------- */

/* Takes the model's memory in order. In the measuring pass m is a model on the stack; in the second
 * one it is the one in the arena. */
static bool layout_model(rz_model *m, rz_arena *a, const rz_binder *b) {
    rz_arena_take(a, 1, sizeof *m);
    rz_vocab_layout(&m->vocab, a);
    m->pool = m->threads > 1 ? rz_arena_take(a, 1, rz_pool_bytes()) : NULL;
    if (m->vocab_only) return !a->overflow;
    m->layers = rz_arena_take(a, m->config.n_layer, sizeof *m->layers);
    if (m->layers) memset(m->layers, 0, m->config.n_layer * sizeof *m->layers);
    if (m->config.alibi > 0) {
        m->alibi_slopes = rz_arena_take(a, m->config.n_head, sizeof *m->alibi_slopes);
    }
    uint64_t before = a->used;
    bool fits = rz_bind_layout(b, m, a);
    m->weight_bytes = a->used - before;
    return fits && !a->overflow;
}

/* Sizes by type: the model is named after the type that holds most weights. */
static void count_weights(rz_model *m, const rz_binder *b) {
    uint64_t weights_of[RZ_DT_COUNT] = {0};
    uint32_t most = 0;
    for (uint32_t i = 0; i < b->n_tensors; i++) {
        const rz_tensor *t = &b->tensors[i];
        if (t->ignored) continue;
        uint64_t n = t->dims[0] * t->dims[1] * t->dims[2];
        m->n_params += n;
        m->file_bytes += t->bytes;
        weights_of[t->dtype] += n;
        if (weights_of[t->dtype] > weights_of[most]) most = t->dtype;
    }
    m->type_name = rz_dtype_get(most)->name;
}

/* Measures, allocates, lays out. m is the model so far, on the stack. */
static int build_model(rz_model **out, rz_model *m, const rz_binder *b, rz_load_job **jobs,
                       uint32_t *n_jobs, rz_err *err) {
    rz_arena arena = {0};
    if (!layout_model(m, &arena, b)) {
        return rz_err_set(err, RZ_E_MEMORY, "the model does not fit into the address space");
    }
    uint64_t bytes = arena.used;
    *n_jobs = b ? rz_bind_jobs(b, m, NULL) : 0;
    uint64_t job_bytes = (uint64_t)*n_jobs * sizeof **jobs;
    *jobs = *n_jobs ? rz_block_alloc(m->allocator, job_bytes) : NULL;
    arena = (rz_arena){.base = rz_block_alloc(m->allocator, bytes)};
    if (!arena.base || (*n_jobs && !*jobs)) {
        rz_block_free(m->allocator, *jobs, job_bytes);
        rz_block_free(m->allocator, arena.base, bytes);
        *jobs = NULL;
        return rz_err_set(err, RZ_E_MEMORY, "no memory for the model: it needs %llu MB",
                          (unsigned long long)(bytes >> 20) + 1);
    }
    rz_model *model = (rz_model *)arena.base;
    *model = *m;
    layout_model(model, &arena, b);
    model->arena_bytes = bytes;
    model->memory_bytes = bytes;
    rz_vocab_build(&model->vocab);
    if (b) {
        rz_bind_jobs(b, model, *jobs);
        count_weights(model, b);
    }
    *out = model;
    return RZ_OK;
}

/* ---- from headers -------------------------------------------------------------------------- */

/* A split file's first header says how many files there are. */
static int check_split(const rz_gguf *g, uint32_t n_parts, rz_err *err) {
    const rz_gguf_kv *kv = rz_gguf_find(g, "split.count");
    double parts = 0;
    if (!kv || !rz_gguf_number(kv, &parts) || parts <= 1) return RZ_OK;
    if (parts == n_parts) return RZ_OK;
    return rz_err_set(err, RZ_E_FORMAT, "this is one part of a model in %u files, but %u were given",
                      parts < RZ_PARTS_MAX ? (unsigned)parts : (unsigned)RZ_PARTS_MAX, n_parts);
}

/* The tensors of all parts in one list, a block to be freed. */
static int list_tensors(rz_binder *b, const rz_load_part *parts, uint32_t n_parts) {
    uint32_t n = 0;
    for (uint32_t p = 0; p < n_parts; p++) n += parts[p].gguf.n_tensors;
    b->tensors = n ? rz_block_alloc(b->allocator, (uint64_t)n * sizeof *b->tensors) : NULL;
    if (n && !b->tensors) return rz_err_set(b->err, RZ_E_MEMORY, "no memory for the list of tensors");
    b->n_tensors = n;
    for (uint32_t p = 0, i = 0; p < n_parts; p++) {
        for (uint32_t k = 0; k < parts[p].gguf.n_tensors; k++) {
            const rz_gguf_tensor *t = &parts[p].gguf.tensors[k];
            rz_tensor *to = &b->tensors[i++];
            *to = (rz_tensor){.name = t->name,
                              .name_len = t->name_len,
                              .part = p,
                              .dtype = t->dtype,
                              .offset = t->offset,
                              .bytes = t->bytes};
            memcpy(to->dims, t->dims, sizeof to->dims);
        }
    }
    return RZ_OK;
}

int rz_model_create(rz_model **out, const rz_load_part *parts, uint32_t n_parts, bool vocab_only,
                    uint32_t threads, const rz_kern *kern, const rz_allocator *allocator,
                    rz_load_job **jobs, uint32_t *n_jobs, rz_err *err) {
    const rz_gguf *g = &parts[0].gguf;
    rz_model m = {.kern = kern, .allocator = allocator, .threads = threads, .type_name = "",
                  .vocab_only = vocab_only};
    rz_binder b = {.config = &m.config, .kern = kern, .quantize = RZ_DT_COUNT,
                   .allocator = allocator, .err = err};
    int result = rz_vocab_plan(&m.vocab, g, err);
    if (result) return result;
    if (vocab_only) {
        m.config.n_vocab = m.vocab.n;
        m.threads = 1;
        return build_model(out, &m, NULL, jobs, n_jobs, err);
    }
    result = check_split(g, n_parts, err);
    if (result == RZ_OK) result = rz_config_from_gguf(&m.config, &m.arch, g, m.vocab.n, err);
    b.arch = m.arch;
    if (result == RZ_OK) result = list_tensors(&b, parts, n_parts);
    if (result == RZ_OK) result = rz_route_gguf(b.tensors, b.n_tensors, m.arch, &m.config, err);
    if (result == RZ_OK) result = rz_bind_check(&b);
    if (result == RZ_OK) result = build_model(out, &m, &b, jobs, n_jobs, err);
    rz_bind_free(&b);
    rz_block_free(allocator, b.tensors, (uint64_t)b.n_tensors * sizeof *b.tensors);
    return result;
}

int rz_model_from_tokenizer(rz_model **out, const char *json, size_t bytes, const char *config,
                            size_t config_bytes, const rz_kern *kern, const rz_allocator *allocator,
                            rz_err *err) {
    rz_model m = {.kern = kern, .allocator = allocator, .threads = 1, .type_name = "", .vocab_only = true};
    rz_load_job *jobs;
    uint32_t n_jobs;
    *out = NULL;
    size_t at = 0;
    while (at < bytes && memchr(" \t\r\n", json[at], 4)) at++;
    bool is_json = at < bytes && json[at] == '{';
    int result = is_json ? rz_vocab_from_json(&m.vocab, json, bytes, config, config_bytes, err)
                         : rz_vocab_from_spm(&m.vocab, json, bytes, err);
    if (result) return result;
    m.config.n_vocab = m.vocab.n;
    return build_model(out, &m, NULL, &jobs, &n_jobs, err);
}

/* ---- after loading ------------------------------------------------------------------------- */

/* Slopes of ALiBi: 2^(-8 (h + 1) / n) for n a power of two; other numbers of heads take every second
 * slope of the next larger power behind those of the smaller one (Press et al. 2021). */
static void make_alibi_slopes(rz_model *m) {
    const uint32_t n = m->config.n_head;
    uint32_t power = 1;
    while (power * 2 <= n) power *= 2;
    for (uint32_t h = 0; h < n; h++) {
        double exponent = h < power ? (double)(h + 1) / power : (2.0 * (h - power) + 1) / (2.0 * power);
        m->alibi_slopes[h] = (float)rz_exp64(-m->config.alibi * exponent * 0.69314718055994531);
    }
}

/* Divisors of frequencies of at most 1: the quotient must stay a usable number. */
static int check_factors(const rz_model *m, const float *factors, const char *name, rz_err *err) {
    for (uint32_t i = 0; factors && i < m->config.rope.dim / 2; i++) {
        if (!(factors[i] >= 1e-6f)) {
            return rz_err_set(err, RZ_E_VALUE, "%s.weight holds a factor that is not usable", name);
        }
    }
    return RZ_OK;
}

int rz_model_complete(rz_model *m, rz_err *err) {
    if (m->vocab_only) return RZ_OK;
    if (!m->output.w.rows) m->output.w = m->token_embd;
    if (m->alibi_slopes) make_alibi_slopes(m);
    /* a layer whose feed-forward part has no norm at all shares the attention's (StableLM 12B) */
    const rz_layer *first = m->layers;
    if (first->attn_norm.w && !first->ffn_norm.w && !first->ffn_post_norm.w) m->config.parallel = true;
    if (m->rope_long && m->rope_short) m->config.rope.scaling = RZ_SCALE_LONG;
    int result = check_factors(m, m->rope_factors, "rope_freqs", err);
    if (result == RZ_OK) result = check_factors(m, m->rope_long, "rope_factors_long", err);
    if (result == RZ_OK) result = check_factors(m, m->rope_short, "rope_factors_short", err);
    return result;
}
