/*
 * safetensors.h: the header of a safetensors file: a length, JSON, then tensor data without gaps.
 *
 * Works on bytes in memory and copies no names. Input is hostile: the header's length is capped,
 * offsets are checked against shapes, overlaps and gaps are refused.
 * Source: the format description of huggingface/safetensors.
 */
#ifndef RZ_SAFETENSORS_H
#define RZ_SAFETENSORS_H

#include "base.h"

enum { RZ_ST_DIMS = 5 };

typedef struct {
    const char *name;
    uint32_t name_len;
    uint32_t dtype;            /* RZ_DT_*, or RZ_DT_COUNT for a type that is none; see dtype_name */
    uint32_t n_dims;
    uint64_t dims[RZ_ST_DIMS]; /* in file order: dims[0] varies slowest; unused ones are 1 */
    uint64_t offset, bytes;    /* offset from the start of the file */
    char dtype_name[8];        /* as in the file */
} rz_st_tensor;

typedef struct {
    rz_st_tensor *tensors; /* in order of their offsets */
    uint32_t n;
    uint64_t header_bytes; /* up to the first tensor */
    uint64_t file_bytes;   /* up to the end of the last one */
    const rz_allocator *allocator;
} rz_safetensors;

/* Whether bytes (8 or more) may begin such a file: a plausible length and an opening brace. */
bool rz_st_detect(const uint8_t *data, size_t n);

/* Parses a header at data[0..n); results as rz_gguf_parse(). */
int rz_st_parse(rz_safetensors *st, const uint8_t *data, size_t n, bool complete,
                const rz_allocator *allocator, rz_err *err);
void rz_st_free(rz_safetensors *st);

#endif
