/*
 * attend.inc.c: attention of one chunk of keys, over the vocabulary of simd_*.h; see rz_attn in kern.h.
 *
 * Neighbouring queries that see the same keys of a block are computed together, up to SAME at a
 * time, so that every key and value is loaded and widened once for all of them.
 */

enum { SAME = 4, KEY_GROUPS = RZ_KEY_BLOCK / NR };

/* NR floats or halves of the cache from element i on; halves times VALUE_SCALE if `scaled`. */
RZ_INLINE vf kv_load(const void *p, size_t i, uint32_t kv_type, const bool scaled) {
    const uint8_t *at = (const uint8_t *)p + (kv_type == RZ_KV_F16 ? 2 : 4) * i;
    rz_fetch_ahead(at, 1); /* with every load: once a line, in bursts or by rows, is 10 to 40 % slower */
    if (kv_type != RZ_KV_F16) return vf_load((const float *)at);
    return scaled ? vf_load_f16_scaled(at) : vf_load_f16(at);
}

/* NR elements from d on of the value of `key`; halves times VALUE_SCALE. */
static inline vf value_load(const rz_attn *a, size_t key, uint32_t d, uint32_t kv_type) {
    if (kv_type == RZ_KV_Q8_0) {
        const uint8_t *block = (const uint8_t *)a->v + (key * (a->head_dim / 32) + d / 32) * RZ_VALUE_BLOCK;
        rz_fetch_ahead(block, 1);
        return vf_mul(vf_load_s8(block + 4 + d % 32), vf_splat(rz_load_f32(block)));
    }
    return kv_load(a->v, key * rz_round_up(a->head_dim, NR) + d, kv_type, true);
}

/* Scores of one query: an integer product per 32 dimensions. */
static void scores_q8(const rz_attn *a, uint32_t i, uint32_t block, uint32_t live, float *s) {
    rz_mat keys = rz_key_matrix(a, block, NR);
    rz_act q = {.n = 1, .cols = a->head_dim, .q8 = a->q_act[i]};
    a->key_product(&keys, 0, live, &q, s, RZ_KEY_BLOCK);
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
            vf k = kv_load(a->k, base + g * group + d * NR, kv_type, false);
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
    for (; SPAN > 1 && g < live; g++) group_scores(a, q0, block, g, s, kv_type, Q, 1);
}

/* What a query carries from block to block. */
typedef struct {
    float most, total, shrink;
} softmax_state;

/* Scores become weights exp(score - maximum so far), 0 outside [first, end), for values as they are loaded. */
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
    const float unscale = a->kv_type == RZ_KV_F16 ? 1 / VALUE_SCALE : 1;
    for (int g = 0; g < KEY_GROUPS; g++) {
        part[g] = vf_exp(vf_sub(vf_load(s + g * NR), vf_splat(now)));
        vf_store(s + g * NR, VALUE_SCALE == 1 ? part[g] : vf_mul(part[g], vf_splat(unscale)));
    }
    state->shrink = most == -__builtin_inff() ? 0.0f : rz_expf(most - now);
    state->total = state->total * state->shrink + vf_sum(vf_fold_block(part));
    state->most = now;
}

/* out = out * shrink + sum over keys j0 <= j < j1 of the block of p[j] v[j], for W vectors from d on */
RZ_INLINE void add_values_at(const rz_attn *a, uint32_t q0, float (*p)[RZ_KEY_BLOCK],
                             const softmax_state *state, uint32_t block, uint32_t j0, uint32_t j1,
                             uint32_t d, const uint32_t kv_type, const int Q, const int W) {
    vf acc[4][SAME];
    for (int w = 0; w < W; w++) {
        FOR_Q acc[w][i] = vf_mul(vf_load(a->out[q0 + i] + d + w * NR), vf_splat(state[i].shrink));
    }
    for (uint32_t j = j0; j < j1; j++) {
        _Pragma("GCC unroll 4") for (int w = 0; w < W; w++) {
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
    for (; NR == 16 && d + 4 * NR <= width; d += 4 * NR) { /* 32 registers: whole rows of 64 */
        add_values_at(a, q0, p, state, block, j0, j1, d, kv_type, Q, 4);
    }
    for (; d + SPAN * NR <= width; d += SPAN * NR) {
        add_values_at(a, q0, p, state, block, j0, j1, d, kv_type, Q, SPAN);
    }
    for (; SPAN > 1 && d < width; d += NR) {
        add_values_at(a, q0, p, state, block, j0, j1, d, kv_type, Q, 1);
    }
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

SHARED_FN void SHARED(attend)(const rz_attn *a, uint32_t chunk) {
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
