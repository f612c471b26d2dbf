/*
 * arena.h: memory of one object in one block.
 *
 * A layout function takes pieces from an arena in a fixed order. Run on an empty arena (base NULL)
 * it only measures; run on a block of that size it hands out addresses. So the size of an object is
 * known before it exists, and the two can never disagree.
 */
#ifndef RZ_ARENA_H
#define RZ_ARENA_H

#include "base.h"

typedef struct {
    uint8_t *base; /* NULL while measuring */
    uint64_t used; /* bytes handed out so far */
    bool overflow; /* a size did not fit: the arena must not be used */
} rz_arena;

/* count x size bytes at RZ_ALIGN; NULL while measuring. The memory is not cleared. */
static inline void *rz_arena_take(rz_arena *a, uint64_t count, uint64_t size) {
    uint64_t bytes, at = (a->used + RZ_ALIGN - 1) & ~(uint64_t)(RZ_ALIGN - 1), end;
    if (a->overflow || !rz_mul_u64(count, size, &bytes) || !rz_add_u64(at, bytes, &end) ||
        end > SIZE_MAX / 2) {
        a->overflow = true;
        return NULL;
    }
    a->used = end;
    return a->base ? a->base + at : NULL;
}

/* Blocks from an allocator, by default malloc. */
void *rz_block_alloc(const rz_allocator *allocator, uint64_t bytes);
void rz_block_free(const rz_allocator *allocator, void *block, uint64_t bytes);

#endif
