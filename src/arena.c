/* arena.c: blocks of memory; see arena.h. */
#define _DEFAULT_SOURCE /* madvise */
#include "arena.h"

#include <stdlib.h>

#ifdef __linux__
#include <sys/mman.h>

enum { big_page = 2 << 20, least_big = 8 * big_page };

static void *default_alloc(void *ctx, size_t bytes) {
    (void)ctx;
    const size_t align = bytes >= least_big ? big_page : RZ_ALIGN;
    void *block = aligned_alloc(align, (bytes + align - 1) & ~(align - 1));
    if (block && align == big_page) madvise(block, bytes, MADV_HUGEPAGE);
    return block;
}
#else
static void *default_alloc(void *ctx, size_t bytes) {
    (void)ctx;
    return aligned_alloc(RZ_ALIGN, (bytes + RZ_ALIGN - 1) & ~(size_t)(RZ_ALIGN - 1));
}
#endif

static void default_free(void *ctx, void *block, size_t bytes) {
    (void)ctx, (void)bytes;
    free(block);
}

const rz_allocator rz_default_allocator = {default_alloc, default_free, NULL};

void *rz_block_alloc(const rz_allocator *allocator, uint64_t bytes) {
    if (bytes == 0 || bytes > SIZE_MAX / 2) return NULL;
    if (!allocator) allocator = &rz_default_allocator;
    return allocator->alloc(allocator->ctx, (size_t)bytes);
}

void rz_block_free(const rz_allocator *allocator, void *block, uint64_t bytes) {
    if (!block) return;
    if (!allocator) allocator = &rz_default_allocator;
    allocator->free(allocator->ctx, block, (size_t)bytes);
}
