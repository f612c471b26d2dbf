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

enum { RZ_PARTS_MAX = 4096 };

/* One tensor on its way from a file to memory. */
typedef struct {
    uint32_t part;
    uint64_t offset, bytes; /* in the file */
    const char *name;       /* for messages */
    uint32_t name_len;
    uint32_t dtype;
    rz_mat mat;      /* a matrix: packed into dst group by group */
    bool is_vector;  /* a vector: dequantised to floats at dst */
    uint32_t length; /* floats of the vector */
    uint8_t *dst;
} rz_load_job;

/* The header of one part. */
typedef struct {
    uint8_t *bytes;     /* the first `have` bytes of the file */
    uint64_t capacity;  /* of the block behind `bytes` */
    uint64_t have;
    uint64_t file_size; /* UINT64_MAX: not known */
    bool ended;         /* the host said so */
    bool parsed;
    rz_gguf gguf;
} rz_load_part;

typedef struct {
    const rz_allocator *allocator;
    rz_err *err;
    rz_load_part *parts;
    uint32_t n_parts;
    uint32_t current; /* part whose header is being read */
    rz_load_job *jobs; /* sorted by part and offset */
    uint32_t n_jobs, job;
    uint64_t job_done;   /* bytes of the job that were packed */
    uint8_t *staging;    /* rows of the current job */
    uint64_t staged, staging_bytes, batch; /* batch: bytes to collect before packing */
} rz_load_stream;

int rz_load_stream_open(rz_load_stream *s, uint32_t parts, const rz_allocator *allocator,
                        rz_err *err);
void rz_load_stream_close(rz_load_stream *s);

/* Header phase. RZ_NEED with *need, RZ_DONE when the header of part `current` is parsed. */
int rz_load_header_next(rz_load_stream *s, rz_need *need);
int rz_load_header_feed(rz_load_stream *s, size_t bytes);

/* Starts the data phase; takes over `jobs` (an rz_block_alloc block of n x sizeof *jobs). */
int rz_load_data_begin(rz_load_stream *s, rz_load_job *jobs, uint32_t n);
int rz_load_data_next(rz_load_stream *s, rz_need *need);
int rz_load_data_feed(rz_load_stream *s, size_t bytes);

#endif
