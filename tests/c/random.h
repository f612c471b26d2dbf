/*
 * random.h: random numbers for tests (SplitMix64), the same on every machine.
 *
 * A test that fails prints what it needs to be found again; nothing is seeded from a clock.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
} random_state;

static inline uint64_t random_u64(random_state *r) {
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 .. n - 1 */
static inline uint32_t random_below(random_state *r, uint32_t n) {
    return (uint32_t)((random_u64(r) >> 32) * n >> 32);
}

/* -1 .. 1 */
static inline float random_float(random_state *r) {
    return (float)((double)(random_u64(r) >> 11) * 0x1p-52 - 1);
}

static inline void random_bytes(random_state *r, void *out, size_t n) {
    uint8_t *p = out;
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(random_u64(r) >> 56);
}

#endif
