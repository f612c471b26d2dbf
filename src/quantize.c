/*
 * quantize.c: floats to the weight types that models are made in, and the public way to the type
 * table. Input comes from a caller: it is checked here, once.
 *
 * The types of 32 weights follow ggml's reference step by step, so that the same floats give the
 * same file. The K types search: several scales are tried for every sub-block, each is fitted by
 * least squares to the codes it leads to, and once the sub-block scales are rounded to their few
 * bits their neighbours are tried as well. The measure is the plain sum of squared errors.
 */
#include "dtype.h"
#include "err.h"

/* One block; false if its scale is too large for a half. */
typedef bool quantize_fn(const float *x, uint8_t *out);

enum { k_block = 256 };

#define LEAST_STEP 0x1p-100f /* 1 divided by it is a float; a half holds nothing below 2^-24 */
#define LARGEST_K  0x1p28f   /* above all values of the K types; its square is a float */

static bool put_half(uint8_t *p, float x) {
    uint16_t h = rz_f16_from_f32(x);
    rz_store_u16(p, h);
    return (h & 0x7c00) != 0x7c00;
}

static float inverse_of(float step) {
    return step >= LEAST_STEP || step <= -LEAST_STEP ? 1.0f / step : 0.0f;
}

static float size_of(float x) {
    return x < 0 ? -x : x;
}

/* To the nearest integer, halves away from 0; |x| below 2^31. */
static int nearest(float x) {
    int i = (int)x;
    float rest = x - (float)i;
    return i + (rest >= 0.5f) - (rest <= -0.5f);
}

static int clamp(int x, int low, int high) {
    return x < low ? low : x > high ? high : x;
}

/* The nearest code of low .. high, for an x of any size. */
static int code_of(float x, int low, int high) {
    if (x <= (float)low) return low;
    return x >= (float)high ? high : nearest(x);
}

/* The value of the largest size, with its sign. */
static float extreme_of(const float *x, int n) {
    float extreme = 0;
    for (int j = 0; j < n; j++) {
        if (size_of(x[j]) > size_of(extreme)) extreme = x[j];
    }
    return extreme;
}

/* The largest size; those of finite floats are ordered as their bits are. */
static float largest_size(const float *x, int n) {
    int32_t most = 0;
    for (int j = 0; j < n; j++) {
        const int32_t bits = (int32_t)(rz_bits_from_f32(x[j]) & 0x7fffffffu);
        most = bits > most ? bits : most;
    }
    return rz_f32_from_bits((uint32_t)most);
}

static void range_of(const float *x, int n, float *low, float *high) {
    *low = *high = x[0];
    for (int j = 1; j < n; j++) {
        if (x[j] < *low) *low = x[j];
        if (x[j] > *high) *high = x[j];
    }
}

/* ---- float types and types of 32 weights ---------------------------------------------------- */

static bool quantize_f32(const float *x, uint8_t *out) {
    memcpy(out, x, 4);
    return true;
}

static bool quantize_f16(const float *x, uint8_t *out) {
    return put_half(out, *x);
}

static bool quantize_bf16(const float *x, uint8_t *out) {
    uint32_t bits = rz_bits_from_f32(*x);
    uint16_t h = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
    rz_store_u16(out, h);
    return (h & 0x7f80) != 0x7f80;
}

static bool quantize_q8_0(const float *x, uint8_t *out) {
    float d = largest_size(x, 32) / 127, inverse = inverse_of(d);
    if (!put_half(out, d)) return false;
    for (int j = 0; j < 32; j++) out[2 + j] = (uint8_t)nearest(x[j] * inverse);
    return true;
}

/* Codes of 4 or 5 bits: nibbles of j and j + 16 share a byte, the fifth bits are in the word h. */
static void put_nibbles(uint8_t *qs, uint8_t *h, const int *codes) {
    uint32_t fifth = 0;
    for (int j = 0; j < 16; j++) qs[j] = (uint8_t)((codes[j] & 15) | (codes[j + 16] & 15) << 4);
    for (int j = 0; j < 32; j++) fifth |= (uint32_t)(codes[j] >> 4) << j;
    if (h) rz_store_u32(h, fifth);
}

/* The extreme value becomes code 0: -8 or -16 steps. */
static bool centred_codes(const float *x, int half_range, uint8_t *scale, int *codes) {
    float d = extreme_of(x, 32) / (float)-half_range, inverse = inverse_of(d);
    if (!put_half(scale, d)) return false;
    for (int j = 0; j < 32; j++) {
        int code = (int)(x[j] * inverse + ((float)half_range + 0.5f));
        codes[j] = clamp(code, 0, 2 * half_range - 1);
    }
    return true;
}

/* The smallest value becomes code 0, the largest `most`. */
static bool offset_codes(const float *x, int most, uint8_t *scale, uint8_t *min, int *codes) {
    float low, high;
    range_of(x, 32, &low, &high);
    float d = (high - low) / (float)most, inverse = inverse_of(d);
    if (!put_half(scale, d) || !put_half(min, low)) return false;
    for (int j = 0; j < 32; j++) {
        codes[j] = clamp((int)((x[j] - low) * inverse + 0.5f), 0, most);
    }
    return true;
}

static bool quantize_q4_0(const float *x, uint8_t *out) {
    int codes[32];
    if (!centred_codes(x, 8, out, codes)) return false;
    put_nibbles(out + 2, NULL, codes);
    return true;
}

static bool quantize_q4_1(const float *x, uint8_t *out) {
    int codes[32];
    if (!offset_codes(x, 15, out, out + 2, codes)) return false;
    put_nibbles(out + 4, NULL, codes);
    return true;
}

static bool quantize_q5_0(const float *x, uint8_t *out) {
    int codes[32];
    if (!centred_codes(x, 16, out, codes)) return false;
    put_nibbles(out + 6, out + 2, codes);
    return true;
}

static bool quantize_q5_1(const float *x, uint8_t *out) {
    int codes[32];
    if (!offset_codes(x, 31, out, out + 2, codes)) return false;
    put_nibbles(out + 8, out + 4, codes);
    return true;
}

/* ---- Q4_K, Q5_K ------------------------------------------------------------------------------ */

/* x is about scale q - min, 0 <= q <= most, min >= 0. */
typedef struct {
    float scale, min, error;
} affine;

/* Codes of 32 weights for a scale and a minimum, and the sum of squared errors. */
static float affine_codes(const float *x, float scale, float min, int most, int *codes) {
    float inverse = inverse_of(scale), error = 0;
    for (int j = 0; j < 32; j++) {
        codes[j] = code_of((x[j] + min) * inverse, 0, most);
        float off = scale * (float)codes[j] - min - x[j];
        error += off * off;
    }
    return error;
}

/* The best scale and minimum for codes, by least squares. */
static void fit_affine(const float *x, const int *codes, affine *fit) {
    float sum_x = 0, sum_xq = 0, sum_q = 0, sum_qq = 0;
    for (int j = 0; j < 32; j++) {
        float q = (float)codes[j];
        sum_x += x[j], sum_xq += x[j] * q, sum_q += q, sum_qq += q * q;
    }
    float det = 32 * sum_qq - sum_q * sum_q; /* exact: small integers */
    if (det <= 0) return;
    fit->scale = (32 * sum_xq - sum_x * sum_q) / det;
    fit->min = -(sum_qq * sum_x - sum_q * sum_xq) / det;
    if (fit->min < 0) {
        fit->min = 0;
        fit->scale = sum_xq / sum_qq;
    }
    if (fit->scale < 0) fit->scale = 0;
}

static affine search_affine(const float *x, int most) {
    int codes[32];
    float low, high;
    range_of(x, 32, &low, &high);
    if (low > 0) low = 0;
    affine best = {0, -low, 0};
    if (high - low < LEAST_STEP) return best;
    best.scale = (high - low) / (float)most;
    best.error = affine_codes(x, best.scale, best.min, most, codes);
    for (int i = -10; i <= 10; i++) { /* the range is cut or stretched by up to one step */
        affine fit = {(high - low) / ((float)most + 0.1f * (float)i), -low, 0};
        affine_codes(x, fit.scale, fit.min, most, codes);
        for (int round = 0; round < 2; round++) {
            fit_affine(x, codes, &fit);
            fit.error = affine_codes(x, fit.scale, fit.min, most, codes);
            if (fit.error < best.error) best = fit;
        }
    }
    return best;
}

/* Scale and minimum of a sub-block in 6 bits: the rounded ones or neighbours. */
static void round_affine(const float *x, affine fit, float d, float dmin, int most, int *scale,
                         int *min, int *codes) {
    const int s0 = code_of(fit.scale * inverse_of(d), 0, 63);
    const int m0 = code_of(fit.min * inverse_of(dmin), 0, 63);
    float least = __builtin_inff();
    for (int i = 0; i < 9; i++) {
        int s = clamp(s0 + i % 3 - 1, 0, 63), m = clamp(m0 + i / 3 - 1, 0, 63), trial[32];
        float error = affine_codes(x, d * (float)s, dmin * (float)m, most, trial);
        if (error < least) {
            least = error;
            *scale = s, *min = m;
            memcpy(codes, trial, sizeof trial);
        }
    }
}

/* The 12 bytes that rz_k_scale_min reads. */
static void put_k_scales(uint8_t *b, const int *scales, const int *mins) {
    for (int j = 0; j < 4; j++) {
        b[j] = (uint8_t)(scales[j] | scales[j + 4] >> 4 << 6);
        b[j + 4] = (uint8_t)(mins[j] | mins[j + 4] >> 4 << 6);
        b[j + 8] = (uint8_t)((scales[j + 4] & 15) | (mins[j + 4] & 15) << 4);
    }
}

/* Nibbles at qs, fifth bits (Q5_K) at qh. */
static bool quantize_k45(const float *x, int most, uint8_t *out, uint8_t *qh, uint8_t *qs) {
    affine fits[8];
    float scale = 0, min = 0;
    int scales[8], mins[8];
    if (largest_size(x, k_block) > LARGEST_K) return false;
    for (int g = 0; g < 8; g++) {
        fits[g] = search_affine(x + 32 * g, most);
        if (fits[g].scale > scale) scale = fits[g].scale;
        if (fits[g].min > min) min = fits[g].min;
    }
    if (!put_half(out, scale / 63) || !put_half(out + 2, min / 63)) return false;
    float d = rz_f32_from_f16(rz_load_u16(out)), dmin = rz_f32_from_f16(rz_load_u16(out + 2));
    if (qh) memset(qh, 0, 32);
    for (int g = 0; g < 8; g++) {
        int codes[32];
        round_affine(x + 32 * g, fits[g], d, dmin, most, &scales[g], &mins[g], codes);
        for (int j = 0; j < 32; j++) {
            uint8_t *q = qs + g / 2 * 32 + j;
            *q = (uint8_t)(g % 2 ? *q | (codes[j] & 15) << 4 : codes[j] & 15);
            if (qh) qh[j] |= (uint8_t)(codes[j] >> 4 << g);
        }
    }
    put_k_scales(out + 4, scales, mins);
    return true;
}

static bool quantize_q4_k(const float *x, uint8_t *out) {
    return quantize_k45(x, 15, out, NULL, out + 16);
}

static bool quantize_q5_k(const float *x, uint8_t *out) {
    return quantize_k45(x, 31, out, out + 16, out + 48);
}

/* ---- Q6_K ------------------------------------------------------------------------------------ */

/* Codes -32..31 of 16 weights for a scale, and the sum of squared errors. */
static float signed_codes(const float *x, float scale, int *codes) {
    float inverse = inverse_of(scale), error = 0;
    for (int j = 0; j < 16; j++) {
        codes[j] = code_of(x[j] * inverse, -32, 31);
        float off = scale * (float)codes[j] - x[j];
        error += off * off;
    }
    return error;
}

/* The scale of 16 weights that leaves the least error; either sign, as -32 has no counterpart. */
static float search_scale(const float *x) {
    float extreme = extreme_of(x, 16), best = extreme / -32;
    int codes[16];
    if (size_of(extreme) < LEAST_STEP) return 0;
    float least = signed_codes(x, best, codes);
    for (int i = -20; i <= 20; i++) {
        float scale = extreme / (-31.5f + 0.1f * (float)i), sum_xq = 0, sum_qq = 0;
        signed_codes(x, i % 2 ? -scale : scale, codes);
        for (int j = 0; j < 16; j++) {
            sum_xq += x[j] * (float)codes[j];
            sum_qq += (float)(codes[j] * codes[j]);
        }
        if (sum_qq == 0) continue;
        float error = signed_codes(x, sum_xq / sum_qq, codes);
        if (error < least) least = error, best = sum_xq / sum_qq;
    }
    return best;
}

static bool quantize_q6_k(const float *x, uint8_t *out) {
    uint8_t *ql = out, *qh = out + 128, *scales = out + 192;
    float fits[16];
    if (largest_size(x, k_block) > LARGEST_K) return false;
    for (int i = 0; i < 16; i++) fits[i] = search_scale(x + 16 * i);
    if (!put_half(out + 208, extreme_of(fits, 16) / -128)) return false;
    float d = rz_f32_from_f16(rz_load_u16(out + 208)), inverse = inverse_of(d);
    memset(out, 0, 192);
    for (int i = 0; i < 16; i++) {
        int s0 = code_of(fits[i] * inverse, -128, 127), codes[16], trial[16];
        float least = __builtin_inff();
        for (int s = s0 - 1; s <= s0 + 1; s++) {
            float error = signed_codes(x + 16 * i, d * (float)clamp(s, -128, 127), trial);
            if (error >= least) continue;
            least = error;
            scales[i] = (uint8_t)clamp(s, -128, 127);
            memcpy(codes, trial, sizeof codes);
        }
        for (int k = 0; k < 16; k++) { /* places as in rz_dequantize_q6_k */
            int j = 16 * i + k, h = j / 128, b = j / 32 % 4, l = j % 32, code = codes[k] + 32;
            ql[64 * h + l + 32 * (b & 1)] |= (uint8_t)((code & 15) << (b < 2 ? 0 : 4));
            qh[32 * h + l] |= (uint8_t)(code >> 4 << 2 * b);
        }
    }
    return true;
}

/* ---- the public way in ----------------------------------------------------------------------- */

static quantize_fn *quantizer_of(uint32_t dtype) {
    switch (dtype) {
    case RZ_DT_F32:
        return quantize_f32;
    case RZ_DT_F16:
        return quantize_f16;
    case RZ_DT_BF16:
        return quantize_bf16;
    case RZ_DT_Q4_0:
        return quantize_q4_0;
    case RZ_DT_Q4_1:
        return quantize_q4_1;
    case RZ_DT_Q5_0:
        return quantize_q5_0;
    case RZ_DT_Q5_1:
        return quantize_q5_1;
    case RZ_DT_Q8_0:
        return quantize_q8_0;
    case RZ_DT_Q4_K:
        return quantize_q4_k;
    case RZ_DT_Q5_K:
        return quantize_q5_k;
    case RZ_DT_Q6_K:
        return quantize_q6_k;
    default:
        return NULL;
    }
}

/* The type of an id, if n weights of it can be computed with. */
static int check_type(uint32_t dtype, size_t n, const rz_dtype **type, rz_err *err) {
    const rz_dtype *t = *type = rz_dtype_get(dtype);
    if (!t) return rz_err_set(err, RZ_E_ARG, "there is no weight type %u", dtype);
    if (!t->block) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, "weight type %s is not supported", t->name);
    }
    if (n % t->block) {
        return rz_err_set(err, RZ_E_ARG, "%zu weights are no whole number of %s blocks of %u", n,
                          t->name, t->block);
    }
    return RZ_OK;
}

int rz_quantize(uint32_t dtype, const float *x, size_t n, void *out, rz_err *err) {
    const rz_dtype *t;
    uint8_t *block = out;
    int result = check_type(dtype, n, &t, err);
    if (result) return result;
    quantize_fn *quantize = quantizer_of(dtype);
    if (!quantize) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, "there is no quantiser for weight type %s",
                          t->name);
    }
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] - x[i] == 0)) {
            return rz_err_set(err, RZ_E_VALUE, "element %zu is NaN or infinite", i);
        }
    }
    for (size_t i = 0; i < n; i += t->block, block += t->block_bytes) {
        if (!quantize(x + i, block)) {
            return rz_err_set(err, RZ_E_VALUE, "element %zu or one beside it is too large for %s",
                              i, t->name);
        }
    }
    return RZ_OK;
}

int rz_dequantize(uint32_t dtype, const void *blocks, size_t n, float *out, rz_err *err) {
    const rz_dtype *t;
    int result = check_type(dtype, n, &t, err);
    if (result == RZ_OK) rz_dtype_dequantize(t, blocks, out, n);
    return result;
}

int rz_dtype_info(uint32_t id, const char **name, uint32_t *block, uint32_t *block_bytes) {
    const rz_dtype *t = rz_dtype_get(id);
    if (!t) return RZ_E_ARG;
    if (name) *name = t->name;
    if (block) *block = t->block;
    if (block_bytes) *block_bytes = t->block_bytes;
    return RZ_OK;
}
