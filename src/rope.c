/* rope.c: see rope.h. */
#include "rope.h"

#include "math64.h"

static const double pi = 3.14159265358979323846;

static double power(double base, double exponent) { return rz_exp64(exponent * rz_log64(base)); }

static double clamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

/* The pair that turns `rotations` times within ctx_orig. */
static double yarn_pair(const rz_rope *r, double rotations) {
    return r->dim * rz_log64(r->ctx_orig / (rotations * 2 * pi)) / (2 * rz_log64(r->base));
}

static double floor64(double x) {
    double whole = (double)(int64_t)x;
    return whole > x ? whole - 1 : whole;
}

/* Fast pairs keep their frequency, slow ones are interpolated, those between are mixed. */
static double yarn(const rz_rope *r, uint32_t i, double freq) {
    double low = yarn_pair(r, r->fast), high = yarn_pair(r, r->slow);
    if (!r->exact_ramp) {
        low = floor64(low);
        high = -floor64(-high);
    }
    low = low < 0 ? 0 : low;
    high = high > r->dim - 1 ? r->dim - 1 : high;
    double width = high - low;
    /* a ramp that ends before it begins: an exact one keeps all pairs, as in transformers */
    if (r->exact_ramp ? width == 0 : width < 0.001) width = 0.001;
    double keep = 1 - clamp((i - low) / width, 0, 1);
    return freq / r->factor * (1 - keep) + freq * keep;
}

static double llama3(const rz_rope *r, double freq) {
    double wave = 2 * pi / freq;
    if (wave < r->ctx_orig / r->high) return freq;
    if (wave > r->ctx_orig / r->low) return freq / r->factor;
    double smooth = (r->ctx_orig / wave - r->low) / (r->high - r->low);
    return (1 - smooth) * freq / r->factor + smooth * freq;
}

void rz_rope_freqs(const rz_rope *r, const float *factors, uint32_t n_ctx, float *freqs) {
    double base = r->base;
    if (r->scaling == RZ_SCALE_DYNAMIC && n_ctx > r->ctx_orig && r->dim > 2) {
        double stretch = r->factor * n_ctx / r->ctx_orig - (r->factor - 1);
        base *= power(stretch, (double)r->dim / (r->dim - 2));
    }
    for (uint32_t i = 0; i < r->dim / 2; i++) {
        double freq = power(base, -2.0 * i / r->dim);
        switch (r->scaling) {
        case RZ_SCALE_LINEAR: freq /= r->factor; break;
        case RZ_SCALE_YARN: freq = yarn(r, i, freq); break;
        case RZ_SCALE_LLAMA3: freq = llama3(r, freq); break;
        default: break;
        }
        freqs[i] = (float)(freq / (factors ? factors[i] : 1));
    }
}
