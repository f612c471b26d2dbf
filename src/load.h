/*
 * load.h: the streaming part of loading: headers in, then tensor bytes to their places.
 *
 * Knows formats and places, nothing of models: engine.c asks a model what it wants from a parsed
 * header and hands the answer over as a list of jobs. Bytes are consumed in the order of the files;
 * rows are packed as soon as a few groups have arrived, so no tensor is ever held twice.
 */
#ifndef RZ_LOAD_H
#define RZ_LOAD_H

#include "base.h"
#include "gguf.h"
#include "pack.h"
#include "pool.h"
#include "safetensors.h"

enum { RZ_PARTS_MAX = 4096 };

/* Files that keep the codes and the scales of MXFP4 blocks in a tensor each (gpt-oss). */
enum rz_plane { RZ_PLANE_NONE, RZ_PLANE_CODES, RZ_PLANE_SCALES };

/* Where rows of a tensor go. */
typedef struct {
    uint32_t take;   /* rows (elements of a vector) of each turn that go here */
    rz_mat mat;      /* of a matrix; its type may differ from the file's: rows are converted */
    uint8_t *dst;    /* first byte of the packed matrix, or first float of the vector */
} rz_load_target;

enum { RZ_TARGETS_MAX = 3 };

/*
 * One tensor on its way from a file to memory. Its rows go to the targets in turn, `take` of each, over
 * and over: one target with all rows, q k v one after the other, or head by head. After stack_rows
 * rows of the file the targets move on to the next of several matrices (vectors) that follow each
 * other. Of a transposed tensor it is the elements of each row that are dealt out so.
 */
typedef struct {
    uint32_t part;
    uint64_t offset, bytes; /* in the file */
    const char *name;       /* for messages */
    uint32_t name_len;
    uint32_t dtype;
    uint32_t cols;          /* weights of a row in the file; 1 for vectors */
    uint64_t rows;          /* of the whole tensor */
    uint64_t stack_rows;    /* 0: no stack */
    bool is_vector;         /* targets are floats */
    bool transposed;        /* rows of the file are columns of the matrices */
    uint8_t plane;          /* enum rz_plane */
    float add;              /* vectors: added to every element */
    uint32_t n_targets;
    rz_load_target targets[RZ_TARGETS_MAX];
} rz_load_job;

/* What a file is, told by its first bytes. */
enum rz_part_kind {
    RZ_PART_GGUF,
    RZ_PART_SAFETENSORS,
    RZ_PART_JSON /* of a Hugging Face model; see hf.h. All of it is in `bytes` */
};

/* The header of one part. */
typedef struct {
    enum rz_part_kind kind;
    uint8_t *bytes;     /* the first `have` bytes of the file */
    uint64_t capacity;  /* of the block behind `bytes` */
    uint64_t have;
    uint64_t file_size; /* UINT64_MAX: not known */
    bool ended;         /* the host said so */
    bool parsed;
    rz_gguf gguf;
    rz_safetensors st;
} rz_load_part;

typedef struct {
    const rz_allocator *allocator;
    rz_err *err;
    rz_pool *pool;       /* packs rows; NULL: the caller does */
    rz_load_part *parts; /* [n_parts + 1]: the last one is the engine's own, see hf.h */
    uint32_t n_parts;
    uint32_t current; /* part whose header is being read */
    rz_load_job *jobs; /* sorted by part and offset */
    uint32_t n_jobs, job;
    uint64_t job_done;   /* bytes of the job that were packed */
    uint8_t *staging;    /* rows of the current job */
    uint64_t staged, staging_bytes, batch; /* batch: bytes to collect before packing */
    float *convert;      /* a row of a matrix as floats, followed by one of its type */
    uint64_t convert_bytes;
} rz_load_stream;

int rz_load_stream_open(rz_load_stream *s, uint32_t parts, const rz_allocator *allocator,
                        rz_err *err);
void rz_load_stream_close(rz_load_stream *s);

/* Header phase. RZ_NEED with *need, RZ_DONE when the header of part `current` is parsed. */
int rz_load_header_next(rz_load_stream *s, rz_need *need);
int rz_load_header_feed(rz_load_stream *s, size_t bytes);

/* Starts the data phase; takes over `jobs` (an rz_block_alloc block of n x sizeof *jobs). The pool, if there is one, is
 * set before. */
int rz_load_data_begin(rz_load_stream *s, rz_load_job *jobs, uint32_t n);
int rz_load_data_next(rz_load_stream *s, rz_need *need);
int rz_load_data_feed(rz_load_stream *s, size_t bytes);

#endif
