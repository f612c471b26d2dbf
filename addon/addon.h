/*
 * addon.h: what the add-on's files share: boxes behind handles, arguments, values, errors.
 */
#ifndef ADDON_H
#define ADDON_H

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

/* Frees what a handle holds; called by the garbage collector. */
void rz_addon_finalize(napi_env env, void *data, void *hint);

/* ---- values -------------------------------------------------------------------------------- */

static inline napi_value throw_error(napi_env env, const rz_err *err) {
    char code[12];
    int n = -err->code;
    code[0] = '-';
    code[1] = (char)('0' + n % 10);
    code[2] = 0;
    napi_throw_error(env, code, err->text);
    return NULL;
}

static inline napi_value throw_text(napi_env env, int code, const char *text) {
    rz_err err = {.code = code};
    strncpy(err.text, text, sizeof err.text - 1);
    return throw_error(env, &err);
}

static inline napi_value number(napi_env env, double value) {
    napi_value v = NULL;
    napi_create_double(env, value, &v);
    return v;
}

static inline napi_value text(napi_env env, const char *s, size_t n) {
    napi_value v = NULL;
    napi_create_string_utf8(env, s ? s : "", s ? n : 0, &v);
    return v;
}

static inline napi_value list(napi_env env, const napi_value *values, uint32_t n) {
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

static inline args get_args(napi_env env, napi_callback_info info) {
    args a = {.env = env, .n = 10};
    napi_get_cb_info(env, info, &a.n, a.values, NULL, NULL);
    return a;
}

static inline double arg_number(args *a) {
    double v = 0;
    if (a->at < a->n) napi_get_value_double(a->env, a->values[a->at++], &v);
    return v;
}

static inline uint32_t arg_u32(args *a) {
    double v = arg_number(a);
    return v >= 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static inline bool arg_bool(args *a) {
    bool v = false;
    if (a->at < a->n) napi_get_value_bool(a->env, a->values[a->at++], &v);
    return v;
}

static inline uint64_t arg_u64(args *a) {
    uint64_t v = 0;
    bool lossless;
    if (a->at < a->n) napi_get_value_bigint_uint64(a->env, a->values[a->at++], &v, &lossless);
    return v;
}

/* A typed array: its bytes and the number of its elements. */
static inline void *arg_array(args *a, napi_typedarray_type want, size_t *n) {
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
static inline box *arg_box(args *a, enum box_kind kind) {
    void *p = NULL;
    if (a->at < a->n) napi_get_value_external(a->env, a->values[a->at++], &p);
    box *b = p;
    if (b && b->kind == kind && b->u.any) return b;
    throw_text(a->env, RZ_E_STATE, "the object was closed");
    return NULL;
}

static inline napi_value new_array(napi_env env, napi_typedarray_type type, size_t n, size_t size,
                            void **data) {
    napi_value buffer = NULL, array = NULL;
    if (napi_create_arraybuffer(env, n * size, data, &buffer) != napi_ok) return NULL;
    napi_create_typedarray(env, type, n, buffer, 0, &array);
    return array;
}

static inline napi_value new_box(napi_env env, box content) {
    napi_value v = NULL;
    box *b = malloc(sizeof *b);
    if (!b) return throw_text(env, RZ_E_MEMORY, "no memory for a handle");
    *b = content;
    napi_create_external(env, b, rz_addon_finalize, NULL, &v);
    return v;
}

/* A function of the add-on. */
typedef struct {
    const char *name;
    napi_callback call;
} addon_call;

/* The functions of predict.c. */
extern const addon_call rz_addon_predict_calls[];
extern const size_t rz_addon_n_predict_calls;

#endif
