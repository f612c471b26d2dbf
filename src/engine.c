/*
 * engine.c: the public interface: argument checks, the loader's and the session's state machines.
 */
#include "err.h"
#include "forward.h"
#include "math64.h"
#include "sample.h"
#include "tok.h"

/* ---- loading ------------------------------------------------------------------------------- */

enum load_state { LOAD_HEADERS, LOAD_DATA, LOAD_DONE, LOAD_FAILED };

struct rz_loader {
    enum load_state state;
    rz_load_opts opts;
    const rz_kern *kern;
    rz_load_stream stream;
    rz_model *model;
    rz_need need; /* what was asked for last; length 0: nothing */
    rz_err err;
};

static void model_free(rz_model *m) {
    if (!m) return;
    if (m->pool) rz_pool_stop(m->pool);
    if (m->header) {
        rz_gguf_free(&m->gguf);
        rz_block_free(m->allocator, m->header, m->header_bytes);
    }
    rz_block_free(m->allocator, m, m->arena_bytes);
}

static bool can_quantise(uint32_t type) {
    switch (type) {
    case RZ_DT_Q4_0:
    case RZ_DT_Q4_1:
    case RZ_DT_Q5_0:
    case RZ_DT_Q5_1:
    case RZ_DT_Q8_0:
    case RZ_DT_Q4_K:
    case RZ_DT_Q5_K:
    case RZ_DT_Q6_K: return true;
    default: return false;
    }
}

int rz_load_open(const rz_load_opts *opts, rz_loader **out, rz_err *err) {
    *out = NULL;
    rz_load_opts o = opts ? *opts : (rz_load_opts){0};
    if (o.parts == 0) o.parts = 1;
    if (o.threads == 0) o.threads = 1;
    if (o.parts > RZ_PARTS_MAX || o.threads > RZ_POOL_MAX) {
        return rz_err_set(err, RZ_E_ARG, "%u files and %u threads: at most %u and %u are possible",
                          o.parts, o.threads, (unsigned)RZ_PARTS_MAX, (unsigned)RZ_POOL_MAX);
    }
    if (o.quantize && !can_quantise(o.quantize)) {
        return rz_err_set(err, RZ_E_ARG, "weights cannot be quantised to type %u while they load",
                          o.quantize);
    }
    const rz_kern *kern = rz_kern_choose(o.kernels, NULL);
    if (!kern) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, "no kernels for this processor among mask %x",
                          o.kernels);
    }
    rz_loader *l = rz_block_alloc(o.allocator, sizeof *l);
    if (!l) return rz_err_set(err, RZ_E_MEMORY, "no memory for a loader");
    *l = (rz_loader){.opts = o, .kern = kern};
    int result = rz_load_stream_open(&l->stream, o.parts, o.allocator, &l->err);
    if (result) {
        if (err) *err = l->err;
        rz_block_free(o.allocator, l, sizeof *l);
        return result;
    }
    *out = l;
    return RZ_OK;
}

static int load_fail(rz_loader *l, int code) {
    l->state = LOAD_FAILED;
    l->need.length = 0;
    return code;
}

int rz_load_size(rz_loader *l, uint32_t part, uint64_t bytes) {
    if (part >= l->stream.n_parts) {
        return rz_err_set(&l->err, RZ_E_ARG, "there is no file %u", part + 1);
    }
    l->stream.parts[part].file_size = bytes;
    return RZ_OK;
}

/* All headers are there: make the model and its jobs. */
static int begin_data(rz_loader *l) {
    rz_load_job *jobs = NULL;
    uint32_t n_jobs = 0;
    const rz_model_opts opts = {.vocab_only = l->opts.vocab_only != 0,
                                .threads = l->opts.threads,
                                .quantize = l->opts.quantize ? l->opts.quantize : RZ_DT_COUNT,
                                .kern = l->kern};
    int result = rz_model_create(&l->model, &l->stream, &opts, &jobs, &n_jobs, &l->err);
    if (result) return result;
    rz_model *m = l->model;
    if (m->pool) m->threads = rz_pool_start(m->pool, m->threads);
    l->stream.pool = m->pool;
    result = rz_load_data_begin(&l->stream, jobs, n_jobs);
    l->state = LOAD_DATA;
    return result;
}

int rz_load_next(rz_loader *l, rz_need *need) {
    int result = RZ_DONE;
    while (l->state == LOAD_HEADERS && result == RZ_DONE) {
        result = rz_load_header_next(&l->stream, &l->need);
        if (result != RZ_DONE) break;
        if (++l->stream.current < l->stream.n_parts) continue;
        result = begin_data(l);
        if (result == RZ_OK) result = RZ_DONE;
    }
    if (l->state == LOAD_DATA && result == RZ_DONE) {
        result = rz_load_data_next(&l->stream, &l->need);
        if (result == RZ_DONE) result = rz_model_complete(l->model, &l->err);
        if (result == RZ_OK) {
            l->state = LOAD_DONE;
            result = RZ_DONE;
        }
    }
    if (l->state == LOAD_FAILED) return l->err.code;
    if (result < 0) return load_fail(l, result);
    if (result == RZ_DONE) l->need.length = 0;
    *need = l->need;
    return result;
}

int rz_load_feed(rz_loader *l, size_t bytes) {
    if (l->state == LOAD_FAILED) return l->err.code;
    if (l->need.length == 0 || bytes > l->need.length) {
        return rz_err_set(&l->err, RZ_E_STATE, "%zu bytes fed where %zu were asked for", bytes,
                          l->need.length);
    }
    l->need.length = 0;
    int result = l->state == LOAD_HEADERS ? rz_load_header_feed(&l->stream, bytes)
                                          : rz_load_data_feed(&l->stream, bytes);
    return result < 0 ? load_fail(l, result) : result;
}

uint64_t rz_load_total(const rz_loader *l) {
    return l->state == LOAD_HEADERS || !l->model ? 0 : l->model->file_bytes;
}

const rz_err *rz_load_error(const rz_loader *l) { return &l->err; }

int rz_load_finish(rz_loader **loader, rz_model **out) {
    rz_loader *l = *loader;
    *out = NULL;
    if (l->state != LOAD_DONE) {
        return rz_err_set(&l->err, RZ_E_STATE, "the model has not been read to its end");
    }
    rz_model *m = l->model;
    rz_load_part *header = rz_model_header(&l->stream);
    m->gguf = header->gguf;
    m->header = header->bytes;
    m->header_bytes = header->capacity;
    m->memory_bytes += header->capacity + header->gguf.block_bytes;
    header->parsed = false;
    header->bytes = NULL;
    l->model = NULL;
    *out = m;
    rz_load_close(loader);
    return RZ_OK;
}

void rz_load_close(rz_loader **loader) {
    rz_loader *l = *loader;
    if (!l) return;
    model_free(l->model);
    rz_load_stream_close(&l->stream);
    rz_block_free(l->opts.allocator, l, sizeof *l);
    *loader = NULL;
}

int rz_tokenizer_open(const char *tokenizer_json, size_t bytes, const char *tokenizer_config_json,
                      size_t config_bytes, const rz_allocator *allocator, rz_model **out, rz_err *err) {
    return rz_model_from_tokenizer(out, tokenizer_json, bytes, tokenizer_config_json, config_bytes,
                                   rz_kern_choose(0, NULL), allocator, err);
}

/* ---- models -------------------------------------------------------------------------------- */

void rz_model_close(rz_model **m) {
    model_free(*m);
    *m = NULL;
}

void rz_model_info_get(const rz_model *m, rz_model_info *info) {
    const rz_config *c = &m->config;
    *info = (rz_model_info){.n_vocab = c->n_vocab,
                            .n_ctx_train = c->n_ctx_train,
                            .n_embd = c->n_embd,
                            .n_layer = c->n_layer,
                            .n_head = c->n_head,
                            .n_head_kv = c->n_head_kv,
                            .head_dim = c->head_dim,
                            .n_ff = c->n_ff,
                            .bos = m->vocab.bos,
                            .eos = m->vocab.eos,
                            .add_bos = m->vocab.add_bos,
                            .vocab_only = m->vocab_only,
                            .unknown_pre = (m->vocab.flags & RZ_VOCAB_UNKNOWN_KIND) != 0,
                            .threads = m->threads,
                            .n_meta = m->gguf.n_kv,
                            .n_params = m->n_params,
                            .file_bytes = m->file_bytes,
                            .weight_bytes = m->weight_bytes,
                            .memory_bytes = m->memory_bytes};
}

int rz_model_meta(const rz_model *m, uint32_t i, rz_meta *meta) {
    if (i >= m->gguf.n_kv) return RZ_E_ARG;
    const rz_gguf_kv *kv = &m->gguf.kv[i];
    *meta = (rz_meta){.key = kv->key, .key_len = kv->key_len, .type = kv->type};
    if (kv->type == RZ_GGUF_STRING) {
        meta->string = (const char *)kv->value;
        meta->string_len = (size_t)kv->count;
    } else if (kv->type == RZ_GGUF_ARRAY) {
        meta->array_type = kv->array_type;
        meta->array_len = kv->count;
    } else {
        rz_gguf_number(kv, &meta->number);
    }
    return RZ_OK;
}

const char *rz_model_kernels(const rz_model *m) { return m->kern->name; }
const char *rz_model_arch(const rz_model *m) { return m->arch ? m->arch->name : ""; }
const char *rz_model_type(const rz_model *m) { return m->type_name; }
void *rz_model_pool(rz_model *m) { return m->pool; }

/* ---- tokens -------------------------------------------------------------------------------- */

static int need_vocabulary(const rz_model *m, rz_err *err) {
    if (m->vocab.kind != RZ_VOCAB_NONE) return RZ_OK;
    return rz_err_set(err, RZ_E_UNSUPPORTED, "this model has no tokenizer: it takes token ids only");
}

size_t rz_tokenize_scratch(const rz_model *m, size_t text_bytes) {
    return m->vocab.kind == RZ_VOCAB_NONE ? 0 : rz_tok_scratch_bytes(&m->vocab, text_bytes);
}

int rz_tokenize(const rz_model *m, const char *text, size_t text_bytes, uint32_t flags,
                void *scratch, size_t scratch_bytes, uint32_t *ids, size_t cap, size_t *n,
                rz_err *err) {
    *n = 0;
    int result = need_vocabulary(m, err);
    if (result) return result;
    size_t need = rz_tok_scratch_bytes(&m->vocab, text_bytes);
    if (need == SIZE_MAX || scratch_bytes < need) {
        return rz_err_set(err, RZ_E_ARG, "tokenizing %zu bytes of text needs %zu bytes of scratch",
                          text_bytes, need);
    }
    rz_tok_out out = {ids, cap, 0};
    result = rz_tok_encode(&m->vocab, (const uint8_t *)text, text_bytes, flags, scratch, &out, err);
    *n = out.n;
    return result;
}

static int check_token(uint32_t n_vocab, uint32_t id, rz_err *err) {
    if (id < n_vocab) return RZ_OK;
    return rz_err_set(err, RZ_E_ARG, "token %u does not exist: the vocabulary has %u", id, n_vocab);
}

size_t rz_piece_max(const rz_model *m) { return rz_tok_piece_max(&m->vocab); }

int rz_piece(const rz_model *m, uint32_t id, uint32_t flags, char *buf, size_t *len, rz_err *err) {
    *len = 0;
    int result = check_token(m->config.n_vocab, id, err);
    if (m->vocab.kind == RZ_VOCAB_NONE) return result;
    if (result == RZ_OK) *len = rz_tok_piece(&m->vocab, id, flags, (uint8_t *)buf);
    return result;
}

int rz_detokenize(const rz_model *m, const uint32_t *ids, size_t n_ids, uint32_t flags, char *text,
                  size_t cap, size_t *n, rz_err *err) {
    *n = 0;
    int result = need_vocabulary(m, err);
    for (size_t i = 0; i < n_ids && result == RZ_OK; i++) result = check_token(m->config.n_vocab, ids[i], err);
    if (result) return result;
    return rz_tok_decode(&m->vocab, ids, n_ids, flags, (uint8_t *)text, cap, n, err);
}

int rz_is_end(const rz_model *m, uint32_t id) { return rz_vocab_is_end(&m->vocab, id); }

/* ---- sessions ------------------------------------------------------------------------------ */

struct rz_session {
    rz_model *m;
    rz_session_opts opts; /* defaults filled in */
    rz_kv kv;
    rz_run run;
    rz_sampler sampler;
    uint32_t *tokens;   /* [n_ctx] computed and waiting ones */
    uint8_t *types;     /* [n_ctx] their segments; NULL where the model knows none */
    uint32_t n_tokens;
    uint32_t n_past;    /* of these, computed */
    uint32_t n_sampled; /* since the last prompt */
    uint32_t end;       /* RZ_END_* */
    uint32_t logits_rows;
    rz_err err;
    uint64_t bytes;
};

static int fill_opts(const rz_model *m, const rz_session_opts *opts, rz_session_opts *o,
                     rz_err *err) {
    const uint32_t max_chunk = 512;
    *o = opts ? *opts : (rz_session_opts){0};
    if (m->vocab_only) {
        return rz_err_set(err, RZ_E_STATE, "only the vocabulary of this model was loaded");
    }
    if (o->n_ctx == 0) o->n_ctx = m->config.n_ctx_train;
    if (o->chunk == 0) o->chunk = 32;
    o->chunk = rz_min_u32(rz_min_u32(o->chunk, max_chunk), o->n_ctx);
    if (!m->config.causal && !o->embed) {
        return rz_err_set(err, RZ_E_STATE, "this model is an encoder: it embeds texts, it does not "
                                           "continue them");
    }
    if (o->embed) o->chunk = o->n_ctx; /* encoders see all tokens at once */
    if (o->n_ctx > 1u << 26) {
        return rz_err_set(err, RZ_E_ARG, "a context of %u tokens is too large", o->n_ctx);
    }
    if (o->kv_type > RZ_KV_Q8_0) {
        return rz_err_set(err, RZ_E_ARG, "KV cache type %u does not exist", o->kv_type);
    }
    if (o->kv_type == RZ_KV_Q8_0 && m->config.head_dim % 32) {
        return rz_err_set(err, RZ_E_UNSUPPORTED,
                          "a KV cache of q8_0 needs heads of a multiple of 32 dimensions, this model "
                          "has %u: use f16", m->config.head_dim);
    }
    return RZ_OK;
}

static bool layout_session(rz_session *s, rz_arena *a, const rz_model *m) {
    rz_arena_take(a, 1, sizeof *s);
    s->tokens = rz_arena_take(a, s->opts.n_ctx, sizeof *s->tokens);
    if (m->type_embd.rows) s->types = rz_arena_take(a, s->opts.n_ctx, sizeof *s->types);
    rz_kv_layout(&s->kv, a, m, s->opts.kv_type, s->opts.n_ctx);
    bool samples = !s->opts.all_logits && !s->opts.embed;
    rz_run_layout(&s->run, a, m, s->opts.chunk,
                  s->opts.embed ? 0 : s->opts.all_logits ? s->opts.chunk : 1);
    if (samples) {
        s->sampler.sorted = rz_arena_take(a, m->config.n_vocab, sizeof *s->sampler.sorted);
        s->sampler.kept = rz_arena_take(a, s->opts.n_ctx, sizeof *s->sampler.kept);
    }
    return !a->overflow;
}

uint64_t rz_session_bytes(const rz_model *m, const rz_session_opts *opts) {
    rz_session s = {0};
    rz_arena a = {0};
    if (fill_opts(m, opts, &s.opts, NULL) || !layout_session(&s, &a, m)) return 0;
    return a.used;
}

int rz_session_open(rz_model *m, const rz_session_opts *opts, rz_session **out, rz_err *err) {
    rz_session measure = {0};
    rz_arena a = {0};
    *out = NULL;
    int result = fill_opts(m, opts, &measure.opts, err);
    if (result) return result;
    bool fits = layout_session(&measure, &a, m);
    uint64_t bytes = a.used;
    a = (rz_arena){.base = fits ? rz_block_alloc(m->allocator, bytes) : NULL};
    if (!a.base) {
        return rz_err_set(err, RZ_E_MEMORY,
                          "no memory for a context of %u tokens: it needs %llu MB", measure.opts.n_ctx,
                          (unsigned long long)(bytes >> 20) + 1);
    }
    rz_session *s = (rz_session *)a.base;
    *s = (rz_session){.m = m, .opts = measure.opts, .bytes = bytes};
    layout_session(s, &a, m);
    if (s->types) memset(s->types, 0, s->opts.n_ctx);
    s->run.types = s->types;
    rz_run_prepare(&s->run, m, s->opts.n_ctx);
    rz_sample_reset(&s->sampler, &(rz_sampling){.repeat_penalty = 1, .top_p = 1});
    *out = s;
    return RZ_OK;
}

void rz_session_close(rz_session **s) {
    if (*s) rz_block_free((*s)->m->allocator, *s, (*s)->bytes);
    *s = NULL;
}

const rz_err *rz_session_error(const rz_session *s) { return &s->err; }

int rz_session_prompt(rz_session *s, const uint32_t *ids, size_t n) {
    if (n == 0) return rz_err_set(&s->err, RZ_E_ARG, "the prompt has no tokens");
    if (n > s->opts.n_ctx - s->n_tokens) {
        return rz_err_set(&s->err, RZ_E_CONTEXT,
                          "the prompt has %zu tokens, but only %u of the context's %u are free", n,
                          s->opts.n_ctx - s->n_tokens, s->opts.n_ctx);
    }
    for (size_t i = 0; i < n; i++) {
        int result = check_token(s->m->config.n_vocab, ids[i], &s->err);
        if (result) return result;
    }
    memcpy(s->tokens + s->n_tokens, ids, n * sizeof *ids);
    s->n_tokens += (uint32_t)n;
    s->n_sampled = 0;
    s->end = RZ_END_NONE;
    return RZ_OK;
}

int rz_session_token_types(rz_session *s, const uint32_t *types, size_t n) {
    if (n != s->n_tokens) {
        return rz_err_set(&s->err, RZ_E_ARG, "%zu token types for %u tokens", n, s->n_tokens);
    }
    for (size_t i = 0; i < n; i++) {
        if (types[i] < s->m->type_embd.rows) continue;
        return rz_err_set(&s->err, RZ_E_ARG, "token type %u does not exist: the model has %u", types[i],
                          s->m->type_embd.rows);
    }
    for (size_t i = 0; i < n; i++) s->types[i] = (uint8_t)types[i];
    return RZ_OK;
}

static bool usable_number(float x) { return x == x && x - x == 0; }

int rz_session_sampling(rz_session *s, const rz_sampling *o) {
    if (!usable_number(o->temperature) || !usable_number(o->top_p) || !usable_number(o->min_p) ||
        !usable_number(o->repeat_penalty)) {
        return rz_err_set(&s->err, RZ_E_ARG, "a sampling option is not a finite number");
    }
    if (o->repeat_penalty <= 0) {
        return rz_err_set(&s->err, RZ_E_ARG, "the repetition penalty must be larger than 0");
    }
    rz_sample_reset(&s->sampler, o);
    return RZ_OK;
}

int rz_session_rewind(rz_session *s, uint32_t n) {
    if (n > s->n_tokens) {
        return rz_err_set(&s->err, RZ_E_ARG, "cannot keep %u of %u tokens", n, s->n_tokens);
    }
    s->n_tokens = n;
    s->n_past = rz_min_u32(s->n_past, n);
    if (s->kv.lost >= n) s->kv.lost = UINT32_MAX;
    s->n_sampled = 0;
    s->logits_rows = 0;
    s->end = RZ_END_NONE;
    return RZ_OK;
}

static int done(rz_session *s, uint32_t why) {
    s->end = why;
    return RZ_DONE;
}

static int sample_next(rz_session *s) {
    uint32_t id = rz_sample(&s->sampler, s->run.logits, s->m->config.n_vocab, s->tokens, s->n_tokens);
    if (id == RZ_NO_TOKEN) {
        return rz_err_set(&s->err, RZ_E_VALUE,
                          "the model computed logits that are not numbers at position %u",
                          s->n_past - 1);
    }
    s->tokens[s->n_tokens++] = id;
    s->n_sampled++;
    if (rz_vocab_is_end(&s->m->vocab, id) && !s->sampler.options.ignore_end) {
        return done(s, RZ_END_STOP);
    }
    return RZ_TOKEN;
}

int rz_step(rz_session *s) {
    uint32_t left = s->n_tokens - s->n_past;
    if (s->end != RZ_END_NONE) return RZ_DONE;
    if (left == 0) {
        if ((s->opts.all_logits || s->opts.embed) && s->n_past) return RZ_DONE;
        return rz_err_set(&s->err, RZ_E_STATE, "there is no prompt to go on from");
    }
    const uint32_t most = s->sampler.options.max_tokens;
    if (most && s->n_sampled >= most) return done(s, RZ_END_LENGTH);

    uint32_t n = rz_min_u32(left, s->run.chunk);
    bool last = n == left, all = s->opts.all_logits, embed = s->opts.embed;
    s->logits_rows = embed ? 0 : all ? n : last;
    rz_forward(s->m, &s->kv, &s->run, s->tokens + s->n_past, n, s->n_past, s->logits_rows);
    s->n_past += n;
    if (s->kv.lost < s->n_past) {
        s->logits_rows = 0;
        return rz_err_set(&s->err, RZ_E_VALUE,
                          "a key or value of position %u does not fit into the F16 cache",
                          s->kv.lost);
    }
    if (!last || all || embed) return RZ_AGAIN;
    if (s->n_tokens == s->opts.n_ctx) return done(s, RZ_END_CONTEXT);
    return sample_next(s);
}

uint32_t rz_session_token(const rz_session *s) {
    return s->n_sampled ? s->tokens[s->n_tokens - 1] : RZ_NO_TOKEN;
}
uint32_t rz_session_end(const rz_session *s) { return s->end; }
uint32_t rz_session_position(const rz_session *s) { return s->n_past; }
uint64_t rz_session_memory(const rz_session *s) { return s->bytes; }

const float *rz_session_logits(const rz_session *s, uint32_t *rows, size_t *stride) {
    *rows = s->logits_rows;
    *stride = s->run.ld_vocab;
    return s->run.logits;
}

const float *rz_session_hidden(const rz_session *s, uint32_t *rows, size_t *stride) {
    *rows = s->opts.embed ? s->n_past : 0;
    *stride = s->run.ld_embd;
    return s->run.norm;
}

void rz_session_embedding(const rz_session *s, uint32_t pooling, float *out) {
    const uint32_t width = s->m->config.n_embd, model_pooling = s->m->config.pooling;
    uint32_t rows;
    size_t stride;
    const float *hidden = rz_session_hidden(s, &rows, &stride);
    if (pooling == RZ_POOL_NONE) pooling = model_pooling ? model_pooling : RZ_POOL_MEAN;
    uint32_t first = pooling == RZ_POOL_LAST ? rows - 1 : 0;
    uint32_t end = pooling == RZ_POOL_CLS ? 1 : rows;
    double squares = 0;
    for (uint32_t i = 0; i < width; i++) {
        double sum = 0;
        for (uint32_t r = first; r < end; r++) sum += hidden[r * stride + i];
        out[i] = (float)(sum / (end - first));
        squares += (double)out[i] * out[i];
    }
    float scale = squares > 0 ? (float)(1 / __builtin_sqrt(squares)) : 0;
    for (uint32_t i = 0; i < width; i++) out[i] *= scale;
}

int rz_nll(const float *logits, uint32_t n_vocab, uint32_t target, double *nll, rz_err *err) {
    double most = logits[0], sum = 0;
    int result = check_token(n_vocab, target, err);
    if (result) return result;
    for (uint32_t i = 1; i < n_vocab; i++) most = logits[i] > most ? logits[i] : most;
    for (uint32_t i = 0; i < n_vocab; i++) {
        double below = logits[i] - most;
        if (below > -700) sum += rz_exp64(below);
    }
    *nll = rz_log64(sum) + most - logits[target];
    return RZ_OK;
}
