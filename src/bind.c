/*
 * bind.c: see bind.h. Tensor lists come from hostile files: every shape is compared with the
 * configuration before any memory is taken.
 */
#include "bind.h"

#include "err.h"
#include "hf.h"

/* ---- slots --------------------------------------------------------------------------------- */

enum dim { ONE, EMBD, FF, Q_ROWS, KV_ROWS, VOCAB, HEADS, EXPERTS, FF_EXPERT, FF_SHARED, CONTEXT, TYPES,
           ROPE_PAIRS, Q_NORM, K_NORM };

/* Needs beyond those of arch.h, by the kind of feed-forward layer. */
enum {
    ALWAYS = 1u << 31,
    DENSE = 1 << 30,        /* no experts */
    DENSE_GATED = 1 << 29,
    MOE = 1 << 28,
    SHARED = 1 << 27
};

#define L(field) offsetof(rz_layer, field)
static const rz_slot layer_slots[] = {
    {"attn_norm", L(attn_norm), RZ_SLOT_NORM, EMBD, ONE, RZ_NEED_PRE_NORM, RZ_NEED_NORM_BIAS},
    {"attn_q", L(wq), RZ_SLOT_LINEAR, Q_ROWS, EMBD, ALWAYS, RZ_NEED_QKV_BIAS},
    {"attn_k", L(wk), RZ_SLOT_LINEAR, KV_ROWS, EMBD, ALWAYS, RZ_NEED_QKV_BIAS},
    {"attn_v", L(wv), RZ_SLOT_LINEAR, KV_ROWS, EMBD, ALWAYS, RZ_NEED_QKV_BIAS},
    {"attn_q_norm", L(q_norm), RZ_SLOT_NORM, Q_NORM, ONE, RZ_NEED_QK_NORM, 0},
    {"attn_k_norm", L(k_norm), RZ_SLOT_NORM, K_NORM, ONE, RZ_NEED_QK_NORM, 0},
    {"attn_sinks", L(sinks), RZ_SLOT_VECTOR, HEADS, ONE, RZ_NEED_SINKS, 0},
    {"attn_output", L(wo), RZ_SLOT_LINEAR, EMBD, Q_ROWS, ALWAYS, RZ_NEED_OUT_BIAS},
    {"post_attention_norm", L(attn_post_norm), RZ_SLOT_NORM, EMBD, ONE, RZ_NEED_POST_NORM, 0},
    {"attn_output_norm", L(attn_stream_norm), RZ_SLOT_NORM, EMBD, ONE, RZ_NEED_STREAM_NORM,
     RZ_NEED_NORM_BIAS},
    {"ffn_norm", L(ffn_norm), RZ_SLOT_NORM, EMBD, ONE, RZ_NEED_FFN_NORM, RZ_NEED_NORM_BIAS},
    {"ffn_gate", L(gate), RZ_SLOT_LINEAR, FF, EMBD, DENSE_GATED, 0},
    {"ffn_up", L(up), RZ_SLOT_LINEAR, FF, EMBD, DENSE, RZ_NEED_FFN_BIAS},
    {"ffn_down", L(down), RZ_SLOT_LINEAR, EMBD, FF, DENSE, RZ_NEED_FFN_BIAS},
    {"ffn_gate_inp", L(router), RZ_SLOT_LINEAR, EXPERTS, EMBD, MOE, RZ_NEED_FFN_BIAS},
    {"ffn_gate_exps", L(gates), RZ_SLOT_EXPERTS, FF_EXPERT, EMBD, MOE, RZ_NEED_FFN_BIAS},
    {"ffn_up_exps", L(ups), RZ_SLOT_EXPERTS, FF_EXPERT, EMBD, MOE, RZ_NEED_FFN_BIAS},
    {"ffn_down_exps", L(downs), RZ_SLOT_EXPERTS, EMBD, FF_EXPERT, MOE, RZ_NEED_FFN_BIAS},
    {"ffn_gate_shexp", L(shared_gate), RZ_SLOT_LINEAR, FF_SHARED, EMBD, SHARED, 0},
    {"ffn_up_shexp", L(shared_up), RZ_SLOT_LINEAR, FF_SHARED, EMBD, SHARED, 0},
    {"ffn_down_shexp", L(shared_down), RZ_SLOT_LINEAR, EMBD, FF_SHARED, SHARED, 0},
    {"ffn_gate_inp_shexp", L(shared_router), RZ_SLOT_VECTOR, EMBD, ONE, 0, 0},
    {"post_ffw_norm", L(ffn_post_norm), RZ_SLOT_NORM, EMBD, ONE, RZ_NEED_POST_NORM, 0},
    {"layer_output_norm", L(ffn_stream_norm), RZ_SLOT_NORM, EMBD, ONE, RZ_NEED_STREAM_NORM,
     RZ_NEED_NORM_BIAS},
};
#define M(field) offsetof(rz_model, field)
static const rz_slot model_slots[] = {
    {"token_embd", M(token_embd), RZ_SLOT_MATRIX, VOCAB, EMBD, ALWAYS, 0},
    {"position_embd", M(position_embd), RZ_SLOT_MATRIX, CONTEXT, EMBD, RZ_NEED_POSITIONS, 0},
    {"token_types", M(type_embd), RZ_SLOT_MATRIX, TYPES, EMBD, 0, 0},
    {"token_embd_norm", M(embd_norm), RZ_SLOT_NORM, EMBD, ONE, RZ_NEED_EMBD_NORM, RZ_NEED_NORM_BIAS},
    {"output_norm", M(output_norm), RZ_SLOT_NORM, EMBD, ONE, RZ_NEED_FINAL_NORM, RZ_NEED_NORM_BIAS},
    {"output", M(output), RZ_SLOT_LINEAR, VOCAB, EMBD, RZ_NEED_OUTPUT, RZ_NEED_LM_BIAS},
    {"rope_freqs", M(rope_factors), RZ_SLOT_VECTOR, ROPE_PAIRS, ONE, 0, 0},
    {"rope_factors_long", M(rope_long), RZ_SLOT_VECTOR, ROPE_PAIRS, ONE, 0, 0},
    {"rope_factors_short", M(rope_short), RZ_SLOT_VECTOR, ROPE_PAIRS, ONE, 0, 0},
};
enum {
    n_layer_slots = sizeof layer_slots / sizeof layer_slots[0],
    n_model_slots = sizeof model_slots / sizeof model_slots[0]
};

static uint32_t dim_of(const rz_config *c, uint8_t dim) {
    switch (dim) {
    case EMBD: return c->n_embd;
    case FF: return c->n_ff;
    case Q_ROWS: return c->n_head * c->head_dim;
    case KV_ROWS: return c->n_head_kv * c->head_dim;
    case VOCAB: return c->n_vocab;
    case HEADS: return c->n_head;
    case EXPERTS: return c->n_expert;
    case FF_EXPERT: return c->n_ff_expert;
    case FF_SHARED: return c->n_ff_shared;
    case CONTEXT: return c->n_ctx_train;
    case TYPES: return c->n_token_types;
    case ROPE_PAIRS: return c->rope.dim / 2;
    case Q_NORM:
    case K_NORM: return c->head_dim;
    default: return 1;
    }
}

const rz_slot *rz_slot_find(bool of_layer, const char *name, size_t len) {
    const rz_slot *slots = of_layer ? layer_slots : model_slots;
    const uint32_t n = of_layer ? n_layer_slots : n_model_slots;
    for (uint32_t i = 0; i < n; i++) {
        if (strlen(slots[i].name) == len && memcmp(slots[i].name, name, len) == 0) return &slots[i];
    }
    return NULL;
}

/* ---- GGUF names ---------------------------------------------------------------------------- */

static bool ends_with(const char *name, uint32_t *len, const char *suffix) {
    size_t n = strlen(suffix);
    if (*len <= n || memcmp(name + *len - n, suffix, n) != 0) return false;
    *len -= (uint32_t)n;
    return true;
}

static bool equals(const char *name, uint32_t len, const char *text) {
    return strlen(text) == len && memcmp(name, text, len) == 0;
}

/* "blk.12.rest": the layer, and name and len moved to the rest. */
static bool take_layer(const char **name, uint32_t *len, uint32_t *layer) {
    uint32_t i = 4;
    if (*len < 4 || memcmp(*name, "blk.", 4) != 0) return false;
    for (*layer = 0; i < *len && i < 12 && (*name)[i] >= '0' && (*name)[i] <= '9'; i++) {
        *layer = *layer * 10 + (uint32_t)((*name)[i] - '0');
    }
    if (i == 4 || i >= *len || (*name)[i] != '.') return false;
    *name += i + 1;
    *len -= i + 1;
    return true;
}

static void route_to(rz_route *r, const char *a, const char *b, const char *c) {
    const char *names[] = {a, b, c};
    for (r->n_slots = 0; r->n_slots < 3 && names[r->n_slots]; r->n_slots++) {
        r->slots[r->n_slots] = rz_slot_find(true, names[r->n_slots], strlen(names[r->n_slots]));
    }
    r->pattern = r->n_slots > 1 ? RZ_ROUTE_CONCAT : RZ_ROUTE_WHOLE;
}

/* The slot that a name of this architecture means where it is not its own: "name>slot". */
static const char *renamed(const rz_arch *arch, const char *name, uint32_t len) {
    size_t n = arch->renames ? (size_t)(strchr(arch->renames, '>') - arch->renames) : 0;
    return n && n == len && memcmp(arch->renames, name, n) == 0 ? arch->renames + n + 1 : NULL;
}

/* two_norms: layers have attn_norm_2, which then is the attention's norm. */
static bool route_name(rz_tensor *t, const rz_arch *arch, const rz_config *c, bool two_norms) {
    const char *name = t->name;
    uint32_t len = t->name_len;
    rz_route *r = &t->route;
    *r = (rz_route){.layer = RZ_MODEL_LAYER, .expert = -1};
    bool of_layer = take_layer(&name, &len, &r->layer);
    if (of_layer && r->layer >= c->n_layer) return false;
    r->bias = ends_with(name, &len, ".bias");
    if (!r->bias && !ends_with(name, &len, ".weight")) return false;
    const char *other = of_layer ? renamed(arch, name, len) : NULL;
    if (other) {
        route_to(r, other, NULL, NULL);
    } else if (of_layer && equals(name, len, "attn_qkv")) {
        route_to(r, "attn_q", "attn_k", "attn_v");
    } else if (of_layer && equals(name, len, "attn_norm_2")) {
        route_to(r, "attn_norm", NULL, NULL);
    } else if (of_layer && two_norms && equals(name, len, "attn_norm")) {
        route_to(r, "ffn_norm", NULL, NULL);
    } else if (of_layer && equals(name, len, "ffn_up") && c->gated &&
               t->dims[r->bias ? 0 : 1] == 2 * (uint64_t)c->n_ff) {
        route_to(r, "ffn_gate", "ffn_up", NULL);
    } else {
        r->slots[0] = rz_slot_find(of_layer, name, len);
        r->n_slots = r->slots[0] != NULL;
    }
    return r->n_slots > 0;
}

/* Tensors that files carry and inference does not use. */
static bool is_unused(const rz_tensor *t) {
    static const char *const suffixes[] = {"attn_rot_embd", "rope.freqs", "rope_freqs", ".attn_rot",
                                           "cls.weight", "cls.bias", "cls.output.weight",
                                           "cls.output.bias"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        uint32_t len = t->name_len;
        if (ends_with(t->name, &len, suffixes[i]) || equals(t->name, len, suffixes[i])) return true;
    }
    return false;
}

int rz_route_gguf(rz_tensor *tensors, uint32_t n, const rz_arch *arch, const rz_config *c,
                  rz_err *err) {
    bool two_norms = false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = tensors[i].name_len;
        two_norms |= ends_with(tensors[i].name, &len, ".attn_norm_2.weight");
    }
    for (uint32_t i = 0; i < n; i++) {
        rz_tensor *t = &tensors[i];
        t->ignored = is_unused(t);
        if (t->ignored || route_name(t, arch, c, two_norms)) continue;
        return rz_err_set(err, RZ_E_SHAPE, "tensor '%.*s' does not belong to this architecture",
                          (int)t->name_len, t->name);
    }
    return RZ_OK;
}

/* ---- checking ------------------------------------------------------------------------------ */

/* What was found for one slot. */
typedef struct rz_bound {
    bool weight, bias;
    bool scales;           /* the plane of scales that belongs to a plane of codes */
    uint32_t dtype;        /* of the file's weight */
    uint32_t width;        /* of a norm */
    uint32_t experts;      /* how many came one by one */
} rz_bound;

static rz_bound *bound_of(const rz_binder *b, uint32_t layer, const rz_slot *slot) {
    if (layer == RZ_MODEL_LAYER) return &b->bound[slot - model_slots];
    return &b->bound[n_model_slots + (size_t)layer * n_layer_slots + (slot - layer_slots)];
}

/* Rows of a slot that one turn of a pattern takes. */
static uint32_t take_of(const rz_config *c, const rz_route *r, uint32_t i) {
    switch (r->pattern) {
    case RZ_ROUTE_HEADS: return c->head_dim;
    case RZ_ROUTE_GROUPS: return i == 0 ? c->n_head / c->n_head_kv * c->head_dim : c->head_dim;
    case RZ_ROUTE_ALTERNATE: return 1;
    default: return dim_of(c, r->slots[i]->rows);
    }
}

static bool stacked(const rz_route *r) {
    return r->slots[0]->kind == RZ_SLOT_EXPERTS && r->expert < 0;
}

static bool is_norm_of_heads(const rz_slot *slot) { return slot->rows == Q_NORM || slot->rows == K_NORM; }

/* The shape that the slots of a route ask for: columns, rows, stack. */
static void wanted_shape(const rz_binder *b, const rz_tensor *t, uint64_t want[3]) {
    const rz_route *r = &t->route;
    const rz_slot *slot = r->slots[0];
    uint64_t rows = 0;
    for (uint32_t i = 0; i < r->n_slots; i++) rows += dim_of(b->config, r->slots[i]->rows);
    bool vector = r->bias || slot->kind == RZ_SLOT_NORM || slot->kind == RZ_SLOT_VECTOR;
    if (is_norm_of_heads(slot) && t->dims[0] != rows) {
        rows = dim_of(b->config, slot->rows == Q_NORM ? Q_ROWS : KV_ROWS);
    }
    want[0] = vector ? rows : dim_of(b->config, slot->cols);
    want[1] = vector ? 1 : rows;
    want[2] = 1;
    if (r->transposed) {
        want[1] = want[0];
        want[0] = rows;
    }
    if (stacked(r)) want[vector ? 1 : 2] = b->config->n_expert;
    if (is_norm_of_heads(slot) && rows == t->dims[0] && t->dims[1] > 1) { /* a row for each head */
        want[1] = slot->rows == Q_NORM ? b->config->n_head : b->config->n_head_kv;
    }
}

/* A shape as the format writes it: "8 x 12" in GGUF, the fastest dimension first; "[12, 8]" in
 * safetensors. */
static void put_shape(char *out, size_t room, const uint64_t *dims, uint32_t n, bool slow_first) {
    char *end = out + room - 2;
    if (slow_first) *out++ = '[';
    for (uint32_t i = 0; i < n; i++) {
        char digits[20];
        size_t at = sizeof digits;
        uint64_t dim = dims[slow_first ? n - 1 - i : i];
        const char *between = slow_first ? ", " : " x ";
        for (; i && *between && out < end; between++) *out++ = *between;
        do digits[--at] = (char)('0' + dim % 10); while ((dim /= 10) != 0);
        for (; at < sizeof digits && out < end; at++) *out++ = digits[at];
    }
    if (slow_first) *out++ = ']';
    *out = 0;
}

static int check_shape(const rz_binder *b, const rz_tensor *t) {
    uint64_t want[3];
    wanted_shape(b, t, want);
    /* a vector may be written as a matrix of one row or column */
    bool same = t->dims[0] == want[0] && t->dims[1] == want[1] && t->dims[2] == want[2];
    bool column = want[1] == 1 && want[2] == 1 && t->dims[0] == 1 && t->dims[1] == want[0];
    if ((same || column) && t->dims[3] == 1) return RZ_OK;
    const uint64_t have[3] = {t->dims[0], t->dims[1], t->dims[2] * t->dims[3]};
    char have_text[80], want_text[80];
    bool vector = want[1] == 1 && want[2] == 1 && have[1] == 1 && have[2] == 1;
    uint32_t n = have[2] == 1 && want[2] == 1 ? 2 : 3;
    if (vector && b->hf) n = 1;
    put_shape(have_text, sizeof have_text, have, n, b->hf != NULL);
    put_shape(want_text, sizeof want_text, want, n, b->hf != NULL);
    return rz_err_set(b->err, RZ_E_SHAPE, "tensor '%.*s' is %s, the model needs %s", (int)t->name_len,
                      t->name, have_text, want_text);
}

static bool is_vector_route(const rz_route *r) {
    return r->bias || r->slots[0]->kind == RZ_SLOT_NORM || r->slots[0]->kind == RZ_SLOT_VECTOR;
}

static int check_type(const rz_binder *b, const rz_tensor *t) {
    const rz_dtype *type = rz_dtype_get(t->dtype);
    bool usable = is_vector_route(&t->route) || t->route.transposed
                      ? type->block == 1
                      : b->kern->matmul[t->dtype] != NULL;
    if (usable) return RZ_OK;
    return rz_err_set(b->err, RZ_E_UNSUPPORTED,
                      "tensor '%.*s' has weight type %s, which is not supported%s", (int)t->name_len,
                      t->name, type->name, type->block ? " there" : "");
}

static int mark_found(const rz_binder *b, const rz_tensor *t) {
    const rz_route *r = &t->route;
    for (uint32_t i = 0; i < r->n_slots; i++) {
        rz_bound *found = bound_of(b, r->layer, r->slots[i]);
        bool *flag = r->bias ? &found->bias
                     : r->plane == RZ_PLANE_SCALES ? &found->scales : &found->weight;
        bool one_of_many = r->expert >= 0 && found->experts < b->config->n_expert;
        if (*flag && !one_of_many) {
            return rz_err_set(b->err, RZ_E_FORMAT, "tensor '%.*s' is there twice", (int)t->name_len,
                              t->name);
        }
        if (*flag && !r->bias && found->dtype != t->dtype) {
            return rz_err_set(b->err, RZ_E_UNSUPPORTED,
                              "tensor '%.*s' has another weight type than the experts before it",
                              (int)t->name_len, t->name);
        }
        *flag = true;
        if (r->expert >= 0) found->experts++;
        if (!r->bias && r->plane != RZ_PLANE_SCALES) found->dtype = t->dtype;
        if (r->slots[i]->kind == RZ_SLOT_NORM) found->width = (uint32_t)(t->dims[0] * t->dims[1]);
    }
    return RZ_OK;
}

static uint32_t needs_of(const rz_binder *b) {
    const rz_config *c = b->config;
    uint32_t needs = ALWAYS | b->arch->needs | b->needs;
    needs |= c->n_expert ? MOE : DENSE | (c->gated ? DENSE_GATED : 0);
    if (c->n_expert && c->n_ff_shared) needs |= SHARED;
    return needs;
}

static int missing(const rz_binder *b, uint32_t layer, const rz_slot *slot, const char *suffix) {
    if (b->hf) {
        char name[160];
        rz_hf_name(b->hf, layer, slot, suffix, name, sizeof name);
        return rz_err_set(b->err, RZ_E_SHAPE, "tensor '%s' is missing", name);
    }
    if (layer == RZ_MODEL_LAYER) {
        return rz_err_set(b->err, RZ_E_SHAPE, "tensor '%s%s' is missing", slot->name, suffix);
    }
    return rz_err_set(b->err, RZ_E_SHAPE, "tensor 'blk.%u.%s%s' is missing", layer, slot->name, suffix);
}

static int check_complete(const rz_binder *b, uint32_t layer, const rz_slot *slots, uint32_t n) {
    uint32_t needs = needs_of(b);
    for (uint32_t i = 0; i < n; i++) {
        const rz_bound *found = bound_of(b, layer, &slots[i]);
        if (!found->weight && slots[i].need & needs) return missing(b, layer, &slots[i], ".weight");
        if (found->weight && !found->bias && slots[i].need_bias & needs) {
            return missing(b, layer, &slots[i], ".bias");
        }
        if (found->bias && !found->weight) return missing(b, layer, &slots[i], ".weight");
        if (found->scales != (b->hf && found->weight && found->dtype == RZ_DT_MXFP4)) {
            return missing(b, layer, &slots[i], found->weight ? "_scales" : "_blocks");
        }
        if (found->experts && found->experts != b->config->n_expert * (1u + found->bias)) {
            return rz_err_set(b->err, RZ_E_SHAPE, "layer %u has %u of %u experts in '%s'", layer,
                              found->experts, b->config->n_expert, slots[i].name);
        }
    }
    return RZ_OK;
}

int rz_bind_check(rz_binder *b) {
    b->n_bound = n_model_slots + b->config->n_layer * n_layer_slots;
    b->bound = rz_block_alloc(b->allocator, (uint64_t)b->n_bound * sizeof *b->bound);
    if (!b->bound) return rz_err_set(b->err, RZ_E_MEMORY, "no memory for the list of tensors");
    memset(b->bound, 0, b->n_bound * sizeof *b->bound);
    int result = RZ_OK;
    for (uint32_t i = 0; i < b->n_tensors && result == RZ_OK; i++) {
        const rz_tensor *t = &b->tensors[i];
        if (t->ignored) continue;
        result = check_shape(b, t);
        if (result == RZ_OK) result = check_type(b, t);
        if (result == RZ_OK) result = mark_found(b, t);
    }
    if (result == RZ_OK) result = check_complete(b, RZ_MODEL_LAYER, model_slots, n_model_slots);
    for (uint32_t l = 0; l < b->config->n_layer && result == RZ_OK; l++) {
        result = check_complete(b, l, layer_slots, n_layer_slots);
    }
    return result;
}

void rz_bind_free(rz_binder *b) {
    rz_block_free(b->allocator, b->bound, (uint64_t)b->n_bound * sizeof *b->bound);
    b->bound = NULL;
}

/* ---- places -------------------------------------------------------------------------------- */

/* Matrices that are never quantised: small ones whose errors cost most. */
static bool stays_float(const rz_slot *slot) {
    return slot->rows == EXPERTS || slot->rows == CONTEXT || slot->rows == TYPES;
}

/* The type a matrix gets in memory: the file's, or what floats are to be quantised to. As in llama.cpp,
 * the vocabulary's matrices get more bits, and so do widths that are no multiple of 256. */
static uint32_t packed_type(const rz_binder *b, const rz_slot *slot, const rz_bound *found,
                            uint32_t cols) {
    uint32_t type = b->quantize;
    if (type >= RZ_DT_COUNT || rz_dtype_get(found->dtype)->block != 1 || stays_float(slot)) {
        return found->dtype;
    }
    if (slot->rows == VOCAB && type != RZ_DT_Q8_0) type = RZ_DT_Q6_K;
    if (cols % rz_dtype_get(type)->block) type = type == RZ_DT_Q4_K ? RZ_DT_Q5_0 : RZ_DT_Q8_0;
    return cols % rz_dtype_get(type)->block ? found->dtype : type;
}

static bool place_matrix(const rz_binder *b, const rz_bound *found, const rz_slot *slot,
                         uint32_t copies, rz_mat *out, rz_arena *a) {
    uint32_t cols = dim_of(b->config, slot->cols);
    rz_mat mat;
    if (!rz_mat_init(&mat, packed_type(b, slot, found, cols), dim_of(b->config, slot->rows), cols,
                     b->kern->nr, b->kern->flip)) {
        return false;
    }
    mat.data = rz_arena_take(a, copies, rz_mat_bytes(&mat));
    if (a->base) *out = mat;
    return true;
}

static float *place_vector(rz_arena *a, uint64_t n, bool wanted) {
    return wanted ? rz_arena_take(a, n, sizeof(float)) : NULL;
}

static bool place_slot(const rz_binder *b, const rz_slot *slot, const rz_bound *found, uint8_t *base,
                       rz_arena *a) {
    void *field = base ? base + slot->at : NULL;
    const uint32_t rows = dim_of(b->config, slot->rows);
    if (!found->weight) return true;
    switch (slot->kind) {
    case RZ_SLOT_NORM: {
        rz_norm norm = {place_vector(a, found->width, true), NULL};
        norm.b = place_vector(a, found->width, found->bias);
        if (a->base) *(rz_norm *)field = norm;
        return true;
    }
    case RZ_SLOT_VECTOR: {
        float *vector = place_vector(a, rows, true);
        if (a->base) *(float **)field = vector;
        return true;
    }
    case RZ_SLOT_LINEAR: {
        rz_linear *linear = field;
        if (!place_matrix(b, found, slot, 1, field, a)) return false;
        float *bias = place_vector(a, rows, found->bias);
        if (a->base) linear->b = bias;
        return true;
    }
    case RZ_SLOT_EXPERTS: {
        rz_experts *experts = field;
        if (!place_matrix(b, found, slot, b->config->n_expert, field, a)) return false;
        float *bias = place_vector(a, (uint64_t)rows * b->config->n_expert, found->bias);
        if (a->base) experts->b = bias;
        return true;
    }
    default: return place_matrix(b, found, slot, 1, field, a);
    }
}

bool rz_bind_layout(const rz_binder *b, rz_model *m, rz_arena *a) {
    bool fits = true;
    for (uint32_t i = 0; i < n_model_slots; i++) {
        const rz_slot *slot = &model_slots[i];
        uint8_t *base = a->base ? (uint8_t *)m : NULL;
        fits &= place_slot(b, slot, bound_of(b, RZ_MODEL_LAYER, slot), base, a);
    }
    for (uint32_t l = 0; l < b->config->n_layer; l++) {
        uint8_t *base = a->base ? (uint8_t *)&m->layers[l] : NULL;
        for (uint32_t i = 0; i < n_layer_slots; i++) {
            const rz_slot *slot = &layer_slots[i];
            fits &= place_slot(b, slot, bound_of(b, l, slot), base, a);
        }
        if (base) {
            m->layers[l].q_norm_width = bound_of(b, l, rz_slot_find(true, "attn_q_norm", 11))->width;
            m->layers[l].k_norm_width = bound_of(b, l, rz_slot_find(true, "attn_k_norm", 11))->width;
        }
    }
    return fits;
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static float *vector_of(const rz_slot *slot, void *field, bool bias) {
    switch (slot->kind) {
    case RZ_SLOT_NORM: return bias ? ((rz_norm *)field)->b : ((rz_norm *)field)->w;
    case RZ_SLOT_LINEAR: return ((rz_linear *)field)->b;
    case RZ_SLOT_EXPERTS: return ((rz_experts *)field)->b;
    default: return *(float **)field;
    }
}

static void fill_target(const rz_binder *b, rz_model *m, const rz_route *r, uint32_t i,
                        rz_load_target *target) {
    const rz_slot *slot = r->slots[i];
    uint8_t *base = r->layer == RZ_MODEL_LAYER ? (uint8_t *)m : (uint8_t *)&m->layers[r->layer];
    void *field = base + slot->at;
    const uint32_t rows = dim_of(b->config, slot->rows);
    target->take = take_of(b->config, r, i);
    if (is_vector_route(r)) {
        float *vector = vector_of(slot, field, r->bias);
        if (r->expert >= 0) vector += (size_t)r->expert * rows;
        if (r->n_slots == 1 && slot->kind == RZ_SLOT_NORM && !r->bias) {
            target->take = bound_of(b, r->layer, slot)->width;
        }
        target->dst = (uint8_t *)vector;
        return;
    }
    target->mat = *(rz_mat *)field; /* the first member of rz_linear and rz_experts */
    target->dst = (uint8_t *)target->mat.data;
    if (r->expert >= 0) target->dst += (uint64_t)r->expert * rz_mat_bytes(&target->mat);
}

static void fill_job(const rz_binder *b, rz_model *m, const rz_tensor *t, rz_load_job *j) {
    const rz_route *r = &t->route;
    const uint64_t elements = t->dims[0] * t->dims[1] * t->dims[2];
    *j = (rz_load_job){.part = t->part,
                       .offset = t->offset,
                       .bytes = t->bytes,
                       .name = t->name,
                       .name_len = t->name_len,
                       .dtype = t->dtype,
                       .is_vector = is_vector_route(r),
                       .transposed = r->transposed && !is_vector_route(r),
                       .plane = r->plane,
                       .add = r->add,
                       .n_targets = r->n_slots};
    j->cols = j->is_vector ? 1 : (uint32_t)t->dims[0];
    j->rows = elements / j->cols;
    uint64_t per_stack = 0;
    for (uint32_t i = 0; i < r->n_slots; i++) {
        fill_target(b, m, r, i, &j->targets[i]);
        per_stack += dim_of(b->config, r->slots[i]->rows);
    }
    if (stacked(r)) j->stack_rows = j->transposed ? t->dims[1] : per_stack;
}

uint32_t rz_bind_jobs(const rz_binder *b, rz_model *m, rz_load_job *jobs) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_tensors; i++) {
        if (b->tensors[i].ignored) continue;
        if (jobs) fill_job(b, m, &b->tensors[i], &jobs[n]);
        n++;
    }
    return n;
}
