/* tiny.c: see tiny.h. */
#include "tiny.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/dtype.h"
#include "../../src/gguf.h"
#include "types_case.h"

tiny_spec tiny_default(void) {
    return (tiny_spec){.n_layer = 1,
                       .n_embd = 32,
                       .n_ff = 64,
                       .n_head = 4,
                       .n_head_kv = 2,
                       .n_vocab = 40,
                       .dtype = RZ_DT_F32,
                       .seed = 1};
}

/* One block with codes of any value; the scale makes the largest code about `scale`. */
static void random_block(random_state *r, uint32_t dtype, uint8_t *block, float scale) {
    float x = random_float(r) * scale;
    random_bytes(r, block, rz_dtype_get(dtype)->block_bytes);
    switch (dtype) {
    case RZ_DT_F32:
        memcpy(block, &x, 4);
        break;
    case RZ_DT_F16:
        rz_store_u16(block, rz_f16_from_f32(x));
        break;
    case RZ_DT_BF16:
        rz_store_u16(block, (uint16_t)(rz_bits_from_f32(x) >> 16));
        break;
    case RZ_DT_Q4_0:
        rz_store_u16(block, rz_f16_from_f32(scale / 8));
        break;
    case RZ_DT_Q8_0:
        rz_store_u16(block, rz_f16_from_f32(scale / 128));
        break;
    case RZ_DT_Q4_K: /* the offset takes the mean off: 7.5 d s is about dmin m */
        rz_store_u16(block, rz_f16_from_f32(scale / (8 * 32)));
        rz_store_u16(block + 2, rz_f16_from_f32(scale / 34));
        break;
    case RZ_DT_Q6_K: rz_store_u16(block + 208, rz_f16_from_f32(scale / (32 * 128))); break;
    default: types_scaled_block(r, dtype, block, scale); break;
    }
}

void tiny_weights(random_state *r, uint32_t dtype, uint8_t *out, size_t n, float scale) {
    const rz_dtype *t = rz_dtype_get(dtype);
    for (size_t i = 0; i < n; i += t->block, out += t->block_bytes)
        random_block(r, dtype, out, scale);
}

typedef struct {
    const tiny_spec *spec;
    gguf_writer w;
    random_state r;
} builder;

static bool left_out(const builder *b, const char *name) {
    return b->spec->without && strcmp(b->spec->without, name) == 0;
}

static void add_matrix(builder *b, const char *name, uint64_t cols, uint64_t rows) {
    const rz_dtype *t = rz_dtype_get(b->spec->dtype);
    const uint64_t dims[2] = {cols, rows};
    const size_t bytes = (size_t)(cols / t->block * rows * t->block_bytes);
    const float scale = b->spec->weight_scale > 0 ? b->spec->weight_scale : 1;
    if (left_out(b, name)) return;
    size_t at = gguf_tensor(&b->w, name, 2, dims, b->spec->dtype, NULL, bytes);
    tiny_weights(&b->r, b->spec->dtype, b->w.data.p + at, (size_t)(cols * rows),
                 scale * sqrtf(3.0f / (float)cols));
}

static void add_vector(builder *b, const char *name, uint64_t n, float middle, float spread) {
    if (left_out(b, name)) return;
    size_t at = gguf_tensor(&b->w, name, 1, &n, RZ_DT_F32, NULL, (size_t)n * 4);
    for (uint64_t i = 0; i < n; i++) {
        float x = middle + spread * random_float(&b->r);
        memcpy(b->w.data.p + at + i * 4, &x, 4);
    }
}

static void add_layer(builder *b, uint32_t layer) {
    const tiny_spec *s = b->spec;
    const uint32_t hd = s->head_dim ? s->head_dim : s->n_embd / s->n_head;
    const uint32_t q = s->n_head * hd, kv = s->n_head_kv * hd;
    const struct {
        const char *name;
        uint32_t cols, rows;
    } matrices[] = {{"attn_q", s->n_embd, q},         {"attn_k", s->n_embd, kv},
                    {"attn_v", s->n_embd, kv},        {"attn_output", q, s->n_embd},
                    {"ffn_gate", s->n_embd, s->n_ff}, {"ffn_up", s->n_embd, s->n_ff},
                    {"ffn_down", s->n_ff, s->n_embd}};
    char name[64];
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof name, "blk.%u.%s.weight", layer, matrices[i].name);
        add_matrix(b, name, matrices[i].cols, matrices[i].rows);
        if (!s->biases || i > 3) continue;
        snprintf(name, sizeof name, "blk.%u.%s.bias", layer, matrices[i].name);
        add_vector(b, name, matrices[i].rows, 0, 0.5f);
    }
    snprintf(name, sizeof name, "blk.%u.attn_norm.weight", layer);
    add_vector(b, name, s->n_embd, 1, 0.2f);
    snprintf(name, sizeof name, "blk.%u.ffn_norm.weight", layer);
    add_vector(b, name, s->n_embd, 1, 0.2f);
}

static void add_metadata(gguf_writer *w, const tiny_spec *s) {
    gguf_text(w, "general.architecture", "llama");
    gguf_u32(w, "llama.block_count", s->n_layer);
    gguf_u32(w, "llama.embedding_length", s->n_embd);
    gguf_u32(w, "llama.feed_forward_length", s->n_ff);
    gguf_u32(w, "llama.attention.head_count", s->n_head);
    gguf_u32(w, "llama.attention.head_count_kv", s->n_head_kv);
    if (s->head_dim) gguf_u32(w, "llama.attention.key_length", s->head_dim);
    if (s->head_dim) gguf_u32(w, "llama.attention.value_length", s->head_dim);
    gguf_u32(w, "llama.context_length", 64);
    gguf_f32(w, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    if (s->rope_dim) gguf_u32(w, "llama.rope.dimension_count", s->rope_dim);
    if (s->rope_scale > 0) {
        gguf_text(w, "llama.rope.scaling.type", "linear");
        gguf_f32(w, "llama.rope.scaling.factor", s->rope_scale);
    }
    if (s->vocabulary) {
        tiny_vocabulary(w);
    } else {
        gguf_u32(w, "llama.vocab_size", s->n_vocab);
    }
}

host_file tiny_model(const tiny_spec *spec) {
    builder b = {.spec = spec, .r = {spec->seed}};
    const uint32_t hd = spec->head_dim ? spec->head_dim : spec->n_embd / spec->n_head;
    const uint32_t rope_dim = spec->rope_dim ? spec->rope_dim : hd;
    const uint32_t n_vocab = spec->vocabulary ? TINY_VOCABULARY : spec->n_vocab;
    gguf_open(&b.w, 3, 32);
    add_metadata(&b.w, spec);
    add_matrix(&b, "token_embd.weight", spec->n_embd, n_vocab);
    for (uint32_t layer = 0; layer < spec->n_layer; layer++) add_layer(&b, layer);
    add_vector(&b, "output_norm.weight", spec->n_embd, 1, 0.2f);
    if (!spec->tied) add_matrix(&b, "output.weight", spec->n_embd, n_vocab);
    if (spec->rope_factors) add_vector(&b, "rope_freqs.weight", rope_dim / 2, 4, 3);
    return gguf_close(&b.w);
}

/* ---- vocabularies -------------------------------------------------------------------------- */

void tiny_vocabulary(gguf_writer *w) {
    static const char *const words[22] = {"\xe2\x96\x81",
                                          "h",
                                          "e",
                                          "l",
                                          "o",
                                          "w",
                                          "r",
                                          "d",
                                          "a",
                                          "he",
                                          "ll",
                                          "hell",
                                          "hello",
                                          "\xe2\x96\x81hello",
                                          "wo",
                                          "wor",
                                          "ld",
                                          "world",
                                          "\xe2\x96\x81world",
                                          "aa",
                                          "aaaa",
                                          "\xe2\x96\x81\xe2\x96\x81"};
    char bytes[256][8];
    const char *texts[TINY_VOCABULARY] = {"<unk>", "<s>", "</s>"};
    float scores[TINY_VOCABULARY] = {0};
    int32_t types[TINY_VOCABULARY] = {2, 3, 3};
    for (int i = 0; i < 256; i++) {
        snprintf(bytes[i], sizeof bytes[i], "<0x%02X>", i);
        texts[3 + i] = bytes[i];
        types[3 + i] = 6;
    }
    for (int i = 0; i < 22; i++) {
        texts[259 + i] = words[i];
        scores[259 + i] = (float)-i;
        types[259 + i] = 1;
    }
    gguf_text(w, "tokenizer.ggml.model", "llama");
    gguf_texts(w, "tokenizer.ggml.tokens", texts, TINY_VOCABULARY);
    gguf_array(w, "tokenizer.ggml.scores", RZ_GGUF_F32, TINY_VOCABULARY, scores, sizeof scores);
    gguf_array(w, "tokenizer.ggml.token_type", RZ_GGUF_I32, TINY_VOCABULARY, types, sizeof types);
}

/* The character that byte-level BPE writes for a byte, as UTF-8. */
static void byte_character(int byte, char *out) {
    static const int first[] = {0x21, 0xa1, 0xae}, last[] = {0x7e, 0xac, 0xff};
    int c = 0x100;
    for (int b = 0; b <= byte; b++) {
        bool printable = false;
        for (int i = 0; i < 3; i++) printable |= b >= first[i] && b <= last[i];
        if (b == byte && printable) c = byte;
        if (b < byte && !printable) c++;
    }
    if (c < 0x80) {
        out[0] = (char)c, out[1] = 0;
    } else {
        out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), out[2] = 0;
    }
}

void tiny_bpe_vocabulary(gguf_writer *w) {
    static const char *const merges[] = {"h e",  "l l",   "he ll",  "hell o",         "w o",
                                         "r l",  "wo rl", "worl d", "\xc4\xa0 world", "a a",
                                         "aa aa"};
    enum { n_merges = sizeof merges / sizeof merges[0], n_tokens = 256 + n_merges + 2 };
    static char names[n_tokens][16];
    const char *texts[n_tokens];
    int32_t types[n_tokens];
    for (int i = 0; i < n_tokens; i++) {
        texts[i] = names[i];
        types[i] = 1;
        if (i < 256) byte_character(i, names[i]);
    }
    for (int i = 0; i < n_merges; i++) {
        const char *space = strchr(merges[i], ' ');
        snprintf(names[256 + i], sizeof names[0], "%.*s%s", (int)(space - merges[i]), merges[i],
                 space + 1);
    }
    snprintf(names[n_tokens - 2], sizeof names[0], "<|endoftext|>");
    snprintf(names[n_tokens - 1], sizeof names[0], "<user>");
    types[n_tokens - 2] = 3;
    types[n_tokens - 1] = 4;
    gguf_text(w, "tokenizer.ggml.model", "gpt2");
    gguf_text(w, "tokenizer.ggml.pre", "gpt-2");
    gguf_texts(w, "tokenizer.ggml.tokens", texts, n_tokens);
    gguf_array(w, "tokenizer.ggml.token_type", RZ_GGUF_I32, n_tokens, types, sizeof types);
    gguf_texts(w, "tokenizer.ggml.merges", merges, n_merges);
    gguf_u32(w, "tokenizer.ggml.eos_token_id", n_tokens - 2);
}

/* ---- places to patch ------------------------------------------------------------------------ */

uint8_t *tiny_tensor_line(host_file file, const char *name) {
    rz_gguf g;
    uint8_t *line = NULL;
    if (rz_gguf_parse(&g, file.bytes, file.n, true, NULL, NULL) != RZ_OK) return NULL;
    for (uint32_t i = 0; i < g.n_tensors; i++) {
        const rz_gguf_tensor *t = &g.tensors[i];
        if (t->name_len == strlen(name) && memcmp(t->name, name, t->name_len) == 0) {
            line = file.bytes + ((const uint8_t *)t->name - file.bytes) + t->name_len;
        }
    }
    rz_gguf_free(&g);
    return line;
}

uint8_t *tiny_tensor_data(host_file file, const char *name) {
    rz_gguf g;
    uint8_t *data = NULL;
    if (rz_gguf_parse(&g, file.bytes, file.n, true, NULL, NULL) != RZ_OK) return NULL;
    for (uint32_t i = 0; i < g.n_tensors; i++) {
        const rz_gguf_tensor *t = &g.tensors[i];
        if (t->name_len == strlen(name) && memcmp(t->name, name, t->name_len) == 0) {
            data = file.bytes + t->offset;
        }
    }
    rz_gguf_free(&g);
    return data;
}

uint8_t *tiny_value(host_file file, const char *key) {
    rz_gguf g;
    if (rz_gguf_parse(&g, file.bytes, file.n, true, NULL, NULL) != RZ_OK) return NULL;
    const rz_gguf_kv *kv = rz_gguf_find(&g, key);
    uint8_t *value = kv ? file.bytes + (kv->value - file.bytes) : NULL;
    rz_gguf_free(&g);
    return value;
}
