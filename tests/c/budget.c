/* budget.c: see budget.h. */
#include "budget.h"

#include <stdint.h>
#include <stdlib.h>

enum { in_front = 64 }; /* keeps the alignment; holds the size */

static void *take(void *ctx, size_t bytes) {
    budget *b = ctx;
    b->calls++;
    if (b->calls == b->fail_at || (b->limit && bytes > b->limit - b->now)) return NULL;
    size_t whole = (bytes + 2 * in_front - 1) / in_front * in_front;
    uint8_t *p = aligned_alloc(in_front, whole);
    if (!p) return NULL;
    *(size_t *)p = bytes;
    b->now += bytes;
    b->blocks++;
    if (b->now > b->peak) b->peak = b->now;
    return p + in_front;
}

static void give_back(void *ctx, void *block, size_t bytes) {
    budget *b = ctx;
    uint8_t *p = (uint8_t *)block - in_front;
    if (*(size_t *)p != bytes) b->wrong_frees++;
    b->now -= bytes;
    b->blocks--;
    free(p);
}

void budget_open(budget *b) {
    *b = (budget){.allocator = {.alloc = take, .free = give_back}};
    b->allocator.ctx = b;
}
