/*
 * types_case.h: random blocks of every weight type, with usable and with extreme scales.
 */
#ifndef TYPES_CASE_H
#define TYPES_CASE_H

#include "../../src/dtype.h"
#include "random.h"

enum types_kind {
    T_RANDOM,
    T_ZERO_CODES, /* all bytes but the scale's */
    T_MAX_CODES,
    T_ZERO_SCALES, /* also minus zero */
    T_NEGATIVE,
    T_SUBNORMAL,
    T_LARGEST,
    T_KINDS
};

/* Ids that can be computed with and are quantised: at most RZ_DT_COUNT of them; returns how many.
 */
int types_quantised(uint32_t *ids);

/* How many halves a block holds: a scale, and for some types a minimum's factor. */
int types_halves(uint32_t dtype);
uint16_t types_half(uint32_t dtype, const uint8_t *block, int i);
void types_set_half(uint32_t dtype, uint8_t *block, int i, uint16_t half);

/* Any bytes, but finite weights. */
void types_any_block(random_state *r, uint32_t dtype, uint8_t *block);
void types_block(random_state *r, enum types_kind kind, uint32_t dtype, uint8_t *block);
/* Weights of any sign, of which the largest is about `scale`. */
void types_scaled_block(random_state *r, uint32_t dtype, uint8_t *block, float scale);

/* Largest sizes met in column c of a block: of the scaled code and of the minimum. */
void types_sizes(uint32_t dtype, const uint8_t *block, uint32_t c, double w, double *code,
                 double *min);

#endif
