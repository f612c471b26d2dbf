/* pool_posix.c: threads and sleeping on POSIX systems; see pool.h. */
#define _GNU_SOURCE
#include "pool.h"

#include <pthread.h>
#include <sched.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void rz_host_wait(_Atomic uint32_t *word, uint32_t expected) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}
void rz_host_wake_all(_Atomic uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}
#else
/* No futex: give the processor away and look again. */
void rz_host_wait(_Atomic uint32_t *word, uint32_t expected) {
    (void)word, (void)expected;
    sched_yield();
}
void rz_host_wake_all(_Atomic uint32_t *word) { (void)word; }
#endif

static void *thread_main(void *pool) {
    rz_pool_worker(pool);
    return NULL;
}

uint32_t rz_host_threads_start(rz_pool *p, uint32_t n) {
    uint32_t started = 0;
    pthread_t handle;
    while (started < n && pthread_create(&handle, NULL, thread_main, p) == 0) {
        p->handles[started++] = (uintptr_t)handle;
    }
    p->threads = started + 1;
    return started;
}

void rz_host_threads_join(rz_pool *p) {
    for (uint32_t i = 0; i < p->started; i++) pthread_join((pthread_t)p->handles[i], NULL);
}
