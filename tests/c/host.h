/*
 * host.h: what C tests and tools need of a host: whole files, loading a model from memory in pieces
 * of any size.
 */
#ifndef HOST_H
#define HOST_H

#include "../../src/rz.h"

typedef struct {
    unsigned char *bytes;
    size_t n;
} host_file;

/* Reads a file; bytes is NULL when there is none. The caller frees bytes. */
host_file host_read(const char *path);

/* Feeds `file` to a loader, at most `piece` bytes at a time (0: as asked for). */
int host_load(rz_model **m, host_file file, const rz_load_opts *opts, size_t piece, rz_err *err);

/* The same of several files; opts->parts is set here. */
int host_load_parts(rz_model **m, const host_file *files, uint32_t n, const rz_load_opts *opts,
                    size_t piece, rz_err *err);

/* The same from a path; prints the error and returns NULL on failure. */
rz_model *host_load_path(const char *path, const rz_load_opts *opts);

/* Logits of every position of ids[0..n): n rows of n_vocab floats, to be freed; NULL on failure. */
float *host_logits(rz_model *m, const uint32_t *ids, uint32_t n, uint32_t chunk, uint32_t kv_type);

#endif
