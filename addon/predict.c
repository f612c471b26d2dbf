/* predict.c: predictors and weight types, for js/native.ts. */
#include "addon.h"

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

/* The blocks of n weights of a type and the room for them; types that are not known are the engine's to refuse. */
static bool blocks_fit(uint32_t type, size_t n, size_t room) {
    uint32_t block = 0, block_bytes = 0;
    rz_dtype_info(type, NULL, &block, &block_bytes);
    return !block || n / block * block_bytes <= room;
}

/* (type, floats, bytes to write) */
static napi_value quantize(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    size_t n, room;
    rz_err err;
    uint32_t type = arg_u32(&a);
    const float *x = arg_array(&a, napi_float32_array, &n);
    void *out = arg_array(&a, napi_uint8_array, &room);
    if (!blocks_fit(type, n, room)) return throw_text(env, RZ_E_ARG, "no room for blocks");
    return rz_quantize(type, x, n, out, &err) < 0 ? throw_error(env, &err) : NULL;
}

/* (type, bytes, floats to write) */
static napi_value dequantize(napi_env env, napi_callback_info info) {
    args a = get_args(env, info);
    size_t have, n;
    rz_err err;
    uint32_t type = arg_u32(&a);
    const void *blocks = arg_array(&a, napi_uint8_array, &have);
    float *out = arg_array(&a, napi_float32_array, &n);
    if (!blocks_fit(type, n, have)) return throw_text(env, RZ_E_ARG, "too few blocks");
    return rz_dequantize(type, blocks, n, out, &err) < 0 ? throw_error(env, &err) : NULL;
}

const addon_call rz_addon_predict_calls[] = {
    {"predictorApr", predictor_apr},     {"predictorDense", predictor_dense},
    {"predictorInfo", predictor_info},   {"predict", predict},
    {"predictorClose", predictor_close}, {"quantize", quantize},
    {"dequantize", dequantize},
};
const size_t rz_addon_n_predict_calls = sizeof rz_addon_predict_calls / sizeof rz_addon_predict_calls[0];
