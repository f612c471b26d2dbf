/*
 * arch.h: the architectures: what each one always is, and its configuration from metadata.
 */
#ifndef RZ_ARCH_H
#define RZ_ARCH_H

#include "config.h"
#include "gguf.h"

/* Tensors that an architecture cannot do without, beyond those of its feed-forward kind; see the
 * slots in bind.c. A tensor that is there is always used. */
enum {
    RZ_NEED_PRE_NORM = 1 << 0,   /* norms before attention */
    RZ_NEED_FFN_NORM = 1 << 1,   /* and before the feed-forward layer */
    RZ_NEED_POST_NORM = 1 << 2,  /* norms of what attention and feed-forward put out */
    RZ_NEED_STREAM_NORM = 1 << 3, /* norms of the stream after each addition (BERT) */
    RZ_NEED_NORM_BIAS = 1 << 4,
    RZ_NEED_QKV_BIAS = 1 << 5,
    RZ_NEED_OUT_BIAS = 1 << 6,   /* of the attention's output */
    RZ_NEED_FFN_BIAS = 1 << 7,
    RZ_NEED_QK_NORM = 1 << 8,
    RZ_NEED_POSITIONS = 1 << 9,  /* learned position embeddings */
    RZ_NEED_EMBD_NORM = 1 << 10, /* norm of the embeddings */
    RZ_NEED_SINKS = 1 << 11,     /* attention sinks */
    RZ_NEED_OUTPUT = 1 << 12,    /* an output matrix: not tied to the embeddings */
    RZ_NEED_LM_BIAS = 1 << 13,   /* a bias of the logits */
    RZ_NEED_FINAL_NORM = 1 << 14
};

typedef struct {
    const char *name;  /* general.architecture */
    const char *hf;    /* model_type in config.json; several separated by spaces; "": none */
    uint32_t needs;    /* RZ_NEED_* */
    enum rz_norm_kind norm;
    enum rz_rope_kind rope; /* in GGUF files; Hugging Face weights always pair halves */
    enum rz_act act;
    bool gated, parallel;
    enum rz_router_kind router;
    uint32_t window_period; /* where the file has a window */
    const char *renames;    /* "name>slot": GGUF names that mean another slot here; NULL: none */
} rz_arch;

/* The row of a GGUF architecture name, or of a model_type; NULL: not supported. */
const rz_arch *rz_arch_find(const char *name, size_t len);
const rz_arch *rz_arch_find_hf(const char *model_type, size_t len);

/* Fills everything of the config that the table knows. */
void rz_arch_defaults(const rz_arch *arch, rz_config *c);

/* Configuration from GGUF metadata. n_vocab: tokens of the vocabulary, 0 if the file has none. *arch
 * becomes its row. */
int rz_config_from_gguf(rz_config *c, const rz_arch **arch, const rz_gguf *g, uint32_t n_vocab,
                        rz_err *err);

/* Checks what holds for every source: shapes that fit each other. */
int rz_config_check(const rz_config *c, rz_err *err);

#endif
