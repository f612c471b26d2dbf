/*
 * rope.h: frequencies of rotary positions for every way in which models stretch them.
 *
 * A frequency does not depend on the position, so a session has one table, made when it is opened:
 * LongRoPE and dynamic NTK choose by the context size.
 */
#ifndef RZ_ROPE_H
#define RZ_ROPE_H

#include "base.h"

enum rz_rope_kind {
    RZ_ROPE_NONE,
    RZ_ROPE_PAIRS, /* pairs (2 i, 2 i + 1): "normal" */
    RZ_ROPE_HALVES /* pairs (i, i + dim / 2): "neox" */
};

enum rz_rope_scaling {
    RZ_SCALE_NONE,
    RZ_SCALE_LINEAR,  /* frequencies / factor; Chen et al. 2023 */
    RZ_SCALE_DYNAMIC, /* dynamic NTK: the base grows with the context beyond ctx_orig */
    RZ_SCALE_YARN,    /* Peng et al. 2023 */
    RZ_SCALE_LLAMA3,  /* long waves / factor, short ones kept, a ramp between */
    RZ_SCALE_LONG     /* LongRoPE: a factor per pair, another table beyond ctx_orig; Ding et al. 2024 */
};

typedef struct {
    enum rz_rope_kind kind;
    uint32_t dim; /* leading dimensions of a head that are rotated; even, <= head_dim */
    double base;  /* radians per position of pair i: base^(-2 i / dim) */
    enum rz_rope_scaling scaling;
    double factor;
    double ctx_orig;   /* context before the extension */
    double fast, slow; /* YaRN: rotations within ctx_orig where the ramp ends and begins */
    double low, high;  /* Llama 3: the same as wave lengths ctx_orig / low, ctx_orig / high */
    bool exact_ramp;   /* YaRN: ends of the ramp are not rounded to whole pairs */
    float magnitude;   /* cos and sin are multiplied by this */
} rz_rope;

/* freqs[dim / 2]: radians per position for a context of n_ctx. `factors` [dim / 2] divide them, NULL:
 * none. */
void rz_rope_freqs(const rz_rope *r, const float *factors, uint32_t n_ctx, float *freqs);

#endif
