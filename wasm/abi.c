/*
 * abi.c: the engine as flat WebAssembly exports, for js/abi.ts and nobody else.
 *
 * Only u32, f32 and f64 cross the border; handles are addresses, which JS keeps in a set of live ones.
 * Results that are more than a number go through one mailbox, whose layout is asserted below and
 * compared by a test on the JS side. Text is UTF-8 (pointer, length).
 */
#include <stdlib.h>
#include <string.h>

#include "../src/rz.h"

#define ABI __attribute__((visibility("default"), used)) extern

enum { info_fields = 19 };

static struct mailbox {
    double need_offset;       /* load_next */
    uint32_t need_part;
    uint32_t need_length;
    uint32_t need_dst;
    uint32_t count;           /* number of ids, bytes, rows */
    uint32_t pointer;         /* first of them */
    uint32_t stride;          /* floats between rows of logits */
    double info[info_fields]; /* model_info */
    double number;            /* model_meta, nll */
    uint32_t meta_key, meta_key_length, meta_type, meta_string, meta_string_length,
        meta_array_type;
    double meta_array_length;
    rz_err err;
} box;

#define AT(field, offset) _Static_assert(offsetof(struct mailbox, field) == (offset), #field)
AT(need_offset, 0);
AT(need_part, 8);
AT(need_length, 12);
AT(need_dst, 16);
AT(count, 20);
AT(pointer, 24);
AT(stride, 28);
AT(info, 32);
AT(number, 184);
AT(meta_key, 192);
AT(meta_key_length, 196);
AT(meta_type, 200);
AT(meta_string, 204);
AT(meta_string_length, 208);
AT(meta_array_type, 212);
AT(meta_array_length, 216);
AT(err, 224);
_Static_assert(sizeof(rz_err) == 324, "code and text");

static uint32_t address(const void *p) { return (uint32_t)(uintptr_t)p; }

/* Copies the sentence where JS looks for it. */
static int report(int code, const rz_err *err) {
    if (code < 0) box.err = *err;
    return code;
}

ABI uint32_t rz_abi_mailbox(void) { return address(&box); }
ABI void *rz_abi_alloc(uint32_t bytes) { return malloc(bytes); }
ABI void rz_abi_free(void *p) { free(p); }
ABI uint32_t rz_abi_kernels(void) { return rz_kernels_usable(); }

/* ---- loading ------------------------------------------------------------------------------- */

/* 0 on failure, with the error in the mailbox; so for all functions that return a handle. */
ABI rz_loader *rz_abi_load_open(uint32_t parts, uint32_t threads, uint32_t vocab_only,
                                uint32_t quantize) {
    rz_loader *l = NULL;
    rz_load_opts opts = {.parts = parts, .threads = threads, .vocab_only = vocab_only,
                         .quantize = quantize};
    rz_load_open(&opts, &l, &box.err);
    return l;
}

ABI int rz_abi_load_size(rz_loader *l, uint32_t part, double bytes) {
    return report(rz_load_size(l, part, (uint64_t)bytes), rz_load_error(l));
}

ABI int rz_abi_load_next(rz_loader *l) {
    rz_need need = {0};
    int result = rz_load_next(l, &need);
    box.need_offset = (double)need.offset;
    box.need_part = need.part;
    box.need_length = (uint32_t)need.length;
    box.need_dst = address(need.dst);
    return report(result, rz_load_error(l));
}

ABI int rz_abi_load_feed(rz_loader *l, uint32_t bytes) {
    return report(rz_load_feed(l, bytes), rz_load_error(l));
}

ABI rz_model *rz_abi_load_finish(rz_loader *l) {
    rz_model *m = NULL;
    int result = rz_load_finish(&l, &m);
    if (result < 0) report(result, rz_load_error(l));
    return m;
}

ABI void rz_abi_load_close(rz_loader *l) { rz_load_close(&l); }

/* A vocabulary alone; `config` may be 0. */
ABI rz_model *rz_abi_tokenizer_open(const char *json, uint32_t bytes, const char *config,
                                    uint32_t config_bytes) {
    rz_model *m = NULL;
    rz_tokenizer_open(json, bytes, config, config_bytes, NULL, &m, &box.err);
    return m;
}

/* ---- models -------------------------------------------------------------------------------- */

ABI void rz_abi_model_info(rz_model *m) {
    rz_model_info i;
    rz_model_info_get(m, &i);
    const double values[info_fields] = {
        i.n_vocab,    i.n_ctx_train, i.n_embd,  i.n_layer,          i.n_head,
        i.n_head_kv,  i.head_dim,    i.n_ff,    i.bos,              i.eos,
        i.add_bos,    i.vocab_only,  i.threads, i.n_meta,           (double)i.n_params,
        (double)i.file_bytes, (double)i.weight_bytes, (double)i.memory_bytes, i.unknown_pre,
    };
    memcpy(box.info, values, sizeof values);
}

ABI const char *rz_abi_model_name(rz_model *m, uint32_t which) {
    return which == 0 ? rz_model_kernels(m) : which == 1 ? rz_model_arch(m) : rz_model_type(m);
}

ABI int rz_abi_model_meta(rz_model *m, uint32_t i) {
    rz_meta meta = {0};
    int result = rz_model_meta(m, i, &meta);
    box.number = meta.number;
    box.meta_key = address(meta.key);
    box.meta_key_length = (uint32_t)meta.key_len;
    box.meta_type = meta.type;
    box.meta_string = address(meta.string);
    box.meta_string_length = (uint32_t)meta.string_len;
    box.meta_array_type = meta.array_type;
    box.meta_array_length = (double)meta.array_len;
    return result;
}

ABI void *rz_abi_model_pool(rz_model *m) { return rz_model_pool(m); }
ABI void rz_abi_model_close(rz_model *m) { rz_model_close(&m); }

/* Runs on a worker of its own until the model is closed. */
ABI void rz_abi_pool_worker(void *pool) { rz_pool_worker(pool); }

/* ---- text and tokens ----------------------------------------------------------------------- */

static int no_memory(size_t bytes) {
    static const char text[] = "no memory for an argument";
    (void)bytes;
    box.err.code = RZ_E_MEMORY;
    memcpy(box.err.text, text, sizeof text);
    return RZ_E_MEMORY;
}

/* Ids at mailbox.pointer (to be freed), their number in mailbox.count. */
ABI int rz_abi_tokenize(rz_model *m, const char *text, uint32_t bytes, uint32_t flags) {
    size_t scratch_bytes = rz_tokenize_scratch(m, bytes), n = 0, room = 3 * (size_t)bytes + 8;
    void *scratch = scratch_bytes == SIZE_MAX ? NULL : malloc(scratch_bytes);
    uint32_t *ids = malloc(room * sizeof *ids);
    int result = RZ_OK;
    box.pointer = box.count = 0;
    if (!scratch || !ids) {
        result = no_memory(bytes);
    } else {
        result = rz_tokenize(m, text, bytes, flags, scratch, scratch_bytes, ids, room, &n, &box.err);
    }
    if (result == RZ_OK && n > room) { /* a normaliser made much of little */
        free(ids);
        ids = malloc(n * sizeof *ids);
        result = ids ? rz_tokenize(m, text, bytes, flags, scratch, scratch_bytes, ids, n, &n, &box.err)
                     : no_memory(bytes);
    }
    free(scratch);
    if (result < 0) {
        free(ids);
        return result;
    }
    box.pointer = address(ids);
    box.count = (uint32_t)n;
    return RZ_OK;
}

/* Text at mailbox.pointer (to be freed), its bytes in mailbox.count. */
ABI int rz_abi_detokenize(rz_model *m, const uint32_t *ids, uint32_t n_ids, uint32_t flags) {
    size_t n = 0, cap = 8 * (size_t)n_ids + 8192; /* as a rule enough */
    char *text;
    box.pointer = box.count = 0;
    for (;; cap = n) {
        text = malloc(cap);
        int result = text ? rz_detokenize(m, ids, n_ids, flags, text, cap, &n, &box.err) : no_memory(cap);
        if (result == RZ_OK && n <= cap) break;
        free(text);
        if (result) return result;
    }
    box.pointer = address(text);
    box.count = (uint32_t)n;
    return RZ_OK;
}

ABI uint32_t rz_abi_piece_max(rz_model *m) { return (uint32_t)rz_piece_max(m); }

/* Bytes of a token at buf; their number, or an error. */
ABI int rz_abi_piece(rz_model *m, uint32_t id, uint32_t flags, char *buf) {
    size_t n = 0;
    int result = rz_piece(m, id, flags, buf, &n, &box.err);
    return result < 0 ? result : (int)n;
}

/* ---- sessions ------------------------------------------------------------------------------ */

ABI rz_session *rz_abi_session_open(rz_model *m, uint32_t n_ctx, uint32_t chunk, uint32_t kv_type,
                                    uint32_t all_logits, uint32_t embed) {
    rz_session *s = NULL;
    rz_session_opts opts = {.n_ctx = n_ctx, .chunk = chunk, .kv_type = kv_type, .all_logits = all_logits, .embed = embed};
    rz_session_open(m, &opts, &s, &box.err);
    return s;
}

ABI void rz_abi_session_close(rz_session *s) { rz_session_close(&s); }

ABI int rz_abi_session_prompt(rz_session *s, const uint32_t *ids, uint32_t n) {
    return report(rz_session_prompt(s, ids, n), rz_session_error(s));
}

ABI int rz_abi_session_sampling(rz_session *s, float temperature, uint32_t top_k, float top_p,
                                float min_p, float repeat_penalty, uint32_t repeat_last,
                                uint32_t seed_low, uint32_t seed_high, uint32_t max_tokens,
                                uint32_t ignore_end) {
    rz_sampling sampling = {temperature, top_k, top_p, min_p, repeat_penalty, repeat_last,
                            (uint64_t)seed_high << 32 | seed_low, max_tokens, ignore_end};
    return report(rz_session_sampling(s, &sampling), rz_session_error(s));
}

ABI int rz_abi_session_token_types(rz_session *s, const uint32_t *types, uint32_t n) {
    return report(rz_session_token_types(s, types, n), rz_session_error(s));
}

ABI int rz_abi_session_rewind(rz_session *s, uint32_t n) {
    return report(rz_session_rewind(s, n), rz_session_error(s));
}

ABI int rz_abi_step(rz_session *s) { return report(rz_step(s), rz_session_error(s)); }
ABI uint32_t rz_abi_session_token(rz_session *s) { return rz_session_token(s); }
ABI uint32_t rz_abi_session_end(rz_session *s) { return rz_session_end(s); }

/* Rows of logits at mailbox.pointer, their number in mailbox.count, mailbox.stride floats apart. */
ABI void rz_abi_session_logits(rz_session *s) {
    uint32_t rows = 0;
    size_t stride = 0;
    box.pointer = address(rz_session_logits(s, &rows, &stride));
    box.count = rows;
    box.stride = (uint32_t)stride;
}

ABI void rz_abi_session_embedding(rz_session *s, uint32_t pooling, float *out) {
    rz_session_embedding(s, pooling, out);
}

/* The number at mailbox.number. */
ABI int rz_abi_nll(const float *logits, uint32_t n_vocab, uint32_t target) {
    return rz_nll(logits, n_vocab, target, &box.number, &box.err);
}

/* ---- predictors ---------------------------------------------------------------------------- */

ABI rz_predictor *rz_abi_predictor_apr(const void *file, uint32_t bytes) {
    rz_predictor *p = NULL;
    rz_predictor_apr(file, bytes, NULL, &p, &box.err);
    return p;
}

/* `shapes`: rows, cols, activation and 0 or 1 for a bias, of every layer; `floats`: its weights, then
 * its bias, layer after layer. */
ABI rz_predictor *rz_abi_predictor_dense(const uint32_t *shapes, uint32_t n, const float *floats) {
    rz_predictor *p = NULL;
    rz_dense *layers = malloc((n + 1) * sizeof *layers);
    if (!layers) {
        no_memory(n);
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++, shapes += 4) {
        layers[i] = (rz_dense){shapes[0], shapes[1], shapes[2], floats, NULL};
        floats += (size_t)shapes[0] * shapes[1];
        if (shapes[3]) {
            layers[i].b = floats;
            floats += shapes[0];
        }
    }
    rz_predictor_dense(layers, n, NULL, &p, &box.err);
    free(layers);
    return p;
}

/* Features, outputs, whether features are exact, parameters and bytes in mailbox.info. */
ABI void rz_abi_predictor_info(rz_predictor *p) {
    rz_predictor_info i;
    rz_predictor_info_get(p, &i);
    const double values[] = {i.n_in, i.n_out, i.exact, (double)i.n_params, (double)i.memory_bytes};
    memcpy(box.info, values, sizeof values);
}

ABI const char *rz_abi_predictor_kind(rz_predictor *p) { return rz_predictor_kind(p); }
ABI void rz_abi_predict(rz_predictor *p, const float *x, float *out) { rz_predict(p, x, out); }
ABI void rz_abi_predictor_close(rz_predictor *p) { rz_predictor_close(&p); }

/* ---- weight types -------------------------------------------------------------------------- */

ABI int rz_abi_quantize(uint32_t dtype, const float *x, uint32_t n, void *out) {
    return rz_quantize(dtype, x, n, out, &box.err);
}

ABI int rz_abi_dequantize(uint32_t dtype, const void *blocks, uint32_t n, float *out) {
    return rz_dequantize(dtype, blocks, n, out, &box.err);
}
