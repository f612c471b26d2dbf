/* tiny_hf.c: see tiny_hf.h. */
#include "tiny_hf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- safetensors ------------------------------------------------------------------------------ */

static void add_text(byte_buffer *b, const char *text) { buffer_add(b, text, strlen(text)); }

void st_open(st_writer *w, uint64_t seed) {
    *w = (st_writer){.random = {seed}};
    add_text(&w->header, "{");
}

static void next_entry(st_writer *w) {
    if (w->header.n > 1) add_text(&w->header, ",");
}

/* n elements, small and finite. */
static void add_data(st_writer *w, const char *type, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float x = random_float(&w->random) * 0.3f;
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        if (strcmp(type, "F32") == 0) {
            buffer_u32(&w->data, bits);
        } else if (strcmp(type, "BF16") == 0) {
            buffer_add(&w->data, (uint8_t *)&bits + 2, 2);
        } else if (strcmp(type, "F16") == 0) {
            uint16_t half = (uint16_t)(0x2c00 | random_below(&w->random, 0x400)); /* 1/16 .. 1/8 */
            buffer_add(&w->data, &half, 2);
        } else {
            uint8_t byte = (uint8_t)(110 + random_below(&w->random, 16));
            buffer_add(&w->data, &byte, 1);
        }
    }
}

void st_tensor(st_writer *w, const char *name, const char *type, const uint32_t *dims) {
    char text[256];
    const size_t from = w->data.n;
    size_t n = 1;
    next_entry(w);
    snprintf(text, sizeof text, "\"%s\":{\"dtype\":\"%s\",\"shape\":[", name, type);
    add_text(&w->header, text);
    for (int i = 0; dims[i]; i++) {
        snprintf(text, sizeof text, "%s%u", i ? "," : "", dims[i]);
        add_text(&w->header, text);
        n *= dims[i];
    }
    add_data(w, type, n);
    snprintf(text, sizeof text, "],\"data_offsets\":[%zu,%zu]}", from, w->data.n);
    add_text(&w->header, text);
}

void st_raw(st_writer *w, const char *entry, size_t bytes) {
    next_entry(w);
    add_text(&w->header, entry);
    for (size_t i = 0; i < bytes; i++) buffer_add(&w->data, "", 1);
}

host_file st_close(st_writer *w) {
    byte_buffer file = {0};
    add_text(&w->header, "}");
    buffer_u64(&file, w->header.n);
    buffer_add(&file, w->header.p, w->header.n);
    buffer_add(&file, w->data.p, w->data.n);
    free(w->header.p);
    free(w->data.p);
    return (host_file){file.p, file.n};
}

host_file st_file(const char *header, size_t n) {
    byte_buffer file = {0};
    buffer_string(&file, header);
    for (size_t i = 0; i < n; i++) buffer_add(&file, "", 1);
    return (host_file){file.p, file.n};
}

host_file text_file(const char *text) {
    host_file file = {malloc(strlen(text) + 1), strlen(text)};
    memcpy(file.bytes, text, file.n + 1);
    return file;
}

/* ---- models ----------------------------------------------------------------------------------- */

/* One tensor; a shape of up to four dimensions, 0 for those that are not there. */
typedef struct {
    const char *name, *type;
    uint32_t dims[5];
} line;

typedef struct {
    const char *config;
    line lines[28];
} kind;

static const kind kinds[TINY_KINDS] = {
    [TINY_LLAMA] =
        {"{\"model_type\":\"llama\",\"hidden_size\":32,\"intermediate_size\":24,\"num_hidden_layers\":1,"
         "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":9,\"max_position_embeddings\":32,"
         "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,"
         "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":16},\"eos_token_id\":[1,2]}",
         {{"model.embed_tokens.weight", "F32", {9, 32}},
          {"model.norm.weight", "F32", {32}},
          {"lm_head.weight", "BF16", {9, 32}},
          {"model.layers.0.input_layernorm.weight", "F16", {32}},
          {"model.layers.0.post_attention_layernorm.weight", "F32", {32}},
          {"model.layers.0.self_attn.q_proj.weight", "F32", {32, 32}},
          {"model.layers.0.self_attn.k_proj.weight", "F16", {16, 32}},
          {"model.layers.0.self_attn.v_proj.weight", "F32", {16, 32}},
          {"model.layers.0.self_attn.o_proj.weight", "F32", {32, 32}},
          {"model.layers.0.mlp.gate_proj.weight", "F32", {24, 32}},
          {"model.layers.0.mlp.up_proj.weight", "F32", {24, 32}},
          {"model.layers.0.mlp.down_proj.weight", "F32", {32, 24}}}},
    [TINY_GPT2] = {"{\"model_type\":\"gpt2\",\"n_layer\":1,\"n_head\":4,\"n_embd\":32,\"n_ctx\":16,"
                   "\"vocab_size\":9}",
                   {{"wte.weight", "F32", {9, 32}},
                    {"wpe.weight", "F32", {16, 32}},
                    {"h.0.ln_1.weight", "F32", {32}},
                    {"h.0.ln_1.bias", "F32", {32}},
                    {"h.0.attn.bias", "F32", {1, 1, 4, 4}},
                    {"h.0.attn.c_attn.weight", "F32", {32, 96}},
                    {"h.0.attn.c_attn.bias", "F32", {96}},
                    {"h.0.attn.c_proj.weight", "BF16", {32, 32}},
                    {"h.0.attn.c_proj.bias", "F32", {32}},
                    {"h.0.ln_2.weight", "F32", {32}},
                    {"h.0.ln_2.bias", "F32", {32}},
                    {"h.0.mlp.c_fc.weight", "F16", {32, 128}},
                    {"h.0.mlp.c_fc.bias", "F32", {128}},
                    {"h.0.mlp.c_proj.weight", "F32", {128, 32}},
                    {"h.0.mlp.c_proj.bias", "F32", {32}},
                    {"ln_f.weight", "F32", {32}},
                    {"ln_f.bias", "F32", {32}}}},
    [TINY_BLOOM] =
        {"{\"model_type\":\"bloom\",\"hidden_size\":32,\"n_layer\":1,\"n_head\":4,\"vocab_size\":9,"
         "\"seq_length\":16}",
         {{"transformer.word_embeddings.weight", "F32", {9, 32}},
          {"transformer.word_embeddings_layernorm.weight", "F32", {32}},
          {"transformer.word_embeddings_layernorm.bias", "F32", {32}},
          {"transformer.h.0.input_layernorm.weight", "F32", {32}},
          {"transformer.h.0.input_layernorm.bias", "F32", {32}},
          {"transformer.h.0.self_attention.query_key_value.weight", "F32", {96, 32}},
          {"transformer.h.0.self_attention.query_key_value.bias", "F32", {96}},
          {"transformer.h.0.self_attention.dense.weight", "F32", {32, 32}},
          {"transformer.h.0.self_attention.dense.bias", "F32", {32}},
          {"transformer.h.0.post_attention_layernorm.weight", "F32", {32}},
          {"transformer.h.0.post_attention_layernorm.bias", "F32", {32}},
          {"transformer.h.0.mlp.dense_h_to_4h.weight", "F32", {128, 32}},
          {"transformer.h.0.mlp.dense_h_to_4h.bias", "F32", {128}},
          {"transformer.h.0.mlp.dense_4h_to_h.weight", "F32", {32, 128}},
          {"transformer.h.0.mlp.dense_4h_to_h.bias", "F32", {32}},
          {"transformer.ln_f.weight", "F32", {32}},
          {"transformer.ln_f.bias", "F32", {32}}}},
    [TINY_MIXTRAL] =
        {"{\"model_type\":\"mixtral\",\"hidden_size\":32,\"intermediate_size\":32,\"num_hidden_layers\":1,"
         "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":9,\"max_position_embeddings\":32,"
         "\"num_local_experts\":2,\"num_experts_per_tok\":1,\"sliding_window\":4}",
         {{"model.embed_tokens.weight", "F32", {9, 32}},
          {"model.norm.weight", "F32", {32}},
          {"lm_head.weight", "F32", {9, 32}},
          {"model.layers.0.input_layernorm.weight", "F32", {32}},
          {"model.layers.0.post_attention_layernorm.weight", "F32", {32}},
          {"model.layers.0.self_attn.q_proj.weight", "F32", {32, 32}},
          {"model.layers.0.self_attn.k_proj.weight", "F32", {16, 32}},
          {"model.layers.0.self_attn.v_proj.weight", "F32", {16, 32}},
          {"model.layers.0.self_attn.o_proj.weight", "F32", {32, 32}},
          {"model.layers.0.block_sparse_moe.gate.weight", "F32", {2, 32}},
          {"model.layers.0.block_sparse_moe.experts.0.w1.weight", "F32", {32, 32}},
          {"model.layers.0.block_sparse_moe.experts.0.w2.weight", "F32", {32, 32}},
          {"model.layers.0.block_sparse_moe.experts.0.w3.weight", "F32", {32, 32}},
          {"model.layers.0.block_sparse_moe.experts.1.w1.weight", "F32", {32, 32}},
          {"model.layers.0.block_sparse_moe.experts.1.w2.weight", "F32", {32, 32}},
          {"model.layers.0.block_sparse_moe.experts.1.w3.weight", "F32", {32, 32}}}},
    [TINY_GPT_OSS] =
        {"{\"model_type\":\"gpt_oss\",\"hidden_size\":32,\"intermediate_size\":32,\"num_hidden_layers\":1,"
         "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":8,\"vocab_size\":9,"
         "\"max_position_embeddings\":32,\"num_local_experts\":2,\"num_experts_per_tok\":1,"
         "\"quantization_config\":{\"quant_method\":\"mxfp4\"},\"layer_types\":[\"sliding_attention\"],"
         "\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4.0,\"truncate\":false,"
         "\"original_max_position_embeddings\":8}}",
         {{"model.embed_tokens.weight", "F32", {9, 32}},
          {"model.norm.weight", "F32", {32}},
          {"lm_head.weight", "F32", {9, 32}},
          {"model.layers.0.input_layernorm.weight", "F32", {32}},
          {"model.layers.0.post_attention_layernorm.weight", "F32", {32}},
          {"model.layers.0.self_attn.q_proj.weight", "F32", {32, 32}},
          {"model.layers.0.self_attn.q_proj.bias", "F32", {32}},
          {"model.layers.0.self_attn.k_proj.weight", "F32", {16, 32}},
          {"model.layers.0.self_attn.k_proj.bias", "F32", {16}},
          {"model.layers.0.self_attn.v_proj.weight", "F32", {16, 32}},
          {"model.layers.0.self_attn.v_proj.bias", "F32", {16}},
          {"model.layers.0.self_attn.o_proj.weight", "F32", {32, 32}},
          {"model.layers.0.self_attn.o_proj.bias", "F32", {32}},
          {"model.layers.0.self_attn.sinks", "F32", {4}},
          {"model.layers.0.mlp.router.weight", "F32", {2, 32}},
          {"model.layers.0.mlp.router.bias", "F32", {2}},
          {"model.layers.0.mlp.experts.gate_up_proj_scales", "U8", {2, 64, 1}},
          {"model.layers.0.mlp.experts.gate_up_proj_blocks", "U8", {2, 64, 1, 16}},
          {"model.layers.0.mlp.experts.gate_up_proj_bias", "F32", {2, 64}},
          {"model.layers.0.mlp.experts.down_proj_blocks", "U8", {2, 32, 1, 16}},
          {"model.layers.0.mlp.experts.down_proj_scales", "U8", {2, 32, 1}},
          {"model.layers.0.mlp.experts.down_proj_bias", "F32", {2, 32}}}},
    [TINY_PHI3] =
        {"{\"model_type\":\"phi3\",\"hidden_size\":32,\"intermediate_size\":24,\"num_hidden_layers\":1,"
         "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":9,\"max_position_embeddings\":32,"
         "\"original_max_position_embeddings\":8,\"tie_word_embeddings\":true,\"rope_scaling\":{\"type\":"
         "\"longrope\",\"short_factor\":[1,1,1,1],\"long_factor\":[1,1.5,2,2.5]}}",
         {{"model.embed_tokens.weight", "F32", {9, 32}},
          {"model.norm.weight", "F32", {32}},
          {"model.layers.0.input_layernorm.weight", "F32", {32}},
          {"model.layers.0.post_attention_layernorm.weight", "F32", {32}},
          {"model.layers.0.self_attn.qkv_proj.weight", "F32", {64, 32}},
          {"model.layers.0.self_attn.o_proj.weight", "F32", {32, 32}},
          {"model.layers.0.mlp.gate_up_proj.weight", "F32", {48, 32}},
          {"model.layers.0.mlp.down_proj.weight", "F32", {32, 24}}}},
    [TINY_BERT] =
        {"{\"model_type\":\"bert\",\"hidden_size\":32,\"intermediate_size\":24,\"num_hidden_layers\":1,"
         "\"num_attention_heads\":4,\"vocab_size\":9,\"max_position_embeddings\":16,\"hidden_act\":\"gelu\"}",
         {{"bert.pooler.dense.weight", "F32", {32, 32}},
          {"cls.predictions.bias", "F32", {9}},
          {"bert.embeddings.word_embeddings.weight", "F32", {9, 32}},
          {"bert.embeddings.position_embeddings.weight", "F32", {16, 32}},
          {"bert.embeddings.token_type_embeddings.weight", "F32", {2, 32}},
          {"bert.embeddings.LayerNorm.gamma", "F32", {32}},
          {"bert.embeddings.LayerNorm.beta", "F32", {32}},
          {"bert.encoder.layer.0.attention.self.query.weight", "F32", {32, 32}},
          {"bert.encoder.layer.0.attention.self.query.bias", "F32", {32}},
          {"bert.encoder.layer.0.attention.self.key.weight", "F32", {32, 32}},
          {"bert.encoder.layer.0.attention.self.key.bias", "F32", {32}},
          {"bert.encoder.layer.0.attention.self.value.weight", "F32", {32, 32}},
          {"bert.encoder.layer.0.attention.self.value.bias", "F32", {32}},
          {"bert.encoder.layer.0.attention.output.dense.weight", "F32", {32, 32}},
          {"bert.encoder.layer.0.attention.output.dense.bias", "F32", {32}},
          {"bert.encoder.layer.0.attention.output.LayerNorm.gamma", "F32", {32}},
          {"bert.encoder.layer.0.attention.output.LayerNorm.beta", "F32", {32}},
          {"bert.encoder.layer.0.intermediate.dense.weight", "F32", {24, 32}},
          {"bert.encoder.layer.0.intermediate.dense.bias", "F32", {24}},
          {"bert.encoder.layer.0.output.dense.weight", "F32", {32, 24}},
          {"bert.encoder.layer.0.output.dense.bias", "F32", {32}},
          {"bert.encoder.layer.0.output.LayerNorm.gamma", "F32", {32}},
          {"bert.encoder.layer.0.output.LayerNorm.beta", "F32", {32}}}},
    [TINY_GEMMA3] =
        {"{\"model_type\":\"gemma3\",\"architectures\":[\"Gemma3ForConditionalGeneration\"],\"text_config\":{"
         "\"model_type\":\"gemma3_text\",\"hidden_size\":32,\"intermediate_size\":24,\"num_hidden_layers\":1,"
         "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":8,\"vocab_size\":9,"
         "\"max_position_embeddings\":32,\"sliding_window\":4,\"rope_scaling\":{\"rope_type\":\"linear\","
         "\"factor\":8.0}}}",
         {{"language_model.model.embed_tokens.weight", "BF16", {9, 32}},
          {"language_model.model.norm.weight", "F32", {32}},
          {"vision_tower.some.weight", "F32", {3, 3}},
          {"language_model.model.layers.0.input_layernorm.weight", "F32", {32}},
          {"language_model.model.layers.0.post_attention_layernorm.weight", "F32", {32}},
          {"language_model.model.layers.0.pre_feedforward_layernorm.weight", "F32", {32}},
          {"language_model.model.layers.0.post_feedforward_layernorm.weight", "F32", {32}},
          {"language_model.model.layers.0.self_attn.q_norm.weight", "F32", {8}},
          {"language_model.model.layers.0.self_attn.k_norm.weight", "F32", {8}},
          {"language_model.model.layers.0.self_attn.q_proj.weight", "F32", {32, 32}},
          {"language_model.model.layers.0.self_attn.k_proj.weight", "F32", {16, 32}},
          {"language_model.model.layers.0.self_attn.v_proj.weight", "F32", {16, 32}},
          {"language_model.model.layers.0.self_attn.o_proj.weight", "F32", {32, 32}},
          {"language_model.model.layers.0.mlp.gate_proj.weight", "F32", {24, 32}},
          {"language_model.model.layers.0.mlp.up_proj.weight", "F32", {24, 32}},
          {"language_model.model.layers.0.mlp.down_proj.weight", "F32", {32, 24}}}},
};

tiny_hf tiny_hf_model(int i) {
    st_writer w;
    if (i < 0 || i >= TINY_KINDS) return (tiny_hf){{NULL, 0}, {NULL, 0}};
    st_open(&w, (uint64_t)i + 1);
    for (const line *l = kinds[i].lines; l->name; l++) st_tensor(&w, l->name, l->type, l->dims);
    return (tiny_hf){text_file(kinds[i].config), st_close(&w)};
}

void tiny_hf_free(tiny_hf *m) {
    free(m->config.bytes);
    free(m->weights.bytes);
    *m = (tiny_hf){{NULL, 0}, {NULL, 0}};
}
