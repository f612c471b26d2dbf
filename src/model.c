/*
 * model.c: from headers to a model with a place for every tensor. Input is hostile: every number
 * of the configuration is bounded, every tensor's shape is compared with it.
 */
#include "model.h"

#include "err.h"
#include "math64.h"

/* ---- configuration ------------------------------------------------------------------------- */

typedef struct {
    const rz_gguf *g;
    const rz_gguf_kv *arch;
    rz_err *err;
    int failed;
} config_reader;

static const rz_gguf_kv *find_key(const config_reader *r, const char *suffix) {
    char key[128];
    size_t n = strlen(suffix);
    if (r->arch->count + n + 1 > sizeof key) return NULL;
    memcpy(key, r->arch->value, (size_t)r->arch->count);
    memcpy(key + r->arch->count, suffix, n + 1);
    return rz_gguf_find(r->g, key);
}

static void no_usable_value(config_reader *r, const char *suffix) {
    r->failed = rz_err_set(r->err, RZ_E_FORMAT, "metadata '%.*s%s' has no usable value",
                           (int)r->arch->count, (const char *)r->arch->value, suffix);
}

/* A number in [low, high]; `otherwise` where the key is absent, an error if that is NAN. */
static double number(config_reader *r, const char *suffix, double otherwise, double low,
                     double high) {
    const rz_gguf_kv *kv = find_key(r, suffix);
    double value = otherwise;
    if (r->failed) return low;
    if (!kv && otherwise != otherwise) {
        r->failed = rz_err_set(r->err, RZ_E_FORMAT, "metadata '%.*s%s' is missing",
                               (int)r->arch->count, (const char *)r->arch->value, suffix);
        return low;
    }
    if (kv && kv->type == RZ_GGUF_ARRAY) {
        r->failed = rz_err_set(r->err, RZ_E_UNSUPPORTED,
                               "metadata '%.*s' differs from layer to layer, which is not supported",
                               (int)kv->key_len, kv->key);
        return low;
    }
    if ((kv && !rz_gguf_number(kv, &value)) || !(value >= low && value <= high)) {
        no_usable_value(r, suffix);
        return low;
    }
    return value;
}

static uint32_t count(config_reader *r, const char *suffix, double otherwise, uint32_t most) {
    double value = number(r, suffix, otherwise, 1, most);
    if (!r->failed && value != (double)(uint32_t)value) no_usable_value(r, suffix);
    return (uint32_t)value;
}

static bool text_is(const rz_gguf_kv *kv, const char *text) {
    return kv && kv->type == RZ_GGUF_STRING && kv->count == strlen(text) &&
           memcmp(kv->value, text, strlen(text)) == 0;
}

static void read_rope(config_reader *r, rz_config *c) {
    c->rope_dim = count(r, ".rope.dimension_count", c->head_dim, c->head_dim);
    c->rope_base = number(r, ".rope.freq_base", 10000, 1, 1e15);
    c->rope_scale = number(r, ".rope.scale_linear", 1, 1e-6, 1e6);
    const rz_gguf_kv *scaling = find_key(r, ".rope.scaling.type");
    if (text_is(scaling, "linear")) {
        c->rope_scale = number(r, ".rope.scaling.factor", c->rope_scale, 1e-6, 1e6);
    } else if (scaling && !text_is(scaling, "none") && !r->failed) {
        r->failed = rz_err_set(r->err, RZ_E_UNSUPPORTED, "RoPE scaling '%.*s' is not supported",
                               scaling->type == RZ_GGUF_STRING ? (int)scaling->count : 0,
                               (const char *)scaling->value);
    }
}

static int check_config(const config_reader *r, const rz_config *c) {
    if (c->n_head % c->n_head_kv) {
        return rz_err_set(r->err, RZ_E_FORMAT, "%u query heads cannot share %u key heads", c->n_head,
                          c->n_head_kv);
    }
    if (c->rope_dim % 2) {
        return rz_err_set(r->err, RZ_E_FORMAT, "RoPE over %u dimensions: not an even number",
                          c->rope_dim);
    }
    return RZ_OK;
}

static int read_config(rz_config *c, const rz_gguf *g, uint32_t n_vocab, rz_err *err) {
    config_reader r = {.g = g, .arch = rz_gguf_find(g, "general.architecture"), .err = err};
    const uint32_t wide = 1 << 20;
    if (!text_is(r.arch, "llama")) {
        bool named = r.arch && r.arch->type == RZ_GGUF_STRING;
        return rz_err_set(err, RZ_E_UNSUPPORTED,
                          "architecture '%.*s' is not supported, only 'llama'",
                          named ? (int)r.arch->count : 0, named ? (const char *)r.arch->value : "");
    }
    *c = (rz_config){0};
    c->n_layer = count(&r, ".block_count", __builtin_nan(""), 4096);
    c->n_embd = count(&r, ".embedding_length", __builtin_nan(""), wide);
    c->n_ff = count(&r, ".feed_forward_length", __builtin_nan(""), wide);
    c->n_head = count(&r, ".attention.head_count", __builtin_nan(""), 4096);
    c->n_head_kv = count(&r, ".attention.head_count_kv", c->n_head, c->n_head);
    c->head_dim = count(&r, ".attention.key_length", c->n_embd / c->n_head, 4096);
    c->n_ctx_train = count(&r, ".context_length", 2048, 1 << 28);
    c->n_vocab = n_vocab ? n_vocab : count(&r, ".vocab_size", __builtin_nan(""), 1 << 24);
    c->norm_eps = (float)number(&r, ".attention.layer_norm_rms_epsilon", __builtin_nan(""), 0, 1);
    uint32_t value_dim = count(&r, ".attention.value_length", c->head_dim, 4096);
    read_rope(&r, c);
    if (!r.failed && value_dim != c->head_dim) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, "values of %u dimensions with keys of %u",
                          value_dim, c->head_dim);
    }
    if (!r.failed && number(&r, ".expert_count", 0, 0, 1e6) > 0) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, "mixtures of experts are not supported");
    }
    return r.failed ? r.failed : check_config(&r, c);
}

/* ---- tensors ------------------------------------------------------------------------------- */

/* One place for a tensor: name after "blk.N." for layers, else the whole name. */
typedef struct {
    const char *name;
    size_t at;         /* offset of the field in rz_layer or rz_model */
    uint8_t dim0, dim1; /* see dim_of(); dim1 NO_DIM: a vector */
    bool optional;
} tensor_slot;

enum { NO_DIM, EMBD, FF, Q_ROWS, KV_ROWS, VOCAB, ROPE_PAIRS };

static uint32_t dim_of(const rz_config *c, uint8_t dim) {
    switch (dim) {
    case EMBD: return c->n_embd;
    case FF: return c->n_ff;
    case Q_ROWS: return c->n_head * c->head_dim;
    case KV_ROWS: return c->n_head_kv * c->head_dim;
    case VOCAB: return c->n_vocab;
    case ROPE_PAIRS: return c->rope_dim / 2;
    default: return 1;
    }
}

#define L(field) offsetof(rz_layer, field)
static const tensor_slot layer_slots[] = {
    {"attn_norm.weight", L(attn_norm), EMBD, NO_DIM, false},
    {"attn_q.weight", L(wq), EMBD, Q_ROWS, false},
    {"attn_k.weight", L(wk), EMBD, KV_ROWS, false},
    {"attn_v.weight", L(wv), EMBD, KV_ROWS, false},
    {"attn_output.weight", L(wo), Q_ROWS, EMBD, false},
    {"attn_q.bias", L(bq), Q_ROWS, NO_DIM, true},
    {"attn_k.bias", L(bk), KV_ROWS, NO_DIM, true},
    {"attn_v.bias", L(bv), KV_ROWS, NO_DIM, true},
    {"attn_output.bias", L(bo), EMBD, NO_DIM, true},
    {"ffn_norm.weight", L(ffn_norm), EMBD, NO_DIM, false},
    {"ffn_gate.weight", L(w_gate), EMBD, FF, false},
    {"ffn_up.weight", L(w_up), EMBD, FF, false},
    {"ffn_down.weight", L(w_down), FF, EMBD, false},
};
#define M(field) offsetof(rz_model, field)
static const tensor_slot model_slots[] = {
    {"token_embd.weight", M(token_embd), EMBD, VOCAB, false},
    {"output_norm.weight", M(output_norm), EMBD, NO_DIM, false},
    {"output.weight", M(output), EMBD, VOCAB, true},
    {"rope_freqs.weight", M(rope_freqs), ROPE_PAIRS, NO_DIM, true},
};
enum {
    n_layer_slots = sizeof layer_slots / sizeof layer_slots[0],
    n_model_slots = sizeof model_slots / sizeof model_slots[0]
};

/* Tensors that files carry and inference does not use. */
static bool is_ignored(const char *name, uint32_t len) {
    static const char *const suffixes[] = {"attn_rot_embd", "rope.freqs", "rope_freqs"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        size_t n = strlen(suffixes[i]);
        if (len > n && memcmp(name + len - n, suffixes[i], n) == 0) return true;
    }
    return false;
}

/* A tensor of some file and where it goes. */
typedef struct {
    const rz_gguf_tensor *tensor; /* NULL: not in the files */
    uint32_t part;
} binding;

typedef struct {
    rz_model *m;
    binding *bindings; /* [n_model_slots + n_layer * n_layer_slots] */
    uint32_t n;
    rz_err *err;
} binder;

/* Index of the binding that a name belongs to, or UINT32_MAX. */
static uint32_t binding_of(const binder *b, const char *name, uint32_t len) {
    uint32_t layer = 0, first = 0;
    const tensor_slot *slots = model_slots;
    uint32_t n = n_model_slots;
    if (len > 4 && memcmp(name, "blk.", 4) == 0) {
        uint32_t i = 4;
        for (; i < len && i < 12 && name[i] >= '0' && name[i] <= '9'; i++) {
            layer = layer * 10 + (uint32_t)(name[i] - '0');
        }
        if (i == 4 || i >= len || name[i] != '.' || layer >= b->m->config.n_layer) return UINT32_MAX;
        name += i + 1;
        len -= i + 1;
        slots = layer_slots;
        n = n_layer_slots;
        first = n_model_slots + layer * n_layer_slots;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (strlen(slots[i].name) == len && memcmp(slots[i].name, name, len) == 0) return first + i;
    }
    return UINT32_MAX;
}

static const tensor_slot *slot_of(uint32_t i) {
    return i < n_model_slots ? &model_slots[i] : &layer_slots[(i - n_model_slots) % n_layer_slots];
}

/* The field that a binding fills; layers must have their place. */
static void *field_of(rz_model *m, uint32_t i) {
    if (i < n_model_slots) return (uint8_t *)m + model_slots[i].at;
    uint32_t layer = (i - n_model_slots) / n_layer_slots;
    return (uint8_t *)&m->layers[layer] + slot_of(i)->at;
}

static int check_shape(const binder *b, const rz_gguf_tensor *t, const tensor_slot *slot) {
    const rz_config *c = &b->m->config;
    uint32_t want0 = dim_of(c, slot->dim0), want1 = dim_of(c, slot->dim1);
    const rz_dtype *type = rz_dtype_get(t->dtype);
    if (t->dims[0] != want0 || t->dims[1] != want1 || t->dims[2] != 1 || t->dims[3] != 1) {
        return rz_err_set(b->err, RZ_E_SHAPE,
                          "tensor '%.*s' is %llu x %llu x %llu, the model needs %u x %u",
                          (int)t->name_len, t->name, (unsigned long long)t->dims[0],
                          (unsigned long long)t->dims[1],
                          (unsigned long long)(t->dims[2] * t->dims[3]), want0, want1);
    }
    bool usable = slot->dim1 == NO_DIM ? type->block != 0 : b->m->kern->matmul[t->dtype] != NULL;
    if (!usable) {
        return rz_err_set(b->err, RZ_E_UNSUPPORTED,
                          "tensor '%.*s' has weight type %s, which is not supported",
                          (int)t->name_len, t->name, type->name);
    }
    return RZ_OK;
}

static int bind_tensor(binder *b, const rz_gguf_tensor *t, uint32_t part) {
    uint32_t i = binding_of(b, t->name, t->name_len);
    if (i == UINT32_MAX) {
        if (is_ignored(t->name, t->name_len)) return RZ_OK;
        return rz_err_set(b->err, RZ_E_SHAPE, "tensor '%.*s' does not belong to this architecture",
                          (int)t->name_len, t->name);
    }
    if (b->bindings[i].tensor) {
        return rz_err_set(b->err, RZ_E_FORMAT, "tensor '%.*s' is there twice", (int)t->name_len,
                          t->name);
    }
    b->bindings[i] = (binding){t, part};
    return check_shape(b, t, slot_of(i));
}

static int bind_all(binder *b, const rz_load_part *parts, uint32_t n_parts) {
    for (uint32_t p = 0; p < n_parts; p++) {
        for (uint32_t i = 0; i < parts[p].gguf.n_tensors; i++) {
            int result = bind_tensor(b, &parts[p].gguf.tensors[i], p);
            if (result) return result;
        }
    }
    for (uint32_t i = 0; i < b->n; i++) {
        if (b->bindings[i].tensor || slot_of(i)->optional) continue;
        if (i < n_model_slots) {
            return rz_err_set(b->err, RZ_E_SHAPE, "tensor '%s' is missing", slot_of(i)->name);
        }
        return rz_err_set(b->err, RZ_E_SHAPE, "tensor 'blk.%u.%s' is missing",
                          (i - n_model_slots) / n_layer_slots, slot_of(i)->name);
    }
    return RZ_OK;
}

/* ---- memory -------------------------------------------------------------------------------- */

/* Takes the model's memory in order. In the measuring pass `m` is a model on the stack and layers
 * are NULL; in the second pass it is the one in the arena. */
static bool layout_model(rz_model *m, rz_arena *a, const binder *b) {
    rz_arena_take(a, 1, sizeof *m);
    rz_vocab_layout(&m->vocab, a);
    m->pool = m->threads > 1 ? rz_arena_take(a, 1, rz_pool_bytes()) : NULL;
    if (m->vocab_only) return !a->overflow;
    m->layers = rz_arena_take(a, m->config.n_layer, sizeof *m->layers);
    if (m->layers) memset(m->layers, 0, m->config.n_layer * sizeof *m->layers);
    uint64_t before = a->used;
    for (uint32_t i = 0; i < b->n; i++) {
        const rz_gguf_tensor *t = b->bindings[i].tensor;
        const tensor_slot *slot = slot_of(i);
        rz_mat mat;
        if (!t) continue;
        if (slot->dim1 == NO_DIM) {
            float *vector = rz_arena_take(a, t->dims[0], sizeof(float));
            if (a->base) *(float **)field_of(m, i) = vector;
            continue;
        }
        if (!rz_mat_init(&mat, t->dtype, (uint32_t)t->dims[1], (uint32_t)t->dims[0], m->kern->nr,
                         m->kern->flip)) {
            return false;
        }
        mat.data = rz_arena_take(a, 1, rz_mat_bytes(&mat));
        if (a->base) *(rz_mat *)field_of(m, i) = mat;
    }
    m->weight_bytes = a->used - before;
    m->has_rope_factors = b->bindings[n_model_slots - 1].tensor != NULL; /* the last model slot */
    if (!m->has_rope_factors) {
        m->rope_freqs = rz_arena_take(a, m->config.rope_dim / 2, sizeof(float));
    }
    return !a->overflow;
}

static void make_jobs(rz_model *m, const binder *b, rz_load_job *jobs) {
    uint64_t params_of[RZ_DT_COUNT] = {0};
    uint32_t n = 0, most = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        const rz_gguf_tensor *t = b->bindings[i].tensor;
        if (!t) continue;
        rz_load_job *j = &jobs[n++];
        *j = (rz_load_job){.part = b->bindings[i].part,
                           .offset = t->offset,
                           .bytes = t->bytes,
                           .name = t->name,
                           .name_len = t->name_len,
                           .dtype = t->dtype};
        if (slot_of(i)->dim1 == NO_DIM) {
            j->is_vector = true;
            j->length = (uint32_t)t->dims[0];
            j->dst = *(uint8_t **)field_of(m, i);
        } else {
            j->mat = *(rz_mat *)field_of(m, i);
            j->dst = (uint8_t *)j->mat.data;
        }
        m->n_params += t->dims[0] * t->dims[1];
        m->file_bytes += t->bytes;
        params_of[t->dtype] += t->dims[0] * t->dims[1];
        if (params_of[t->dtype] > params_of[most]) most = t->dtype;
    }
    m->type_name = rz_dtype_get(most)->name;
}

/* Measures, allocates, lays out. *m is the model so far, on the stack. */
static int build_model(rz_model **out, rz_model *m, const binder *b, const rz_gguf *g,
                       rz_load_job **jobs, uint32_t *n_jobs) {
    rz_arena arena = {0};
    if (!layout_model(m, &arena, b)) {
        return rz_err_set(b->err, RZ_E_MEMORY, "the model does not fit into the address space");
    }
    uint64_t bytes = arena.used;
    *n_jobs = 0;
    for (uint32_t i = 0; i < b->n; i++) *n_jobs += b->bindings[i].tensor != NULL;
    uint64_t job_bytes = (uint64_t)*n_jobs * sizeof **jobs;
    *jobs = *n_jobs ? rz_block_alloc(m->allocator, job_bytes) : NULL;
    arena = (rz_arena){.base = rz_block_alloc(m->allocator, bytes)};
    if (!arena.base || (*n_jobs && !*jobs)) {
        rz_block_free(m->allocator, *jobs, job_bytes);
        rz_block_free(m->allocator, arena.base, bytes);
        *jobs = NULL;
        return rz_err_set(b->err, RZ_E_MEMORY, "no memory for the model: it needs %llu MB",
                          (unsigned long long)(bytes >> 20) + 1);
    }
    rz_model *model = (rz_model *)arena.base;
    *model = *m;
    layout_model(model, &arena, b);
    model->arena_bytes = bytes;
    model->memory_bytes = bytes;
    rz_vocab_build(&model->vocab, g);
    if (!model->vocab_only) make_jobs(model, b, *jobs);
    *out = model;
    return RZ_OK;
}

/* A split file's first header says how many files there are. */
static int check_split(const rz_gguf *g, uint32_t n_parts, rz_err *err) {
    const rz_gguf_kv *kv = rz_gguf_find(g, "split.count");
    double parts = 0;
    if (!kv || !rz_gguf_number(kv, &parts) || parts <= 1) return RZ_OK;
    if (parts == n_parts) return RZ_OK;
    return rz_err_set(err, RZ_E_FORMAT, "this is one part of a model in %u files, but %u were given",
                      parts < RZ_PARTS_MAX ? (unsigned)parts : (unsigned)RZ_PARTS_MAX, n_parts);
}

int rz_model_create(rz_model **out, const rz_load_part *parts, uint32_t n_parts, bool vocab_only,
                    uint32_t threads, const rz_kern *kern, const rz_allocator *allocator,
                    rz_load_job **jobs, uint32_t *n_jobs, rz_err *err) {
    const rz_gguf *g = &parts[0].gguf;
    rz_model m = {.kern = kern, .allocator = allocator, .threads = threads, .type_name = "",
                  .vocab_only = vocab_only};
    binder b = {.m = &m, .err = err};
    int result = rz_vocab_plan(&m.vocab, g, err);
    if (result) return result;
    if (!vocab_only) result = check_split(g, n_parts, err);
    if (result) return result;
    if (vocab_only) {
        m.config.n_vocab = m.vocab.n;
        m.threads = 1;
        return build_model(out, &m, &b, g, jobs, n_jobs);
    }
    result = read_config(&m.config, g, m.vocab.n, err);
    if (result) return result;
    b.n = n_model_slots + m.config.n_layer * n_layer_slots;
    uint64_t binding_bytes = (uint64_t)b.n * sizeof *b.bindings;
    b.bindings = rz_block_alloc(allocator, binding_bytes);
    if (!b.bindings) return rz_err_set(err, RZ_E_MEMORY, "no memory for the list of tensors");
    memset(b.bindings, 0, (size_t)binding_bytes);
    result = bind_all(&b, parts, n_parts);
    if (result == RZ_OK) result = build_model(out, &m, &b, g, jobs, n_jobs);
    rz_block_free(allocator, b.bindings, binding_bytes);
    return result;
}

/* Frequencies of the rotated pairs: base^(-2 i / rope_dim), divided by the file's factors. */
static int make_rope_freqs(rz_model *m, bool factors, rz_err *err) {
    const rz_config *c = &m->config;
    double log_base = rz_log64(c->rope_base);
    for (uint32_t i = 0; i < c->rope_dim / 2; i++) {
        double factor = factors ? m->rope_freqs[i] : 1;
        double freq = rz_exp64(-2.0 * i / c->rope_dim * log_base) / c->rope_scale / factor;
        if (!(freq >= 0 && freq <= 1e6)) { /* a factor of 0, below 0 or next to 0 */
            return rz_err_set(err, RZ_E_VALUE, "rope_freqs.weight holds a factor that is not usable");
        }
        m->rope_freqs[i] = (float)freq;
    }
    return RZ_OK;
}

int rz_model_complete(rz_model *m, rz_err *err) {
    if (m->vocab_only) return RZ_OK;
    if (!m->output.rows) m->output = m->token_embd;
    return make_rope_freqs(m, m->has_rope_factors, err);
}
