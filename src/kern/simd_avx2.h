/* simd_avx2.h: dot products by 16-bit steps, for processors without a byte dot product. */
#ifndef RZ_SIMD_H
#define RZ_SIMD_H

#include "simd_x86.h"

enum { TILE = 4, W8_BIAS = 0, NA_NARROW = 1, PAIRS = 1, VALUE_QUERIES = 1, VALUE_GROUPS = 2 };

typedef __m256i na;
typedef struct {
    __m256i value, magnitude;
} w8;

static inline vi pairs_to_i32(__m256i pairs) {
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* 15 * 127 * 2 * 8 < 2^15 and 31 * 127 * 2 * 4 < 2^15: so many byte-pair sums fit in 16 bits */
static inline na na_start(vi start) {
    (void)start; /* comes in when the sums are widened */
    return _mm256_setzero_si256();
}
static inline na na_dot(na acc, vb codes, xk x) {
    return _mm256_add_epi16(acc, _mm256_maddubs_epi16(codes, x));
}
static inline vi na_end(na acc, vi start) { return _mm256_add_epi32(pairs_to_i32(acc), start); }

/* codes of at most 7 bits: 127 * 127 * 2 < 2^15 */
static inline vi vi_dot_u7(vi acc, vb codes, xk x) {
    return _mm256_add_epi32(acc, pairs_to_i32(_mm256_maddubs_epi16(codes, x)));
}

/* signed bytes with weights of at most 7 bits, given to every lane */
static inline vi vi_dot_s8(vi acc, vb values, xk weights) { return vi_dot_u7(acc, weights, values); }

static inline w8 w8_load(const uint8_t *p) {
    __m256i v = vb_load(p);
    return (w8){v, _mm256_abs_epi8(v)};
}
/* the same of bytes that are not biased */
static inline w8 w8_load_signed(const uint8_t *p) { return w8_load(p); }
/* the sign goes to the activations; 128 * 127 * 2 < 2^15 */
static inline vi vi_dot_w8(vi acc, w8 w, xk x) {
    __m256i products = _mm256_maddubs_epi16(w.magnitude, _mm256_sign_epi8(x, w.value));
    return _mm256_add_epi32(acc, pairs_to_i32(products));
}

#endif
