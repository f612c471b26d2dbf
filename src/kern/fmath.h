/*
 * fmath.h: exponential function in single precision, the same operations in the same order as the
 * vector version in vec.inc.c. libm differs between hosts; this does not.
 *
 * exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln(2) / 2, polynomial of degree 7 (coefficients
 * of Cephes' expf). Relative error below 2e-7 on [-87, 88]; smaller arguments give 0, larger ones
 * exp(88). Checked against double in tests/c/test_math.c.
 */
#ifndef RZ_FMATH_H
#define RZ_FMATH_H

#include "kern.h"

#define RZ_EXP_LOW    -87.0f
#define RZ_EXP_HIGH   88.0f
#define RZ_LOG2E      1.44269504f
#define RZ_LN2_HIGH   0.693359375f
#define RZ_LN2_LOW    -2.12194440e-4f
#define RZ_ROUND      12582912.0f /* 1.5 * 2^23: adding it rounds to an integer */
#define RZ_EXP_C0     1.9875691500e-4f
#define RZ_EXP_C1     1.3981999507e-3f
#define RZ_EXP_C2     8.3334519073e-3f
#define RZ_EXP_C3     4.1665795894e-2f
#define RZ_EXP_C4     1.6666665459e-1f
#define RZ_EXP_C5     5.0000001201e-1f

static __attribute__((noinline, unused)) float rz_expf(float x) {
    if (x < RZ_EXP_LOW) return 0.0f;
    float y = x > RZ_EXP_HIGH ? RZ_EXP_HIGH : x;
    float shifted = y * RZ_LOG2E + RZ_ROUND;
    float n = shifted - RZ_ROUND;
    float r = y - n * RZ_LN2_HIGH;
    r = r - n * RZ_LN2_LOW;
    float p = RZ_EXP_C0;
    p = p * r + RZ_EXP_C1;
    p = p * r + RZ_EXP_C2;
    p = p * r + RZ_EXP_C3;
    p = p * r + RZ_EXP_C4;
    p = p * r + RZ_EXP_C5;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    /* the low bits of `shifted` are n */
    return p * rz_f32_from_bits((rz_bits_from_f32(shifted) + 127u) << 23);
}

/* tanh by the exponential; absolute error below 3e-7. */
static inline float rz_tanhf(float x) { return 1.0f - 2.0f / (rz_expf(2.0f * x) + 1.0f); }

/* erf by Abramowitz and Stegun 7.1.26; absolute error below 5e-7. */
#define RZ_ERF_P  0.3275911f
#define RZ_ERF_A1 0.254829592f
#define RZ_ERF_A2 -0.284496736f
#define RZ_ERF_A3 1.421413741f
#define RZ_ERF_A4 -1.453152027f
#define RZ_ERF_A5 1.061405429f

static inline float rz_erff(float x) {
    float a = x < 0 ? -x : x, t = 1.0f / (RZ_ERF_P * a + 1.0f);
    float p = RZ_ERF_A5;
    p = p * t + RZ_ERF_A4;
    p = p * t + RZ_ERF_A3;
    p = p * t + RZ_ERF_A2;
    p = p * t + RZ_ERF_A1;
    float y = 1.0f - p * t * rz_expf(-(a * a));
    y = y < 0 ? 0 : y;
    return x < 0 ? -y : y;
}

/* A score of query i and a key on its way to the softmax; see rz_attn. */
static inline float rz_adjust_score(const rz_attn *a, uint32_t i, uint32_t key, float s) {
    if (a->softcap > 0) s = a->softcap * rz_tanhf(s / a->softcap);
    if (a->slope) s += a->slope[i] * ((float)key - (float)a->position[i]);
    return s;
}

#define RZ_SQRT_2_PI   0.79788456f
#define RZ_SQRT_1_2    0.70710678f
#define RZ_GELU_CUBIC  0.044715f

#endif
