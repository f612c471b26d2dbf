/*
 * attend.c: attention of one layer, spread over threads by key head and tokens, and where one token
 * has many keys by chunks of them.
 *
 * Queries that share a key head (the heads of a group, and several tokens) are one unit of work, so
 * keys and values are read once for all of them. Keys are taken in chunks of RZ_KEY_CHUNK whose
 * partial results are merged in ascending order: the bits do not depend on how work was spread.
 */
#include "forward.h"

#include "kern/kv_i16.h"

enum {
    unit_queries = RZ_ATTN_QUERIES, /* queries per unit, at most */
    least_parallel_work = 64 << 10 /* multiply-adds: below, waking a thread costs more */
};

typedef struct {
    const rz_model *m;
    const rz_kv *kv;
    rz_run *run;
    uint32_t layer, n, position;
    uint32_t unit_tokens; /* tokens per unit */
    uint32_t blocks;      /* of tokens per key head */
    uint32_t chunks;      /* of keys that are units of their own; 1: a unit takes all its keys */
} attend_task;

/* Merges the partial result of a chunk of keys into the running one. */
static void merge(float *out, float *max, float *sum, const float *part, float part_max,
                  float part_sum, uint32_t width) {
    float now = part_max > *max ? part_max : *max;
    float keep = rz_expf(*max - now), add = rz_expf(part_max - now);
    for (uint32_t d = 0; d < width; d++) out[d] = out[d] * keep + part[d] * add;
    *sum = *sum * keep + part_sum * add;
    *max = now;
}

/* A sink is one more score that takes part in the softmax and has no value. */
static void add_sink(float *out, float *max, float *sum, float sink, uint32_t width) {
    float now = sink > *max ? sink : *max, keep = rz_expf(*max - now);
    for (uint32_t d = 0; d < width; d++) out[d] *= keep;
    *sum = *sum * keep + rz_expf(sink - now);
}

/* The queries of one unit of work, and where their results go. */
typedef struct {
    uint32_t n;
    const float *q[unit_queries];
    uint8_t *q_act; /* room for them as integers */
    uint32_t position[unit_queries], first[unit_queries], limit[unit_queries];
    float slope[unit_queries];
    size_t row[unit_queries]; /* of run->heads */
    float *out[unit_queries], max[unit_queries], sum[unit_queries];
} query_list;

/* The first key that the token at a position sees. */
static uint32_t first_key(const attend_task *task, uint32_t position) {
    const rz_config *c = &task->m->config;
    const uint32_t window = rz_layer_windowed(c, task->layer) ? c->window : 0;
    return window && position + 1 > window ? position + 1 - window : 0;
}

static uint32_t first_chunk(const attend_task *task, uint32_t position) {
    return first_key(task, position) / RZ_KEY_CHUNK;
}

static uint32_t heads_of_group(const rz_model *m) { return m->config.n_head / m->config.n_head_kv; }

static uint32_t tokens_of_unit(const rz_model *m) { return rz_max_u32(unit_queries / heads_of_group(m), 1); }

/* Queries that a unit has room for as integers: whole lists, which tiles divide. */
static uint32_t room_of_unit(const rz_model *m) { return rz_round_up(heads_of_group(m), unit_queries); }

uint64_t rz_attend_room(const rz_model *m, uint32_t n) {
    return (uint64_t)rz_ceil_div(n, tokens_of_unit(m)) * m->config.n_head_kv * room_of_unit(m);
}

uint32_t rz_attend_row(const rz_model *m) {
    return rz_max_u32(m->config.head_dim / 32 * rz_act_block(m->kern), rz_i16_row(m->config.head_dim));
}

/* The heads of a group from its h-th on, of the tokens of a unit from t0 on. */
static void list_queries(const attend_task *task, query_list *list, uint32_t kv_head, uint32_t h, uint32_t t0) {
    const rz_config *c = &task->m->config;
    const uint32_t group = heads_of_group(task->m), end = rz_min_u32(h + unit_queries, group);
    const size_t unit = (size_t)t0 / task->unit_tokens * c->n_head_kv + kv_head;
    list->n = 0;
    list->q_act = task->run->q_act + (unit * room_of_unit(task->m) + h) * rz_attend_row(task->m);
    for (uint32_t t = t0; t < rz_min_u32(t0 + task->unit_tokens, task->n); t++) {
        for (uint32_t head = kv_head * group + h; head < kv_head * group + end; head++) {
            uint32_t i = list->n++, position = task->position + t;
            list->row[i] = (size_t)t * c->n_head + head;
            list->q[i] = task->run->q + t * task->run->ld_q + (size_t)head * c->head_dim;
            list->position[i] = position;
            list->limit[i] = c->causal ? position + 1 : task->position + task->n;
            list->first[i] = first_key(task, position);
            list->slope[i] = task->m->alibi_slopes ? task->m->alibi_slopes[head] : 0;
        }
    }
}

/* The queries of a list as bytes, tile by tile: 32 dimensions at a time, because those of several tokens lie apart. */
static void quantise_bytes(const attend_task *task, const query_list *list) {
    const rz_kern *kern = task->m->kern;
    uint8_t *dst = list->q_act;
    for (uint32_t i = 0, width; i < list->n; i += width) {
        width = rz_tile_width(kern->tile_small, list->n, i);
        const uint32_t n = rz_min_u32(width, list->n - i);
        for (uint32_t d = 0; d < task->m->config.head_dim; d += 32, dst += width * rz_act_block(kern)) {
            float rows[unit_queries][32];
            for (uint32_t h = 0; h < n; h++) memcpy(rows[h], list->q[i + h] + d, sizeof *rows);
            kern->act_q8(dst, *rows, 32, 32, n, width);
        }
    }
}

/* The same for any cache of integers. */
static void quantise_queries(const attend_task *task, const query_list *list) {
    const uint32_t cols = task->m->config.head_dim;
    if (task->kv->type == RZ_KV_Q8_0) quantise_bytes(task, list);
    for (uint32_t i = 0; task->kv->type == RZ_KV_I16 && i < list->n; i++) {
        rz_i16_query(list->q_act + i * rz_i16_row(cols), list->q[i], cols);
    }
}

static bool begins_in(const query_list *list, uint32_t i, uint32_t chunk) {
    return list->first[i] / RZ_KEY_CHUNK == chunk;
}

/* The chunk of a row of run->heads_chunk joins what run->heads has. */
static void merge_row(const attend_task *task, size_t row, size_t part, float max, float sum) {
    const rz_run *run = task->run;
    const uint32_t width = task->kv->v_width;
    merge(run->heads + row * width, &run->head_max[row], &run->head_sum[row],
          run->heads_chunk + part * width, max, sum, width);
}

/*
 * One chunk of keys. Queries that begin in it leave their result in run->heads. The results of the
 * others join it at once, or, if `rows` is not 0, wait that many rows further in run->heads_chunk,
 * head_max and head_sum.
 */
static void attend_chunk(const attend_task *task, query_list *list, uint32_t kv_head,
                         uint32_t chunk, size_t rows) {
    const rz_model *m = task->m;
    const rz_run *run = task->run;
    const uint32_t width = task->kv->v_width;
    rz_attn a = {.k = rz_kv_k(task->kv, task->layer, kv_head),
                 .v = rz_kv_v(task->kv, task->layer, kv_head),
                 .kv_type = task->kv->type,
                 .head_dim = m->config.head_dim,
                 .n_q = list->n,
                 .q = list->q,
                 .q_act = list->q_act,
                 .key_product = m->kern->key_product,
                 .first = list->first,
                 .limit = list->limit,
                 .softcap = m->config.attn_softcap,
                 .slope = m->alibi_slopes ? list->slope : NULL,
                 .position = list->position,
                 .out = list->out,
                 .max = list->max,
                 .sum = list->sum};
    for (uint32_t i = 0; i < list->n; i++) {
        list->out[i] = begins_in(list, i, chunk) ? run->heads + list->row[i] * width
                                                 : run->heads_chunk + (rows + list->row[i]) * width;
    }
    m->kern->attend(&a, chunk);
    for (uint32_t i = 0; i < list->n; i++) {
        uint32_t first, stop;
        const size_t row = list->row[i];
        if (!rz_chunk_range(&a, i, chunk, &first, &stop)) continue;
        if (rows || begins_in(list, i, chunk)) {
            run->head_max[rows + row] = list->max[i];
            run->head_sum[rows + row] = list->sum[i];
        } else {
            merge_row(task, row, row, list->max[i], list->sum[i]);
        }
    }
}

/* Sinks, and the division by the sum of the weights. */
static void finish_head(const attend_task *task, size_t row) {
    const rz_run *run = task->run;
    const uint32_t width = task->kv->v_width;
    const float *sinks = task->m->layers[task->layer].sinks;
    float *out = run->heads + row * width;
    if (sinks) add_sink(out, &run->head_max[row], &run->head_sum[row], sinks[row % task->m->config.n_head], width);
    float scale = 1.0f / run->head_sum[row];
    for (uint32_t d = 0; d < width; d++) out[d] *= scale;
}

/* All keys of a list. */
static void attend_list(const attend_task *task, query_list *list, uint32_t kv_head) {
    const uint32_t end = rz_ceil_div(list->limit[list->n - 1], RZ_KEY_CHUNK);
    for (uint32_t chunk = list->first[0] / RZ_KEY_CHUNK; chunk < end; chunk++) {
        attend_chunk(task, list, kv_head, chunk, 0);
    }
    for (uint32_t i = 0; i < list->n; i++) finish_head(task, list->row[i]);
}

static void attend_unit(void *arg, uint32_t unit) {
    const attend_task *task = arg;
    const uint32_t chunk = unit % task->chunks, kv_head = unit / task->chunks / task->blocks;
    const uint32_t t0 = unit / task->chunks % task->blocks * task->unit_tokens;
    for (uint32_t h = 0; h < heads_of_group(task->m); h += unit_queries) {
        query_list list;
        list_queries(task, &list, kv_head, h, t0);
        if (task->chunks == 1) {
            quantise_queries(task, &list);
            attend_list(task, &list, kv_head);
        } else {
            attend_chunk(task, &list, kv_head, first_chunk(task, task->position) + chunk,
                         (size_t)chunk * task->m->config.n_head);
        }
    }
}

/* Chunks of keys that the only token of a call sees, if there is room for their results. */
static uint32_t chunks_apart(const attend_task *task) {
    if (task->n > 1 || rz_pool_threads(task->m->pool) < 2) return 1;
    const uint32_t chunks = task->position / RZ_KEY_CHUNK + 1 - first_chunk(task, task->position);
    return chunks <= task->run->chunk ? chunks : 1;
}

/* The queries of the only token of a call, whose chunks of keys are apart. */
static void quantise_token(const attend_task *task, uint32_t kv_head) {
    for (uint32_t h = 0; h < heads_of_group(task->m); h += unit_queries) {
        query_list list;
        list_queries(task, &list, kv_head, h, 0);
        quantise_queries(task, &list);
    }
}

static void merge_chunks(const attend_task *task) {
    const rz_run *run = task->run;
    const uint32_t heads = task->m->config.n_head;
    for (uint32_t h = 0; h < heads; h++) {
        for (size_t part = h + heads; part < (size_t)task->chunks * heads; part += heads) {
            merge_row(task, h, part, run->head_max[part], run->head_sum[part]);
        }
        finish_head(task, h);
    }
}

void rz_attend(const rz_model *m, const rz_kv *kv, rz_run *run, uint32_t layer, uint32_t n,
               uint32_t position) {
    attend_task task = {m, kv, run, layer, n, position, tokens_of_unit(m), 0, 1};
    task.blocks = rz_ceil_div(n, task.unit_tokens);
    uint64_t work = (uint64_t)n * (position + n) * m->config.n_head * m->config.head_dim * 2;
    rz_pool *pool = work < least_parallel_work ? NULL : m->pool;
    if (pool) task.chunks = chunks_apart(&task);
    for (uint32_t h = 0; task.chunks > 1 && h < m->config.n_head_kv; h++) quantise_token(&task, h);
    rz_pool_run(pool, m->config.n_head_kv * task.blocks * task.chunks, attend_unit, &task);
    if (task.chunks > 1) merge_chunks(&task);
}
