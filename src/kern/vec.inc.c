/*
 * vec.inc.c: activations, norms, SwiGLU and attention over the vocabulary of simd_*.h. Included once
 * per table, after matmul.inc.c. Each body follows the scalar one of the same name.
 */
#include "fmath.h"

static void act_q8(uint8_t *dst, const float *x, size_t ldx, uint32_t cols, uint32_t n,
                   uint32_t width) {
    const uint32_t block_bytes = width * (16 + 8 * XK_BYTES);
    for (uint32_t b = 0; b < cols / 32; b++, x += 32, dst += block_bytes) {
        float *d = (float *)dst, *ds = d + width;
        int32_t *ns = (int32_t *)(ds + width);
        uint8_t *q = dst + 16 * (size_t)width;
        for (uint32_t t = 0; t < n; t++) {
            const float *xt = x + t * ldx;
            vf part[32 / NR];
            vi most = vi_splat(0); /* as bits: infinity is above numbers, NaN above that */
            for (int i = 0; i < 32 / NR; i++) {
                part[i] = vf_load(xt + i * NR);
                most = vi_max(vf_bits(vf_abs(part[i])), most);
            }
            float amax = rz_f32_from_bits((uint32_t)vi_largest(most)), inverse = 127.0f / amax;
            bool usable = amax >= RZ_ACT_LEAST && amax < __builtin_inff();
            for (int i = 0; i < 32 / NR && !usable; i++) part[i] = vf_zero();
            if (!usable) inverse = 0;
            int32_t sum[2] = {0, 0};
            for (int i = 0; i < 32 / NR; i++) {
                vi r = vi_round(vf_mul(part[i], vf_splat(inverse)));
                xk_store(q + ((size_t)i * (NR / 4) * width + t) * XK_BYTES, width * XK_BYTES, r,
                         &sum[i * NR / 16]);
            }
            d[t] = usable ? amax / 127.0f : amax - amax; /* 0, or NaN where amax is no number */
            ds[t] = d[t] * (float)(sum[0] + sum[1]);
            ns[t] = -sum[0];
            ns[width + t] = -sum[1];
        }
        for (uint32_t t = n; t < width; t++) {
            d[t] = ds[t] = 0;
            ns[t] = ns[width + t] = 0;
            for (int k4 = 0; k4 < 8; k4++) {
                memset(q + ((size_t)k4 * width + t) * XK_BYTES, 0, XK_BYTES);
            }
        }
    }
}

static inline vf vf_exp(vf x) {
    vf y = vf_min(vf_splat(RZ_EXP_HIGH), x); /* NaN stays */
    vf shifted = vf_add(vf_mul(y, vf_splat(RZ_LOG2E)), vf_splat(RZ_ROUND));
    vf n = vf_sub(shifted, vf_splat(RZ_ROUND));
    vf r = vf_nmadd(n, vf_splat(RZ_LN2_HIGH), y);
    r = vf_nmadd(n, vf_splat(RZ_LN2_LOW), r);
    vf p = vf_splat(RZ_EXP_C0);
    p = vf_madd(p, r, vf_splat(RZ_EXP_C1));
    p = vf_madd(p, r, vf_splat(RZ_EXP_C2));
    p = vf_madd(p, r, vf_splat(RZ_EXP_C3));
    p = vf_madd(p, r, vf_splat(RZ_EXP_C4));
    p = vf_madd(p, r, vf_splat(RZ_EXP_C5));
    p = vf_madd(p, vf_mul(r, r), vf_add(r, vf_splat(1.0f)));
    vf scale = vf_from_bits(vi_shl23(vi_add(vf_bits(shifted), vi_splat(127))));
    return vf_keep_not_below(vf_mul(p, scale), x, RZ_EXP_LOW);
}

static void rmsnorm(float *y, const float *x, const float *w, uint32_t n, float eps) {
    vf squares = vf_zero();
    uint32_t i = 0;
    for (; i + NR <= n; i += NR) {
        vf v = vf_load(x + i);
        squares = vf_madd(v, v, squares);
    }
    float lanes[NR];
    vf_store(lanes, squares);
    for (uint32_t j = i; j < n; j++) lanes[j - i] += x[j] * x[j];
    float mean = vf_sum(vf_load(lanes)) / (float)n;
    float scale = 1.0f / __builtin_sqrtf(mean + eps) + (mean - mean); /* NaN where it overflowed */
    for (i = 0; i + NR <= n; i += NR) {
        vf_store(y + i, vf_mul(vf_mul(vf_load(x + i), vf_splat(scale)), vf_load(w + i)));
    }
    for (; i < n; i++) y[i] = x[i] * scale * w[i];
}

static void silu_mul(float *y, const float *gate, const float *up, uint32_t n) {
    uint32_t i = 0;
    for (; i + NR <= n; i += NR) {
        vf g = vf_load(gate + i);
        vf below = vf_add(vf_splat(1.0f), vf_exp(vf_sub(vf_zero(), g)));
        vf_store(y + i, vf_mul(vf_div(g, below), vf_load(up + i)));
    }
    for (; i < n; i++) y[i] = gate[i] / (1.0f + rz_expf(-gate[i])) * up[i];
}

static void layernorm(float *y, const float *x, const float *w, const float *b, uint32_t n,
                      float eps) {
    float lanes[NR];
    vf sums = vf_zero(), squares = vf_zero();
    uint32_t whole = n / NR * NR;
    for (uint32_t i = 0; i < whole; i += NR) sums = vf_add(sums, vf_load(x + i));
    vf_store(lanes, sums);
    for (uint32_t i = whole; i < n; i++) lanes[i - whole] += x[i];
    float mean = vf_sum(vf_load(lanes)) / (float)n;
    for (uint32_t i = 0; i < whole; i += NR) {
        vf v = vf_sub(vf_load(x + i), vf_splat(mean));
        squares = vf_madd(v, v, squares);
    }
    vf_store(lanes, squares);
    for (uint32_t i = whole; i < n; i++) lanes[i - whole] += (x[i] - mean) * (x[i] - mean);
    float scale = 1.0f / __builtin_sqrtf(vf_sum(vf_load(lanes)) / (float)n + eps);
    for (uint32_t i = 0; i < n; i++) {
        float v = (x[i] - mean) * scale * w[i];
        y[i] = b ? v + b[i] : v;
    }
}

static inline vf vf_tanh(vf x) {
    vf e = vf_exp(vf_mul(vf_splat(2.0f), x));
    return vf_sub(vf_splat(1.0f), vf_div(vf_splat(2.0f), vf_add(e, vf_splat(1.0f))));
}

static inline vf vf_erf(vf x) {
    vf a = vf_abs(x), t = vf_div(vf_splat(1.0f), vf_madd(vf_splat(RZ_ERF_P), a, vf_splat(1.0f)));
    vf p = vf_splat(RZ_ERF_A5);
    p = vf_madd(p, t, vf_splat(RZ_ERF_A4));
    p = vf_madd(p, t, vf_splat(RZ_ERF_A3));
    p = vf_madd(p, t, vf_splat(RZ_ERF_A2));
    p = vf_madd(p, t, vf_splat(RZ_ERF_A1));
    vf below = vf_exp(vf_sub(vf_zero(), vf_mul(a, a)));
    vf y = vf_sub(vf_splat(1.0f), vf_mul(vf_mul(p, t), below));
    return vf_with_sign(vf_max(y, vf_zero()), x);
}

static inline vf activate_vector(vf x, uint32_t kind) {
    switch (kind) {
    case RZ_ACT_SILU:
        return vf_div(x, vf_add(vf_splat(1.0f), vf_exp(vf_sub(vf_zero(), x))));
    case RZ_ACT_GELU_TANH: {
        vf cube = vf_mul(vf_mul(x, x), x);
        vf inner = vf_add(x, vf_mul(vf_splat(RZ_GELU_CUBIC), cube));
        vf tanh = vf_tanh(vf_mul(vf_splat(RZ_SQRT_2_PI), inner));
        return vf_mul(vf_mul(vf_splat(0.5f), x), vf_add(vf_splat(1.0f), tanh));
    }
    case RZ_ACT_GELU_ERF: {
        vf erf = vf_erf(vf_mul(x, vf_splat(RZ_SQRT_1_2)));
        return vf_mul(vf_mul(vf_splat(0.5f), x), vf_add(vf_splat(1.0f), erf));
    }
    default: return vf_max(x, vf_zero());
    }
}

/* A tail shorter than a vector goes through one, so that all elements are computed alike. */
static void activate(float *y, const float *x, uint32_t n, uint32_t kind) {
    uint32_t i = 0;
    for (; i + NR <= n; i += NR) vf_store(y + i, activate_vector(vf_load(x + i), kind));
    if (i < n) {
        float tail[NR] = {0};
        memcpy(tail, x + i, (n - i) * sizeof *x);
        vf_store(tail, activate_vector(vf_load(tail), kind));
        memcpy(y + i, tail, (n - i) * sizeof *y);
    }
}

/* ---- attention -----------------------------------------------------------------------------
 *
 * Neighbouring queries that see the same keys of a block are computed together, up to SAME at a
 * time, so that every key and value is loaded and widened once for all of them.
 */

enum { SAME = 4, KEY_GROUPS = RZ_KEY_BLOCK / NR };

/* NR floats or halves of the cache from element i on. */
static inline vf kv_load(const void *p, size_t i, uint32_t kv_type) {
    return kv_type == RZ_KV_F16 ? vf_load_f16((const uint8_t *)p + 2 * i)
                                : vf_load((const float *)p + i);
}

/* NR elements from d on of the value of `key`. */
static inline vf value_load(const rz_attn *a, size_t key, uint32_t d, uint32_t kv_type) {
    if (kv_type == RZ_KV_Q8_0) {
        const uint8_t *block = (const uint8_t *)a->v + (key * (a->head_dim / 32) + d / 32) * RZ_VALUE_BLOCK;
        return vf_mul(vf_load_s8(block + 4 + d % 32), vf_splat(rz_load_f32(block)));
    }
    return kv_load(a->v, key * rz_round_up(a->head_dim, NR) + d, kv_type);
}

/* Scores of one query: an integer product per 32 dimensions. */
static void scores_q8(const rz_attn *a, uint32_t i, uint32_t block, uint32_t live, float *s) {
    rz_mat keys = rz_key_matrix(a, block, NR);
    rz_act q = {.n = 1, .cols = a->head_dim, .q8 = a->q_act[i]};
    matmul_q8_0(&keys, 0, live, &q, s, RZ_KEY_BLOCK);
}

#define FOR_Q _Pragma("GCC unroll 4") for (int i = 0; i < Q; i++)

/* Products of Q queries from q0 on with groups g0 <= g < g0 + G of a block's keys. */
RZ_INLINE void group_scores(const rz_attn *a, uint32_t q0, uint32_t block, uint32_t g0,
                            float (*s)[RZ_KEY_BLOCK], const uint32_t kv_type, const int Q,
                            const int G) {
    const size_t group = (size_t)a->head_dim * NR, base = (block / NR + g0) * group;
    vf acc[SPAN][SAME];
    for (int g = 0; g < G; g++) FOR_Q acc[g][i] = vf_zero();
    for (uint32_t d = 0; d < a->head_dim; d++) {
        _Pragma("GCC unroll 2") for (int g = 0; g < G; g++) {
            vf k = kv_load(a->k, base + g * group + d * NR, kv_type);
            FOR_Q acc[g][i] = vf_madd(k, vf_splat(a->q[q0 + i][d]), acc[g][i]);
        }
    }
    for (int g = 0; g < G; g++) FOR_Q vf_store(s[i] + (g0 + g) * NR, acc[g][i]);
}

RZ_INLINE void block_scores(const rz_attn *a, uint32_t q0, uint32_t block, uint32_t end,
                            float (*s)[RZ_KEY_BLOCK], const uint32_t kv_type, const int Q) {
    const uint32_t live = rz_min_u32(KEY_GROUPS, rz_ceil_div(end - block, NR));
    uint32_t g = 0;
    if (kv_type == RZ_KV_Q8_0) {
        FOR_Q scores_q8(a, q0 + i, block, live, s[i]);
        return;
    }
    for (; g + SPAN <= live; g += SPAN) group_scores(a, q0, block, g, s, kv_type, Q, SPAN);
    for (; g < live; g++) group_scores(a, q0, block, g, s, kv_type, Q, 1);
}

/* What a query carries from block to block. */
typedef struct {
    float most, total, shrink;
} softmax_state;

/* Scores become weights exp(score - maximum so far), 0 outside [first, end). */
static void softmax_step(const rz_attn *a, uint32_t i, uint32_t block, uint32_t first, uint32_t end,
                         float *s, softmax_state *state) {
    if (a->softcap > 0 || a->slope) {
        for (uint32_t j = 0; j < RZ_KEY_BLOCK; j++) s[j] = rz_adjust_score(a, i, block + j, s[j]);
    }
    for (uint32_t j = 0; block + j < first; j++) s[j] = -__builtin_inff();
    for (uint32_t j = end - block; j < RZ_KEY_BLOCK; j++) s[j] = -__builtin_inff();
    vf part[KEY_GROUPS], largest = vf_load(s);
    for (int g = 1; g < KEY_GROUPS; g++) largest = vf_max(vf_load(s + g * NR), largest);
    float block_most = vf_largest(largest), most = state->most;
    float now = block_most > most ? block_most : most;
    for (int g = 0; g < KEY_GROUPS; g++) {
        part[g] = vf_exp(vf_sub(vf_load(s + g * NR), vf_splat(now)));
        vf_store(s + g * NR, part[g]);
    }
    state->shrink = most == -__builtin_inff() ? 0.0f : rz_expf(most - now);
    state->total = state->total * state->shrink + vf_sum(vf_fold_block(part));
    state->most = now;
}

/* out = out * shrink + sum over keys j0 <= j < j1 of the block of p[j] v[j], for W vectors from d on */
RZ_INLINE void add_values_at(const rz_attn *a, uint32_t q0, float (*p)[RZ_KEY_BLOCK],
                             const softmax_state *state, uint32_t block, uint32_t j0, uint32_t j1,
                             uint32_t d, const uint32_t kv_type, const int Q, const int W) {
    vf acc[SPAN][SAME];
    for (int w = 0; w < W; w++) {
        FOR_Q acc[w][i] = vf_mul(vf_load(a->out[q0 + i] + d + w * NR), vf_splat(state[i].shrink));
    }
    for (uint32_t j = j0; j < j1; j++) {
        _Pragma("GCC unroll 2") for (int w = 0; w < W; w++) {
            vf v = value_load(a, block + j, d + w * NR, kv_type);
            FOR_Q acc[w][i] = vf_madd(v, vf_splat(p[i][j]), acc[w][i]);
        }
    }
    for (int w = 0; w < W; w++) FOR_Q vf_store(a->out[q0 + i] + d + w * NR, acc[w][i]);
}

RZ_INLINE void add_values(const rz_attn *a, uint32_t q0, float (*p)[RZ_KEY_BLOCK],
                          const softmax_state *state, uint32_t block, uint32_t j0, uint32_t j1,
                          const uint32_t kv_type, const int Q) {
    const uint32_t width = rz_round_up(a->head_dim, NR);
    uint32_t d = 0;
    for (; d + SPAN * NR <= width; d += SPAN * NR) {
        add_values_at(a, q0, p, state, block, j0, j1, d, kv_type, Q, SPAN);
    }
    for (; d < width; d += NR) add_values_at(a, q0, p, state, block, j0, j1, d, kv_type, Q, 1);
}

/* Q queries from q0 on meet the keys first <= key < end, all of one block. */
RZ_INLINE void attend_block(const rz_attn *a, uint32_t q0, uint32_t block, uint32_t first,
                            uint32_t end, softmax_state *state, const uint32_t kv_type,
                            const int Q) {
    float s[SAME][RZ_KEY_BLOCK];
    block_scores(a, q0, block, end, s, kv_type, Q);
    FOR_Q softmax_step(a, q0 + i, block, first, end, s[i], &state[i]);
    add_values(a, q0, s, state, block, first - block, end - block, kv_type, Q);
}

RZ_INLINE void attend_same(const rz_attn *a, uint32_t q0, uint32_t n, uint32_t block,
                           uint32_t first, uint32_t end, softmax_state *state,
                           const uint32_t kv_type) {
    switch (n) {
    case 1: attend_block(a, q0, block, first, end, state, kv_type, 1); break;
    case 2: attend_block(a, q0, block, first, end, state, kv_type, 2); break;
    case 3: attend_block(a, q0, block, first, end, state, kv_type, 3); break;
    default: attend_block(a, q0, block, first, end, state, kv_type, 4);
    }
}

/* The keys of a block that query i sees; false if none. */
static bool block_range(const rz_attn *a, uint32_t i, uint32_t block, uint32_t *first,
                        uint32_t *end) {
    *first = rz_max_u32(block, a->first ? a->first[i] : 0);
    *end = rz_min_u32(block + RZ_KEY_BLOCK, a->limit[i]);
    return *first < *end;
}

static void attend(const rz_attn *a, uint32_t chunk) {
    softmax_state state[RZ_ATTN_QUERIES];
    const uint32_t n = a->n_q, chunk_start = chunk * RZ_KEY_CHUNK;
    const uint32_t stop = rz_min_u32(chunk_start + RZ_KEY_CHUNK, a->limit[n - 1]);
    uint32_t start = rz_max_u32(chunk_start, a->first ? a->first[0] : 0);
    for (uint32_t i = 0; i < n; i++) {
        state[i] = (softmax_state){-__builtin_inff(), 0, 0};
        memset(a->out[i], 0, rz_round_up(a->head_dim, NR) * sizeof(float));
    }
    for (uint32_t block = start / RZ_KEY_BLOCK * RZ_KEY_BLOCK; block < stop; block += RZ_KEY_BLOCK) {
        uint32_t same;
        for (uint32_t i = 0; i < n; i += same) {
            uint32_t first, end, other_first, other_end;
            bool sees = block_range(a, i, block, &first, &end);
            for (same = 1; same < SAME && i + same < n; same++) {
                block_range(a, i + same, block, &other_first, &other_end);
                if (other_first != first || other_end != end) break;
            }
            if (!sees) continue;
            switch (a->kv_type) {
            case RZ_KV_F16: attend_same(a, i, same, block, first, end, state + i, RZ_KV_F16); break;
            case RZ_KV_Q8_0: attend_same(a, i, same, block, first, end, state + i, RZ_KV_Q8_0); break;
            default: attend_same(a, i, same, block, first, end, state + i, RZ_KV_F32);
            }
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        a->max[i] = state[i].most;
        a->sum[i] = state[i].total;
    }
}
