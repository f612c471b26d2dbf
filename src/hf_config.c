/*
 * hf_config.c: config.json to a configuration. See hf.h.
 *
 * A file leaves out what its class in transformers has as a default, so the defaults are here too.
 * Every number is bounded when it is read; what changes the computation and is not known is refused.
 */
#include "err.h"
#include "hf.h"
#include "math64.h"

/* ---- defaults of the classes ---------------------------------------------------------------- */

typedef struct {
    const char *model_type;
    double eps, theta, partial; /* of norms; RoPE's base; share of a head that is rotated */
    uint32_t head_dim;          /* 0: n_embd / n_head */
    uint32_t window;            /* 0: none */
    uint32_t window_period;
    bool tied, windows_off;     /* use_sliding_window is off unless the file says so */
    const char *act;            /* NULL: the architecture's */
} class_defaults;

static const class_defaults classes[] = {
    {"llama", 1e-6, 1e4, 1, 0, 0, 0, false, false, NULL},
    {"mistral", 1e-6, 1e4, 1, 0, 4096, 0, false, false, NULL},
    {"mixtral", 1e-5, 1e6, 1, 0, 0, 0, false, false, NULL},
    {"smollm3", 1e-6, 2e6, 1, 0, 0, 0, true, true, NULL},
    {"granite", 1e-6, 1e4, 1, 0, 0, 0, false, false, NULL},
    {"qwen2", 1e-6, 1e4, 1, 0, 4096, 0, false, true, NULL},
    {"qwen2_moe", 1e-6, 1e4, 1, 0, 4096, 0, false, true, NULL},
    {"qwen3", 1e-6, 1e4, 1, 128, 4096, 0, false, true, NULL},
    {"qwen3_moe", 1e-6, 1e4, 1, 0, 4096, 0, false, true, NULL},
    {"gemma", 1e-6, 1e4, 1, 256, 0, 0, true, false, NULL},
    {"gemma2", 1e-6, 1e4, 1, 256, 4096, 2, true, false, NULL},
    {"gemma3", 1e-6, 1e6, 1, 256, 4096, 6, true, false, NULL},
    {"gemma3_text", 1e-6, 1e6, 1, 256, 4096, 6, true, false, NULL},
    {"phi", 1e-5, 1e4, 0.5, 0, 0, 0, false, false, NULL},
    {"phi3", 1e-5, 1e4, 1, 0, 0, 0, false, false, NULL},
    {"gpt2", 1e-5, 1e4, 1, 0, 0, 0, true, false, NULL},
    {"gpt_neox", 1e-5, 1e4, 0.25, 0, 0, 0, false, false, "gelu"},
    {"falcon", 1e-5, 1e4, 1, 0, 0, 0, true, false, "gelu"},
    {"mpt", 1e-5, 1e4, 1, 0, 0, 0, true, false, "gelu"},
    {"bloom", 1e-5, 1e4, 1, 0, 0, 0, true, false, NULL},
    {"stablelm", 1e-5, 1e4, 0.25, 0, 0, 0, false, false, NULL},
    {"starcoder2", 1e-5, 1e4, 1, 0, 0, 0, true, false, NULL},
    {"olmo2", 1e-5, 1e4, 1, 0, 0, 0, false, false, NULL},
    {"olmoe", 1e-5, 1e4, 1, 0, 0, 0, false, false, NULL},
    {"gpt_oss", 1e-5, 150000, 1, 64, 128, 2, false, false, NULL},
    {"bert", 1e-12, 1e4, 1, 0, 0, 0, true, false, NULL},
    {"nomic_bert", 1e-12, 1e4, 1, 0, 0, 0, true, false, NULL},
};

/* Keys that must be absent, null, false, or an empty list: what they turn on is not computed. */
static const struct {
    const char *model_types, *key;
} refused[] = {
    {"falcon", "alibi"},
    {"bert", "is_decoder"},
    {"stablelm", "qk_layernorm"},
    {"gpt2", "scale_attn_by_inverse_layer_idx"},
    {"bloom", "apply_residual_connection_post_layernorm"},
    {"qwen2_moe qwen3_moe", "mlp_only_layers"},
    {"nomic_bert", "prenorm"},
    {"nomic_bert", "use_rms_norm"},
    {"nomic_bert", "causal"},
    {"nomic_bert", "rotary_emb_interleaved"},
    {"nomic_bert", "rotary_scaling_factor"},
};

/* ---- reading values ------------------------------------------------------------------------- */

typedef struct {
    rz_json_text config; /* of the text model */
    rz_json_text rope;   /* rope_scaling or rope_parameters */
    rz_json_text type;   /* model_type */
    const class_defaults *class;
    rz_err *err;
    int failed;
} reader;

static const double required = -1e300;

#define FAIL(r, code, ...) ((r)->failed = rz_err_set((r)->err, (code), __VA_ARGS__))

static void no_usable_value(reader *r, const char *keys) {
    FAIL(r, RZ_E_FORMAT, "config.json: '%.*s' has no usable value",
         (int)(strchr(keys, ' ') ? strchr(keys, ' ') - keys : (ptrdiff_t)strlen(keys)), keys);
}

/* The first of the keys that is there, a number in [low, high]. */
static double number_in(reader *r, rz_json_text object, const char *keys, double otherwise, double low,
                        double high) {
    rz_json j;
    double value = otherwise;
    if (r->failed) return low;
    if (rz_hf_find(object, keys, &j)) {
        value = rz_json_number(&j);
        if (j.bad) value = required;
    } else if (otherwise == required) {
        FAIL(r, RZ_E_FORMAT, "config.json: '%.*s' is missing",
             (int)(strchr(keys, ' ') ? strchr(keys, ' ') - keys : (ptrdiff_t)strlen(keys)), keys);
        return low;
    }
    if (value >= low && value <= high) return value;
    no_usable_value(r, keys);
    return low;
}

static double number(reader *r, const char *keys, double otherwise, double low, double high) {
    return number_in(r, r->config, keys, otherwise, low, high);
}

static uint32_t count(reader *r, const char *keys, double otherwise, uint32_t most) {
    double value = number(r, keys, otherwise, 1, most);
    if (!r->failed && value != (double)(uint32_t)value) no_usable_value(r, keys);
    return (uint32_t)value;
}

/* The same where null means 0: switched off. */
static double nullable(reader *r, const char *key, double otherwise, double high) {
    return number(r, key, rz_hf_null(r->config, key) ? 0 : otherwise, 0, high);
}

static bool flag(reader *r, const char *keys, bool otherwise) {
    rz_json j;
    if (r->failed || !rz_hf_find(r->config, keys, &j)) return otherwise;
    bool value = rz_json_bool(&j);
    if (j.bad) no_usable_value(r, keys);
    return value;
}

/* The string below a key, n 0: none. */
static rz_json_text string_in(rz_json_text object, const char *keys) {
    rz_json j;
    rz_json_text text = {NULL, 0};
    if (rz_hf_find(object, keys, &j) && rz_json_peek(&j) == RZ_JSON_STRING) rz_json_string(&j, &text);
    return text;
}

static bool type_is(const reader *r, const char *model_types) {
    const char *found = model_types;
    while (*found) {
        size_t n = 0;
        while (found[n] && found[n] != ' ') n++;
        if (n == r->type.n && memcmp(found, r->type.p, n) == 0) return true;
        found += found[n] ? n + 1 : n;
    }
    return false;
}

/* ---- the parts of a configuration ------------------------------------------------------------ */

/* model_type, its row of the tables, and the part of the file that describes the text model. */
static void read_type(reader *r, rz_hf_model *hf, rz_json_text config) {
    rz_json_text inner = rz_hf_object(config, "text_config");
    r->config = inner.p && string_in(inner, "model_type").n ? inner : config;
    r->type = string_in(r->config, "model_type");
    hf->arch = r->type.n ? rz_arch_find_hf((const char *)r->type.p, r->type.n) : NULL;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (rz_json_is(r->type, classes[i].model_type)) r->class = &classes[i];
    }
    if (hf->arch && r->class) return;
    FAIL(r, RZ_E_UNSUPPORTED, "config.json: model_type '%.*s' is not supported", (int)r->type.n,
         r->type.n ? (const char *)r->type.p : "");
}

static void read_sizes(reader *r, rz_config *c) {
    const uint32_t wide = 1 << 20;
    c->n_layer = count(r, "num_hidden_layers n_layer n_layers", required, 4096);
    c->n_embd = count(r, "hidden_size n_embd d_model", required, wide);
    c->n_head = count(r, "num_attention_heads n_head n_heads", required, 4096);
    if (r->failed) return;
    c->n_head_kv = count(r, "num_key_value_heads num_kv_heads", c->n_head, c->n_head);
    uint32_t per_head = r->class->head_dim ? r->class->head_dim : c->n_embd / c->n_head;
    c->head_dim = count(r, "head_dim", per_head, 4096);
    c->n_vocab = count(r, "vocab_size", required, 1 << 24);
    c->n_ctx_train = count(r, "max_position_embeddings n_positions n_ctx seq_length max_seq_len", 2048,
                           1 << 28);
    c->norm_eps = (float)number(r, "rms_norm_eps layer_norm_epsilon layer_norm_eps norm_epsilon",
                                r->class->eps, 0, 1);
    bool four_times = type_is(r, "gpt2 bloom falcon mpt");
    double ff = four_times ? 4.0 * c->n_embd : required;
    if (type_is(r, "mpt")) ff = number(r, "expansion_ratio", 4, 1, 64) * c->n_embd;
    c->n_ff = count(r, "intermediate_size n_inner ffn_hidden_size", ff, wide);
    if (type_is(r, "falcon")) {
        bool new_kind = flag(r, "new_decoder_architecture", false);
        if (!new_kind) c->n_head_kv = flag(r, "multi_query", true) ? 1 : c->n_head;
        c->parallel = new_kind || flag(r, "parallel_attn", true);
    }
}

static void read_experts(reader *r, rz_config *c) {
    if (!type_is(r, "mixtral qwen2_moe qwen3_moe olmoe gpt_oss")) return;
    c->n_expert = count(r, "num_local_experts num_experts", required, 4096);
    if (r->failed) return;
    c->n_expert_used = count(r, "num_experts_per_tok", required, c->n_expert);
    c->n_ff_expert = count(r, "moe_intermediate_size intermediate_size", required, 1 << 20);
    if (type_is(r, "qwen2_moe")) {
        c->n_ff_shared = count(r, "shared_expert_intermediate_size", required, 1 << 20);
    }
    if (type_is(r, "qwen2_moe qwen3_moe olmoe")) {
        bool sum_to_one = flag(r, "norm_topk_prob", false);
        c->router = sum_to_one ? RZ_ROUTER_SOFTMAX_NORM : RZ_ROUTER_SOFTMAX;
    }
    if (number(r, "decoder_sparse_step", 1, 0, 4096) != 1) {
        FAIL(r, RZ_E_UNSUPPORTED, "config.json: decoder_sparse_step other than 1 is not supported");
    }
}

static void read_activation(reader *r, rz_config *c) {
    static const struct {
        const char *names;
        enum rz_act act;
    } acts[] = {{"silu", RZ_ACT_SILU}, {"swish", RZ_ACT_SILU}, {"swiglu", RZ_ACT_SILU},
                {"gelu", RZ_ACT_GELU_ERF}, {"gelu_python", RZ_ACT_GELU_ERF},
                {"gelu_new", RZ_ACT_GELU_TANH}, {"gelu_fast", RZ_ACT_GELU_TANH},
                {"gelu_pytorch_tanh", RZ_ACT_GELU_TANH}, {"relu", RZ_ACT_RELU}};
    rz_json_text name = string_in(r->config, "hidden_activation activation_function hidden_act activation");
    if (name.n == 0) {
        if (!r->class->act) return;
        name = (rz_json_text){(const uint8_t *)r->class->act, strlen(r->class->act)};
    }
    /* the first Gemma was trained with the tanh form, which its files call "gelu" */
    if (type_is(r, "gemma") && rz_json_is(name, "gelu")) return;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (!rz_json_is(name, acts[i].names)) continue;
        c->act = acts[i].act;
        return;
    }
    FAIL(r, RZ_E_UNSUPPORTED, "config.json: activation '%.*s' is not supported", (int)name.n,
         (const char *)name.p);
}

/* ---- rotary positions ------------------------------------------------------------------------ */

static uint32_t read_factors(reader *r, const char *key, float *factors, uint32_t n) {
    rz_json j;
    uint32_t have = 0;
    if (!rz_hf_find(r->rope, key, &j) || !rz_json_enter(&j, RZ_JSON_ARRAY)) return 0;
    while (rz_json_next(&j)) {
        double value = rz_json_number(&j);
        if (!(value >= 1e-6 && value <= 1e6)) return 0;
        if (have < n) factors[have] = (float)value;
        have++;
    }
    return have;
}

/* LongRoPE: a factor per pair, for contexts within and beyond the original one. */
static void read_long_factors(reader *r, rz_hf_model *hf) {
    rz_rope *rope = &hf->config.rope;
    const uint32_t pairs = rope->dim / 2;
    rope->scaling = RZ_SCALE_LONG;
    rope->ctx_orig = number(r, "original_max_position_embeddings", rope->ctx_orig, 1, 1e9);
    double factor = (double)hf->config.n_ctx_train / rope->ctx_orig;
    double grown = factor > 1 ? __builtin_sqrt(1 + rz_log64(factor) / rz_log64(rope->ctx_orig)) : 1;
    rope->magnitude = (float)number_in(r, r->rope, "attention_factor", grown, 1e-6, 1e6);
    hf->n_factors = pairs;
    if (r->failed) return;
    if (pairs > RZ_HF_FACTORS_MAX || read_factors(r, "long_factor", hf->long_factors, pairs) != pairs ||
        read_factors(r, "short_factor", hf->short_factors, pairs) != pairs) {
        FAIL(r, RZ_E_FORMAT, "config.json: LongRoPE needs %u usable factors in long_factor and in "
                             "short_factor",
             pairs);
    }
}

static double yarn_growth(double factor, double scale) {
    return factor > 1 ? 0.1 * scale * rz_log64(factor) + 1 : 1;
}

static void read_yarn(reader *r, rz_rope *rope) {
    double scale = number_in(r, r->rope, "mscale", 0, 0, 1e3);
    double all = number_in(r, r->rope, "mscale_all_dim", 0, 0, 1e3);
    double grown = scale > 0 && all > 0 ? yarn_growth(rope->factor, scale) / yarn_growth(rope->factor, all)
                                        : yarn_growth(rope->factor, 1);
    rz_json j;
    rope->scaling = RZ_SCALE_YARN;
    rope->fast = number_in(r, r->rope, "beta_fast", 32, 1e-3, 1e6);
    rope->slow = number_in(r, r->rope, "beta_slow", 1, 1e-3, 1e6);
    rope->magnitude = (float)number_in(r, r->rope, "attention_factor", grown, 1e-6, 1e6);
    rope->exact_ramp = rz_hf_find(r->rope, "truncate", &j) && !rz_json_bool(&j);
}

static void read_scaling(reader *r, rz_hf_model *hf) {
    rz_rope *rope = &hf->config.rope;
    rz_json_text kind = string_in(r->rope, "rope_type type");
    if (kind.n == 0 || rz_json_is(kind, "default")) return;
    bool longrope = rz_json_is(kind, "longrope") || rz_json_is(kind, "su");
    rope->factor = number_in(r, r->rope, "factor", longrope ? 1 : required, 1e-6, 1e6);
    rope->ctx_orig = number_in(r, r->rope, "original_max_position_embeddings", rope->ctx_orig, 1, 1e9);
    if (rz_json_is(kind, "linear")) {
        rope->scaling = RZ_SCALE_LINEAR;
    } else if (rz_json_is(kind, "dynamic")) {
        rope->scaling = RZ_SCALE_DYNAMIC;
        rope->ctx_orig = hf->config.n_ctx_train;
    } else if (rz_json_is(kind, "yarn")) {
        read_yarn(r, rope);
    } else if (rz_json_is(kind, "llama3")) {
        rope->scaling = RZ_SCALE_LLAMA3;
        rope->low = number_in(r, r->rope, "low_freq_factor", 1, 1e-3, 1e6);
        rope->high = number_in(r, r->rope, "high_freq_factor", 4, 1e-3, 1e6);
        if (!r->failed && rope->low >= rope->high) no_usable_value(r, "high_freq_factor");
    } else if (longrope) {
        read_long_factors(r, hf);
    } else {
        FAIL(r, RZ_E_UNSUPPORTED, "config.json: RoPE scaling '%.*s' is not supported", (int)kind.n,
             (const char *)kind.p);
    }
}

/* SmolLM3: layers that are not rotated, every fourth unless the file lists them. */
static void read_rotated_layers(reader *r, rz_config *c) {
    rz_json j;
    uint32_t layer = 0;
    bool all = true, regular = true;
    c->rope_skip = count(r, "no_rope_layer_interval", 4, 4096);
    if (!rz_hf_find(r->config, "no_rope_layers", &j) || !rz_json_enter(&j, RZ_JSON_ARRAY)) return;
    while (rz_json_next(&j)) {
        bool rotated = rz_json_number(&j) != 0;
        layer++;
        all &= rotated;
        regular &= rotated == (layer % c->rope_skip != 0);
    }
    if (layer && all) c->rope_skip = 0;
    if (layer && !all && !regular) {
        FAIL(r, RZ_E_UNSUPPORTED, "config.json: the layers in no_rope_layers follow no rule that is "
                                  "supported");
    }
}

static void read_rope(reader *r, rz_hf_model *hf) {
    rz_config *c = &hf->config;
    const char *thetas = "rope_theta rotary_emb_base", *partials = "partial_rotary_factor rotary_pct "
                                                                   "rope_pct rotary_emb_fraction";
    if (hf->arch->rope == RZ_ROPE_NONE) return;
    r->rope = rz_hf_object(r->config, "rope_parameters rope_scaling");
    rz_json_text full = rz_hf_object(r->rope, "full_attention");
    rz_json_text local = rz_hf_object(r->rope, "sliding_attention");
    if (full.p) r->rope = full;
    double theta = number(r, thetas, r->class->theta, 1, 1e15);
    double partial = number(r, partials, r->class->partial, 1e-6, 1);
    partial = number_in(r, r->rope, "partial_rotary_factor", partial, 1e-6, 1);
    c->rope.kind = RZ_ROPE_HALVES; /* whatever GGUF files have */
    c->rope.base = number_in(r, r->rope, "rope_theta", theta, 1, 1e15);
    c->rope.dim = (uint32_t)(c->head_dim * partial);
    c->rope.ctx_orig = c->n_ctx_train;
    if (r->failed) return;
    if (type_is(r, "gemma3 gemma3_text")) {
        double base = number(r, "rope_local_base_freq", 10000, 1, 1e15);
        c->rope_local = c->rope;
        c->rope_local.base = number_in(r, local, "rope_theta", base, 1, 1e15);
    }
    read_scaling(r, hf);
    if (type_is(r, "smollm3")) read_rotated_layers(r, c);
}

/* ---- attention ------------------------------------------------------------------------------- */

/* layer_types: "full_attention" and "sliding_attention", which must follow a period. */
static void read_layer_types(reader *r, rz_config *c, rz_json j) {
    uint32_t layer = 0, first_full = 0;
    bool regular = true, any_window = false;
    rz_json again = j;
    if (!rz_json_enter(&j, RZ_JSON_ARRAY) || !rz_json_enter(&again, RZ_JSON_ARRAY)) return;
    for (uint32_t l = 1; rz_json_next(&j); l++) {
        rz_json_text type = {NULL, 0};
        bool full = rz_json_string(&j, &type) && rz_json_is(type, "full_attention");
        any_window |= !full;
        if (full && !first_full) first_full = l;
        if (j.bad || (!full && !rz_json_is(type, "sliding_attention"))) {
            FAIL(r, RZ_E_UNSUPPORTED, "config.json: layer type '%.*s' is not supported", (int)type.n,
                 type.n ? (const char *)type.p : "");
            return;
        }
    }
    while (rz_json_next(&again)) {
        rz_json_text type = {NULL, 0};
        rz_json_string(&again, &type);
        layer++;
        bool full = first_full && layer % first_full == 0;
        regular &= rz_json_is(type, "full_attention") == full;
    }
    if (!regular || (layer && layer != c->n_layer)) {
        FAIL(r, RZ_E_UNSUPPORTED, "config.json: the windows of layer_types follow no period");
    }
    if (!any_window) c->window = 0;
    c->window_period = first_full;
}

static void read_windows(reader *r, rz_config *c) {
    const char *qwens = "qwen2 qwen2_moe qwen3 qwen3_moe";
    rz_json j;
    c->window = c->window_period = 0;
    if (!type_is(r, "mistral mixtral phi3 starcoder2 gemma2 gemma3 gemma3_text gpt_oss smollm3") &&
        !type_is(r, qwens)) {
        return;
    }
    if (!flag(r, "use_sliding_window", !r->class->windows_off)) return;
    c->window = (uint32_t)nullable(r, "sliding_window", r->class->window, 1e9);
    c->window_period = r->class->window_period;
    if (c->window_period == 6) {
        c->window_period = count(r, "sliding_window_pattern _sliding_window_pattern", 6, 4096);
    }
    if (rz_hf_find(r->config, "layer_types", &j)) {
        read_layer_types(r, c, j);
    } else if (type_is(r, qwens) && c->window) {
        /* windows begin at this layer */
        uint32_t from = (uint32_t)number(r, "max_window_layers", c->n_layer, 0, 1e6);
        if (from >= c->n_layer) {
            c->window = 0;
        } else if (from > 0) {
            FAIL(r, RZ_E_UNSUPPORTED, "config.json: windows from layer %u on are not supported", from);
        }
    }
}

static void read_scales(reader *r, rz_config *c) {
    const double by_dim = 1 / __builtin_sqrt(c->head_dim);
    c->attn_scale = (float)by_dim;
    if (type_is(r, "gemma gemma2 gemma3 gemma3_text")) c->embd_scale = __builtin_sqrtf((float)c->n_embd);
    if (type_is(r, "gemma2 gemma3 gemma3_text")) {
        double scalar = number(r, "query_pre_attn_scalar", 256, 1e-6, 1e6);
        c->attn_scale = (float)(1 / __builtin_sqrt(scalar));
        bool second = type_is(r, "gemma2");
        c->attn_softcap = (float)nullable(r, "attn_logit_softcapping", second ? 50 : 0, 1e6);
        c->logit_softcap = (float)nullable(r, "final_logit_softcapping", second ? 30 : 0, 1e6);
    }
    if (type_is(r, "granite")) {
        c->attn_scale = (float)number(r, "attention_multiplier", 1, -1e6, 1e6);
        c->embd_scale = (float)number(r, "embedding_multiplier", 1, -1e6, 1e6);
        c->residual_scale = (float)number(r, "residual_multiplier", 1, -1e6, 1e6);
        c->logit_scale = (float)(1 / number(r, "logits_scaling", 1, 1e-6, 1e6));
    }
    if (type_is(r, "gpt2") && !flag(r, "scale_attn_weights", true)) c->attn_scale = 1;
    if (type_is(r, "olmoe")) c->clamp_qkv = (float)nullable(r, "clip_qkv", 0, 1e6);
    if (type_is(r, "mpt")) {
        rz_json_text attn = rz_hf_object(r->config, "attn_config");
        rz_json j;
        if (rz_hf_find(attn, "alibi", &j) && !rz_json_bool(&j)) {
            FAIL(r, RZ_E_UNSUPPORTED, "config.json: MPT without ALiBi is not supported");
        }
        c->alibi = (float)number_in(r, attn, "alibi_bias_max", 8, 1e-3, 1e3);
        c->clamp_qkv = (float)number_in(r, attn, "clip_qkv", 0, 0, 1e6);
        c->attn_scale = (float)number_in(r, attn, "softmax_scale", by_dim, -1e6, 1e6);
    }
    if (type_is(r, "gpt_neox")) c->parallel = flag(r, "use_parallel_residual", true);
    if (type_is(r, "stablelm")) c->parallel = flag(r, "use_parallel_residual", false);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void read_encoder(reader *r, rz_config *c, rz_json_text pooling) {
    rz_json j;
    rz_json_text kind = string_in(r->config, "position_embedding_type");
    c->n_token_types = count(r, "type_vocab_size", 2, 256);
    if (kind.n && !rz_json_is(kind, "absolute") && type_is(r, "bert")) {
        FAIL(r, RZ_E_UNSUPPORTED, "config.json: positions of type '%.*s' are not supported", (int)kind.n,
             (const char *)kind.p);
    }
    if (rz_hf_find(pooling, "pooling_mode_cls_token", &j) && rz_json_bool(&j)) c->pooling = RZ_POOL_CLS;
    if (rz_hf_find(pooling, "pooling_mode_lasttoken", &j) && rz_json_bool(&j)) c->pooling = RZ_POOL_LAST;
}

/* Tensors that the configuration promises. */
static void read_needs(reader *r, rz_hf_model *hf) {
    bool attention = flag(r, "attention_bias", false);
    hf->tied = flag(r, "tie_word_embeddings", r->class->tied) && hf->config.causal;
    if (!hf->tied && hf->config.causal) hf->needs |= RZ_NEED_OUTPUT;
    if (attention && !type_is(r, "gpt_neox")) hf->needs |= RZ_NEED_QKV_BIAS | RZ_NEED_OUT_BIAS;
    if (type_is(r, "stablelm") && flag(r, "use_qkv_bias", false)) hf->needs |= RZ_NEED_QKV_BIAS;
}

/* false, null, 0 and [] are how a configuration says no. */
static bool says_no(rz_json j) {
    switch (rz_json_peek(&j)) {
    case RZ_JSON_BOOL: return !rz_json_bool(&j);
    case RZ_JSON_NUMBER: return rz_json_number(&j) == 0;
    case RZ_JSON_ARRAY: return rz_json_enter(&j, RZ_JSON_ARRAY) && !rz_json_next(&j);
    default: return false;
    }
}

static void refuse_unknown(reader *r) {
    rz_json j;
    rz_json_text quantised = rz_hf_object(r->config, "quantization_config");
    rz_json_text method = string_in(quantised, "quant_method");
    if (quantised.p && !(type_is(r, "gpt_oss") && rz_json_is(method, "mxfp4"))) {
        FAIL(r, RZ_E_UNSUPPORTED, "config.json: weights quantised by '%.*s' are not supported: take the "
                                  "original model or a GGUF file",
             (int)method.n, method.n ? (const char *)method.p : "");
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0] && !r->failed; i++) {
        if (!type_is(r, refused[i].model_types) || !rz_hf_find(r->config, refused[i].key, &j)) continue;
        if (says_no(j)) continue;
        FAIL(r, RZ_E_UNSUPPORTED, "config.json: a model of type '%.*s' with '%s' is not supported",
             (int)r->type.n, (const char *)r->type.p, refused[i].key);
    }
}

int rz_hf_config(rz_hf_model *hf, const rz_hf_files *files, rz_err *err) {
    reader r = {.err = err};
    rz_config *c = &hf->config;
    *hf = (rz_hf_model){0};
    read_type(&r, hf, files->config);
    if (r.failed) return r.failed;
    rz_arch_defaults(hf->arch, c);
    refuse_unknown(&r);
    if (!r.failed) read_sizes(&r, c);
    if (!r.failed) read_experts(&r, c);
    if (!r.failed) read_activation(&r, c);
    if (!r.failed) read_rope(&r, hf);
    if (!r.failed) read_windows(&r, c);
    if (!r.failed) read_scales(&r, c);
    if (!r.failed && !c->causal) read_encoder(&r, c, files->pooling);
    if (!r.failed) read_needs(&r, hf);
    return r.failed ? r.failed : rz_config_check(c, err);
}
