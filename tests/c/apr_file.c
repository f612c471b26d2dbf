/* apr_file.c: see apr_file.h. */
#include "apr_file.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    unsigned char bytes[1024];
    size_t n;
} out;

static void put(out *o, const void *p, size_t n) {
    memcpy(o->bytes + o->n, p, n);
    o->n += n;
}

static void u8(out *o, uint8_t v) { put(o, &v, 1); }
static void u32(out *o, uint32_t v) { put(o, &v, 4); }
static void u64(out *o, uint64_t v) { put(o, &v, 8); }
static void f32(out *o, float v) { put(o, &v, 4); }

/* 1.5 a - 2 b + 0.25 */
static void coefficients(out *o) {
    u8(o, 1), u64(o, 2), f32(o, 1.5f), f32(o, -2), f32(o, 0.25f);
}

static void node(out *o, uint64_t feature, float threshold) { u32(o, 0), u64(o, feature), f32(o, threshold); }

static void leaf(out *o, int classes, float value) {
    u32(o, 1);
    if (classes) u64(o, (uint64_t)value);
    else f32(o, value);
    u64(o, 5);
}

/* x[0] <= 0.5 ? (x[2] <= 1 ? a : b) : c, and the fields behind it */
static void tree(out *o, int classes, float a, float b, float c) {
    u8(o, 1);
    node(o, 0, 0.5f);
    node(o, 2, 1);
    leaf(o, classes, a), leaf(o, classes, b), leaf(o, classes, c);
    u8(o, 1), u64(o, 4);
    if (!classes) u64(o, 2), u64(o, 1);
}

static void forest(out *o, int classes) {
    u64(o, 3);
    tree(o, classes, 2, 1, 0), tree(o, classes, 2, 0, 1), tree(o, classes, 0, 0, 1);
    u64(o, 3), u8(o, 0), u8(o, 1), u64(o, 42);
    u64(o, 1), u64(o, 2), u64(o, 0), u64(o, 3);                      /* oob_indices */
    u8(o, 1), u64(o, 2), f32(o, 1), f32(o, 2), u64(o, 1), u64(o, 2); /* x_train */
    u8(o, 0);
}

static void kmeans(out *o) {
    u64(o, 2), u64(o, 300), f32(o, 1e-4f), u8(o, 1), u64(o, 42);
    u8(o, 1), u64(o, 4), f32(o, 0), f32(o, 0), f32(o, 5), f32(o, 5), u64(o, 2), u64(o, 2);
    u8(o, 1), u64(o, 2), u64(o, 0), u64(o, 1), f32(o, 0.125f), u64(o, 7);
}

static uint32_t crc32_of(const unsigned char *p, size_t n) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

void apr_seal(host_file file) {
    if (file.n < 4) return;
    uint32_t crc = crc32_of(file.bytes, file.n - 4);
    memcpy(file.bytes + file.n - 4, &crc, 4);
}

host_file apr_wrap(unsigned type, const void *payload, size_t n) {
    host_file file = {calloc(1, 32 + 1 + n + 4), 32 + 1 + n + 4};
    const uint32_t sizes[3] = {1, (uint32_t)n, (uint32_t)n};
    memcpy(file.bytes, "APRN\1\0", 6);
    file.bytes[6] = (unsigned char)type;
    file.bytes[7] = (unsigned char)(type >> 8);
    memcpy(file.bytes + 8, sizes, 12);
    file.bytes[32] = 0x80; /* an empty map */
    memcpy(file.bytes + 33, payload, n);
    apr_seal(file);
    return file;
}

host_file apr_file(enum apr_kind kind) {
    static const unsigned types[APR_KINDS] = {1, 1, 1, 1, 2, 3, 3, 4, 4, 6};
    out o = {.n = 0};
    switch (kind) {
    case APR_LINEAR: coefficients(&o), u8(&o, 1); break;
    case APR_RIDGE: f32(&o, 0.1f), coefficients(&o), u8(&o, 1); break;
    case APR_LASSO: f32(&o, 0.1f), coefficients(&o), u8(&o, 1), u64(&o, 1000), f32(&o, 1e-4f); break;
    case APR_ELASTIC_NET:
        f32(&o, 0.1f), f32(&o, 0.5f), coefficients(&o), u8(&o, 1), u64(&o, 1000), f32(&o, 1e-4f);
        break;
    case APR_LOGISTIC: coefficients(&o), f32(&o, 0.01f), u64(&o, 100), f32(&o, 1e-4f); break;
    case APR_TREE_CLASSIFIER: tree(&o, 1, 0, 1, 7); break;
    case APR_TREE_REGRESSOR: tree(&o, 0, -1.5f, 2.5f, 4); break;
    case APR_FOREST_CLASSIFIER: forest(&o, 1); break;
    case APR_FOREST_REGRESSOR: forest(&o, 0); break;
    default: kmeans(&o); break;
    }
    return apr_wrap(types[kind], o.bytes, o.n);
}
