/* arch.c: see arch.h. Numbers come from hostile files: every one is bounded when it is read. */
#include "arch.h"

#include "err.h"
#include "math64.h"

#define PRE_FFN  (RZ_NEED_PRE_NORM | RZ_NEED_FFN_NORM | RZ_NEED_FINAL_NORM)
#define BIASES   (RZ_NEED_QKV_BIAS | RZ_NEED_OUT_BIAS | RZ_NEED_FFN_BIAS)
#define NORM_ALL (PRE_FFN | RZ_NEED_NORM_BIAS)

static const rz_arch archs[] = {
    /* name, model_types, needs, norm, rope, act, gated, parallel, router, window_period, renames */
    {"llama", "llama mistral mixtral", PRE_FFN, RZ_NORM_RMS, RZ_ROPE_PAIRS, RZ_ACT_SILU, true, false,
     RZ_ROUTER_SOFTMAX_NORM, 0, NULL},
    {"smollm3", "smollm3", PRE_FFN, RZ_NORM_RMS, RZ_ROPE_PAIRS, RZ_ACT_SILU, true, false, 0, 0, NULL},
    {"granite", "granite", PRE_FFN, RZ_NORM_RMS, RZ_ROPE_PAIRS, RZ_ACT_SILU, true, false, 0, 0, NULL},
    {"qwen2", "qwen2", PRE_FFN | RZ_NEED_QKV_BIAS, RZ_NORM_RMS, RZ_ROPE_HALVES, RZ_ACT_SILU, true,
     false, 0, 0, NULL},
    {"qwen2moe", "qwen2_moe", PRE_FFN | RZ_NEED_QKV_BIAS, RZ_NORM_RMS, RZ_ROPE_HALVES, RZ_ACT_SILU,
     true, false, RZ_ROUTER_SOFTMAX, 0, NULL},
    {"qwen3", "qwen3", PRE_FFN | RZ_NEED_QK_NORM, RZ_NORM_RMS, RZ_ROPE_HALVES, RZ_ACT_SILU, true,
     false, 0, 0, NULL},
    {"qwen3moe", "qwen3_moe", PRE_FFN | RZ_NEED_QK_NORM, RZ_NORM_RMS, RZ_ROPE_HALVES, RZ_ACT_SILU,
     true, false, RZ_ROUTER_SOFTMAX_NORM, 0, NULL},
    {"gemma", "gemma", PRE_FFN, RZ_NORM_RMS, RZ_ROPE_HALVES, RZ_ACT_GELU_TANH, true, false, 0, 0, NULL},
    {"gemma2", "gemma2", PRE_FFN | RZ_NEED_POST_NORM, RZ_NORM_RMS, RZ_ROPE_HALVES, RZ_ACT_GELU_TANH,
     true, false, 0, 2, NULL},
    {"gemma3", "gemma3_text gemma3", PRE_FFN | RZ_NEED_POST_NORM | RZ_NEED_QK_NORM, RZ_NORM_RMS,
     RZ_ROPE_HALVES, RZ_ACT_GELU_TANH, true, false, 0, 6, NULL},
    {"phi2", "phi", RZ_NEED_PRE_NORM | RZ_NEED_FINAL_NORM | RZ_NEED_NORM_BIAS | BIASES |
     RZ_NEED_OUTPUT | RZ_NEED_LM_BIAS, RZ_NORM_LAYER, RZ_ROPE_HALVES, RZ_ACT_GELU_TANH, false, true,
     0, 0, NULL},
    {"phi3", "phi3", PRE_FFN, RZ_NORM_RMS, RZ_ROPE_HALVES, RZ_ACT_SILU, true, false, 0, 0, NULL},
    {"gpt2", "gpt2", NORM_ALL | BIASES | RZ_NEED_POSITIONS, RZ_NORM_LAYER, RZ_ROPE_NONE,
     RZ_ACT_GELU_TANH, false, false, 0, 0, NULL},
    {"gptneox", "gpt_neox", NORM_ALL | BIASES, RZ_NORM_LAYER, RZ_ROPE_HALVES, RZ_ACT_GELU_TANH, false,
     true, 0, 0, NULL},
    {"falcon", "falcon", RZ_NEED_PRE_NORM | RZ_NEED_FINAL_NORM | RZ_NEED_NORM_BIAS, RZ_NORM_LAYER,
     RZ_ROPE_HALVES, RZ_ACT_GELU_TANH, false, true, 0, 0, NULL},
    {"mpt", "mpt", PRE_FFN, RZ_NORM_LAYER, RZ_ROPE_NONE, RZ_ACT_GELU_TANH, false, false, 0, 0, NULL},
    {"bloom", "bloom", NORM_ALL | BIASES | RZ_NEED_EMBD_NORM, RZ_NORM_LAYER, RZ_ROPE_NONE,
     RZ_ACT_GELU_TANH, false, false, 0, 0, NULL},
    {"stablelm", "stablelm", RZ_NEED_PRE_NORM | RZ_NEED_FINAL_NORM | RZ_NEED_NORM_BIAS,
     RZ_NORM_LAYER, RZ_ROPE_HALVES, RZ_ACT_SILU, true, false, 0, 0, NULL},
    {"starcoder2", "starcoder2", NORM_ALL | BIASES, RZ_NORM_LAYER, RZ_ROPE_HALVES, RZ_ACT_GELU_TANH,
     false, false, 0, 0, NULL},
    {"olmo2", "olmo2", RZ_NEED_POST_NORM | RZ_NEED_QK_NORM | RZ_NEED_FINAL_NORM, RZ_NORM_RMS,
     RZ_ROPE_HALVES, RZ_ACT_SILU, true, false, 0, 0, NULL},
    {"olmoe", "olmoe", PRE_FFN | RZ_NEED_QK_NORM, RZ_NORM_RMS, RZ_ROPE_HALVES, RZ_ACT_SILU, true,
     false, RZ_ROUTER_SOFTMAX, 0, NULL},
    {"gpt-oss", "gpt_oss", PRE_FFN | RZ_NEED_QKV_BIAS | RZ_NEED_OUT_BIAS | RZ_NEED_FFN_BIAS |
     RZ_NEED_SINKS, RZ_NORM_RMS, RZ_ROPE_HALVES, RZ_ACT_SILU, true, false, RZ_ROUTER_CHOSEN, 2,
     "post_attention_norm>ffn_norm"},
    {"bert", "bert", RZ_NEED_STREAM_NORM | RZ_NEED_NORM_BIAS | BIASES | RZ_NEED_POSITIONS |
     RZ_NEED_EMBD_NORM, RZ_NORM_LAYER, RZ_ROPE_NONE, RZ_ACT_GELU_ERF, false, false, 0, 0, NULL},
    {"nomic-bert", "nomic_bert", RZ_NEED_STREAM_NORM | RZ_NEED_NORM_BIAS | RZ_NEED_EMBD_NORM,
     RZ_NORM_LAYER, RZ_ROPE_HALVES, RZ_ACT_SILU, true, false, 0, 0, NULL},
};
enum { n_archs = sizeof archs / sizeof archs[0] };

const rz_arch *rz_arch_find(const char *name, size_t len) {
    for (size_t i = 0; i < n_archs; i++) {
        if (strlen(archs[i].name) == len && memcmp(archs[i].name, name, len) == 0) return &archs[i];
    }
    return NULL;
}

/* Whether a word stands in a list of words. */
static bool lists(const char *words, const char *word, size_t len) {
    while (*words) {
        size_t n = 0;
        while (words[n] && words[n] != ' ') n++;
        if (n == len && memcmp(words, word, n) == 0) return true;
        words += words[n] ? n + 1 : n;
    }
    return false;
}

const rz_arch *rz_arch_find_hf(const char *model_type, size_t len) {
    for (size_t i = 0; i < n_archs; i++) {
        if (lists(archs[i].hf, model_type, len)) return &archs[i];
    }
    return NULL;
}

static bool is(const rz_arch *arch, const char *name) { return strcmp(arch->name, name) == 0; }

void rz_arch_defaults(const rz_arch *arch, rz_config *c) {
    *c = (rz_config){.norm = arch->norm,
                     .act = arch->act,
                     .gated = arch->gated,
                     .parallel = arch->parallel,
                     .causal = !(arch->needs & RZ_NEED_STREAM_NORM),
                     .embd_scale = 1,
                     .residual_scale = 1,
                     .logit_scale = 1,
                     .router = arch->router,
                     .window_period = arch->window_period};
    c->rope = (rz_rope){.kind = arch->rope, .base = 10000, .factor = 1, .fast = 32, .slow = 1,
                        .low = 1, .high = 4, .magnitude = 1};
    if (is(arch, "bloom") || is(arch, "mpt")) c->alibi = 8;
    if (is(arch, "smollm3")) c->rope_skip = 4;
    if (is(arch, "gemma2")) c->attn_softcap = 50, c->logit_softcap = 30;
    if (is(arch, "gpt-oss")) c->clamped_glu = true;
    if (!c->causal) c->pooling = RZ_POOL_MEAN;
}

int rz_config_check(const rz_config *c, rz_err *err) {
    if (c->n_head % c->n_head_kv) {
        return rz_err_set(err, RZ_E_FORMAT, "%u query heads cannot share %u key heads", c->n_head,
                          c->n_head_kv);
    }
    if (c->rope.kind != RZ_ROPE_NONE && c->rope.dim % 2) {
        return rz_err_set(err, RZ_E_FORMAT, "RoPE over %u dimensions: not an even number",
                          c->rope.dim);
    }
    if (c->n_expert_used > c->n_expert) {
        return rz_err_set(err, RZ_E_FORMAT, "%u of %u experts cannot be used", c->n_expert_used,
                          c->n_expert);
    }
    return RZ_OK;
}

/* ---- GGUF metadata ------------------------------------------------------------------------- */

typedef struct {
    const rz_gguf *g;
    const rz_gguf_kv *arch;
    rz_err *err;
    int failed;
} reader;

static const double required = -1e300; /* no default: the key must be there */

static const rz_gguf_kv *find_key(const reader *r, const char *suffix) {
    char key[128];
    size_t n = strlen(suffix);
    if (r->arch->count + n + 1 > sizeof key) return NULL;
    memcpy(key, r->arch->value, (size_t)r->arch->count);
    memcpy(key + r->arch->count, suffix, n + 1);
    return rz_gguf_find(r->g, key);
}

static void no_usable_value(reader *r, const char *suffix) {
    r->failed = rz_err_set(r->err, RZ_E_FORMAT, "metadata '%.*s%s' has no usable value",
                           (int)r->arch->count, (const char *)r->arch->value, suffix);
}

/* A number in [low, high]. */
static double number(reader *r, const char *suffix, double otherwise, double low, double high) {
    const rz_gguf_kv *kv = find_key(r, suffix);
    double value = otherwise;
    if (r->failed) return low;
    if (!kv && otherwise == required) {
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

static uint32_t count(reader *r, const char *suffix, double otherwise, uint32_t most) {
    double value = number(r, suffix, otherwise, 1, most);
    if (!r->failed && value != (double)(uint32_t)value) no_usable_value(r, suffix);
    return (uint32_t)value;
}

static bool text_is(const rz_gguf_kv *kv, const char *text) {
    return kv && kv->type == RZ_GGUF_STRING && kv->count == strlen(text) &&
           memcmp(kv->value, text, strlen(text)) == 0;
}

static void read_sizes(reader *r, rz_config *c, uint32_t n_vocab) {
    const uint32_t wide = 1 << 20;
    c->n_layer = count(r, ".block_count", required, 4096);
    c->n_embd = count(r, ".embedding_length", required, wide);
    c->n_head = count(r, ".attention.head_count", required, 4096);
    c->n_head_kv = count(r, ".attention.head_count_kv", c->n_head, c->n_head);
    c->head_dim = count(r, ".attention.key_length", c->n_embd / c->n_head, 4096);
    c->n_ctx_train = count(r, ".context_length", 2048, 1 << 28);
    c->n_vocab = n_vocab ? n_vocab : count(r, ".vocab_size", required, 1 << 24);
    c->norm_eps = (float)number(r, c->norm == RZ_NORM_RMS ? ".attention.layer_norm_rms_epsilon"
                                                          : ".attention.layer_norm_epsilon",
                                required, 0, 1);
    c->n_expert = (uint32_t)number(r, ".expert_count", 0, 0, 4096);
    c->n_ff = count(r, ".feed_forward_length", c->n_expert ? 1 : required, wide);
    uint32_t value_dim = count(r, ".attention.value_length", c->head_dim, 4096);
    if (!r->failed && value_dim != c->head_dim) {
        r->failed = rz_err_set(r->err, RZ_E_UNSUPPORTED, "values of %u dimensions with keys of %u",
                               value_dim, c->head_dim);
    }
    if (c->n_expert) {
        c->n_expert_used = count(r, ".expert_used_count", required, c->n_expert);
        c->n_ff_expert = count(r, ".expert_feed_forward_length", c->n_ff, wide);
        c->n_ff_shared = (uint32_t)number(r, ".expert_shared_feed_forward_length", 0, 0, wide);
    }
}

static void read_scaling(reader *r, rz_config *c) {
    rz_rope *rope = &c->rope;
    const rz_gguf_kv *type = find_key(r, ".rope.scaling.type");
    double linear = number(r, ".rope.scale_linear", 1, 1e-6, 1e6);
    rope->factor = number(r, ".rope.scaling.factor", linear, 1e-6, 1e6);
    rope->ctx_orig = number(r, ".rope.scaling.original_context_length", c->n_ctx_train, 1, 1e9);
    rope->magnitude = (float)number(r, ".rope.scaling.attn_factor", 1, 1e-6, 1e6);
    rope->fast = number(r, ".rope.scaling.yarn_beta_fast", 32, 1e-3, 1e6);
    rope->slow = number(r, ".rope.scaling.yarn_beta_slow", 1, 1e-3, 1e6);
    if (!type) {
        if (rope->factor != 1) rope->scaling = RZ_SCALE_LINEAR;
    } else if (text_is(type, "linear")) {
        rope->scaling = RZ_SCALE_LINEAR;
    } else if (text_is(type, "yarn")) {
        rope->scaling = RZ_SCALE_YARN;
        rope->magnitude *= (float)(1 + 0.1 * rz_log64(rope->factor));
    } else if (text_is(type, "longrope")) {
        rope->scaling = RZ_SCALE_LONG;
    } else if (!text_is(type, "none") && !r->failed) {
        r->failed = rz_err_set(r->err, RZ_E_UNSUPPORTED, "RoPE scaling '%.*s' is not supported",
                               type->type == RZ_GGUF_STRING ? (int)type->count : 0,
                               (const char *)type->value);
    }
}

/* What some architectures keep under keys of their own. */
static void read_extras(reader *r, rz_config *c, const rz_arch *arch) {
    const float by_dim = 1.0f / __builtin_sqrtf((float)c->head_dim);
    c->attn_scale = (float)number(r, ".attention.scale", by_dim, -1e6, 1e6);
    if (c->attn_scale == 0) c->attn_scale = by_dim;
    c->attn_softcap = (float)number(r, ".attn_logit_softcapping", c->attn_softcap, 0, 1e6);
    c->logit_softcap = (float)number(r, ".final_logit_softcapping", c->logit_softcap, 0, 1e6);
    c->clamp_qkv = (float)number(r, ".attention.clamp_kqv", 0, 0, 1e6);
    c->alibi = (float)number(r, ".attention.max_alibi_bias", c->alibi, 0, 1e3);
    c->parallel = number(r, ".use_parallel_residual", c->parallel, 0, 1) != 0;
    c->embd_scale = (float)number(r, ".embedding_scale", 1, -1e6, 1e6);
    c->residual_scale = (float)number(r, ".residual_scale", 1, -1e6, 1e6);
    double logits = number(r, ".logit_scale", 1, -1e6, 1e6);
    c->logit_scale = is(arch, "granite") && logits != 0 ? (float)(1 / logits) : (float)logits;
    const rz_gguf_kv *types = rz_gguf_find(r->g, "tokenizer.ggml.token_type_count");
    double n_types = 0;
    if (types && rz_gguf_number(types, &n_types) && n_types >= 0 && n_types <= 256) {
        c->n_token_types = (uint32_t)n_types;
    }
    if (is(arch, "gemma") || is(arch, "gemma2") || is(arch, "gemma3")) {
        c->embd_scale = __builtin_sqrtf((float)c->n_embd);
    }
    /* the 27-billion models of Gemma 2 and 3 scale by the width per head */
    if ((is(arch, "gemma2") && c->n_layer == 46) || (is(arch, "gemma3") && c->n_layer == 62)) {
        c->attn_scale = 1.0f / __builtin_sqrtf((float)(c->n_embd / c->n_head));
    }
    if (arch->window_period) c->window = (uint32_t)number(r, ".attention.sliding_window", 0, 0, 1e9);
    if (is(arch, "gemma3")) {
        c->rope_local = c->rope;
        c->rope_local.base = 10000;
        c->rope_local.scaling = RZ_SCALE_NONE;
    }
    if (!c->causal) c->pooling = (uint32_t)number(r, ".pooling_type", RZ_POOL_MEAN, 0, 3);
}

int rz_config_from_gguf(rz_config *c, const rz_arch **arch, const rz_gguf *g, uint32_t n_vocab,
                        rz_err *err) {
    reader r = {.g = g, .arch = rz_gguf_find(g, "general.architecture"), .err = err};
    bool named = r.arch && r.arch->type == RZ_GGUF_STRING;
    *arch = named ? rz_arch_find((const char *)r.arch->value, (size_t)r.arch->count) : NULL;
    if (!*arch) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, "architecture '%.*s' is not supported",
                          named ? (int)r.arch->count : 0, named ? (const char *)r.arch->value : "");
    }
    rz_arch_defaults(*arch, c);
    read_sizes(&r, c, n_vocab);
    if (!r.failed && c->rope.kind != RZ_ROPE_NONE) {
        c->rope.dim = count(&r, ".rope.dimension_count", c->head_dim, c->head_dim);
        c->rope.base = number(&r, ".rope.freq_base", 10000, 1, 1e15);
        read_scaling(&r, c);
    }
    if (!r.failed) read_extras(&r, c, *arch);
    return r.failed ? r.failed : rz_config_check(c, err);
}
