/*
 * model.c: from headers to a model with a place for every tensor.
 */
#include "model.h"

#include "bind.h"
#include "err.h"
#include "hf.h"
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
        m->file_bytes += t->bytes;
        if (t->route.plane == RZ_PLANE_SCALES) continue;
        m->n_params += n;
        weights_of[t->dtype] += n;
        if (weights_of[t->dtype] > weights_of[most]) most = t->dtype;
    }
    bool floats = rz_dtype_get(most)->block == 1;
    m->type_name = rz_dtype_get(floats && b->quantize < RZ_DT_COUNT ? b->quantize : most)->name;
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

static rz_tensor tensor_of_gguf(const rz_gguf_tensor *t, uint32_t part) {
    rz_tensor to = {.name = t->name,
                    .name_len = t->name_len,
                    .part = part,
                    .dtype = t->dtype,
                    .offset = t->offset,
                    .bytes = t->bytes};
    memcpy(to.dims, t->dims, sizeof to.dims);
    return to;
}

/* Shapes of safetensors come with the routes. */
static rz_tensor tensor_of_st(const rz_st_tensor *t, uint32_t part) {
    return (rz_tensor){.name = t->name,
                       .name_len = t->name_len,
                       .part = part,
                       .offset = t->offset,
                       .bytes = t->bytes};
}

/* The tensors of all parts in one list, a block to be freed, and where each came from: NULL for those of
 * GGUF headers. */
static int list_tensors(rz_binder *b, const rz_load_part *parts, uint32_t n_parts,
                        const rz_st_tensor ***sources) {
    uint64_t n = 0;
    for (uint32_t p = 0; p < n_parts; p++) {
        n += parts[p].kind == RZ_PART_GGUF ? parts[p].gguf.n_tensors : 0;
        n += parts[p].kind == RZ_PART_SAFETENSORS ? parts[p].st.n : 0;
    }
    *sources = NULL;
    if (n == 0) return RZ_OK;
    if (n <= UINT32_MAX / 2) {
        b->n_tensors = (uint32_t)n;
        b->tensors = rz_block_alloc(b->allocator, n * sizeof *b->tensors);
        *sources = rz_block_alloc(b->allocator, n * sizeof **sources);
    }
    if (!b->tensors || !*sources) {
        return rz_err_set(b->err, RZ_E_MEMORY, "no memory for the list of tensors");
    }
    for (uint32_t p = 0, i = 0; p < n_parts; p++) {
        bool gguf = parts[p].kind == RZ_PART_GGUF, st = parts[p].kind == RZ_PART_SAFETENSORS;
        for (uint32_t k = 0; gguf && k < parts[p].gguf.n_tensors; k++, i++) {
            b->tensors[i] = tensor_of_gguf(&parts[p].gguf.tensors[k], p);
            (*sources)[i] = NULL;
        }
        for (uint32_t k = 0; st && k < parts[p].st.n; k++, i++) {
            b->tensors[i] = tensor_of_st(&parts[p].st.tensors[k], p);
            (*sources)[i] = &parts[p].st.tensors[k];
        }
    }
    return RZ_OK;
}

static void free_lists(rz_binder *b, const rz_st_tensor **sources) {
    rz_bind_free(b);
    rz_block_free(b->allocator, b->tensors, (uint64_t)b->n_tensors * sizeof *b->tensors);
    rz_block_free(b->allocator, sources, (uint64_t)b->n_tensors * sizeof *sources);
}

static int create_gguf(rz_model **out, rz_model *m, rz_binder *b, rz_load_stream *stream,
                       rz_load_job **jobs, uint32_t *n_jobs) {
    const rz_gguf *g = &stream->parts[0].gguf;
    const rz_st_tensor **sources = NULL;
    int result = rz_vocab_plan(&m->vocab, g, b->err);
    if (result) return result;
    if (m->vocab_only) {
        m->config.n_vocab = m->vocab.n;
        return build_model(out, m, NULL, jobs, n_jobs, b->err);
    }
    result = check_split(g, stream->n_parts, b->err);
    if (result == RZ_OK) result = rz_config_from_gguf(&m->config, &m->arch, g, m->vocab.n, b->err);
    b->arch = m->arch;
    if (result == RZ_OK) result = list_tensors(b, stream->parts, stream->n_parts, &sources);
    if (result == RZ_OK) result = rz_route_gguf(b->tensors, b->n_tensors, m->arch, &m->config, b->err);
    if (result == RZ_OK) result = rz_bind_check(b);
    if (result == RZ_OK) result = build_model(out, m, b, jobs, n_jobs, b->err);
    free_lists(b, sources);
    return result;
}

/* The vocabulary of a Hugging Face model: its tokenizer.json, or none, then it takes and gives token
 * ids. The tokens that end generation are those of the other files in either case. */
static int plan_hf_vocabulary(rz_model *m, const rz_hf_files *files, const rz_gguf *g, rz_err *err) {
    const rz_json_text *t = &files->tokenizer, *config = &files->tokenizer_config;
    int result = t->p ? rz_vocab_from_json(&m->vocab, (const char *)t->p, t->n,
                                                (const char *)config->p, config->n, err)
                      : rz_vocab_plan(&m->vocab, g, err);
    if (result == RZ_OK) rz_vocab_use_ids(&m->vocab, g, m->config.n_vocab);
    return result;
}

static int create_hf(rz_model **out, rz_model *m, rz_binder *b, rz_load_stream *stream,
                     rz_load_job **jobs, uint32_t *n_jobs) {
    rz_load_part *meta = rz_model_header(stream);
    const rz_st_tensor **sources = NULL;
    rz_hf_files files;
    rz_hf_names names;
    rz_hf_model hf;
    int result = rz_hf_files_find(&files, stream->parts, stream->n_parts, b->err);
    if (result == RZ_OK) result = rz_hf_config(&hf, &files, b->err);
    if (result == RZ_OK) result = rz_hf_meta(meta, &hf, &files, b->allocator, b->err);
    if (result) return result;
    m->config = hf.config;
    m->arch = b->arch = hf.arch;
    result = plan_hf_vocabulary(m, &files, &meta->gguf, b->err);
    if (result) return result;
    if (m->vocab_only) return build_model(out, m, NULL, jobs, n_jobs, b->err);
    b->needs = hf.needs;
    b->hf = &names;
    result = list_tensors(b, stream->parts, stream->n_parts + 1, &sources);
    if (result == RZ_OK) result = rz_hf_route(b->tensors, sources, b->n_tensors, &hf, &names, b->err);
    if (result == RZ_OK) result = rz_bind_check(b);
    if (result == RZ_OK) result = build_model(out, m, b, jobs, n_jobs, b->err);
    free_lists(b, sources);
    return result;
}

int rz_model_create(rz_model **out, rz_load_stream *stream, const rz_model_opts *opts,
                    rz_load_job **jobs, uint32_t *n_jobs, rz_err *err) {
    rz_model m = {.kern = opts->kern, .allocator = stream->allocator, .type_name = "",
                  .threads = opts->vocab_only ? 1 : opts->threads, .vocab_only = opts->vocab_only};
    rz_binder b = {.config = &m.config, .kern = opts->kern, .quantize = opts->quantize,
                   .allocator = stream->allocator, .err = err};
    bool is_hf;
    int result = rz_hf_detect(stream->parts, stream->n_parts, &is_hf, err);
    if (result) return result;
    return is_hf ? create_hf(out, &m, &b, stream, jobs, n_jobs)
                 : create_gguf(out, &m, &b, stream, jobs, n_jobs);
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

rz_load_part *rz_model_header(rz_load_stream *stream) {
    bool gguf = stream->parts[0].kind == RZ_PART_GGUF;
    return &stream->parts[gguf ? 0 : stream->n_parts];
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
