/* load.c: see load.h. Input is hostile; lengths were bounded when the jobs were made. */
#include "load.h"

#include "arena.h"
#include "dtype.h"
#include "err.h"
#include "json.h"

enum {
    first_header_bytes = 64 << 10,
    max_header_bytes = 512 << 20,
    staging_goal = 256 << 10 /* large enough to hide call costs, small beside any model */
};

int rz_load_stream_open(rz_load_stream *s, uint32_t parts, const rz_allocator *allocator,
                        rz_err *err) {
    *s = (rz_load_stream){.allocator = allocator, .err = err, .n_parts = parts};
    s->parts = rz_block_alloc(allocator, (parts + 1ull) * sizeof *s->parts);
    if (!s->parts) return rz_err_set(err, RZ_E_MEMORY, "no memory to load %u files", parts);
    memset(s->parts, 0, (parts + (size_t)1) * sizeof *s->parts);
    for (uint32_t i = 0; i < parts; i++) s->parts[i].file_size = UINT64_MAX;
    return RZ_OK;
}

static void free_jobs(rz_load_stream *s) {
    rz_block_free(s->allocator, s->jobs, (uint64_t)s->n_jobs * sizeof *s->jobs);
    rz_block_free(s->allocator, s->staging, s->staging_bytes);
    rz_block_free(s->allocator, s->convert, s->convert_bytes);
    s->jobs = NULL;
    s->staging = NULL;
    s->convert = NULL;
}

void rz_load_stream_close(rz_load_stream *s) {
    free_jobs(s);
    for (uint32_t i = 0; s->parts && i <= s->n_parts; i++) {
        rz_load_part *p = &s->parts[i];
        if (p->parsed && p->kind == RZ_PART_GGUF) rz_gguf_free(&p->gguf);
        if (p->parsed && p->kind == RZ_PART_SAFETENSORS) rz_st_free(&p->st);
        rz_block_free(s->allocator, p->bytes, p->capacity);
    }
    rz_block_free(s->allocator, s->parts, (s->n_parts + 1ull) * sizeof *s->parts);
    s->parts = NULL;
}

/* ---- headers ------------------------------------------------------------------------------- */

/* Makes room for at least one more byte, doubling, so that a lying length costs nothing. */
static int grow_header(rz_load_stream *s, rz_load_part *p) {
    uint64_t capacity = p->capacity ? p->capacity * 2 : first_header_bytes;
    if (p->file_size < capacity) capacity = p->file_size > p->have ? p->file_size : p->have + 1;
    if (capacity > max_header_bytes) {
        return rz_err_set(s->err, RZ_E_FORMAT, "the header of file %u is longer than %u MB",
                          s->current + 1, (unsigned)(max_header_bytes >> 20));
    }
    uint8_t *bytes = rz_block_alloc(s->allocator, capacity);
    if (!bytes) return rz_err_set(s->err, RZ_E_MEMORY, "no memory for the header of the file");
    if (p->bytes) memcpy(bytes, p->bytes, (size_t)p->have);
    rz_block_free(s->allocator, p->bytes, p->capacity);
    p->bytes = bytes;
    p->capacity = capacity;
    return RZ_OK;
}

int rz_load_header_next(rz_load_stream *s, rz_need *need) {
    rz_load_part *p = &s->parts[s->current];
    if (p->parsed) return RZ_DONE;
    if (p->have == p->capacity) {
        int result = grow_header(s, p);
        if (result) return result;
    }
    *need = (rz_need){.part = s->current,
                      .offset = p->have,
                      .length = (size_t)(p->capacity - p->have),
                      .dst = p->bytes + p->have};
    return RZ_NEED;
}

static bool looks_like_json(const uint8_t *bytes, uint64_t n) {
    uint64_t i = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* byte order mark */
    while (i < n && (bytes[i] == ' ' || bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\t')) i++;
    return i < n && bytes[i] == '{';
}

/* A JSON file is read whole and checked once; later walks over it cannot fail. */
static int parse_json(rz_load_stream *s, rz_load_part *p, bool complete) {
    if (!complete) return RZ_NEED;
    if (p->bytes[0] == 0xef) memset(p->bytes, ' ', 3);
    rz_json j = rz_json_open(p->bytes, (size_t)p->have);
    rz_json_skip(&j);
    if (rz_json_done(&j)) return RZ_OK;
    return rz_err_set(s->err, RZ_E_FORMAT, "file %u is not valid JSON at byte %zu", s->current + 1, j.at);
}

static int parse_safetensors(rz_load_stream *s, rz_load_part *p, bool complete) {
    int result = rz_st_parse(&p->st, p->bytes, (size_t)p->have, complete, s->allocator, s->err);
    const uint64_t size = p->file_size, described = p->st.file_bytes;
    if (result || size == UINT64_MAX || size == described) return result;
    rz_st_free(&p->st);
    return rz_err_set(s->err, size < described ? RZ_E_TRUNCATED : RZ_E_FORMAT,
                      "safetensors: the file has %llu bytes, its header describes %llu",
                      (unsigned long long)size, (unsigned long long)described);
}

static int parse_header(rz_load_stream *s, rz_load_part *p, bool complete) {
    if (rz_st_detect(p->bytes, (size_t)p->have)) {
        p->kind = RZ_PART_SAFETENSORS;
        return parse_safetensors(s, p, complete);
    }
    if (looks_like_json(p->bytes, p->have)) {
        p->kind = RZ_PART_JSON;
        return parse_json(s, p, complete);
    }
    p->kind = RZ_PART_GGUF;
    return rz_gguf_parse(&p->gguf, p->bytes, (size_t)p->have, complete, s->allocator, s->err);
}

int rz_load_header_feed(rz_load_stream *s, size_t bytes) {
    rz_load_part *p = &s->parts[s->current];
    p->have += bytes;
    if (bytes == 0) p->ended = true;
    bool complete = p->ended || p->have >= p->file_size;
    if (p->have < p->capacity && !complete) return RZ_OK;
    if (p->have == 0) return rz_err_set(s->err, RZ_E_TRUNCATED, "the file is empty");
    int result = parse_header(s, p, complete);
    if (result == RZ_OK) p->parsed = true;
    return result == RZ_NEED ? RZ_OK : result;
}

/* ---- tensor data --------------------------------------------------------------------------- */

static bool job_before(const rz_load_job *a, const rz_load_job *b) {
    return a->part != b->part ? a->part < b->part : a->offset < b->offset;
}

/* Heap sort: no recursion, no worst case. */
static void sift_down(rz_load_job *jobs, uint32_t i, uint32_t n) {
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= n) return;
        if (child + 1 < n && job_before(&jobs[child], &jobs[child + 1])) child++;
        if (!job_before(&jobs[i], &jobs[child])) return;
        rz_load_job swap = jobs[i];
        jobs[i] = jobs[child];
        jobs[child] = swap;
        i = child;
    }
}

static void sort_jobs(rz_load_job *jobs, uint32_t n) {
    for (uint32_t i = n / 2; i-- > 0;) sift_down(jobs, i, n);
    for (uint32_t end = n; end-- > 1;) {
        rz_load_job swap = jobs[0];
        jobs[0] = jobs[end];
        jobs[end] = swap;
        sift_down(jobs, 0, end);
    }
}

static uint64_t file_row_bytes(const rz_load_job *j) {
    uint64_t bytes = 0;
    if (j->plane) return j->cols / 32 * (j->plane == RZ_PLANE_CODES ? 16u : 1u);
    rz_dtype_row_bytes(rz_dtype_get(j->dtype), j->cols, &bytes);
    return bytes;
}

static bool converts(const rz_load_job *j) {
    return !j->is_vector && j->targets[0].mat.dtype != j->dtype;
}

/* Rows of the file until the targets are full. */
static uint64_t rows_of_stack(const rz_load_job *j) { return j->stack_rows ? j->stack_rows : j->rows; }

/* Bytes to collect before they are packed: whole groups of rows, about staging_goal of them. A
 * transposed matrix that is converted must be there as a whole. */
static uint64_t batch_bytes(const rz_load_job *j) {
    if (j->transposed && converts(j)) return rows_of_stack(j) * file_row_bytes(j);
    uint64_t group = file_row_bytes(j) * (j->is_vector || j->transposed ? 1 : j->targets[0].mat.nr);
    uint64_t groups = staging_goal / group;
    return group * (groups ? groups : 1);
}

/* Bytes to convert one row with: its floats and the row in the target's type; a transposed one
 * gathers each target's elements there. 0: neither. */
static uint64_t conversion_bytes(const rz_load_job *j) {
    const rz_mat *m = &j->targets[0].mat;
    uint64_t bytes = 0, most = 0;
    for (uint32_t i = 0; j->transposed && i < j->n_targets; i++) {
        if (j->targets[i].mat.rows > most) most = j->targets[i].mat.rows;
    }
    if (converts(j)) {
        rz_dtype_row_bytes(rz_dtype_get(m->dtype), m->cols, &bytes);
        bytes += (uint64_t)m->cols * sizeof(float);
    }
    return bytes > most * sizeof(float) ? bytes : most * sizeof(float);
}

int rz_load_data_begin(rz_load_stream *s, rz_load_job *jobs, uint32_t n) {
    s->jobs = jobs;
    s->n_jobs = n;
    s->job = 0;
    s->job_done = s->staged = s->staging_bytes = s->convert_bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        const rz_load_job *j = &jobs[i];
        if (j->offset + j->bytes > s->parts[j->part].file_size) {
            return rz_err_set(s->err, RZ_E_TRUNCATED,
                              "tensor '%.*s' ends at byte %llu of a file of %llu bytes",
                              (int)j->name_len, j->name, (unsigned long long)(j->offset + j->bytes),
                              (unsigned long long)s->parts[j->part].file_size);
        }
        uint64_t batch = batch_bytes(j), convert = conversion_bytes(j);
        if (batch > s->staging_bytes) s->staging_bytes = batch;
        if (convert > s->convert_bytes) s->convert_bytes = convert;
    }
    sort_jobs(jobs, n);
    for (uint32_t i = 1; i < n; i++) {
        const rz_load_job *a = &jobs[i - 1], *b = &jobs[i];
        if (a->part == b->part && a->offset + a->bytes > b->offset) {
            return rz_err_set(s->err, RZ_E_FORMAT, "tensors '%.*s' and '%.*s' overlap in the file",
                              (int)a->name_len, a->name, (int)b->name_len, b->name);
        }
    }
    if (n == 0) return RZ_OK;
    s->staging = rz_block_alloc(s->allocator, s->staging_bytes);
    if (s->convert_bytes) s->convert = rz_block_alloc(s->allocator, s->convert_bytes);
    if (!s->staging || (s->convert_bytes && !s->convert)) {
        return rz_err_set(s->err, RZ_E_MEMORY, "no memory to pack rows in");
    }
    return RZ_OK;
}

/* ---- from staging to the targets ------------------------------------------------------------ */

/* A stretch of rows of a job that goes to one target without a break. */
typedef struct {
    const rz_load_target *target;
    uint64_t stack; /* which of the stacked matrices */
    uint32_t row;   /* row of it */
    uint64_t n;
} stretch;

static stretch stretch_at(const rz_load_job *j, uint64_t row, uint64_t most) {
    uint64_t stack = j->stack_rows ? row / j->stack_rows : 0, turn_rows = 0;
    uint64_t in = j->stack_rows ? row % j->stack_rows : row;
    uint64_t left = (j->stack_rows ? j->stack_rows : j->rows) - in;
    for (uint32_t i = 0; i < j->n_targets; i++) turn_rows += j->targets[i].take;
    uint64_t turn = in / turn_rows, at = in % turn_rows;
    const rz_load_target *t = j->targets;
    for (; at >= t->take; t++) at -= t->take;
    uint64_t n = t->take - at;
    if (j->n_targets == 1) n = left; /* turns of one target follow each other */
    if (n > left) n = left;
    if (n > most) n = most;
    return (stretch){t, stack, (uint32_t)(turn * t->take + at), n};
}

/* Elements of a vector; returns the first that is not finite, or -1. */
static int64_t store_vector(const rz_load_job *j, const stretch *r, const uint8_t *from) {
    /* stacked targets take equal shares of each stack */
    float *out = (float *)r->target->dst + r->stack * (j->stack_rows / j->n_targets) + r->row;
    rz_dtype_dequantize(rz_dtype_get(j->dtype), from, out, (size_t)r->n);
    for (uint64_t i = 0; i < r->n; i++) {
        if (!(out[i] - out[i] == 0)) return (int64_t)i;
        out[i] += j->add;
    }
    return -1;
}

static bool all_finite(const float *x, uint32_t n) {
    bool finite = true;
    for (uint32_t i = 0; i < n; i++) finite &= x[i] - x[i] == 0;
    return finite;
}

/* The floats in s->convert become a row of a matrix; false if they cannot. */
static bool store_converted(rz_load_stream *s, const rz_mat *m, uint8_t *data, uint32_t row) {
    uint8_t *converted = (uint8_t *)(s->convert + m->cols);
    if (!all_finite(s->convert, m->cols)) return false;
    if (rz_quantize(m->dtype, s->convert, m->cols, converted, s->err) < 0) return false;
    rz_pack_rows(m, data, row, converted, 1);
    return true;
}

typedef struct {
    const rz_mat *m;
    uint8_t *data;
    uint32_t row, n;     /* rows row to row + n - 1 of the matrix */
    const uint8_t *from; /* row by row */
    uint64_t row_bytes;
    _Atomic uint32_t bad; /* the first that is not finite, counted from `row`; n: none */
} packing;

/* The rows of one group. */
static void pack_chunk(void *arg, uint32_t chunk) {
    packing *p = arg;
    const uint32_t first = p->row / p->m->nr * p->m->nr + chunk * p->m->nr;
    const uint32_t start = first > p->row ? first - p->row : 0, end = rz_min_u32(first + p->m->nr - p->row, p->n);
    const int at = rz_pack_rows(p->m, p->data, p->row + start, p->from + start * p->row_bytes, end - start);
    uint32_t bad = p->bad;
    while (at >= 0 && start + (uint32_t)at < bad && !atomic_compare_exchange_weak(&p->bad, &bad, start + (uint32_t)at)) {
    }
}

static int64_t pack_rows(rz_load_stream *s, const rz_load_job *j, const stretch *r, uint8_t *data, const uint8_t *from) {
    const rz_mat *m = &r->target->mat;
    packing p = {.m = m, .data = data, .row = r->row, .n = (uint32_t)r->n, .from = from,
                 .row_bytes = file_row_bytes(j), .bad = (uint32_t)r->n};
    rz_pool_run(s->pool, (p.row + p.n - 1) / m->nr - p.row / m->nr + 1, pack_chunk, &p);
    return p.bad < p.n ? (int64_t)p.bad : -1;
}

/* Rows of a matrix, converted where the types differ; returns the first bad one, or -1. */
static int64_t store_rows(rz_load_stream *s, const rz_load_job *j, const stretch *r,
                          const uint8_t *from) {
    const rz_mat *m = &r->target->mat;
    uint8_t *data = r->target->dst + r->stack * rz_mat_bytes(m);
    if (!converts(j) && !j->plane) return pack_rows(s, j, r, data, from);
    for (uint64_t i = 0; i < r->n; i++, from += file_row_bytes(j)) {
        uint32_t row = r->row + (uint32_t)i;
        bool good;
        if (j->plane) {
            good = rz_pack_mxfp4_plane(m, data, row, from, j->plane == RZ_PLANE_SCALES);
        } else {
            rz_dtype_dequantize(rz_dtype_get(j->dtype), from, s->convert, m->cols);
            good = store_converted(s, m, data, row);
        }
        if (!good) return (int64_t)i;
    }
    return -1;
}

/* Where in a row of a transposed tensor the elements of one target lie: `take` of each turn. */
typedef struct {
    uint32_t before, take, turn;
} dealing;

static dealing dealing_of(const rz_load_job *j, uint32_t target) {
    dealing d = {0, j->targets[target].take, 0};
    for (uint32_t i = 0; i < j->n_targets; i++) {
        if (i < target) d.before += j->targets[i].take;
        d.turn += j->targets[i].take;
    }
    return d;
}

static size_t dealt_at(const dealing *d, uint32_t row) {
    return (size_t)(row / d->take) * d->turn + d->before + row % d->take;
}

/* One row of the file, which is a column of all targets. */
static int64_t store_column(rz_load_stream *s, const rz_load_job *j, uint64_t row,
                            const uint8_t *from) {
    const uint32_t size = rz_dtype_get(j->dtype)->block_bytes;
    const uint64_t stack = row / rows_of_stack(j), column = row % rows_of_stack(j);
    uint8_t *gathered = (uint8_t *)s->convert;
    for (uint32_t i = 0; i < j->n_targets; i++) {
        const rz_load_target *t = &j->targets[i];
        const dealing d = dealing_of(j, i);
        for (uint32_t r = 0; r < t->mat.rows; r++) {
            memcpy(gathered + (size_t)r * size, from + dealt_at(&d, r) * size, size);
        }
        uint8_t *data = t->dst + stack * rz_mat_bytes(&t->mat);
        if (rz_pack_column(&t->mat, data, (uint32_t)column, gathered) >= 0) return 0;
    }
    return -1;
}

/* All rows of the file for one stack of targets of another type. */
static int64_t store_transposed(rz_load_stream *s, const rz_load_job *j, uint64_t first) {
    const rz_dtype *type = rz_dtype_get(j->dtype);
    const uint64_t row_bytes = file_row_bytes(j), stack = first / rows_of_stack(j);
    for (uint32_t i = 0; i < j->n_targets; i++) {
        const rz_load_target *t = &j->targets[i];
        const dealing d = dealing_of(j, i);
        for (uint32_t r = 0; r < t->mat.rows; r++) {
            const uint8_t *from = s->staging + dealt_at(&d, r) * type->block_bytes;
            for (uint32_t c = 0; c < t->mat.cols; c++) {
                rz_dtype_dequantize(type, from + c * row_bytes, &s->convert[c], 1);
            }
            if (!store_converted(s, &t->mat, t->dst + stack * rz_mat_bytes(&t->mat), r)) return 0;
        }
    }
    return -1;
}

/* Moves the staged bytes to their place. */
static int pack_staged(rz_load_stream *s) {
    const rz_load_job *j = &s->jobs[s->job];
    const uint64_t row_bytes = file_row_bytes(j), first = s->job_done / row_bytes;
    const uint64_t rows = s->staged / row_bytes;
    for (uint64_t done = 0; done < rows;) {
        const uint8_t *from = s->staging + done * row_bytes;
        stretch r = {NULL, 0, 0, 1};
        int64_t bad;
        if (j->transposed && converts(j)) {
            r.n = rows;
            bad = store_transposed(s, j, first);
        } else if (j->transposed) {
            bad = store_column(s, j, first + done, from);
        } else {
            r = stretch_at(j, first + done, rows - done);
            bad = j->is_vector ? store_vector(j, &r, from) : store_rows(s, j, &r, from);
        }
        if (bad >= 0) {
            return rz_err_set(s->err, RZ_E_VALUE, "tensor '%.*s' holds NaN or infinity in %s %llu",
                              (int)j->name_len, j->name, j->is_vector ? "element" : "row",
                              (unsigned long long)(first + done + (uint64_t)bad));
        }
        done += r.n;
    }
    s->job_done += s->staged;
    s->staged = 0;
    return RZ_OK;
}

static int staged_more(rz_load_stream *s, uint64_t bytes) {
    const rz_load_job *j = &s->jobs[s->job];
    s->staged += bytes;
    if (s->staged < s->batch && s->job_done + s->staged < j->bytes) return RZ_OK;
    int result = pack_staged(s);
    if (result == RZ_OK && s->job_done == j->bytes) {
        s->job++;
        s->job_done = 0;
    }
    return result;
}

int rz_load_data_next(rz_load_stream *s, rz_need *need) {
    while (s->job < s->n_jobs) {
        const rz_load_job *j = &s->jobs[s->job];
        const rz_load_part *p = &s->parts[j->part];
        s->batch = batch_bytes(j);
        uint64_t at = j->offset + s->job_done + s->staged;
        uint64_t left = j->bytes - s->job_done - s->staged, room = s->batch - s->staged;
        uint64_t length = left < room ? left : room;
        if (at >= p->have) {
            *need = (rz_need){.part = j->part,
                              .offset = at,
                              .length = (size_t)length,
                              .dst = s->staging + s->staged};
            return RZ_NEED;
        }
        /* these bytes came along with the header */
        if (length > p->have - at) length = p->have - at;
        memcpy(s->staging + s->staged, p->bytes + at, (size_t)length);
        int result = staged_more(s, length);
        if (result) return result;
    }
    return RZ_DONE;
}

int rz_load_data_feed(rz_load_stream *s, size_t bytes) {
    const rz_load_job *j = &s->jobs[s->job];
    if (bytes == 0) {
        return rz_err_set(s->err, RZ_E_TRUNCATED,
                          "the file ends at byte %llu, inside tensor '%.*s', which ends at %llu",
                          (unsigned long long)(j->offset + s->job_done + s->staged),
                          (int)j->name_len, j->name, (unsigned long long)(j->offset + j->bytes));
    }
    return staged_more(s, bytes);
}
