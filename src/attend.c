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
    uint32_t heads;                     /* queries of a token */
    const uint8_t *q_act[unit_queries]; /* of the tokens */
    uint32_t head[unit_queries], position[unit_queries], first[unit_queries], limit[unit_queries];
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

/* The heads of a group from h on, of token t, as the cache's integers meet them. */
static uint8_t *query_act(const attend_task *task, uint32_t t, uint32_t kv_head, uint32_t h) {
    const rz_config *c = &task->m->config;
    const size_t room = rz_tile_room(task->m->kern->tile_small, c->n_head / c->n_head_kv);
    const size_t bytes = task->kv->type == RZ_KV_I16 ? rz_i16_row(c->head_dim)
                                                     : c->head_dim / 32 * rz_act_block(task->m->kern);
    return task->run->q_act + (((size_t)t * c->n_head_kv + kv_head) * room + h) * bytes;
}

/* Heads h0 .. h0 + n_heads of tokens t0 .. t1, all of one key head. */
static void list_queries(const attend_task *task, query_list *list, uint32_t h0, uint32_t n_heads,
                         uint32_t t0, uint32_t t1) {
    const rz_config *c = &task->m->config;
    const uint32_t group = c->n_head / c->n_head_kv;
    list->n = 0;
    list->heads = n_heads;
    for (uint32_t t = t0; t < t1; t++) {
        list->q_act[t - t0] = query_act(task, t, h0 / group, h0 % group);
        for (uint32_t h = h0; h < h0 + n_heads; h++) {
            uint32_t i = list->n++, position = task->position + t;
            list->row[i] = (size_t)t * c->n_head + h;
            list->q[i] = task->run->q + t * task->run->ld_q + (size_t)h * c->head_dim;
            list->head[i] = h;
            list->position[i] = position;
            list->limit[i] = c->causal ? position + 1 : task->position + task->n;
            list->first[i] = first_key(task, position);
            list->slope[i] = task->m->alibi_slopes ? task->m->alibi_slopes[h] : 0;
        }
    }
}

/* The queries of a group, for a cache of integers. */
static void quantise_group(const attend_task *task, uint32_t t, uint32_t kv_head) {
    const rz_config *c = &task->m->config;
    const rz_kern *kern = task->m->kern;
    const uint32_t group = c->n_head / c->n_head_kv, cols = c->head_dim;
    const float *q = task->run->q + t * task->run->ld_q + (size_t)kv_head * group * cols;
    if (task->kv->type == RZ_KV_I16) {
        for (uint32_t h = 0; h < group; h++) rz_i16_query(query_act(task, t, kv_head, h), q + (size_t)h * cols, cols);
        return;
    }
    for (uint32_t h = 0, width; h < group; h += width) {
        width = rz_tile_width(kern->tile_small, group, h);
        kern->act_q8(query_act(task, t, kv_head, h), q + (size_t)h * cols, cols, cols, rz_min_u32(width, group - h), width);
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
                 .heads = list->heads,
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
static void finish_head(const attend_task *task, size_t row, uint32_t head) {
    const rz_run *run = task->run;
    const uint32_t width = task->kv->v_width;
    const float *sinks = task->m->layers[task->layer].sinks;
    float *out = run->heads + row * width;
    if (sinks) add_sink(out, &run->head_max[row], &run->head_sum[row], sinks[head], width);
    float scale = 1.0f / run->head_sum[row];
    for (uint32_t d = 0; d < width; d++) out[d] *= scale;
}

/* All keys of a list. */
static void attend_list(const attend_task *task, query_list *list, uint32_t kv_head) {
    const uint32_t end = rz_ceil_div(list->limit[list->n - 1], RZ_KEY_CHUNK);
    for (uint32_t chunk = first_chunk(task, list->position[0]); chunk < end; chunk++) {
        attend_chunk(task, list, kv_head, chunk, 0);
    }
    for (uint32_t i = 0; i < list->n; i++) finish_head(task, list->row[i], list->head[i]);
}

static void attend_unit(void *arg, uint32_t unit) {
    const attend_task *task = arg;
    const rz_config *c = &task->m->config;
    const uint32_t group = c->n_head / c->n_head_kv, chunk = unit % task->chunks;
    const uint32_t kv_head = unit / task->chunks / task->blocks;
    const uint32_t t0 = unit / task->chunks % task->blocks * task->unit_tokens;
    const uint32_t t1 = rz_min_u32(t0 + task->unit_tokens, task->n);
    for (uint32_t t = t0; t < t1 && rz_kv_of_integers(task->kv->type) && task->chunks == 1; t++) {
        quantise_group(task, t, kv_head);
    }
    for (uint32_t h = 0; h < group; h += unit_queries) {
        query_list list;
        list_queries(task, &list, kv_head * group + h, rz_min_u32(group - h, unit_queries), t0, t1);
        if (task->chunks == 1) {
            attend_list(task, &list, kv_head);
        } else {
            attend_chunk(task, &list, kv_head, first_chunk(task, task->position) + chunk,
                         (size_t)chunk * c->n_head);
        }
    }
}

/* Chunks of keys that the only token of a call sees, if there is room for their results. */
static uint32_t chunks_apart(const attend_task *task) {
    if (task->n > 1 || rz_pool_threads(task->m->pool) < 2) return 1;
    const uint32_t chunks = task->position / RZ_KEY_CHUNK + 1 - first_chunk(task, task->position);
    return chunks <= task->run->chunk ? chunks : 1;
}

static void merge_chunks(const attend_task *task) {
    const rz_run *run = task->run;
    const uint32_t heads = task->m->config.n_head;
    for (uint32_t h = 0; h < heads; h++) {
        for (size_t part = h + heads; part < (size_t)task->chunks * heads; part += heads) {
            merge_row(task, h, part, run->head_max[part], run->head_sum[part]);
        }
        finish_head(task, h, h);
    }
}

void rz_attend(const rz_model *m, const rz_kv *kv, rz_run *run, uint32_t layer, uint32_t n,
               uint32_t position) {
    const uint32_t group = m->config.n_head / m->config.n_head_kv;
    attend_task task = {m, kv, run, layer, n, position, 0, 0, 1};
    task.unit_tokens = group >= unit_queries ? 1 : unit_queries / group;
    task.blocks = rz_ceil_div(n, task.unit_tokens);
    uint64_t work = (uint64_t)n * (position + n) * m->config.n_head * m->config.head_dim * 2;
    rz_pool *pool = work < least_parallel_work ? NULL : m->pool;
    if (pool) task.chunks = chunks_apart(&task);
    for (uint32_t h = 0; task.chunks > 1 && rz_kv_of_integers(kv->type) && h < m->config.n_head_kv; h++) {
        quantise_group(&task, 0, h);
    }
    rz_pool_run(pool, m->config.n_head_kv * task.blocks * task.chunks, attend_unit, &task);
    if (task.chunks > 1) merge_chunks(&task);
}
