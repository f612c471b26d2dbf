/* pool.c: the protocol of pool.h. */
#include "pool.h"

/* Turns of a thread that waits before it sleeps, 5 to 25 us: longer than what one thread computes between two regions,
 * too short for a busy machine to count the thread as one that always runs. */
#if defined(__x86_64__)
#include <immintrin.h>
#define SPIN_HINT() _mm_pause()
enum { spins = 1000 };
#elif defined(__aarch64__)
#define SPIN_HINT() __asm__ volatile("isb")
enum { spins = 4000 };
#else /* wasm: a turn is a load and a comparison */
#define SPIN_HINT() ((void)0)
enum { spins = 10000 };
#endif

enum { stop_bit = 1u << 31 };

/* Takes a chunk of the current region: its index, or UINT32_MAX when none is left. */
static uint32_t take_chunk(rz_pool *p) {
    uint64_t w = atomic_load_explicit(&p->work, memory_order_acquire);
    while ((uint32_t)w != 0) {
        if (atomic_compare_exchange_weak_explicit(&p->work, &w, w - 1, memory_order_acquire,
                                                  memory_order_acquire)) {
            return (uint32_t)w - 1;
        }
    }
    return UINT32_MAX;
}

/* Works until the region has no chunk left. A taken chunk keeps the region alive, so fn and arg are
 * those it was published with. */
static void work_on_region(rz_pool *p) {
    for (uint32_t chunk; (chunk = take_chunk(p)) != UINT32_MAX;) {
        p->fn(p->arg, chunk);
        if (atomic_fetch_sub_explicit(&p->pending, 1, memory_order_seq_cst) == 1 &&
            atomic_load_explicit(&p->caller_sleeps, memory_order_seq_cst)) {
            rz_host_wake_all(&p->pending);
        }
    }
}

void rz_pool_worker(void *pool) {
    rz_pool *p = pool;
    uint32_t seen = atomic_load_explicit(&p->epoch, memory_order_acquire);
    while (!(seen & stop_bit)) {
        work_on_region(p);
        uint32_t now = seen;
        for (int i = 0; i < spins && now == seen; i++) {
            SPIN_HINT();
            now = atomic_load_explicit(&p->epoch, memory_order_acquire);
        }
        if (now == seen) {
            atomic_fetch_add_explicit(&p->sleepers, 1, memory_order_seq_cst);
            rz_host_wait(&p->epoch, seen);
            atomic_fetch_sub_explicit(&p->sleepers, 1, memory_order_seq_cst);
            now = atomic_load_explicit(&p->epoch, memory_order_acquire);
        }
        seen = now;
    }
}

/* Waits until the chunks that other threads took are done. */
static void wait_for_region(rz_pool *p) {
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&p->pending, memory_order_acquire) == 0) return;
        SPIN_HINT();
    }
    atomic_store_explicit(&p->caller_sleeps, 1, memory_order_seq_cst);
    for (uint32_t left; (left = atomic_load_explicit(&p->pending, memory_order_seq_cst)) != 0;) {
        rz_host_wait(&p->pending, left);
    }
    atomic_store_explicit(&p->caller_sleeps, 0, memory_order_relaxed);
}

void rz_pool_run(rz_pool *p, uint32_t n_chunks, rz_pool_fn *fn, void *arg) {
    if (!p || p->threads < 2 || n_chunks < 2) {
        for (uint32_t i = 0; i < n_chunks; i++) fn(arg, i);
        return;
    }
    p->fn = fn;
    p->arg = arg;
    atomic_store_explicit(&p->pending, n_chunks, memory_order_relaxed);
    uint32_t epoch = (atomic_load_explicit(&p->epoch, memory_order_relaxed) + 1) & ~stop_bit;
    atomic_store_explicit(&p->work, (uint64_t)epoch << 32 | n_chunks, memory_order_release);
    atomic_store_explicit(&p->epoch, epoch, memory_order_seq_cst);
    if (atomic_load_explicit(&p->sleepers, memory_order_seq_cst)) rz_host_wake_all(&p->epoch);
    work_on_region(p);
    wait_for_region(p);
}

size_t rz_pool_bytes(void) { return sizeof(rz_pool); }

uint32_t rz_pool_threads(const rz_pool *p) { return p->threads; }

uint32_t rz_pool_start(rz_pool *p, uint32_t threads) {
    memset(p, 0, sizeof *p);
    p->threads = threads;
    p->started = rz_host_threads_start(p, threads - 1);
    return p->threads;
}

void rz_pool_stop(rz_pool *p) {
    atomic_fetch_or_explicit(&p->epoch, stop_bit, memory_order_seq_cst);
    rz_host_wake_all(&p->epoch);
    rz_host_threads_join(p);
}
