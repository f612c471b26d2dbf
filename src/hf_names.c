/* hf_names.c: tensor names of Hugging Face models to slots. See hf.h. */
#include "err.h"
#include "hf.h"

enum { PLUS_ONE = 1, TRANSPOSED = 2, CODES = 4, SCALES = 8, OF_MODEL = 16 };

/* A name behind its layer's prefix and without ".weight" or ".bias"; '*' is a number (an expert). */
typedef struct {
    const char *archs; /* of arch.c, separated by spaces; NULL: all */
    const char *name;
    const char *slots; /* one to three */
    uint8_t pattern;   /* enum rz_route_pattern */
    uint8_t flags;
} hf_name;

#define QKV "attn_q attn_k attn_v"

/* The first row that fits counts. */
static const hf_name names[] = {
    /* the model's own */
    {NULL, "embed_tokens", "token_embd", 0, OF_MODEL},
    {"gpt2 mpt", "wte", "token_embd", 0, OF_MODEL},
    {NULL, "word_embeddings", "token_embd", 0, OF_MODEL},
    {"gptneox", "embed_in", "token_embd", 0, OF_MODEL},
    {NULL, "embeddings.word_embeddings", "token_embd", 0, OF_MODEL},
    {"gpt2", "wpe", "position_embd", 0, OF_MODEL},
    {NULL, "embeddings.position_embeddings", "position_embd", 0, OF_MODEL},
    {NULL, "embeddings.token_type_embeddings", "token_types", 0, OF_MODEL},
    {"bloom", "word_embeddings_layernorm", "token_embd_norm", 0, OF_MODEL},
    {NULL, "embeddings.LayerNorm", "token_embd_norm", 0, OF_MODEL},
    {"nomic-bert", "emb_ln", "token_embd_norm", 0, OF_MODEL},
    {"gemma gemma2 gemma3", "norm", "output_norm", 0, OF_MODEL | PLUS_ONE},
    {NULL, "norm", "output_norm", 0, OF_MODEL},
    {NULL, "ln_f", "output_norm", 0, OF_MODEL},
    {"mpt", "norm_f", "output_norm", 0, OF_MODEL},
    {"phi2", "final_layernorm", "output_norm", 0, OF_MODEL},
    {"gptneox", "final_layer_norm", "output_norm", 0, OF_MODEL},
    {NULL, "lm_head", "output", 0, OF_MODEL},
    {"gptneox", "embed_out", "output", 0, OF_MODEL},

    /* norms of a layer */
    {"gemma gemma2 gemma3", "input_layernorm", "attn_norm", 0, PLUS_ONE},
    {"gemma", "post_attention_layernorm", "ffn_norm", 0, PLUS_ONE},
    {"gemma2 gemma3", "post_attention_layernorm", "post_attention_norm", 0, PLUS_ONE},
    {"gemma2 gemma3", "pre_feedforward_layernorm", "ffn_norm", 0, PLUS_ONE},
    {"gemma2 gemma3", "post_feedforward_layernorm", "post_ffw_norm", 0, PLUS_ONE},
    {"gemma3", "self_attn.q_norm", "attn_q_norm", 0, PLUS_ONE},
    {"gemma3", "self_attn.k_norm", "attn_k_norm", 0, PLUS_ONE},
    {"olmo2", "post_attention_layernorm", "post_attention_norm", 0, 0},
    {"olmo2", "post_feedforward_layernorm", "post_ffw_norm", 0, 0},
    {NULL, "input_layernorm", "attn_norm", 0, 0},
    {NULL, "post_attention_layernorm", "ffn_norm", 0, 0},
    {NULL, "self_attn.q_norm", "attn_q_norm", 0, 0},
    {NULL, "self_attn.k_norm", "attn_k_norm", 0, 0},
    {"phi2", "self_attn.q_layernorm", "attn_q_norm", 0, 0},
    {"phi2", "self_attn.k_layernorm", "attn_k_norm", 0, 0},
    {"gpt2", "ln_1", "attn_norm", 0, 0},
    {"gpt2", "ln_2", "ffn_norm", 0, 0},
    {"falcon", "ln_attn", "attn_norm", 0, 0},
    {"falcon", "ln_mlp", "ffn_norm", 0, 0},
    {"mpt", "norm_1", "attn_norm", 0, 0},
    {"mpt", "norm_2", "ffn_norm", 0, 0},
    {"bert", "attention.output.LayerNorm", "attn_output_norm", 0, 0},
    {"bert", "output.LayerNorm", "layer_output_norm", 0, 0},
    {"nomic-bert", "norm1", "attn_output_norm", 0, 0},
    {"nomic-bert", "norm2", "layer_output_norm", 0, 0},

    /* attention */
    {NULL, "self_attn.q_proj", "attn_q", 0, 0},
    {NULL, "self_attn.k_proj", "attn_k", 0, 0},
    {NULL, "self_attn.v_proj", "attn_v", 0, 0},
    {"phi2", "self_attn.dense", "attn_output", 0, 0},
    {NULL, "self_attn.o_proj", "attn_output", 0, 0},
    {"phi3", "self_attn.qkv_proj", QKV, RZ_ROUTE_CONCAT, 0},
    {"gpt-oss", "self_attn.sinks", "attn_sinks", 0, 0},
    {"gpt2", "attn.c_attn", QKV, RZ_ROUTE_CONCAT, TRANSPOSED},
    {"gpt2", "attn.c_proj", "attn_output", 0, TRANSPOSED},
    {"gptneox", "attention.query_key_value", QKV, RZ_ROUTE_HEADS, 0},
    {"gptneox", "attention.dense", "attn_output", 0, 0},
    {"bloom", "self_attention.query_key_value", QKV, RZ_ROUTE_HEADS, 0},
    {"falcon", "self_attention.query_key_value", QKV, RZ_ROUTE_GROUPS, 0},
    {"bloom falcon", "self_attention.dense", "attn_output", 0, 0},
    {"mpt", "attn.Wqkv", QKV, RZ_ROUTE_CONCAT, 0},
    {"mpt", "attn.out_proj", "attn_output", 0, 0},
    {"bert", "attention.self.query", "attn_q", 0, 0},
    {"bert", "attention.self.key", "attn_k", 0, 0},
    {"bert", "attention.self.value", "attn_v", 0, 0},
    {"bert", "attention.output.dense", "attn_output", 0, 0},
    {"nomic-bert", "attn.Wqkv", QKV, RZ_ROUTE_CONCAT, 0},
    {"nomic-bert", "attn.out_proj", "attn_output", 0, 0},

    /* feed-forward */
    {NULL, "mlp.gate_proj", "ffn_gate", 0, 0},
    {NULL, "mlp.up_proj", "ffn_up", 0, 0},
    {NULL, "mlp.down_proj", "ffn_down", 0, 0},
    {"phi3", "mlp.gate_up_proj", "ffn_gate ffn_up", RZ_ROUTE_CONCAT, 0},
    {"phi2", "mlp.fc1", "ffn_up", 0, 0},
    {"phi2", "mlp.fc2", "ffn_down", 0, 0},
    {"gpt2", "mlp.c_fc", "ffn_up", 0, TRANSPOSED},
    {"gpt2", "mlp.c_proj", "ffn_down", 0, TRANSPOSED},
    {"starcoder2", "mlp.c_fc", "ffn_up", 0, 0},
    {"starcoder2", "mlp.c_proj", "ffn_down", 0, 0},
    {NULL, "mlp.dense_h_to_4h", "ffn_up", 0, 0},
    {NULL, "mlp.dense_4h_to_h", "ffn_down", 0, 0},
    {"mpt", "ffn.up_proj", "ffn_up", 0, 0},
    {"mpt", "ffn.down_proj", "ffn_down", 0, 0},
    {"bert", "intermediate.dense", "ffn_up", 0, 0},
    {"bert", "output.dense", "ffn_down", 0, 0},
    {"nomic-bert", "mlp.fc11", "ffn_up", 0, 0},
    {"nomic-bert", "mlp.fc12", "ffn_gate", 0, 0},
    {"nomic-bert", "mlp.fc2", "ffn_down", 0, 0},

    /* experts */
    {"llama", "block_sparse_moe.gate", "ffn_gate_inp", 0, 0},
    {"llama", "block_sparse_moe.experts.*.w1", "ffn_gate_exps", 0, 0},
    {"llama", "block_sparse_moe.experts.*.w2", "ffn_down_exps", 0, 0},
    {"llama", "block_sparse_moe.experts.*.w3", "ffn_up_exps", 0, 0},
    {"gpt-oss", "mlp.router", "ffn_gate_inp", 0, 0},
    {"gpt-oss", "mlp.experts.gate_up_proj_blocks", "ffn_gate_exps ffn_up_exps", RZ_ROUTE_ALTERNATE, CODES},
    {"gpt-oss", "mlp.experts.gate_up_proj_scales", "ffn_gate_exps ffn_up_exps", RZ_ROUTE_ALTERNATE, SCALES},
    {"gpt-oss", "mlp.experts.gate_up_proj", "ffn_gate_exps ffn_up_exps", RZ_ROUTE_ALTERNATE, TRANSPOSED},
    {"gpt-oss", "mlp.experts.down_proj_blocks", "ffn_down_exps", 0, CODES},
    {"gpt-oss", "mlp.experts.down_proj_scales", "ffn_down_exps", 0, SCALES},
    {"gpt-oss", "mlp.experts.down_proj", "ffn_down_exps", 0, TRANSPOSED},
    {NULL, "mlp.gate", "ffn_gate_inp", 0, 0},
    {NULL, "mlp.experts.*.gate_proj", "ffn_gate_exps", 0, 0},
    {NULL, "mlp.experts.*.up_proj", "ffn_up_exps", 0, 0},
    {NULL, "mlp.experts.*.down_proj", "ffn_down_exps", 0, 0},
    {NULL, "mlp.shared_expert.gate_proj", "ffn_gate_shexp", 0, 0},
    {NULL, "mlp.shared_expert.up_proj", "ffn_up_shexp", 0, 0},
    {NULL, "mlp.shared_expert.down_proj", "ffn_down_shexp", 0, 0},
    {NULL, "mlp.shared_expert_gate", "ffn_gate_inp_shexp", 0, 0},
};
enum { n_names = sizeof names / sizeof names[0] };

/* Ends and beginnings of names of tensors that inference does not use. */
static const char *const unused_ends[] = {"rotary_emb.inv_freq", "attn.bias", "attn.masked_bias",
                                          "attention.bias", "attention.masked_bias", "position_ids"};
static const char *const unused_starts[] = {"pooler.", "cls.", "vision_tower.", "vision_model.",
                                            "multi_modal_projector.", "model.vision_tower.",
                                            "model.multi_modal_projector."};
static const char *const prefixes[] = {"model.", "language_model.", "transformer.", "gpt_neox.", "bert."};
static const char *const layer_prefixes[] = {"encoder.layers.", "encoder.layer.", "layers.", "h.",
                                             "blocks."};

#define N(list) (sizeof(list) / sizeof(list)[0])

/* ---- taking names apart ---------------------------------------------------------------------- */

static bool take_start(rz_json_text *name, const char *start) {
    size_t n = strlen(start);
    if (name->n < n || memcmp(name->p, start, n) != 0) return false;
    name->p += n;
    name->n -= n;
    return true;
}

static bool take_end(rz_json_text *name, const char *end) {
    size_t n = strlen(end);
    if (name->n < n || memcmp(name->p + name->n - n, end, n) != 0) return false;
    name->n -= n;
    return true;
}

/* "12.": the number, at most 7 digits. */
static bool take_number(rz_json_text *name, uint32_t *number) {
    size_t i = 0;
    for (*number = 0; i < name->n && i < 7 && name->p[i] >= '0' && name->p[i] <= '9'; i++) {
        *number = *number * 10 + (uint32_t)(name->p[i] - '0');
    }
    if (i == 0 || i >= name->n || name->p[i] != '.') return false;
    name->p += i + 1;
    name->n -= i + 1;
    return true;
}

static void take_prefixes(rz_json_text *name) {
    for (size_t i = 0; i < N(prefixes);) i = take_start(name, prefixes[i]) ? 0 : i + 1;
}

static bool lists(const char *words, const char *word) {
    const size_t n = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += n) {
        if ((at == words || at[-1] == ' ') && (at[n] == 0 || at[n] == ' ')) return true;
    }
    return false;
}

static bool is_of(const hf_name *row, const rz_arch *arch) {
    return !row->archs || lists(row->archs, arch->name);
}

/* Compares with a row's name; *expert becomes the number at its '*'. */
static bool matches(const char *pattern, rz_json_text name, int32_t *expert) {
    const char *star = strchr(pattern, '*');
    uint32_t number;
    *expert = -1;
    if (!star) return rz_json_is(name, pattern);
    const size_t before = (size_t)(star - pattern);
    if (name.n < before || memcmp(name.p, pattern, before) != 0) return false;
    name.p += before;
    name.n -= before;
    if (!take_number(&name, &number)) return false;
    *expert = (int32_t)number;
    return rz_json_is(name, star + 2); /* behind "*." */
}

static void fill_slots(rz_route *r, const hf_name *row) {
    const char *at = row->slots;
    for (r->n_slots = 0; *at;) {
        size_t n = strcspn(at, " ");
        r->slots[r->n_slots++] = rz_slot_find(!(row->flags & OF_MODEL), at, n);
        at += at[n] ? n + 1 : n;
    }
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static int wrong_type(const rz_tensor *t, const rz_st_tensor *source, rz_err *err) {
    return rz_err_set(err, RZ_E_UNSUPPORTED, "tensor '%.*s' has type %s, which is not supported%s",
                      (int)t->name_len, t->name, source->dtype_name,
                      source->dtype == RZ_DT_COUNT ? "" : " there");
}

/* Shape and type, the fastest dimension first. Planes of MXFP4 get the shape of what they hold. */
static int fill_shape(rz_tensor *t, const rz_st_tensor *source, rz_err *err) {
    const uint32_t n = source->n_dims;
    const uint8_t plane = t->route.plane;
    uint64_t dims[RZ_ST_DIMS + 1] = {1, 1, 1, 1, 1, 1};
    for (uint32_t i = 0; i < n; i++) dims[i] = source->dims[n - 1 - i];
    t->dtype = source->dtype;
    if (plane) {
        if (strcmp(source->dtype_name, "U8") != 0) return wrong_type(t, source, err);
        const uint32_t first = plane == RZ_PLANE_CODES; /* dims[0] are the 16 bytes of a block */
        if ((first && dims[0] != 16) || dims[first] > UINT32_MAX / 32) {
            return rz_err_set(err, RZ_E_SHAPE, "tensor '%.*s' holds no blocks of 16 bytes",
                              (int)t->name_len, t->name);
        }
        for (uint32_t i = 0; i < RZ_ST_DIMS; i++) dims[i] = dims[i + first];
        dims[0] *= 32;
        t->dtype = RZ_DT_MXFP4;
    }
    if (t->dtype == RZ_DT_COUNT) return wrong_type(t, source, err);
    memcpy(t->dims, dims, sizeof t->dims);
    t->dims[3] *= dims[4];
    return RZ_OK;
}

/* ---- routing --------------------------------------------------------------------------------- */

static bool is_unused(rz_json_text name, const rz_hf_model *hf) {
    rz_json_text rest = name;
    for (size_t i = 0; i < N(unused_starts); i++) {
        if (take_start(&rest, unused_starts[i])) return true;
    }
    take_prefixes(&rest);
    if (take_start(&rest, "pooler.")) return true;
    if (hf->tied && (rz_json_is(rest, "lm_head.weight") || rz_json_is(rest, "embed_out.weight"))) {
        return true;
    }
    for (size_t i = 0; i < N(unused_ends); i++) {
        rest = name;
        if (take_end(&rest, unused_ends[i]) && (rest.n == 0 || rest.p[rest.n - 1] == '.')) return true;
    }
    return false;
}

/* ".weight", ".bias" and their older names; gpt-oss has biases and sinks without any. */
static bool take_kind(rz_json_text *name, bool *bias) {
    *bias = take_end(name, ".bias") || take_end(name, ".beta") || take_end(name, "_proj_bias");
    if (*bias && name->p[name->n] == '_') name->n += strlen("_proj");
    return *bias || take_end(name, ".weight") || take_end(name, ".gamma");
}

static bool route_one(rz_tensor *t, const rz_hf_model *hf, rz_hf_names *seen) {
    rz_json_text name = {(const uint8_t *)t->name, t->name_len};
    rz_route *r = &t->route;
    bool of_layer = false;
    *r = (rz_route){.layer = RZ_MODEL_LAYER, .expert = -1};
    take_prefixes(&name);
    const size_t before = t->name_len - name.n;
    for (size_t i = 0; i < N(layer_prefixes) && !of_layer; i++) {
        rz_json_text rest = name;
        of_layer = take_start(&rest, layer_prefixes[i]) && take_number(&rest, &r->layer);
        if (!of_layer) continue;
        name = rest;
        seen->prefix = t->name;
        seen->prefix_len = before + strlen(layer_prefixes[i]);
    }
    if (!of_layer) r->layer = RZ_MODEL_LAYER;
    if (of_layer && r->layer >= hf->config.n_layer) return false;
    take_kind(&name, &r->bias);
    for (size_t i = 0; i < n_names; i++) {
        const hf_name *row = &names[i];
        if (of_layer == !!(row->flags & OF_MODEL) || !is_of(row, hf->arch)) continue;
        if (!matches(row->name, name, &r->expert)) continue;
        fill_slots(r, row);
        r->pattern = row->pattern;
        r->transposed = row->flags & TRANSPOSED && !r->bias;
        r->add = row->flags & PLUS_ONE ? 1 : 0;
        r->plane = row->flags & CODES ? RZ_PLANE_CODES : row->flags & SCALES ? RZ_PLANE_SCALES : 0;
        return r->expert < (int32_t)hf->config.n_expert || r->expert < 0;
    }
    return false;
}

/* A tensor of hf_meta.c: a GGUF name and shape. */
static void route_own(rz_tensor *t) {
    t->route = (rz_route){.layer = RZ_MODEL_LAYER, .expert = -1, .n_slots = 1};
    t->route.slots[0] = rz_slot_find(false, t->name, t->name_len - strlen(".weight"));
}

int rz_hf_route(rz_tensor *tensors, const rz_st_tensor *const *sources, uint32_t n,
                const rz_hf_model *hf, rz_hf_names *seen, rz_err *err) {
    *seen = (rz_hf_names){hf, "layers.", strlen("layers.")};
    for (uint32_t i = 0; i < n; i++) {
        rz_tensor *t = &tensors[i];
        if (!sources[i]) {
            route_own(t);
            continue;
        }
        t->ignored = is_unused((rz_json_text){(const uint8_t *)t->name, t->name_len}, hf);
        if (t->ignored) continue;
        if (!route_one(t, hf, seen)) {
            return rz_err_set(err, RZ_E_SHAPE, "tensor '%.*s' does not belong to this architecture",
                              (int)t->name_len, t->name);
        }
        int result = fill_shape(t, sources[i], err);
        if (result) return result;
    }
    return RZ_OK;
}

/* ---- names for messages ---------------------------------------------------------------------- */

static void put(char **out, const char *end, const char *text, size_t n) {
    for (size_t i = 0; i < n && *out < end; i++) *(*out)++ = text[i];
}

static void put_number(char **out, const char *end, uint32_t n) {
    char digits[10];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + n % 10); while ((n /= 10) != 0);
    put(out, end, digits + at, sizeof digits - at);
}

void rz_hf_name(const rz_hf_names *seen, uint32_t layer, const rz_slot *slot, const char *suffix,
                char *out, size_t room) {
    const bool of_layer = layer != RZ_MODEL_LAYER, scales = strcmp(suffix, "_scales") == 0;
    const bool bias = strcmp(suffix, ".bias") == 0;
    const char *name = slot->name, *end = out + room - 1;
    for (size_t i = 0; i < n_names; i++) {
        const hf_name *row = &names[i];
        if (of_layer == !!(row->flags & OF_MODEL) || !is_of(row, seen->model->arch)) continue;
        if (!lists(row->slots, slot->name)) continue;
        if (row->flags & (CODES | SCALES)) {
            if (bias || scales != !!(row->flags & SCALES)) continue;
            suffix = "";
        }
        name = row->name;
        if (bias && slot->kind == RZ_SLOT_EXPERTS) suffix = "_bias";
        break;
    }
    if (of_layer) {
        put(&out, end, seen->prefix, seen->prefix_len);
        put_number(&out, end, layer);
        put(&out, end, ".", 1);
    }
    put(&out, end, name, strlen(name));
    put(&out, end, suffix, strlen(suffix));
    *out = 0;
}
