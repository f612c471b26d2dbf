/*
 * test_types_matmul.c: matrix products of every quantised type by every table that runs here:
 * against the dequantised weights in double precision, against the scalar table, in any company of
 * tokens and any split of the rows, with extreme weights and activations.
 *
 * No files, no threads: the same source checks the WebAssembly tables.
 */
#include <float.h>
#include <math.h>

#include "check.h"
#include "kern_case.h"
#include "types_case.h"

enum x_kind {
    XK_RANDOM,
    XK_ZERO,
    XK_EQUAL,
    XK_MINUS,
    XK_ALTERNATE,
    XK_SPIKE,
    XK_TINY,
    XK_HUGE,
    XK_KINDS
};

static void inputs(random_state *r, enum x_kind kind, float *x, size_t n) {
    static const float tiny[] = {0x1p-149f, 0x1p-130f, 0x1p-118f, 0x1p-110f};
    static const float huge[] = {0x1p60f, 0x1p80f, 0x1p90f, 1};
    for (size_t i = 0; i < n; i++) {
        x[i] = random_float(r);
        switch (kind) {
        case XK_ZERO:
            x[i] = x[i] < 0 ? -0.0f : 0.0f;
            break;
        case XK_EQUAL:
            x[i] = 3;
            break;
        case XK_MINUS:
            x[i] = -3;
            break;
        case XK_ALTERNATE:
            x[i] = i % 2 ? -0.7f : 0.7f;
            break;
        case XK_SPIKE:
            x[i] *= i % 32 == 5 ? 1000.0f : 0.01f;
            break;
        case XK_TINY:
            x[i] *= tiny[i / 32 % 4];
            break;
        case XK_HUGE:
            x[i] *= huge[i / 32 % 4];
            break;
        default:
            break;
        }
    }
}

typedef struct {
    uint32_t dtype, rows, cols, n;
    uint8_t *file;
    float *x;
} product;

static size_t row_bytes(const product *p) {
    const rz_dtype *t = rz_dtype_get(p->dtype);
    return (size_t)p->cols / t->block * t->block_bytes;
}

static product new_product(random_state *r, uint32_t dtype, uint32_t rows, uint32_t cols,
                           uint32_t n, enum types_kind weights, enum x_kind x) {
    product p = {.dtype = dtype, .rows = rows, .cols = cols, .n = n};
    const rz_dtype *t = rz_dtype_get(dtype);
    p.file = malloc(rows * row_bytes(&p));
    p.x = malloc((size_t)n * cols * sizeof *p.x);
    for (size_t b = 0; b < rows * row_bytes(&p) / t->block_bytes; b++) {
        types_block(r, weights, dtype, p.file + b * t->block_bytes);
    }
    inputs(r, x, p.x, (size_t)n * cols);
    return p;
}

static void free_product(product *p) {
    free(p->file), free(p->x);
}

enum { guard = 5 };

/* Tokens t0 .. t0 + n of the product by one table, `step` groups a call; rows of *ldy floats. */
static float *multiply(const rz_kern *k, const product *p, uint32_t t0, uint32_t n, uint32_t step,
                       size_t *ldy) {
    rz_mat m;
    uint8_t *data = case_pack(&m, k, p->dtype, p->rows, p->cols, p->file);
    case_act a =
        case_activations(k, p->x + (size_t)t0 * p->cols, n, p->cols, rz_dtype_get(p->dtype)->floats);
    const uint32_t groups = rz_mat_groups(&m), room = groups * k->nr;
    *ldy = room + guard;
    float *y = malloc(n * *ldy * sizeof *y);
    for (size_t i = 0; i < n * *ldy; i++) y[i] = NAN; /* sums must not start from what was there */
    for (uint32_t g = 0; g < groups; g += step) {
        k->matmul[p->dtype](&m, g, rz_min_u32(g + step, groups), &a.act, y, *ldy);
    }
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t i = room; i < *ldy; i++)
            CHECK(isnan(y[t * *ldy + i]), "column %u is written", i);
    }
    case_act_free(&a);
    free(data);
    return y;
}

/* The row of dequantised weights times the quantised activations or floats, and how far a correct
 * kernel may be from it: every term is rounded at most 4 times on its own, once in the weight itself,
 * and with every later addition (two for types with minima, of 16 columns at least; floats are added
 * within the 16 columns, too). What is rounded below the normal range, at most 2^20 integers times
 * 2^-149, may be multiplied by the largest half. */
typedef struct {
    double value, error, most;
} expected;

static expected expect(const product *p, uint32_t row, const float *x, const act_value *blocks) {
    const rz_dtype *t = rz_dtype_get(p->dtype);
    const uint8_t *block = p->file + row * row_bytes(p);
    expected e = {0, 0, 0};
    double sizes = 0, largest_half = 1;
    for (uint32_t c = 0; c < p->cols; c += t->block, block += t->block_bytes) {
        float w[RZ_BLOCK_MAX];
        rz_dtype_dequantize(t, block, w, t->block);
        for (int i = 0; i < types_halves(p->dtype); i++) {
            largest_half =
                fmax(largest_half, fabs(rz_f32_from_f16(types_half(p->dtype, block, i))));
        }
        for (uint32_t j = 0; j < t->block; j++) {
            const act_value *xb = &blocks[(c + j) / 32];
            double code, min, xj = t->floats ? x[c + j] : (double)xb->d * xb->q[(c + j) % 32];
            types_sizes(p->dtype, block, j, w[j], &code, &min);
            e.value += w[j] * xj;
            sizes += (code + min) * fabs(xj);
            e.most = fmax(e.most, t->floats ? fabs(xj) : 127 * (double)xb->d);
        }
    }
    const uint32_t additions = t->floats ? 16 + p->cols / 16 : 2 * p->cols / 16;
    e.error = 1.01 * (additions + 6) * 0x1p-24 * sizes +
              p->cols / 16 * 0x1p-129 * (1 + largest_half);
    /* the largest number that any order of operations meets */
    e.most = fmax(sizes, e.most * 0x1p14 * p->cols);
    return e;
}

static bool same_bits(float a, float b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool rounds_like_scalar(const rz_kern *k) {
    return strcmp(k->name, "scalar") == 0 || strcmp(k->name, "simd128") == 0;
}

static void compare(const rz_kern *k, const product *p, const float *y, size_t ldy,
                    const float *plain, size_t ldp, const char *what) {
    const char *name = rz_dtype_get(p->dtype)->name;
    case_act a = case_activations(k, p->x, p->n, p->cols, false);
    act_value *blocks = calloc(p->cols / 32, sizeof *blocks);
    for (uint32_t t = 0; t < p->n; t++) {
        for (uint32_t b = 0; b < p->cols / 32; b++) blocks[b] = case_act_read(k, &a, t, b);
        for (uint32_t r = 0; r < p->rows; r++) {
            expected e = expect(p, r, p->x + t * p->cols, blocks);
            float got = y[t * ldy + r], scalar = plain[t * ldp + r];
            if (e.most < FLT_MAX) {
                CHECK(fabs(got - e.value) <= e.error,
                      "%s %s %s: token %u row %u: %a is not %a within %a", k->name, name, what, t,
                      r, (double)got, e.value, e.error);
            }
            if (rounds_like_scalar(k)) {
                CHECK(same_bits(got, scalar) || (isnan(got) && isnan(scalar)),
                      "%s %s %s: token %u row %u: %a, scalar %a", k->name, name, what, t, r,
                      (double)got, (double)scalar);
            }
        }
    }
    free(blocks);
    case_act_free(&a);
}

static void extremes(const rz_kern *k, uint32_t dtype) {
    random_state r = {dtype * 7 + 1};
    const uint32_t block = rz_dtype_get(dtype)->block;
    CHECK(k->matmul[dtype], "%s has no product for type %u", k->name, dtype);
    for (int kind = 0; kind < T_KINDS * XK_KINDS && k->matmul[dtype]; kind++) {
        char what[64];
        size_t ldy, ldp;
        product p = new_product(&r, dtype, 9, block == 256 ? 512 : 3 * block, case_tokens(k, 5),
                                (enum types_kind)(kind / XK_KINDS), (enum x_kind)(kind % XK_KINDS));
        snprintf(what, sizeof what, "weights %d inputs %d", kind / XK_KINDS, kind % XK_KINDS);
        float *y = multiply(k, &p, 0, p.n, 1000, &ldy);
        float *plain = multiply(&rz_kern_scalar, &p, 0, p.n, 1000, &ldp);
        compare(k, &p, y, ldy, plain, ldp, what);
        free(y), free(plain);
        free_product(&p);
    }
}

/* Every number of tokens, every split of the rows, and panels that do not end with 256 columns: the
 * same bits for the same token. */
static void any_company(const rz_kern *k, uint32_t dtype) {
    random_state r = {dtype * 7 + 2};
    const uint32_t block = rz_dtype_get(dtype)->block;
    for (uint32_t n_blocks = 1; n_blocks <= (block == 256 ? 3 : 1024 / block); n_blocks += 2) {
        size_t ldy, ldp;
        product p = new_product(&r, dtype, 8 * 3 + 1, n_blocks * block, case_tokens(k, 11), T_RANDOM, XK_RANDOM);
        float *y = multiply(k, &p, 0, p.n, 1000, &ldy);
        float *plain = multiply(&rz_kern_scalar, &p, 0, p.n, 1000, &ldp);
        compare(k, &p, y, ldy, plain, ldp, "random");
        free(plain);
        for (uint32_t n = 1; n <= p.n; n++) {
            for (uint32_t t0 = 0; t0 + n <= p.n; t0 += n < 3 ? 1 : 3) {
                float *part = multiply(k, &p, t0, n, 1 + (t0 + n) % 3, &ldp);
                for (uint32_t t = 0; t < n; t++) {
                    CHECK(memcmp(part + t * ldp, y + (t0 + t) * ldy, p.rows * sizeof *y) == 0,
                          "%s type %u: token %u has other bits among %u", k->name, dtype, t0 + t,
                          n);
                }
                free(part);
            }
        }
        free(y);
        free_product(&p);
    }
}

/* A block of activations that holds NaN or infinity makes every result of its token NaN, and of no
 * other; where floats meet infinity, it may stay one. */
static void not_numbers(const rz_kern *k, uint32_t dtype) {
    random_state r = {dtype * 7 + 3};
    product p = new_product(&r, dtype, 8, 2 * 256, case_tokens(k, 6), T_RANDOM, XK_RANDOM);
    size_t ldy;
    p.x[2 * p.cols + 300] = NAN;
    p.x[5 * p.cols + 31] = INFINITY;
    float *y = multiply(k, &p, 0, p.n, 1000, &ldy);
    for (uint32_t t = 0; t < p.n; t++) {
        for (uint32_t i = 0; i < p.rows; i++) {
            float got = y[t * ldy + i];
            bool lost = rz_dtype_get(dtype)->floats ? !isfinite(got) : isnan(got);
            CHECK(lost == (t == 2 || t == 5), "%s type %u: token %u: %g", k->name, dtype, t,
                  (double)got);
        }
    }
    free(y);
    free_product(&p);
}

static void every_type(const rz_kern *k, const uint32_t *ids, int n) {
    for (int i = 0; i < n; i++) {
        const char *name = rz_dtype_get(ids[i])->name;
        const int before = checks_bad;
        extremes(k, ids[i]);
        any_company(k, ids[i]);
        not_numbers(k, ids[i]);
        if (checks_bad != before) printf("  in %s of table %s\n", name, k->name);
    }
}

/* A relaxed wasm build holds tables for other engines too: only the one that was chosen is right.
 */
int main(void) {
    uint32_t ids[RZ_DT_COUNT];
    const int n = types_quantised(ids);
    CHECK(n == 25, "%d quantised types", n);
    for (uint32_t bit = 1; bit; bit <<= 1) {
        const rz_kern *k = rz_kern_choose(bit, NULL);
        if (k) TEST(every_type, k, ids, n);
    }
    return check_summary("test_types_matmul");
}
