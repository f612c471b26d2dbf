/* safetensors.c: see safetensors.h. */
#include "safetensors.h"

#include "arena.h"
#include "dtype.h"
#include "err.h"
#include "json.h"

enum { max_header = 100 << 20 };

bool rz_st_detect(const uint8_t *data, size_t n) {
    if (n < 9) return false;
    uint64_t length = rz_load_u64(data);
    return length >= 2 && length <= max_header && data[8] == '{';
}

/* Element types by their names in the file; those without kernels have their size only. */
static const struct {
    const char *name;
    uint32_t dtype, bytes;
} types[] = {
    {"F32", RZ_DT_F32, 4}, {"F16", RZ_DT_F16, 2}, {"BF16", RZ_DT_BF16, 2}, {"F64", RZ_DT_COUNT, 8},
    {"I64", RZ_DT_COUNT, 8}, {"U64", RZ_DT_COUNT, 8}, {"I32", RZ_DT_COUNT, 4},
    {"U32", RZ_DT_COUNT, 4}, {"I16", RZ_DT_COUNT, 2}, {"U16", RZ_DT_COUNT, 2},
    {"I8", RZ_DT_COUNT, 1}, {"U8", RZ_DT_COUNT, 1}, {"BOOL", RZ_DT_COUNT, 1},
    {"F8_E4M3", RZ_DT_COUNT, 1}, {"F8_E5M2", RZ_DT_COUNT, 1},
};

typedef struct {
    rz_json j;
    rz_err *err;
    int failed;
} parser;

#define FAIL(p, ...) ((p)->failed = rz_err_set((p)->err, RZ_E_FORMAT, __VA_ARGS__))

/* A whole number below 2^53. */
static uint64_t whole(parser *p) {
    double x = rz_json_number(&p->j);
    if (!p->j.bad && !(x >= 0 && x <= 0x1p53 && x == (double)(uint64_t)x)) p->j.bad = true;
    return p->j.bad ? 0 : (uint64_t)x;
}

static uint32_t read_type(parser *p, rz_st_tensor *t) {
    rz_json_text name;
    if (!rz_json_string(&p->j, &name)) return 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!rz_json_is(name, types[i].name)) continue;
        t->dtype = types[i].dtype;
        memcpy(t->dtype_name, types[i].name, strlen(types[i].name) + 1);
        return types[i].bytes;
    }
    FAIL(p, "safetensors: tensor '%.*s' has type '%.*s', which is not known", (int)t->name_len,
         t->name, (int)name.n, (const char *)name.p);
    return 0;
}

static void read_shape(parser *p, rz_st_tensor *t) {
    if (!rz_json_enter(&p->j, RZ_JSON_ARRAY)) return;
    while (rz_json_next(&p->j)) {
        uint64_t dim = whole(p);
        if (t->n_dims == RZ_ST_DIMS) {
            FAIL(p, "safetensors: tensor '%.*s' has more than %u dimensions", (int)t->name_len,
                 t->name, (unsigned)RZ_ST_DIMS);
            return;
        }
        t->dims[t->n_dims++] = dim;
    }
}

static void check_tensor(parser *p, const rz_st_tensor *t, uint32_t element, uint64_t end) {
    uint64_t bytes = element;
    for (uint32_t i = 0; i < t->n_dims; i++) {
        if (!rz_mul_u64(bytes, t->dims[i], &bytes)) bytes = UINT64_MAX;
    }
    if (end < t->offset || end - t->offset != bytes) {
        FAIL(p, "safetensors: tensor '%.*s' needs %llu bytes, its offsets give %llu",
             (int)t->name_len, t->name, (unsigned long long)bytes,
             (unsigned long long)(end < t->offset ? 0 : end - t->offset));
    }
}

/* {"dtype": .., "shape": [..], "data_offsets": [from, to]} */
static void read_tensor(parser *p, rz_st_tensor *t) {
    rz_json_text key;
    uint32_t element = 0;
    uint64_t end = 0;
    bool shape = false, offsets = false;
    for (int i = 0; i < RZ_ST_DIMS; i++) t->dims[i] = 1;
    if (!rz_json_enter(&p->j, RZ_JSON_OBJECT)) return;
    while (!p->failed && rz_json_next_key(&p->j, &key)) {
        if (rz_json_is(key, "dtype")) {
            element = read_type(p, t);
        } else if (rz_json_is(key, "shape")) {
            read_shape(p, t);
            shape = true;
        } else if (rz_json_is(key, "data_offsets") && rz_json_enter(&p->j, RZ_JSON_ARRAY)) {
            if (rz_json_next(&p->j)) t->offset = whole(p);
            if (rz_json_next(&p->j)) end = whole(p);
            if (rz_json_next(&p->j)) p->j.bad = true;
            offsets = true;
        } else {
            rz_json_skip(&p->j);
        }
    }
    if (p->failed || p->j.bad) return;
    if (!element || !shape || !offsets) {
        FAIL(p, "safetensors: tensor '%.*s' lacks its type, shape or offsets", (int)t->name_len,
             t->name);
        return;
    }
    check_tensor(p, t, element, end);
    t->bytes = end - t->offset;
}

/* Walks over the header; stores tensors where there is room. Returns their number. */
static uint32_t read_tensors(parser *p, rz_st_tensor *tensors) {
    rz_json_text key;
    uint32_t n = 0;
    if (!rz_json_enter(&p->j, RZ_JSON_OBJECT)) return 0;
    while (!p->failed && rz_json_next_key(&p->j, &key)) {
        if (rz_json_is(key, "__metadata__")) {
            rz_json_skip(&p->j);
            continue;
        }
        rz_st_tensor t = {.name = (const char *)key.p, .name_len = (uint32_t)key.n};
        read_tensor(p, &t);
        if (tensors) tensors[n] = t;
        n++;
    }
    return n;
}

static int not_json(const parser *p) {
    if (p->failed) return p->failed;
    return rz_err_set(p->err, RZ_E_FORMAT, "safetensors: the header is not valid JSON at byte %zu",
                      p->j.at + 8);
}

/* Empty tensors come before what starts at the same byte. */
static bool before(const rz_st_tensor *a, const rz_st_tensor *b) {
    return a->offset != b->offset ? a->offset < b->offset : a->bytes < b->bytes;
}

static void sift_down(rz_st_tensor *t, uint32_t i, uint32_t n) {
    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&t[child], &t[child + 1])) child++;
        if (!before(&t[i], &t[child])) return;
        rz_st_tensor swap = t[i];
        t[i] = t[child];
        t[child] = swap;
    }
}

/* Heap sort: no worst case. */
static void sort_by_offset(rz_st_tensor *t, uint32_t n) {
    for (uint32_t i = n / 2; i-- > 0;) sift_down(t, i, n);
    for (uint32_t end = n; end-- > 1;) {
        rz_st_tensor swap = t[0];
        t[0] = t[end];
        t[end] = swap;
        sift_down(t, 0, end);
    }
}

/* Data must follow each other without gap or overlap; offsets become those of the file. */
static int place_tensors(rz_safetensors *st, rz_err *err) {
    uint64_t at = 0;
    sort_by_offset(st->tensors, st->n);
    for (uint32_t i = 0; i < st->n; i++) {
        rz_st_tensor *t = &st->tensors[i];
        if (t->offset != at) {
            return rz_err_set(err, RZ_E_FORMAT,
                              "safetensors: tensor '%.*s' starts at byte %llu of the data, the one "
                              "before it ends at %llu",
                              (int)t->name_len, t->name, (unsigned long long)t->offset,
                              (unsigned long long)at);
        }
        at += t->bytes;
        t->offset += st->header_bytes;
    }
    st->file_bytes = st->header_bytes + at;
    return RZ_OK;
}

int rz_st_parse(rz_safetensors *st, const uint8_t *data, size_t n, bool complete,
                const rz_allocator *allocator, rz_err *err) {
    *st = (rz_safetensors){.allocator = allocator};
    if (n < 8) {
        return complete ? rz_err_set(err, RZ_E_TRUNCATED, "safetensors: the file ends at byte %zu", n)
                        : RZ_NEED;
    }
    uint64_t length = rz_load_u64(data);
    if (length > max_header) {
        return rz_err_set(err, RZ_E_FORMAT, "safetensors: a header of %llu bytes is too long",
                          (unsigned long long)length);
    }
    if (n - 8 < length) {
        if (!complete) return RZ_NEED;
        return rz_err_set(err, RZ_E_TRUNCATED,
                          "safetensors: the file ends at byte %zu, its header at %llu", n,
                          (unsigned long long)length + 8);
    }
    st->header_bytes = length + 8;
    parser p = {.j = rz_json_open(data + 8, (size_t)length), .err = err};
    uint32_t count = read_tensors(&p, NULL);
    if (p.failed || !rz_json_done(&p.j)) return not_json(&p);
    if (count) {
        st->tensors = rz_block_alloc(allocator, (uint64_t)count * sizeof *st->tensors);
        if (!st->tensors) return rz_err_set(err, RZ_E_MEMORY, "no memory for %u tensors", count);
        st->n = count;
        p.j = rz_json_open(data + 8, (size_t)length);
        read_tensors(&p, st->tensors);
    }
    int result = place_tensors(st, err);
    if (result) rz_st_free(st);
    return result;
}

void rz_st_free(rz_safetensors *st) {
    rz_block_free(st->allocator, st->tensors, (uint64_t)st->n * sizeof *st->tensors);
    *st = (rz_safetensors){0};
}
