/*
 * simd_x86.h: what the 256-bit tables of x86 share: AVX2 + FMA + F16C. The dot products are in the
 * header that includes this one.
 *
 * The vocabulary, the same in every simd_*.h, with NR lanes:
 *   vf, vi, vb   NR floats, NR int32, 4 NR bytes (4 bytes for each lane)
 *   xk           4 activations of one token, given to every lane; XK_BYTES apart in memory
 *   na           sums of products of 4-bit codes and activations, from na_start on; na_end takes the
 *                same start. Where NA_NARROW, of 16 bits: at most 8 na_dot, of 5-bit codes at most 4
 *   SPAN         vectors that attention computes at once for each of its queries
 *   VALUE_QUERIES, VALUE_GROUPS  queries and groups of NR dimensions that meet values of bytes at once
 *   KV_I16       see rz_kern.kv_i16; then vi_dot_i16() and vi_store_i16() exist
 *   PAIRS        whether Q4_0 and Q8_0 take two groups at a time with a tile of tokens
 *   w8           4 NR signed weights as rz_mat.flip stores them; W8_BIAS is what is added to them
 */
#ifndef RZ_SIMD_X86_H
#define RZ_SIMD_X86_H

#include <immintrin.h>

#include "kern.h"

#define KV_I16 0
enum { NR = 8, XK_BYTES = 4, SPAN = 2 };

typedef __m256 vf;
typedef __m256i vi, vb, xk;

static inline vf vf_zero(void) { return _mm256_setzero_ps(); }
static inline vf vf_splat(float x) { return _mm256_set1_ps(x); }
static inline vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vf_store(float *p, vf v) { _mm256_storeu_ps(p, v); }
static inline vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf vf_madd(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }  /* a b + c */
static inline vf vf_nmadd(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); } /* c - a b */
/* the second operand where one is NaN */
static inline vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
static inline vf vf_abs(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline vf vf_with_sign(vf magnitude, vf sign) {
    return _mm256_or_ps(magnitude, _mm256_and_ps(sign, _mm256_set1_ps(-0.0f)));
}
/* lanes of a where x >= low or x is NaN, else 0 */
static inline vf vf_keep_not_below(vf a, vf x, float low) {
    return _mm256_andnot_ps(_mm256_cmp_ps(x, _mm256_set1_ps(low), _CMP_LT_OQ), a);
}
static inline vi vf_bits(vf a) { return _mm256_castps_si256(a); }
static inline vf vf_from_bits(vi a) { return _mm256_castsi256_ps(a); }
static inline vf vf_from_i(vi a) { return _mm256_cvtepi32_ps(a); }
static inline vf vf_load_f16(const uint8_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
/* the same of scales that are subnormal often, those of K types; of Q4_0 and Q8_0 weights must be below 2^-11 and 2^-7 for it */
static inline vf vf_load_scales(const uint8_t *p) { return vf_load_f16(p); }
static inline vf vf_load_bf16(const uint8_t *p) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
static inline vf vf_load_u8(const uint8_t *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
static inline vf vf_load_s8(const uint8_t *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
/* sum of the lanes, pairwise from the outside in */
static inline float vf_sum(vf v) {
    __m128 a = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
}

static inline float vf_largest(vf v) {
    __m128 a = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    a = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
}

static inline vi vi_splat(int32_t x) { return _mm256_set1_epi32(x); }
static inline vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
static inline vi vi_max(vi a, vi b) { return _mm256_max_epi32(a, b); }
static inline int32_t vi_largest(vi v) {
    __m128i a = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    a = _mm_max_epi32(a, _mm_unpackhi_epi64(a, a));
    return _mm_cvtsi128_si32(_mm_max_epi32(a, _mm_srli_epi64(a, 32)));
}
static inline int32_t vi_sum(vi v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_unpackhi_epi64(s, s));
    return _mm_cvtsi128_si32(s) + _mm_extract_epi32(s, 1);
}
static inline vi vi_shl(vi a, int n) { return _mm256_slli_epi32(a, n); }

static inline vb vb_load(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void vb_store(uint8_t *p, vb v) { _mm256_storeu_si256((__m256i *)p, v); }
/* byte j of every word, signed */
static inline vf vf_from_byte(vb a, int j) {
    return vf_from_i(_mm256_srai_epi32(_mm256_slli_epi32(a, 24 - 8 * j), 24));
}
/* table[a] for every byte a < 16 */
static inline vb vb_lookup(const int8_t *table, vb a) {
    __m128i levels = _mm_loadu_si128((const __m128i *)table);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(levels), a);
}
static inline vb vb_or(vb a, vb b) { return _mm256_or_si256(a, b); }
static inline vb vb_and(vb a, vb b) { return _mm256_and_si256(a, b); }
static inline vb vb_low4(vb a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
static inline vb vb_high4(vb a) { return vb_low4(_mm256_srli_epi16(a, 4)); }
/* bits 2i, 2i + 1 of every byte, moved to bits 4 and 5 */
static inline vb vb_pair_at4(vb a, int i) {
    vb mask = _mm256_set1_epi8(0x30);
    switch (i) {
    case 0: return _mm256_and_si256(_mm256_slli_epi16(a, 4), mask);
    case 1: return _mm256_and_si256(_mm256_slli_epi16(a, 2), mask);
    case 2: return _mm256_and_si256(a, mask);
    default: return _mm256_and_si256(_mm256_srli_epi16(a, 2), mask);
    }
}

/* bit i of every byte, moved to bit 4 */
static inline vb vb_bit_at4(vb a, int i) {
    vb moved = i < 4 ? _mm256_slli_epi16(a, 4 - i) : _mm256_srli_epi16(a, i - 4);
    return _mm256_and_si256(moved, _mm256_set1_epi8(0x10));
}
/* bits of every word n places up */
static inline vb vb_words_up(vb a, int n) { return _mm256_slli_epi32(a, n); }
/* bits of every byte n places down; what comes in from above is of no use */
static inline vb vb_shift_down(vb a, int n) { return _mm256_srl_epi16(a, _mm_cvtsi32_si128(n)); }

static inline xk xk_load(const uint8_t *p) { return _mm256_set1_epi32((int32_t)rz_load_u32(p)); }

static inline vi vi_round(vf a) { return _mm256_cvtps_epi32(a); }

static inline __m128i narrow_to_i16(vi q) {
    return _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
}
/* NR rounded activations of one token */
static inline void xk_store(uint8_t *dst, vi q) {
    _mm_storel_epi64((__m128i *)dst, _mm_packs_epi16(narrow_to_i16(q), _mm_setzero_si128()));
}
/* NR whole numbers of 14 bits as k-groups that follow each other: bits 0 to 6, and `apart` bytes on bits 7 to 13; where
 * activations are not bytes, all bits at dst. */
static inline void vi_store_digits(uint8_t *dst, size_t apart, vi q) {
    const __m128i wide = narrow_to_i16(q), low = _mm_and_si128(wide, _mm_set1_epi16(127));
    const __m128i both = _mm_packs_epi16(low, _mm_srli_epi16(wide, 7));
    _mm_storel_epi64((__m128i *)dst, both);
    _mm_storel_epi64((__m128i *)(dst + apart), _mm_unpackhi_epi64(both, both));
}

/* The lanes of a block of RZ_KEY_BLOCK values, added up to one vector. */
static inline vf vf_fold_block(const vf *v) {
    return vf_add(vf_add(v[0], v[1]), vf_add(v[2], v[3]));
}

#include "simd_each.h"

#endif
