/*
 * scalar.c: every kernel in plain C. The reference that all other tables are checked against, and
 * what runs where nothing better does. Written for reading; it is compiled without contraction, so
 * each operation rounds once, as in WebAssembly.
 */
#include "fmath.h"
#include "kern.h"
#include "kv_i16.h"

enum { NR = 8 };

static float f16_at(const uint8_t *p, uint32_t i) { return rz_f32_from_f16(rz_load_u16(p + 2 * i)); }

/* One block of one token, as laid out for tiles of one. */
typedef struct {
    float d, ds;
    int32_t ns, ns_upper;
    int8_t q[32];
} act_block;

static int32_t round_to_i32(float x) {
    return (int32_t)(rz_bits_from_f32(x + RZ_ROUND) - rz_bits_from_f32(RZ_ROUND));
}

static void act_q8(uint8_t *dst, const float *x, size_t ldx, uint32_t cols, uint32_t n,
                   uint32_t t) {
    (void)ldx, (void)n, (void)t; /* always 1 token */
    for (uint32_t b = 0; b < cols / 32; b++, x += 32, dst += sizeof(act_block)) {
        act_block block = {0};
        uint32_t most = 0; /* bits of the largest |x|: infinity is above numbers, NaN above that */
        for (int j = 0; j < 32; j++) {
            uint32_t bits = rz_bits_from_f32(x[j]) & 0x7fffffffu;
            if (bits > most) most = bits;
        }
        float amax = rz_f32_from_bits(most);
        bool usable = amax >= RZ_ACT_LEAST && amax < __builtin_inff();
        block.d = usable ? amax / 127.0f : amax - amax; /* 0, or NaN where amax is no number */
        for (int j = 0; j < 32; j++) {
            block.q[j] = (int8_t)round_to_i32(usable ? x[j] * (127.0f / amax) : 0.0f);
            block.ns -= block.q[j];
            if (j >= 16) block.ns_upper -= block.q[j];
        }
        block.ds = block.d * (float)-block.ns;
        memcpy(dst, &block, sizeof block);
    }
}

/* ---- matrix products: one row of one group, one token -------------------------------------- */

static float dot_f32(const uint8_t *w, uint32_t row, const float *x, uint32_t cols) {
    float acc = 0;
    for (uint32_t k = 0; k < cols; k++) acc += rz_load_f32(w + 4 * ((size_t)k * NR + row)) * x[k];
    return acc;
}

static float dot_f16(const uint8_t *w, uint32_t row, const float *x, uint32_t cols) {
    float acc = 0;
    for (uint32_t k = 0; k < cols; k++) acc += f16_at(w, k * NR + row) * x[k];
    return acc;
}

static float dot_bf16(const uint8_t *w, uint32_t row, const float *x, uint32_t cols) {
    float acc = 0;
    for (uint32_t k = 0; k < cols; k++) {
        acc += rz_f32_from_bf16(rz_load_u16(w + 2 * ((size_t)k * NR + row))) * x[k];
    }
    return acc;
}

/* Byte j of a row in an interleaved array of 4-byte words. */
static uint8_t byte_at(const uint8_t *words, uint32_t row, uint32_t j) {
    return words[(j / 4 * NR + row) * 4 + j % 4];
}

static float dot_q4_0(const uint8_t *cell, uint32_t row, const act_block *x, uint32_t cols) {
    float acc = 0;
    for (uint32_t b = 0; b < cols / 32; b++, cell += 18 * NR, x++) {
        const uint8_t *qs = cell + 2 * NR;
        int32_t sum = 8 * x->ns;
        for (uint32_t j = 0; j < 16; j++) {
            uint8_t code = byte_at(qs, row, j);
            sum += (code & 15) * x->q[j] + (code >> 4) * x->q[j + 16];
        }
        acc += (float)sum * (f16_at(cell, row) * x->d);
    }
    return acc;
}

static float dot_q4_1(const uint8_t *cell, uint32_t row, const act_block *x, uint32_t cols) {
    float acc = 0;
    for (uint32_t b = 0; b < cols / 32; b++, cell += 20 * NR, x++) {
        const uint8_t *qs = cell + 4 * NR;
        int32_t sum = 0;
        for (uint32_t j = 0; j < 16; j++) {
            uint8_t code = byte_at(qs, row, j);
            sum += (code & 15) * x->q[j] + (code >> 4) * x->q[j + 16];
        }
        acc += (float)sum * (f16_at(cell, row) * x->d);
        acc += f16_at(cell + 2 * NR, row) * x->ds;
    }
    return acc;
}

/* Sum of the codes of 5 bits of 32 columns: h holds the fifth bits, qs the nibbles. */
static int32_t sum_q5(const uint8_t *h, const uint8_t *qs, uint32_t row, const int8_t *q) {
    int32_t sum = 0;
    for (uint32_t j = 0; j < 32; j++) {
        uint8_t nibbles = byte_at(qs, row, j % 16), bits = byte_at(h, row, j % 4);
        sum += ((j < 16 ? nibbles & 15 : nibbles >> 4) | (bits >> j / 4 & 1) << 4) * q[j];
    }
    return sum;
}

static float dot_q5_0(const uint8_t *cell, uint32_t row, const act_block *x, uint32_t cols) {
    float acc = 0;
    for (uint32_t b = 0; b < cols / 32; b++, cell += 22 * NR, x++) {
        int32_t sum = sum_q5(cell + 2 * NR, cell + 6 * NR, row, x->q);
        acc += (float)(sum + 16 * x->ns) * (f16_at(cell, row) * x->d);
    }
    return acc;
}

static float dot_q5_1(const uint8_t *cell, uint32_t row, const act_block *x, uint32_t cols) {
    float acc = 0;
    for (uint32_t b = 0; b < cols / 32; b++, cell += 24 * NR, x++) {
        int32_t sum = sum_q5(cell + 4 * NR, cell + 8 * NR, row, x->q);
        acc += (float)sum * (f16_at(cell, row) * x->d);
        acc += f16_at(cell + 2 * NR, row) * x->ds;
    }
    return acc;
}

static float dot_q8_0(const uint8_t *cell, uint32_t row, const act_block *x, uint32_t cols) {
    float acc = 0;
    for (uint32_t b = 0; b < cols / 32; b++, cell += 34 * NR, x++) {
        int32_t sum = 0;
        for (uint32_t j = 0; j < 32; j++) {
            sum += (int8_t)byte_at(cell + 2 * NR, row, j) * x->q[j];
        }
        acc += (float)sum * (f16_at(cell, row) * x->d);
    }
    return acc;
}

/* Q4_K, and Q5_K: with fifth bits in qh, bit g of byte j being that of column j of group g. */
static float dot_k45(const uint8_t *cell, uint32_t cell_bytes, bool fifth, uint32_t row,
                     const act_block *x, uint32_t cols) {
    float acc = 0;
    for (uint32_t b = 0; b < cols / 256; b++, cell += cell_bytes * NR, x += 8) {
        const uint8_t *scales = cell + 4 * NR, *mins = scales + 8 * NR, *qh = mins + 8 * NR;
        const uint8_t *qs = fifth ? qh + 32 * NR : qh;
        float scaled = 0, offset = 0;
        for (uint32_t g = 0; g < 8; g++) {
            int32_t sum = 0;
            for (uint32_t j = 0; j < 32; j++) {
                uint8_t nibbles = byte_at(qs, row, g / 2 * 32 + j);
                int code = g % 2 ? nibbles >> 4 : nibbles & 15;
                if (fifth) code |= (byte_at(qh, row, j) >> g & 1) << 4;
                sum += code * x[g].q[j];
            }
            scaled += (float)sum * ((float)scales[g * NR + row] * x[g].d);
            offset += (float)mins[g * NR + row] * x[g].ds;
        }
        acc += f16_at(cell, row) * scaled;
        acc -= f16_at(cell + 2 * NR, row) * offset;
    }
    return acc;
}

static float dot_q4_k(const uint8_t *cell, uint32_t row, const act_block *x, uint32_t cols) {
    return dot_k45(cell, 148, false, row, x, cols);
}

static float dot_q5_k(const uint8_t *cell, uint32_t row, const act_block *x, uint32_t cols) {
    return dot_k45(cell, 180, true, row, x, cols);
}

static float dot_q6_k(const uint8_t *cell, uint32_t row, const act_block *x, uint32_t cols) {
    float acc = 0;
    for (uint32_t b = 0; b < cols / 256; b++, cell += 210 * NR, x += 8) {
        const int8_t *scales = (const int8_t *)cell + 2 * NR;
        const uint8_t *q = cell + 18 * NR;
        float scaled = 0;
        /* in the order in which vectors meet them: half, 16 columns of each quarter, quarter */
        for (uint32_t i = 0; i < 16; i++) {
            uint32_t half = i / 8, part = i / 4 % 2, quarter = i % 4;
            const act_block *xq = &x[half * 4 + quarter];
            int32_t sum = 32 * (part ? xq->ns_upper : xq->ns - xq->ns_upper);
            for (uint32_t l = part * 16; l < part * 16 + 16; l++) {
                const uint8_t *words = q + (half * 8 + l / 4) * 12 * NR;
                uint8_t low = byte_at(words + (quarter & 1) * 4 * NR, row, l % 4);
                uint8_t high = byte_at(words + 8 * NR, row, l % 4);
                int code = (quarter < 2 ? low & 15 : low >> 4) | (high >> 2 * quarter & 3) << 4;
                sum += code * xq->q[l];
            }
            float scale = (float)scales[(half * 8 + quarter * 2 + part) * NR + row];
            scaled += (float)sum * (scale * xq->d);
        }
        acc += f16_at(cell, row) * scaled;
    }
    return acc;
}

/* Types that are unpacked block by block: the products of 16 columns are an exact
 * integer, times the block's scale times the activations'. */
static float dot_blocks(const rz_mat *w, const uint8_t *cell, uint32_t row, const act_block *x) {
    const rz_dtype *type = rz_dtype_get(w->dtype);
    float acc = 0;
    for (uint32_t c = 0; c < w->cols; c += type->block) {
        uint8_t block[RZ_BLOCK_MAX], codes[RZ_BLOCK_MAX];
        float factors[2 * RZ_BLOCK_MAX / 16];
        cell = rz_pack_block(w, cell, row, block);
        rz_dtype_unpack(type, block, codes, factors);
        for (uint32_t i = 0; i < type->block / 16; i++) {
            const act_block *xb = &x[(c + 16 * i) / 32];
            int32_t sum = 0;
            for (uint32_t j = 0; j < 16; j++) {
                sum += type->levels[codes[16 * i + j]] * xb->q[i % 2 * 16 + j];
            }
            acc += (float)sum * (factors[i] * xb->d);
            if (type->minima) acc += factors[16 + i] * (xb->d * (float)(i % 2 ? xb->ns_upper : xb->ns - xb->ns_upper));
        }
    }
    return acc;
}

static void matmul_blocks(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y,
                          size_t ldy) {
    const act_block *blocks = (const act_block *)x->q8;
    for (uint32_t g = g0; g < g1; g++) {
        for (uint32_t t = 0; t < x->n; t++) {
            for (uint32_t r = 0; r < NR; r++) {
                y[t * ldy + g * NR + r] = dot_blocks(w, w->data + g * w->group_bytes, r, blocks + (size_t)t * (x->cols / 32));
            }
        }
    }
}

/* MXFP4: float sums of 16 columns times the block's scale. */
static float dot_mxfp4(const uint8_t *cell, uint32_t row, const float *x, uint32_t cols) {
    const rz_dtype *type = rz_dtype_get(RZ_DT_MXFP4);
    const rz_mat m = {.dtype = RZ_DT_MXFP4, .nr = NR};
    float acc = 0;
    for (uint32_t c = 0; c < cols; c += 16) {
        uint8_t block[17], codes[32];
        float scales[2];
        rz_pack_block(&m, cell + c / 32 * NR * sizeof block, row, block);
        rz_dtype_unpack(type, block, codes, scales);
        float sum = 0;
        for (uint32_t j = 0; j < 16; j++) sum += type->levels[codes[c % 32 + j]] * x[c + j];
        acc += sum * scales[c % 32 / 16];
    }
    return acc;
}

#define MATMUL(name, input, type)                                                                  \
    static void matmul_##name(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x,          \
                              float *y, size_t ldy) {                                              \
        const size_t step = (input) == (const void *)x->f32                                        \
                                ? (size_t)x->cols * sizeof(float)                                  \
                                : (size_t)x->cols / 32 * sizeof(act_block);                        \
        for (uint32_t g = g0; g < g1; g++) {                                                       \
            for (uint32_t t = 0; t < x->n; t++) {                                                  \
                const type *xt = (const type *)((const uint8_t *)(input) + t * step);              \
                for (uint32_t r = 0; r < NR; r++) {                                                \
                    y[t * ldy + g * NR + r] =                                                      \
                        dot_##name(w->data + g * w->group_bytes, r, xt, w->cols);                  \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
MATMUL(f32, x->f32, float)
MATMUL(f16, x->f32, float)
MATMUL(bf16, x->f32, float)
MATMUL(mxfp4, x->f32, float)
MATMUL(q4_0, x->q8, act_block)
MATMUL(q4_1, x->q8, act_block)
MATMUL(q5_0, x->q8, act_block)
MATMUL(q5_1, x->q8, act_block)
MATMUL(q8_0, x->q8, act_block)
MATMUL(q4_k, x->q8, act_block)
MATMUL(q5_k, x->q8, act_block)
MATMUL(q6_k, x->q8, act_block)

/* ---- the rest ------------------------------------------------------------------------------ */

/* Sum of 8 lanes, pairwise from the outside in: the order of the vector tables. */
static float sum_lanes(const float *v) {
    float a[4];
    for (int i = 0; i < 4; i++) a[i] = v[i] + v[i + 4];
    return (a[0] + a[2]) + (a[1] + a[3]);
}

static void rmsnorm(float *y, const float *x, const float *w, uint32_t n, float eps) {
    float lanes[NR] = {0};
    for (uint32_t i = 0; i < n; i++) lanes[i % NR] += x[i] * x[i];
    float mean = sum_lanes(lanes) / (float)n;
    float scale = 1.0f / __builtin_sqrtf(mean + eps) + (mean - mean); /* NaN where it overflowed */
    for (uint32_t i = 0; i < n; i++) y[i] = x[i] * scale * w[i];
}

static void silu_mul(float *y, const float *gate, const float *up, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) y[i] = gate[i] / (1.0f + rz_expf(-gate[i])) * up[i];
}

static void layernorm(float *y, const float *x, const float *w, const float *b, uint32_t n,
                      float eps) {
    float lanes[NR] = {0}, squares[NR] = {0};
    for (uint32_t i = 0; i < n; i++) lanes[i % NR] += x[i];
    float mean = sum_lanes(lanes) / (float)n;
    for (uint32_t i = 0; i < n; i++) squares[i % NR] += (x[i] - mean) * (x[i] - mean);
    float scale = 1.0f / __builtin_sqrtf(sum_lanes(squares) / (float)n + eps);
    for (uint32_t i = 0; i < n; i++) {
        float v = (x[i] - mean) * scale * w[i];
        y[i] = b ? v + b[i] : v;
    }
}

static float activate_one(float x, uint32_t kind) {
    switch (kind) {
    case RZ_ACT_SILU: return x / (1.0f + rz_expf(-x));
    case RZ_ACT_GELU_TANH: {
        float inner = RZ_SQRT_2_PI * (x + RZ_GELU_CUBIC * (x * x * x));
        return 0.5f * x * (1.0f + rz_tanhf(inner));
    }
    case RZ_ACT_GELU_ERF: return 0.5f * x * (1.0f + rz_erff(x * RZ_SQRT_1_2));
    default: return x > 0 ? x : 0;
    }
}

static void activate(float *y, const float *x, uint32_t n, uint32_t kind) {
    for (uint32_t i = 0; i < n; i++) y[i] = activate_one(x[i], kind);
}

static float kv_at(const rz_attn *a, const void *p, size_t i) {
    return a->kv_type == RZ_KV_F16 ? f16_at((const uint8_t *)p + 2 * i, 0) : ((const float *)p)[i];
}

/* out = out * shrink + sum of p v over the keys j0 <= j < j1 of a block. */
static void add_values(const rz_attn *a, float *out, float shrink, const float *p, uint32_t block,
                       uint32_t j0, uint32_t j1) {
    const uint32_t width = rz_round_up(a->head_dim, NR);
    for (uint32_t d = 0; d < width; d++) {
        out[d] *= shrink;
        for (uint32_t j = j0; j < j1; j++) out[d] += kv_at(a, a->v, (size_t)(block + j) * width + d) * p[j];
    }
}

/* A number of a block of values. */
static int32_t value_code(const rz_attn *a, const uint8_t *values, uint32_t key, uint32_t d) {
    if (a->kv_type == RZ_KV_I16) return (int16_t)rz_load_u16(values + rz_i16_value_at(NR, key, d));
    return (int8_t)values[rz_value_code(NR, key, d)];
}

/* The same of a block of values as integers, of n dimensions. */
static void add_whole(const rz_attn *a, const uint8_t *values, float *out, float shrink, const float *p, uint32_t j0,
                      uint32_t j1, uint32_t n) {
    const float limit = a->kv_type == RZ_KV_I16 ? RZ_I16_MOST : RZ_WEIGHT_MOST;
    float weight[RZ_KEY_BLOCK] = {0}, most = 0;
    int32_t whole[RZ_KEY_BLOCK];
    for (uint32_t j = j0; j < j1; j++) {
        weight[j] = p[j] * rz_load_f32(values + 4 * j);
        if (weight[j] > most) most = weight[j];
    }
    const float inverse = most >= RZ_WEIGHT_LEAST ? limit / most : 0;
    for (uint32_t j = 0; j < RZ_KEY_BLOCK; j++) whole[j] = round_to_i32(weight[j] * inverse);
    for (uint32_t d = 0; d < n; d++) {
        uint32_t sum = 0; /* wraps around where a weight is NaN, whose total is NaN as well */
        for (uint32_t j = 0; j < RZ_KEY_BLOCK; j++) sum += (uint32_t)whole[j] * (uint32_t)value_code(a, values, j, d);
        out[d] = (float)(int32_t)sum * (most / limit) + out[d] * shrink;
    }
}

/* The score of a query and a key as 16-bit numbers: sums of 32 products are exact. */
static float score_i16(const rz_attn *a, uint32_t i, uint32_t key) {
    const uint32_t row = rz_i16_row(a->head_dim);
    const uint8_t *q = a->q_act + i * row;
    const uint8_t *group = (const uint8_t *)a->k + (size_t)(key / NR) * NR * row;
    float acc = 0;
    for (uint32_t d0 = 0; d0 < a->head_dim; d0 += 32) {
        uint32_t sum = 0; /* wraps around where the query holds NaN, and its scale is NaN */
        for (uint32_t d = d0; d < rz_min_u32(d0 + 32, a->head_dim); d++) {
            const int16_t x = (int16_t)rz_load_u16(q + 4 + 2 * d);
            sum += (uint32_t)x * (uint32_t)(int16_t)rz_load_u16(group + rz_i16_key_at(NR, key % NR, d));
        }
        acc += (float)(int32_t)sum;
    }
    return acc * (rz_load_f32(group + 4 * (key % NR)) * rz_load_f32(q));
}

static float score_float(const rz_attn *a, uint32_t i, uint32_t key) {
    float acc = 0;
    for (uint32_t d = 0; d < a->head_dim; d++) {
        acc += kv_at(a, a->k, ((size_t)(key / NR) * a->head_dim + d) * NR + key % NR) * a->q[i][d];
    }
    return acc;
}

/* Query i times key by key of a block, of which those up to `end` are there. */
static void raw_scores(const rz_attn *a, uint32_t i, uint32_t block, uint32_t end, float *s) {
    if (a->kv_type == RZ_KV_Q8_0) {
        rz_mat keys = rz_key_matrix(a, block, NR);
        const size_t row = (size_t)a->head_dim / 32 * sizeof(act_block);
        rz_act q = {.n = 1, .cols = a->head_dim, .q8 = a->q_act + i * row};
        a->key_product(&keys, 0, rz_ceil_div(rz_min_u32(end - block, RZ_KEY_BLOCK), NR), &q, s, RZ_KEY_BLOCK);
        return;
    }
    for (uint32_t key = block; key < rz_min_u32(end, block + RZ_KEY_BLOCK); key++) {
        s[key - block] = a->kv_type == RZ_KV_I16 ? score_i16(a, i, key) : score_float(a, i, key);
    }
}

/* Scores of the keys of one block for query i; keys outside [first, end) get -infinity. */
static float block_scores(const rz_attn *a, uint32_t i, uint32_t block, uint32_t first,
                          uint32_t end, float *s) {
    float most = -__builtin_inff();
    raw_scores(a, i, block, end, s);
    for (uint32_t j = 0; j < RZ_KEY_BLOCK; j++) {
        uint32_t key = block + j;
        s[j] = key < first || key >= end ? -__builtin_inff() : rz_adjust_score(a, i, key, s[j]);
        if (s[j] > most) most = s[j];
    }
    return most;
}

static void attend_query(const rz_attn *a, uint32_t i, uint32_t first, uint32_t end) {
    const uint32_t width = rz_round_up(a->head_dim, NR);
    float *out = a->out[i], most = -__builtin_inff(), total = 0;
    memset(out, 0, width * sizeof *out);
    for (uint32_t b = first / RZ_KEY_BLOCK * RZ_KEY_BLOCK; b < end; b += RZ_KEY_BLOCK) {
        float p[RZ_KEY_BLOCK], lanes[NR];
        float block_most = block_scores(a, i, b, first, end, p);
        float now = block_most > most ? block_most : most;
        float shrink = most == -__builtin_inff() ? 0.0f : rz_expf(most - now); /* exp(0) is 1 */
        for (uint32_t j = 0; j < RZ_KEY_BLOCK; j++) p[j] = rz_expf(p[j] - now);
        for (uint32_t j = 0; j < NR; j++) lanes[j] = (p[j] + p[j + 8]) + (p[j + 16] + p[j + 24]);
        total = total * shrink + sum_lanes(lanes);
        const uint32_t j0 = first > b ? first - b : 0, j1 = rz_min_u32(RZ_KEY_BLOCK, end - b);
        if (a->kv_type == RZ_KV_I16) {
            const uint8_t *values = (const uint8_t *)a->v + (size_t)(b / RZ_KEY_BLOCK) * rz_i16_values(width);
            add_whole(a, values, out, shrink, p, j0, j1, width);
        } else if (a->kv_type == RZ_KV_Q8_0) {
            for (uint32_t d = 0; d < width; d += 32) {
                add_whole(a, rz_value_block(a, b, d), out + d, shrink, p, j0, j1, 32);
            }
        } else {
            add_values(a, out, shrink, p, b, j0, j1);
        }
        most = now;
    }
    a->max[i] = most;
    a->sum[i] = total;
}

static void attend(const rz_attn *a, uint32_t chunk) {
    uint32_t first, end;
    for (uint32_t i = 0; i < a->n_q; i++) {
        if (rz_chunk_range(a, i, chunk, &first, &end)) attend_query(a, i, first, end);
    }
}

const rz_kern rz_kern_scalar = {
    .name = "scalar",
    .nr = NR,
    .tile = 1,
    .tile_small = 1,
    .act_q8 = act_q8,
    .matmul = {MATMUL_FLOATS(), MATMUL_SHARED(), MATMUL_BYTES()},
    .key_product = matmul_q8_0,
    .rmsnorm = rmsnorm,
    .silu_mul = silu_mul,
    .activate = activate,
    .layernorm = layernorm,
    .attend = attend,
};
