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

#include "../base.h"

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

static inline float rz_expf(float x) {
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
    p = p * (r * r) + (r + 1.0f);
    /* the low bits of `shifted` are n */
    return p * rz_f32_from_bits((rz_bits_from_f32(shifted) + 127u) << 23);
}

#endif
