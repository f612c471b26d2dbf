/*
 * test_refuse.c: models that must not load: wrong metadata, wrong tensor lists, weights that are
 * not numbers - each with its code and its sentence - and all malformed files of the fixtures,
 * which are refused in words or read, never a crash.
 */
#include <math.h>

#include "../../src/dtype.h"
#include "../../src/gguf.h"
#include "budget.h"
#include "check.h"
#include "tiny.h"

/* Loads with a counting allocator; the sentence must be exactly `text`, nothing may be left. */
static void refused(host_file file, int code, const char *text) {
    budget b;
    rz_model *m;
    rz_err err = {0};
    budget_open(&b);
    int result = host_load(&m, file, &(rz_load_opts){.allocator = &b.allocator, .threads = 2}, 0, &err);
    CHECK(result == code && err.code == code && strcmp(err.text, text) == 0,
          "%d '%s' instead of %d '%s'", result, err.text, code, text);
    rz_model_close(&m);
    CHECK(b.now == 0 && b.wrong_frees == 0, "%zu bytes left after '%s'", b.now, text);
    free(file.bytes);
}

static host_file good(void) {
    tiny_spec spec = tiny_default();
    return tiny_model(&spec);
}

static void put_u32(uint8_t *p, uint32_t v) {
    memcpy(p, &v, 4);
}
static void put_u64(uint8_t *p, uint64_t v) {
    memcpy(p, &v, 8);
}
static uint64_t get_u64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* ---- not a model ------------------------------------------------------------------------------
 */

static host_file bytes_of(const void *bytes, size_t n) {
    host_file f = {malloc(n ? n : 1), n};
    memcpy(f.bytes, bytes, n);
    return f;
}

static void not_a_model(void) {
    static const char html[] = "<!DOCTYPE html><html><body>404 Not Found</body></html>";
    refused(bytes_of("", 0), RZ_E_TRUNCATED, "the file is empty");
    refused(bytes_of(html, sizeof html), RZ_E_FORMAT,
            "not a GGUF file: it starts with bytes 3c 21 44 4f, as a web page does");
    refused(bytes_of("GGU", 3), RZ_E_TRUNCATED, "GGUF: the file ends at byte 3, inside its header");
    host_file magic = good();
    magic.bytes[3] = 'X';
    refused(magic, RZ_E_FORMAT, "not a GGUF file: it starts with bytes 47 47 55 58");
}

/* ---- metadata ---------------------------------------------------------------------------------
 */

static void architecture(const char *name, const char *text) {
    gguf_writer w;
    gguf_open(&w, 3, 32);
    if (name) gguf_text(&w, "general.architecture", name);
    refused(gguf_close(&w), RZ_E_UNSUPPORTED, text);
}

static void architectures(void) {
    architecture("gptj", "architecture 'gptj' is not supported");
    architecture("llama4", "architecture 'llama4' is not supported");
    architecture("", "architecture '' is not supported");
    architecture(NULL, "architecture '' is not supported");
    gguf_writer w;
    gguf_open(&w, 3, 32);
    gguf_u32(&w, "general.architecture", 7);
    refused(gguf_close(&w), RZ_E_UNSUPPORTED, "architecture '' is not supported");
}

/* The good model with another value of an integer. */
static void number_is(const char *key, uint32_t value, int code, const char *text) {
    host_file file = good();
    uint8_t *p = tiny_value(file, key);
    CHECK(p != NULL, "no key %s", key);
    if (p) put_u32(p, value);
    refused(file, code, text);
}

static void head_counts(void) {
    number_is("llama.attention.head_count_kv", 3, RZ_E_FORMAT,
              "4 query heads cannot share 3 key heads");
    number_is("llama.attention.head_count_kv", 5, RZ_E_FORMAT,
              "metadata 'llama.attention.head_count_kv' has no usable value");
    number_is("llama.attention.head_count_kv", 0, RZ_E_FORMAT,
              "metadata 'llama.attention.head_count_kv' has no usable value");
    number_is("llama.attention.head_count", 0, RZ_E_FORMAT,
              "metadata 'llama.attention.head_count' has no usable value");
    number_is("llama.attention.head_count", 4097, RZ_E_FORMAT,
              "metadata 'llama.attention.head_count' has no usable value");
    number_is("llama.attention.head_count", 64, RZ_E_FORMAT, /* 32 / 64 is 0 */
              "metadata 'llama.attention.key_length' has no usable value");
}

static void sizes(void) {
    number_is("llama.block_count", 0, RZ_E_FORMAT,
              "metadata 'llama.block_count' has no usable value");
    number_is("llama.block_count", 4097, RZ_E_FORMAT,
              "metadata 'llama.block_count' has no usable value");
    number_is("llama.block_count", 2, RZ_E_SHAPE, "tensor 'blk.1.attn_norm.weight' is missing");
    number_is("llama.embedding_length", 0, RZ_E_FORMAT,
              "metadata 'llama.embedding_length' has no usable value");
    number_is("llama.embedding_length", 1 << 21, RZ_E_FORMAT,
              "metadata 'llama.embedding_length' has no usable value");
    number_is("llama.feed_forward_length", UINT32_MAX, RZ_E_FORMAT,
              "metadata 'llama.feed_forward_length' has no usable value");
    number_is("llama.context_length", 0, RZ_E_FORMAT,
              "metadata 'llama.context_length' has no usable value");
    number_is("llama.vocab_size", 0, RZ_E_FORMAT,
              "metadata 'llama.vocab_size' has no usable value");
    number_is("llama.vocab_size", 41, RZ_E_SHAPE,
              "tensor 'token_embd.weight' is 32 x 40, the model needs 32 x 41");
}

/* A header that holds an architecture and these keys alone is refused for the first one missing. */
static void missing_keys(void) {
    static const char *const keys[] = {"llama.block_count",
                                       "llama.embedding_length",
                                       "llama.attention.head_count",
                                       "llama.vocab_size",
                                       "llama.attention.layer_norm_rms_epsilon",
                                       "llama.feed_forward_length"};
    for (int n = 0; n < 6; n++) {
        gguf_writer w;
        char text[100];
        gguf_open(&w, 3, 32);
        gguf_text(&w, "general.architecture", "llama");
        for (int i = 0; i < n; i++)
            if (strstr(keys[i], "epsilon"))
                gguf_f32(&w, keys[i], 1e-5f);
            else
                gguf_u32(&w, keys[i], 4);
        snprintf(text, sizeof text, "metadata '%s' is missing", keys[n]);
        refused(gguf_close(&w), RZ_E_FORMAT, text);
    }
}

/* The good model with one more entry in front, built by the caller. */
static host_file with_entry(gguf_writer *entry) {
    host_file file = good();
    byte_buffer b = {0};
    rz_gguf g;
    CHECK(rz_gguf_parse(&g, file.bytes, file.n, true, NULL, NULL) == RZ_OK, "parse");
    size_t end = (size_t)g.header_bytes, data = (end + 31) / 32 * 32;
    rz_gguf_free(&g);
    buffer_add(&b, file.bytes, 24);
    put_u64(b.p + 16, get_u64(b.p + 16) + 1);
    buffer_add(&b, entry->kv.p, entry->kv.n);
    buffer_add(&b, file.bytes + 24, end - 24);
    buffer_add(&b, NULL, (32 - b.n % 32) % 32);
    buffer_add(&b, file.bytes + data, file.n - data);
    free(entry->kv.p);
    free(file.bytes);
    return (host_file){b.p, b.n};
}

static void entry_text(const char *key, const char *value, int code, const char *text) {
    gguf_writer w = {.alignment = 32};
    gguf_text(&w, key, value);
    refused(with_entry(&w), code, text);
}

static void entry_u32(const char *key, uint32_t value, int code, const char *text) {
    gguf_writer w = {.alignment = 32};
    gguf_u32(&w, key, value);
    refused(with_entry(&w), code, text);
}

static void entry_f32(const char *key, float value, int code, const char *text) {
    gguf_writer w = {.alignment = 32};
    gguf_f32(&w, key, value);
    refused(with_entry(&w), code, text);
}

static void rope_keys(void) {
    entry_u32("llama.rope.dimension_count", 7, RZ_E_FORMAT,
              "RoPE over 7 dimensions: not an even number");
    entry_u32("llama.rope.dimension_count", 10, RZ_E_FORMAT,
              "metadata 'llama.rope.dimension_count' has no usable value");
    entry_u32("llama.rope.dimension_count", 0, RZ_E_FORMAT,
              "metadata 'llama.rope.dimension_count' has no usable value");
    entry_text("llama.rope.scaling.type", "su", RZ_E_UNSUPPORTED,
               "RoPE scaling 'su' is not supported");
    entry_u32("llama.rope.scaling.type", 3, RZ_E_UNSUPPORTED, "RoPE scaling '' is not supported");
    entry_f32("llama.rope.freq_base", 0, RZ_E_FORMAT,
              "metadata 'llama.rope.freq_base' has no usable value");
    entry_f32("llama.rope.freq_base", NAN, RZ_E_FORMAT,
              "metadata 'llama.rope.freq_base' has no usable value");
    entry_f32("llama.rope.freq_base", INFINITY, RZ_E_FORMAT,
              "metadata 'llama.rope.freq_base' has no usable value");
    entry_f32("llama.rope.scale_linear", 0, RZ_E_FORMAT,
              "metadata 'llama.rope.scale_linear' has no usable value");
}

static void other_keys(void) {
    entry_text("llama.context_length", "many", RZ_E_FORMAT,
               "metadata 'llama.context_length' has no usable value");
    entry_f32("llama.context_length", 64.5f, RZ_E_FORMAT,
              "metadata 'llama.context_length' has no usable value");
    entry_f32("llama.attention.layer_norm_rms_epsilon", -1, RZ_E_FORMAT,
              "metadata 'llama.attention.layer_norm_rms_epsilon' has no usable value");
    entry_u32("llama.attention.value_length", 4, RZ_E_UNSUPPORTED,
              "values of 4 dimensions with keys of 8");
    entry_u32("llama.expert_count", 8, RZ_E_FORMAT,
              "metadata 'llama.expert_used_count' is missing");
    entry_u32("split.count", 2, RZ_E_FORMAT,
              "this is one part of a model in 2 files, but 1 were given");
    gguf_writer w = {.alignment = 32};
    const uint32_t widths[2] = {64, 32};
    gguf_array(&w, "llama.feed_forward_length", RZ_GGUF_U32, 2, widths, sizeof widths);
    refused(
        with_entry(&w), RZ_E_UNSUPPORTED,
        "metadata 'llama.feed_forward_length' differs from layer to layer, which is not supported");
}

/* ---- tensor lists ------------------------------------------------------------------------------
 */

/* The good model with a byte or number of one tensor's line changed: behind the name stand the
 * number of dimensions (4 bytes), two dimensions (8 each), the type (4) and the offset (8). */
enum { AT_DIM0 = 4, AT_DIM1 = 12, AT_TYPE = 20, AT_OFFSET = 24 };

static void shapes(void) {
    host_file file = good();
    put_u64(tiny_tensor_line(file, "blk.0.attn_q.weight") + AT_DIM1, 31);
    refused(file, RZ_E_SHAPE, "tensor 'blk.0.attn_q.weight' is 32 x 31, the model needs 32 x 32");
    file = good();
    put_u64(tiny_tensor_line(file, "blk.0.ffn_down.weight") + AT_DIM0, 32);
    refused(file, RZ_E_SHAPE, "tensor 'blk.0.ffn_down.weight' is 32 x 32, the model needs 64 x 32");
    file = good();
    put_u64(tiny_tensor_line(file, "output_norm.weight") + AT_DIM0, 16);
    refused(file, RZ_E_SHAPE, "tensor 'output_norm.weight' is 16 x 1, the model needs 32 x 1");
    file = good();
    put_u64(tiny_tensor_line(file, "blk.0.attn_v.weight") + AT_DIM1, 0);
    refused(file, RZ_E_FORMAT, "GGUF: tensor 'blk.0.attn_v.weight' has a dimension of 0");
}

static void names(void) {
    host_file file = good();
    tiny_tensor_line(file, "blk.0.attn_q.weight")[-8] = 'x';
    refused(file, RZ_E_SHAPE, "tensor 'blk.0.attn_x.weight' does not belong to this architecture");
    file = good();
    tiny_tensor_line(file, "blk.0.attn_q.weight")[-15] = '1';
    refused(file, RZ_E_SHAPE, "tensor 'blk.1.attn_q.weight' does not belong to this architecture");
    file = good();
    tiny_tensor_line(file, "blk.0.attn_q.weight")[-8] = 'v';
    refused(file, RZ_E_SHAPE, "tensor 'blk.0.attn_v.weight' is 32 x 32, the model needs 32 x 16");
    file = good();
    tiny_tensor_line(file, "blk.0.attn_k.weight")[-8] = 'v';
    refused(file, RZ_E_FORMAT, "tensor 'blk.0.attn_v.weight' is there twice");
}

static void missing_tensors(void) {
    static const char *const without[] = {"token_embd.weight",      "output_norm.weight",
                                          "blk.0.attn_norm.weight", "blk.0.attn_output.weight",
                                          "blk.0.ffn_up.weight",    "blk.0.ffn_down.weight"};
    for (int i = 0; i < 6; i++) {
        tiny_spec spec = tiny_default();
        char text[80];
        spec.without = without[i];
        snprintf(text, sizeof text, "tensor '%s' is missing", without[i]);
        refused(tiny_model(&spec), RZ_E_SHAPE, text);
    }
}

static void weight_types(void) {
    host_file file = good();
    put_u32(tiny_tensor_line(file, "blk.0.attn_q.weight") + AT_TYPE, 9);
    refused(file, RZ_E_UNSUPPORTED,
            "tensor 'blk.0.attn_q.weight' has weight type Q8_1, which is not "
            "supported");
    file = good();
    put_u32(tiny_tensor_line(file, "output.weight") + AT_TYPE, 15);
    refused(file, RZ_E_UNSUPPORTED,
            "tensor 'output.weight' has weight type Q8_K, which is not supported");
    file = good();
    put_u32(tiny_tensor_line(file, "output_norm.weight") + AT_TYPE - 8, 28);
    refused(file, RZ_E_UNSUPPORTED,
            "tensor 'output_norm.weight' has weight type F64, which is not "
            "supported");
    file = good();
    put_u32(tiny_tensor_line(file, "output.weight") + AT_TYPE, 4);
    refused(file, RZ_E_UNSUPPORTED,
            "GGUF: tensor 'output.weight' has weight type 4, which is not known");
}

static void places(void) {
    host_file file = good();
    char text[160];
    uint8_t *line = tiny_tensor_line(file, "output.weight"),
            *data = tiny_tensor_data(file, "output.weight");
    uint64_t end = (uint64_t)(data - file.bytes) + 32 * 40 * 4;
    put_u64(line + AT_OFFSET, get_u64(line + AT_OFFSET) + 32);
    snprintf(text, sizeof text,
             "the file ends at byte %llu, inside tensor 'output.weight', which ends at "
             "%llu",
             (unsigned long long)end, (unsigned long long)end + 32);
    refused(file, RZ_E_TRUNCATED, text);

    file = good();
    line = tiny_tensor_line(file, "output.weight");
    put_u64(line + AT_OFFSET, get_u64(line + AT_OFFSET) - 32);
    refused(file, RZ_E_FORMAT,
            "tensors 'output_norm.weight' and 'output.weight' overlap in the file");

    file = good();
    line = tiny_tensor_line(file, "blk.0.attn_k.weight");
    put_u64(line + AT_OFFSET, get_u64(tiny_tensor_line(file, "blk.0.attn_v.weight") + AT_OFFSET));
    refused(file, RZ_E_FORMAT,
            "tensors 'blk.0.attn_k.weight' and 'blk.0.attn_v.weight' overlap in the file");
}

/* ---- weights that are not numbers ---------------------------------------------------------------
 */

/* Byte `at` of a block of row 17 becomes a NaN or infinity, and one in another group, which a thread may meet first. */
static void bad_weight(uint32_t dtype, uint32_t at, uint32_t bits, uint32_t bytes) {
    tiny_spec spec = tiny_default();
    const rz_dtype *t = rz_dtype_get(dtype);
    spec.dtype = dtype, spec.n_embd = 256, spec.n_ff = 512;
    host_file file = tiny_model(&spec);
    const size_t row_bytes = 512 / t->block * t->block_bytes;
    uint8_t *block = tiny_tensor_data(file, "blk.0.ffn_down.weight") + 17 * row_bytes;
    for (size_t b = 0; b < 512 / t->block;
         b += 512 / t->block / 2 + 1) { /* the first, one behind */
        uint8_t saved[4], *p = block + b * t->block_bytes + at, *later = p + 32 * row_bytes;
        memcpy(saved, p, bytes);
        memcpy(p, &bits, bytes);
        memcpy(later, &bits, bytes);
        refused(bytes_of(file.bytes, file.n), RZ_E_VALUE,
                "tensor 'blk.0.ffn_down.weight' holds NaN or infinity in row 17");
        memcpy(p, saved, bytes);
    }
    free(file.bytes);
}

static void bad_weights(void) {
    static const uint32_t f32[3] = {0x7fc00000, 0x7f800000, 0xff800000};
    static const uint32_t f16[3] = {0x7e00, 0x7c00, 0xfc00};
    for (int i = 0; i < 3; i++) {
        bad_weight(RZ_DT_F32, 0, f32[i], 4);
        bad_weight(RZ_DT_BF16, 0, f32[i] >> 16, 2);
        bad_weight(RZ_DT_F16, 0, f16[i], 2);
        bad_weight(RZ_DT_Q4_0, 0, f16[i], 2);
        bad_weight(RZ_DT_Q8_0, 0, f16[i], 2);
        bad_weight(RZ_DT_Q4_K, 0, f16[i], 2);
        bad_weight(RZ_DT_Q4_K, 2, f16[i], 2);
        bad_weight(RZ_DT_Q6_K, 208, f16[i], 2);
    }
    for (int i = 0; i < 3; i++) {
        host_file file = good();
        memcpy(tiny_tensor_data(file, "blk.0.ffn_norm.weight") + 4 * 31, &f32[i], 4);
        refused(file, RZ_E_VALUE,
                "tensor 'blk.0.ffn_norm.weight' holds NaN or infinity in element 31");
    }
}

/* ---- malformed fixtures
 * -------------------------------------------------------------------------- */

/* Refused with a sentence or read, both ways of loading, with 64 MB at most and nothing left. */
static int survives(host_file file, const char *name) {
    int read = 0;
    for (uint32_t vocab_only = 0; vocab_only < 2; vocab_only++) {
        budget b;
        rz_model *m;
        rz_err err = {0};
        budget_open(&b);
        b.limit = 64 << 20;
        rz_load_opts opts = {.allocator = &b.allocator, .vocab_only = vocab_only};
        int result = host_load(&m, file, &opts, vocab_only ? 100 : 0, &err);
        CHECK(result == RZ_OK || (result < 0 && result == err.code && err.text[0]), "%s: %d '%s'",
              name, result, err.text);
        read += result == RZ_OK;
        rz_model_close(&m);
        CHECK(b.now == 0 && b.wrong_frees == 0, "%s: %zu bytes left", name, b.now);
    }
    return read;
}

/* Headers that llama.cpp reads are read, with as many entries; those that it refuses or crashes on
 * are read or refused in words. Returns 1 if the line's file is in the folder. */
static int corpus_file(const char *dir, char *line) {
    char path[1024], *tab = strchr(line, '\t'), *name = strrchr(line, '/');
    unsigned kv, tensors;
    CHECK(tab && name, "verdicts.tsv: %s", line);
    if (!tab || !name) return 0;
    *tab = 0;
    snprintf(path, sizeof path, "%s/malformed/gguf-corpus%s", dir, name);
    host_file file = host_read(path);
    if (!file.bytes) return 0;
    rz_gguf g;
    rz_err err = {0};
    int result = rz_gguf_parse(&g, file.bytes, file.n, true, NULL, &err);
    if (sscanf(tab + 1, "ACCEPT kv=%u tensors=%u", &kv, &tensors) == 2) {
        CHECK(result == RZ_OK && g.n_kv == kv && g.n_tensors == tensors, "%s: %s", name, err.text);
    } else {
        CHECK(result == RZ_OK || err.text[0], "%s: no sentence", name);
    }
    if (result == RZ_OK) rz_gguf_free(&g);
    survives(file, name);
    free(file.bytes);
    return 1;
}

/* verdicts.tsv also names files that are not part of the fixtures. */
static void corpus(const char *dir) {
    char path[1024], *next;
    int files = 0;
    snprintf(path, sizeof path, "%s/malformed/verdicts.tsv", dir);
    host_file verdicts = host_read(path);
    CHECK(verdicts.bytes, "cannot read %s", path);
    char *text = realloc(verdicts.bytes, verdicts.n + 1);
    text[verdicts.n] = 0;
    for (char *line = text; *line; line = next) {
        next = line + strcspn(line, "\n");
        if (*next) *next++ = 0;
        files += corpus_file(dir, line);
    }
    CHECK(files == 225, "%d files instead of 225", files);
    free(text);
}

static void old_version(const char *dir, const char *name, int code, const char *text) {
    char path[1024];
    snprintf(path, sizeof path, "%s/malformed/old-versions/%s", dir, name);
    host_file file = host_read(path);
    CHECK(file.bytes, "cannot read %s", path);
    if (!file.bytes) return;
    CHECK(survives(file, name) == 0, "%s is read", name);
    refused(file, code, text);
}

static void old_versions(const char *dir) {
    const char *v1 = "GGUF: version 1 is not supported, only 2 and 3";
    old_version(dir, "vocab-llama-gguf-v1-a.gguf", RZ_E_UNSUPPORTED, v1);
    old_version(dir, "vocab-llama-gguf-v1-b.gguf", RZ_E_UNSUPPORTED, v1);
    old_version(dir, "vocab-llama-FUGG-magic.gguf", RZ_E_FORMAT,
                "not a GGUF file: it starts with bytes 46 55 47 47");
    old_version(dir, "vocab-ggjt-v1.bin", RZ_E_FORMAT,
                "not a GGUF file: it starts with bytes 74 6a 67 67");
    old_version(dir, "test_writer.gguf", RZ_E_FORMAT,
                "GGUF: metadata 'dict1' has type 13, which does not exist");
}

int main(void) {
    TEST(not_a_model);
    TEST(architectures);
    TEST(head_counts);
    TEST(sizes);
    TEST(missing_keys);
    TEST(rope_keys);
    TEST(other_keys);
    TEST(shapes);
    TEST(names);
    TEST(missing_tensors);
    TEST(weight_types);
    TEST(places);
    TEST(bad_weights);
    const char *dir = fixtures("malformed files");
    if (dir) {
        TEST(corpus, dir);
        TEST(old_versions, dir);
    }
    return check_summary("test_refuse");
}
