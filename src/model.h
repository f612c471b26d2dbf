/*
 * model.h: what a loaded model is: its configuration and its weights, every field with its shape.
 *
 * Read this, then forward.c. A model is one arena; names of tensors are bound to places here.
 */
#ifndef RZ_MODEL_H
#define RZ_MODEL_H

#include "arena.h"
#include "kern/kern.h"
#include "load.h"
#include "pool.h"
#include "vocab.h"

typedef struct {
    uint32_t n_layer;
    uint32_t n_embd;    /* width of the residual stream */
    uint32_t n_ff;      /* width of the feed-forward layer */
    uint32_t n_head;    /* query heads */
    uint32_t n_head_kv; /* key and value heads; divides n_head (MHA: equal, MQA: 1, GQA: between) */
    uint32_t head_dim;  /* of queries, keys and values */
    uint32_t n_vocab;
    uint32_t n_ctx_train;
    uint32_t rope_dim;    /* leading dimensions of a head that are rotated; even, <= head_dim */
    bool rope_halves;     /* pairs are (i, i + rope_dim / 2), else (2 i, 2 i + 1) */
    double rope_base;     /* frequency of pair i: base^(-2 i / rope_dim) */
    double rope_scale;    /* positions are divided by this */
    float norm_eps;
} rz_config;

typedef struct {
    float *attn_norm;      /* [n_embd] */
    rz_mat wq;             /* [n_head * head_dim][n_embd] */
    rz_mat wk, wv;         /* [n_head_kv * head_dim][n_embd] */
    rz_mat wo;             /* [n_embd][n_head * head_dim] */
    float *bq, *bk, *bv;   /* [rows of wq, wk, wv] or NULL */
    float *bo;             /* [n_embd] or NULL */
    float *ffn_norm;       /* [n_embd] */
    rz_mat w_gate, w_up;   /* [n_ff][n_embd] */
    rz_mat w_down;         /* [n_embd][n_ff] */
} rz_layer;

struct rz_model {
    rz_config config;
    rz_vocab vocab;
    bool vocab_only;

    rz_mat token_embd;  /* [n_vocab][n_embd] */
    rz_layer *layers;   /* [n_layer] */
    float *output_norm; /* [n_embd] */
    rz_mat output;      /* [n_vocab][n_embd]; token_embd where the file has no other */
    float *rope_freqs;  /* [rope_dim / 2] radians per position of each pair */
    bool has_rope_factors; /* rope_freqs was loaded: until completion it holds divisors */

    const rz_kern *kern;
    rz_pool *pool; /* NULL: the caller's thread alone */
    uint32_t threads;

    const char *type_name; /* weight type that holds most of the weights */
    uint64_t n_params, file_bytes, weight_bytes, memory_bytes;

    rz_gguf gguf;          /* metadata; its strings live in `header` */
    uint8_t *header;
    uint64_t header_bytes; /* of the block behind `header` */
    const rz_allocator *allocator;
    uint64_t arena_bytes;  /* the model itself is the first piece of its arena */
};

/* Reads configuration and vocabulary from the headers and checks the list of tensors. On RZ_OK the
 * model's arena exists, with a place for every tensor, and *jobs (an rz_block_alloc block of
 * *n_jobs, NULL for 0) says which bytes of the parts go where. */
int rz_model_create(rz_model **out, const rz_load_part *parts, uint32_t n_parts, bool vocab_only,
                    uint32_t threads, const rz_kern *kern, const rz_allocator *allocator,
                    rz_load_job **jobs, uint32_t *n_jobs, rz_err *err);

/* After all jobs are done: what is computed from loaded tensors. */
int rz_model_complete(rz_model *m, rz_err *err);

#endif
