/*
 * gguf.c: see gguf.h. Source: the GGUF specification (ggml, docs/gguf.md).
 *
 * Two passes over the bytes: the first walks and checks, so that the sizes of the tables are known
 * to be honest; the second fills them.
 */
#include "gguf.h"

#include "arena.h"
#include "dtype.h"
#include "err.h"
#include "read.h"

enum { max_array_depth = 4, min_kv_bytes = 8 + 4 + 1, min_tensor_bytes = 8 + 4 + 4 + 8 };

static const uint8_t scalar_bytes[RZ_GGUF_TYPES] = {
    [RZ_GGUF_U8] = 1,  [RZ_GGUF_I8] = 1,   [RZ_GGUF_U16] = 2, [RZ_GGUF_I16] = 2,
    [RZ_GGUF_U32] = 4, [RZ_GGUF_I32] = 4,  [RZ_GGUF_F32] = 4, [RZ_GGUF_BOOL] = 1,
    [RZ_GGUF_U64] = 8, [RZ_GGUF_I64] = 8,  [RZ_GGUF_F64] = 8,
};

typedef struct {
    rz_reader r;
    rz_err *err;
    int failed; /* RZ_E code, 0 while all is well */
} parser;

#define FAIL(p, code, ...) ((p)->failed = rz_err_set((p)->err, (code), __VA_ARGS__))

static const char *read_string(parser *p, uint32_t *len) {
    uint64_t n = rz_read_u64(&p->r);
    if (n > UINT32_MAX && !p->r.short_read) {
        FAIL(p, RZ_E_FORMAT, "GGUF: a string at byte %zu claims %llu bytes", p->r.at - 8,
             (unsigned long long)n);
        n = 0;
    }
    *len = (uint32_t)n;
    return (const char *)rz_read_bytes(&p->r, n);
}

/* Walks over the elements of an array, nested ones too. */
static void skip_array(parser *p, uint32_t type, uint64_t count, int depth) {
    if (type < RZ_GGUF_TYPES && scalar_bytes[type]) {
        uint64_t bytes;
        if (!rz_mul_u64(count, scalar_bytes[type], &bytes)) bytes = UINT64_MAX;
        rz_read_bytes(&p->r, bytes);
    } else if (type == RZ_GGUF_STRING) {
        uint32_t len;
        for (uint64_t i = 0; i < count && !p->r.short_read && !p->failed; i++) read_string(p, &len);
    } else if (type == RZ_GGUF_ARRAY && depth < max_array_depth) {
        for (uint64_t i = 0; i < count && !p->r.short_read && !p->failed; i++) {
            uint32_t inner = rz_read_u32(&p->r);
            uint64_t inner_count = rz_read_u64(&p->r);
            skip_array(p, inner, inner_count, depth + 1);
        }
    } else if (!p->r.short_read) {
        FAIL(p, RZ_E_FORMAT,
             type == RZ_GGUF_ARRAY ? "GGUF: arrays nested deeper than %u at byte %zu"
                                   : "GGUF: array element type %u at byte %zu does not exist",
             type == RZ_GGUF_ARRAY ? (unsigned)max_array_depth : type, p->r.at);
    }
}

static void read_kv(parser *p, rz_gguf_kv *kv) {
    kv->key = read_string(p, &kv->key_len);
    kv->type = rz_read_u32(&p->r);
    kv->array_type = 0;
    kv->count = 1;
    if (p->r.short_read || p->failed) return;
    if (kv->key_len == 0) {
        FAIL(p, RZ_E_FORMAT, "GGUF: a metadata entry before byte %zu has no name", p->r.at);
    } else if (kv->type == RZ_GGUF_STRING) {
        uint32_t len;
        kv->value = (const uint8_t *)read_string(p, &len);
        kv->count = kv->value_bytes = len;
    } else if (kv->type == RZ_GGUF_ARRAY) {
        kv->array_type = rz_read_u32(&p->r);
        kv->count = rz_read_u64(&p->r);
        kv->value = p->r.p + p->r.at;
        size_t start = p->r.at;
        skip_array(p, kv->array_type, kv->count, 1);
        kv->value_bytes = p->r.at - start;
    } else if (kv->type < RZ_GGUF_TYPES) {
        kv->value_bytes = scalar_bytes[kv->type];
        kv->value = rz_read_bytes(&p->r, kv->value_bytes);
    } else {
        FAIL(p, RZ_E_FORMAT, "GGUF: metadata '%.*s' has type %u, which does not exist",
             (int)kv->key_len, kv->key, kv->type);
    }
}

/* Bytes of a tensor from its dimensions and type; fails the parser in words. */
static void check_tensor(parser *p, rz_gguf_tensor *t) {
    const rz_dtype *type = rz_dtype_get(t->dtype);
    uint64_t rows = 1, row_bytes;
    if (!type) {
        FAIL(p, RZ_E_UNSUPPORTED, "GGUF: tensor '%.*s' has weight type %u, which is not known",
             (int)t->name_len, t->name, t->dtype);
        return;
    }
    for (uint32_t i = 1; i < RZ_GGUF_DIMS; i++) {
        if (!rz_mul_u64(rows, t->dims[i], &rows)) rows = UINT64_MAX;
    }
    if (rows == 0 || t->dims[0] == 0) {
        FAIL(p, RZ_E_FORMAT, "GGUF: tensor '%.*s' has a dimension of 0", (int)t->name_len, t->name);
    } else if (!type->block) {
        t->bytes = 0; /* named when a model wants to compute with it */
    } else if (t->dims[0] % type->block) {
        FAIL(p, RZ_E_FORMAT, "GGUF: tensor '%.*s': rows of %llu are no whole number of %s blocks",
             (int)t->name_len, t->name, (unsigned long long)t->dims[0], type->name);
    } else if (!rz_dtype_row_bytes(type, t->dims[0], &row_bytes) ||
               !rz_mul_u64(rows, row_bytes, &t->bytes) || t->bytes > INT64_MAX ||
               t->offset > INT64_MAX) {
        FAIL(p, RZ_E_FORMAT, "GGUF: tensor '%.*s' is larger than any file", (int)t->name_len,
             t->name);
    }
}

static void read_tensor(parser *p, rz_gguf_tensor *t) {
    t->name = read_string(p, &t->name_len);
    t->n_dims = rz_read_u32(&p->r);
    for (uint32_t i = 0; i < RZ_GGUF_DIMS; i++) t->dims[i] = 1;
    if (p->r.short_read || p->failed) return;
    if (t->name_len == 0) {
        FAIL(p, RZ_E_FORMAT, "GGUF: a tensor before byte %zu has no name", p->r.at);
        return;
    }
    if (t->n_dims > RZ_GGUF_DIMS) {
        FAIL(p, RZ_E_FORMAT, "GGUF: tensor '%.*s' has %u dimensions, at most %u are possible",
             (int)t->name_len, t->name, t->n_dims, (unsigned)RZ_GGUF_DIMS);
        return;
    }
    for (uint32_t i = 0; i < t->n_dims; i++) t->dims[i] = rz_read_u64(&p->r);
    t->dtype = rz_read_u32(&p->r);
    t->offset = rz_read_u64(&p->r);
    if (!p->r.short_read) check_tensor(p, t);
}

/* Magic, version and the two counts. */
static void read_preamble(parser *p, rz_gguf *g) {
    const uint8_t *magic = rz_read_bytes(&p->r, 4);
    if (magic && memcmp(magic, "GGUF", 4) != 0) {
        FAIL(p, RZ_E_FORMAT, "not a GGUF file: it starts with bytes %x %x %x %x%s", magic[0],
             magic[1], magic[2], magic[3], magic[0] == '<' ? ", as a web page does" : "");
        return;
    }
    g->version = rz_read_u32(&p->r);
    if (p->r.short_read) return;
    if (g->version == 0x02000000 || g->version == 0x03000000) {
        FAIL(p, RZ_E_UNSUPPORTED, "GGUF: this file is big-endian; only little-endian files are read");
        return;
    }
    if (g->version != 2 && g->version != 3) {
        FAIL(p, RZ_E_UNSUPPORTED, "GGUF: version %u is not supported, only 2 and 3", g->version);
        return;
    }
    uint64_t n_tensors = rz_read_u64(&p->r), n_kv = rz_read_u64(&p->r);
    if (p->r.short_read) return;
    const uint64_t most = UINT32_MAX / 64;
    if (n_tensors > most || n_kv > most) {
        FAIL(p, RZ_E_FORMAT, "GGUF: the header claims %llu tensors and %llu metadata entries",
             (unsigned long long)n_tensors, (unsigned long long)n_kv);
    }
    g->n_tensors = (uint32_t)n_tensors;
    g->n_kv = (uint32_t)n_kv;
}

static void read_tables(parser *p, rz_gguf *g) {
    for (uint32_t i = 0; i < g->n_kv && !p->failed && !p->r.short_read; i++) {
        rz_gguf_kv kv;
        read_kv(p, g->kv ? &g->kv[i] : &kv);
    }
    for (uint32_t i = 0; i < g->n_tensors && !p->failed && !p->r.short_read; i++) {
        rz_gguf_tensor t;
        read_tensor(p, g->tensors ? &g->tensors[i] : &t);
    }
}

/* Turns offsets from the start of the data into offsets from the start of the file. */
static void place_tensors(parser *p, rz_gguf *g) {
    const rz_gguf_kv *kv = rz_gguf_find(g, "general.alignment");
    double alignment = 32;
    if (kv && (!rz_gguf_number(kv, &alignment) || !(alignment >= 1 && alignment <= 1 << 30) ||
               alignment != (double)(uint32_t)alignment)) {
        FAIL(p, RZ_E_FORMAT, "GGUF: general.alignment is not a usable number");
        return;
    }
    g->alignment = (uint32_t)alignment;
    uint64_t data = (g->header_bytes + g->alignment - 1) / g->alignment * g->alignment;
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        rz_gguf_tensor *t = &g->tensors[i];
        uint64_t end;
        if (!rz_add_u64(t->offset, data, &t->offset) || !rz_add_u64(t->offset, t->bytes, &end) ||
            end > INT64_MAX) {
            FAIL(p, RZ_E_FORMAT, "GGUF: tensor '%.*s' lies past the end of any file",
                 (int)t->name_len, t->name);
            return;
        }
    }
}

static bool allocate_tables(rz_gguf *g) {
    rz_arena arena = {0};
    rz_arena_take(&arena, g->n_kv, sizeof *g->kv);
    rz_arena_take(&arena, g->n_tensors, sizeof *g->tensors);
    if (arena.overflow) return false;
    g->block_bytes = arena.used ? arena.used : RZ_ALIGN;
    arena = (rz_arena){.base = rz_block_alloc(g->allocator, g->block_bytes)};
    if (!arena.base) return false;
    memset(arena.base, 0, (size_t)g->block_bytes);
    g->kv = rz_arena_take(&arena, g->n_kv, sizeof *g->kv);
    g->tensors = rz_arena_take(&arena, g->n_tensors, sizeof *g->tensors);
    return true;
}

/* What a reader that came to an end too early means. */
static int short_result(parser *p, bool complete) {
    if (p->failed) return p->failed;
    if (!complete) return RZ_NEED;
    return rz_err_set(p->err, RZ_E_TRUNCATED, "GGUF: the file ends at byte %zu, inside its header",
                      p->r.n);
}

int rz_gguf_parse(rz_gguf *g, const uint8_t *data, size_t n, bool complete,
                  const rz_allocator *allocator, rz_err *err) {
    *g = (rz_gguf){.allocator = allocator};
    parser p = {.r = {.p = data, .n = n}, .err = err};
    read_preamble(&p, g);
    size_t tables = p.r.at;
    if (!p.failed && !p.r.short_read) {
        uint64_t least = (uint64_t)g->n_kv * min_kv_bytes + (uint64_t)g->n_tensors * min_tensor_bytes;
        if (least > rz_read_left(&p.r)) p.r.short_read = true;
    }
    if (!p.failed && !p.r.short_read) read_tables(&p, g);
    if (p.failed || p.r.short_read) return short_result(&p, complete);

    g->header_bytes = p.r.at;
    if (!allocate_tables(g)) {
        return rz_err_set(err, RZ_E_MEMORY, "no memory for the tables of %u tensors", g->n_tensors);
    }
    p.r.at = tables;
    read_tables(&p, g);
    if (!p.failed) place_tensors(&p, g);
    if (p.failed) rz_gguf_free(g);
    return p.failed;
}

void rz_gguf_free(rz_gguf *g) {
    rz_block_free(g->allocator, g->kv, g->block_bytes); /* kv is the first piece of the block */
    *g = (rz_gguf){0};
}

const rz_gguf_kv *rz_gguf_find(const rz_gguf *g, const char *key) {
    size_t len = strlen(key);
    for (uint32_t i = 0; i < g->n_kv; i++) {
        if (g->kv[i].key_len == len && memcmp(g->kv[i].key, key, len) == 0) return &g->kv[i];
    }
    return NULL;
}

bool rz_gguf_number(const rz_gguf_kv *kv, double *out) {
    uint64_t raw = 0;
    if (kv->type >= RZ_GGUF_TYPES || !scalar_bytes[kv->type]) return false;
    memcpy(&raw, kv->value, scalar_bytes[kv->type]);
    switch (kv->type) {
    case RZ_GGUF_I8: *out = (int8_t)raw; break;
    case RZ_GGUF_I16: *out = (int16_t)raw; break;
    case RZ_GGUF_I32: *out = (int32_t)raw; break;
    case RZ_GGUF_I64: *out = (double)(int64_t)raw; break;
    case RZ_GGUF_F32: *out = rz_f32_from_bits((uint32_t)raw); break;
    case RZ_GGUF_F64: memcpy(out, &raw, sizeof *out); break;
    default: *out = (double)raw; break;
    }
    return true;
}

const char *rz_gguf_next_string(const uint8_t **cursor, uint32_t *len) {
    uint64_t n = rz_load_u64(*cursor);
    const char *s = (const char *)(*cursor + 8);
    *len = (uint32_t)n;
    *cursor += 8 + n;
    return s;
}
