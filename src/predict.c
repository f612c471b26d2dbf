/*
 * predict.c: see predict.h.
 *
 * Sums of products run over 16 lanes that are added up in one fixed order: fast with any vectors, and
 * every machine gets the same bits.
 */
#include "predict.h"

#include "err.h"
#include "math64.h"

enum { widest = 1 << 24, most_layers = 64 };

/* ---- memory -------------------------------------------------------------------------------- */

static uint32_t widest_hidden(const rz_predictor *p) {
    uint32_t most = 0;
    for (uint32_t i = 0; i + 1 < p->n_layers; i++) most = rz_max_u32(most, p->layers[i].rows);
    return most;
}

void rz_predictor_layout(rz_predictor *p, rz_arena *a) {
    const rz_dense_layer *plan = p->layers;
    rz_arena_take(a, 1, sizeof *p);
    rz_dense_layer *layers = rz_arena_take(a, p->n_layers, sizeof *layers);
    const uint32_t hidden = widest_hidden(p);
    for (int i = 0; i < 2; i++) p->hidden[i] = rz_arena_take(a, hidden, sizeof(float));
    for (uint32_t i = 0; i < p->n_layers; i++) {
        rz_dense_layer layer = plan[i];
        uint64_t weights = (uint64_t)layer.rows * layer.cols;
        layer.w = rz_arena_take(a, weights, sizeof *layer.w);
        layer.b = layer.b ? rz_arena_take(a, layer.rows, sizeof *layer.b) : NULL;
        if (layers) layers[i] = layer;
    }
    if (layers) p->layers = layers;
    p->centroids = rz_arena_take(a, (uint64_t)p->n_centroids * p->n_in, sizeof *p->centroids);
    p->nodes = rz_arena_take(a, p->n_nodes, sizeof *p->nodes);
    p->roots = rz_arena_take(a, p->n_trees, sizeof *p->roots);
    p->votes = rz_arena_take(a, p->n_classes, sizeof *p->votes);
}

int rz_predictor_create(rz_predictor **out, const rz_predictor *plan, rz_err *err) {
    rz_predictor measured = *plan;
    rz_arena arena = {0};
    *out = NULL;
    rz_predictor_layout(&measured, &arena);
    const uint64_t bytes = arena.used;
    if (!arena.overflow) arena = (rz_arena){.base = rz_block_alloc(plan->allocator, bytes)};
    if (!arena.base) {
        return rz_err_set(err, RZ_E_MEMORY, "no memory for a predictor of %llu MB",
                          (unsigned long long)(bytes >> 20) + 1);
    }
    rz_predictor *p = (rz_predictor *)arena.base;
    *p = *plan;
    p->arena_bytes = bytes;
    rz_predictor_layout(p, &arena);
    *out = p;
    return RZ_OK;
}

void rz_predictor_close(rz_predictor **p) {
    if (*p) rz_block_free((*p)->allocator, *p, (*p)->arena_bytes);
    *p = NULL;
}

/* ---- layers -------------------------------------------------------------------------------- */

static int check_layers(const rz_dense *layers, uint32_t n, rz_err *err) {
    if (n == 0 || n > most_layers) {
        return rz_err_set(err, RZ_E_ARG, "a network of %u layers: it must have 1 to %u", n,
                          (unsigned)most_layers);
    }
    for (uint32_t i = 0; i < n; i++) {
        const rz_dense *l = &layers[i];
        if (l->rows == 0 || l->cols == 0 || l->rows > widest || l->cols > widest) {
            return rz_err_set(err, RZ_E_SHAPE, "layer %u is %u x %u", i, l->rows, l->cols);
        }
        if (i && l->cols != layers[i - 1].rows) {
            return rz_err_set(err, RZ_E_SHAPE, "layer %u takes %u numbers, the one before gives %u", i,
                              l->cols, layers[i - 1].rows);
        }
        if (l->act > RZ_DENSE_TANH) {
            return rz_err_set(err, RZ_E_ARG, "layer %u has activation %u, which does not exist", i,
                              l->act);
        }
    }
    return RZ_OK;
}

bool rz_take_floats(float *to, const void *from, uint64_t n) {
    bool finite = true;
    memcpy(to, from, (size_t)n * sizeof *to);
    for (uint64_t i = 0; i < n; i++) finite &= to[i] - to[i] == 0;
    return finite;
}

int rz_predictor_dense(const rz_dense *layers, uint32_t n, const rz_allocator *allocator,
                       rz_predictor **out, rz_err *err) {
    *out = NULL;
    int result = check_layers(layers, n, err);
    if (result) return result;
    rz_dense_layer plan_layers[most_layers];
    const char *kind = n > 1 ? "MLP" : layers[0].act == RZ_DENSE_SIGMOID ? "logistic" : "linear";
    rz_predictor plan = {.kind = kind, .n_in = layers[0].cols, .n_out = layers[n - 1].rows,
                         .exact = true, .layers = plan_layers, .n_layers = n,
                         .allocator = allocator};
    for (uint32_t i = 0; i < n; i++) {
        const rz_dense *l = &layers[i];
        plan_layers[i] = (rz_dense_layer){NULL, (float *)l->b, l->rows, l->cols, l->act};
        plan.n_params += (uint64_t)l->rows * l->cols + (l->b ? l->rows : 0);
    }
    result = rz_predictor_create(out, &plan, err);
    for (uint32_t i = 0; i < n && result == RZ_OK; i++) {
        const rz_dense *from = &layers[i];
        rz_dense_layer *to = &(*out)->layers[i];
        bool finite = rz_take_floats(to->w, from->w, (uint64_t)from->rows * from->cols);
        if (from->b) finite &= rz_take_floats(to->b, from->b, from->rows);
        if (!finite) {
            result = rz_err_set(err, RZ_E_VALUE, "the weights of layer %u hold NaN or infinity", i);
        }
    }
    if (result) rz_predictor_close(out);
    return result;
}

typedef float f32x8 __attribute__((vector_size(32)));
typedef float f32x8_anywhere __attribute__((vector_size(32), aligned(4), may_alias));

/* Sum of a[i] * b[i]: 16 lanes of products, added in one order. */
static inline __attribute__((always_inline)) float dot_of(const float *a, const float *b, uint32_t n) {
    f32x8 low = {0}, high = {0};
    float rest = 0;
    uint32_t i = 0;
    for (; i + 16 <= n; i += 16) {
        low += *(const f32x8_anywhere *)(a + i) * *(const f32x8_anywhere *)(b + i);
        high += *(const f32x8_anywhere *)(a + i + 8) * *(const f32x8_anywhere *)(b + i + 8);
    }
    for (; i < n; i++) rest += a[i] * b[i];
    low += high;
    return (((low[0] + low[4]) + (low[2] + low[6])) + ((low[1] + low[5]) + (low[3] + low[7]))) + rest;
}

#if defined(__x86_64__)
/* The same bits with vectors of 256 bits. */
__attribute__((target("avx"))) static float dot_avx(const float *a, const float *b, uint32_t n) { return dot_of(a, b, n); }
#endif

static float dot(const float *a, const float *b, uint32_t n) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx")) return dot_avx(a, b, n);
#endif
    return dot_of(a, b, n);
}

static double sigmoid(double z) {
    if (z != z) return z; /* infinities that met in a sum */
    double x = z < -700 ? -700 : z > 700 ? 700 : z;
    return 1 / (1 + rz_exp64(-x));
}

static float activate(uint32_t act, float z) {
    switch (act) {
    case RZ_DENSE_RELU: return z > 0 ? z : 0;
    case RZ_DENSE_SIGMOID: return (float)sigmoid(z);
    case RZ_DENSE_TANH: return (float)(2 * sigmoid(2.0 * z) - 1);
    default: return z;
    }
}

static void run_layers(const rz_predictor *p, const float *x, float *out) {
    for (uint32_t i = 0; i < p->n_layers; i++) {
        const rz_dense_layer *l = &p->layers[i];
        float *y = i + 1 < p->n_layers ? p->hidden[i & 1] : out;
        for (uint32_t r = 0; r < l->rows; r++) {
            float z = dot(l->w + (size_t)r * l->cols, x, l->cols);
            y[r] = activate(l->act, l->b ? z + l->b[r] : z);
        }
        x = y;
    }
}

/* ---- centroids and trees ------------------------------------------------------------------- */

/* The first of the nearest by squared distance. */
static uint32_t nearest_centroid(const rz_predictor *p, const float *x) {
    uint32_t best = 0;
    float least = 0;
    for (uint32_t k = 0; k < p->n_centroids; k++) {
        const float *c = p->centroids + (size_t)k * p->n_in;
        float distance = 0;
        for (uint32_t i = 0; i < p->n_in; i++) distance += (x[i] - c[i]) * (x[i] - c[i]);
        if (k == 0 || distance < least) {
            best = k;
            least = distance;
        }
    }
    return best;
}

static float run_tree(const rz_tree_node *nodes, uint32_t at, const float *x) {
    for (; nodes[at].feature != RZ_LEAF;) {
        at = x[nodes[at].feature] <= nodes[at].value ? at + 1 : nodes[at].right;
    }
    return nodes[at].value;
}

/* The class with most votes, the smallest of several. */
static float majority(const rz_predictor *p, const float *x) {
    uint32_t best = 0;
    memset(p->votes, 0, p->n_classes * sizeof *p->votes);
    for (uint32_t t = 0; t < p->n_trees; t++) p->votes[(uint32_t)run_tree(p->nodes, p->roots[t], x)]++;
    for (uint32_t c = 1; c < p->n_classes; c++) {
        if (p->votes[c] > p->votes[best]) best = c;
    }
    return (float)best;
}

static float mean_of_trees(const rz_predictor *p, const float *x) {
    float sum = 0;
    for (uint32_t t = 0; t < p->n_trees; t++) sum += run_tree(p->nodes, p->roots[t], x);
    return sum / (float)p->n_trees;
}

/* ---- the public side ----------------------------------------------------------------------- */

void rz_predict(const rz_predictor *p, const float *x, float *out) {
    if (p->n_layers) {
        run_layers(p, x, out);
    } else if (p->n_centroids) {
        *out = (float)nearest_centroid(p, x);
    } else {
        *out = p->vote == RZ_VOTE_MOST ? majority(p, x) : mean_of_trees(p, x);
    }
}

void rz_predictor_info_get(const rz_predictor *p, rz_predictor_info *info) {
    *info = (rz_predictor_info){.n_in = p->n_in,
                                .n_out = p->n_out,
                                .exact = p->exact,
                                .n_params = p->n_params,
                                .memory_bytes = p->arena_bytes};
}

const char *rz_predictor_kind(const rz_predictor *p) { return p->kind; }
