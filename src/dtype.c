/*
 * dtype.c: the type table and the dequantisers, in plain C; see dtype.h.
 *
 * Source of the layouts: ggml's quantised blocks as published with the GGUF format.
 */
#include "dtype.h"

static void dequantize_f32(const uint8_t *p, float *out, size_t n) { memcpy(out, p, n * 4); }

static void dequantize_f16(const uint8_t *p, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = rz_f32_from_f16(rz_load_u16(p + 2 * i));
}

static void dequantize_bf16(const uint8_t *p, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = rz_f32_from_bf16(rz_load_u16(p + 2 * i));
}

/* f16 d, 16 bytes: low nibble of byte j is weight j, high nibble weight j + 16; (q - 8) d */
static void dequantize_q4_0(const uint8_t *p, float *out, size_t n) {
    for (size_t i = 0; i < n; i += 32, p += 18, out += 32) {
        float d = rz_f32_from_f16(rz_load_u16(p));
        for (int j = 0; j < 16; j++) {
            out[j] = (float)((p[2 + j] & 15) - 8) * d;
            out[j + 16] = (float)((p[2 + j] >> 4) - 8) * d;
        }
    }
}

/* f16 d, 32 signed bytes; q d */
static void dequantize_q8_0(const uint8_t *p, float *out, size_t n) {
    for (size_t i = 0; i < n; i += 32, p += 34, out += 32) {
        float d = rz_f32_from_f16(rz_load_u16(p));
        for (int j = 0; j < 32; j++) out[j] = (float)(int8_t)p[2 + j] * d;
    }
}

/* f16 d, f16 dmin, 12 bytes of scales and minima, 128 bytes of nibbles: each 32 bytes hold group g
 * in the low and group g + 1 in the high nibbles; d s q - dmin m */
static void dequantize_q4_k(const uint8_t *p, float *out, size_t n) {
    for (size_t i = 0; i < n; i += 256, p += 144) {
        float d = rz_f32_from_f16(rz_load_u16(p)), dmin = rz_f32_from_f16(rz_load_u16(p + 2));
        for (int g = 0; g < 8; g++, out += 32) {
            uint8_t scale, min;
            rz_k_scale_min(p + 4, g, &scale, &min);
            float ds = d * (float)scale, dm = dmin * (float)min;
            const uint8_t *q = p + 16 + g / 2 * 32;
            for (int j = 0; j < 32; j++) {
                out[j] = ds * (float)(g % 2 ? q[j] >> 4 : q[j] & 15) - dm;
            }
        }
    }
}

/* 128 bytes ql, 64 bytes qh, 16 signed scales, f16 d. Half h of 128 weights, quarter b: nibble of
 * ql[64 h + l + 32 (b & 1)] (low for b < 2), bits 2b of qh[32 h + l]; d s (q - 32) */
static void dequantize_q6_k(const uint8_t *p, float *out, size_t n) {
    for (size_t i = 0; i < n; i += 256, p += 210, out += 256) {
        const uint8_t *ql = p, *qh = p + 128, *scales = p + 192;
        float d = rz_f32_from_f16(rz_load_u16(p + 208));
        for (int j = 0; j < 256; j++) {
            int h = j / 128, b = j / 32 % 4, l = j % 32;
            int low = ql[64 * h + l + 32 * (b & 1)] >> (b < 2 ? 0 : 4) & 15;
            int high = qh[32 * h + l] >> 2 * b & 3;
            float ds = d * (float)(int8_t)scales[j / 16];
            out[j] = ds * (float)((low | high << 4) - 32);
        }
    }
}

static const rz_dtype dtypes[RZ_DT_COUNT] = {
    [RZ_DT_F32] = {"F32", 1, 4, dequantize_f32},
    [RZ_DT_F16] = {"F16", 1, 2, dequantize_f16},
    [RZ_DT_Q4_0] = {"Q4_0", 32, 18, dequantize_q4_0},
    [3] = {"Q4_1", 0, 0, NULL},
    [6] = {"Q5_0", 0, 0, NULL},
    [7] = {"Q5_1", 0, 0, NULL},
    [RZ_DT_Q8_0] = {"Q8_0", 32, 34, dequantize_q8_0},
    [9] = {"Q8_1", 0, 0, NULL},
    [10] = {"Q2_K", 0, 0, NULL},
    [11] = {"Q3_K", 0, 0, NULL},
    [RZ_DT_Q4_K] = {"Q4_K", 256, 144, dequantize_q4_k},
    [13] = {"Q5_K", 0, 0, NULL},
    [RZ_DT_Q6_K] = {"Q6_K", 256, 210, dequantize_q6_k},
    [15] = {"Q8_K", 0, 0, NULL},
    [16] = {"IQ2_XXS", 0, 0, NULL},
    [17] = {"IQ2_XS", 0, 0, NULL},
    [18] = {"IQ3_XXS", 0, 0, NULL},
    [19] = {"IQ1_S", 0, 0, NULL},
    [20] = {"IQ4_NL", 0, 0, NULL},
    [21] = {"IQ3_S", 0, 0, NULL},
    [22] = {"IQ2_S", 0, 0, NULL},
    [23] = {"IQ4_XS", 0, 0, NULL},
    [24] = {"I8", 0, 0, NULL},
    [25] = {"I16", 0, 0, NULL},
    [26] = {"I32", 0, 0, NULL},
    [27] = {"I64", 0, 0, NULL},
    [28] = {"F64", 0, 0, NULL},
    [29] = {"IQ1_M", 0, 0, NULL},
    [RZ_DT_BF16] = {"BF16", 1, 2, dequantize_bf16},
    [34] = {"TQ1_0", 0, 0, NULL},
    [35] = {"TQ2_0", 0, 0, NULL},
    [39] = {"MXFP4", 0, 0, NULL},
};

const rz_dtype *rz_dtype_get(uint32_t id) {
    return id < RZ_DT_COUNT && dtypes[id].name ? &dtypes[id] : NULL;
}

bool rz_dtype_row_bytes(const rz_dtype *t, uint64_t cols, uint64_t *bytes) {
    if (!t->block || cols % t->block) return false;
    return rz_mul_u64(cols / t->block, t->block_bytes, bytes);
}
