/*
 * sample.h: logits to a token.
 *
 * The chain is llama.cpp's: repetition penalty, top-k, top-p, min-p, temperature, draw. All of it
 * is computed here in the same order everywhere, so a seed gives the same tokens on every host that
 * computes the same logits.
 */
#ifndef RZ_SAMPLE_H
#define RZ_SAMPLE_H

#include "base.h"

typedef struct {
    uint32_t id;
    float value; /* logit, later probability */
} rz_candidate;

typedef struct {
    rz_sampling options;
    uint64_t random;      /* state of the generator */
    rz_candidate *sorted; /* [n_vocab] scratch */
    float *kept;          /* [n_recent] scratch: logits before the penalty */
} rz_sampler;

void rz_sample_reset(rz_sampler *s, const rz_sampling *options);

/* Draws a token from n_vocab logits, which are changed meanwhile and restored. `recent` are the tokens
 * so far, oldest first. RZ_NO_TOKEN if a logit is NaN or infinite, or all are minus infinity. */
uint32_t rz_sample(rz_sampler *s, float *logits, uint32_t n_vocab, const uint32_t *recent,
                   uint32_t n_recent);

#endif
