/*
 * gguf.h: the header of a GGUF file (versions 2 and 3, little endian): metadata and tensor list.
 *
 * Works on bytes in memory, copies nothing: names and values stay where the file has them, so the
 * bytes must outlive the object. Input is hostile: every length is checked against what is there
 * before it is used, counts are bounded by the bytes that could hold them.
 */
#ifndef RZ_GGUF_H
#define RZ_GGUF_H

#include "base.h"

#define RZ_GGUF_DIMS 4 /* ggml's limit */

enum { /* metadata value types */
    RZ_GGUF_U8, RZ_GGUF_I8, RZ_GGUF_U16, RZ_GGUF_I16, RZ_GGUF_U32, RZ_GGUF_I32, RZ_GGUF_F32,
    RZ_GGUF_BOOL, RZ_GGUF_STRING, RZ_GGUF_ARRAY, RZ_GGUF_U64, RZ_GGUF_I64, RZ_GGUF_F64,
    RZ_GGUF_TYPES
};

typedef struct {
    const char *key;
    uint32_t key_len;
    uint32_t type;        /* RZ_GGUF_* */
    uint32_t array_type;  /* element type, for arrays */
    uint64_t count;       /* elements of an array, bytes of a string, else 1 */
    const uint8_t *value; /* first byte of the value; of an array or string, of its first element */
    uint64_t value_bytes; /* bytes of the value from there on */
} rz_gguf_kv;

typedef struct {
    const char *name;
    uint32_t name_len;
    uint32_t n_dims;
    uint64_t dims[RZ_GGUF_DIMS]; /* dims[0] is the row length; unused ones are 1 */
    uint32_t dtype;              /* known to dtype.h */
    uint64_t offset;             /* of the first byte, from the start of the file */
    uint64_t bytes;
} rz_gguf_tensor;

typedef struct {
    uint32_t version;
    uint32_t alignment;
    uint32_t n_kv, n_tensors;
    rz_gguf_kv *kv;           /* [n_kv], in file order */
    rz_gguf_tensor *tensors;  /* [n_tensors], in file order */
    uint64_t header_bytes;    /* up to the end of the tensor list */
    uint64_t block_bytes;     /* size of the block that kv and tensors live in */
    const rz_allocator *allocator;
} rz_gguf;

/* Parses a header at data[0..n). `complete` says that the file has no further bytes.
 * RZ_OK; RZ_NEED when more bytes may complete it; RZ_E_FORMAT, RZ_E_TRUNCATED, RZ_E_UNSUPPORTED or
 * RZ_E_MEMORY with the sentence in *err. On RZ_OK rz_gguf_free() is due. */
int rz_gguf_parse(rz_gguf *g, const uint8_t *data, size_t n, bool complete,
                  const rz_allocator *allocator, rz_err *err);
void rz_gguf_free(rz_gguf *g);

const rz_gguf_kv *rz_gguf_find(const rz_gguf *g, const char *key);

/* Value of a numeric entry or bool as a double; false if the entry is another type. */
bool rz_gguf_number(const rz_gguf_kv *kv, double *out);

/* Walks the strings of a string array: start with *cursor = kv->value, call count times. */
const char *rz_gguf_next_string(const uint8_t **cursor, uint32_t *len);

#endif
