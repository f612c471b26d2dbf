/*
 * kv.h: the KV cache: keys and values of every position of one session.
 *
 * Keys lie in groups of nr positions so that one vector holds the same dimension of nr keys; values
 * lie row by row. Rewinding needs no work: positions at or past the caller's limit are never read.
 */
#ifndef RZ_KV_H
#define RZ_KV_H

#include "arena.h"
#include "model.h"

typedef struct {
    uint32_t type;     /* RZ_KV_* */
    uint32_t lost;     /* first position with a number that F16 cannot hold, or UINT32_MAX */
    uint32_t nr;
    uint32_t n_ctx;    /* positions, a multiple of nr */
    uint32_t head_dim, n_head_kv;
    uint32_t v_width;  /* head_dim padded to nr */
    uint64_t k_head, v_head; /* elements of one head of one layer */
    uint8_t *k; /* [n_layer][n_head_kv][n_ctx / nr][head_dim][nr] */
    uint8_t *v; /* [n_layer][n_head_kv][n_ctx][v_width] */
} rz_kv;

void rz_kv_layout(rz_kv *kv, rz_arena *a, const rz_model *m, uint32_t type, uint32_t n_ctx);

static inline size_t rz_kv_element(const rz_kv *kv) { return kv->type == RZ_KV_F16 ? 2 : 4; }
static inline uint8_t *rz_kv_k(const rz_kv *kv, uint32_t layer, uint32_t head) {
    return kv->k + ((size_t)layer * kv->n_head_kv + head) * kv->k_head * rz_kv_element(kv);
}
static inline uint8_t *rz_kv_v(const rz_kv *kv, uint32_t layer, uint32_t head) {
    return kv->v + ((size_t)layer * kv->n_head_kv + head) * kv->v_head * rz_kv_element(kv);
}

/* Stores one position of one layer; k and v are rows of n_head_kv * head_dim floats. Kernels read
 * halves that are finite only: kv->lost says where one was not. */
void rz_kv_append(rz_kv *kv, uint32_t layer, uint32_t position, const float *k, const float *v);

#endif
