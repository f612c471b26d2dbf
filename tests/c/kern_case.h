/*
 * kern_case.h: inputs for kernel checks and what they must give: matrices and activations packed
 * for a table, packed activations read back, and sums in double with the bound of their float
 * errors.
 */
#ifndef KERN_CASE_H
#define KERN_CASE_H

#include "../../src/kern/kern.h"
#include "random.h"

/* ---- inputs --------------------------------------------------------------------------------- */

enum weight_kind {
    W_RANDOM,
    W_ZERO_CODES,
    W_MAX_CODES,
    W_ZERO_SCALES,
    W_NEGATIVE, /* scales; values of the float types */
    W_SUBNORMAL,
    W_LARGEST,
    W_KINDS
};

enum act_kind {
    X_RANDOM,
    X_ZERO,
    X_TINY,      /* down to subnormal */
    X_HUGE,      /* up to the largest float */
    X_ALTERNATE, /* +a -a +a ... */
    X_SPIKE,     /* one large value among small ones */
    X_TIES,      /* halves of a step: round to even */
    X_KINDS
};

void case_weights(random_state *r, enum weight_kind kind, uint32_t dtype, uint8_t *file, size_t n);
void case_inputs(random_state *r, enum act_kind kind, float *x, size_t n);

/* Packs file rows for a table; the caller frees the returned data. */
uint8_t *case_pack(rz_mat *m, const rz_kern *k, uint32_t dtype, uint32_t rows, uint32_t cols,
                   const uint8_t *file);

/* Activations of n tokens packed for a table, in blocks of exactly the size kern.h gives. */
typedef struct {
    rz_act act;
    uint8_t *q8;
    float *f32;
} case_act;

case_act case_activations(const rz_kern *k, const float *x, uint32_t n, uint32_t cols, bool floats);

/* n tokens; of a table with wide tiles a whole tile and others beside it. */
uint32_t case_tokens(const rz_kern *k, uint32_t n);
void case_act_free(case_act *a);

/* A block of 32 columns of one token, whatever the layout. */
typedef struct {
    float d, ds;
    int32_t ns[2];
    int8_t q[32];
} act_value;

act_value case_act_read(const rz_kern *k, const case_act *a, uint32_t token, uint32_t block);

/* ---- expected sums -------------------------------------------------------------------------- */

typedef struct {
    double value;
    double error;   /* a correct table differs from `value` by at most this */
    double largest; /* of all numbers met on the way: past FLT_MAX the result is not finite */
    double most;    /* of the partial sums, at most: below FLT_MAX the result is finite */
} case_sum;

/* Types that case_dot has a model of; products of the others are checked in test_types_matmul.c. */
bool case_knows(uint32_t dtype);

/* Row of weights as in the file times one token: floats x for float types, else its blocks. */
case_sum case_dot(uint32_t dtype, const uint8_t *row, uint32_t cols, const float *x,
                  const act_value *blocks);

#endif
