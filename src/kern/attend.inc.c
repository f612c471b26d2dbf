/*
 * attend.inc.c: attention of one chunk of keys, over the vocabulary of simd_*.h; see rz_attn in kern.h.
 *
 * Floats and halves: neighbouring queries that see the same keys of a block are computed together, up to
 * SAME at a time, so that every key and value is loaded once for all of them; halves of a block are widened before where
 * more queries meet them. Bytes: products of integers, scores of all queries at once, values of a few.
 * 16-bit numbers: attend_i16.inc.c.
 */

enum { SAME = NR == 16 ? 8 : 4, KEY_GROUPS = RZ_KEY_BLOCK / NR };

/* What widen_rows() made of halves: floats that are near. */
enum { KV_WIDENED = RZ_KV_I16 + 1 };

/* NR floats or halves from element i on. */
RZ_INLINE vf kv_load(const void *p, size_t i, uint32_t kv_type) {
    const uint8_t *at = (const uint8_t *)p + (kv_type == RZ_KV_F16 ? 2 : 4) * i;
    /* with every load: once a line, in bursts or by rows, is 10 to 40 % slower */
    if (kv_type != KV_WIDENED) rz_fetch_ahead(at, 1);
    return kv_type == RZ_KV_F16 ? vf_load_f16(at) : vf_load((const float *)at);
}

#define FOR_Q _Pragma("GCC unroll 8") for (int i = 0; i < Q; i++)

/* Rows of vectors of floats or halves: vector w of row k begins at element at + k * stride + w * apart. */
typedef struct {
    const void *p;
    uint32_t kv_type, rows, vectors;
    size_t at, stride, apart;
} row_list;

/* out = out * keep + sum over the rows of factor[row] * row, of Q queries, for W vectors from w0 on. */
RZ_INLINE void add_vectors(const row_list *x, uint32_t w0, const float *const *factor, const float *keep,
                           float *const *out, const uint32_t kv_type, const int Q, const int W) {
    size_t at = x->at + w0 * x->apart;
    vf acc[4][SAME];
    for (int w = 0; w < W; w++) {
        FOR_Q acc[w][i] = vf_mul(vf_load(out[i] + (w0 + w) * NR), vf_splat(keep[i]));
    }
    for (uint32_t k = 0; k < x->rows; k++, at += x->stride) {
        _Pragma("GCC unroll 4") for (int w = 0; w < W; w++) {
            vf v = kv_load(x->p, at + w * x->apart, kv_type);
            FOR_Q acc[w][i] = vf_madd(v, vf_splat(factor[i][k]), acc[w][i]);
        }
    }
    for (int w = 0; w < W; w++) FOR_Q vf_store(out[i] + (w0 + w) * NR, acc[w][i]);
}

RZ_INLINE void add_all_vectors(const row_list *x, const float *const *factor, const float *keep,
                               float *const *out, const uint32_t kv_type, const int Q) {
    uint32_t w = 0;
    for (; NR == 16 && Q <= 4 && w + 4 <= x->vectors; w += 4) { /* 32 registers: whole values of 64 */
        add_vectors(x, w, factor, keep, out, kv_type, Q, 4);
    }
    for (; w + SPAN <= x->vectors; w += SPAN) add_vectors(x, w, factor, keep, out, kv_type, Q, SPAN);
    for (; SPAN > 1 && w < x->vectors; w++) add_vectors(x, w, factor, keep, out, kv_type, Q, 1);
}

/* The same of n queries, SAME at most, and all vectors. */
static void add_rows(const row_list *x, uint32_t n, const float *const *factor, const float *keep,
                     float *const *out) {
#define CASE(type, q)                                                                              \
    case q:                                                                                        \
        if (q <= SAME) add_all_vectors(x, factor, keep, out, type, q);                             \
        break
#define CASES(type)                                                                                \
    switch (n) {                                                                                   \
        CASE(type, 1); CASE(type, 2); CASE(type, 3); CASE(type, 4);                                \
        CASE(type, 5); CASE(type, 6); CASE(type, 7); CASE(type, 8);                                \
    }
    if (!KV_I16 && x->kv_type == RZ_KV_F16) {
        CASES(RZ_KV_F16)
    } else if (!KV_I16 && x->kv_type == KV_WIDENED) {
        CASES(KV_WIDENED)
    } else {
        CASES(RZ_KV_F32)
    }
#undef CASES
#undef CASE
}

/* Groups of keys of a block that begin before `end`. */
static uint32_t live_groups(uint32_t block, uint32_t end) {
    return rz_min_u32(KEY_GROUPS, rz_ceil_div(end - block, NR));
}

/* What queries carry from block to block. */
typedef struct {
    _Alignas(4 * NR) float most[RZ_ATTN_QUERIES];
    float total[RZ_ATTN_QUERIES], shrink[RZ_ATTN_QUERIES];
} softmax_state;

/* The keys of a block that query i sees; false if none. */
static bool block_range(const rz_attn *a, uint32_t i, uint32_t block, uint32_t *first,
                        uint32_t *end) {
    *first = rz_max_u32(block, a->first ? a->first[i] : 0);
    *end = rz_min_u32(block + RZ_KEY_BLOCK, a->limit[i]);
    return *first < *end;
}

/* The largest scores of query i, lane by lane; those of keys it does not see become -infinity. */
static vf largest_scores(const rz_attn *a, uint32_t i, uint32_t block, float *s) {
    uint32_t first, end;
    block_range(a, i, block, &first, &end);
    const uint32_t from = rz_min_u32(first - block, RZ_KEY_BLOCK), to = end < block ? 0 : end - block;
    for (uint32_t j = 0; j < from; j++) s[j] = -__builtin_inff();
    for (uint32_t j = to; j < RZ_KEY_BLOCK; j++) s[j] = -__builtin_inff();
    if (a->softcap > 0 || a->slope) {
        for (uint32_t j = from; j < to; j++) s[j] = rz_adjust_score(a, i, block + j, s[j]);
    }
    vf largest = vf_load(s);
    for (int g = NR; g < RZ_KEY_BLOCK; g += NR) largest = vf_max(vf_load(s + g), largest);
    return largest;
}

/* Scores become weights exp(score - most); gives their sums, lane by lane. */
static vf weights_of_scores(float *s, float most) {
    vf part[KEY_GROUPS];
    for (int g = 0; g < KEY_GROUPS; g++) {
        part[g] = vf_exp(vf_sub(vf_load(s + g * NR), vf_splat(most)));
        vf_store(s + g * NR, part[g]);
    }
    return vf_fold_block(part);
}

/* The softmax of n queries from i on goes on with the scores of a block. */
static void softmax_block(const rz_attn *a, uint32_t i, uint32_t n, uint32_t block, float (*s)[RZ_KEY_BLOCK],
                          softmax_state *state) {
    for (uint32_t from = 0; from < n; from += NR) {
        const uint32_t count = rz_min_u32(NR, n - from);
        float *most = state->most + from, *total = state->total + from, *shrink = state->shrink + from;
        _Alignas(4 * NR) float base[NR];
        vf part[NR];
        for (uint32_t h = 0; h < count; h++) part[h] = largest_scores(a, i + from + h, block, s[from + h]);
        const vf before = vf_load(most), now = vf_max(vf_largest_each(part, count), before);
        const vf seen = vf_keep_not_below(now, now, -__FLT_MAX__); /* who has not seen a key yet has weights of 0 */
        vf_store(most, now);
        vf_store(base, seen);
        vf_store(shrink, vf_exp(vf_sub(before, seen)));
        for (uint32_t h = 0; h < count; h++) part[h] = weights_of_scores(s[from + h], base[h]);
        vf_store(total, vf_add(vf_mul(vf_load(total), vf_load(shrink)), vf_sum_each(part, count)));
    }
}

/* Whole numbers of 14 bits as the activations of a product: in two digits of 7 where those are bytes. */
enum { DIGITS = XK_BYTES == 4 ? 2 : 1, DIGIT_BYTES = RZ_KEY_BLOCK / 4 * XK_BYTES };

/* What the keys of a block of values weigh, p times their scales, as whole numbers up to `limit`, in units of what is
 * returned. */
RZ_INLINE float whole_weights(const float *p, const float *scales, float limit, vi *whole) {
    vf weight[KEY_GROUPS], largest = vf_zero();
    for (int g = 0; g < KEY_GROUPS; g++) {
        weight[g] = vf_mul(vf_load(p + g * NR), vf_load(scales + g * NR));
        largest = vf_max(weight[g], largest);
    }
    const float most = vf_largest(largest), inverse = most >= RZ_WEIGHT_LEAST ? limit / most : 0;
    for (int g = 0; g < KEY_GROUPS; g++) whole[g] = vi_round(vf_mul(weight[g], vf_splat(inverse)));
    return most / limit;
}

/* The same in digits of 7 bits. */
static float digits_of_weights(const float *p, const uint8_t *values, uint8_t *digits) {
    vi whole[KEY_GROUPS];
    const float unit = whole_weights(p, (const float *)values, RZ_WEIGHT_MOST, whole);
    for (int g = 0; g < KEY_GROUPS; g++) vi_store_digits(digits + g * (NR / 4) * XK_BYTES, DIGIT_BYTES, whole[g]);
    return unit;
}

/* What queries make of the values of a block: out = out * shrink + unit * sum of the weights times the values. */
typedef struct {
    float *const *out;
    const float *shrink;
    uint8_t digits[RZ_ATTN_QUERIES][2 * DIGIT_BYTES];
    float unit[RZ_ATTN_QUERIES];
} byte_weights;

/* H queries from h0 on and 32 dimensions from d0 on. */
#define FOR_H _Pragma("GCC unroll 4") for (int h = 0; h < H; h++)
RZ_INLINE void add_bytes_of(const byte_weights *w, uint32_t h0, const uint8_t *values, uint32_t d0, const int H) {
    enum { G = VALUE_GROUPS };
    float *out[VALUE_QUERIES], unit[VALUE_QUERIES], shrink[VALUE_QUERIES]; /* copies, which stores to out cannot change */
    FOR_H out[h] = w->out[h0 + h] + d0, unit[h] = w->unit[h0 + h], shrink[h] = w->shrink[h0 + h];
    for (uint32_t d = 0; d < 32; d += G * NR) {
        const uint8_t *codes = values + rz_value_code(NR, 0, d);
        vi low[VALUE_QUERIES][G], high[VALUE_QUERIES][G];
        FOR_H FOR_G low[h][g] = high[h][g] = vi_splat(0);
        UNROLL for (int j = 0; j < RZ_KEY_BLOCK / 4; j++) {
            vb v[G];
            FOR_G v[g] = vb_load(codes + (g * (RZ_KEY_BLOCK / 4) + j) * 4 * NR);
            FOR_H {
                const uint8_t *digits = w->digits[h0 + h] + j * XK_BYTES;
                FOR_G low[h][g] = vi_dot_s8(low[h][g], v[g], xk_load(digits));
                if (DIGITS == 2) FOR_G high[h][g] = vi_dot_s8(high[h][g], v[g], xk_load(digits + DIGIT_BYTES));
            }
        }
        FOR_H FOR_G {
            float *to = out[h] + d + g * NR;
            vf sum = vf_from_i(vi_add(low[h][g], vi_shl(high[h][g], 7)));
            vf_store(to, vf_madd(sum, vf_splat(unit[h]), vf_mul(vf_load(to), vf_splat(shrink[h]))));
        }
    }
}
static void add_bytes(const byte_weights *w, uint32_t n, const uint8_t *values, uint32_t d) {
#define CASE(n) case n: add_bytes_of(w, h, values, d, n); break
    for (uint32_t h = 0; h < n; h += VALUE_QUERIES) {
        switch (rz_min_u32(VALUE_QUERIES, n - h)) { CASE(1); CASE(2); CASE(3); CASE(4); }
    }
#undef CASE
}

/* Functions of their own, because tools/count.mjs counts by name. */
#define COUNTED static __attribute__((noinline))

/* Every query meets the keys of a block of a cache of bytes. */
COUNTED void attend_bytes(const rz_attn *a, uint32_t block, softmax_state *state) {
    const rz_mat keys = rz_key_matrix(a, block, NR);
    const rz_act q = {.n = a->n_q, .cols = a->head_dim, .q8 = a->q_act};
    float s[RZ_ATTN_QUERIES][RZ_KEY_BLOCK];
    byte_weights w; /* an initialiser would clear all of it */
    w.out = a->out, w.shrink = state->shrink;
    /* The product with one query asks for its keys itself; a tile asks for the next group, which is too near. */
    if (a->n_q > 1) rz_fetch_ahead(keys.data, (uint32_t)keys.group_bytes * KEY_GROUPS);
    a->key_product(&keys, 0, live_groups(block, a->limit[a->n_q - 1]), &q, *s, RZ_KEY_BLOCK);
    softmax_block(a, 0, a->n_q, block, s, state);
    for (uint32_t d = 0; d < a->head_dim; d += 32) {
        const uint8_t *values = rz_value_block(a, block, d);
        rz_fetch_ahead(values, RZ_VALUE_BLOCK);
        for (uint32_t i = 0; i < a->n_q; i++) w.unit[i] = digits_of_weights(s[i], values, w.digits[i]);
        add_bytes(&w, a->n_q, values, d);
    }
}

/* Neighbouring queries that see the same keys of a block, first <= key < end. */
typedef struct {
    uint32_t from, n, first, end;
} query_run;

/* The runs of a block, SAME queries at most; queries that see no key come before or after all of them. Returns how many
 * there are. */
static uint32_t runs_of_block(const rz_attn *a, uint32_t block, query_run *runs) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->n_q; i++) {
        query_run *last = count ? runs + count - 1 : NULL;
        uint32_t first, end;
        if (!block_range(a, i, block, &first, &end)) continue;
        if (last && last->n < SAME && last->first == first && last->end == end) {
            last->n++;
        } else {
            runs[count++] = (query_run){i, 1, first, end};
        }
    }
    return count;
}

/* Rows of halves of a block, from element x->at on, as floats: worth it where they meet more than SAME queries. */
enum { WIDENED = 128 * RZ_KEY_BLOCK };
static void widen_rows(row_list *x, uint32_t elements, float *floats) {
    const uint8_t *from = (const uint8_t *)x->p + 2 * x->at;
    uint32_t i = 0;
    for (; i + 2 * NR <= elements; i += 2 * NR, from += 4 * NR) { /* a line */
        rz_fetch_ahead(from, 1);
        vf_store(floats + i, vf_load_f16(from));
        vf_store(floats + i + NR, vf_load_f16(from + 2 * NR));
    }
    if (i < elements) vf_store(floats + i, vf_load_f16(from));
    x->p = floats, x->at = 0, x->kv_type = KV_WIDENED;
}

/* Every query meets the keys of a block of a cache of floats or halves: runs of queries together. */
COUNTED void attend_floats(const rz_attn *a, uint32_t block, softmax_state *state) {
    const uint32_t width = rz_round_up(a->head_dim, NR), end = rz_min_u32(block + RZ_KEY_BLOCK, a->limit[a->n_q - 1]);
    const bool widen = !KV_I16 && a->kv_type == RZ_KV_F16 && a->n_q > SAME && width * RZ_KEY_BLOCK <= WIDENED;
    row_list keys = {.p = a->k, .kv_type = a->kv_type, .rows = a->head_dim, .at = (size_t)block * a->head_dim, .stride = NR,
                     .apart = (size_t)a->head_dim * NR};
    row_list values = {.p = a->v, .kv_type = a->kv_type, .vectors = width / NR, .at = (size_t)block * width, .stride = width,
                       .apart = NR};
    _Alignas(64) float floats[KV_I16 ? NR : WIDENED];
    const float nothing[SAME] = {0};
    float s[RZ_ATTN_QUERIES][RZ_KEY_BLOCK];
    query_run runs[RZ_ATTN_QUERIES];
    const uint32_t n_runs = runs_of_block(a, block, runs);
    memset(s, 0, a->n_q * sizeof *s);
    if (widen) widen_rows(&keys, live_groups(block, end) * NR * a->head_dim, floats);
    for (const query_run *r = runs; r < runs + n_runs; r++) {
        float *score[SAME];
        for (uint32_t i = 0; i < r->n; i++) score[i] = s[r->from + i];
        keys.vectors = live_groups(block, r->end);
        add_rows(&keys, r->n, a->q + r->from, nothing, score);
    }
    softmax_block(a, 0, a->n_q, block, s, state);
    if (widen) widen_rows(&values, (end - block) * width, floats);
    const size_t at = values.at;
    for (const query_run *r = runs; r < runs + n_runs; r++) {
        const float *weight[SAME];
        for (uint32_t i = 0; i < r->n; i++) weight[i] = s[r->from + i] + (r->first - block);
        values.at = at + (r->first - block) * width, values.rows = r->end - r->first;
        add_rows(&values, r->n, weight, state->shrink + r->from, a->out + r->from);
    }
}

/* n queries from i on have met no key yet, or all of a chunk. */
static softmax_state start_softmax(const rz_attn *a, uint32_t i, uint32_t n) {
    softmax_state state = {.total = {0}};
    for (uint32_t h = 0; h < RZ_ATTN_QUERIES; h++) state.most[h] = -__builtin_inff();
    for (uint32_t h = i; h < i + n; h++) memset(a->out[h], 0, rz_round_up(a->head_dim, NR) * sizeof(float));
    return state;
}
static void end_softmax(const rz_attn *a, uint32_t i, uint32_t n, const softmax_state *state) {
    memcpy(a->max + i, state->most, n * sizeof *a->max);
    memcpy(a->sum + i, state->total, n * sizeof *a->sum);
}

/* All queries meet the chunk of keys from chunk_start on of a cache of floats, halves or bytes. */
static void attend_blocks(const rz_attn *a, uint32_t chunk_start) {
    const uint32_t start = rz_max_u32(chunk_start, a->first ? a->first[0] : 0);
    const uint32_t stop = rz_min_u32(chunk_start + RZ_KEY_CHUNK, a->limit[a->n_q - 1]);
    softmax_state state = start_softmax(a, 0, a->n_q);
    for (uint32_t block = start / RZ_KEY_BLOCK * RZ_KEY_BLOCK; block < stop; block += RZ_KEY_BLOCK) {
        if (a->kv_type == RZ_KV_Q8_0) {
            attend_bytes(a, block, &state);
        } else {
            attend_floats(a, block, &state);
        }
    }
    end_softmax(a, 0, a->n_q, &state);
}

#if KV_I16
#include "attend_i16.inc.c"
#endif

SHARED_FN void SHARED(attend)(const rz_attn *a, uint32_t chunk) {
#if KV_I16
    if (a->kv_type == RZ_KV_I16) {
        attend_i16(a, chunk * RZ_KEY_CHUNK);
        return;
    }
#endif
    attend_blocks(a, chunk * RZ_KEY_CHUNK);
}
