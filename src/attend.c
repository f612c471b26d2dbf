/*
 * attend.c: attention of one layer, spread over threads by key head and tokens.
 *
 * Queries that share a key head (the heads of a group, and several tokens) are one unit of work, so
 * keys and values are read once for all of them. Keys are taken in chunks of RZ_KEY_CHUNK whose
 * partial results are merged in ascending order: the bits do not depend on how work was spread.
 */
#include "forward.h"

#include "kern/fmath.h"

enum {
    unit_queries = 16,            /* queries per unit, at most */
    least_parallel_work = 64 << 10 /* multiply-adds: below, waking a thread costs more */
};

typedef struct {
    const rz_model *m;
    const rz_kv *kv;
    rz_run *run;
    uint32_t layer, n, position;
    uint32_t unit_tokens; /* tokens per unit */
    uint32_t blocks;      /* units per key head */
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

/* Heads h0 .. h0 + group of tokens t0 .. t1: the queries of one key head, up to unit_queries. */
static void attend_queries(const attend_task *task, uint32_t kv_head, uint32_t h0, uint32_t n_heads,
                           uint32_t t0, uint32_t t1) {
    const rz_config *c = &task->m->config;
    const rz_run *run = task->run;
    const uint32_t width = task->kv->v_width;
    const float *q[unit_queries];
    uint32_t limit[unit_queries], n_q = 0;
    size_t row[unit_queries];
    float *out[unit_queries], max[unit_queries], sum[unit_queries];
    for (uint32_t t = t0; t < t1; t++) {
        for (uint32_t h = h0; h < h0 + n_heads; h++, n_q++) {
            row[n_q] = (size_t)t * c->n_head + h;
            q[n_q] = run->q + t * run->ld_q + (size_t)h * c->head_dim;
            limit[n_q] = task->position + t + 1;
        }
    }
    rz_attn a = {.k = rz_kv_k(task->kv, task->layer, kv_head),
                 .v = rz_kv_v(task->kv, task->layer, kv_head),
                 .kv_type = task->kv->type,
                 .head_dim = c->head_dim,
                 .n_q = n_q,
                 .q = q,
                 .limit = limit,
                 .out = out,
                 .max = max,
                 .sum = sum};
    const uint32_t chunks = rz_ceil_div(limit[n_q - 1], RZ_KEY_CHUNK);
    for (uint32_t chunk = 0; chunk < chunks; chunk++) {
        float *base = chunk == 0 ? run->heads : run->heads_chunk;
        for (uint32_t i = 0; i < n_q; i++) out[i] = base + row[i] * width;
        task->m->kern->attend(&a, chunk);
        for (uint32_t i = 0; i < n_q; i++) {
            float *run_max = &run->head_max[row[i]], *run_sum = &run->head_sum[row[i]];
            if (chunk == 0) {
                *run_max = max[i];
                *run_sum = sum[i];
            } else if (limit[i] > chunk * RZ_KEY_CHUNK) {
                merge(run->heads + row[i] * width, run_max, run_sum, out[i], max[i], sum[i], width);
            }
        }
    }
    for (uint32_t i = 0; i < n_q; i++) {
        float *head = run->heads + row[i] * width, scale = 1.0f / run->head_sum[row[i]];
        for (uint32_t d = 0; d < width; d++) head[d] *= scale;
    }
}

static void attend_unit(void *arg, uint32_t unit) {
    const attend_task *task = arg;
    const rz_config *c = &task->m->config;
    const uint32_t group = c->n_head / c->n_head_kv, kv_head = unit / task->blocks;
    const uint32_t t0 = unit % task->blocks * task->unit_tokens;
    const uint32_t t1 = rz_min_u32(t0 + task->unit_tokens, task->n);
    for (uint32_t h = 0; h < group; h += unit_queries) {
        attend_queries(task, kv_head, kv_head * group + h, rz_min_u32(group - h, unit_queries), t0,
                       t1);
    }
}

void rz_attend(const rz_model *m, const rz_kv *kv, rz_run *run, uint32_t layer, uint32_t n,
               uint32_t position) {
    const uint32_t group = m->config.n_head / m->config.n_head_kv;
    attend_task task = {m, kv, run, layer, n, position, 0, 0};
    task.unit_tokens = group >= unit_queries ? 1 : unit_queries / group;
    task.blocks = rz_ceil_div(n, task.unit_tokens);
    uint64_t work = (uint64_t)n * (position + n) * m->config.n_head * m->config.head_dim * 2;
    rz_pool *pool = work < least_parallel_work ? NULL : m->pool;
    rz_pool_run(pool, m->config.n_head_kv * task.blocks, attend_unit, &task);
}
