/*
 * vec.inc.c: activations, norms and SwiGLU over the vocabulary of simd_*.h. Included once per table.
 * Each body follows the scalar one of the same name.
 */
#include "fmath.h"

SHARED_FN void SHARED(act_q8)(uint8_t *dst, const float *x, size_t ldx, uint32_t cols, uint32_t n,
                   uint32_t width) {
    const uint32_t block_bytes = width * (16 + 8 * XK_BYTES);
    for (uint32_t b = 0; b < cols / 32; b++, x += 32, dst += block_bytes) {
        float *d = (float *)dst, *ds = d + width;
        int32_t *ns = (int32_t *)(ds + width);
        uint8_t *q = dst + 16 * (size_t)width;
        for (uint32_t t = 0; t < n; t++) {
            const float *xt = x + t * ldx;
            vf part[32 / NR];
            vi most = vi_splat(0); /* as bits: infinity is above numbers, NaN above that */
            for (int i = 0; i < 32 / NR; i++) {
                part[i] = vf_load(xt + i * NR);
                most = vi_max(vf_bits(vf_abs(part[i])), most);
            }
            float amax = rz_f32_from_bits((uint32_t)vi_largest(most)), inverse = 127.0f / amax;
            bool usable = amax >= RZ_ACT_LEAST && amax < __builtin_inff();
            for (int i = 0; i < 32 / NR && !usable; i++) part[i] = vf_zero();
            if (!usable) inverse = 0;
            int32_t sum[2] = {0, 0};
            for (int i = 0; i < 32 / NR; i++) {
                vi r = vi_round(vf_mul(part[i], vf_splat(inverse)));
                xk_store(q + (t * 8 + (uint32_t)i * (NR / 4)) * XK_BYTES, r);
                sum[i * NR / 16] += vi_sum(r);
            }
            d[t] = usable ? amax / 127.0f : amax - amax; /* 0, or NaN where amax is no number */
            ds[t] = d[t] * (float)(sum[0] + sum[1]);
            ns[t] = -(sum[0] + sum[1]);
            ns[width + t] = -sum[1];
        }
        for (uint32_t t = n; t < width; t++) {
            d[t] = ds[t] = 0;
            ns[t] = ns[width + t] = 0;
            memset(q + t * 8 * XK_BYTES, 0, 8 * XK_BYTES);
        }
    }
}

/* exp(x), see rz_expf(). In wasm its constants are read from memory, as those of simd_wasm.h are. */
static inline vf vf_exp(vf x) {
    enum { HIGH, LOW, LOG2E, ROUND, LN2_HIGH, LN2_LOW, C0, C1, C2, C3, C4, C5, ONE };
    static const float constants[] = {
        [HIGH] = RZ_EXP_HIGH,     [LOW] = RZ_EXP_LOW,       [LOG2E] = RZ_LOG2E, [ROUND] = RZ_ROUND,
        [LN2_HIGH] = RZ_LN2_HIGH, [LN2_LOW] = RZ_LN2_LOW, [C0] = RZ_EXP_C0,   [C1] = RZ_EXP_C1,
        [C2] = RZ_EXP_C2,         [C3] = RZ_EXP_C3,       [C4] = RZ_EXP_C4,   [C5] = RZ_EXP_C5,
        [ONE] = 1.0f};
    const float *c = constants;
#if defined(__wasm__)
    __asm__("" : "+r"(c));
#endif
    vf y = vf_min(vf_splat(c[HIGH]), x); /* NaN stays */
    vf shifted = vf_madd(y, vf_splat(c[LOG2E]), vf_splat(c[ROUND]));
    vf n = vf_sub(shifted, vf_splat(c[ROUND]));
    vf r = vf_nmadd(n, vf_splat(c[LN2_HIGH]), y);
    r = vf_nmadd(n, vf_splat(c[LN2_LOW]), r);
    vf p = vf_splat(c[C0]), one = vf_splat(c[ONE]);
    for (int i = C1; i <= C5; i++) p = vf_madd(p, r, vf_splat(c[i]));
    p = vf_madd(vf_madd(p, r, one), r, one);
    vf scale = vf_from_bits(vi_add(vi_shl(vf_bits(shifted), 23), vf_bits(one)));
    return vf_keep_not_below(vf_mul(p, scale), x, c[LOW]);
}

SHARED_FN void SHARED(rmsnorm)(float *y, const float *x, const float *w, uint32_t n, float eps) {
    vf squares = vf_zero();
    uint32_t i = 0;
    for (; i + NR <= n; i += NR) {
        vf v = vf_load(x + i);
        squares = vf_madd(v, v, squares);
    }
    float lanes[NR];
    vf_store(lanes, squares);
    for (uint32_t j = i; j < n; j++) lanes[j - i] += x[j] * x[j];
    float mean = vf_sum(vf_load(lanes)) / (float)n;
    float scale = 1.0f / __builtin_sqrtf(mean + eps) + (mean - mean); /* NaN where it overflowed */
    for (i = 0; i + NR <= n; i += NR) {
        vf_store(y + i, vf_mul(vf_mul(vf_load(x + i), vf_splat(scale)), vf_load(w + i)));
    }
    for (; i < n; i++) y[i] = x[i] * scale * w[i];
}

SHARED_FN void SHARED(layernorm)(float *y, const float *x, const float *w, const float *b, uint32_t n,
                      float eps) {
    float lanes[NR];
    vf sums = vf_zero(), squares = vf_zero();
    uint32_t whole = n / NR * NR;
    for (uint32_t i = 0; i < whole; i += NR) sums = vf_add(sums, vf_load(x + i));
    vf_store(lanes, sums);
    for (uint32_t i = whole; i < n; i++) lanes[i - whole] += x[i];
    float mean = vf_sum(vf_load(lanes)) / (float)n;
    for (uint32_t i = 0; i < whole; i += NR) {
        vf v = vf_sub(vf_load(x + i), vf_splat(mean));
        squares = vf_madd(v, v, squares);
    }
    vf_store(lanes, squares);
    for (uint32_t i = whole; i < n; i++) lanes[i - whole] += (x[i] - mean) * (x[i] - mean);
    float scale = 1.0f / __builtin_sqrtf(vf_sum(vf_load(lanes)) / (float)n + eps);
    for (uint32_t i = 0; i < n; i++) {
        float v = (x[i] - mean) * scale * w[i];
        y[i] = b ? v + b[i] : v;
    }
}

/* What an activation function takes the exponential of. */
static inline vf exponent(vf x, uint32_t kind) {
    if (kind == RZ_ACT_SILU) return vf_sub(vf_zero(), x);
    if (kind == RZ_ACT_GELU_TANH) {
        vf cube = vf_mul(vf_mul(x, x), x);
        vf inner = vf_add(x, vf_mul(vf_splat(RZ_GELU_CUBIC), cube));
        return vf_mul(vf_splat(2.0f), vf_mul(vf_splat(RZ_SQRT_2_PI), inner));
    }
    vf a = vf_abs(vf_mul(x, vf_splat(RZ_SQRT_1_2)));
    return vf_sub(vf_zero(), vf_mul(a, a));
}

/* erf(x), where below is exp(-x^2); see rz_erff(). */
static inline vf vf_erf(vf x, vf below) {
    vf t = vf_div(vf_splat(1.0f), vf_madd(vf_splat(RZ_ERF_P), vf_abs(x), vf_splat(1.0f)));
    vf p = vf_splat(RZ_ERF_A5);
    p = vf_madd(p, t, vf_splat(RZ_ERF_A4));
    p = vf_madd(p, t, vf_splat(RZ_ERF_A3));
    p = vf_madd(p, t, vf_splat(RZ_ERF_A2));
    p = vf_madd(p, t, vf_splat(RZ_ERF_A1));
    vf y = vf_sub(vf_splat(1.0f), vf_mul(vf_mul(p, t), below));
    return vf_with_sign(vf_max(y, vf_zero()), x);
}

static inline vf activate_vector(vf x, uint32_t kind) {
    if (kind == RZ_ACT_RELU) return vf_max(x, vf_zero());
    const vf one = vf_splat(1.0f), e = vf_exp(exponent(x, kind)), above = vf_add(one, e);
    if (kind == RZ_ACT_SILU) return vf_div(x, above);
    vf bent = kind == RZ_ACT_GELU_TANH ? vf_sub(one, vf_div(vf_splat(2.0f), above))
                                       : vf_erf(vf_mul(x, vf_splat(RZ_SQRT_1_2)), e);
    return vf_mul(vf_mul(vf_splat(0.5f), x), vf_add(one, bent));
}

/* n a multiple of NR */
static __attribute__((noinline)) void activate_vectors(float *y, const float *x, uint32_t n, uint32_t kind) {
    for (uint32_t i = 0; i < n; i += NR) vf_store(y + i, activate_vector(vf_load(x + i), kind));
}

/* A tail shorter than a vector goes through one, so that all elements are computed alike. */
SHARED_FN void SHARED(activate)(float *y, const float *x, uint32_t n, uint32_t kind) {
    const uint32_t whole = n / NR * NR, rest = n - whole;
    float tail[NR] = {0};
    activate_vectors(y, x, whole, kind);
    if (rest == 0) return;
    memcpy(tail, x + whole, rest * sizeof *x);
    activate_vectors(tail, tail, NR, kind);
    memcpy(y + whole, tail, rest * sizeof *y);
}

SHARED_FN void SHARED(silu_mul)(float *y, const float *gate, const float *up, uint32_t n) {
    uint32_t i = 0;
    SHARED(activate)(y, gate, n, RZ_ACT_SILU);
    for (; i + NR <= n; i += NR) vf_store(y + i, vf_mul(vf_load(y + i), vf_load(up + i)));
    for (; i < n; i++) y[i] *= up[i];
}
