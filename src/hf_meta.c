/* hf_meta.c: the GGUF header that says what a Hugging Face model's JSON files say. See hf.h. */
#include "err.h"
#include "hf.h"

/* Writes where there is memory and counts in any case: run once to measure, once to write. */
typedef struct {
    uint8_t *out; /* NULL: measuring */
    size_t n;
    uint32_t n_kv;
    const char *arch;
} writer;

static void put_bytes(writer *w, const void *bytes, size_t n) {
    if (w->out && n) memcpy(w->out + w->n, bytes, n);
    w->n += n;
}
static void put_u32(writer *w, uint32_t v) { put_bytes(w, &v, sizeof v); }
static void put_u64(writer *w, uint64_t v) { put_bytes(w, &v, sizeof v); }
static void put_text(writer *w, const char *text) {
    put_u64(w, strlen(text));
    put_bytes(w, text, strlen(text));
}

/* A key; one that begins with a point belongs to the architecture. */
static void put_key(writer *w, const char *key, uint32_t type) {
    size_t before = key[0] == '.' ? strlen(w->arch) : 0;
    put_u64(w, before + strlen(key));
    put_bytes(w, w->arch, before);
    put_bytes(w, key, strlen(key));
    put_u32(w, type);
    w->n_kv++;
}

static void kv_u32(writer *w, const char *key, uint32_t value) {
    put_key(w, key, RZ_GGUF_U32);
    put_u32(w, value);
}
static void kv_f32(writer *w, const char *key, double value) {
    float f = (float)value;
    put_key(w, key, RZ_GGUF_F32);
    put_bytes(w, &f, sizeof f);
}
static void kv_bool(writer *w, const char *key, bool value) {
    uint8_t byte = value;
    put_key(w, key, RZ_GGUF_BOOL);
    put_bytes(w, &byte, 1);
}
static void kv_text(writer *w, const char *key, const char *value) {
    put_key(w, key, RZ_GGUF_STRING);
    put_text(w, value);
}
static void kv_json(writer *w, const char *key, rz_json_text value) {
    size_t n = rz_json_unescape(value, NULL);
    if (!value.p) return;
    put_key(w, key, RZ_GGUF_STRING);
    put_u64(w, n);
    if (w->out) rz_json_unescape(value, w->out + w->n);
    w->n += n;
}

/* ---- the configuration ----------------------------------------------------------------------- */

static void write_rope(writer *w, const rz_rope *rope) {
    static const char *const kinds[] = {NULL, "linear", "dynamic", "yarn", "llama3", "longrope"};
    if (rope->kind == RZ_ROPE_NONE) return;
    kv_u32(w, ".rope.dimension_count", rope->dim);
    kv_f32(w, ".rope.freq_base", rope->base);
    if (rope->scaling == RZ_SCALE_NONE) return;
    kv_text(w, ".rope.scaling.type", kinds[rope->scaling]);
    kv_f32(w, ".rope.scaling.factor", rope->factor);
    kv_u32(w, ".rope.scaling.original_context_length", (uint32_t)rope->ctx_orig);
    if (rope->scaling == RZ_SCALE_LONG) kv_f32(w, ".rope.scaling.attn_factor", rope->magnitude);
}

static void write_config(writer *w, const rz_config *c) {
    const bool rms = c->norm == RZ_NORM_RMS;
    kv_u32(w, ".block_count", c->n_layer);
    kv_u32(w, ".context_length", c->n_ctx_train);
    kv_u32(w, ".embedding_length", c->n_embd);
    kv_u32(w, ".feed_forward_length", c->n_ff);
    kv_u32(w, ".attention.head_count", c->n_head);
    kv_u32(w, ".attention.head_count_kv", c->n_head_kv);
    kv_u32(w, ".attention.key_length", c->head_dim);
    kv_u32(w, ".attention.value_length", c->head_dim);
    kv_u32(w, ".vocab_size", c->n_vocab);
    kv_f32(w, rms ? ".attention.layer_norm_rms_epsilon" : ".attention.layer_norm_epsilon", c->norm_eps);
    write_rope(w, &c->rope);
    if (c->window) kv_u32(w, ".attention.sliding_window", c->window);
    if (c->alibi > 0) kv_f32(w, ".attention.max_alibi_bias", c->alibi);
    if (c->clamp_qkv > 0) kv_f32(w, ".attention.clamp_kqv", c->clamp_qkv);
    if (c->attn_softcap > 0) kv_f32(w, ".attn_logit_softcapping", c->attn_softcap);
    if (c->logit_softcap > 0) kv_f32(w, ".final_logit_softcapping", c->logit_softcap);
    if (!c->causal) kv_u32(w, ".pooling_type", c->pooling);
    if (c->n_expert) {
        kv_u32(w, ".expert_count", c->n_expert);
        kv_u32(w, ".expert_used_count", c->n_expert_used);
        kv_u32(w, ".expert_feed_forward_length", c->n_ff_expert);
        if (c->n_ff_shared) kv_u32(w, ".expert_shared_feed_forward_length", c->n_ff_shared);
    }
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static bool token_id(rz_json *j, uint32_t *id) {
    double value = rz_json_number(j);
    if (j->bad || !(value >= 0 && value < 1 << 24)) return false;
    *id = (uint32_t)value;
    return true;
}

/* An id or a list of ids: the first keys take one each. */
static bool write_ids(writer *w, rz_json_text file, const char *key, const char *const *meta, uint32_t n) {
    rz_json j;
    uint32_t id, taken = 0;
    if (!rz_hf_find(file, key, &j)) return false;
    if (rz_json_peek(&j) != RZ_JSON_ARRAY) {
        if (!token_id(&j, &id)) return false;
        kv_u32(w, meta[0], id);
        return true;
    }
    rz_json_enter(&j, RZ_JSON_ARRAY);
    while (taken < n && rz_json_next(&j)) {
        if (!token_id(&j, &id)) break;
        kv_u32(w, meta[taken++], id);
    }
    return taken > 0;
}

static void write_tokens(writer *w, const rz_hf_files *files) {
    static const char *const bos[] = {"tokenizer.ggml.bos_token_id"};
    static const char *const eos[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                      "tokenizer.ggml.eom_token_id"};
    static const char *const pad[] = {"tokenizer.ggml.padding_token_id"};
    static const struct {
        const char *key, *meta;
    } flags[] = {{"add_bos_token", "tokenizer.ggml.add_bos_token"},
                 {"add_eos_token", "tokenizer.ggml.add_eos_token"}};
    rz_json_text config = files->config, inner = rz_hf_object(config, "text_config");
    const rz_json_text order[] = {files->generation, config, inner};
    bool have_bos = false, have_eos = false, have_pad = false;
    for (int i = 0; i < 3; i++) {
        have_bos = have_bos || write_ids(w, order[i], "bos_token_id", bos, 1);
        have_eos = have_eos || write_ids(w, order[i], "eos_token_id", eos, 3);
        have_pad = have_pad || write_ids(w, order[i], "pad_token_id", pad, 1);
    }
    for (int i = 0; i < 2; i++) {
        rz_json j;
        if (!rz_hf_find(files->tokenizer_config, flags[i].key, &j)) continue;
        bool value = rz_json_bool(&j);
        if (!j.bad) kv_bool(w, flags[i].meta, value);
    }
}

/* A chat template: a string, or a list of {"name": .., "template": ..} of which "default" counts. */
static rz_json_text find_template(rz_json_text file) {
    rz_json j;
    rz_json_text found = {NULL, 0};
    if (!rz_hf_find(file, "chat_template", &j)) return found;
    if (rz_json_peek(&j) == RZ_JSON_STRING) {
        rz_json_string(&j, &found);
        return found;
    }
    if (rz_json_peek(&j) != RZ_JSON_ARRAY) return found;
    rz_json_enter(&j, RZ_JSON_ARRAY);
    while (rz_json_next(&j)) {
        size_t start = j.at;
        rz_json name, text;
        rz_json_text value, entry;
        rz_json_skip(&j);
        entry = (rz_json_text){j.p + start, j.at - start};
        if (!rz_hf_find(entry, "name", &name) || !rz_hf_find(entry, "template", &text)) continue;
        if (!rz_json_string(&name, &value) || !rz_json_is(value, "default")) continue;
        if (rz_json_peek(&text) == RZ_JSON_STRING) rz_json_string(&text, &found);
    }
    return found;
}

/* ---- the header ------------------------------------------------------------------------------ */

static void write_metadata(writer *w, const rz_hf_model *hf, const rz_hf_files *files) {
    rz_json name;
    rz_json_text text;
    kv_text(w, "general.architecture", hf->arch->name);
    if (rz_hf_find(files->config, "_name_or_path", &name) && rz_json_peek(&name) == RZ_JSON_STRING &&
        rz_json_string(&name, &text) && text.n) {
        kv_json(w, "general.name", text);
    }
    write_config(w, &hf->config);
    write_tokens(w, files);
    text = find_template(files->template);
    kv_json(w, "tokenizer.chat_template", text.p ? text : find_template(files->tokenizer_config));
}

/* Tensors stand one after the other, aligned to 32 bytes as GGUF has it. */
static void write_factors(writer *w, const rz_hf_model *hf) {
    const size_t bytes = hf->n_factors * sizeof(float), room = (bytes + 31) & ~(size_t)31;
    const uint8_t zeros[32] = {0};
    const char *const names[] = {"rope_factors_long.weight", "rope_factors_short.weight"};
    const float *const factors[] = {hf->long_factors, hf->short_factors};
    for (uint32_t i = 0; i < 2; i++) {
        put_text(w, names[i]);
        put_u32(w, 1);
        put_u64(w, hf->n_factors);
        put_u32(w, RZ_DT_F32);
        put_u64(w, i * room);
    }
    put_bytes(w, zeros, (32 - w->n % 32) % 32);
    for (uint32_t i = 0; i < 2; i++) {
        put_bytes(w, factors[i], bytes);
        put_bytes(w, zeros, room - bytes);
    }
}

static void write_header(writer *w, const rz_hf_model *hf, const rz_hf_files *files, uint32_t n_kv) {
    put_bytes(w, "GGUF", 4);
    put_u32(w, 3);
    put_u64(w, hf->n_factors ? 2 : 0);
    put_u64(w, n_kv);
    write_metadata(w, hf, files);
    if (hf->n_factors) write_factors(w, hf);
}

int rz_hf_meta(rz_load_part *part, const rz_hf_model *hf, const rz_hf_files *files,
               const rz_allocator *allocator, rz_err *err) {
    writer measure = {.arch = hf->arch->name};
    write_header(&measure, hf, files, 0);
    writer w = {.arch = hf->arch->name, .out = rz_block_alloc(allocator, measure.n)};
    if (!w.out) return rz_err_set(err, RZ_E_MEMORY, "no memory for the metadata of the model");
    write_header(&w, hf, files, measure.n_kv);
    *part = (rz_load_part){.kind = RZ_PART_GGUF,
                           .bytes = w.out,
                           .capacity = w.n,
                           .have = w.n,
                           .file_size = w.n,
                           .ended = true};
    int result = rz_gguf_parse(&part->gguf, part->bytes, w.n, true, allocator, err);
    part->parsed = result == RZ_OK;
    return result;
}
