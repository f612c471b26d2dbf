/* math64.c: see math64.h. Argument reduction, then Taylor or atanh series (any textbook). */
#include "math64.h"

static const double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;
static const double round_to_int = 0x1.8p52; /* adding it rounds to an integer */

static double scale2(int n) { /* 2^n for normal results */
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static const double inverse_factorial[16] = {
    1, 1, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800,
    1. / 39916800, 1. / 479001600, 1. / 6227020800, 1. / 87178291200, 1. / 1307674368000};

double rz_exp64(double x) {
    double n = (x * 1.4426950408889634 + round_to_int) - round_to_int;
    double r = (x - n * ln2_high) - n * ln2_low;
    double z = r * r, even = 0, odd = 0; /* two sums, for one would wait for itself */
    for (int k = 14; k >= 0; k -= 2) even = even * z + inverse_factorial[k];
    for (int k = 15; k >= 1; k -= 2) odd = odd * z + inverse_factorial[k];
    return (even + r * odd) * scale2((int)n);
}

double rz_log64(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffu) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    /* log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.172 */
    double s = (m - 1) / (m + 1), z = s * s, sum = 0;
    for (int k = 23; k >= 1; k -= 2) sum = sum * z + 1.0 / k;
    return exponent * ln2_high + (exponent * ln2_low + 2 * s * sum);
}

void rz_sincos64(double x, double *sin, double *cos) {
    /* quarter turns off, with pi/2 in three parts (Cody and Waite); n has up to 27 bits, the first
     * parts 25 and 24, so their products are exact */
    const double pio2_1 = 0x1.921fb5p+0, pio2_2 = 0x1.110b46p-26, pio2_3 = 0x1.1a62633145c07p-54;
    double n = (x * 0.63661977236758134 + round_to_int) - round_to_int;
    double r = ((x - n * pio2_1) - n * pio2_2) - n * pio2_3, z = r * r, s = 1, c = 1;
    for (int k = 20; k >= 2; k -= 2) s = 1 - s * z / (k * (k + 1));
    for (int k = 20; k >= 2; k -= 2) c = 1 - c * z / (k * (k - 1));
    s *= r;
    switch ((int64_t)n & 3) {
    case 0: *sin = s, *cos = c; break;
    case 1: *sin = c, *cos = -s; break;
    case 2: *sin = -s, *cos = -c; break;
    default: *sin = -c, *cos = s; break;
    }
}
