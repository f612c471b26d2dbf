/*
 * dtype.h: the weight types. One row per type: how many weights share a block, how many bytes the
 * block takes, how it turns into floats.
 *
 * Layouts are those of ggml (GGUF files), little endian. A row of a tensor is a whole number of
 * blocks. The dequantisers are the definition of every weight's value: kernels are checked against
 * them.
 */
#ifndef RZ_DTYPE_H
#define RZ_DTYPE_H

#include "base.h"

/* Type ids as they stand in GGUF files. */
enum {
    RZ_DT_F32 = 0,
    RZ_DT_F16 = 1,
    RZ_DT_Q4_0 = 2,
    RZ_DT_Q8_0 = 8,
    RZ_DT_Q4_K = 12,
    RZ_DT_Q6_K = 14,
    RZ_DT_BF16 = 30,
    RZ_DT_COUNT = 40 /* ids below this may be looked up */
};

typedef struct {
    const char *name;     /* as llama.cpp prints it; NULL: no such type */
    uint32_t block;       /* weights per block; 0: known by name only, cannot be computed with */
    uint32_t block_bytes; /* bytes per block in the file */
    /* blocks -> n floats, n a multiple of `block` */
    void (*dequantize)(const uint8_t *blocks, float *out, size_t n);
} rz_dtype;

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

#endif
