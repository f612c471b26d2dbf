/*
 * forward.c: the network, top to bottom: embedding, n_layer times attention and feed-forward, each
 * on a normalised copy of the residual stream and added to it, then the output head.
 *
 * Architecture: Llama (Touvron et al. 2023): RMSNorm, rotary positions (Su et al. 2021), grouped
 * query attention (Ainslie et al. 2023), SwiGLU (Shazeer 2020).
 */
#include "forward.h"

#include "math64.h"

void rz_run_layout(rz_run *run, rz_arena *a, const rz_model *m, uint32_t chunk, bool all_logits) {
    const rz_config *c = &m->config;
    const uint32_t line = RZ_ALIGN / sizeof(float), n = chunk;
    const uint32_t v_width = rz_round_up(c->head_dim, m->kern->nr);
    *run = (rz_run){.chunk = chunk, .logits_rows = all_logits ? chunk : 1};
    run->ld_embd = rz_round_up(c->n_embd, line);
    run->ld_q = rz_round_up(c->n_head * c->head_dim, line);
    run->ld_kv = rz_round_up(c->n_head_kv * c->head_dim, line);
    run->ld_ff = rz_round_up(c->n_ff, line);
    run->ld_vocab = rz_round_up(c->n_vocab, line);

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
    run->rope_cos = rz_arena_take(a, n, c->rope_dim / 2 * sizeof(float));
    run->rope_sin = rz_arena_take(a, n, c->rope_dim / 2 * sizeof(float));

    uint64_t widest = rz_max_u32(rz_max_u32(c->n_embd, c->n_ff), c->n_head * c->head_dim);
    uint64_t room = rz_tile_room(m->kern, n);
    run->act_f32 = rz_arena_take(a, room, widest * sizeof(float));
    run->act_q8 = rz_arena_take(a, room, widest / 32 * rz_act_block(m->kern));
    run->logits = rz_arena_take(a, run->logits_rows, run->ld_vocab * sizeof(float));
}

static void embed(const rz_model *m, rz_run *run, const uint32_t *tokens, uint32_t n) {
    const rz_mat *e = &m->token_embd;
    for (uint32_t t = 0; t < n; t++) {
        rz_pack_row(e, tokens[t], run->row);
        rz_dtype_get(e->dtype)->dequantize(run->row, run->x + t * run->ld_embd, e->cols);
    }
}

static void norm_rows(const rz_model *m, rz_run *run, const float *weight, uint32_t n) {
    for (uint32_t t = 0; t < n; t++) {
        m->kern->rmsnorm(run->norm + t * run->ld_embd, run->x + t * run->ld_embd, weight,
                         m->config.n_embd, m->config.norm_eps);
    }
}

static void add_bias(float *y, size_t ldy, const float *bias, uint32_t width, uint32_t n) {
    if (!bias) return;
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t i = 0; i < width; i++) y[t * ldy + i] += bias[i];
    }
}

static void add_to_stream(const rz_model *m, rz_run *run, uint32_t n) {
    for (uint32_t t = 0; t < n; t++) {
        float *x = run->x + t * run->ld_embd;
        const float *y = run->out + t * run->ld_embd;
        for (uint32_t i = 0; i < m->config.n_embd; i++) x[i] += y[i];
    }
}

/* cos and sin of position times frequency, for every token of the chunk. */
static void fill_rope(const rz_model *m, rz_run *run, uint32_t n, uint32_t position) {
    const uint32_t pairs = m->config.rope_dim / 2;
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t i = 0; i < pairs; i++) {
            double sin, cos;
            rz_sincos64((double)(position + t) * m->rope_freqs[i], &sin, &cos);
            run->rope_cos[t * pairs + i] = (float)cos;
            run->rope_sin[t * pairs + i] = (float)sin;
        }
    }
}

/* Rotates the pairs of each head of one row. */
static void rotate(const rz_config *c, float *row, uint32_t n_heads, const float *cos,
                   const float *sin) {
    const uint32_t pairs = c->rope_dim / 2;
    const uint32_t step = c->rope_halves ? 1 : 2, apart = c->rope_halves ? pairs : 1;
    for (uint32_t h = 0; h < n_heads; h++, row += c->head_dim) {
        for (uint32_t i = 0; i < pairs; i++) {
            float *a = row + i * step, *b = a + apart, x = *a, y = *b;
            *a = x * cos[i] - y * sin[i];
            *b = x * sin[i] + y * cos[i];
        }
    }
}

static void rotate_and_store(const rz_model *m, rz_kv *kv, rz_run *run, uint32_t layer, uint32_t n,
                             uint32_t position) {
    const rz_config *c = &m->config;
    const uint32_t pairs = c->rope_dim / 2;
    const float scale = 1.0f / __builtin_sqrtf((float)c->head_dim);
    for (uint32_t t = 0; t < n; t++) {
        float *q = run->q + t * run->ld_q, *k = run->k + t * run->ld_kv;
        const float *cos = run->rope_cos + t * pairs, *sin = run->rope_sin + t * pairs;
        rotate(c, q, c->n_head, cos, sin);
        rotate(c, k, c->n_head_kv, cos, sin);
        for (uint32_t i = 0; i < c->n_head * c->head_dim; i++) q[i] *= scale;
        rz_kv_append(kv, layer, position + t, k, run->v + t * run->ld_kv);
    }
}

/* The heads' outputs side by side, without the padding of each. */
static void join_heads(const rz_model *m, const rz_kv *kv, rz_run *run, uint32_t n) {
    const rz_config *c = &m->config;
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t h = 0; h < c->n_head; h++) {
            memcpy(run->joined + t * run->ld_q + (size_t)h * c->head_dim,
                   run->heads + ((size_t)t * c->n_head + h) * kv->v_width,
                   c->head_dim * sizeof(float));
        }
    }
}

static void attention(const rz_model *m, rz_kv *kv, rz_run *run, uint32_t layer, uint32_t n,
                      uint32_t position) {
    const rz_config *c = &m->config;
    const rz_layer *l = &m->layers[layer];
    norm_rows(m, run, l->attn_norm, n);
    const rz_product qkv[] = {{&l->wq, run->q, run->ld_q},
                              {&l->wk, run->k, run->ld_kv},
                              {&l->wv, run->v, run->ld_kv}};
    rz_products(m, run, run->norm, run->ld_embd, n, qkv, 3);
    add_bias(run->q, run->ld_q, l->bq, c->n_head * c->head_dim, n);
    add_bias(run->k, run->ld_kv, l->bk, c->n_head_kv * c->head_dim, n);
    add_bias(run->v, run->ld_kv, l->bv, c->n_head_kv * c->head_dim, n);
    rotate_and_store(m, kv, run, layer, n, position);
    rz_attend(m, kv, run, layer, n, position);
    join_heads(m, kv, run, n);
    const rz_product output = {&l->wo, run->out, run->ld_embd};
    rz_products(m, run, run->joined, run->ld_q, n, &output, 1);
    add_bias(run->out, run->ld_embd, l->bo, c->n_embd, n);
    add_to_stream(m, run, n);
}

static void feed_forward(const rz_model *m, rz_run *run, uint32_t layer, uint32_t n) {
    const rz_layer *l = &m->layers[layer];
    norm_rows(m, run, l->ffn_norm, n);
    const rz_product gate_up[] = {{&l->w_gate, run->gate, run->ld_ff},
                                  {&l->w_up, run->up, run->ld_ff}};
    rz_products(m, run, run->norm, run->ld_embd, n, gate_up, 2);
    for (uint32_t t = 0; t < n; t++) {
        float *gate = run->gate + t * run->ld_ff;
        m->kern->silu_mul(gate, gate, run->up + t * run->ld_ff, m->config.n_ff);
    }
    const rz_product down = {&l->w_down, run->out, run->ld_embd};
    rz_products(m, run, run->gate, run->ld_ff, n, &down, 1);
    add_to_stream(m, run, n);
}

void rz_forward(const rz_model *m, rz_kv *kv, rz_run *run, const uint32_t *tokens, uint32_t n,
                uint32_t position, bool all_logits) {
    embed(m, run, tokens, n);
    fill_rope(m, run, n, position);
    for (uint32_t layer = 0; layer < m->config.n_layer; layer++) {
        attention(m, kv, run, layer, n, position);
        feed_forward(m, run, layer, n);
    }
    norm_rows(m, run, m->output_norm, n);
    const float *last = all_logits ? run->norm : run->norm + (n - 1) * run->ld_embd;
    const rz_product head = {&m->output, run->logits, run->ld_vocab};
    rz_products(m, run, last, run->ld_embd, all_logits ? n : 1, &head, 1);
}
