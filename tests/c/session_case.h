/*
 * session_case.h: what the tests of sessions have in common: a model, a session and its tokens.
 */
#ifndef SESSION_CASE_H
#define SESSION_CASE_H

#include "../../src/dtype.h"
#include "check.h"
#include "tiny.h"

static inline rz_model *load(const tiny_spec *spec, const rz_load_opts *opts) {
    host_file file = tiny_model(spec);
    rz_model *m;
    rz_err err = {0};
    int result = host_load(&m, file, opts, 0, &err);
    CHECK(result == RZ_OK, "%s", err.text);
    free(file.bytes);
    return m;
}

/* Large enough that products and attention are spread over threads. */
static inline tiny_spec wide_spec(uint32_t dtype) {
    tiny_spec s = tiny_default();
    s.dtype = dtype;
    s.n_layer = 2, s.n_embd = 256, s.n_ff = 512, s.n_head = 8, s.n_head_kv = 4, s.n_vocab = 300;
    return s;
}

static inline rz_session *open(rz_model *m, rz_session_opts opts) {
    rz_session *s;
    rz_err err = {0};
    CHECK(rz_session_open(m, &opts, &s, &err) == RZ_OK, "%s", err.text);
    return s;
}

enum { n_ids = 70 };

static inline const uint32_t *ids_below(uint32_t n_vocab) {
    static uint32_t ids[n_ids];
    random_state r = {9};
    for (int i = 0; i < n_ids; i++) ids[i] = random_below(&r, n_vocab);
    return ids;
}

#endif
