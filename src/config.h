/*
 * config.h: what a model's network looks like, as data.
 *
 * forward.c asks this struct and nothing else: there is one forward pass for all architectures. A
 * row of the table in arch.c says what an architecture always is; metadata of the file fill in the
 * rest.
 */
#ifndef RZ_CONFIG_H
#define RZ_CONFIG_H

#include "kern/kern.h"
#include "rope.h"

enum rz_norm_kind { RZ_NORM_RMS, RZ_NORM_LAYER };

/* How router logits become the weights of the chosen experts. */
enum rz_router_kind {
    RZ_ROUTER_SOFTMAX,      /* softmax over all experts, then the best are chosen */
    RZ_ROUTER_SOFTMAX_NORM, /* the same, and their weights are scaled to a sum of 1 */
    RZ_ROUTER_CHOSEN        /* the best are chosen, then softmax over them */
};

typedef struct {
    uint32_t n_layer;
    uint32_t n_embd;    /* width of the residual stream */
    uint32_t n_ff;      /* width of the feed-forward layer */
    uint32_t n_head;    /* query heads */
    uint32_t n_head_kv; /* key and value heads; divides n_head (MHA: equal, MQA: 1, GQA: between) */
    uint32_t head_dim;  /* of queries, keys and values */
    uint32_t n_vocab;
    uint32_t n_ctx_train;
    uint32_t n_token_types; /* segments (BERT); 0: none */

    enum rz_norm_kind norm;
    float norm_eps;
    enum rz_act act;
    bool gated;       /* feed-forward is act(gate) * up, else act(up) */
    bool clamped_glu; /* (up + 1) gate sigmoid(1.702 gate), gate <= 7, |up| <= 7 (gpt-oss) */
    bool parallel;    /* attention and feed-forward read the same stream, then both are added */
    bool causal;      /* false: encoders, every token sees all */

    rz_rope rope;
    rz_rope rope_local;  /* of windowed layers; kind RZ_ROPE_NONE: the same as rope */
    uint32_t rope_skip;  /* layers (l + 1) % rope_skip == 0 are not rotated; 0: all are */

    float embd_scale;     /* embeddings are multiplied by this */
    float residual_scale; /* what joins the stream is multiplied by this */
    float attn_scale;     /* queries are multiplied by this */
    float logit_scale;    /* logits are multiplied by this */
    float attn_softcap, logit_softcap; /* x becomes cap tanh(x / cap); 0: none */
    float clamp_qkv;      /* queries, keys and values are clamped to +-this; 0: no */
    float alibi;          /* largest bias exponent (8 in the paper); 0: no ALiBi */

    uint32_t window;        /* keys a windowed layer sees, itself included; 0: no windows */
    uint32_t window_period; /* layers (l + 1) % period == 0 have no window; 0: all have one */

    uint32_t n_expert, n_expert_used;  /* 0: no experts */
    uint32_t n_ff_expert, n_ff_shared; /* widths of an expert and of the shared one (0: none) */
    enum rz_router_kind router;

    uint32_t pooling; /* RZ_POOL_* */
} rz_config;

static inline bool rz_layer_windowed(const rz_config *c, uint32_t layer) {
    return c->window && (c->window_period == 0 || (layer + 1) % c->window_period != 0);
}
static inline bool rz_layer_rotated(const rz_config *c, uint32_t layer) {
    return c->rope.kind != RZ_ROPE_NONE && (c->rope_skip == 0 || (layer + 1) % c->rope_skip != 0);
}

#endif
