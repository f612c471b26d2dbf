/*
 * budget.h: an rz_allocator that counts, limits and fails on purpose.
 *
 * Every block is its own malloc, so AddressSanitizer sees its ends; a free with another size than
 * the allocation had is counted as an error.
 */
#ifndef BUDGET_H
#define BUDGET_H

#include <stddef.h>

#include "../../src/rz.h"

typedef struct {
    rz_allocator allocator; /* to be handed to the engine */
    size_t now, peak;       /* bytes */
    size_t limit;           /* allocations past it fail; 0: none */
    unsigned calls;         /* allocations asked for */
    unsigned fail_at;       /* this one fails (1: the first); 0: none */
    unsigned blocks;        /* not yet freed */
    unsigned wrong_frees;
} budget;

void budget_open(budget *b);

#endif
