/*
 * model.h: what a loaded model is: its configuration and its weights, every field with its shape.
 *
 * Read this and config.h, then forward.c. A model is one arena; bind.c says which tensor of a file
 * goes where.
 */
#ifndef RZ_MODEL_H
#define RZ_MODEL_H

#include "arch.h"
#include "arena.h"
#include "load.h"
#include "pool.h"
#include "vocab.h"

typedef struct {
    float *w, *b; /* [width]; b NULL: none; w NULL: no such norm */
} rz_norm;

typedef struct {
    rz_mat w;  /* rows 0: no such matrix */
    float *b;  /* [rows] or NULL */
} rz_linear;

/* One matrix per expert: expert e's data begin at w.data + e * rz_mat_bytes(&w). */
typedef struct {
    rz_mat w;  /* of one expert; rows 0: no such matrices */
    float *b;  /* [n_expert][rows] or NULL */
} rz_experts;

typedef struct {
    rz_norm attn_norm;         /* [n_embd] before attention */
    rz_linear wq;              /* [n_head * head_dim][n_embd] */
    rz_linear wk, wv;          /* [n_head_kv * head_dim][n_embd] */
    rz_norm q_norm, k_norm;    /* [head_dim]: of every head; or [rows of wq], [rows of wk]: of all, or
                                  for each head its own */
    uint32_t q_norm_width, k_norm_width;
    float *sinks;              /* [n_head] or NULL: a score without a value */
    rz_linear wo;              /* [n_embd][n_head * head_dim] */
    rz_norm attn_post_norm;    /* [n_embd] of the attention's output */
    rz_norm attn_stream_norm;  /* [n_embd] of the stream after it was added */

    rz_norm ffn_norm;          /* [n_embd] before the feed-forward layer */
    rz_linear gate, up;        /* [n_ff][n_embd] */
    rz_linear down;            /* [n_embd][n_ff] */
    rz_linear router;          /* [n_expert][n_embd] */
    rz_experts gates, ups;     /* [n_ff_expert][n_embd] each */
    rz_experts downs;          /* [n_embd][n_ff_expert] each */
    rz_linear shared_gate, shared_up; /* [n_ff_shared][n_embd] */
    rz_linear shared_down;     /* [n_embd][n_ff_shared] */
    float *shared_router;      /* [n_embd] or NULL: sigmoid of its product scales the shared expert */
    rz_norm ffn_post_norm, ffn_stream_norm; /* as for attention */
} rz_layer;

struct rz_model {
    rz_config config;
    const rz_arch *arch;
    rz_vocab vocab;
    bool vocab_only;

    rz_mat token_embd;    /* [n_vocab][n_embd] */
    rz_mat position_embd; /* [n_ctx_train][n_embd]; rows 0: none */
    rz_mat type_embd;     /* [n_token_types][n_embd]; rows 0: none */
    rz_norm embd_norm;    /* [n_embd] of the embeddings */
    rz_layer *layers;     /* [n_layer] */
    rz_norm output_norm;  /* [n_embd] */
    rz_linear output;     /* [n_vocab][n_embd]; token_embd where the file has no other */
    float *rope_factors;  /* [rope.dim / 2] divisors of the frequencies, NULL: none */
    float *rope_long, *rope_short; /* LongRoPE: beyond and within rope.ctx_orig */
    float *alibi_slopes;  /* [n_head] or NULL */

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

typedef struct {
    bool vocab_only;
    uint32_t threads;
    uint32_t quantize; /* RZ_DT_* that float matrices become; RZ_DT_COUNT: they stay as they are */
    const rz_kern *kern;
} rz_model_opts;

/* Reads configuration and vocabulary from the headers and checks the list of tensors. On RZ_OK the
 * model's arena exists, with a place for every tensor, and *jobs (an rz_block_alloc block of
 * *n_jobs, NULL for 0) says which bytes of the parts go where. Of a Hugging Face model, the part behind
 * the last one becomes the GGUF header that hf_meta.c writes. */
int rz_model_create(rz_model **out, rz_load_stream *stream, const rz_model_opts *opts,
                    rz_load_job **jobs, uint32_t *n_jobs, rz_err *err);

/* A vocabulary alone; see rz_tokenizer_open. */
int rz_model_from_tokenizer(rz_model **out, const char *json, size_t bytes, const char *config,
                            size_t config_bytes, const rz_kern *kern, const rz_allocator *allocator,
                            rz_err *err);
/* The part whose metadata the model keeps. */
rz_load_part *rz_model_header(rz_load_stream *stream);

/* After all jobs are done: what is computed from loaded tensors. */
int rz_model_complete(rz_model *m, rz_err *err);

#endif
