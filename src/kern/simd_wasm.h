/*
 * simd_wasm.h: the vector vocabulary of kern/ on WebAssembly SIMD, fixed-width and relaxed; see
 * simd_avx2.h for what the names mean. 32 bytes are a pair of 128-bit registers.
 *
 * Fixed-width SIMD has no byte dot product, so activations are i16 in the order 0 2 1 3: the even and
 * the odd bytes of the weights, widened by a mask and a shift, meet them in i32x4.dot_i16x8.
 *
 * Relaxed SIMD has one, with an implementation-defined meaning for its second operand. The including
 * file says with RELAXED_DOT which one it is compiled for:
 *   DOT_U8   unsigned bytes (x86 with VNNI)          weights are w + 128
 *   DOT_S8   signed bytes (ARM)                      weights as they are
 *   DOT_SAT  unsigned, 16-bit sums saturate (x86)    the sign moves to the activations
 */
#ifndef RZ_SIMD_H
#define RZ_SIMD_H

#include <wasm_simd128.h>

#include "kern.h"

#define DOT_U8  1
#define DOT_S8  2
#define DOT_SAT 3

#define KV_I16 1
enum { NR = 8, TILE = 4, SPAN = 1, NA_NARROW = 0, PAIRS = 0, VALUE_QUERIES = 1, VALUE_GROUPS = 2 };
#ifdef RELAXED_DOT
enum { XK_BYTES = 4, W8_BIAS = RELAXED_DOT == DOT_U8 ? 128 : 0 };
#else
enum { XK_BYTES = 8, W8_BIAS = 128 };
#endif

typedef struct {
    v128_t a, b;
} vf, vi, vb;

/* Constants of loops, read from memory. V8 builds a vector constant anew at every use, with three
 * instructions; what was read stays in its register. Nobody must see through the pointer. */
enum { C_LOW4, C_BIT4, C_BITS45, C_EVEN, C_HALF, C_HALF_SCALE, C_HALF_BIAS, C_HALF_LEAST, C_LOW7, C_ROUND };
static inline v128_t constant(int i) {
#define SPLAT(x) {x, x, x, x}
    static const uint32_t values[][4] = {
        [C_LOW4] = SPLAT(0x0f0f0f0f),   [C_BIT4] = SPLAT(0x10101010),
        [C_BITS45] = SPLAT(0x30303030), [C_EVEN] = SPLAT(0x00ff00ff),
        [C_HALF] = SPLAT(0x8fffe000),   [C_HALF_SCALE] = SPLAT(0x77800000), /* 2^112 */
        [C_HALF_BIAS] = SPLAT(112 << 23),
        [C_HALF_LEAST] = SPLAT(0x38800000), /* 2^-14 */
        [C_LOW7] = SPLAT(0x007f007f),   [C_ROUND] = SPLAT(0x4b400000) /* RZ_ROUND of fmath.h */
    };
#undef SPLAT
    const uint32_t *p = values[i];
    __asm__("" : "+r"(p));
    return wasm_v128_load(p);
}

#define PAIR(type, expr_a, expr_b) ((type){(expr_a), (expr_b)})
#define EACH1(type, f, x)          PAIR(type, f((x).a), f((x).b))
#define EACH2(type, f, x, y)       PAIR(type, f((x).a, (y).a), f((x).b, (y).b))
#define EACH3(type, f, x, y, z)    PAIR(type, f((x).a, (y).a, (z).a), f((x).b, (y).b, (z).b))

static inline vf vf_zero(void) { return PAIR(vf, wasm_f32x4_splat(0), wasm_f32x4_splat(0)); }
static inline vf vf_splat(float x) { return PAIR(vf, wasm_f32x4_splat(x), wasm_f32x4_splat(x)); }
static inline vf vf_load(const float *p) {
    return PAIR(vf, wasm_v128_load(p), wasm_v128_load(p + 4));
}
static inline void vf_store(float *p, vf v) {
    wasm_v128_store(p, v.a);
    wasm_v128_store(p + 4, v.b);
}
static inline vf vf_add(vf a, vf b) { return EACH2(vf, wasm_f32x4_add, a, b); }
static inline vf vf_sub(vf a, vf b) { return EACH2(vf, wasm_f32x4_sub, a, b); }
static inline vf vf_mul(vf a, vf b) { return EACH2(vf, wasm_f32x4_mul, a, b); }
static inline vf vf_div(vf a, vf b) { return EACH2(vf, wasm_f32x4_div, a, b); }
#ifdef RELAXED_DOT
static inline vf vf_madd(vf a, vf b, vf c) { return EACH3(vf, wasm_f32x4_relaxed_madd, a, b, c); }
static inline vf vf_nmadd(vf a, vf b, vf c) { return EACH3(vf, wasm_f32x4_relaxed_nmadd, a, b, c); }
#else
static inline vf vf_madd(vf a, vf b, vf c) { return vf_add(vf_mul(a, b), c); }
static inline vf vf_nmadd(vf a, vf b, vf c) { return vf_sub(c, vf_mul(a, b)); }
#endif
static inline vf vf_max(vf a, vf b) { return EACH2(vf, wasm_f32x4_pmax, b, a); }
static inline vf vf_min(vf a, vf b) { return EACH2(vf, wasm_f32x4_pmin, b, a); }
static inline vf vf_abs(vf a) { return EACH1(vf, wasm_f32x4_abs, a); }
static inline vf vf_with_sign(vf magnitude, vf sign) {
    v128_t top = wasm_i32x4_splat(INT32_MIN);
    return PAIR(vf, wasm_v128_or(magnitude.a, wasm_v128_and(sign.a, top)),
                wasm_v128_or(magnitude.b, wasm_v128_and(sign.b, top)));
}
static inline vf vf_keep_not_below(vf a, vf x, float low) {
    v128_t bound = wasm_f32x4_splat(low);
    return PAIR(vf, wasm_v128_andnot(a.a, wasm_f32x4_lt(x.a, bound)),
                wasm_v128_andnot(a.b, wasm_f32x4_lt(x.b, bound)));
}
static inline vi vf_bits(vf a) { return PAIR(vi, a.a, a.b); }
static inline vf vf_from_bits(vi a) { return PAIR(vf, a.a, a.b); }
static inline vf vf_from_i(vi a) { return EACH1(vf, wasm_f32x4_convert_i32x4, a); }

/* Half to single, see rz_f32_from_f16; weights hold finite values only. The bits of a half, moved up, are
 * those of a number times 2^-112: exactly, and its subnormals as well. */
static inline v128_t f32x4_from_f16(v128_t sign_extended) {
    return wasm_f32x4_mul(wasm_v128_and(wasm_i32x4_shl(sign_extended, 13), constant(C_HALF)), constant(C_HALF_SCALE));
}
static inline vf vf_load_f16(const uint8_t *p) {
    return PAIR(vf, f32x4_from_f16(wasm_i32x4_load16x4(p)), f32x4_from_f16(wasm_i32x4_load16x4(p + 8)));
}
/* The product above takes Intel's processors hundreds of cycles where a half is subnormal. With the exponent of a single
 * such a half m becomes n = 2^-15 + m / 2, so n + (n - 2^-14) is m, exactly; for others n is, and n - 2^-14 is above 0. */
static inline v128_t f32x4_from_scale(v128_t sign_extended) {
    const v128_t moved = wasm_v128_and(wasm_i32x4_shl(sign_extended, 13), constant(C_HALF)), size = wasm_f32x4_abs(moved);
    const v128_t n = wasm_i32x4_add(size, constant(C_HALF_BIAS)), above = wasm_f32x4_sub(n, constant(C_HALF_LEAST));
    return wasm_v128_or(wasm_f32x4_add(n, wasm_f32x4_pmin(wasm_f32x4_splat(0), above)), wasm_v128_xor(moved, size));
}
static inline vf vf_load_scales(const uint8_t *p) {
    return PAIR(vf, f32x4_from_scale(wasm_i32x4_load16x4(p)), f32x4_from_scale(wasm_i32x4_load16x4(p + 8)));
}
static inline vf vf_load_bf16(const uint8_t *p) {
    return PAIR(vf, wasm_i32x4_shl(wasm_u32x4_load16x4(p), 16),
                wasm_i32x4_shl(wasm_u32x4_load16x4(p + 8), 16));
}
static inline vf vf_load_u8(const uint8_t *p) {
    v128_t wide = wasm_u16x8_load8x8(p);
    return PAIR(vf, wasm_f32x4_convert_i32x4(wasm_u32x4_extend_low_u16x8(wide)),
                wasm_f32x4_convert_i32x4(wasm_u32x4_extend_high_u16x8(wide)));
}
static inline vf vf_load_s8(const uint8_t *p) {
    v128_t wide = wasm_i16x8_load8x8(p);
    return PAIR(vf, wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(wide)),
                wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(wide)));
}
static inline float vf_sum(vf v) {
    v128_t s = wasm_f32x4_add(v.a, v.b);
    s = wasm_f32x4_add(s, wasm_i32x4_shuffle(s, s, 2, 3, 2, 3));
    return wasm_f32x4_extract_lane(s, 0) + wasm_f32x4_extract_lane(s, 1);
}
static inline float vf_largest(vf v) {
    v128_t s = wasm_f32x4_pmax(v.a, v.b);
    s = wasm_f32x4_pmax(s, wasm_i32x4_shuffle(s, s, 2, 3, 2, 3));
    float x = wasm_f32x4_extract_lane(s, 0), y = wasm_f32x4_extract_lane(s, 1);
    return x > y ? x : y;
}
static inline vf vf_fold_block(const vf *v) {
    return vf_add(vf_add(v[0], v[1]), vf_add(v[2], v[3]));
}

static inline vi vi_splat(int32_t x) { return PAIR(vi, wasm_i32x4_splat(x), wasm_i32x4_splat(x)); }
static inline vi vi_add(vi a, vi b) { return EACH2(vi, wasm_i32x4_add, a, b); }
static inline vi vi_max(vi a, vi b) { return EACH2(vi, wasm_i32x4_max, a, b); }
static inline int32_t vi_largest(vi v) {
    v128_t s = wasm_i32x4_max(v.a, v.b);
    s = wasm_i32x4_max(s, wasm_i32x4_shuffle(s, s, 2, 3, 2, 3));
    int32_t x = wasm_i32x4_extract_lane(s, 0), y = wasm_i32x4_extract_lane(s, 1);
    return x > y ? x : y;
}
static inline int32_t vi_sum(vi v) {
    v128_t s = wasm_i32x4_add(v.a, v.b);
    s = wasm_i32x4_add(s, wasm_i32x4_shuffle(s, s, 2, 3, 2, 3));
    return wasm_i32x4_extract_lane(s, 0) + wasm_i32x4_extract_lane(s, 1);
}
static inline vi vi_shl(vi a, int n) {
    return PAIR(vi, wasm_i32x4_shl(a.a, (uint32_t)n), wasm_i32x4_shl(a.b, (uint32_t)n));
}
static inline vi vi_round(vf a) {
    v128_t magic = constant(C_ROUND);
    return PAIR(vi, wasm_i32x4_sub(wasm_f32x4_add(a.a, magic), magic),
                wasm_i32x4_sub(wasm_f32x4_add(a.b, magic), magic));
}

static inline vb vb_load(const uint8_t *p) {
    return PAIR(vb, wasm_v128_load(p), wasm_v128_load(p + 16));
}
static inline void vb_store(uint8_t *p, vb v) {
    wasm_v128_store(p, v.a);
    wasm_v128_store(p + 16, v.b);
}
static inline vf vf_from_byte(vb a, int j) {
    vi words = vi_shl(a, 24 - 8 * j);
    return vf_from_i(PAIR(vi, wasm_i32x4_shr(words.a, 24), wasm_i32x4_shr(words.b, 24)));
}
static inline vb vb_lookup(const int8_t *table, vb a) {
    v128_t levels = wasm_v128_load(table);
    return PAIR(vb, wasm_i8x16_swizzle(levels, a.a), wasm_i8x16_swizzle(levels, a.b));
}
static inline vb vb_or(vb a, vb b) { return EACH2(vb, wasm_v128_or, a, b); }
static inline vb vb_and(vb a, vb b) { return EACH2(vb, wasm_v128_and, a, b); }
static inline vb vb_and_constant(vb a, int i) {
    v128_t m = constant(i);
    return PAIR(vb, wasm_v128_and(a.a, m), wasm_v128_and(a.b, m));
}
static inline vb vb_low4(vb a) { return vb_and_constant(a, C_LOW4); }
static inline vb vb_high4(vb a) {
    return vb_low4(PAIR(vb, wasm_u16x8_shr(a.a, 4), wasm_u16x8_shr(a.b, 4)));
}
static inline vb vb_pair_at4(vb a, int i) {
    switch (i) {
    case 0: a = PAIR(vb, wasm_i16x8_shl(a.a, 4), wasm_i16x8_shl(a.b, 4)); break;
    case 1: a = PAIR(vb, wasm_i16x8_shl(a.a, 2), wasm_i16x8_shl(a.b, 2)); break;
    case 3: a = PAIR(vb, wasm_u16x8_shr(a.a, 2), wasm_u16x8_shr(a.b, 2)); break;
    default: break;
    }
    return vb_and_constant(a, C_BITS45);
}

static inline vb vb_bit_at4(vb a, int i) {
    a = i < 4 ? PAIR(vb, wasm_i16x8_shl(a.a, 4 - i), wasm_i16x8_shl(a.b, 4 - i))
              : PAIR(vb, wasm_u16x8_shr(a.a, i - 4), wasm_u16x8_shr(a.b, i - 4));
    return vb_and_constant(a, C_BIT4);
}
static inline vb vb_words_up(vb a, int n) {
    return PAIR(vb, wasm_i32x4_shl(a.a, (uint32_t)n), wasm_i32x4_shl(a.b, (uint32_t)n));
}
static inline vb vb_shift_down(vb a, int n) {
    return PAIR(vb, wasm_u16x8_shr(a.a, n), wasm_u16x8_shr(a.b, n));
}
static inline vb vb_flip(vb a) {
    v128_t bit = wasm_u8x16_splat(0x80);
    return PAIR(vb, wasm_v128_xor(a.a, bit), wasm_v128_xor(a.b, bit));
}

/* 8 rounded activations as 16 bits, in order */
static inline v128_t narrow_to_i16(vi q) { return wasm_i16x8_narrow_i32x4(q.a, q.b); }

static inline void vi_store_i16(int16_t *p, vi q) { wasm_v128_store(p, narrow_to_i16(q)); }
/* pairs of 16-bit numbers, one for each lane, with the pair at x */
static inline vi vi_dot_i16(vi acc, vb pairs, const int16_t *x) {
    v128_t pair = wasm_v128_load32_splat(x);
    return PAIR(vi, wasm_i32x4_add(acc.a, wasm_i32x4_dot_i16x8(pairs.a, pair)),
                wasm_i32x4_add(acc.b, wasm_i32x4_dot_i16x8(pairs.b, pair)));
}

#ifdef RELAXED_DOT

typedef v128_t xk;

static inline xk xk_load(const uint8_t *p) { return wasm_v128_load32_splat(p); }
static inline void xk_store(uint8_t *dst, vi q) {
    const v128_t wide = narrow_to_i16(q);
    wasm_v128_store64_lane(dst, wasm_i8x16_narrow_i16x8(wide, wide), 0);
}
static inline void vi_store_digits(uint8_t *dst, size_t apart, vi q) {
    const v128_t wide = narrow_to_i16(q), low = wasm_v128_and(wide, constant(C_LOW7));
    const v128_t both = wasm_i8x16_narrow_i16x8(low, wasm_u16x8_shr(wide, 7));
    wasm_v128_store64_lane(dst, both, 0);
    wasm_v128_store64_lane(dst + apart, both, 1);
}
static inline v128_t dot4(v128_t x, v128_t w, v128_t acc) {
    return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(x, w, acc);
}
static inline vi vi_dot_u7(vi acc, vb codes, xk x) {
    return PAIR(vi, dot4(x, codes.a, acc.a), dot4(x, codes.b, acc.b));
}
static inline vi vi_dot_s8(vi acc, vb values, xk weights) {
    return PAIR(vi, dot4(values.a, weights, acc.a), dot4(values.b, weights, acc.b));
}

#if RELAXED_DOT == DOT_SAT
typedef struct {
    vb sign, magnitude;
} w8;
static inline w8 w8_load(const uint8_t *p) {
    vb v = vb_load(p);
    return (w8){PAIR(vb, wasm_i8x16_shr(v.a, 7), wasm_i8x16_shr(v.b, 7)),
                EACH1(vb, wasm_i8x16_abs, v)};
}
static inline w8 w8_load_signed(const uint8_t *p) { return w8_load(p); }
static inline v128_t with_sign(v128_t x, v128_t sign) {
    return wasm_i8x16_sub(wasm_v128_xor(x, sign), sign);
}
static inline vi vi_dot_w8(vi acc, w8 w, xk x) {
    return PAIR(vi, dot4(with_sign(x, w.sign.a), w.magnitude.a, acc.a),
                dot4(with_sign(x, w.sign.b), w.magnitude.b, acc.b));
}
#else
typedef vb w8;
static inline w8 w8_load(const uint8_t *p) { return vb_load(p); }
static inline w8 w8_load_signed(const uint8_t *p) {
    return W8_BIAS ? vb_flip(vb_load(p)) : vb_load(p);
}
static inline vi vi_dot_w8(vi acc, w8 w, xk x) { return vi_dot_u7(acc, w, x); }
#endif

#else /* fixed-width SIMD */

typedef struct {
    v128_t even, odd; /* columns 0 2 and 1 3, as i16, for every lane */
} xk;
typedef vb w8;

static inline xk xk_load(const uint8_t *p) {
    return (xk){wasm_v128_load32_splat(p), wasm_v128_load32_splat(p + 4)};
}
static inline v128_t narrow_to_xk(vi q) {
    v128_t i16 = narrow_to_i16(q);
    return wasm_i16x8_shuffle(i16, i16, 0, 2, 1, 3, 4, 6, 5, 7);
}
static inline void xk_store(uint8_t *dst, vi q) { wasm_v128_store(dst, narrow_to_xk(q)); }
static inline void vi_store_digits(uint8_t *dst, size_t apart, vi q) {
    (void)apart;
    wasm_v128_store(dst, narrow_to_xk(q));
}
static inline v128_t dot4(v128_t acc, v128_t w, xk x) {
    v128_t even = wasm_v128_and(w, constant(C_EVEN)), odd = wasm_u16x8_shr(w, 8);
    acc = wasm_i32x4_add(acc, wasm_i32x4_dot_i16x8(even, x.even));
    return wasm_i32x4_add(acc, wasm_i32x4_dot_i16x8(odd, x.odd));
}
static inline vi vi_dot_u7(vi acc, vb codes, xk x) {
    return PAIR(vi, dot4(acc.a, codes.a, x), dot4(acc.b, codes.b, x));
}
/* weights of up to 15 bits here */
static inline v128_t dot4_s8(v128_t acc, v128_t values, xk weights) {
    v128_t even = wasm_i16x8_shr(wasm_i16x8_shl(values, 8), 8), odd = wasm_i16x8_shr(values, 8);
    acc = wasm_i32x4_add(acc, wasm_i32x4_dot_i16x8(even, weights.even));
    return wasm_i32x4_add(acc, wasm_i32x4_dot_i16x8(odd, weights.odd));
}
static inline vi vi_dot_s8(vi acc, vb values, xk weights) {
    return PAIR(vi, dot4_s8(acc.a, values.a, weights), dot4_s8(acc.b, values.b, weights));
}
static inline w8 w8_load(const uint8_t *p) { return vb_load(p); }
static inline w8 w8_load_signed(const uint8_t *p) {
    return W8_BIAS ? vb_flip(vb_load(p)) : vb_load(p);
}
static inline vi vi_dot_w8(vi acc, w8 w, xk x) { return vi_dot_u7(acc, w, x); }

#endif

typedef vi na;
static inline na na_start(vi start) { return start; }
static inline na na_dot(na acc, vb codes, xk x) { return vi_dot_u7(acc, codes, x); }
static inline vi na_end(na acc, vi start) {
    (void)start;
    return acc;
}

#include "simd_each.h"

#endif
