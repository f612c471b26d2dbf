/*
 * addon.c: the engine as a Node add-on (Node-API version 8), one function per call of rz.h.
 *
 * Handles are externals that hold a box. Boxes of sessions keep their model's box alive; a box that
 * JS forgets is freed by the garbage collector. Errors are thrown with the RZ_E number as `code`.
 * js/native.ts sees to it that a model's calls do not overlap a step that runs on another thread.
 */
#define NAPI_VERSION 8
#include <node_api.h>

#include <stdlib.h>
#include <string.h>

#include "rz.h"

enum box_kind { BOX_LOADER, BOX_MODEL, BOX_SESSION, BOX_PREDICTOR };

typedef struct box {
    enum box_kind kind;
    union {
        rz_loader *loader;
        rz_model *model;
        rz_session *session;
        rz_predictor *predictor;
        void *any;
    } u;
    rz_need need;           /* loader: what was asked for last */
    struct memory *memory;  /* where the object's bytes are counted */
    struct box *model;      /* session: its model's box */
    uint32_t users;         /* model: boxes that refer to it, the JS handle included */
} box;

/* Counts the bytes of one model and its sessions; lives until the last of them is gone. */
typedef struct memory {
    rz_allocator allocator;
    uint64_t bytes;
} memory;

static void *count_alloc(void *ctx, size_t bytes) {
    memory *m = ctx;
    void *p = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    if (p) m->bytes += bytes;
    return p;
}

static void count_free(void *ctx, void *p, size_t bytes) {
    ((memory *)ctx)->bytes -= bytes;
    free(p);
}

static memory *memory_new(void) {
    memory *m = calloc(1, sizeof *m);
    if (m) m->allocator = (rz_allocator){count_alloc, count_free, m};
    return m;
}

/* ---- values -------------------------------------------------------------------------------- */

static napi_value throw_error(napi_env env, const rz_err *err) {
    char code[12];
    int n = -err->code;
    code[0] = '-';
    code[1] = (char)('0' + n % 10);
    code[2] = 0;
    napi_throw_error(env, code, err->text);
    return NULL;
}

static napi_value throw_text(napi_env env, int code, const char *text) {
    rz_err err = {.code = code};
    strncpy(err.text, text, sizeof err.text - 1);
    return throw_error(env, &err);
}

static napi_value number(napi_env env, double value) {
    napi_value v = NULL;
    napi_create_double(env, value, &v);
    return v;
}

static napi_value text(napi_env env, const char *s, size_t n) {
    napi_value v = NULL;
    napi_create_string_utf8(env, s ? s : "", s ? n : 0, &v);
    return v;
}

static napi_value list(napi_env env, const napi_value *values, uint32_t n) {
    napi_value array = NULL;
    napi_create_array_with_length(env, n, &array);
    for (uint32_t i = 0; i < n; i++) napi_set_element(env, array, i, values[i]);
    return array;
}

/* Arguments of a call, read one after the other; a wrong type reads as 0. */
typedef struct {
    napi_env env;
    napi_value values[10];
    size_t n, at;
} args;

static args get_args(napi_env env, napi_callback_info info) {
    args a = {.env = env, .n = 10};
    napi_get_cb_info(env, info, &a.n, a.values, NULL, NULL);
    return a;
}

static double arg_number(args *a) {
    double v = 0;
    if (a->at < a->n) napi_get_value_double(a->env, a->values[a->at++], &v);
    return v;
}

static uint32_t arg_u32(args *a) {
    double v = arg_number(a);
    return v >= 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static bool arg_bool(args *a) {
    bool v = false;
    if (a->at < a->n) napi_get_value_bool(a->env, a->values[a->at++], &v);
    return v;
}

static uint64_t arg_u64(args *a) {
    uint64_t v = 0;
    bool lossless;
    if (a->at < a->n) napi_get_value_bigint_uint64(a->env, a->values[a->at++], &v, &lossless);
    return v;
}

/* A typed array: its bytes and the number of its elements. */
static void *arg_array(args *a, napi_typedarray_type want, size_t *n) {
    napi_typedarray_type type;
    void *data = NULL;
    *n = 0;
    if (a->at >= a->n) return NULL;
    napi_value v = a->values[a->at++];
    if (napi_get_typedarray_info(a->env, v, &type, n, &data, NULL, NULL) != napi_ok || type != want) {
        *n = 0;
        return NULL;
    }
    return data;
}

/* The box of the first argument, if it is of that kind and open; else NULL and an exception. */
static box *arg_box(args *a, enum box_kind kind) {
    void *p = NULL;
    if (a->at < a->n) napi_get_value_external(a->env, a->values[a->at++], &p);
    box *b = p;
    if (b && b->kind == kind && b->u.any) return b;
    throw_text(a->env, RZ_E_STATE, "the object was closed");
    return NULL;
}

static napi_value new_array(napi_env env, napi_typedarray_type type, size_t n, size_t size,
                            void **data) {
    napi_value buffer = NULL, array = NULL;
    if (napi_create_arraybuffer(env, n * size, data, &buffer) != napi_ok) return NULL;
    napi_create_typedarray(env, type, n, buffer, 0, &array);
    return array;
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

static void finalize(napi_env env, void *data, void *hint) {
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

static napi_value new_box(napi_env env, box content) {
    napi_value v = NULL;
    box *b = malloc(sizeof *b);
    if (!b) return throw_text(env, RZ_E_MEMORY, "no memory for a handle");
    *b = content;
    napi_create_external(env, b, finalize, NULL, &v);
    return v;
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
        (double)i.file_bytes, (double)i.weight_bytes, (double)i.memory_bytes,
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
    size_t scratch_bytes = rz_tokenize_scratch(b->u.model, bytes), room = 3 * bytes + 5;
    void *scratch = scratch_bytes == SIZE_MAX ? NULL : malloc(scratch_bytes);
    uint32_t *ids = malloc(room * sizeof *ids);
    rz_err err = {.code = RZ_E_MEMORY, .text = "no memory for so long a text"};
    int result = RZ_E_MEMORY;
    if (scratch && ids) {
        result = rz_tokenize(b->u.model, s ? s : "", bytes, flags, scratch, scratch_bytes, ids, room,
                             &n, &err);
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

static napi_value session_prompt(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_SESSION);
    size_t n;
    if (!b) return NULL;
    const uint32_t *ids = arg_array(&a, napi_uint32_array, &n);
    return session_result(env, b, rz_session_prompt(b->u.session, ids, n));
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
        if (targets[i] < n_vocab) sum += rz_nll(logits + (first + i) * stride, n_vocab, targets[i]);
    }
    return number(env, sum);
}

/* ---- predictors ---------------------------------------------------------------------------- */

static napi_value predictor_apr(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    size_t n;
    rz_predictor *p;
    rz_err err;
    const void *bytes = arg_array(&a, napi_uint8_array, &n);
    if (rz_predictor_apr(bytes, n, NULL, &p, &err) < 0) return throw_error(env, &err);
    return new_box(env, (box){.kind = BOX_PREDICTOR, .u.predictor = p});
}

/* Rows, cols, activation and whether there is a bias, of every layer; then all floats. */
static napi_value predictor_dense(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    size_t n, n_floats;
    rz_dense layers[64];
    rz_predictor *p;
    rz_err err;
    const uint32_t *shapes = arg_array(&a, napi_uint32_array, &n);
    const float *floats = arg_array(&a, napi_float32_array, &n_floats), *end = floats + n_floats;
    n /= 4;
    for (size_t i = 0; i < n && i < 64; i++, shapes += 4) {
        uint64_t weights = (uint64_t)shapes[0] * shapes[1], whole = weights + (shapes[3] ? shapes[0] : 0);
        if (whole > (uint64_t)(end - floats)) return throw_text(env, RZ_E_ARG, "weights are missing");
        layers[i] = (rz_dense){shapes[0], shapes[1], shapes[2], floats,
                               shapes[3] ? floats + weights : NULL};
        floats += whole;
    }
    if (rz_predictor_dense(layers, (uint32_t)n, NULL, &p, &err) < 0) return throw_error(env, &err);
    return new_box(env, (box){.kind = BOX_PREDICTOR, .u.predictor = p});
}

static napi_value predictor_info(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_PREDICTOR);
    rz_predictor_info i;
    if (!b) return NULL;
    rz_predictor_info_get(b->u.predictor, &i);
    const char *kind = rz_predictor_kind(b->u.predictor);
    const napi_value values[] = {text(env, kind, strlen(kind)), number(env, i.n_in),
                                 number(env, i.n_out), number(env, i.exact),
                                 number(env, (double)i.n_params), number(env, (double)i.memory_bytes)};
    return list(env, values, 6);
}

static napi_value predict(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    box *b = arg_box(&a, BOX_PREDICTOR);
    size_t n_in, n_out;
    rz_predictor_info i;
    if (!b) return NULL;
    rz_predictor_info_get(b->u.predictor, &i);
    const float *x = arg_array(&a, napi_float32_array, &n_in);
    float *out = arg_array(&a, napi_float32_array, &n_out);
    if (n_in < i.n_in || n_out < i.n_out) return throw_text(env, RZ_E_ARG, "too few features");
    rz_predict(b->u.predictor, x, out);
    return NULL;
}

static napi_value predictor_close(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    void *p = NULL;
    napi_get_value_external(env, a.values[0], &p);
    if (p) rz_predictor_close(&((box *)p)->u.predictor);
    return NULL;
}

/* ---- weight types -------------------------------------------------------------------------- */

/* (type, floats, bytes to write) */
static napi_value quantize(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    size_t n, room;
    rz_err err;
    uint32_t type = arg_u32(&a), block = 0, block_bytes = 0;
    const float *x = arg_array(&a, napi_float32_array, &n);
    void *out = arg_array(&a, napi_uint8_array, &room);
    rz_dtype_info(type, NULL, &block, &block_bytes);
    if (block && n / block * block_bytes > room) return throw_text(env, RZ_E_ARG, "no room for blocks");
    if (rz_quantize(type, x, n, out, &err) < 0) return throw_error(env, &err);
    return NULL;
}

/* (type, bytes, floats to write) */
static napi_value dequantize(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    size_t have, n;
    rz_err err;
    uint32_t type = arg_u32(&a), block = 0, block_bytes = 0;
    const void *blocks = arg_array(&a, napi_uint8_array, &have);
    float *out = arg_array(&a, napi_float32_array, &n);
    rz_dtype_info(type, NULL, &block, &block_bytes);
    if (block && n / block * block_bytes > have) return throw_text(env, RZ_E_ARG, "too few blocks");
    if (rz_dequantize(type, blocks, n, out, &err) < 0) return throw_error(env, &err);
    return NULL;
}

NAPI_MODULE_INIT() {
    static const struct {
        const char *name;
        napi_callback call;
    } calls[] = {
        {"loadOpen", load_open},           {"loadSize", load_size},
        {"loadNext", load_next},           {"loadFeed", load_feed},
        {"loadFinish", load_finish},       {"loadClose", load_close},
        {"modelInfo", model_info},         {"modelNames", model_names},
        {"modelMeta", model_meta},         {"modelMemory", model_memory},
        {"modelClose", model_close},       {"tokenize", tokenize},
        {"detokenize", detokenize},        {"piece", piece},
        {"sessionOpen", session_open},     {"sessionPrompt", session_prompt},
        {"sessionSampling", session_sampling}, {"sessionRewind", session_rewind},
        {"sessionStep", session_step},     {"sessionToken", session_token},
        {"sessionEnd", session_end},       {"sessionLogits", session_logits},
        {"sessionNll", session_nll},       {"sessionClose", session_close},
        {"predictorApr", predictor_apr},   {"predictorDense", predictor_dense},
        {"predictorInfo", predictor_info}, {"predict", predict},
        {"predictorClose", predictor_close}, {"quantize", quantize},
        {"dequantize", dequantize},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        napi_value f;
        napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, NULL, &f);
        napi_set_named_property(env, exports, calls[i].name, f);
    }
    return exports;
}
