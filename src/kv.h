/*
 * kv.h: the KV cache: keys and values of every position of one session.
 *
 * Keys lie in groups of nr positions so that one vector holds the same dimensions of nr keys; values
 * lie row by row, as bytes with four keys side by side, as 16-bit numbers with two. Rewinding needs no
 * work: positions at or past the caller's limit count for nothing.
 *
 *     type   keys of a head                                       values of a head
 *     f32    f32 [n_ctx / nr][head_dim][nr]                       f32 [n_ctx][v_width]
 *     f16    the same as halves, finite ones                      the same
 *     i16    what f16 is in wasm, see kern/kv_i16.h
 *     q8_0   a matrix packed as Q8_0 (pack.h), a row per key      [n_ctx / 32][head_dim / 32] blocks of
 *                                                                 f32 d[32 keys], i8 [32 / nr][8][nr][4 keys]
 */
#ifndef RZ_KV_H
#define RZ_KV_H

#include <stdatomic.h>

#include "arena.h"
#include "model.h"

typedef struct {
    uint32_t type;     /* RZ_KV_* */
    _Atomic uint32_t lost; /* first position with a number that the type cannot hold, or UINT32_MAX */
    uint32_t nr;
    uint32_t n_ctx;    /* positions, a multiple of nr, for integers of 32 */
    uint32_t head_dim, n_head_kv;
    uint32_t v_width;  /* head_dim padded to nr */
    uint8_t flip;      /* of the packed keys */
    uint64_t k_group;  /* bytes of nr keys of one head */
    uint64_t v_row;    /* bytes of one value of one head; of integers, a 32nd of 32 */
    uint64_t k_head, v_head; /* bytes of one head of one layer */
    uint8_t *k, *v;    /* [n_layer][n_head_kv] heads */
} rz_kv;

/* Lays the cache out in the arena; head_dim must be a multiple of 32 for q8_0. */
void rz_kv_layout(rz_kv *kv, rz_arena *a, const rz_model *m, uint32_t type, uint32_t n_ctx);

static inline uint8_t *rz_kv_k(const rz_kv *kv, uint32_t layer, uint32_t head) {
    return kv->k + ((size_t)layer * kv->n_head_kv + head) * kv->k_head;
}
static inline uint8_t *rz_kv_v(const rz_kv *kv, uint32_t layer, uint32_t head) {
    return kv->v + ((size_t)layer * kv->n_head_kv + head) * kv->v_head;
}

/* Stores one position of one layer; k and v are rows of n_head_kv * head_dim floats. Kernels read
 * finite halves and scales only: kv->lost says where one was not. Positions of different blocks of RZ_KEY_BLOCK may be
 * stored by different threads. */
void rz_kv_append(rz_kv *kv, uint32_t layer, uint32_t position, const float *k, const float *v);

#endif
