/*
 * simd_neon.h: the vector vocabulary of kern/ on AArch64; see simd_x86.h for what the names mean. 32
 * bytes are a pair of 128-bit registers. Bytes multiply signed by signed: by sdot where the file is
 * compiled with +dotprod, else by widening products, of which two fit in 16 bits.
 */
#ifndef RZ_SIMD_H
#define RZ_SIMD_H

#include <arm_neon.h>

#include "kern.h"

#define KV_I16 0
enum { NR = 8, XK_BYTES = 4, W8_BIAS = 0, SPAN = 1, NA_NARROW = 0, PAIRS = 0, VALUE_QUERIES = 1, VALUE_GROUPS = 2 };
#ifdef __ARM_FEATURE_DOTPROD
enum { TILE = 8 };
#else
enum { TILE = 4 };
#endif

typedef struct {
    float32x4_t a, b;
} vf;
typedef struct {
    int32x4_t a, b;
} vi;
typedef struct {
    int8x16_t a, b;
} vb;
typedef int8x16_t xk;
typedef vi na;
typedef vb w8;

#define EACH1(type, f, x)       ((type){f((x).a), f((x).b)})
#define EACH2(type, f, x, y)    ((type){f((x).a, (y).a), f((x).b, (y).b)})
#define EACH3(type, f, x, y, z) ((type){f((x).a, (y).a, (z).a), f((x).b, (y).b, (z).b)})

static inline vf vf_splat(float x) { return (vf){vdupq_n_f32(x), vdupq_n_f32(x)}; }
static inline vf vf_zero(void) { return vf_splat(0); }
static inline vf vf_load(const float *p) { return (vf){vld1q_f32(p), vld1q_f32(p + 4)}; }
static inline void vf_store(float *p, vf v) {
    vst1q_f32(p, v.a);
    vst1q_f32(p + 4, v.b);
}
static inline vf vf_add(vf a, vf b) { return EACH2(vf, vaddq_f32, a, b); }
static inline vf vf_sub(vf a, vf b) { return EACH2(vf, vsubq_f32, a, b); }
static inline vf vf_mul(vf a, vf b) { return EACH2(vf, vmulq_f32, a, b); }
static inline vf vf_div(vf a, vf b) { return EACH2(vf, vdivq_f32, a, b); }
static inline vf vf_madd(vf a, vf b, vf c) { return EACH3(vf, vfmaq_f32, c, a, b); }
static inline vf vf_nmadd(vf a, vf b, vf c) { return EACH3(vf, vfmsq_f32, c, a, b); }
static inline float32x4_t f32x4_max(float32x4_t a, float32x4_t b) {
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}
static inline float32x4_t f32x4_min(float32x4_t a, float32x4_t b) {
    return vbslq_f32(vcltq_f32(a, b), a, b);
}
static inline vf vf_max(vf a, vf b) { return EACH2(vf, f32x4_max, a, b); }
static inline vf vf_min(vf a, vf b) { return EACH2(vf, f32x4_min, a, b); }
static inline vf vf_abs(vf a) { return EACH1(vf, vabsq_f32, a); }
static inline float32x4_t f32x4_with_sign(float32x4_t magnitude, float32x4_t sign) {
    uint32x4_t bits = vandq_u32(vreinterpretq_u32_f32(sign), vdupq_n_u32(0x80000000));
    return vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(magnitude), bits));
}
static inline vf vf_with_sign(vf magnitude, vf sign) {
    return EACH2(vf, f32x4_with_sign, magnitude, sign);
}
static inline float32x4_t f32x4_keep_not_below(float32x4_t a, float32x4_t x, float32x4_t low) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(a), vcltq_f32(x, low)));
}
static inline vf vf_keep_not_below(vf a, vf x, float low) {
    return EACH3(vf, f32x4_keep_not_below, a, x, vf_splat(low));
}
static inline vi vf_bits(vf a) { return EACH1(vi, vreinterpretq_s32_f32, a); }
static inline vf vf_from_bits(vi a) { return EACH1(vf, vreinterpretq_f32_s32, a); }
static inline vf vf_from_i(vi a) { return EACH1(vf, vcvtq_f32_s32, a); }
static inline vf vf_load_f16(const uint8_t *p) {
    float16x8_t half = vreinterpretq_f16_u8(vld1q_u8(p));
    return (vf){vcvt_f32_f16(vget_low_f16(half)), vcvt_high_f32_f16(half)};
}
static inline vf vf_load_scales(const uint8_t *p) { return vf_load_f16(p); }
static inline vf vf_load_bf16(const uint8_t *p) {
    uint16x8_t half = vreinterpretq_u16_u8(vld1q_u8(p));
    return (vf){vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(half), 16)),
                vreinterpretq_f32_u32(vshll_high_n_u16(half, 16))};
}
static inline vf vf_load_u8(const uint8_t *p) {
    uint16x8_t wide = vmovl_u8(vld1_u8(p));
    return (vf){vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide))), vcvtq_f32_u32(vmovl_high_u16(wide))};
}
static inline vf vf_load_s8(const uint8_t *p) {
    int16x8_t wide = vmovl_s8(vreinterpret_s8_u8(vld1_u8(p)));
    return (vf){vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))), vcvtq_f32_s32(vmovl_high_s16(wide))};
}
static inline float vf_sum(vf v) {
    float32x4_t s = vaddq_f32(v.a, v.b);
    float32x2_t t = vadd_f32(vget_low_f32(s), vget_high_f32(s));
    return vget_lane_f32(t, 0) + vget_lane_f32(t, 1);
}
static inline float vf_largest(vf v) {
    float32x4_t s = f32x4_max(v.a, v.b);
    s = f32x4_max(s, vextq_f32(s, s, 2));
    float x = vgetq_lane_f32(s, 0), y = vgetq_lane_f32(s, 1);
    return x > y ? x : y;
}
static inline vf vf_fold_block(const vf *v) {
    return vf_add(vf_add(v[0], v[1]), vf_add(v[2], v[3]));
}

static inline vi vi_splat(int32_t x) { return (vi){vdupq_n_s32(x), vdupq_n_s32(x)}; }
static inline vi vi_add(vi a, vi b) { return EACH2(vi, vaddq_s32, a, b); }
static inline vi vi_max(vi a, vi b) { return EACH2(vi, vmaxq_s32, a, b); }
static inline int32_t vi_largest(vi v) { return vmaxvq_s32(vmaxq_s32(v.a, v.b)); }
static inline int32_t vi_sum(vi v) { return vaddvq_s32(vaddq_s32(v.a, v.b)); }
static inline vi vi_shl(vi a, int n) {
    int32x4_t by = vdupq_n_s32(n);
    return (vi){vshlq_s32(a.a, by), vshlq_s32(a.b, by)};
}
static inline vi vi_round(vf a) { return EACH1(vi, vcvtnq_s32_f32, a); }

static inline vb vb_load(const uint8_t *p) {
    return (vb){vreinterpretq_s8_u8(vld1q_u8(p)), vreinterpretq_s8_u8(vld1q_u8(p + 16))};
}
static inline void vb_store(uint8_t *p, vb v) {
    vst1q_u8(p, vreinterpretq_u8_s8(v.a));
    vst1q_u8(p + 16, vreinterpretq_u8_s8(v.b));
}
static inline vf vf_from_byte(vb a, int j) {
    vi words = vi_shl((vi){vreinterpretq_s32_s8(a.a), vreinterpretq_s32_s8(a.b)}, 24 - 8 * j);
    return vf_from_i((vi){vshrq_n_s32(words.a, 24), vshrq_n_s32(words.b, 24)});
}
static inline vb vb_lookup(const int8_t *table, vb a) {
    int8x16_t levels = vld1q_s8(table);
    return (vb){vqtbl1q_s8(levels, vreinterpretq_u8_s8(a.a)),
                vqtbl1q_s8(levels, vreinterpretq_u8_s8(a.b))};
}
static inline vb vb_or(vb a, vb b) { return EACH2(vb, vorrq_s8, a, b); }
static inline vb vb_and(vb a, vb b) { return EACH2(vb, vandq_s8, a, b); }
static inline vb vb_and_splat(vb a, int8_t mask) {
    return (vb){vandq_s8(a.a, vdupq_n_s8(mask)), vandq_s8(a.b, vdupq_n_s8(mask))};
}
/* every byte moved up by n bits, or down by -n */
static inline vb vb_move(vb a, int n) {
    int8x16_t by = vdupq_n_s8((int8_t)n);
    return (vb){vreinterpretq_s8_u8(vshlq_u8(vreinterpretq_u8_s8(a.a), by)),
                vreinterpretq_s8_u8(vshlq_u8(vreinterpretq_u8_s8(a.b), by))};
}
static inline vb vb_low4(vb a) { return vb_and_splat(a, 15); }
static inline vb vb_high4(vb a) { return vb_move(a, -4); }
static inline vb vb_pair_at4(vb a, int i) { return vb_and_splat(vb_move(a, 4 - 2 * i), 0x30); }
static inline vb vb_bit_at4(vb a, int i) { return vb_and_splat(vb_move(a, 4 - i), 0x10); }
static inline vb vb_words_up(vb a, int n) {
    vi words = vi_shl((vi){vreinterpretq_s32_s8(a.a), vreinterpretq_s32_s8(a.b)}, n);
    return (vb){vreinterpretq_s8_s32(words.a), vreinterpretq_s8_s32(words.b)};
}
static inline vb vb_shift_down(vb a, int n) { return vb_move(a, -n); }

static inline xk xk_load(const uint8_t *p) {
    return vreinterpretq_s8_u32(vdupq_n_u32(rz_load_u32(p)));
}
static inline int16x8_t narrow_to_i16(vi q) { return vcombine_s16(vqmovn_s32(q.a), vqmovn_s32(q.b)); }
static inline void xk_store(uint8_t *dst, vi q) { vst1_s8((int8_t *)dst, vqmovn_s16(narrow_to_i16(q))); }
static inline void vi_store_digits(uint8_t *dst, size_t apart, vi q) {
    const int16x8_t wide = narrow_to_i16(q);
    vst1_s8((int8_t *)dst, vmovn_s16(vandq_s16(wide, vdupq_n_s16(127))));
    vst1_s8((int8_t *)(dst + apart), vmovn_s16(vshrq_n_s16(wide, 7)));
}

#ifdef __ARM_FEATURE_DOTPROD
static inline int32x4_t dot4(int32x4_t acc, int8x16_t w, xk x) { return vdotq_s32(acc, w, x); }
#else
/* 128 * 127 * 2 < 2^15 */
static inline int32x4_t dot4(int32x4_t acc, int8x16_t w, xk x) {
    int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x)), high = vmull_high_s8(w, x);
    return vpadalq_s16(acc, vpaddq_s16(low, high));
}
#endif
static inline vi vi_dot_u7(vi acc, vb codes, xk x) {
    return (vi){dot4(acc.a, codes.a, x), dot4(acc.b, codes.b, x)};
}
static inline vi vi_dot_s8(vi acc, vb values, xk weights) { return vi_dot_u7(acc, values, weights); }
static inline na na_start(vi start) { return start; }
static inline na na_dot(na acc, vb codes, xk x) { return vi_dot_u7(acc, codes, x); }
static inline vi na_end(na acc, vi start) {
    (void)start;
    return acc;
}
static inline w8 w8_load(const uint8_t *p) { return vb_load(p); }
static inline w8 w8_load_signed(const uint8_t *p) { return vb_load(p); }
static inline vi vi_dot_w8(vi acc, w8 w, xk x) { return vi_dot_u7(acc, w, x); }

#include "simd_each.h"

#endif
