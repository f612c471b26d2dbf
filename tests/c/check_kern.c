/*
 * check_kern.c: every kernel of every table that runs here against the scalar table and against
 * sums in double precision, on random and on extreme inputs. `--bench` measures the kernels
 * instead.
 *
 * No files, no threads: the same source checks the WebAssembly tables. Bounds are derived in
 * kern_case.c and beside their use; tables that do not fuse multiply-add must agree bit for bit.
 */
#include <float.h>
#include <math.h>

#include "../../src/kern/fmath.h"
#include "bench_kern.h"
#include "check.h"
#include "kern_case.h"

/* Same bits, or both NaN. */
static bool same_floats(const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (rz_bits_from_f32(a[i]) != rz_bits_from_f32(b[i]) && !(isnan(a[i]) && isnan(b[i]))) {
            return false;
        }
    }
    return true;
}

/* Does every step of this table round as the scalar one does? */
static bool rounds_like_scalar(const rz_kern *k) {
    return strcmp(k->name, "scalar") == 0 || strcmp(k->name, "simd128") == 0;
}

static float *new_floats(size_t n) {
    return malloc((n ? n : 1) * sizeof(float));
}

/* ---- quantised activations ------------------------------------------------------------------ */

static void act_equal(const rz_kern *k, const float *x, uint32_t n, uint32_t cols, int kind) {
    case_act mine = case_activations(k, x, n, cols, false);
    case_act plain = case_activations(&rz_kern_scalar, x, n, cols, false);
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t b = 0; b < cols / 32; b++) {
            act_value a = case_act_read(k, &mine, t, b),
                      s = case_act_read(&rz_kern_scalar, &plain, t, b);
            CHECK(same_floats(&a.d, &s.d, 1), "kind %d n %u token %u block %u: d %a, %a", kind, n,
                  t, b, (double)a.d, (double)s.d);
            CHECK(same_floats(&a.ds, &s.ds, 1), "kind %d n %u token %u block %u: ds", kind, n, t,
                  b);
            CHECK(a.ns[0] == s.ns[0] && a.ns[1] == s.ns[1], "kind %d token %u: sums %d %d, %d %d",
                  kind, t, a.ns[0], a.ns[1], s.ns[0], s.ns[1]);
            CHECK(memcmp(a.q, s.q, 32) == 0, "kind %d n %u token %u block %u: q", kind, n, t, b);
        }
    }
    case_act_free(&mine), case_act_free(&plain);
}

/* x is within half a step of d q, q within +-127, and the sums are those of q. */
static void act_right(const float *x, uint32_t cols) {
    case_act plain = case_activations(&rz_kern_scalar, x, 1, cols, false);
    for (uint32_t b = 0; b < cols / 32; b++) {
        act_value a = case_act_read(&rz_kern_scalar, &plain, 0, b);
        int32_t sums[2] = {0, 0};
        for (uint32_t j = 0; j < 32; j++) {
            double want = x[b * 32 + j], got = (double)a.d * a.q[j];
            /* half a step, and what rounding of 127 / amax and of the product moves; a block whose
             * values are all below 2^-119 is zero */
            double bound = fmax(0.5 * a.d + 127 * a.d * 0x1p-22, a.d == 0 ? 0x1p-119 : 0);
            CHECK(fabs(got - want) <= bound, "%a becomes %a", want, got);
            CHECK(a.q[j] >= -127, "code %d", a.q[j]);
            sums[j / 16] -= a.q[j];
        }
        CHECK(a.ns[0] == sums[0] && a.ns[1] == sums[1], "sums of block %u", b);
        CHECK(a.ds == a.d * (float)-(sums[0] + sums[1]), "ds of block %u", b);
    }
    case_act_free(&plain);
}

static void activations(const rz_kern *k) {
    enum { cols = 256 };
    random_state r = {11};
    for (int kind = 0; kind < X_KINDS; kind++) {
        for (uint32_t n = 1; n <= 21; n++) {
            float *x = new_floats((size_t)n * cols);
            case_inputs(&r, (enum act_kind)kind, x, (size_t)n * cols);
            act_equal(k, x, n, cols, kind);
            for (uint32_t t = 0; t < n; t++) act_right(x + t * cols, cols);
            free(x);
        }
    }
}

/* A block that holds NaN or infinity must not become numbers: its scale is NaN, and so is every
 * result computed with it. */
static void activations_not_finite(const rz_kern *k) {
    static const float specials[] = {NAN, -NAN, INFINITY, -INFINITY};
    enum { cols = 64 };
    random_state r = {12};
    for (uint32_t n = 1; n <= 16; n += n < 5 ? 1 : 11) {
        for (uint32_t at = 0; at < 32; at++) {
            float *x = new_floats((size_t)n * cols);
            case_inputs(&r, X_RANDOM, x, (size_t)n * cols);
            for (uint32_t t = 0; t < n; t++) x[t * cols + 32 + at] = specials[(t + at) % 4];
            act_equal(k, x, n, cols, 100 + (int)at);
            case_act a = case_activations(k, x, n, cols, false);
            for (uint32_t t = 0; t < n; t++) {
                CHECK(isfinite(case_act_read(k, &a, t, 0).d), "the block beside it");
                CHECK(isnan(case_act_read(k, &a, t, 1).d), "special %u at %u", (t + at) % 4, at);
            }
            case_act_free(&a);
            free(x);
        }
    }
}

/* ---- matrix products ------------------------------------------------------------------------ */

typedef struct {
    uint32_t dtype, rows, cols, n;
    const uint8_t *file;
    const float *x;
} product_case;

enum { guard = 3, guard_rows = 4 };

/* y of all tokens by one table, with guard floats behind every row and rows behind the last token
 * that must survive. */
static float *multiply(const rz_kern *k, const product_case *c, uint32_t step, size_t *ldy) {
    rz_mat m;
    const bool floats = rz_dtype_get(c->dtype)->floats;
    uint8_t *data = case_pack(&m, k, c->dtype, c->rows, c->cols, c->file);
    case_act a = case_activations(k, c->x, c->n, c->cols, floats);
    const uint32_t groups = rz_mat_groups(&m), room = groups * k->nr;
    *ldy = room + guard;
    float *y = new_floats((c->n + guard_rows) * *ldy);
    for (size_t i = 0; i < (c->n + guard_rows) * *ldy; i++) y[i] = -12345;
    for (uint32_t g = 0; g < groups; g += step) {
        k->matmul[c->dtype](&m, g, rz_min_u32(g + step, groups), &a.act, y, *ldy);
    }
    for (uint32_t t = 0; t < c->n + guard_rows; t++) {
        for (uint32_t i = t < c->n ? room : 0; i < room + guard; i++) {
            CHECK(y[t * *ldy + i] == -12345, "token %u of %u: column %u is written", t, c->n, i);
        }
    }
    case_act_free(&a);
    free(data);
    return y;
}

/* Results against double, and against the scalar table. */
static void compare_sums(const rz_kern *k, const product_case *c, const float *y, size_t ldy,
                         const float *plain, size_t ldp) {
    const bool floats = rz_dtype_get(c->dtype)->floats;
    const size_t row_bytes =
        (size_t)c->cols / rz_dtype_get(c->dtype)->block * rz_dtype_get(c->dtype)->block_bytes;
    case_act a = case_activations(k, c->x, c->n, c->cols, floats);
    act_value *blocks = calloc(c->cols / 32 + 1, sizeof *blocks);
    for (uint32_t t = 0; t < c->n; t++) {
        for (uint32_t b = 0; !floats && b < c->cols / 32; b++)
            blocks[b] = case_act_read(k, &a, t, b);
        for (uint32_t r = 0; r < c->rows; r++) {
            case_sum s = case_dot(c->dtype, c->file + r * row_bytes, c->cols,
                                  c->x + (size_t)t * c->cols, blocks);
            float got = y[t * ldy + r], want = plain[t * ldp + r];
            if (s.largest > 2.0 * FLT_MAX) { /* a scale of weights times one of activations may: then even 0 times it */
                CHECK(!isfinite(got) && !isfinite(want), "token %u row %u: %a and %a should overflow", t, r, (double)got,
                      (double)want);
            } else if (s.most < FLT_MAX / 2) {
                CHECK(fabs(got - s.value) <= s.error, "token %u row %u: %a is not %a within %a", t,
                      r, (double)got, s.value, s.error);
                CHECK(fabs((double)got - want) <= 2 * s.error, "token %u row %u: scalar has %a", t,
                      r, (double)want);
            }
        }
        if (rounds_like_scalar(k)) {
            CHECK(same_floats(y + t * ldy, plain + t * ldp, c->rows), "token %u: other bits", t);
        }
    }
    free(blocks);
    case_act_free(&a);
}

/* The row of a token has the same bits alone and in any company, whole or group by group. */
static void same_in_any_batch(const rz_kern *k, const product_case *c, const float *y, size_t ldy) {
    for (uint32_t n = 1; n < c->n; n++) {
        for (uint32_t t0 = 0; t0 + n <= c->n; t0 += n == 1 ? 1 : c->n - n) {
            product_case part = *c;
            size_t ldp;
            part.n = n;
            part.x += (size_t)t0 * c->cols;
            float *p = multiply(k, &part, n % 2 ? 1 : 1000, &ldp);
            for (uint32_t t = 0; t < n; t++) {
                CHECK(same_floats(p + t * ldp, y + (t0 + t) * ldy, c->rows),
                      "token %u of %u has other bits among %u", t0 + t, c->n, n);
            }
            free(p);
        }
    }
}

/* AMX multiplies, and AVX-512 would have summed the same. */
static void like_avx512(const rz_kern *k, const product_case *c, const float *y, size_t ldy) {
    const rz_kern *avx512 = strcmp(k->name, "amx") == 0 ? rz_kern_choose(RZ_KERN_AVX512, NULL) : NULL;
    if (!avx512) return;
    size_t ldp;
    float *p = multiply(avx512, c, 1000, &ldp);
    for (uint32_t t = 0; t < c->n; t++) {
        CHECK(same_floats(p + t * ldp, y + t * ldy, c->rows), "token %u has other bits with AVX-512", t);
    }
    free(p);
}

static void one_product(const rz_kern *k, product_case *c, bool in_any_batch) {
    size_t ldy, ldp;
    float *y = multiply(k, c, 1000, &ldy), *plain = multiply(&rz_kern_scalar, c, 1000, &ldp);
    compare_sums(k, c, y, ldy, plain, ldp);
    like_avx512(k, c, y, ldy);
    if (in_any_batch) same_in_any_batch(k, c, y, ldy);
    free(y), free(plain);
}

static void products(const rz_kern *k, uint32_t dtype) {
    /* the third: more groups than any table computes side by side and reads by turns, and a rest of columns */
    static const uint32_t rows[] = {1, 8, 72, 17};
    static const uint32_t cols_of[3][4] = {
        {1, 8, 172, 256}, {32, 64, 288, 512}, {256, 512, 768, 1024}};
    const rz_dtype *t = rz_dtype_get(dtype);
    const uint32_t *cols = cols_of[t->block == 1 ? 0 : t->block == 32 ? 1 : 2];
    random_state r = {dtype};
    if (!k->matmul[dtype]) {
        CHECK(false, "%s has no product for %s", k->name, t->name);
        return;
    }
    for (int shape = 0; shape < 4; shape++) {
        for (int kind = 0; kind < W_KINDS * X_KINDS; kind++) {
            product_case c = {.dtype = dtype, .rows = rows[shape], .cols = cols[shape], .n = case_tokens(k, 9)};
            uint8_t *file = malloc((size_t)c.rows * (c.cols / t->block) * t->block_bytes);
            float *x = new_floats((size_t)c.n * c.cols);
            case_weights(&r, (enum weight_kind)(kind / X_KINDS), dtype, file,
                         (size_t)c.rows * c.cols);
            case_inputs(&r, (enum act_kind)(kind % X_KINDS), x, (size_t)c.n * c.cols);
            c.file = file;
            c.x = x;
            one_product(k, &c, true);
            free(file), free(x);
        }
    }
}

/* As many tokens as a prompt has, and more than any table takes at once. */
static void product_of_many(const rz_kern *k, uint32_t dtype) {
    enum { rows = 17, cols = 512, n = 150 };
    const rz_dtype *t = rz_dtype_get(dtype);
    random_state r = {dtype + 90};
    uint8_t *file = malloc((size_t)rows * (cols / t->block) * t->block_bytes);
    float *x = new_floats((size_t)n * cols);
    product_case c = {.dtype = dtype, .rows = rows, .cols = cols, .n = n, .file = file, .x = x};
    case_weights(&r, W_RANDOM, dtype, file, (size_t)rows * cols);
    case_inputs(&r, X_RANDOM, x, (size_t)n * cols);
    one_product(k, &c, false);
    free(file), free(x);
}

/* The model of kern_case.c is the product with the dequantised row. */
static void model_is_dequantized(uint32_t dtype) {
    enum { cols = 512 };
    random_state r = {dtype + 50};
    const rz_dtype *t = rz_dtype_get(dtype);
    for (int i = 0; i < 50; i++) {
        uint8_t *file = malloc(cols / t->block * t->block_bytes);
        float x[cols], w[cols];
        act_value blocks[cols / 32];
        double want = 0, sizes = 0;
        case_weights(&r, W_RANDOM, dtype, file, cols);
        case_inputs(&r, X_RANDOM, x, cols);
        case_act a = case_activations(&rz_kern_scalar, x, 1, cols, false);
        for (uint32_t b = 0; b < cols / 32; b++)
            blocks[b] = case_act_read(&rz_kern_scalar, &a, 0, b);
        rz_dtype_dequantize(t, file, w, cols);
        for (int c = 0; c < cols; c++) {
            double xc = t->block == 1 ? x[c] : (double)blocks[c / 32].d * blocks[c / 32].q[c % 32];
            want += w[c] * xc;
            sizes += fabs(w[c] * xc);
        }
        case_sum s = case_dot(dtype, file, cols, x, blocks);
        /* dequantising rounds each weight to float, Q4_K before its two parts cancel */
        CHECK(fabs(s.value - want) <= s.error + 0x1p-22 * sizes, "%s: %a is not %a", t->name,
              s.value, want);
        case_act_free(&a);
        free(file);
    }
}

/* ---- norms and SwiGLU ----------------------------------------------------------------------- */

static void check_norm(const rz_kern *k, const float *x, const float *w, uint32_t n, float eps) {
    float *y = new_floats(n), *plain = new_floats(n), *in_place = new_floats(n);
    double squares = 0;
    for (uint32_t i = 0; i < n; i++) squares += (double)x[i] * x[i];
    double scale = 1 / sqrt(squares / n + eps);
    /* additions: n / 8 per lane and 3 over lanes, halved by the root; 6 other roundings */
    double error = (n / 16.0 + 9) * 0x1p-24;
    k->rmsnorm(y, x, w, n, eps);
    rz_kern_scalar.rmsnorm(plain, x, w, n, eps);
    for (uint32_t i = 0; i < n; i++) {
        double want = x[i] * scale * w[i];
        CHECK(fabs(y[i] - want) <= error * fabs(want) + 0x1p-126, "n %u: %a is not %a", n,
              (double)y[i], want);
        CHECK(fabs(y[i] - plain[i]) <= 2 * error * fabs(want) + 0x1p-126, "n %u: scalar %a", n,
              (double)plain[i]);
    }
    if (rounds_like_scalar(k)) CHECK(same_floats(y, plain, n), "n %u: other bits", n);
    memcpy(in_place, x, n * sizeof *x);
    k->rmsnorm(in_place, in_place, w, n, eps);
    CHECK(same_floats(in_place, y, n), "n %u: in place", n);
    free(y), free(plain), free(in_place);
}

static void norms(const rz_kern *k) {
    static const uint32_t widths[] = {1, 7, 8, 9, 64, 172, 288, 1024, 4096};
    static const float sizes[] = {1, 1e-15f, 1e-3f, 1e3f, 1e15f};
    random_state r = {21};
    for (int i = 0; i < 9; i++) {
        for (int j = 0; j < 5; j++) {
            float *x = new_floats(widths[i]), *w = new_floats(widths[i]);
            for (uint32_t c = 0; c < widths[i]; c++) x[c] = random_float(&r) * sizes[j];
            for (uint32_t c = 0; c < widths[i]; c++) w[c] = random_float(&r) * 3;
            check_norm(k, x, w, widths[i], 1e-5f);
            check_norm(k, x, w, widths[i], 1e-12f);
            free(x), free(w);
        }
    }
}

/* Squares that overflow, and inputs that are no numbers, give no number. */
static void norms_not_finite(const rz_kern *k) {
    static const float specials[] = {1e30f, NAN, INFINITY, -INFINITY};
    float x[21], w[21], y[21];
    for (int s = 0; s < 4; s++) {
        for (int at = 0; at < 21; at++) {
            for (int i = 0; i < 21; i++) x[i] = w[i] = 1;
            x[at] = specials[s];
            k->rmsnorm(y, x, w, 21, 1e-5f);
            for (int i = 0; i < 21; i++)
                CHECK(isnan(y[i]), "special %d at %d: %g", s, at, (double)y[i]);
        }
    }
}

static void swiglu(const rz_kern *k) {
    static const float sizes[] = {1, 10, 100, 1e4f, 1e20f, 1e-20f};
    random_state r = {22};
    for (uint32_t n = 1; n <= 200; n = n * 2 + 1) {
        for (int j = 0; j < 6; j++) {
            float *g = new_floats(n), *up = new_floats(n), *y = new_floats(n),
                  *plain = new_floats(n);
            for (uint32_t i = 0; i < n; i++)
                g[i] = random_float(&r) * sizes[j], up[i] = random_float(&r);
            k->silu_mul(y, g, up, n);
            rz_kern_scalar.silu_mul(plain, g, up, n);
            for (uint32_t i = 0; i < n; i++) {
                double want = g[i] / (1 + exp(-(double)g[i])) * up[i];
                /* exp is off by 2e-7, three more roundings; past exp(88) the engine stays there, so
                 * a gate below -88 is divided by 2^126.9 instead of becoming 0 */
                double error = 4e-7 * fabs(want) + fabs((double)g[i] * up[i]) * 0x1p-126 + 0x1p-126;
                CHECK(fabs(y[i] - want) <= error, "silu(%g) %g: %g is not %g", (double)g[i],
                      (double)up[i], (double)y[i], want);
                CHECK(fabs(y[i] - plain[i]) <= 2 * error, "silu(%g): scalar", (double)g[i]);
            }
            if (rounds_like_scalar(k)) CHECK(same_floats(y, plain, n), "n %u: other bits", n);
            memcpy(plain, g, n * sizeof *g);
            k->silu_mul(plain, plain, up, n);
            CHECK(same_floats(plain, y, n), "n %u: in place", n);
            free(g), free(up), free(y), free(plain);
        }
    }
    float g[9] = {NAN, 1, 1, 1, 1, 1, 1, 1, NAN}, up[9] = {1, NAN, 1, 1, 1, 1, 1, 1, 1}, y[9];
    k->silu_mul(y, g, up, 9);
    CHECK(isnan(y[0]) && isnan(y[1]) && isnan(y[8]) && !isnan(y[2]), "NaN stays NaN");
}

/* ---- attention ------------------------------------------------------------------------------ */

enum { max_queries = RZ_ATTN_QUERIES };
static const uint32_t limits[max_queries] = {1,   31,  32,  33,  511, 512, 513, 700,
                                             700, 700, 700, 700, 700, 700, 700, 700};

/* Keys and values of one head in the layout of a table. */
typedef struct {
    uint32_t hd, width, kv_type;
    uint8_t *k, *v;
    float q[max_queries][128];
} attn_case;

static void put(uint8_t *p, size_t i, uint32_t kv_type, float x) {
    if (kv_type == RZ_KV_F16) {
        rz_store_u16(p + 2 * i, rz_f16_from_f32(x));
    } else {
        rz_store_u32(p + 4 * i, rz_bits_from_f32(x));
    }
}

static float get(const uint8_t *p, size_t i, uint32_t kv_type) {
    return kv_type == RZ_KV_F16 ? rz_f32_from_f16(rz_load_u16(p + 2 * i)) : rz_load_f32(p + 4 * i);
}

static size_t key_at(const rz_kern *t, uint32_t hd, uint32_t key, uint32_t d) {
    return ((size_t)(key / t->nr) * hd + d) * t->nr + key % t->nr;
}

/* The first n_keys keys are random, the rest of the last group is `fill`. */
static attn_case attn_new(const rz_kern *t, uint32_t hd, uint32_t kv_type, uint32_t n_keys,
                          float q_size, uint8_t fill) {
    random_state r = {hd * 7 + kv_type};
    const size_t element = kv_type == RZ_KV_F16 ? 2 : 4, keys = rz_round_up(n_keys, t->nr);
    attn_case c = {.hd = hd, .width = rz_round_up(hd, t->nr), .kv_type = kv_type};
    c.k = malloc(keys * hd * element);
    c.v = malloc(keys * c.width * element);
    memset(c.k, fill, keys * hd * element);
    memset(c.v, fill, keys * c.width * element);
    for (uint32_t key = 0; key < limits[max_queries - 1]; key++) {
        for (uint32_t d = 0; d < c.width; d++) {
            /* the same numbers whatever the table pads to */
            float kd = d < hd ? random_float(&r) : 0, vd = d < hd ? random_float(&r) : 0;
            if (key >= n_keys) continue;
            if (d < hd) put(c.k, key_at(t, hd, key, d), kv_type, kd);
            put(c.v, (size_t)key * c.width + d, kv_type, vd);
        }
    }
    for (uint32_t i = 0; i < max_queries; i++) {
        for (uint32_t d = 0; d < hd; d++) c.q[i][d] = random_float(&r) * q_size;
    }
    return c;
}

static void attn_free(attn_case *c) {
    free(c->k), free(c->v);
}

/* Queries first .. first + n of the case by one table, chunks merged in double. Rows of 128. */
static void attn_run(const rz_kern *t, const attn_case *c, uint32_t first, uint32_t n,
                     double *out) {
    const float *q[max_queries];
    float *rows[max_queries], max[max_queries], sum[max_queries];
    double most[max_queries], total[max_queries] = {0};
    for (uint32_t i = 0; i < n; i++) q[i] = c->q[first + i], rows[i] = new_floats(c->width);
    rz_attn a = {.k = c->k,
                 .v = c->v,
                 .kv_type = c->kv_type,
                 .head_dim = c->hd,
                 .n_q = n,
                 .q = q,
                 .limit = limits + first,
                 .out = rows,
                 .max = max,
                 .sum = sum};
    for (uint32_t chunk = 0; chunk * RZ_KEY_CHUNK < limits[first + n - 1]; chunk++) {
        t->attend(&a, chunk);
        for (uint32_t i = 0; i < n; i++) {
            if (limits[first + i] <= chunk * RZ_KEY_CHUNK) continue;
            double now = chunk ? fmax(most[i], max[i]) : max[i];
            double keep = chunk ? exp(most[i] - now) : 0, add = exp(max[i] - now);
            for (uint32_t d = 0; d < c->hd; d++) {
                double before = chunk ? out[i * 128 + d] * keep : 0;
                out[i * 128 + d] = before + rows[i][d] * add;
            }
            total[i] = total[i] * keep + sum[i] * add;
            most[i] = now;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t d = 0; d < c->hd; d++) out[i * 128 + d] /= total[i];
        free(rows[i]);
    }
}

/* One query in double, and how far floats may be from it. */
static double attn_model(const rz_kern *t, const attn_case *c, uint32_t i, double *out) {
    double s[700], most = -INFINITY, sizes = 0, total = 0;
    for (uint32_t key = 0; key < limits[i]; key++) {
        double abs_sum = 0;
        s[key] = 0;
        for (uint32_t d = 0; d < c->hd; d++) {
            double term = (double)get(c->k, key_at(t, c->hd, key, d), c->kv_type) * c->q[i][d];
            s[key] += term;
            abs_sum += fabs(term);
        }
        sizes = fmax(sizes, abs_sum);
        most = fmax(most, s[key]);
    }
    for (uint32_t d = 0; d < c->hd; d++) out[d] = 0;
    for (uint32_t key = 0; key < limits[i]; key++) {
        double p = exp(s[key] - most);
        total += p;
        for (uint32_t d = 0; d < c->hd; d++) {
            out[d] += p * get(c->v, (size_t)key * c->width + d, c->kv_type);
        }
    }
    for (uint32_t d = 0; d < c->hd; d++) out[d] /= total;
    /* scores round hd + 2 times; exp is off by 2e-7 once per block of keys on the way to the end,
     * and its argument by 2^-24 of at most 87; sums over keys round once per key. All of it counts
     * twice: in the weighted sum and in the total. Values are at most 1 in size. */
    double blocks = limits[i] / 32.0 + 2;
    return 2 *
           (2 * (c->hd + 2) * 0x1p-24 * sizes + blocks * 3e-7 + 87 * 0x1p-24 + limits[i] * 0x1p-24);
}

static void attention(const rz_kern *t, uint32_t hd, uint32_t kv_type, float q_size) {
    attn_case c = attn_new(t, hd, kv_type, 700, q_size, 0xff);
    attn_case p = attn_new(&rz_kern_scalar, hd, kv_type, 700, q_size, 0xff);
    static double got[max_queries * 128], plain[max_queries * 128], want[128], alone[128];
    attn_run(t, &c, 0, max_queries, got);
    attn_run(&rz_kern_scalar, &p, 0, max_queries, plain);
    for (uint32_t i = 0; i < max_queries; i++) {
        double error = attn_model(t, &c, i, want);
        for (uint32_t d = 0; d < hd; d++) {
            CHECK(fabs(got[i * 128 + d] - want[d]) <= error,
                  "%u keys, %u: %.9g is not %.9g within %g", limits[i], d, got[i * 128 + d],
                  want[d], error);
            CHECK(fabs(got[i * 128 + d] - plain[i * 128 + d]) <= 2 * error, "%u keys: scalar",
                  limits[i]);
            CHECK(!rounds_like_scalar(t) || got[i * 128 + d] == plain[i * 128 + d],
                  "%u keys: other bits", limits[i]);
        }
        attn_run(t, &c, i, 1, alone);
        CHECK(memcmp(alone, got + i * 128, hd * sizeof *got) == 0, "%u keys: other bits alone",
              limits[i]);
        /* a cache that ends with this query's last key, whatever stands behind it */
        attn_case tight = attn_new(t, hd, kv_type, limits[i], q_size, i % 2 ? 0 : 0x7f);
        attn_run(t, &tight, i, 1, alone);
        CHECK(memcmp(alone, got + i * 128, hd * sizeof *got) == 0,
              "%u keys: what lies behind leaks", limits[i]);
        attn_free(&tight);
    }
    attn_free(&c), attn_free(&p);
}

/* NaN among the visible keys or values is not lost (halves are finite, see kv.h). */
static void attention_not_finite(const rz_kern *t) {
    const uint32_t kv_type = RZ_KV_F32;
    for (uint32_t key = 0; key < 40; key += 3) {
        attn_case c = attn_new(t, 64, kv_type, 700, 1, 0);
        double out[128];
        put(c.k, key_at(t, 64, key, key), kv_type, NAN);
        attn_run(t, &c, 4, 1, out);
        for (uint32_t d = 0; d < 64; d++) CHECK(isnan(out[d]), "key %u holds NaN: %g", key, out[d]);
        put(c.k, key_at(t, 64, key, key), kv_type, 0);
        put(c.v, (size_t)key * c.width + key, kv_type, NAN);
        attn_run(t, &c, 4, 1, out);
        for (uint32_t d = 0; d < 64; d++)
            CHECK(isnan(out[d]) == (d == key), "value %u: %g", d, out[d]);
        attn_free(&c);
    }
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void check_table(const rz_kern *k) {
    static const uint32_t head_dims[] = {4, 8, 64, 80, 128};
    TEST(activations, k);
    TEST(activations_not_finite, k);
    for (uint32_t id = 0; id < RZ_DT_COUNT; id++) {
        if (!case_knows(id)) continue;
        TEST(products, k, id);
        TEST(product_of_many, k, id);
    }
    TEST(norms, k);
    TEST(norms_not_finite, k);
    TEST(swiglu, k);
    for (int i = 0; i < 5; i++) {
        /* caches of integers are in test_kv.c */
        for (uint32_t kv_type = RZ_KV_F32; kv_type <= (k->kv_i16 ? RZ_KV_F32 : RZ_KV_F16); kv_type++) {
            TEST(attention, k, head_dims[i], kv_type, 1.0f);
            TEST(attention, k, head_dims[i], kv_type, 20.0f);
        }
    }
    TEST(attention_not_finite, k);
}

static void tables(void) {
    uint32_t usable = rz_kernels_usable(), flag = 0;
    CHECK(usable & RZ_KERN_SCALAR, "the scalar table always runs");
    const rz_kern *best = rz_kern_choose(0, &flag);
    CHECK(best && rz_kern_choose((uint32_t)RZ_KERN_ALL, NULL) == best, "0 means all");
    CHECK(best && usable & flag && rz_kern_choose(usable, NULL) == best, "the best is usable");
    CHECK(rz_kern_choose(1u << 31, NULL) == NULL, "no such table");
    for (uint32_t bit = 1; bit; bit <<= 1) {
        const rz_kern *k = rz_kern_choose(bit, &flag);
        CHECK((k != NULL) == ((usable & bit) != 0), "mask %x", bit);
        CHECK(!k || flag == bit, "flag %x of mask %x", flag, bit);
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--bench") == 0) {
        bench_kern();
        return 0;
    }
    TEST(tables);
    for (uint32_t id = 0; id < RZ_DT_COUNT; id++) {
        if (case_knows(id)) TEST(model_is_dequantized, id);
    }
    for (uint32_t bit = 1; bit; bit <<= 1) {
        const rz_kern *k = rz_kernels_usable() & bit ? rz_kern_choose(bit, NULL) : NULL;
        if (!k) continue;
        printf("%s: %u rows a group, tiles of %u tokens\n", k->name, k->nr, k->tile);
        check_table(k);
    }
    return check_summary("check_kern");
}
