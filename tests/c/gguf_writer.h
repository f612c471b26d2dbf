/*
 * gguf_writer.h: builds GGUF files in memory, right ones and deliberately wrong ones.
 *
 * Entries and tensors are appended in order; gguf_close() joins header, padding and data. Counts
 * and the version can be set to anything before that; single values are patched in the finished
 * bytes.
 */
#ifndef GGUF_WRITER_H
#define GGUF_WRITER_H

#include "host.h"

typedef struct {
    uint8_t *p;
    size_t n, room;
} byte_buffer;

void buffer_add(byte_buffer *b, const void *bytes, size_t n);
void buffer_u32(byte_buffer *b, uint32_t v);
void buffer_u64(byte_buffer *b, uint64_t v);
void buffer_string(byte_buffer *b, const char *s); /* u64 length, bytes */

typedef struct {
    uint32_t version;
    uint32_t alignment; /* of the data; written as general.alignment where it is not 32 */
    uint64_t n_kv, n_tensors;
    byte_buffer kv, tensors, data;
} gguf_writer;

void gguf_open(gguf_writer *w, uint32_t version, uint32_t alignment);

/* Starts an entry: its value is to be appended to w->kv. */
void gguf_key(gguf_writer *w, const char *key, uint32_t type);
void gguf_u32(gguf_writer *w, const char *key, uint32_t v);
void gguf_f32(gguf_writer *w, const char *key, float v);
void gguf_text(gguf_writer *w, const char *key, const char *v);
/* An array of fixed-size elements. */
void gguf_array(gguf_writer *w, const char *key, uint32_t type, uint64_t count, const void *values,
                size_t bytes);
void gguf_texts(gguf_writer *w, const char *key, const char *const *texts, uint64_t count);

/* A line of the tensor list; the offset counts from the start of the data. */
void gguf_tensor_line(gguf_writer *w, const char *name, uint32_t n_dims, const uint64_t *dims,
                      uint32_t dtype, uint64_t offset);
/* The line and the data, at the next aligned place; returns where the data begins in w->data. */
size_t gguf_tensor(gguf_writer *w, const char *name, uint32_t n_dims, const uint64_t *dims,
                   uint32_t dtype, const void *bytes, size_t n);

/* The file; the caller frees its bytes. */
host_file gguf_close(gguf_writer *w);

#endif
