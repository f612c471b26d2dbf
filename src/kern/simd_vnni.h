/*
 * simd_vnni.h: dot products by AVX-VNNI's vpdpbusd, unsigned by signed bytes. Weights of Q8_0 are
 * packed as w + 128.
 */
#ifndef RZ_SIMD_H
#define RZ_SIMD_H

#include "simd_x86.h"

enum { TILE = 4, W8_BIAS = 128, NA_NARROW = 0, PAIRS = 1, VALUE_QUERIES = 4, VALUE_GROUPS = 1 };

typedef __m256i na;
typedef vb w8;

static inline vi vi_dot_u7(vi acc, vb codes, xk x) { return _mm256_dpbusd_avx_epi32(acc, codes, x); }
static inline vi vi_dot_s8(vi acc, vb values, xk weights) { return vi_dot_u7(acc, weights, values); }

static inline na na_start(vi start) { return start; }
static inline na na_dot(na acc, vb codes, xk x) { return vi_dot_u7(acc, codes, x); }
static inline vi na_end(na acc, vi start) {
    (void)start;
    return acc;
}

static inline w8 w8_load(const uint8_t *p) { return vb_load(p); }
/* the same of bytes that are not biased */
static inline w8 w8_load_signed(const uint8_t *p) {
    return _mm256_xor_si256(vb_load(p), _mm256_set1_epi8((char)0x80));
}
static inline vi vi_dot_w8(vi acc, w8 w, xk x) { return vi_dot_u7(acc, w, x); }

#endif
