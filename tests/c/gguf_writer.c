/* gguf_writer.c: see gguf_writer.h. */
#include "gguf_writer.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/gguf.h"

void buffer_add(byte_buffer *b, const void *bytes, size_t n) {
    if (n == 0) return;
    if (b->n + n > b->room) {
        b->room = (b->n + n) * 2;
        b->p = realloc(b->p, b->room);
    }
    if (bytes) {
        memcpy(b->p + b->n, bytes, n);
    } else {
        memset(b->p + b->n, 0, n);
    }
    b->n += n;
}

void buffer_u32(byte_buffer *b, uint32_t v) {
    buffer_add(b, &v, sizeof v);
}
void buffer_u64(byte_buffer *b, uint64_t v) {
    buffer_add(b, &v, sizeof v);
}

void buffer_string(byte_buffer *b, const char *s) {
    buffer_u64(b, strlen(s));
    buffer_add(b, s, strlen(s));
}

static void pad(byte_buffer *b, size_t alignment) {
    buffer_add(b, NULL, (alignment - b->n % alignment) % alignment);
}

void gguf_open(gguf_writer *w, uint32_t version, uint32_t alignment) {
    *w = (gguf_writer){.version = version, .alignment = alignment};
    if (alignment != 32) gguf_u32(w, "general.alignment", alignment);
}

void gguf_key(gguf_writer *w, const char *key, uint32_t type) {
    buffer_string(&w->kv, key);
    buffer_u32(&w->kv, type);
    w->n_kv++;
}

void gguf_u32(gguf_writer *w, const char *key, uint32_t v) {
    gguf_key(w, key, RZ_GGUF_U32);
    buffer_u32(&w->kv, v);
}

void gguf_f32(gguf_writer *w, const char *key, float v) {
    gguf_key(w, key, RZ_GGUF_F32);
    buffer_add(&w->kv, &v, sizeof v);
}

void gguf_text(gguf_writer *w, const char *key, const char *v) {
    gguf_key(w, key, RZ_GGUF_STRING);
    buffer_string(&w->kv, v);
}

void gguf_array(gguf_writer *w, const char *key, uint32_t type, uint64_t count, const void *values,
                size_t bytes) {
    gguf_key(w, key, RZ_GGUF_ARRAY);
    buffer_u32(&w->kv, type);
    buffer_u64(&w->kv, count);
    buffer_add(&w->kv, values, bytes);
}

void gguf_texts(gguf_writer *w, const char *key, const char *const *texts, uint64_t count) {
    gguf_array(w, key, RZ_GGUF_STRING, count, NULL, 0);
    for (uint64_t i = 0; i < count; i++) buffer_string(&w->kv, texts[i]);
}

void gguf_tensor_line(gguf_writer *w, const char *name, uint32_t n_dims, const uint64_t *dims,
                      uint32_t dtype, uint64_t offset) {
    buffer_string(&w->tensors, name);
    buffer_u32(&w->tensors, n_dims);
    for (uint32_t i = 0; i < n_dims; i++) buffer_u64(&w->tensors, dims[i]);
    buffer_u32(&w->tensors, dtype);
    buffer_u64(&w->tensors, offset);
    w->n_tensors++;
}

size_t gguf_tensor(gguf_writer *w, const char *name, uint32_t n_dims, const uint64_t *dims,
                   uint32_t dtype, const void *bytes, size_t n) {
    pad(&w->data, w->alignment);
    size_t at = w->data.n;
    gguf_tensor_line(w, name, n_dims, dims, dtype, at);
    buffer_add(&w->data, bytes, n);
    return at;
}

host_file gguf_close(gguf_writer *w) {
    byte_buffer file = {0};
    buffer_add(&file, "GGUF", 4);
    buffer_u32(&file, w->version);
    buffer_u64(&file, w->n_tensors);
    buffer_u64(&file, w->n_kv);
    buffer_add(&file, w->kv.p, w->kv.n);
    buffer_add(&file, w->tensors.p, w->tensors.n);
    if (w->data.n) pad(&file, w->alignment);
    buffer_add(&file, w->data.p, w->data.n);
    free(w->kv.p), free(w->tensors.p), free(w->data.p);
    *w = (gguf_writer){0};
    return (host_file){file.p, file.n};
}
