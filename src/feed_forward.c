/*
 * feed_forward.c: the feed-forward layer: dense, or of experts of which a router chooses a few for
 * each token (Shazeer et al. 2017; Jiang et al., "Mixtral of Experts", 2024).
 *
 * Experts are taken in ascending order and add to the tokens that chose them, so a token's result
 * does not depend on the others of its chunk.
 */
#include "forward.h"

#include "kern/fmath.h"

/* gate = act(gate) * up, or act(gate) where there is no up */
static void activate(const rz_model *m, float *gate, const float *up, uint32_t width) {
    const rz_config *c = &m->config;
    if (c->clamped_glu) {
        for (uint32_t i = 0; i < width; i++) {
            float g = gate[i] > 7 ? 7 : gate[i], u = up[i] > 7 ? 7 : up[i] < -7 ? -7 : up[i];
            gate[i] = (u + 1.0f) * (g / (1.0f + rz_expf(-1.702f * g)));
        }
    } else if (c->gated && c->act == RZ_ACT_SILU) {
        m->kern->silu_mul(gate, gate, up, width);
    } else {
        m->kern->activate(gate, gate, width, c->act);
        for (uint32_t i = 0; c->gated && i < width; i++) gate[i] *= up[i];
    }
}

typedef struct {
    const rz_model *m;
    rz_run *run;
    uint32_t width;
} activate_task;

static void activate_row(void *arg, uint32_t t) {
    const activate_task *task = arg;
    const rz_run *run = task->run;
    activate(task->m, run->gate + t * run->ld_ff, run->up + t * run->ld_ff, task->width);
}

/* out [n][ld_embd] = down(act(gate x) * up x); `before` makes x. */
static void dense(const rz_model *m, rz_run *run, const rz_linear *gate, const rz_linear *up,
                  const rz_linear *down, const rz_rows *before, const float *x, uint32_t n, float *out) {
    const rz_linear *first = m->config.gated ? gate : up;
    activate_task activated = {m, run, first->w.rows};
    const rz_product products[] = {{&first->w, first->b, run->gate, run->ld_ff},
                                   {&up->w, up->b, run->up, run->ld_ff}};
    rz_products(m, run, before, x, run->ld_embd, n, products, m->config.gated ? 2 : 1);
    const rz_product product = {&down->w, down->b, out, run->ld_embd};
    rz_products(m, run, &(rz_rows){activate_row, &activated}, run->gate, run->ld_ff, n, &product, 1);
}

/* ---- experts ------------------------------------------------------------------------------- */

static void softmax(float *x, uint32_t n) {
    float most = x[0], sum = 0;
    for (uint32_t i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    for (uint32_t i = 0; i < n; i++) {
        x[i] = rz_expf(x[i] - most);
        sum += x[i];
    }
    for (uint32_t i = 0; i < n; i++) x[i] /= sum;
}

/* Router logits of one token to weights: 0 for experts that were not chosen. */
static void choose_experts(const rz_config *c, float *w) {
    const float minus = -__builtin_inff();
    if (c->router != RZ_ROUTER_CHOSEN) softmax(w, c->n_expert);
    for (uint32_t left = c->n_expert - c->n_expert_used; left > 0; left--) {
        /* the smallest goes; of equals the last one */
        uint32_t worst = UINT32_MAX;
        for (uint32_t e = 0; e < c->n_expert; e++) {
            if (w[e] != minus && (worst == UINT32_MAX || w[e] <= w[worst])) worst = e;
        }
        if (worst == UINT32_MAX) break;
        w[worst] = minus;
    }
    if (c->router == RZ_ROUTER_CHOSEN) {
        softmax(w, c->n_expert);
        return;
    }
    float sum = 0;
    for (uint32_t e = 0; e < c->n_expert; e++) sum += w[e] == minus ? 0 : w[e];
    if (c->router != RZ_ROUTER_SOFTMAX_NORM) sum = 1;
    for (uint32_t e = 0; e < c->n_expert; e++) w[e] = w[e] == minus ? 0 : w[e] / sum;
}

static rz_linear expert_of(const rz_experts *all, uint32_t e) {
    rz_linear one = {all->w, NULL};
    if (all->w.rows) one.w.data += e * rz_mat_bytes(&all->w);
    if (all->b) one.b = all->b + (size_t)e * all->w.rows;
    return one;
}

static void run_expert(const rz_model *m, rz_run *run, const rz_layer *l, const float *x, uint32_t n,
                       uint32_t e) {
    const uint32_t width = m->config.n_embd;
    uint32_t chosen = 0;
    for (uint32_t t = 0; t < n; t++) {
        if (run->routes[t * run->ld_expert + e] == 0) continue;
        memcpy(run->expert_in + chosen * run->ld_embd, x + t * run->ld_embd, width * sizeof *x);
        run->routed[chosen++] = t;
    }
    if (!chosen) return;
    rz_linear gate = expert_of(&l->gates, e), up = expert_of(&l->ups, e);
    rz_linear down = expert_of(&l->downs, e);
    dense(m, run, &gate, &up, &down, NULL, run->expert_in, chosen, run->expert_out);
    for (uint32_t i = 0; i < chosen; i++) {
        const float *y = run->expert_out + i * run->ld_embd;
        float *out = run->ffn_out + run->routed[i] * run->ld_embd;
        float weight = run->routes[run->routed[i] * run->ld_expert + e];
        for (uint32_t d = 0; d < width; d++) out[d] += weight * y[d];
    }
}

/* The expert that every token uses, scaled by a gate of its own where there is one. */
static void add_shared_expert(const rz_model *m, rz_run *run, const rz_layer *l, const float *x,
                              uint32_t n) {
    const uint32_t width = m->config.n_embd;
    dense(m, run, &l->shared_gate, &l->shared_up, &l->shared_down, NULL, x, n, run->expert_out);
    for (uint32_t t = 0; t < n; t++) {
        const float *xt = x + t * run->ld_embd, *y = run->expert_out + t * run->ld_embd;
        float *out = run->ffn_out + t * run->ld_embd, weight = 1;
        if (l->shared_router) {
            float sum = 0;
            for (uint32_t d = 0; d < width; d++) sum += xt[d] * l->shared_router[d];
            weight = 1.0f / (1.0f + rz_expf(-sum));
        }
        for (uint32_t d = 0; d < width; d++) out[d] += weight * y[d];
    }
}

void rz_feed_forward(const rz_model *m, rz_run *run, const rz_layer *l, const rz_rows *before, const float *x,
                     uint32_t n) {
    const rz_config *c = &m->config;
    if (!l->router.w.rows) {
        dense(m, run, &l->gate, &l->up, &l->down, before, x, n, run->ffn_out);
        return;
    }
    const rz_product routes = {&l->router.w, l->router.b, run->routes, run->ld_expert};
    rz_products(m, run, before, x, run->ld_embd, n, &routes, 1);
    for (uint32_t t = 0; t < n; t++) {
        choose_experts(c, run->routes + t * run->ld_expert);
        memset(run->ffn_out + t * run->ld_embd, 0, c->n_embd * sizeof(float));
    }
    for (uint32_t e = 0; e < c->n_expert; e++) run_expert(m, run, l, x, n, e);
    if (l->shared_up.w.rows) add_shared_expert(m, run, l, x, n);
}
