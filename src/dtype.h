/*
 * dtype.h: the weight types. One row per type: how many weights share a block, how many bytes the
 * block takes, how it turns into floats.
 *
 * Layouts are those of ggml (GGUF files), little endian. A row of a tensor is a whole number of
 * blocks. The dequantisers are the definition of every weight's value, in ggml's order of
 * operations: kernels are checked against them.
 */
#ifndef RZ_DTYPE_H
#define RZ_DTYPE_H

#include "base.h"

/* Type ids as they stand in GGUF files. */
enum {
    RZ_DT_F32 = 0,
    RZ_DT_F16 = 1,
    RZ_DT_Q4_0 = 2,
    RZ_DT_Q4_1 = 3,
    RZ_DT_Q5_0 = 6,
    RZ_DT_Q5_1 = 7,
    RZ_DT_Q8_0 = 8,
    RZ_DT_Q2_K = 10,
    RZ_DT_Q3_K = 11,
    RZ_DT_Q4_K = 12,
    RZ_DT_Q5_K = 13,
    RZ_DT_Q6_K = 14,
    RZ_DT_IQ2_XXS = 16,
    RZ_DT_IQ2_XS = 17,
    RZ_DT_IQ3_XXS = 18,
    RZ_DT_IQ1_S = 19,
    RZ_DT_IQ4_NL = 20,
    RZ_DT_IQ3_S = 21,
    RZ_DT_IQ2_S = 22,
    RZ_DT_IQ4_XS = 23,
    RZ_DT_IQ1_M = 29,
    RZ_DT_BF16 = 30,
    RZ_DT_TQ1_0 = 34,
    RZ_DT_TQ2_0 = 35,
    RZ_DT_MXFP4 = 39,
    RZ_DT_NVFP4 = 40,
    RZ_DT_Q1_0 = 41,
    RZ_DT_Q2_0 = 42,
    RZ_DT_COUNT = 43 /* ids below this may be looked up */
};

enum { RZ_BLOCK_MAX = 256 }; /* weights of the longest block */

/*
 * Takes one block of one row apart, into codes below 16 and factors for every 16 columns:
 *
 *     weight[c] = levels[codes[c]] * scale[c / 16] - min[c / 16]
 *
 * where the product and the difference are rounded to float. The four codes of columns 4 j ... go
 * to codes + j * step; scale[i] to factors[i * lanes]; min[i], for types that have minima, to
 * factors[(16 + i) * lanes].
 */
typedef void rz_unpack_fn(const uint8_t *block, uint8_t *codes, size_t step, float *factors,
                          size_t lanes);

/*
 * The same of a type whose codes are points of a grid, of 8 or 4 columns each, and signs. A point x of
 * 16 bits goes to points[i * lanes]: in x | x << 12 the low nibble of byte j is the code of column j,
 * less its sign; with 8 columns its upper two bits are the code of column 4 + j. The signs of columns
 * 8 i ... go to signs[i * lanes], the same in every byte: a bit of a column is 8 in its code. A block
 * has 256 weights.
 */
typedef void rz_points_fn(const uint8_t *block, uint32_t *points, uint32_t *signs, float *factors,
                          size_t lanes);

typedef struct {
    const char *name;     /* as llama.cpp prints it; NULL: no such type */
    uint32_t block;       /* weights per block; 0: known by name only, cannot be computed with */
    uint32_t block_bytes; /* bytes per block in the file */
    void (*dequantize)(const uint8_t *blocks, float *out, size_t n); /* NULL: as its codes say; see rz_dtype_dequantize() */
    rz_unpack_fn *unpack; /* NULL where `points` is not and where the type has kernels of its own */
    rz_points_fn *points;
    const int8_t *levels; /* [16]: what the codes of unpack and points stand for; codes of 2 bits: four times the same */
    uint8_t point_columns; /* of a point: 8 or 4 */
    uint8_t code_bits;    /* of codes that are packed in words, rows side by side; 0: packed as whole blocks */
    bool minima;          /* unpack gives them */
    bool floats;          /* products take activations as floats, not as int8 */
} rz_dtype;

/* blocks -> n floats, n a multiple of t->block */
void rz_dtype_dequantize(const rz_dtype *t, const uint8_t *blocks, float *out, size_t n);

/* One block of a type that has `levels` to codes, column by column, and factors as rz_unpack_fn says. */
void rz_dtype_unpack(const rz_dtype *t, const uint8_t *block, uint8_t *codes, float *factors);

/* The row of a type id, or NULL for an id that names no type. */
const rz_dtype *rz_dtype_get(uint32_t id);

/* Bytes of a row of `cols` weights; false if cols is no whole number of blocks. */
bool rz_dtype_row_bytes(const rz_dtype *t, uint64_t cols, uint64_t *bytes);

/* Scale and minimum of group j (0..7) of the 12-byte field of Q4_K and Q5_K: 6 bits each. */
static inline void rz_k_scale_min(const uint8_t *b, int j, uint8_t *scale, uint8_t *min) {
    if (j < 4) {
        *scale = b[j] & 63;
        *min = b[j + 4] & 63;
    } else {
        *scale = (uint8_t)((b[j + 4] & 15) | (b[j - 4] >> 6) << 4);
        *min = (uint8_t)((b[j + 4] >> 4) | (b[j] >> 6) << 4);
    }
}

/* The scale of an MXFP4 block, halved for levels that are doubled: 2^(e - 128). */
static inline float rz_mxfp4_scale(uint8_t e) {
    return rz_f32_from_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

/* The half of an IQ1_M block, which lies in the top nibbles of its four 16-bit scales. */
static inline uint16_t rz_iq1_m_scale(const uint8_t *block) {
    uint32_t d = 0;
    for (int i = 0; i < 4; i++) d |= (uint32_t)(rz_load_u16(block + 48 + 2 * i) >> 12) << 4 * i;
    return (uint16_t)d;
}

#endif
