/*
 * pool.h: a few threads that compute one region at a time.
 *
 * A region is a function called for chunks 0 .. n - 1, in any order and on any thread; the caller
 * works along and returns when all chunks are done. Chunks are handed out one by one from an atomic
 * counter, so a slow or late thread takes fewer of them and nobody waits for a thread that has not
 * begun. Waits spin briefly, then sleep on a futex.
 *
 * Threads run kernels only: no libc, no allocation. pool.c holds the protocol; pool_posix.c and
 * pool_wasm.c how to sleep, wake and start threads.
 */
#ifndef RZ_POOL_H
#define RZ_POOL_H

#include "base.h"

#include <stdatomic.h>

enum { RZ_POOL_MAX = 64 };

typedef void rz_pool_fn(void *arg, uint32_t chunk);

typedef struct rz_pool rz_pool;

/* Bytes of a pool; the caller provides the memory, RZ_ALIGN-aligned and zeroed. */
size_t rz_pool_bytes(void);

/* Prepares a pool of `threads` threads, the caller's included, and starts them where this host can
 * (posix). Fewer may start; that is not an error. Returns the number that will work. */
uint32_t rz_pool_start(rz_pool *p, uint32_t threads);

/* Ends the threads; posix waits for them. */
void rz_pool_stop(rz_pool *p);

uint32_t rz_pool_threads(const rz_pool *p);

/* Runs fn(arg, 0 .. n_chunks - 1); returns when all are done. p may be NULL: then in a loop. */
void rz_pool_run(rz_pool *p, uint32_t n_chunks, rz_pool_fn *fn, void *arg);

/* ---- the host's part ------------------------------------------------------------------------ */

struct rz_pool {
    /* epoch << 32 | chunks not yet taken: one word, so a chunk of an old region cannot be taken */
    _Alignas(RZ_ALIGN) _Atomic uint64_t work;
    _Alignas(RZ_ALIGN) _Atomic uint32_t epoch; /* workers sleep on it; top bit: stop */
    _Atomic uint32_t sleepers;
    _Alignas(RZ_ALIGN) _Atomic uint32_t pending; /* chunks not yet done; the caller sleeps on it */
    _Atomic uint32_t caller_sleeps;
    _Alignas(RZ_ALIGN) rz_pool_fn *fn;
    void *arg;
    uint32_t threads;
    uint32_t started;                /* threads that rz_host_threads_start started */
    uintptr_t handles[RZ_POOL_MAX]; /* the host's thread handles */
};

/* Sleeps while *word == expected; may return early. */
void rz_host_wait(_Atomic uint32_t *word, uint32_t expected);
void rz_host_wake_all(_Atomic uint32_t *word);
uint32_t rz_host_threads_start(rz_pool *p, uint32_t n);
void rz_host_threads_join(rz_pool *p);

#endif
