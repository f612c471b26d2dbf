/* kern_case.c: see kern_case.h. */
#include "kern_case.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- inputs --------------------------------------------------------------------------------- */

/* Places of the halves in a block, and how many. */
static int half_places(uint32_t dtype, int *at) {
    at[0] = dtype == RZ_DT_Q6_K ? 208 : 0;
    at[1] = 2;
    return dtype == RZ_DT_Q4_1 || dtype == RZ_DT_Q5_1 || dtype == RZ_DT_Q4_K || dtype == RZ_DT_Q5_K ? 2 : 1;
}

static uint16_t scale_of(random_state *r, enum weight_kind kind) {
    const uint16_t fraction = (uint16_t)random_below(r, 0x400);
    switch (kind) {
    case W_ZERO_SCALES:
        return random_below(r, 2) ? 0x8000 : 0;
    case W_NEGATIVE:
        return 0xa000 | fraction;
    case W_SUBNORMAL:
        return (uint16_t)(random_below(r, 2) << 15) | fraction;
    case W_LARGEST:
        return 0x7bff;
    default:
        return (uint16_t)(random_below(r, 2) << 15 | (0x1800 + random_below(r, 0x1000)));
    }
}

static float float_of(random_state *r, enum weight_kind kind, uint32_t dtype) {
    const float largest = dtype == RZ_DT_F16 ? 65504 : dtype == RZ_DT_F32 ? FLT_MAX : 0x1.fep127f;
    const float small = dtype == RZ_DT_F16 ? 0x1p-15f : 0x1p-127f, x = random_float(r);
    switch (kind) {
    case W_ZERO_CODES:
    case W_ZERO_SCALES:
        return x < 0 ? -0.0f : 0.0f;
    case W_MAX_CODES:
        return x < 0 ? -1.0f : 1.0f;
    case W_NEGATIVE:
        return -fabsf(x);
    case W_SUBNORMAL:
        return x * small;
    case W_LARGEST:
        return x < 0 ? -largest : largest;
    default:
        return x;
    }
}

static void quantized_block(random_state *r, enum weight_kind kind, uint32_t dtype,
                            uint8_t *block) {
    const size_t bytes = rz_dtype_get(dtype)->block_bytes;
    int at[2], places = half_places(dtype, at);
    random_bytes(r, block, bytes);
    if (kind == W_ZERO_CODES) memset(block, 0, bytes);
    if (kind == W_MAX_CODES) memset(block, 0xff, bytes);
    if (kind == W_MAX_CODES && dtype == RZ_DT_Q8_0) { /* the ends of the range of int8 */
        for (size_t i = 2; i < bytes; i++) block[i] = random_below(r, 2) ? 0x80 : 0x7f;
    }
    for (int i = 0; i < places; i++) rz_store_u16(block + at[i], scale_of(r, kind));
}

void case_weights(random_state *r, enum weight_kind kind, uint32_t dtype, uint8_t *file, size_t n) {
    const rz_dtype *t = rz_dtype_get(dtype);
    for (size_t i = 0; i < n; i += t->block, file += t->block_bytes) {
        if (t->block > 1) {
            quantized_block(r, kind, dtype, file);
            continue;
        }
        float x = float_of(r, kind, dtype);
        if (dtype == RZ_DT_F32) memcpy(file, &x, 4);
        if (dtype == RZ_DT_F16) rz_store_u16(file, rz_f16_from_f32(x));
        if (dtype == RZ_DT_BF16) rz_store_u16(file, (uint16_t)(rz_bits_from_f32(x) >> 16));
    }
}

void case_inputs(random_state *r, enum act_kind kind, float *x, size_t n) {
    static const float tiny[] = {0x1p-149f, 0x1p-130f, 0x1p-122f, 0x1p-118f, 0x1p-110f};
    static const float huge[] = {0x1p60f, 0x1p100f, 0x1p126f, FLT_MAX};
    float step = ldexpf(1, (int)random_below(r, 20) - 10);
    for (size_t i = 0; i < n; i++) {
        x[i] = random_float(r);
        switch (kind) {
        case X_ZERO:
            x[i] = x[i] < 0 ? -0.0f : 0.0f;
            break;
        case X_TINY:
            x[i] *= tiny[i / 32 % 5];
            break;
        case X_HUGE:
            x[i] *= huge[i / 32 % 4];
            break;
        case X_ALTERNATE:
            x[i] = i % 2 ? -step : step;
            break;
        case X_SPIKE:
            x[i] *= i % 32 == 5 ? 1000.0f : 0.01f;
            break;
        case X_TIES:
            x[i] = i % 32 ? (random_below(r, 254) - 126.5f) * step : 127 * step;
            break;
        default:
            break;
        }
    }
}

uint8_t *case_pack(rz_mat *m, const rz_kern *k, uint32_t dtype, uint32_t rows, uint32_t cols,
                   const uint8_t *file) {
    uint64_t row_bytes = 0;
    if (!rz_mat_init(m, dtype, rows, cols, k->nr, k->flip)) return NULL;
    rz_dtype_row_bytes(rz_dtype_get(dtype), cols, &row_bytes);
    uint8_t *data =
        aligned_alloc(RZ_ALIGN, (size_t)(rz_mat_bytes(m) + RZ_ALIGN - 1) / RZ_ALIGN * RZ_ALIGN);
    for (uint32_t r = 0; r < rows; r += k->nr) {
        rz_pack_group(m, data + r / k->nr * m->group_bytes, file + r * row_bytes,
                      rz_min_u32(rows - r, k->nr));
    }
    m->data = data;
    return data;
}

case_act case_activations(const rz_kern *k, const float *x, uint32_t n, uint32_t cols,
                          bool floats) {
    const uint32_t tile = floats ? k->tile_small : k->tile;
    const size_t room = rz_tile_room(tile, n);
    case_act a = {.act = {.n = n, .cols = cols}};
    if (floats) {
        a.act.f32 = a.f32 = malloc(room * cols * sizeof(float));
    } else {
        a.act.q8 = a.q8 = malloc(room * (cols / 32) * rz_act_block(k));
    }
    for (uint32_t t0 = 0, width; t0 < n; t0 += width) {
        width = rz_tile_width(tile, n, t0);
        uint32_t live = rz_min_u32(width, n - t0);
        if (!floats) {
            k->act_q8(a.q8 + (size_t)t0 * (cols / 32) * rz_act_block(k), x + (size_t)t0 * cols,
                      cols, cols, live, width);
            continue;
        }
        for (uint32_t c = 0; c < cols; c++) {
            for (uint32_t t = 0; t < width; t++) {
                a.f32[(size_t)t0 * cols + (size_t)c * width + t] =
                    t < live ? x[(size_t)(t0 + t) * cols + c] : 0;
            }
        }
    }
    return a;
}

uint32_t case_tokens(const rz_kern *k, uint32_t n) {
    return k->tile > 8 ? k->tile + 5 : n;
}

void case_act_free(case_act *a) {
    free(a->q8);
    free(a->f32);
}

act_value case_act_read(const rz_kern *k, const case_act *a, uint32_t token, uint32_t block) {
    uint32_t t0 = 0, T = rz_tile_width(k->tile, a->act.n, 0);
    for (; token >= t0 + T; T = rz_tile_width(k->tile, a->act.n, t0)) t0 += T;
    const uint32_t t = token - t0, bytes = k->act_i16 ? 8 : 4;
    const uint8_t *p =
        a->q8 + ((size_t)t0 * (a->act.cols / 32) + (size_t)block * T) * rz_act_block(k);
    static const int i16_order[4] = {0, 2, 1, 3};
    act_value v = {.d = rz_load_f32(p + 4 * t), .ds = rz_load_f32(p + 4 * (T + t))};
    v.ns[1] = (int32_t)rz_load_u32(p + 4 * (3 * T + t));
    v.ns[0] = (int32_t)rz_load_u32(p + 4 * (2 * T + t)) - v.ns[1];
    for (uint32_t k4 = 0; k4 < 8; k4++) {
        const uint8_t *q = p + 16 * T + (t * 8 + k4) * bytes;
        for (int i = 0; i < 4; i++) {
            if (k->act_i16) {
                v.q[k4 * 4 + (uint32_t)i16_order[i]] = (int8_t)(int16_t)rz_load_u16(q + 2 * i);
            } else {
                v.q[k4 * 4 + (uint32_t)i] = (int8_t)q[i];
            }
        }
    }
    return v;
}

/* ---- expected sums -------------------------------------------------------------------------- */

/* Collects terms: exact value, sum of sizes, and what rounds below the normal range. */
typedef struct {
    double value, sizes, inner, largest, below;
} sum_of;

/* A term `outer` times `inner`, where `inner` is itself a rounded number of the kernel's. */
static void add_term(sum_of *s, double outer, double inner) {
    double term = outer * inner;
    s->value += term;
    s->sizes += fabs(term);
    s->inner += fabs(inner);
    s->largest = fmax(s->largest, fmax(fabs(term), fabs(inner)));
    s->below += 0x1p-149 * (4 + fabs(outer));
}

/* An exact integer times two floats, whose product may be subnormal. */
static void add_scaled(sum_of *s, double outer, int sum, double a, double b) {
    s->largest = fmax(s->largest, fabs(a * b));
    s->below += 0x1p-149 * abs(sum) * (1 + fabs(outer));
    add_term(s, outer, sum * a * b);
}

/* Sum of code * q over 32 columns, or 16 of them. */
static int int_dot(const int *codes, const int8_t *q, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) sum += codes[i] * q[i];
    return sum;
}

static void add_q4_0(sum_of *s, const uint8_t *block, const act_value *x) {
    int codes[32];
    for (int j = 0; j < 16; j++)
        codes[j] = (block[2 + j] & 15) - 8, codes[j + 16] = (block[2 + j] >> 4) - 8;
    add_scaled(s, 1, int_dot(codes, x->q, 32), rz_f32_from_f16(rz_load_u16(block)), x->d);
}

static void add_q8_0(sum_of *s, const uint8_t *block, const act_value *x) {
    int codes[32];
    for (int j = 0; j < 32; j++) codes[j] = (int8_t)block[2 + j];
    add_scaled(s, 1, int_dot(codes, x->q, 32), rz_f32_from_f16(rz_load_u16(block)), x->d);
}

static void add_q4_k(sum_of *s, const uint8_t *block, const act_value *x) {
    double d = rz_f32_from_f16(rz_load_u16(block)), dmin = rz_f32_from_f16(rz_load_u16(block + 2));
    for (int g = 0; g < 8; g++) {
        uint8_t scale, min;
        int codes[32];
        rz_k_scale_min(block + 4, g, &scale, &min);
        for (int j = 0; j < 32; j++) codes[j] = block[16 + g / 2 * 32 + j] >> (g % 2 ? 4 : 0) & 15;
        add_scaled(s, d, int_dot(codes, x[g].q, 32), scale, x[g].d);
        add_term(s, -dmin, min * (double)x[g].ds);
    }
}

static void add_q6_k(sum_of *s, const uint8_t *block, const act_value *x) {
    double d = rz_f32_from_f16(rz_load_u16(block + 208));
    for (int i = 0; i < 16; i++) { /* 16 columns with one scale */
        const int column = i * 16, h = column / 128, quarter = column / 32 % 4, l0 = column % 32;
        int codes[16];
        for (int j = 0; j < 16; j++) {
            int l = l0 + j, low = block[64 * h + l + 32 * (quarter & 1)];
            int high = block[128 + 32 * h + l] >> 2 * quarter & 3;
            codes[j] = ((quarter < 2 ? low & 15 : low >> 4) | high << 4) - 32;
        }
        add_scaled(s, d, int_dot(codes, x[column / 32].q + l0, 16), (int8_t)block[192 + i],
                   x[column / 32].d);
    }
}

/* How many roundings a term meets at most: those of its own product and of every addition to the
 * sums that it goes through. Each is at most 2^-24 of the sum of sizes. */
static double roundings(uint32_t dtype, uint32_t cols) {
    switch (dtype) {
    case RZ_DT_Q4_0:
    case RZ_DT_Q8_0:
        return cols / 32 + 2;
    case RZ_DT_Q4_K:
        return cols / 256 * 2 + 8 + 4;
    case RZ_DT_Q6_K:
        return cols / 256 + 16 + 4;
    default:
        return cols + 1.0;
    }
}

bool case_knows(uint32_t dtype) {
    switch (dtype) {
    case RZ_DT_F32:
    case RZ_DT_F16:
    case RZ_DT_BF16:
    case RZ_DT_Q4_0:
    case RZ_DT_Q8_0:
    case RZ_DT_Q4_K:
    case RZ_DT_Q6_K: return true;
    default: return false;
    }
}

case_sum case_dot(uint32_t dtype, const uint8_t *row, uint32_t cols, const float *x,
                  const act_value *blocks) {
    const rz_dtype *t = rz_dtype_get(dtype);
    sum_of s = {0};
    for (uint32_t c = 0; c < cols; c += t->block, row += t->block_bytes) {
        const act_value *xb = blocks + c / 32;
        float w = 0;
        switch (dtype) {
        case RZ_DT_Q4_0:
            add_q4_0(&s, row, xb);
            break;
        case RZ_DT_Q8_0:
            add_q8_0(&s, row, xb);
            break;
        case RZ_DT_Q4_K:
            add_q4_k(&s, row, xb);
            break;
        case RZ_DT_Q6_K:
            add_q6_k(&s, row, xb);
            break;
        default:
            rz_dtype_dequantize(t, row, &w, 1);
            add_term(&s, w, x[c]);
            break;
        }
    }
    return (case_sum){.value = s.value,
                      .error = 1.01 * roundings(dtype, cols) * 0x1p-24 * s.sizes + s.below,
                      .largest = s.largest,
                      .most = fmax(s.sizes, s.inner)};
}
