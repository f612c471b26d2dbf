/*
 * test_types_dequant.c: the value of every weight: vectors that ggml recorded, a digest of what
 * ggml makes of many random blocks of every type, the K types against a second implementation, and
 * the public functions around the type table.
 */
#include <math.h>

#include "check.h"
#include "host.h"
#include "types_case.h"
#include "../../src/gguf.h"

/* ---- vectors recorded from ggml ---------------------------------------------------------------
 */

static host_file read_quant(const char *dir, const char *type, const char *suffix) {
    char path[1024];
    snprintf(path, sizeof path, "%s/quant/%s.quant.%s", dir, type, suffix);
    return host_read(path);
}

static void recorded(const char *dir, uint32_t id) {
    const rz_dtype *t = rz_dtype_get(id);
    host_file blocks = read_quant(dir, t->name, "bin"), floats = read_quant(dir, t->name, "f32");
    CHECK(blocks.bytes && floats.bytes, "no vectors of %s", t->name);
    if (!blocks.bytes || !floats.bytes) return;
    const size_t n = floats.n / 4;
    CHECK(n == 4096 && blocks.n == n / t->block * t->block_bytes, "%zu floats, %zu bytes", n,
          blocks.n);
    float *out = malloc(floats.n);
    CHECK(rz_dequantize(id, blocks.bytes, n, out, NULL) == RZ_OK, "%s", t->name);
    CHECK(memcmp(out, floats.bytes, floats.n) == 0, "%s: other bits", t->name);
    free(out), free(blocks.bytes), free(floats.bytes);
}

/* ---- random blocks ----------------------------------------------------------------------------
 */

/* A digest of the floats that ggml itself (the library in node-llama-cpp 3.22.1: llama.cpp v0.5.0)
 * makes of the 4,000 blocks that types_any_block() gives from seed 1000 + id. */
static const struct {
    uint32_t id;
    uint64_t digest;
} digests[] = {
    {2, 0x285fab36b21d3fd6u},  /* Q4_0 */
    {3, 0x0525cbcc1fb642bfu},  /* Q4_1 */
    {6, 0x142f6917f5737269u},  /* Q5_0 */
    {7, 0x2c5f6acf7daf67dbu},  /* Q5_1 */
    {8, 0x9ee9a65d92f523b1u},  /* Q8_0 */
    {10, 0x13eb0617b959a4d2u}, /* Q2_K */
    {11, 0xc60e649a3316458eu}, /* Q3_K */
    {12, 0x69a7d806427b51d4u}, /* Q4_K */
    {13, 0xccb87aa98c52621eu}, /* Q5_K */
    {14, 0x9d893db5d110b1cdu}, /* Q6_K */
    {16, 0x7bc417312242e9aeu}, /* IQ2_XXS */
    {17, 0x973363e4f87e90d0u}, /* IQ2_XS */
    {18, 0x92562bdd991c8a92u}, /* IQ3_XXS */
    {19, 0x3cc0a546cf743e31u}, /* IQ1_S */
    {20, 0xb084171d70fa7f70u}, /* IQ4_NL */
    {21, 0x280c11817ea41a62u}, /* IQ3_S */
    {22, 0x31e85da3bcbd86ccu}, /* IQ2_S */
    {23, 0x84e7ae5d0905394du}, /* IQ4_XS */
    {29, 0x23042ecc46ac3e5au}, /* IQ1_M */
    {34, 0x1c6121fdb7f28308u}, /* TQ1_0 */
    {35, 0xe9a31f7bc1836ff3u}, /* TQ2_0 */
    {39, 0x26ea593e56331043u}, /* MXFP4 */
    {40, 0xe96b8116cfe82060u}, /* NVFP4 */
    {41, 0x35c7e9c67d0a378eu}, /* Q1_0 */
    {42, 0x88b78d020fe6571bu}, /* Q2_0 */
};
enum { n_digests = sizeof digests / sizeof digests[0] };

static uint64_t digest_of(uint32_t id) {
    const rz_dtype *t = rz_dtype_get(id);
    random_state r = {1000 + id};
    uint64_t digest = 0xcbf29ce484222325u;
    for (int i = 0; i < 4000; i++) {
        uint8_t block[RZ_BLOCK_MAX * 2];
        float out[RZ_BLOCK_MAX];
        types_any_block(&r, id, block);
        rz_dtype_dequantize(t, block, out, t->block);
        for (uint32_t j = 0; j < t->block; j++) {
            digest = (digest ^ rz_bits_from_f32(out[j])) * 0x100000001b3u;
            digest ^= digest >> 32;
        }
    }
    return digest;
}

static void random_blocks(void) {
    uint32_t ids[RZ_DT_COUNT];
    CHECK(types_quantised(ids) == n_digests, "%d digests", n_digests);
    for (int i = 0; i < n_digests; i++) {
        uint64_t digest = digest_of(digests[i].id);
        CHECK(digest == digests[i].digest, "%s: digest %016llx", rz_dtype_get(digests[i].id)->name,
              (unsigned long long)digest);
    }
}

/* Long rows and their pieces are the same; nothing is written past the end. */
static void rows(void) {
    uint32_t ids[RZ_DT_COUNT];
    for (int i = types_quantised(ids) - 1; i >= 0; i--) {
        const rz_dtype *t = rz_dtype_get(ids[i]);
        random_state r = {ids[i]};
        uint8_t blocks[5 * RZ_BLOCK_MAX * 2];
        float whole[5 * RZ_BLOCK_MAX + 1], piece[RZ_BLOCK_MAX];
        for (int b = 0; b < 5; b++) types_any_block(&r, ids[i], blocks + b * t->block_bytes);
        whole[5 * t->block] = 12345;
        rz_dtype_dequantize(t, blocks, whole, 5 * t->block);
        CHECK(whole[5 * t->block] == 12345, "%s", t->name);
        for (int b = 0; b < 5; b++) {
            rz_dtype_dequantize(t, blocks + b * t->block_bytes, piece, t->block);
            CHECK(memcmp(piece, whole + b * t->block, t->block * 4) == 0, "%s block %d", t->name,
                  b);
        }
    }
}

/* ---- another implementation -------------------------------------------------------------------
 */

/* The numbers of the list behind "name": in a JSON text, at most `n`. */
static size_t json_numbers(const char *json, const char *name, float *out, size_t n) {
    char key[32];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *p = strstr(json, key);
    size_t got = 0;
    for (p = p ? strchr(p, '[') : NULL; p && got < n && *p != ']'; got++) {
        char *end;
        out[got] = strtof(p + 1, &end);
        p = end;
        while (*p == ' ' || *p == '\n') p++;
    }
    return got;
}

/* tiny_kquant.gguf: four tensors of 4 x 256 weights, dequantised by neural-api. */
static void tiny_kquant(const char *dir) {
    static const char *const names[] = {"Q4_K", "Q5_K", "Q6_K", "Q2_K"};
    char path[1024];
    snprintf(path, sizeof path, "%s/quant/tiny_kquant.gguf", dir);
    host_file file = host_read(path);
    snprintf(path, sizeof path, "%s/quant/tiny_kquant_ref.json", dir);
    host_file json = host_read(path);
    CHECK(file.bytes && json.bytes, "no tiny_kquant");
    if (!file.bytes || !json.bytes) return;
    json.bytes = realloc(json.bytes, json.n + 1);
    json.bytes[json.n] = 0;
    rz_gguf g;
    rz_err err = {0};
    CHECK(rz_gguf_parse(&g, file.bytes, file.n, true, NULL, &err) == RZ_OK, "%s", err.text);
    int found = 0;
    for (uint32_t i = 0; i < g.n_tensors; i++) {
        const rz_gguf_tensor *t = &g.tensors[i];
        float want[1024], got[1024];
        for (int k = 0; k < 4; k++) {
            if (strcmp(rz_dtype_get(t->dtype)->name, names[k]) != 0) continue;
            found++;
            size_t n = json_numbers((const char *)json.bytes, names[k], want, 1024);
            CHECK(n == 1024 && t->dims[0] * t->dims[1] == 1024, "%s: %zu numbers", names[k], n);
            rz_dequantize(t->dtype, file.bytes + t->offset, 1024, got, NULL);
            for (size_t j = 0; j < n; j++) {
                CHECK(fabsf(got[j] - want[j]) <= 1e-6f, "%s %zu: %g is not %g", names[k], j,
                      (double)got[j], (double)want[j]);
            }
        }
    }
    CHECK(found == 4, "%d of 4 tensors", found);
    rz_gguf_free(&g);
    free(file.bytes), free(json.bytes);
}

/* ---- the public functions ---------------------------------------------------------------------
 */

static void type_info(void) {
    static const struct {
        uint32_t id;
        const char *name;
        uint32_t block, bytes;
    } types[] = {{0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},
                 {3, "Q4_1", 32, 20},      {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},
                 {8, "Q8_0", 32, 34},      {9, "Q8_1", 0, 0},        {10, "Q2_K", 256, 84},
                 {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
                 {14, "Q6_K", 256, 210},   {15, "Q8_K", 0, 0},       {16, "IQ2_XXS", 256, 66},
                 {17, "IQ2_XS", 256, 74},  {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},
                 {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},  {22, "IQ2_S", 256, 82},
                 {23, "IQ4_XS", 256, 136}, {24, "I8", 0, 0},         {28, "F64", 0, 0},
                 {29, "IQ1_M", 256, 56},   {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},
                 {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},    {40, "NVFP4", 64, 36},
                 {41, "Q1_0", 128, 18},    {42, "Q2_0", 64, 18}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const char *name = "";
        uint32_t block = 1000, bytes = 1000;
        CHECK(rz_dtype_info(types[i].id, &name, &block, &bytes) == RZ_OK, "type %u", types[i].id);
        CHECK(strcmp(name, types[i].name) == 0 && block == types[i].block &&
                  bytes == types[i].bytes,
              "type %u: %s %u %u", types[i].id, name, block, bytes);
        CHECK(rz_dtype_info(types[i].id, NULL, NULL, NULL) == RZ_OK, "without places");
    }
    static const uint32_t none[] = {4, 5, 31, 32, 33, 36, 37, 38, 43, UINT32_MAX};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        CHECK(rz_dtype_info(none[i], NULL, NULL, NULL) == RZ_E_ARG, "type %u", none[i]);
    }
}

static void refused(void) {
    uint8_t block[64] = {0};
    float out[64];
    rz_err err;
    CHECK(rz_dequantize(4, block, 32, out, &err) == RZ_E_ARG, "no such type");
    CHECK(strcmp(err.text, "there is no weight type 4") == 0, "%s", err.text);
    CHECK(rz_dequantize(28, block, 1, out, &err) == RZ_E_UNSUPPORTED, "F64");
    CHECK(strcmp(err.text, "weight type F64 is not supported") == 0, "%s", err.text);
    CHECK(rz_dequantize(40, block, 32, out, &err) == RZ_E_ARG, "half a block");
    CHECK(strcmp(err.text, "32 weights are no whole number of NVFP4 blocks of 64") == 0, "%s",
          err.text);
    CHECK(rz_dequantize(2, block, 0, out, &err) == RZ_OK, "nothing");
}

int main(void) {
    const char *dir = fixtures("dequantisation against ggml");
    for (uint32_t id = 1; dir && id < RZ_DT_NVFP4;
         id++) { /* F32 is copied; 40-42 have no vectors */
        if (rz_dtype_get(id) && rz_dtype_get(id)->block) TEST(recorded, dir, id);
    }
    TEST(random_blocks);
    TEST(rows);
    if (dir) TEST(tiny_kquant, dir);
    TEST(type_info);
    TEST(refused);
    return check_summary("test_types_dequant");
}
