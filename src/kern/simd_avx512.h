/*
 * simd_avx512.h: the vector vocabulary of kern/ on AVX-512 (F, BW, DQ, VL) + VNNI, with 16 lanes; see
 * simd_x86.h for what the names mean. Weights of Q8_0 are packed as w + 128.
 */
#ifndef RZ_SIMD_H
#define RZ_SIMD_H

#include <immintrin.h>

#include "kern.h"

#define KV_I16 0
enum { NR = 16, TILE = 8, XK_BYTES = 4, W8_BIAS = 128, SPAN = 2, NA_NARROW = 0, PAIRS = 1, VALUE_QUERIES = 4, VALUE_GROUPS = 2 };

typedef __m512 vf;
typedef __m512i vi, vb, xk, na, w8;

static inline vf vf_zero(void) { return _mm512_setzero_ps(); }
static inline vf vf_splat(float x) { return _mm512_set1_ps(x); }
static inline vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vf_store(float *p, vf v) { _mm512_storeu_ps(p, v); }
static inline vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf vf_madd(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vf vf_nmadd(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
static inline vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static inline vf vf_abs(vf a) { return _mm512_abs_ps(a); }
static inline vf vf_with_sign(vf magnitude, vf sign) {
    return _mm512_or_ps(magnitude, _mm512_and_ps(sign, _mm512_set1_ps(-0.0f)));
}
static inline vf vf_keep_not_below(vf a, vf x, float low) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(low), _CMP_NLT_UQ), a);
}
static inline vi vf_bits(vf a) { return _mm512_castps_si512(a); }
static inline vf vf_from_bits(vi a) { return _mm512_castsi512_ps(a); }
static inline vf vf_from_i(vi a) { return _mm512_cvtepi32_ps(a); }
static inline vf vf_load_f16(const uint8_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
static inline vf vf_load_scales(const uint8_t *p) { return vf_load_f16(p); }
static inline vf vf_load_bf16(const uint8_t *p) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline vf vf_load_u8(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static inline vf vf_load_s8(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static inline float vf_sum(vf v) {
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 a = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
}
static inline float vf_largest(vf v) { return _mm512_reduce_max_ps(v); }
static inline vf vf_fold_block(const vf *v) { return vf_add(v[0], v[1]); }

/* Eight vectors become one, whose lane i is what `op` makes of the lanes of v[i], in the order of vf_sum(). */
#define FOLD_EIGHT(name, op)                                                                                     \
    static inline __m256 name(const vf *v) {                                                                     \
        const __m512i order = _mm512_setr_epi32(0, 1, 8, 9, 4, 5, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0);               \
        vf h[4], q[2];                                                                                           \
        for (int i = 0; i < 4; i++) {                                                                            \
            h[i] = op(_mm512_shuffle_f32x4(v[i], v[i + 4], 0x44), _mm512_shuffle_f32x4(v[i], v[i + 4], 0xee));   \
        }                                                                                                        \
        for (int i = 0; i < 2; i++) {                                                                            \
            q[i] = op(_mm512_shuffle_f32x4(h[i], h[i + 2], 0x88), _mm512_shuffle_f32x4(h[i], h[i + 2], 0xdd));   \
        }                                                                                                        \
        const vf pair = op(_mm512_unpacklo_ps(q[0], q[1]), _mm512_unpackhi_ps(q[0], q[1]));                      \
        return _mm512_castps512_ps256(_mm512_permutexvar_ps(order, op(pair, _mm512_permute_ps(pair, 0x4e))));    \
    }
FOLD_EIGHT(fold_sums, _mm512_add_ps)
FOLD_EIGHT(fold_largest, _mm512_max_ps)
#undef FOLD_EIGHT

/* Lane i is the sum, or the largest, of the lanes of v[i], for n vectors; v has NR, those behind the n are lost. Never by
 * way of memory: one token's heads wait for it. */
RZ_INLINE vf each_of(vf *v, uint32_t n, float one(vf), __m256 eight(const vf *)) {
    if (n == 1) return _mm512_castps128_ps512(_mm_set_ss(one(v[0])));
    for (uint32_t i = n; i % 8; i++) v[i] = vf_zero();
    const __m512 low = _mm512_castps256_ps512(eight(v));
    return n > 8 ? _mm512_insertf32x8(low, eight(v + 8), 1) : low;
}
static inline vf vf_sum_each(vf *v, uint32_t n) { return each_of(v, n, vf_sum, fold_sums); }
static inline vf vf_largest_each(vf *v, uint32_t n) { return each_of(v, n, vf_largest, fold_largest); }

static inline vi vi_splat(int32_t x) { return _mm512_set1_epi32(x); }
static inline vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
static inline vi vi_max(vi a, vi b) { return _mm512_max_epi32(a, b); }
static inline int32_t vi_largest(vi v) { return _mm512_reduce_max_epi32(v); }
static inline int32_t vi_sum(vi v) { return _mm512_reduce_add_epi32(v); }
static inline vi vi_shl(vi a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }
static inline vi vi_round(vf a) { return _mm512_cvtps_epi32(a); }

static inline vb vb_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
static inline void vb_store(uint8_t *p, vb v) { _mm512_storeu_si512(p, v); }
static inline vf vf_from_byte(vb a, int j) {
    return vf_from_i(_mm512_srai_epi32(_mm512_slli_epi32(a, (unsigned)(24 - 8 * j)), 24));
}
static inline vb vb_lookup(const int8_t *table, vb a) {
    __m128i levels = _mm_loadu_si128((const __m128i *)table);
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(levels), a);
}
static inline vb vb_or(vb a, vb b) { return _mm512_or_si512(a, b); }
static inline vb vb_and(vb a, vb b) { return _mm512_and_si512(a, b); }
static inline vb vb_low4(vb a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
static inline vb vb_high4(vb a) { return vb_low4(_mm512_srli_epi16(a, 4)); }
static inline vb vb_pair_at4(vb a, int i) {
    vb mask = _mm512_set1_epi8(0x30);
    switch (i) {
    case 0: return _mm512_and_si512(_mm512_slli_epi16(a, 4), mask);
    case 1: return _mm512_and_si512(_mm512_slli_epi16(a, 2), mask);
    case 2: return _mm512_and_si512(a, mask);
    default: return _mm512_and_si512(_mm512_srli_epi16(a, 2), mask);
    }
}
static inline vb vb_bit_at4(vb a, int i) {
    vb moved = i < 4 ? _mm512_slli_epi16(a, (unsigned)(4 - i)) : _mm512_srli_epi16(a, (unsigned)(i - 4));
    return _mm512_and_si512(moved, _mm512_set1_epi8(0x10));
}
static inline vb vb_words_up(vb a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }
static inline vb vb_shift_down(vb a, int n) { return _mm512_srl_epi16(a, _mm_cvtsi32_si128(n)); }

static inline xk xk_load(const uint8_t *p) { return _mm512_set1_epi32((int32_t)rz_load_u32(p)); }
static inline void xk_store(uint8_t *dst, vi q) { _mm_storeu_si128((__m128i *)dst, _mm512_cvtsepi32_epi8(q)); }
static inline void vi_store_digits(uint8_t *dst, size_t apart, vi q) {
    const __m512i low = _mm512_and_si512(q, _mm512_set1_epi32(127)), high = _mm512_srli_epi32(q, 7);
    _mm_storeu_si128((__m128i *)dst, _mm512_cvtepi32_epi8(low));
    _mm_storeu_si128((__m128i *)(dst + apart), _mm512_cvtepi32_epi8(high));
}

static inline vi vi_dot_u7(vi acc, vb codes, xk x) { return _mm512_dpbusd_epi32(acc, codes, x); }
static inline vi vi_dot_s8(vi acc, vb values, xk weights) { return vi_dot_u7(acc, weights, values); }
static inline na na_start(vi start) { return start; }
static inline na na_dot(na acc, vb codes, xk x) { return vi_dot_u7(acc, codes, x); }
static inline vi na_end(na acc, vi start) {
    (void)start;
    return acc;
}
static inline w8 w8_load(const uint8_t *p) { return vb_load(p); }
static inline w8 w8_load_signed(const uint8_t *p) {
    return _mm512_xor_si512(vb_load(p), _mm512_set1_epi8((char)0x80));
}
static inline vi vi_dot_w8(vi acc, w8 w, xk x) { return vi_dot_u7(acc, w, x); }

#endif
