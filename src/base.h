/*
 * base.h: what every file of the engine may use: checked arithmetic, rounding, unaligned loads.
 *
 * Owns no state. All helpers are safe on any input; the checked ones are for numbers that come
 * from files.
 */
#ifndef RZ_BASE_H
#define RZ_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rz.h"

#define RZ_ALIGN 64 /* alignment of every tensor and buffer: a cache line */

static inline uint32_t rz_min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static inline uint32_t rz_max_u32(uint32_t a, uint32_t b) { return a > b ? a : b; }

static inline uint32_t rz_ceil_div(uint32_t a, uint32_t b) { return a / b + (a % b != 0); }
static inline uint32_t rz_round_up(uint32_t a, uint32_t to) { return rz_ceil_div(a, to) * to; }

/* false when the result does not fit. */
static inline bool rz_mul_u64(uint64_t a, uint64_t b, uint64_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool rz_add_u64(uint64_t a, uint64_t b, uint64_t *out) {
    return !__builtin_add_overflow(a, b, out);
}

static inline uint16_t rz_load_u16(const void *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint32_t rz_load_u32(const void *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t rz_load_u64(const void *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline float rz_load_f32(const void *p) {
    float v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void rz_store_u16(void *p, uint16_t v) { memcpy(p, &v, sizeof v); }
static inline void rz_store_u32(void *p, uint32_t v) { memcpy(p, &v, sizeof v); }

static inline float rz_f32_from_bits(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
static inline uint32_t rz_bits_from_f32(float f) {
    uint32_t v;
    memcpy(&v, &f, sizeof v);
    return v;
}

/* IEEE half to single, exact for every finite value; NaN and infinity become themselves. No subnormal single takes part,
 * which Intel's processors are slow with. */
static inline float rz_f32_from_f16(uint16_t h) {
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, moved = (uint32_t)(h & 0x7fffu) << 13;
    switch (h & 0x7c00u) {
    case 0x7c00u: return rz_f32_from_bits(sign | 0x70000000u | moved);
    case 0: return rz_f32_from_bits(sign | rz_bits_from_f32((float)(h & 0x3ffu) * 0x1p-24f));
    default: return rz_f32_from_bits(sign | (moved + (112u << 23)));
    }
}

/* Single to half, rounded to nearest even; too large becomes infinity. */
static inline uint16_t rz_f16_from_f32(float f) {
    uint32_t bits = rz_bits_from_f32(f), sign = bits >> 16 & 0x8000u;
    bits &= 0x7fffffffu;
    if (bits > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
    if (bits >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);
    if (bits < 0x38800000u) { /* subnormal half: let the adder round at the right bit */
        float r = rz_f32_from_bits(bits) + 0.5f;
        return (uint16_t)(sign | (rz_bits_from_f32(r) - 0x3f000000u));
    }
    bits += 0xfffu + (bits >> 13 & 1u);
    return (uint16_t)(sign | (bits - 0x38000000u) >> 13);
}

static inline float rz_f32_from_bf16(uint16_t h) { return rz_f32_from_bits((uint32_t)h << 16); }

#endif
