/*
 * attend_i16.inc.c: attention over a cache of 16-bit whole numbers, see kv_i16.h. Scores and sums of values are the same
 * product: pairs of numbers of NR rows with those of up to SAME vectors, exact in 32 bits for up to 16 pairs.
 */
#include "kv_i16.h"

enum { PAIRS_AT_ONCE = 16 };

/* Numbers by which a tile of queries multiplies rows: their own, or weights of values. */
typedef struct {
    uint32_t n;
    const int16_t *x[SAME];
    float unit[SAME];
} pair_vectors;

/* The products of up to PAIRS_AT_ONCE pairs of NR rows and those of Q vectors, from their number `from` on. */
RZ_INLINE void sum_pairs(const pair_vectors *v, uint32_t from, const uint8_t *rows, uint32_t pairs, vi *sum,
                         const int Q) {
    FOR_Q sum[i] = vi_splat(0);
    for (uint32_t j = 0; j < pairs; j++, rows += 4 * NR) {
        vb row = vb_load(rows);
        FOR_Q sum[i] = vi_dot_i16(sum[i], row, v->x[i] + from + 2 * j);
    }
}

/* Scores of a group of NR keys and Q queries, to `at` of each row of s. */
RZ_INLINE void score_group_of(const pair_vectors *q, const uint8_t *group, uint32_t head_dim, float (*s)[RZ_KEY_BLOCK],
                              uint32_t at, const int Q) {
    const uint32_t pairs = rz_ceil_div(head_dim, 2);
    const vf scale = vf_load((const float *)group);
    vf score[SAME];
    FOR_Q score[i] = vf_zero();
    for (uint32_t j = 0; j < pairs; j += PAIRS_AT_ONCE) {
        vi sum[SAME];
        sum_pairs(q, 2 * j, group + (1 + j) * 4 * NR, rz_min_u32(PAIRS_AT_ONCE, pairs - j), sum, Q);
        FOR_Q score[i] = vf_add(score[i], vf_from_i(sum[i]));
    }
    FOR_Q vf_store(s[i] + at, vf_mul(score[i], vf_mul(scale, vf_splat(q->unit[i]))));
}

/* out[i] = out[i] * keep[i] + the values of a block times weights i of Q queries, for NR dimensions from each of `groups`
 * `values` on; out from element `at` on. */
RZ_INLINE void add_values_of(const pair_vectors *w, const uint8_t *values, uint32_t groups, const float *keep,
                             float *const *out, uint32_t at, const int Q) {
    for (; groups > 0; groups--, at += NR, values += PAIRS_AT_ONCE * 4 * NR) {
        vi sum[SAME];
        sum_pairs(w, 0, values, PAIRS_AT_ONCE, sum, Q);
        FOR_Q {
            float *to = out[i] + at;
            vf_store(to, vf_madd(vf_from_i(sum[i]), vf_splat(w->unit[i]), vf_mul(vf_load(to), vf_splat(keep[i]))));
        }
    }
}

/* The same of all vectors. */
static void score_group(const pair_vectors *q, const uint8_t *group, uint32_t head_dim, float (*s)[RZ_KEY_BLOCK],
                        uint32_t at) {
#define CASE(n) case n: score_group_of(q, group, head_dim, s, at, n); break
    switch (q->n) { CASE(1); CASE(2); CASE(3); CASE(4); }
#undef CASE
}
static void add_values(const pair_vectors *w, const uint8_t *values, uint32_t groups, const float *keep,
                       float *const *out, uint32_t at) {
#define CASE(n) case n: add_values_of(w, values, groups, keep, out, at, n); break
    switch (w->n) { CASE(1); CASE(2); CASE(3); CASE(4); }
#undef CASE
}

/* The queries of a tile. */
static pair_vectors vectors_of_queries(const rz_attn *a, uint32_t i0, uint32_t n) {
    pair_vectors q = {.n = n};
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *x = a->q_act + (i0 + i) * rz_i16_row(a->head_dim);
        q.unit[i] = rz_load_f32(x), q.x[i] = (const int16_t *)(x + 4);
    }
    return q;
}

/* What the keys of a block of values weigh for n queries, from their p. */
static void weigh_values(const uint8_t *values, uint32_t n, const float (*p)[RZ_KEY_BLOCK], int16_t (*weight)[RZ_KEY_BLOCK],
                         float *unit) {
    for (uint32_t i = 0; i < n; i++) {
        vi whole[KEY_GROUPS];
        unit[i] = whole_weights(p[i], (const float *)values, RZ_I16_MOST, whole);
        for (int g = 0; g < KEY_GROUPS; g++) vi_store_i16(weight[i] + g * NR, whole[g]);
    }
}

/* A tile of n queries from i0 on meets the keys start <= key < stop. The scores of a block take turns with the values of
 * the block before: memory is read in two streams that are half as fast. */
static void attend_tile(const rz_attn *a, uint32_t i0, uint32_t n, uint32_t start, uint32_t stop) {
    enum { GROUP_BYTES = PAIRS_AT_ONCE * 4 * NR }; /* of a block's values */
    const uint32_t row = rz_i16_row(a->head_dim), width = rz_round_up(a->head_dim, NR), groups = width / NR;
    float s[SAME][RZ_KEY_BLOCK] = {{0}};
    int16_t weight[SAME][RZ_KEY_BLOCK];
    const pair_vectors q = vectors_of_queries(a, i0, n);
    pair_vectors w = {n, {weight[0], weight[1], weight[2], weight[3]}, {0}};
    const uint8_t *values = NULL;
    softmax_state state = start_softmax(a, i0, n);
    for (uint32_t block = start / RZ_KEY_BLOCK * RZ_KEY_BLOCK; block < stop; block += RZ_KEY_BLOCK) {
        for (uint32_t g = 0; g < KEY_GROUPS; g++) {
            const uint32_t key = block + g * NR, v0 = groups * g / KEY_GROUPS, v1 = groups * (g + 1) / KEY_GROUPS;
            if (key < stop) score_group(&q, (const uint8_t *)a->k + (size_t)key * row, a->head_dim, s, g * NR);
            if (values) add_values(&w, values + v0 * GROUP_BYTES, v1 - v0, state.shrink, a->out + i0, v0 * NR);
        }
        softmax_block(a, i0, n, block, s, &state);
        values = (const uint8_t *)a->v + (size_t)(block / RZ_KEY_BLOCK) * rz_i16_values(width);
        weigh_values(values, n, s, weight, w.unit);
        values += RZ_VALUE_CODES;
    }
    add_values(&w, values, groups, state.shrink, a->out + i0, 0);
    end_softmax(a, i0, n, &state);
}

/* All queries meet the chunk of keys from chunk_start on. */
static void attend_i16(const rz_attn *a, uint32_t chunk_start) {
    for (uint32_t i = 0; i < a->n_q; i += SAME) {
        const uint32_t n = rz_min_u32(SAME, a->n_q - i);
        const uint32_t start = rz_max_u32(chunk_start, a->first ? a->first[i] : 0);
        const uint32_t stop = rz_min_u32(chunk_start + RZ_KEY_CHUNK, a->limit[i + n - 1]);
        if (start < stop) attend_tile(a, i, n, start, stop);
    }
}
