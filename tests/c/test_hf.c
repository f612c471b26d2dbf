/*
 * test_hf.c: Hugging Face models in C: the safetensors parser, loading in any pieces and any order,
 * MXFP4 planes, quantisation while streaming, memory that runs out, and what is refused.
 */
#include "../../src/dtype.h"
#include "../../src/pack.h"
#include "../../src/safetensors.h"
#include "budget.h"
#include "check.h"
#include "tiny_hf.h"

/* ---- the safetensors header ------------------------------------------------------------------- */

static void parsed(void) {
    const char *header = "{\"__metadata__\":{\"format\":\"pt\"},"
                         "\"b\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[4,16]},"
                         "\"a\":{\"shape\":[],\"data_offsets\":[0,4],\"dtype\":\"F32\",\"more\":[{}]},"
                         "\"e\":{\"dtype\":\"U8\",\"shape\":[0,7],\"data_offsets\":[16,16]}}  ";
    host_file file = st_file(header, 16);
    rz_safetensors st;
    rz_err err = {0};
    CHECK(rz_st_detect(file.bytes, file.n), "detected");
    for (size_t n = 0; n < 8 + strlen(header); n++) {
        CHECK(rz_st_parse(&st, file.bytes, n, false, NULL, &err) == RZ_NEED, "%zu bytes", n);
    }
    CHECK(rz_st_parse(&st, file.bytes, file.n, true, NULL, &err) == RZ_OK, "%s", err.text);
    CHECK(st.n == 3 && st.header_bytes == 8 + strlen(header) && st.file_bytes == file.n, "sizes");
    CHECK(memcmp(st.tensors[0].name, "a", 1) == 0 && st.tensors[0].dtype == RZ_DT_F32, "sorted");
    CHECK(st.tensors[1].n_dims == 2 && st.tensors[1].dims[0] == 2 && st.tensors[1].dims[1] == 3, "shape");
    CHECK(st.tensors[1].offset == st.header_bytes + 4 && st.tensors[1].bytes == 12, "place");
    CHECK(st.tensors[2].dtype == RZ_DT_COUNT && strcmp(st.tensors[2].dtype_name, "U8") == 0, "type");
    rz_st_free(&st);
    free(file.bytes);
}

static void header_refused(const char *header, size_t data, int code, const char *text) {
    host_file file = st_file(header, data);
    rz_safetensors st;
    rz_err err = {0};
    int result = rz_st_parse(&st, file.bytes, file.n, true, NULL, &err);
    CHECK(result == code && err.code == code, "%s: %d", header, result);
    CHECK(strcmp(err.text, text) == 0, "'%s'", err.text);
    free(file.bytes);
}

#define F32(name, shape, from, to) "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static void headers_refused(void) {
    header_refused("{" F32("a", "[1]", "0", "4") "," F32("b", "[1]", "8", "12") "}", 12, RZ_E_FORMAT,
                   "safetensors: tensor 'b' starts at byte 8 of the data, the one before it ends at 4");
    header_refused("{" F32("a", "[2]", "0", "8") "," F32("b", "[1]", "4", "8") "}", 8, RZ_E_FORMAT,
                   "safetensors: tensor 'b' starts at byte 4 of the data, the one before it ends at 8");
    header_refused("{" F32("a", "[1]", "4", "8") "}", 8, RZ_E_FORMAT,
                   "safetensors: tensor 'a' starts at byte 4 of the data, the one before it ends at 0");
    header_refused("{" F32("a", "[3]", "0", "8") "}", 8, RZ_E_FORMAT,
                   "safetensors: tensor 'a' needs 12 bytes, its offsets give 8");
    header_refused("{" F32("a", "[1]", "8", "4") "}", 8, RZ_E_FORMAT,
                   "safetensors: tensor 'a' needs 4 bytes, its offsets give 0");
    header_refused("{" F32("a", "[4294967296,4294967296,4294967296]", "0", "0") "}", 0, RZ_E_FORMAT,
                   "safetensors: tensor 'a' needs 18446744073709551615 bytes, its offsets give 0");
    header_refused("{" F32("a", "[1,1,1,1,1,1]", "0", "4") "}", 4, RZ_E_FORMAT,
                   "safetensors: tensor 'a' has more than 5 dimensions");
    header_refused("{" F32("a", "[1]", "0", "4.5") "}", 4, RZ_E_FORMAT,
                   "safetensors: the header is not valid JSON at byte 61");
    header_refused("{\"a\":{\"dtype\":\"F31\"}}", 0, RZ_E_FORMAT,
                   "safetensors: tensor 'a' has type 'F31', which is not known");
    header_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", 0, RZ_E_FORMAT,
                   "safetensors: tensor 'a' lacks its type, shape or offsets");
    header_refused("{\"a\":1}", 0, RZ_E_FORMAT, "safetensors: the header is not valid JSON at byte 13");
    header_refused("{", 0, RZ_E_FORMAT, "safetensors: the header is not valid JSON at byte 9");
    uint8_t long_one[16] = {1, 0, 0x40, 6, 0, 0, 0, 0, '{'}; /* 100 MB and a byte */
    rz_safetensors st;
    rz_err err = {0};
    CHECK(!rz_st_detect(long_one, sizeof long_one), "too long to be one");
    CHECK(rz_st_parse(&st, long_one, sizeof long_one, false, NULL, &err) == RZ_E_FORMAT, "capped");
    CHECK(strcmp(err.text, "safetensors: a header of 104857601 bytes is too long") == 0, "'%s'", err.text);
}

/* ---- whole models ----------------------------------------------------------------------------- */

static int load_model(rz_model **m, const tiny_hf *files, const rz_load_opts *opts, size_t piece,
                      rz_err *err) {
    const host_file parts[] = {files->config, files->weights};
    return host_load_parts(m, parts, 2, opts, piece, err);
}

static const uint32_t ids[] = {1, 2, 3, 8, 0, 5, 7, 1, 2, 3};
enum { n_ids = sizeof ids / sizeof ids[0] };

/* Logits, or of an encoder an embedding; to be freed. */
static float *outputs(rz_model *m, size_t *n) {
    rz_model_info info;
    rz_session *s;
    rz_err err;
    rz_model_info_get(m, &info);
    *n = (size_t)n_ids * info.n_vocab;
    if (strcmp(rz_model_arch(m), "bert") != 0) return host_logits(m, ids, n_ids, 4, RZ_KV_F32);
    float *out = malloc(info.n_embd * sizeof *out);
    *n = info.n_embd;
    CHECK(rz_session_open(m, &(rz_session_opts){.n_ctx = n_ids, .embed = 1}, &s, &err) == RZ_OK, "%s", err.text);
    CHECK(rz_session_prompt(s, ids, n_ids) == RZ_OK && rz_step(s) == RZ_AGAIN, "embedded");
    rz_session_embedding(s, RZ_POOL_CLS, out);
    rz_session_close(&s);
    return out;
}

/* The same bits whatever pieces the bytes come in and whichever file comes first. */
static void any_pieces(int kind) {
    tiny_hf files = tiny_hf_model(kind);
    rz_model *m;
    rz_err err = {0};
    size_t n;
    CHECK(load_model(&m, &files, NULL, 0, &err) == RZ_OK, "%s", err.text);
    if (!m) return;
    float *expected = outputs(m, &n);
    for (size_t i = 0; i < n; i++) CHECK(expected[i] - expected[i] == 0, "output %zu", i);
    rz_model_close(&m);
    for (size_t piece = 1; piece < 5000; piece = piece * 3 + 1) {
        const host_file parts[] = {piece % 2 ? files.config : files.weights,
                                   piece % 2 ? files.weights : files.config};
        CHECK(host_load_parts(&m, parts, 2, NULL, piece, &err) == RZ_OK, "%s", err.text);
        if (!m) return;
        float *got = outputs(m, &n);
        CHECK(memcmp(got, expected, n * sizeof *got) == 0, "kind %d, piece %zu", kind, piece);
        free(got);
        rz_model_close(&m);
    }
    free(expected);
    tiny_hf_free(&files);
}

static void failing_allocations(int kind, uint32_t quantize) {
    tiny_hf files = tiny_hf_model(kind);
    budget b;
    rz_model *m;
    int result = RZ_E_MEMORY;
    unsigned n = 0;
    budget_open(&b);
    while (result == RZ_E_MEMORY && n < 100) {
        rz_err err = {0};
        rz_load_opts opts = {.allocator = &b.allocator, .quantize = quantize};
        b.calls = 0;
        b.fail_at = ++n;
        result = load_model(&m, &files, &opts, 0, &err);
        CHECK(result == RZ_OK || (result == RZ_E_MEMORY && m == NULL), "allocation %u: %d", n, result);
        rz_model_info info = {0};
        if (m) rz_model_info_get(m, &info);
        CHECK(!m || info.memory_bytes == b.now, "%llu of %zu bytes", (unsigned long long)info.memory_bytes, b.now);
        rz_model_close(&m);
        CHECK(b.now == 0 && b.blocks == 0 && b.wrong_frees == 0, "allocation %u: %zu bytes left", n, b.now);
    }
    CHECK(result == RZ_OK && n > 8 && b.calls == n - 1, "%u failed, %u were made", n - 1, b.calls);
    tiny_hf_free(&files);
}

/* The host knows the size: it must be what the header says. */
static void wrong_size(long more, int code, const char *text) {
    tiny_hf files = tiny_hf_model(TINY_PHI3);
    rz_loader *l;
    rz_need need;
    rz_err err = {0};
    int result = rz_load_open(NULL, &l, &err);
    CHECK(result == RZ_OK && rz_load_size(l, 0, files.weights.n + (uint64_t)more) == RZ_OK, "%s", err.text);
    while ((result = rz_load_next(l, &need)) == RZ_NEED) {
        memset(need.dst, 0, need.length);
        memcpy(need.dst, files.weights.bytes + need.offset, need.length < files.weights.n ? need.length : files.weights.n);
        if ((result = rz_load_feed(l, need.length)) < 0) break;
    }
    CHECK(result == code && strcmp(rz_load_error(l)->text, text) == 0, "%d '%s'", result, rz_load_error(l)->text);
    rz_load_close(&l);
    tiny_hf_free(&files);
}

static void cut_short(int kind) {
    tiny_hf files = tiny_hf_model(kind);
    rz_model *m;
    for (size_t n = 0; n < files.weights.n; n += 1 + files.weights.n / 97) {
        tiny_hf cut = {files.config, {files.weights.bytes, n}};
        rz_err err = {0};
        int result = load_model(&m, &cut, NULL, n % 2 ? 100 : 0, &err);
        CHECK(result < 0 && err.code == result && err.text[0] && !m, "%zu bytes: %d", n, result);
    }
    tiny_hf_free(&files);
}

/* Every type that weights can be quantised to. */
static void quantised(int kind) {
    static const uint32_t types[] = {RZ_DT_Q4_0, RZ_DT_Q4_1, RZ_DT_Q5_0, RZ_DT_Q5_1,
                                     RZ_DT_Q8_0, RZ_DT_Q4_K, RZ_DT_Q5_K, RZ_DT_Q6_K};
    tiny_hf files = tiny_hf_model(kind);
    rz_model *m;
    rz_err err = {0};
    size_t n;
    CHECK(load_model(&m, &files, NULL, 0, &err) == RZ_OK, "%s", err.text);
    float *exact = outputs(m, &n);
    rz_model_close(&m);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        double error = 0, size = 0;
        CHECK(load_model(&m, &files, &(rz_load_opts){.quantize = types[i]}, 0, &err) == RZ_OK, "%s", err.text);
        if (!m) continue;
        float *got = outputs(m, &n);
        for (size_t k = 0; k < n; k++) {
            error += (got[k] - exact[k]) * (got[k] - exact[k]);
            size += exact[k] * exact[k];
        }
        const double most = types[i] == RZ_DT_Q4_0 || types[i] == RZ_DT_Q4_1 ? 0.06 : 0.02;
        CHECK(error < most * size, "kind %d, type %u: %g", kind, types[i], error / size);
        free(got);
        rz_model_close(&m);
    }
    free(exact);
    tiny_hf_free(&files);
    rz_loader *l;
    CHECK(rz_load_open(&(rz_load_opts){.quantize = RZ_DT_Q2_K}, &l, &err) == RZ_E_ARG, "Q2_K");
    CHECK(strcmp(err.text, "weights cannot be quantised to type 10 while they load") == 0, "'%s'", err.text);
}

/* Codes and scales apart become the blocks that they are. */
static void planes(void) {
    enum { rows = 21, cols = 96, blocks = cols / 32 };
    static const float values[] = {0, .5f, 1, 1.5f, 2, 3, 4, 6, 0, -.5f, -1, -1.5f, -2, -3, -4, -6};
    random_state r = {7};
    uint8_t codes[rows][blocks * 16], scales[rows][blocks], row[blocks * 17];
    float got[cols];
    rz_mat mat;
    random_bytes(&r, codes, sizeof codes);
    for (int i = 0; i < rows; i++) {
        for (int b = 0; b < blocks; b++) scales[i][b] = (uint8_t)(100 + random_below(&r, 50));
    }
    CHECK(rz_mat_init(&mat, RZ_DT_MXFP4, rows, cols, 8, 0), "matrix");
    uint8_t *data = malloc(rz_mat_bytes(&mat));
    memset(data, 0xff, rz_mat_bytes(&mat));
    mat.data = data;
    for (uint32_t i = rows; i-- > 0;) CHECK(rz_pack_mxfp4_plane(&mat, data, i, scales[i], true), "scales");
    for (uint32_t i = 0; i < rows; i++) CHECK(rz_pack_mxfp4_plane(&mat, data, i, codes[i], false), "codes");
    for (uint32_t i = 0; i < rows; i++) {
        rz_pack_row(&mat, i, row);
        rz_dtype_dequantize(rz_dtype_get(RZ_DT_MXFP4), row, got, cols);
        for (int c = 0; c < cols; c++) {
            float scale = rz_f32_from_bits((uint32_t)scales[i][c / 32] << 23);
            float want = values[codes[i][c / 2] >> c % 2 * 4 & 15] * scale;
            CHECK(got[c] == want, "row %u column %d: %g, not %g", i, c, (double)got[c], (double)want);
        }
    }
    scales[0][1] = 253;
    CHECK(!rz_pack_mxfp4_plane(&mat, data, 0, scales[0], true), "too large");
    free(data);
}

/* ---- what is refused --------------------------------------------------------------------------- */

static void refused(const char *config, host_file weights, int code, const char *text) {
    tiny_hf files = {text_file(config), weights};
    rz_model *m;
    rz_err err = {0};
    int result = load_model(&m, &files, NULL, 0, &err);
    CHECK(result == code && !m, "%s: %d", config, result);
    CHECK(strcmp(err.text, text) == 0, "'%s'", err.text);
    tiny_hf_free(&files);
}

#define SIZES                                                                                      \
    "\"hidden_size\":32,\"intermediate_size\":24,\"num_hidden_layers\":1,\"num_attention_heads\":4," \
    "\"num_key_value_heads\":2,\"vocab_size\":9,\"max_position_embeddings\":32"

static host_file one_tensor(const char *name, const char *type, const uint32_t *dims) {
    st_writer w;
    st_open(&w, 1);
    st_tensor(&w, name, type, dims);
    return st_close(&w);
}

static void models_refused(void) {
    const uint32_t square[] = {32, 32, 0}, plane[] = {2, 64, 1, 16, 0}, odd[] = {2, 64, 1, 15, 0};
    const char *llama = "{\"model_type\":\"llama\"," SIZES "}";
    const char *oss = "{\"model_type\":\"gpt_oss\",\"num_local_experts\":2,\"num_experts_per_tok\":1,"
                      "\"head_dim\":8," SIZES "}";
    const char *q = "model.layers.0.self_attn.q_proj.weight", *k = "model.layers.0.self_attn.k_proj.weight";
    const char *blocks = "model.layers.0.mlp.experts.gate_up_proj_blocks";
    refused("{\"model_type\":\"rwkv\",\"n_layer\":1}", one_tensor(q, "F32", square), RZ_E_UNSUPPORTED,
            "config.json: model_type 'rwkv' is not supported");
    refused("{\"a\":1}", one_tensor(q, "F32", square), RZ_E_FORMAT,
            "file 1 is JSON, but none of the files that a model consists of (config.json, tokenizer.json ...)");
    refused("{\"temperature\":1}", one_tensor(q, "F32", square), RZ_E_FORMAT,
            "there is no config.json: safetensors files do not say what model they are");
    refused("{\"a\":[1,]}", one_tensor(q, "F32", square), RZ_E_FORMAT, "file 1 is not valid JSON at byte 8");
    refused(llama, text_file(llama), RZ_E_FORMAT,
            "file 2 is of a kind that was there before: one model at a time can be loaded");
    refused(llama, text_file("{\"do_sample\":true}"), RZ_E_SHAPE, "tensor 'embed_tokens.weight' is missing");
    refused(llama, one_tensor(k, "F32", square), RZ_E_SHAPE,
            "tensor 'model.layers.0.self_attn.k_proj.weight' is [32, 32], the model needs [16, 32]");
    refused(llama, one_tensor(q, "U8", square), RZ_E_UNSUPPORTED,
            "tensor 'model.layers.0.self_attn.q_proj.weight' has type U8, which is not supported");
    refused(llama, one_tensor("model.layers.1.self_attn.q_proj.weight", "F32", square), RZ_E_SHAPE,
            "tensor 'model.layers.1.self_attn.q_proj.weight' does not belong to this architecture");
    refused(llama, one_tensor("x", "F32", square), RZ_E_SHAPE,
            "tensor 'x' does not belong to this architecture");
    refused(oss, one_tensor(blocks, "F32", plane), RZ_E_UNSUPPORTED,
            "tensor 'model.layers.0.mlp.experts.gate_up_proj_blocks' has type F32, which is not supported there");
    refused(oss, one_tensor(blocks, "U8", odd), RZ_E_SHAPE,
            "tensor 'model.layers.0.mlp.experts.gate_up_proj_blocks' holds no blocks of 16 bytes");
    refused(oss, one_tensor(blocks, "U8", plane), RZ_E_SHAPE,
            "tensor 'model.layers.0.mlp.experts.gate_up_proj_blocks' is [2, 64, 32], the model needs [2, 48, 32]");
}

/* Without one of its tensors no model loads, and the one that is missing is named. */
static void missing_tensors(int kind) {
    tiny_hf files = tiny_hf_model(kind);
    rz_safetensors st;
    rz_err err = {0};
    rz_model *m;
    CHECK(rz_st_parse(&st, files.weights.bytes, files.weights.n, true, NULL, &err) == RZ_OK, "%s", err.text);
    for (uint32_t i = 0; i < st.n; i++) {
        const rz_st_tensor *t = &st.tensors[i];
        uint8_t *name = (uint8_t *)t->name;
        const uint8_t was = name[t->name_len - 1];
        char text[200];
        name[t->name_len - 1] = '#';
        int result = load_model(&m, &files, NULL, 0, &err);
        snprintf(text, sizeof text, "tensor '%.*s' does not belong to this architecture", (int)t->name_len, t->name);
        bool unused = strstr(text, "attn.bia#") || strstr(text, "pooler") || strstr(text, "cls.") ||
                      strstr(text, "vision");
        CHECK(unused || (result == RZ_E_SHAPE && strcmp(err.text, text) == 0), "%d '%s'", result, err.text);
        rz_model_close(&m);
        name[t->name_len - 1] = was;
    }
    rz_st_free(&st);
    tiny_hf_free(&files);
}

int main(void) {
    TEST(parsed);
    TEST(headers_refused);
    TEST(planes);
    TEST(models_refused);
    TEST(wrong_size, 1, RZ_E_FORMAT, "safetensors: the file has 23814 bytes, its header describes 23813");
    TEST(wrong_size, -1, RZ_E_TRUNCATED, "safetensors: the file has 23812 bytes, its header describes 23813");
    for (int kind = 0; kind < TINY_KINDS; kind++) {
        TEST(any_pieces, kind);
        TEST(cut_short, kind);
        TEST(missing_tensors, kind);
    }
    TEST(failing_allocations, TINY_LLAMA, 0);
    TEST(failing_allocations, TINY_PHI3, RZ_DT_Q8_0);
    TEST(failing_allocations, TINY_GPT2, RZ_DT_Q8_0);
    TEST(quantised, TINY_LLAMA);
    TEST(quantised, TINY_GPT2);
    TEST(quantised, TINY_PHI3);
    TEST(quantised, TINY_BLOOM);
    return check_summary("test_hf");
}
