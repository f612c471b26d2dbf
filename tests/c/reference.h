/*
 * reference.h: the network as a textbook has it: all weights dequantised to float, naive loops,
 * sums in double, libm. What the engine's results are compared with.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "host.h"

/* Logits of every position of ids[0..n) for a llama GGUF file in memory: n rows of *n_vocab floats,
 * to be freed. NULL if the file is not one. */
float *reference_logits(host_file file, const uint32_t *ids, uint32_t n, uint32_t *n_vocab);

#endif
