/*
 * pool_wasm.c: sleeping in wasm; see pool.h. Threads are the host's: each worker instantiates the
 * module on the shared memory, takes a stack of its own and calls rz_pool_worker. A module without
 * shared memory has no atomics to wait with and never has more than one thread.
 */
#include "pool.h"

#if defined(__wasm_atomics__)
void rz_host_wait(_Atomic uint32_t *word, uint32_t expected) {
    __builtin_wasm_memory_atomic_wait32((int *)word, (int)expected, -1);
}
void rz_host_wake_all(_Atomic uint32_t *word) {
    __builtin_wasm_memory_atomic_notify((int *)word, UINT32_MAX);
}
uint32_t rz_host_threads_start(rz_pool *p, uint32_t n) {
    (void)p;
    return n;
}
#else
void rz_host_wait(_Atomic uint32_t *word, uint32_t expected) { (void)word, (void)expected; }
void rz_host_wake_all(_Atomic uint32_t *word) { (void)word; }
uint32_t rz_host_threads_start(rz_pool *p, uint32_t n) {
    (void)n;
    p->threads = 1;
    return 0;
}
#endif

void rz_host_threads_join(rz_pool *p) { (void)p; }
