/*
 * dtype.c: the type table and the dequantisers of the types of 32 weights a block, in plain C; see
 * dtype.h. The others are in dtype_k.c, dtype_iq.c and dtype_levels.c.
 *
 * Source of the layouts: ggml's quantised blocks as published with the GGUF format.
 */
#include "dtype_parts.h"

static void dequantize_f32(const uint8_t *p, float *out, size_t n) {
    memcpy(out, p, n * 4);
}

static void dequantize_f16(const uint8_t *p, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = rz_half_at(p + 2 * i);
}

static void dequantize_bf16(const uint8_t *p, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = rz_f32_from_bf16(rz_load_u16(p + 2 * i));
}

/* f16 d, with a minimum f16 m, with five bits the fifth ones of all weights, 16 bytes: low nibble of byte j is weight j, high
 * nibble weight j + 16; q d + m, or without a minimum q d where the middle of the codes is 0 */
static void dequantize_codes(const uint8_t *p, float *out, size_t n, bool fifth, bool minimum) {
    for (size_t i = 0; i < n; i += 32, p += 16, out += 32) {
        const float d = rz_half_at(p), m = minimum ? rz_half_at(p + 2) : 0;
        p += minimum ? 4 : 2;
        const uint32_t high = fifth ? rz_load_u32(p) : 0;
        p += fifth ? 4 : 0;
        for (int j = 0; j < 32; j++) {
            const int low = j < 16 ? p[j] & 15 : p[j - 16] >> 4, code = low | (int)(high >> j & 1) << 4;
            out[j] = minimum ? (float)code * d + m : (float)(code - (fifth ? 16 : 8)) * d;
        }
    }
}

static void dequantize_q4_0(const uint8_t *p, float *out, size_t n) { dequantize_codes(p, out, n, false, false); }
static void dequantize_q4_1(const uint8_t *p, float *out, size_t n) { dequantize_codes(p, out, n, false, true); }
static void dequantize_q5_0(const uint8_t *p, float *out, size_t n) { dequantize_codes(p, out, n, true, false); }
static void dequantize_q5_1(const uint8_t *p, float *out, size_t n) { dequantize_codes(p, out, n, true, true); }

/* f16 d, 32 signed bytes; q d */
static void dequantize_q8_0(const uint8_t *p, float *out, size_t n) {
    for (size_t i = 0; i < n; i += 32, p += 34, out += 32) {
        float d = rz_half_at(p);
        for (int j = 0; j < 32; j++) out[j] = (float)(int8_t)p[2 + j] * d;
    }
}

static void unpack_points(const rz_dtype *t, const uint8_t *block, uint8_t *codes, float *factors) {
    uint32_t points[RZ_BLOCK_MAX / 4], signs[RZ_BLOCK_MAX / 8];
    t->points(block, points, signs, factors, 1);
    for (uint32_t j = 0; j < RZ_BLOCK_MAX; j++) {
        const uint32_t point = points[j / t->point_columns], nibble = (point | point << 12) >> j % 4 * 8 & 15;
        const uint32_t code = t->point_columns == 4 ? nibble : nibble >> j / 4 % 2 * 2 & 3;
        codes[j] = (uint8_t)(code | (signs[j / 8] >> j % 8 & 1) << 3);
    }
}

void rz_dtype_unpack(const rz_dtype *t, const uint8_t *block, uint8_t *codes, float *factors) {
    if (t->points) {
        unpack_points(t, block, codes, factors);
    } else {
        t->unpack(block, codes, 4, factors, 1);
    }
}

/* A row of a type that has levels. */
static void dequantize_unpacked(const rz_dtype *t, const uint8_t *p, float *out, size_t n) {
    uint8_t codes[RZ_BLOCK_MAX];
    float factors[2 * RZ_BLOCK_MAX / 16];
    for (size_t i = 0; i < n; i += t->block, p += t->block_bytes, out += t->block) {
        rz_dtype_unpack(t, p, codes, factors);
        for (uint32_t j = 0; j < t->block; j++) {
            out[j] = (float)t->levels[codes[j]] * factors[j / 16];
            if (t->minima) out[j] -= factors[16 + j / 16];
        }
    }
}

void rz_dtype_dequantize(const rz_dtype *t, const uint8_t *blocks, float *out, size_t n) {
    if (t->levels) {
        dequantize_unpacked(t, blocks, out, n);
    } else {
        t->dequantize(blocks, out, n);
    }
}

/* Rows of the table: types with a packed form of their own, types that are unpacked, those of grids, mere names. */
#define FORM(name_, block_, bytes, dequantize_)                                                    \
    {.name = name_, .block = block_, .block_bytes = bytes, .dequantize = dequantize_, .floats = (block_) == 1}
#define BLOCKS(name_, block_, bytes, id, levels_, ...)                                             \
    {.name = name_,                                                                                \
     .block = block_,                                                                              \
     .block_bytes = bytes,                                                                         \
     .unpack = rz_unpack_##id,                                                                     \
     .levels = rz_levels_##levels_,                                                                \
     __VA_ARGS__}
#define POINTS(name_, columns, bytes, id, levels_)                                                 \
    {.name = name_,                                                                                \
     .block = 256,                                                                                 \
     .block_bytes = bytes,                                                                         \
     .points = rz_points_##id,                                                                     \
     .levels = rz_levels_##levels_,                                                                \
     .point_columns = columns}
#define NAME(name_) {.name = name_}

static const rz_dtype dtypes[RZ_DT_COUNT] = {
    [RZ_DT_F32] = FORM("F32", 1, 4, dequantize_f32),
    [RZ_DT_F16] = FORM("F16", 1, 2, dequantize_f16),
    [RZ_DT_Q4_0] = FORM("Q4_0", 32, 18, dequantize_q4_0),
    [RZ_DT_Q4_1] = FORM("Q4_1", 32, 20, dequantize_q4_1),
    [RZ_DT_Q5_0] = FORM("Q5_0", 32, 22, dequantize_q5_0),
    [RZ_DT_Q5_1] = FORM("Q5_1", 32, 24, dequantize_q5_1),
    [RZ_DT_Q8_0] = FORM("Q8_0", 32, 34, dequantize_q8_0),
    [9] = NAME("Q8_1"),
    [RZ_DT_Q2_K] = BLOCKS("Q2_K", 256, 84, q2_k, q2_k, .code_bits = 2, .minima = true),
    [RZ_DT_Q3_K] = BLOCKS("Q3_K", 256, 110, q3_k, q3_k, .code_bits = 3),
    [RZ_DT_Q4_K] = FORM("Q4_K", 256, 144, rz_dequantize_q4_k),
    [RZ_DT_Q5_K] = FORM("Q5_K", 256, 176, rz_dequantize_q5_k),
    [RZ_DT_Q6_K] = FORM("Q6_K", 256, 210, rz_dequantize_q6_k),
    [15] = NAME("Q8_K"),
    [RZ_DT_IQ2_XXS] = POINTS("IQ2_XXS", 8, 66, iq2_xxs, iq2),
    [RZ_DT_IQ2_XS] = POINTS("IQ2_XS", 8, 74, iq2_xs, iq2),
    [RZ_DT_IQ3_XXS] = POINTS("IQ3_XXS", 4, 98, iq3_xxs, iq3_xxs),
    [RZ_DT_IQ1_S] = POINTS("IQ1_S", 8, 50, iq1_s, iq1),
    [RZ_DT_IQ4_NL] = BLOCKS("IQ4_NL", 32, 18, iq4_nl, iq4, .code_bits = 4),
    [RZ_DT_IQ3_S] = POINTS("IQ3_S", 4, 110, iq3_s, iq3_s),
    [RZ_DT_IQ2_S] = POINTS("IQ2_S", 8, 82, iq2_s, iq2),
    [RZ_DT_IQ4_XS] = BLOCKS("IQ4_XS", 256, 136, iq4_xs, iq4, .code_bits = 4),
    [24] = NAME("I8"),
    [25] = NAME("I16"),
    [26] = NAME("I32"),
    [27] = NAME("I64"),
    [28] = NAME("F64"),
    [RZ_DT_IQ1_M] = POINTS("IQ1_M", 8, 56, iq1_m, iq1),
    [RZ_DT_BF16] = FORM("BF16", 1, 2, dequantize_bf16),
    [RZ_DT_TQ1_0] = BLOCKS("TQ1_0", 256, 54, tq1_0, ternary),
    [RZ_DT_TQ2_0] = BLOCKS("TQ2_0", 256, 66, tq2_0, ternary, .code_bits = 2),
    [RZ_DT_MXFP4] = BLOCKS("MXFP4", 32, 17, mxfp4, fp4, .code_bits = 4, .floats = true),
    [RZ_DT_NVFP4] = BLOCKS("NVFP4", 64, 36, nvfp4, fp4),
    [RZ_DT_Q1_0] = BLOCKS("Q1_0", 128, 18, q1_0, binary),
    [RZ_DT_Q2_0] = BLOCKS("Q2_0", 64, 18, q2_0, ternary),
};

const rz_dtype *rz_dtype_get(uint32_t id) {
    return id < RZ_DT_COUNT && dtypes[id].name ? &dtypes[id] : NULL;
}

bool rz_dtype_row_bytes(const rz_dtype *t, uint64_t cols, uint64_t *bytes) {
    if (!t->block || cols % t->block) return false;
    return rz_mul_u64(cols / t->block, t->block_bytes, bytes);
}
