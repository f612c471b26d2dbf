/*
 * test_pool.c: the thread pool (src/pool.c, src/pool_posix.c): every chunk exactly once for any
 * number of threads and chunks, thousands of regions in a row, pools that come and go. Built a
 * second time with ThreadSanitizer where the compiler has it.
 */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include <sched.h>
#include <time.h>

#include "../../src/pool.h"
#include "check.h"

enum { most_chunks = 10000 };

typedef struct {
    _Atomic uint32_t hits[most_chunks];
    uint32_t plain[most_chunks]; /* written without atomics: the region's end must order it */
    _Atomic uint32_t outside;    /* chunks that do not exist */
    uint32_t n;
} region;

static void hit(void *arg, uint32_t chunk) {
    region *r = arg;
    if (chunk >= r->n) {
        atomic_fetch_add(&r->outside, 1);
        return;
    }
    atomic_fetch_add_explicit(&r->hits[chunk], 1, memory_order_relaxed);
    r->plain[chunk]++;
}

static rz_pool *new_pool(uint32_t threads) {
    rz_pool *p = aligned_alloc(RZ_ALIGN, (rz_pool_bytes() + RZ_ALIGN - 1) / RZ_ALIGN * RZ_ALIGN);
    memset(p, 0, rz_pool_bytes());
    uint32_t working = rz_pool_start(p, threads);
    CHECK(working == threads && rz_pool_threads(p) == threads, "%u of %u threads work", working,
          threads);
    return p;
}

static void end_pool(rz_pool *p) {
    rz_pool_stop(p);
    free(p);
}

/* One region after which every chunk was hit `times` times in all. */
static void run_and_check(rz_pool *p, region *r, uint32_t n, uint32_t times) {
    r->n = n;
    rz_pool_run(p, n, hit, r);
    CHECK(r->outside == 0, "%u chunks that do not exist", r->outside);
    for (uint32_t i = 0; i < n; i++) {
        if (r->hits[i] != times || r->plain[i] != times) {
            CHECK(false, "chunk %u of %u ran %u times instead of %u", i, n, r->hits[i], times);
            return;
        }
    }
}

static void every_count(uint32_t threads) {
    rz_pool *p = new_pool(threads);
    for (uint32_t n = 0; n <= most_chunks; n = n < 70 ? n + 1 : n * 2 - n / 3) {
        region *r = calloc(1, sizeof *r);
        run_and_check(p, r, n, 1);
        for (uint32_t i = n; i < most_chunks; i++) CHECK(r->hits[i] == 0, "chunk %u of %u", i, n);
        free(r);
    }
    region *r = calloc(1, sizeof *r);
    run_and_check(p, r, most_chunks, 1);
    free(r);
    end_pool(p);
}

/* Regions follow each other without a pause: a late thread must not run a chunk of an old one. */
static void many_regions(uint32_t threads) {
    rz_pool *p = new_pool(threads);
    region *r = calloc(1, sizeof *r);
    for (uint32_t i = 1; i <= 5000; i++) run_and_check(p, r, 2 + threads, i);
    free(r);
    r = calloc(1, sizeof *r);
    uint32_t want = 0;
    for (uint32_t i = 0; i < 3000; i++) { /* the function's argument changes with every region */
        region small = {.n = 5};
        rz_pool_run(p, 5, hit, &small);
        for (int c = 0; c < 5; c++) want += small.hits[c] == 1;
    }
    CHECK(want == 5 * 3000, "%u of %u chunks ran once", want, 5 * 3000);
    free(r);
    end_pool(p);
}

/* Long enough pauses that threads fall asleep between regions. */
static void sleeping_threads(uint32_t threads) {
    rz_pool *p = new_pool(threads);
    region *r = calloc(1, sizeof *r);
    for (uint32_t i = 1; i <= 30; i++) {
        for (volatile int spin = 0; spin < 1500000; spin++) {
        }
        run_and_check(p, r, 40, i);
    }
    free(r);
    end_pool(p);
}

/* Two chunks that wait for each other, ten seconds at most: two threads must take one each. */
typedef struct {
    _Atomic uint32_t arrived, missed;
} meeting;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void meet(void *arg, uint32_t chunk) {
    meeting *m = arg;
    const double start = now();
    (void)chunk;
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < 2 && now() - start < 10) sched_yield();
    if (atomic_load(&m->arrived) < 2) atomic_fetch_add(&m->missed, 1);
}

/* Threads that fell asleep take part in the next region. */
static void threads_wake_up(uint32_t threads) {
    rz_pool *p = new_pool(threads);
    for (int i = 0; i < 10; i++) {
        meeting m = {0};
        nanosleep(&(struct timespec){.tv_nsec = 20000000},
                  NULL); /* spinning lasts less than 1 ms */
        rz_pool_run(p, 2, meet, &m);
        CHECK(m.missed == 0, "region %d: only one thread came", i);
        if (m.missed) break;
    }
    end_pool(p);
}

static void many_pools(void) {
    for (int i = 0; i < 200; i++) {
        rz_pool *p = new_pool(1 + (uint32_t)i % 4);
        if (i % 3) { /* a third of them is stopped without any work */
            region *r = calloc(1, sizeof *r);
            run_and_check(p, r, 17, 1);
            free(r);
        }
        end_pool(p);
    }
}

static void no_pool(void) {
    region *r = calloc(1, sizeof *r);
    run_and_check(NULL, r, 1000, 1);
    run_and_check(NULL, r, 0, 1);
    free(r);
}

int main(void) {
    for (uint32_t threads = 1; threads <= 4; threads++) {
        TEST(every_count, threads);
        TEST(many_regions, threads);
        TEST(sleeping_threads, threads);
        if (threads > 1) TEST(threads_wake_up, threads);
    }
    TEST(many_pools);
    TEST(no_pool);
    return check_summary("test_pool");
}
