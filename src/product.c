/*
 * product.c: matrix products of packed weights with packed activations, spread over threads by
 * groups of rows.
 */
#include "forward.h"

enum {
    chunks_per_thread = 8,     /* small chunks: a slow core costs its share only */
    least_chunk_work = 32 << 10 /* weight bytes times tokens: below, waking a thread costs more */
};

typedef struct {
    const rz_model *m;
    const rz_rows *before;
    const float *x;
    size_t ldx;
    rz_act act;
    float *act_f32;
    uint8_t *act_q8;
    bool floats, bytes; /* which kinds of activations are wanted */
    const rz_product *products;
    uint32_t n_products, n_groups, chunk_groups;
} product_task;

/* Tokens t0 <= t < end: [tile][column][token], zeros for the missing tokens of the last tile. */
static void pack_floats(const product_task *p, uint32_t t0, uint32_t end) {
    for (uint32_t width; t0 < end; t0 += width) {
        float *dst = p->act_f32 + (size_t)t0 * p->act.cols;
        width = rz_tile_width(p->m->kern->tile_small, p->act.n, t0);
        for (uint32_t t = 0; t < width; t++) {
            const float *x = p->x + (t0 + t) * p->ldx;
            for (uint32_t k = 0; k < p->act.cols; k++) dst[(size_t)k * width + t] = t0 + t < end ? x[k] : 0;
        }
    }
}

/* The same as bytes. */
static void pack_bytes(const product_task *p, uint32_t t0, uint32_t end) {
    const rz_kern *kern = p->m->kern;
    for (uint32_t width; t0 < end; t0 += width) {
        size_t at = (size_t)t0 * (p->act.cols / 32) * rz_act_block(kern);
        width = rz_tile_width(kern->tile, p->act.n, t0);
        kern->act_q8(p->act_q8 + at, p->x + t0 * p->ldx, p->ldx, p->act.cols, rz_min_u32(width, end - t0), width);
    }
}

/* The activations of as many tokens as a tile has at most. Rows are made where they are not there. */
static void pack_tile(void *arg, uint32_t tile) {
    const product_task *p = arg;
    const uint32_t t0 = tile * p->m->kern->tile, end = rz_min_u32(t0 + p->m->kern->tile, p->act.n);
    for (uint32_t t = t0; p->before && t < end; t++) p->before->fn(p->before->arg, t);
    if (p->floats) pack_floats(p, t0, end);
    if (p->bytes) pack_bytes(p, t0, end);
}

/* Adds the bias to rows r0 <= r < r1, which the matrix may have fewer of. */
static void add_bias(const rz_product *product, uint32_t r0, uint32_t r1, uint32_t n) {
    r1 = rz_min_u32(r1, product->w->rows);
    for (uint32_t t = 0; product->b && t < n; t++) {
        float *y = product->y + t * product->ldy;
        for (uint32_t r = r0; r < r1; r++) y[r] += product->b[r];
    }
}

static void multiply_chunk(void *arg, uint32_t chunk) {
    const product_task *p = arg;
    uint32_t g0 = chunk * p->chunk_groups, end = rz_min_u32(g0 + p->chunk_groups, p->n_groups);
    uint32_t first = 0; /* first group of the product, counted over all of them */
    for (uint32_t i = 0; i < p->n_products && g0 < end; i++) {
        const rz_product *product = &p->products[i];
        uint32_t groups = rz_mat_groups(product->w);
        if (g0 < first + groups) {
            uint32_t stop = rz_min_u32(end, first + groups);
            p->m->kern->matmul[product->w->dtype](product->w, g0 - first, stop - first, &p->act,
                                                  product->y, product->ldy);
            add_bias(product, (g0 - first) * product->w->nr, (stop - first) * product->w->nr, p->act.n);
            g0 = stop;
        }
        first += groups;
    }
}

/* A region of n rows, a tile at a time. */
static void run_tiles(const rz_model *m, uint32_t n, rz_pool_fn *fn, void *arg) {
    rz_pool_run(n > m->kern->tile ? m->pool : NULL, rz_ceil_div(n, m->kern->tile), fn, arg);
}

void rz_each_row(const rz_model *m, uint32_t n, const rz_rows *rows) {
    product_task p = {.m = m, .before = rows, .act = {.n = n}};
    run_tiles(m, n, pack_tile, &p);
}

void rz_products(const rz_model *m, rz_run *run, const rz_rows *before, const float *x, size_t ldx, uint32_t n,
                 const rz_product *products, uint32_t n_products) {
    product_task p = {.m = m,
                      .before = before,
                      .x = x,
                      .ldx = ldx,
                      .act = {.n = n, .cols = products[0].w->cols},
                      .act_f32 = run->act_f32,
                      .act_q8 = run->act_q8,
                      .products = products,
                      .n_products = n_products};
    for (uint32_t i = 0; i < n_products; i++) {
        p.n_groups += rz_mat_groups(products[i].w);
        if (rz_dtype_get(products[i].w->dtype)->floats) {
            p.floats = true;
        } else {
            p.bytes = true;
        }
    }
    p.act.f32 = run->act_f32;
    p.act.q8 = run->act_q8;
    if (n == 1) { /* one token's row is its own tile */
        p.act.f32 = x;
        p.floats = false;
    }
    if (p.before || p.floats || p.bytes) run_tiles(m, n, pack_tile, &p);
    uint64_t work = 0;
    for (uint32_t i = 0; i < n_products; i++) work += rz_mat_bytes(products[i].w) * n;
    uint64_t chunks = work / least_chunk_work, most = chunks_per_thread * m->threads;
    if (chunks > most) chunks = most;
    /* strips of fewer groups, with which one token reads, are slower */
    p.chunk_groups = rz_round_up(rz_ceil_div(p.n_groups, chunks ? (uint32_t)chunks : 1), n == 1 ? RZ_STREAMS : 1);
    rz_pool_run(m->pool, rz_ceil_div(p.n_groups, p.chunk_groups), multiply_chunk, &p);
}
