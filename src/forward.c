/*
 * forward.c: the network, top to bottom: embeddings, n_layer times attention and feed-forward, each
 * on a normalised copy of the residual stream and added to it, then the output head.
 *
 * One pass serves all architectures (Vaswani et al. 2017 and its descendants): what a model has not
 * is a NULL norm, an absent matrix or a neutral number of its config. The base is Llama (Touvron et
 * al. 2023): RMSNorm, rotary positions (Su et al. 2021), grouped queries (Ainslie et al. 2023).
 */
#include "forward.h"

#include "kern/fmath.h"
#include "math64.h"

void rz_run_layout(rz_run *run, rz_arena *a, const rz_model *m, uint32_t chunk,
                   uint32_t logits_rows) {
    const rz_config *c = &m->config;
    const uint32_t line = RZ_ALIGN / sizeof(float), n = chunk;
    const uint32_t v_width = rz_round_up(c->head_dim, m->kern->nr);
    const uint32_t ff = rz_max_u32(rz_max_u32(c->n_ff, c->n_ff_expert), c->n_ff_shared);
    *run = (rz_run){.chunk = chunk, .logits_rows = logits_rows};
    run->ld_embd = rz_round_up(c->n_embd, line);
    run->ld_q = rz_round_up(c->n_head * c->head_dim, line);
    run->ld_kv = rz_round_up(c->n_head_kv * c->head_dim, line);
    run->ld_ff = rz_round_up(ff, line);
    run->ld_vocab = rz_round_up(c->n_vocab, line);
    run->ld_expert = rz_round_up(c->n_expert, line);

    run->row = rz_arena_take(a, c->n_embd, sizeof(float));
    run->x = rz_arena_take(a, n, run->ld_embd * sizeof(float));
    run->norm = rz_arena_take(a, n, run->ld_embd * sizeof(float));
    run->q = rz_arena_take(a, n, run->ld_q * sizeof(float));
    run->k = rz_arena_take(a, n, run->ld_kv * sizeof(float));
    run->v = rz_arena_take(a, n, run->ld_kv * sizeof(float));
    run->heads = rz_arena_take(a, n, (uint64_t)c->n_head * v_width * sizeof(float));
    run->heads_chunk = rz_arena_take(a, n, (uint64_t)c->n_head * v_width * sizeof(float));
    run->head_max = rz_arena_take(a, n, c->n_head * sizeof(float));
    run->head_sum = rz_arena_take(a, n, c->n_head * sizeof(float));
    run->joined = rz_arena_take(a, n, run->ld_q * sizeof(float));
    run->gate = rz_arena_take(a, n, run->ld_ff * sizeof(float));
    run->up = rz_arena_take(a, n, run->ld_ff * sizeof(float));
    run->out = rz_arena_take(a, n, run->ld_embd * sizeof(float));
    run->ffn_out = rz_arena_take(a, n, run->ld_embd * sizeof(float));
    run->freqs = rz_arena_take(a, c->rope.dim / 2, sizeof(float));
    run->freqs_local = rz_arena_take(a, c->rope.dim / 2, sizeof(float));
    run->rope_cos = rz_arena_take(a, 2 * n, c->rope.dim / 2 * sizeof(float));
    run->rope_sin = rz_arena_take(a, 2 * n, c->rope.dim / 2 * sizeof(float));
    if (c->n_expert) {
        run->routes = rz_arena_take(a, n, run->ld_expert * sizeof(float));
        run->routed = rz_arena_take(a, n, sizeof *run->routed);
        run->expert_in = rz_arena_take(a, n, run->ld_embd * sizeof(float));
        run->expert_out = rz_arena_take(a, n, run->ld_embd * sizeof(float));
    }
    uint64_t widest = rz_max_u32(rz_max_u32(c->n_embd, ff), c->n_head * c->head_dim);
    uint64_t room = rz_tile_room(m->kern->tile, n);
    run->act_f32 = rz_arena_take(a, room, widest * sizeof(float));
    run->act_q8 = rz_arena_take(a, room, widest / 32 * rz_act_block(m->kern));
    run->q_act = rz_arena_take(a, rz_attend_room(m, chunk), rz_attend_row(m));
    run->logits = rz_arena_take(a, run->logits_rows, run->ld_vocab * sizeof(float));
}

void rz_run_prepare(rz_run *run, const rz_model *m, uint32_t n_ctx) {
    const rz_config *c = &m->config;
    if (c->rope.kind == RZ_ROPE_NONE) return;
    const float *factors = m->rope_factors;
    if (c->rope.scaling == RZ_SCALE_LONG) factors = n_ctx > c->rope.ctx_orig ? m->rope_long : m->rope_short;
    rz_rope_freqs(&c->rope, factors, n_ctx, run->freqs);
    if (c->rope_local.kind != RZ_ROPE_NONE) {
        rz_rope_freqs(&c->rope_local, NULL, n_ctx, run->freqs_local);
    }
}

/* ---- rows ---------------------------------------------------------------------------------- */

static void norm_row(const rz_model *m, const rz_norm *norm, float *y, const float *x,
                     uint32_t width) {
    if (m->config.norm == RZ_NORM_RMS) {
        m->kern->rmsnorm(y, x, norm->w, width, m->config.norm_eps);
    } else {
        m->kern->layernorm(y, x, norm->w, norm->b, width, m->config.norm_eps);
    }
}

/* Row t of something as wide as the stream. */
static float *row_of(const rz_run *run, float *rows, uint32_t t) { return rows + t * run->ld_embd; }

/* Normalises a row of the stream's width; a norm that is not there copies. y may be x. */
static void norm_stream(const rz_model *m, const rz_norm *norm, float *y, const float *x) {
    if (norm->w) {
        norm_row(m, norm, y, x, m->config.n_embd);
    } else if (y != x) {
        memcpy(y, x, m->config.n_embd * sizeof *y);
    }
}

/* x += scale y */
static void add_row(const rz_model *m, float *x, const float *y) {
    const float scale = m->config.residual_scale;
    if (scale == 1) {
        for (uint32_t i = 0; i < m->config.n_embd; i++) x[i] += y[i];
    } else {
        for (uint32_t i = 0; i < m->config.n_embd; i++) x[i] += scale * y[i];
    }
}

/* ---- embeddings ---------------------------------------------------------------------------- */

/* Row `row` of a matrix, added to x or stored there. */
static void take_row(rz_run *run, const rz_mat *w, uint32_t row, float *x, bool add) {
    float *values = run->norm; /* free at this point */
    rz_pack_row(w, row, run->row);
    rz_dtype_dequantize(rz_dtype_get(w->dtype), run->row, add ? values : x, w->cols);
    for (uint32_t i = 0; add && i < w->cols; i++) x[i] += values[i];
}

static void embed(const rz_model *m, rz_run *run, const uint32_t *tokens, uint32_t n,
                  uint32_t position) {
    const rz_config *c = &m->config;
    for (uint32_t t = 0; t < n; t++) {
        float *x = run->x + t * run->ld_embd;
        take_row(run, &m->token_embd, tokens[t], x, false);
        if (c->embd_scale != 1) {
            for (uint32_t i = 0; i < c->n_embd; i++) x[i] *= c->embd_scale;
        }
        if (m->type_embd.rows) {
            take_row(run, &m->type_embd, run->types ? run->types[position + t] : 0, x, true);
        }
        if (m->position_embd.rows) {
            uint32_t last = m->position_embd.rows - 1;
            take_row(run, &m->position_embd, rz_min_u32(position + t, last), x, true);
        }
    }
    for (uint32_t t = 0; t < n; t++) norm_stream(m, &m->embd_norm, row_of(run, run->x, t), row_of(run, run->x, t));
}

/* ---- attention ----------------------------------------------------------------------------- */

/* A layer's share of a step, whose rows are spread over threads. */
typedef struct {
    const rz_model *m;
    rz_kv *kv;
    rz_run *run;
    uint32_t layer, n, position;
} layer_task;

/* cos and sin of position times frequency, for every token of the chunk. */
static void fill_rope(const rz_rope *rope, const float *freqs, float *cosines, float *sines,
                      uint32_t n, uint32_t position) {
    const uint32_t pairs = rope->dim / 2;
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t i = 0; i < pairs; i++) {
            double sin, cos;
            rz_sincos64((double)(position + t) * freqs[i], &sin, &cos);
            cosines[t * pairs + i] = (float)cos * rope->magnitude;
            sines[t * pairs + i] = (float)sin * rope->magnitude;
        }
    }
}

/* Rotates the pairs of each head of one row: element i * step and the one `apart` from it. */
static void rotate_pairs(float *restrict row, uint32_t n_heads, uint32_t head_dim, uint32_t pairs, const float *restrict cos,
                         const float *restrict sin, uint32_t step, uint32_t apart) {
    for (uint32_t h = 0; h < n_heads; h++, row += head_dim) {
        for (uint32_t i = 0; i < pairs; i++) {
            const float x = row[i * step], y = row[i * step + apart];
            row[i * step] = x * cos[i] - y * sin[i];
            row[i * step + apart] = x * sin[i] + y * cos[i];
        }
    }
}

static void rotate(const rz_rope *rope, float *row, uint32_t n_heads, uint32_t head_dim, const float *cos, const float *sin) {
    const uint32_t pairs = rope->dim / 2;
    if (rope->kind == RZ_ROPE_HALVES) {
        rotate_pairs(row, n_heads, head_dim, pairs, cos, sin, 1, pairs);
    } else {
        rotate_pairs(row, n_heads, head_dim, pairs, cos, sin, 2, 1);
    }
}

/* Norm of the queries or keys of one token: of each head, or of all together; a LayerNorm is of each. */
static void norm_heads(const rz_model *m, const rz_norm *norm, uint32_t n_weights, float *row,
                       uint32_t width) {
    const uint32_t each = m->config.norm == RZ_NORM_LAYER ? m->config.head_dim : n_weights;
    for (uint32_t at = 0; norm->w && at < width; at += each) {
        norm_row(m, &(rz_norm){norm->w + at % n_weights, NULL}, row + at, row + at, each);
    }
}

static void clamp_row(float *row, uint32_t width, float most) {
    for (uint32_t i = 0; most > 0 && i < width; i++) {
        row[i] = row[i] > most ? most : row[i] < -most ? -most : row[i];
    }
}

/* From products to what attention sees: clamped, normalised, rotated, scaled; the key and the value of token t join the
 * cache. */
static void finish_qkv(const layer_task *task, uint32_t t) {
    const rz_model *m = task->m;
    const rz_run *run = task->run;
    const rz_config *c = &m->config;
    const rz_layer *l = &m->layers[task->layer];
    const bool local = rz_layer_windowed(c, task->layer) && c->rope_local.kind != RZ_ROPE_NONE;
    const uint32_t q_width = c->n_head * c->head_dim, kv_width = c->n_head_kv * c->head_dim;
    float *q = run->q + t * run->ld_q, *k = run->k + t * run->ld_kv, *v = run->v + t * run->ld_kv;
    clamp_row(q, q_width, c->clamp_qkv);
    clamp_row(k, kv_width, c->clamp_qkv);
    clamp_row(v, kv_width, c->clamp_qkv);
    norm_heads(m, &l->q_norm, l->q_norm_width, q, q_width);
    norm_heads(m, &l->k_norm, l->k_norm_width, k, kv_width);
    if (rz_layer_rotated(c, task->layer)) {
        const rz_rope *rope = local ? &c->rope_local : &c->rope;
        const size_t at = (t + (local ? run->chunk : 0)) * (size_t)(c->rope.dim / 2);
        rotate(rope, q, c->n_head, c->head_dim, run->rope_cos + at, run->rope_sin + at);
        rotate(rope, k, c->n_head_kv, c->head_dim, run->rope_cos + at, run->rope_sin + at);
    }
    for (uint32_t i = 0; i < q_width; i++) q[i] *= c->attn_scale;
    rz_kv_append(task->kv, task->layer, task->position + t, k, v);
}

/* The tokens whose keys are in one block of the cache, which they have for themselves. */
static void finish_block(void *arg, uint32_t unit) {
    const layer_task *task = arg;
    const uint32_t block = (task->position / RZ_KEY_BLOCK + unit) * RZ_KEY_BLOCK;
    const uint32_t t0 = rz_max_u32(block, task->position) - task->position;
    const uint32_t t1 = rz_min_u32(block + RZ_KEY_BLOCK - task->position, task->n);
    for (uint32_t t = t0; t < t1; t++) finish_qkv(task, t);
}

/* The heads' outputs of token t side by side, without the padding of each. */
static void join_heads(void *arg, uint32_t t) {
    const layer_task *task = arg;
    const rz_config *c = &task->m->config;
    const rz_run *run = task->run;
    const uint32_t width = task->kv->v_width;
    for (uint32_t h = 0; h < c->n_head; h++) {
        memcpy(run->joined + t * run->ld_q + (size_t)h * c->head_dim,
               run->heads + ((size_t)t * c->n_head + h) * width, c->head_dim * sizeof(float));
    }
}

/* ---- layers -------------------------------------------------------------------------------- */

/* The results of a layer join row t of the stream. */
static void leave_layer(const layer_task *task, const rz_layer *l, uint32_t t) {
    const rz_model *m = task->m;
    const rz_run *run = task->run;
    float *x = row_of(run, run->x, t), *y = row_of(run, run->ffn_out, t);
    norm_stream(m, &l->ffn_post_norm, y, y);
    if (m->config.parallel) add_row(m, x, row_of(run, run->out, t));
    add_row(m, x, y);
    norm_stream(m, &l->ffn_stream_norm, x, x);
}

/* Row t of what a layer begins with, or the head behind the last one. */
static void enter_layer(void *arg, uint32_t t) {
    const layer_task *task = arg;
    const rz_model *m = task->m;
    const rz_run *run = task->run;
    const bool last = task->layer == m->config.n_layer;
    if (task->layer > 0) leave_layer(task, &m->layers[task->layer - 1], t);
    norm_stream(m, last ? &m->output_norm : &m->layers[task->layer].attn_norm, row_of(run, run->norm, t),
                row_of(run, run->x, t));
}

/* Row t of what the feed-forward layer begins with. */
static void enter_feed_forward(void *arg, uint32_t t) {
    const layer_task *task = arg;
    const rz_model *m = task->m;
    const rz_run *run = task->run;
    const rz_layer *l = &m->layers[task->layer];
    float *x = row_of(run, run->x, t), *out = row_of(run, run->out, t);
    norm_stream(m, &l->attn_post_norm, out, out);
    if (!m->config.parallel) {
        add_row(m, x, out);
        norm_stream(m, &l->attn_stream_norm, x, x);
    }
    /* a parallel layer without a norm of its own shares the attention's */
    if (!m->config.parallel || l->ffn_norm.w) norm_stream(m, &l->ffn_norm, row_of(run, run->norm, t), x);
}

static void run_layer(layer_task *task) {
    const rz_model *m = task->m;
    rz_run *run = task->run;
    const rz_layer *l = &m->layers[task->layer];
    const uint32_t n = task->n, blocks = (task->position + n - 1) / RZ_KEY_BLOCK - task->position / RZ_KEY_BLOCK + 1;
    const rz_product qkv[] = {{&l->wq.w, l->wq.b, run->q, run->ld_q},
                              {&l->wk.w, l->wk.b, run->k, run->ld_kv},
                              {&l->wv.w, l->wv.b, run->v, run->ld_kv}};
    const rz_product output = {&l->wo.w, l->wo.b, run->out, run->ld_embd};
    rz_products(m, run, &(rz_rows){enter_layer, task}, run->norm, run->ld_embd, n, qkv, 3);
    rz_pool_run(n > m->kern->tile ? m->pool : NULL, blocks, finish_block, task);
    rz_attend(m, task->kv, run, task->layer, n, task->position);
    rz_products(m, run, &(rz_rows){join_heads, task}, run->joined, run->ld_q, n, &output, 1);
    rz_feed_forward(m, run, l, &(rz_rows){enter_feed_forward, task}, run->norm, n);
}

/* Logits of n rows of run->norm, scaled and capped as the model has it. */
static void output_head(const rz_model *m, rz_run *run, const float *x, uint32_t n) {
    const rz_config *c = &m->config;
    const rz_product head = {&m->output.w, m->output.b, run->logits, run->ld_vocab};
    rz_products(m, run, NULL, x, run->ld_embd, n, &head, 1);
    if (c->logit_scale == 1 && c->logit_softcap == 0) return;
    for (uint32_t t = 0; t < n; t++) {
        float *logits = run->logits + t * run->ld_vocab;
        for (uint32_t i = 0; i < c->n_vocab; i++) {
            logits[i] *= c->logit_scale;
            if (c->logit_softcap > 0) {
                logits[i] = c->logit_softcap * rz_tanhf(logits[i] / c->logit_softcap);
            }
        }
    }
}

void rz_forward(const rz_model *m, rz_kv *kv, rz_run *run, const uint32_t *tokens, uint32_t n,
                uint32_t position, uint32_t n_logits) {
    const rz_config *c = &m->config;
    const size_t table = (size_t)run->chunk * (c->rope.dim / 2);
    embed(m, run, tokens, n, position);
    if (c->rope.kind != RZ_ROPE_NONE) {
        fill_rope(&c->rope, run->freqs, run->rope_cos, run->rope_sin, n, position);
    }
    if (c->rope_local.kind != RZ_ROPE_NONE) {
        fill_rope(&c->rope_local, run->freqs_local, run->rope_cos + table, run->rope_sin + table, n,
                  position);
    }
    layer_task task = {m, kv, run, 0, n, position};
    for (; task.layer < c->n_layer; task.layer++) run_layer(&task);
    rz_each_row(m, n, &(rz_rows){enter_layer, &task});
    if (n_logits) output_head(m, run, run->norm + (n - n_logits) * run->ld_embd, n_logits);
}
