/*
 * forward.h: the network, one chunk of tokens at a time. START in forward.c.
 */
#ifndef RZ_FORWARD_H
#define RZ_FORWARD_H

#include "kv.h"

/* Buffers of one session for chunks of up to C tokens. Strides (ld*) are widths padded to a cache
 * line, so kernels may write whole row groups. */
typedef struct {
    uint32_t chunk;         /* C */
    uint32_t logits_rows;   /* rows that `logits` has room for */
    size_t ld_embd, ld_q, ld_kv, ld_ff, ld_vocab, ld_expert;
    uint8_t *row;           /* one weight row as it stands in a file */
    float *x;               /* [C][ld_embd] residual stream */
    float *norm;            /* [C][ld_embd] its normalised copy */
    float *q, *k, *v;       /* [C][ld_q], [C][ld_kv], [C][ld_kv] */
    float *heads;           /* [C][n_head][v_width] output of the heads */
    float *heads_chunk;     /* the same of one chunk of keys */
    float *head_max, *head_sum; /* [C][n_head] running state of the softmax */
    float *joined;          /* [C][ld_q] heads without padding */
    float *gate, *up;       /* [C][ld_ff] */
    float *out;             /* [C][ld_embd] result of attention before it joins x */
    float *ffn_out;         /* [C][ld_embd] result of the feed-forward layer */
    const uint8_t *types;   /* [n_ctx] segments of the tokens (BERT); NULL: all are 0 */
    float *freqs, *freqs_local; /* [rope.dim / 2] radians per position of this session */
    float *rope_cos, *rope_sin; /* [2][C][rope.dim / 2] of freqs, of freqs_local */
    float *routes;          /* [C][ld_expert] router logits, then weights of the chosen experts */
    uint32_t *routed;       /* [C] tokens of one expert */
    float *expert_in, *expert_out; /* [C][ld_embd] their inputs and outputs */
    float *act_f32;         /* packed activations, see rz_act */
    uint8_t *act_q8;
    uint8_t *q_act;         /* [rz_attend_room(C)][rz_attend_row()] queries as a KV cache of integers meets them */
    float *logits;          /* [logits_rows][ld_vocab] */
} rz_run;

/* logits_rows: rows of logits to keep, at most chunk. */
void rz_run_layout(rz_run *run, rz_arena *a, const rz_model *m, uint32_t chunk,
                   uint32_t logits_rows);

/* Fills the tables of a session whose context has n_ctx tokens. */
void rz_run_prepare(rz_run *run, const rz_model *m, uint32_t n_ctx);

/* Computes tokens[0..n), n <= chunk, at positions `position` and up; keys and values join the
 * cache. Leaves the final hidden states in run->norm and fills run->logits with the logits of the
 * last n_logits tokens: 0, 1 or n. */
void rz_forward(const rz_model *m, rz_kv *kv, rz_run *run, const uint32_t *tokens, uint32_t n,
                uint32_t position, uint32_t n_logits);

/* ---- attend.c ------------------------------------------------------------------------------- */

/* Attention of all heads of n tokens over the cache of one layer: run->q to run->heads. */
void rz_attend(const rz_model *m, const rz_kv *kv, rz_run *run, uint32_t layer, uint32_t n,
               uint32_t position);

/* How many queries n tokens need room for as integers, and the bytes of one. */
uint64_t rz_attend_room(const rz_model *m, uint32_t n);
uint32_t rz_attend_row(const rz_model *m);

/* ---- product.c ------------------------------------------------------------------------------ */

/* One of several products of the same input: y [n][ldy] = x W^T + b. */
typedef struct {
    const rz_mat *w;
    const float *b; /* NULL: none */
    float *y;
    size_t ldy;
} rz_product;

/* Computes row t of something; for different rows by different threads. */
typedef struct {
    void (*fn)(void *arg, uint32_t t);
    void *arg;
} rz_rows;

/* Rows 0 to n - 1. */
void rz_each_row(const rz_model *m, uint32_t n, const rz_rows *rows);

/* Computes up to 3 products of x [n][ldx] (all with the same number of columns) as one region. `before` makes each row
 * of x, where it is not NULL. */
void rz_products(const rz_model *m, rz_run *run, const rz_rows *before, const float *x, size_t ldx, uint32_t n,
                 const rz_product *products, uint32_t n_products);

/* ---- feed_forward.c -------------------------------------------------------------------------- */

/* The feed-forward layer, dense or of experts: x [n][ld_embd], which `before` makes, to run->ffn_out. */
void rz_feed_forward(const rz_model *m, rz_run *run, const rz_layer *l, const rz_rows *before, const float *x,
                     uint32_t n);

#endif
