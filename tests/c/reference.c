/* reference.c: see reference.h. Shares with the engine only the reading of headers and the
 * dequantisers, which are tested against recorded vectors. */
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/dtype.h"
#include "../../src/gguf.h"

typedef struct {
    host_file file;
    rz_gguf g;
    uint32_t n_embd, n_head, n_head_kv, head_dim, n_ff, n_layer, n_vocab, rope_dim;
    double eps, rope_base, rope_scale;
    float *rope_factors; /* [rope_dim / 2] or NULL */
} net;

static double number(const net *m, const char *key, double otherwise) {
    char name[128];
    double value = otherwise;
    snprintf(name, sizeof name, "llama.%s", key);
    const rz_gguf_kv *kv = rz_gguf_find(&m->g, name);
    if (kv) rz_gguf_number(kv, &value);
    return value;
}

/* A tensor as floats, to be freed; NULL if absent. */
static float *tensor(const net *m, const char *name, uint32_t *rows) {
    for (uint32_t i = 0; i < m->g.n_tensors; i++) {
        const rz_gguf_tensor *t = &m->g.tensors[i];
        if (strlen(name) != t->name_len || memcmp(name, t->name, t->name_len) != 0) continue;
        size_t n = (size_t)(t->dims[0] * t->dims[1]);
        float *w = malloc(n * sizeof *w);
        rz_dtype_dequantize(rz_dtype_get(t->dtype), m->file.bytes + t->offset, w, n);
        if (rows) *rows = (uint32_t)t->dims[1];
        return w;
    }
    return NULL;
}

static float *layer_tensor(const net *m, uint32_t layer, const char *name) {
    char full[128];
    snprintf(full, sizeof full, "blk.%u.%s", layer, name);
    return tensor(m, full, NULL);
}

/* y [n][rows] = x [n][cols] W^T */
static void multiply(float *y, const float *w, const float *x, uint32_t n, uint32_t rows,
                     uint32_t cols) {
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t r = 0; r < rows; r++) {
            double sum = 0;
            for (uint32_t k = 0; k < cols; k++) {
                sum += (double)w[(size_t)r * cols + k] * x[(size_t)t * cols + k];
            }
            y[(size_t)t * rows + r] = (float)sum;
        }
    }
}

static void project(const net *m, uint32_t layer, const char *name, float *y, const float *x,
                    uint32_t n, uint32_t rows, uint32_t cols) {
    char weight[64], bias[64];
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    float *w = layer_tensor(m, layer, weight), *b = layer_tensor(m, layer, bias);
    multiply(y, w, x, n, rows, cols);
    for (size_t i = 0; b && i < (size_t)n * rows; i++) y[i] += b[i % rows];
    free(w), free(b);
}

static void normalise(const net *m, float *y, const float *x, const float *w, uint32_t n) {
    for (uint32_t t = 0; t < n; t++) {
        double squares = 0;
        for (uint32_t i = 0; i < m->n_embd; i++) {
            squares += (double)x[t * m->n_embd + i] * x[t * m->n_embd + i];
        }
        double scale = 1 / sqrt(squares / m->n_embd + m->eps);
        for (uint32_t i = 0; i < m->n_embd; i++) {
            y[t * m->n_embd + i] = (float)(x[t * m->n_embd + i] * scale * w[i]);
        }
    }
}

static void rotate(const net *m, float *x, uint32_t n, uint32_t heads) {
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t h = 0; h < heads; h++) {
            float *p = x + ((size_t)t * heads + h) * m->head_dim;
            for (uint32_t i = 0; i < m->rope_dim; i += 2) {
                double factor = m->rope_factors ? m->rope_factors[i / 2] : 1;
                double angle =
                    t * pow(m->rope_base, -(double)i / m->rope_dim) / factor / m->rope_scale;
                double a = p[i], b = p[i + 1];
                p[i] = (float)(a * cos(angle) - b * sin(angle));
                p[i + 1] = (float)(a * sin(angle) + b * cos(angle));
            }
        }
    }
}

static void attend(const net *m, float *out, const float *q, const float *k, const float *v,
                   uint32_t n) {
    const uint32_t hd = m->head_dim;
    double *p = malloc(n * sizeof *p);
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t h = 0; h < m->n_head; h++) {
            const uint32_t kv = h / (m->n_head / m->n_head_kv);
            double total = 0, most = -INFINITY;
            for (uint32_t j = 0; j <= t; j++) {
                p[j] = 0;
                for (uint32_t d = 0; d < hd; d++) {
                    p[j] += (double)q[((size_t)t * m->n_head + h) * hd + d] *
                            k[((size_t)j * m->n_head_kv + kv) * hd + d];
                }
                p[j] /= sqrt(hd);
                most = fmax(most, p[j]);
            }
            for (uint32_t j = 0; j <= t; j++) total += p[j] = exp(p[j] - most);
            for (uint32_t d = 0; d < hd; d++) {
                double sum = 0;
                for (uint32_t j = 0; j <= t; j++) {
                    sum += p[j] / total * v[((size_t)j * m->n_head_kv + kv) * hd + d];
                }
                out[((size_t)t * m->n_head + h) * hd + d] = (float)sum;
            }
        }
    }
    free(p);
}

static void add(float *x, const float *y, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] += y[i];
}

static void run_layer(const net *m, uint32_t layer, float *x, uint32_t n) {
    const uint32_t q_rows = m->n_head * m->head_dim, kv_rows = m->n_head_kv * m->head_dim;
    float *h = malloc((size_t)n * m->n_embd * sizeof *h),
          *y = malloc((size_t)n * m->n_embd * sizeof *y);
    float *q = malloc((size_t)n * q_rows * sizeof *q),
          *heads = malloc((size_t)n * q_rows * sizeof *q);
    float *k = malloc((size_t)n * kv_rows * sizeof *k),
          *v = malloc((size_t)n * kv_rows * sizeof *v);
    float *gate = malloc((size_t)n * m->n_ff * sizeof *gate),
          *up = malloc((size_t)n * m->n_ff * sizeof *up);
    float *attn_norm = layer_tensor(m, layer, "attn_norm.weight");
    float *ffn_norm = layer_tensor(m, layer, "ffn_norm.weight");

    normalise(m, h, x, attn_norm, n);
    project(m, layer, "attn_q", q, h, n, q_rows, m->n_embd);
    project(m, layer, "attn_k", k, h, n, kv_rows, m->n_embd);
    project(m, layer, "attn_v", v, h, n, kv_rows, m->n_embd);
    rotate(m, q, n, m->n_head);
    rotate(m, k, n, m->n_head_kv);
    attend(m, heads, q, k, v, n);
    project(m, layer, "attn_output", y, heads, n, m->n_embd, q_rows);
    add(x, y, (size_t)n * m->n_embd);

    normalise(m, h, x, ffn_norm, n);
    project(m, layer, "ffn_gate", gate, h, n, m->n_ff, m->n_embd);
    project(m, layer, "ffn_up", up, h, n, m->n_ff, m->n_embd);
    for (size_t i = 0; i < (size_t)n * m->n_ff; i++) {
        gate[i] = (float)(gate[i] / (1 + exp(-(double)gate[i])) * up[i]);
    }
    project(m, layer, "ffn_down", y, gate, n, m->n_embd, m->n_ff);
    add(x, y, (size_t)n * m->n_embd);

    free(h), free(y), free(q), free(heads), free(k), free(v), free(gate), free(up);
    free(attn_norm), free(ffn_norm);
}

float *reference_logits(host_file file, const uint32_t *ids, uint32_t n, uint32_t *n_vocab) {
    net m = {.file = file};
    rz_err err;
    if (rz_gguf_parse(&m.g, file.bytes, file.n, true, NULL, &err) < 0) return NULL;
    m.n_embd = (uint32_t)number(&m, "embedding_length", 0);
    m.n_head = (uint32_t)number(&m, "attention.head_count", 0);
    m.n_head_kv = (uint32_t)number(&m, "attention.head_count_kv", m.n_head);
    m.head_dim = (uint32_t)number(&m, "attention.key_length", m.n_embd / m.n_head);
    m.n_ff = (uint32_t)number(&m, "feed_forward_length", 0);
    m.n_layer = (uint32_t)number(&m, "block_count", 0);
    m.rope_dim = (uint32_t)number(&m, "rope.dimension_count", m.head_dim);
    m.rope_base = number(&m, "rope.freq_base", 10000);
    m.rope_scale = number(&m, "rope.scaling.factor", number(&m, "rope.scale_linear", 1));
    m.rope_factors = tensor(&m, "rope_freqs.weight", NULL);
    m.eps = number(&m, "attention.layer_norm_rms_epsilon", 1e-5);

    float *embd = tensor(&m, "token_embd.weight", &m.n_vocab);
    float *output = tensor(&m, "output.weight", NULL),
          *norm = tensor(&m, "output_norm.weight", NULL);
    float *x = malloc((size_t)n * m.n_embd * sizeof *x);
    for (uint32_t t = 0; t < n; t++) {
        memcpy(x + (size_t)t * m.n_embd, embd + (size_t)ids[t] * m.n_embd, m.n_embd * sizeof *x);
    }
    for (uint32_t layer = 0; layer < m.n_layer; layer++) run_layer(&m, layer, x, n);
    normalise(&m, x, x, norm, n);
    float *logits = malloc((size_t)n * m.n_vocab * sizeof *logits);
    multiply(logits, output ? output : embd, x, n, m.n_vocab, m.n_embd);
    free(embd), free(output), free(norm), free(x), free(m.rope_factors);
    rz_gguf_free(&m.g);
    *n_vocab = m.n_vocab;
    return logits;
}
