/* arena.c: blocks of memory; see arena.h. */
#include "arena.h"

#include <stdlib.h>

void *rz_block_alloc(const rz_allocator *allocator, uint64_t bytes) {
    if (bytes == 0 || bytes > SIZE_MAX / 2) return NULL;
    if (allocator) return allocator->alloc(allocator->ctx, (size_t)bytes);
    size_t whole = ((size_t)bytes + RZ_ALIGN - 1) & ~(size_t)(RZ_ALIGN - 1);
    return aligned_alloc(RZ_ALIGN, whole);
}

void rz_block_free(const rz_allocator *allocator, void *block, uint64_t bytes) {
    if (!block) return;
    if (allocator) {
        allocator->free(allocator->ctx, block, (size_t)bytes);
    } else {
        free(block);
    }
}
