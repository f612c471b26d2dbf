/*
 * test_math.c: the engine's own elementary functions (src/kern/fmath.h, src/math64.c) against libm
 * in double precision, within the bounds that their headers state.
 */
#include <math.h>

#include "../../src/kern/fmath.h"
#include "../../src/math64.h"
#include "check.h"
#include "random.h"

/* Every 1009th float of [-87, 88]: about 2 million. */
static void expf_range(void) {
    double worst = 0;
    float at = 0;
    for (int sign = 0; sign < 2; sign++) {
        uint32_t end = rz_bits_from_f32(sign ? 87.0f : 88.0f);
        for (uint32_t bits = 0; bits <= end; bits += 1009) {
            float x = rz_f32_from_bits(bits | (uint32_t)sign << 31);
            double want = exp((double)x), error = fabs(rz_expf(x) - want) / want;
            if (error > worst) worst = error, at = x;
        }
    }
    printf("rz_expf: relative error at most %.3g, at %g\n", worst, (double)at);
    CHECK(worst <= 2e-7, "%g at %a", worst, (double)at);
}

static void expf_edges(void) {
    const float top = rz_expf(88.0f), bottom = rz_expf(-87.0f);
    CHECK(rz_expf(0.0f) == 1.0f && rz_expf(-0.0f) == 1.0f, "exp(0) is exactly 1");
    CHECK(bottom > 0 && fabs(bottom - exp(-87)) <= 2e-7 * exp(-87), "exp(-87) is %g",
          (double)bottom);
    CHECK(rz_expf(nextafterf(-87.0f, -100.0f)) == 0.0f, "below -87");
    CHECK(rz_expf(-1e30f) == 0.0f && rz_expf(-INFINITY) == 0.0f, "far below -87");
    CHECK(top < INFINITY && fabs(top - exp(88)) <= 2e-7 * exp(88), "exp(88) is %g", (double)top);
    CHECK(rz_expf(nextafterf(88.0f, 100.0f)) == top && rz_expf(1e30f) == top &&
              rz_expf(INFINITY) == top,
          "above 88");
    CHECK(isnan(rz_expf(NAN)) && isnan(rz_expf(-NAN)), "NaN stays NaN");
}

static void exp64_range(void) {
    random_state r = {1};
    double worst = 0;
    for (int i = 0; i < 200000; i++) {
        double x = i < 1401 ? i - 700.0 : 700.0 * random_float(&r), want = exp(x);
        if (i % 3 == 2) x *= 1e-3, want = exp(x);
        double error = fabs(rz_exp64(x) - want) / want;
        if (error > worst) worst = error;
    }
    printf("rz_exp64: relative error at most %.3g\n", worst);
    CHECK(worst <= 1e-14, "%g", worst);
    CHECK(rz_exp64(0) == 1, "exp(0) is exactly 1");
}

/* Relative also near 1, where the logarithm passes through 0. */
static void log64_range(void) {
    random_state r = {2};
    double worst = 0;
    for (int i = 0; i < 200000; i++) {
        int exponent = i % 4 == 0 ? (int)random_below(&r, 2045) - 1022 : 0;
        double x = ldexp(1 + 0.5 * (random_float(&r) + 1), exponent);
        if (i % 4 == 1) x = 1 + ldexp(random_float(&r), -(int)random_below(&r, 45));
        if (i % 4 == 2) x = 1 / x;
        double want = log(x), error = want != 0 ? fabs(rz_log64(x) - want) / fabs(want) : 0;
        if (error > worst) worst = error;
    }
    printf("rz_log64: relative error at most %.3g\n", worst);
    CHECK(worst <= 1e-14, "%g", worst);
    CHECK(rz_log64(1) == 0, "log(1) is exactly 0");
    CHECK(fabs(rz_log64(0x1p-1022) - log(0x1p-1022)) <= 1e-11, "smallest normal number");
    CHECK(fabs(rz_log64(1.7976931348623157e308) - log(1.7976931348623157e308)) <= 1e-11, "largest");
}

static double sincos_error(double x) {
    double s, c;
    rz_sincos64(x, &s, &c);
    return fmax(fabs(s - sin(x)), fabs(c - cos(x)));
}

static void sincos64_range(void) {
    random_state r = {3};
    double worst = 0;
    for (int i = 0; i < 300000; i++) {
        double x = random_float(&r) * ldexp(1, (int)random_below(&r, 28));
        worst = fmax(worst, sincos_error(x));
    }
    for (int i = -100000; i <= 100000; i++) { /* quarter turns: one of the two is nearly 0 */
        worst = fmax(worst, sincos_error(i * 1.5707963267948966));
    }
    for (int i = 0; i < 27; i++) {
        worst = fmax(worst, fmax(sincos_error(ldexp(1, i + 1)), sincos_error(-ldexp(1, i + 1))));
    }
    printf("rz_sincos64: absolute error at most %.3g\n", worst);
    CHECK(worst <= 1e-14, "%g", worst);
    double s, c;
    rz_sincos64(0, &s, &c);
    CHECK(s == 0 && c == 1, "exact at 0");
}

int main(void) {
    TEST(expf_range);
    TEST(expf_edges);
    TEST(exp64_range);
    TEST(log64_range);
    TEST(sincos64_range);
    return check_summary("test_math");
}
