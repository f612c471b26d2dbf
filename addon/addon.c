/*
 * addon.c: the engine as a Node add-on (Node-API version 8), one function per call of rz.h.
 *
 * Handles are externals that hold a box. Boxes of sessions keep their model's box alive; a box that
 * JS forgets is freed by the garbage collector. Errors are thrown with the RZ_E number as `code`.
 * js/native.ts sees to it that a model's calls do not overlap a step that runs on another thread.
 */
#include "addon.h"

/* Counts the bytes of one model and its sessions; lives until the last of them is gone. */
typedef struct memory {
    rz_allocator allocator;
    uint64_t bytes;
} memory;

static void *count_alloc(void *ctx, size_t bytes) {
    memory *m = ctx;
    void *p = rz_default_allocator.alloc(NULL, bytes);
    if (p) m->bytes += bytes;
    return p;
}

static void count_free(void *ctx, void *p, size_t bytes) {
    ((memory *)ctx)->bytes -= bytes;
    rz_default_allocator.free(NULL, p, bytes);
}

static memory *memory_new(void) {
    memory *m = calloc(1, sizeof *m);
    if (m) m->allocator = (rz_allocator){count_alloc, count_free, m};
    return m;
}

/* ---- boxes --------------------------------------------------------------------------------- */

static void release_model(box *b) {
    if (--b->users) return;
    rz_model_close(&b->u.model);
    free(b->memory);
    free(b);
}

static void close_session(box *b) {
    if (!b->u.session) return;
    rz_session_close(&b->u.session);
    release_model(b->model);
}

static void close_loader(box *b) {
    if (!b->u.loader) return;
    rz_load_close(&b->u.loader);
    free(b->memory);
}

void rz_addon_finalize(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    box *b = data;
    switch (b->kind) {
    case BOX_MODEL: release_model(b); return;
    case BOX_SESSION: close_session(b); break;
    case BOX_LOADER: close_loader(b); break;
    case BOX_PREDICTOR: rz_predictor_close(&b->u.predictor); break;
    }
    free(b);
}

/* ---- loading ------------------------------------------------------------------------------- */

static napi_value load_open(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    memory *m = memory_new();
    if (!m) return throw_text(env, RZ_E_MEMORY, "no memory for a loader");
    rz_load_opts opts = {.allocator = &m->allocator};
    opts.parts = arg_u32(&a);
    opts.threads = arg_u32(&a);
    opts.vocab_only = arg_bool(&a);
    opts.kernels = arg_u32(&a);
    opts.quantize = arg_u32(&a);
    rz_loader *l;
    rz_err err;
    if (rz_load_open(&opts, &l, &err) < 0) {
        free(m);
        return throw_error(env, &err);
    }
    return new_box(env, (box){.kind = BOX_LOADER, .u.loader = l, .memory = m});
}

static napi_value load_size(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_LOADER);
    if (!b) return NULL;
    uint32_t part = arg_u32(&a);
    if (rz_load_size(b->u.loader, part, (uint64_t)arg_number(&a)) < 0) {
        return throw_error(env, rz_load_error(b->u.loader));
    }
    return NULL;
}

static napi_value load_next(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_LOADER);
    if (!b) return NULL;
    int result = rz_load_next(b->u.loader, &b->need);
    if (result < 0) return throw_error(env, rz_load_error(b->u.loader));
    if (result == RZ_DONE) {
        napi_value null;
        napi_get_null(env, &null);
        return null;
    }
    const napi_value need[] = {number(env, b->need.part), number(env, (double)b->need.offset),
                               number(env, (double)b->need.length)};
    return list(env, need, 3);
}

static napi_value load_feed(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_LOADER);
    size_t n;
    if (!b) return NULL;
    const void *bytes = arg_array(&a, napi_uint8_array, &n);
    if (n > b->need.length) n = b->need.length;
    if (n) memcpy(b->need.dst, bytes, n);
    b->need.length = 0;
    if (rz_load_feed(b->u.loader, n) < 0) return throw_error(env, rz_load_error(b->u.loader));
    return number(env, (double)n);
}

static napi_value load_finish(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_LOADER);
    rz_model *m;
    if (!b) return NULL;
    if (rz_load_finish(&b->u.loader, &m) < 0) return throw_error(env, rz_load_error(b->u.loader));
    return new_box(env, (box){.kind = BOX_MODEL, .u.model = m, .memory = b->memory, .users = 1});
}

static napi_value load_close(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    void *p = NULL;
    napi_get_value_external(env, a.values[0], &p);
    if (p) close_loader(p);
    return NULL;
}

/* A vocabulary alone; an empty config is none. */
static napi_value tokenizer_open(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    size_t bytes, config_bytes;
    const char *json = arg_array(&a, napi_uint8_array, &bytes);
    const char *config = arg_array(&a, napi_uint8_array, &config_bytes);
    memory *counted = memory_new();
    rz_model *m;
    rz_err err;
    if (!counted) return throw_text(env, RZ_E_MEMORY, "no memory for a tokenizer");
    if (rz_tokenizer_open(json ? json : "", bytes, config_bytes ? config : NULL, config_bytes,
                          &counted->allocator, &m, &err) < 0) {
        free(counted);
        return throw_error(env, &err);
    }
    return new_box(env, (box){.kind = BOX_MODEL, .u.model = m, .memory = counted, .users = 1});
}

/* ---- models -------------------------------------------------------------------------------- */

static napi_value model_info(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_MODEL);
    rz_model_info i;
    if (!b) return NULL;
    rz_model_info_get(b->u.model, &i);
    const double values[] = {
        i.n_vocab,    i.n_ctx_train, i.n_embd,  i.n_layer,          i.n_head,
        i.n_head_kv,  i.head_dim,    i.n_ff,    i.bos,              i.eos,
        i.add_bos,    i.vocab_only,  i.threads, i.n_meta,           (double)i.n_params,
        (double)i.file_bytes, (double)i.weight_bytes, (double)i.memory_bytes, i.unknown_pre,
    };
    enum { n = sizeof values / sizeof values[0] };
    napi_value array[n];
    for (int k = 0; k < n; k++) array[k] = number(env, values[k]);
    return list(env, array, n);
}

static napi_value model_names(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_MODEL);
    if (!b) return NULL;
    const char *names[] = {rz_model_kernels(b->u.model), rz_model_arch(b->u.model),
                           rz_model_type(b->u.model)};
    napi_value array[3];
    for (int k = 0; k < 3; k++) array[k] = text(env, names[k], strlen(names[k]));
    return list(env, array, 3);
}

static napi_value model_meta(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_MODEL);
    rz_meta m;
    if (!b) return NULL;
    if (rz_model_meta(b->u.model, arg_u32(&a), &m) < 0) {
        return throw_text(env, RZ_E_ARG, "there is no such metadata entry");
    }
    const napi_value fields[] = {text(env, m.key, m.key_len),
                                 number(env, m.type),
                                 number(env, m.number),
                                 text(env, m.string, m.string_len),
                                 number(env, m.array_type),
                                 number(env, (double)m.array_len)};
    return list(env, fields, 6);
}

static napi_value model_memory(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_MODEL);
    return b ? number(env, (double)b->memory->bytes) : NULL;
}

/* The model itself goes when its last session has gone. */
static napi_value model_close(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_MODEL);
    if (b && b->users == 1) rz_model_close(&b->u.model);
    return NULL;
}

/* ---- text and tokens ----------------------------------------------------------------------- */

static napi_value ids_to_list(napi_env env, const uint32_t *ids, size_t n) {
    napi_value array = NULL;
    napi_create_array_with_length(env, n, &array);
    for (size_t i = 0; i < n; i++) {
        napi_value id = NULL;
        napi_create_uint32(env, ids[i], &id);
        napi_set_element(env, array, (uint32_t)i, id);
    }
    return array;
}

static napi_value tokenize(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_MODEL);
    size_t bytes, n = 0;
    if (!b) return NULL;
    const char *s = arg_array(&a, napi_uint8_array, &bytes);
    uint32_t flags = arg_u32(&a);
    size_t scratch_bytes = rz_tokenize_scratch(b->u.model, bytes), room = 3 * bytes + 8;
    void *scratch = scratch_bytes == SIZE_MAX ? NULL : malloc(scratch_bytes);
    uint32_t *ids = malloc(room * sizeof *ids);
    rz_err err = {.code = RZ_E_MEMORY, .text = "no memory for so long a text"};
    int result = RZ_E_MEMORY;
    if (scratch && ids) {
        result = rz_tokenize(b->u.model, s ? s : "", bytes, flags, scratch, scratch_bytes, ids, room,
                             &n, &err);
    }
    if (result >= 0 && n > room) { /* a normaliser made much of little */
        free(ids);
        ids = malloc(n * sizeof *ids);
        result = ids ? rz_tokenize(b->u.model, s ? s : "", bytes, flags, scratch, scratch_bytes, ids, n,
                                   &n, &err)
                     : RZ_E_MEMORY;
    }
    napi_value out = result < 0 ? throw_error(env, &err) : ids_to_list(env, ids, n);
    free(scratch);
    free(ids);
    return out;
}

static napi_value detokenize(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_MODEL);
    size_t n_ids, n = 0;
    void *out = NULL;
    rz_err err;
    if (!b) return NULL;
    const uint32_t *ids = arg_array(&a, napi_uint32_array, &n_ids);
    uint32_t flags = arg_u32(&a);
    if (rz_detokenize(b->u.model, ids, n_ids, flags, NULL, 0, &n, &err) < 0) {
        return throw_error(env, &err);
    }
    napi_value array = new_array(env, napi_uint8_array, n, 1, &out);
    if (array) rz_detokenize(b->u.model, ids, n_ids, flags, out, n, &n, &err);
    return array;
}

static napi_value piece(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_MODEL);
    size_t n = 0;
    void *out = NULL;
    rz_err err;
    if (!b) return NULL;
    uint32_t id = arg_u32(&a);
    uint32_t flags = arg_u32(&a);
    char *buf = malloc(rz_piece_max(b->u.model));
    if (!buf) return throw_text(env, RZ_E_MEMORY, "no memory for a token");
    napi_value array = NULL;
    if (rz_piece(b->u.model, id, flags, buf, &n, &err) < 0) {
        throw_error(env, &err);
    } else if ((array = new_array(env, napi_uint8_array, n, 1, &out)) && n) {
        memcpy(out, buf, n);
    }
    free(buf);
    return array;
}

/* ---- sessions ------------------------------------------------------------------------------ */

static napi_value session_open(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_MODEL);
    rz_session *s;
    rz_err err;
    if (!b) return NULL;
    rz_session_opts opts = {0};
    opts.n_ctx = arg_u32(&a);
    opts.chunk = arg_u32(&a);
    opts.kv_type = arg_u32(&a);
    opts.all_logits = arg_bool(&a);
    opts.embed = arg_bool(&a);
    if (rz_session_open(b->u.model, &opts, &s, &err) < 0) return throw_error(env, &err);
    b->users++;
    return new_box(env, (box){.kind = BOX_SESSION, .u.session = s, .model = b});
}

static napi_value session_close(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    if (b) close_session(b);
    return NULL;
}

static napi_value session_result(napi_env env, const box *b, int result) {
    return result < 0 ? throw_error(env, rz_session_error(b->u.session)) : NULL;
}

/* (session, numbers) */
static napi_value session_numbers(napi_env env, napi_callback_info info,
                                  int (*call)(rz_session *, const uint32_t *, size_t)) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    size_t n;
    if (!b) return NULL;
    const uint32_t *numbers = arg_array(&a, napi_uint32_array, &n);
    return session_result(env, b, call(b->u.session, numbers, n));
}

static napi_value session_prompt(napi_env env, napi_callback_info info) {
    return session_numbers(env, info, rz_session_prompt);
}

static napi_value session_token_types(napi_env env, napi_callback_info info) {
    return session_numbers(env, info, rz_session_token_types);
}

static napi_value session_sampling(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    rz_sampling o = {0};
    if (!b) return NULL;
    o.temperature = (float)arg_number(&a);
    o.top_k = arg_u32(&a);
    o.top_p = (float)arg_number(&a);
    o.min_p = (float)arg_number(&a);
    o.repeat_penalty = (float)arg_number(&a);
    o.repeat_last = arg_u32(&a);
    o.seed = arg_u64(&a);
    o.max_tokens = arg_u32(&a);
    o.ignore_end = arg_bool(&a);
    return session_result(env, b, rz_session_sampling(b->u.session, &o));
}

static napi_value session_rewind(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    if (!b) return NULL;
    return session_result(env, b, rz_session_rewind(b->u.session, arg_u32(&a)));
}

/* A step on a thread of libuv's pool. */
typedef struct {
    rz_session *session;
    int result;
    napi_deferred deferred;
    napi_async_work work;
    napi_ref handle; /* keeps the session's box alive */
} step_work;

static void step_run(napi_env env, void *data) {
    (void)env;
    step_work *w = data;
    w->result = rz_step(w->session);
}

static void step_done(napi_env env, napi_status status, void *data) {
    (void)status;
    step_work *w = data;
    if (w->result < 0) {
        napi_value error;
        throw_error(env, rz_session_error(w->session));
        napi_get_and_clear_last_exception(env, &error);
        napi_reject_deferred(env, w->deferred, error);
    } else {
        napi_resolve_deferred(env, w->deferred, number(env, w->result));
    }
    napi_delete_reference(env, w->handle);
    napi_delete_async_work(env, w->work);
    free(w);
}

static napi_value session_step(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    napi_value promise = NULL, name = text(env, "realizar step", 13);
    if (!b) return NULL;
    step_work *w = calloc(1, sizeof *w);
    if (!w) return throw_text(env, RZ_E_MEMORY, "no memory for a step");
    w->session = b->u.session;
    napi_create_promise(env, &w->deferred, &promise);
    napi_create_reference(env, a.values[0], 1, &w->handle);
    napi_create_async_work(env, NULL, name, step_run, step_done, w, &w->work);
    napi_queue_async_work(env, w->work);
    return promise;
}

static napi_value session_token(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    return b ? number(env, rz_session_token(b->u.session)) : NULL;
}

static napi_value session_end(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    return b ? number(env, rz_session_end(b->u.session)) : NULL;
}

static uint32_t vocab_size(const box *session) {
    rz_model_info info;
    rz_model_info_get(session->model->u.model, &info);
    return info.n_vocab;
}

static napi_value session_logits(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    uint32_t rows;
    size_t stride;
    void *out = NULL;
    if (!b) return NULL;
    const float *logits = rz_session_logits(b->u.session, &rows, &stride);
    const size_t n = vocab_size(b);
    napi_value array = new_array(env, napi_float32_array, rows * n, sizeof *logits, &out);
    if (!array) return NULL;
    for (uint32_t r = 0; r < rows; r++) {
        memcpy((float *)out + r * n, logits + r * stride, n * sizeof *logits);
    }
    const napi_value result[] = {number(env, rows), array};
    return list(env, result, 2);
}

static napi_value session_embedding(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    rz_model_info model;
    void *out = NULL;
    if (!b) return NULL;
    rz_model_info_get(b->model->u.model, &model);
    napi_value array = new_array(env, napi_float32_array, model.n_embd, sizeof(float), &out);
    if (array) rz_session_embedding(b->u.session, arg_u32(&a), out);
    return array;
}

static napi_value session_nll(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    uint32_t rows;
    size_t stride, n;
    double sum = 0;
    if (!b) return NULL;
    uint32_t first = arg_u32(&a);
    const uint32_t *targets = arg_array(&a, napi_uint32_array, &n);
    const float *logits = rz_session_logits(b->u.session, &rows, &stride);
    const uint32_t n_vocab = vocab_size(b);
    for (size_t i = 0; i < n && first + i < rows; i++) {
        double nll;
        rz_err err;
        if (rz_nll(logits + (first + i) * stride, n_vocab, targets[i], &nll, &err)) return throw_error(env, &err);
        sum += nll;
    }
    return number(env, sum);
}

static void define(napi_env env, napi_value exports, const addon_call *call) {
    napi_value f;
    napi_create_function(env, call->name, NAPI_AUTO_LENGTH, call->call, NULL, &f);
    napi_set_named_property(env, exports, call->name, f);
}

NAPI_MODULE_INIT() {
    static const addon_call calls[] = {
        {"loadOpen", load_open},           {"loadSize", load_size},
        {"loadNext", load_next},           {"loadFeed", load_feed},
        {"loadFinish", load_finish},       {"loadClose", load_close},
        {"tokenizerOpen", tokenizer_open}, {"modelInfo", model_info},         {"modelNames", model_names},
        {"modelMeta", model_meta},         {"modelMemory", model_memory},
        {"modelClose", model_close},       {"tokenize", tokenize},
        {"detokenize", detokenize},        {"piece", piece},
        {"sessionOpen", session_open},     {"sessionPrompt", session_prompt},
        {"sessionSampling", session_sampling}, {"sessionRewind", session_rewind},
        {"sessionStep", session_step},     {"sessionToken", session_token},
        {"sessionEnd", session_end},       {"sessionLogits", session_logits},
        {"sessionNll", session_nll},       {"sessionClose", session_close},
        {"sessionTokenTypes", session_token_types}, {"sessionEmbedding", session_embedding},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) define(env, exports, &calls[i]);
    for (size_t i = 0; i < rz_addon_n_predict_calls; i++) {
        define(env, exports, &rz_addon_predict_calls[i]);
    }
    return exports;
}
