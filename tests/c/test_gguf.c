/*
 * test_gguf.c: the GGUF header parser (src/gguf.c): versions, alignments, every metadata type, and
 * every refusal with its code and its sentence. Files are built in memory.
 */
#include <math.h>

#include "../../src/dtype.h"
#include "../../src/gguf.h"
#include "check.h"
#include "gguf_writer.h"

/* Parses a whole file, expects a refusal, frees the file. */
static void refuses(host_file file, int code, const char *text) {
    rz_gguf g;
    rz_err err = {0};
    int result = rz_gguf_parse(&g, file.bytes, file.n, true, NULL, &err);
    CHECK(result == code && err.code == code, "%d (%s) instead of %d (%s)", result, err.text, code,
          text);
    CHECK(strcmp(err.text, text) == 0, "'%s' instead of '%s'", err.text, text);
    if (result == RZ_OK) rz_gguf_free(&g);
    free(file.bytes);
}

/* ---- what is read --------------------------------------------------------------------------- */

static void versions_and_alignments(void) {
    static const uint32_t alignments[] = {1, 8, 32, 64, 4096};
    for (uint32_t version = 2; version <= 3; version++) {
        for (int i = 0; i < 5; i++) {
            const uint64_t a[2] = {3, 5}, b[1] = {7};
            const float values[15] = {0.5f};
            gguf_writer w;
            gguf_open(&w, version, alignments[i]);
            gguf_text(&w, "general.architecture", "llama");
            gguf_tensor(&w, "a", 2, a, RZ_DT_F32, values, sizeof values);
            gguf_tensor(&w, "bb", 1, b, RZ_DT_F16, values, 14);
            host_file file = gguf_close(&w);
            rz_gguf g;
            rz_err err = {0};
            int result = rz_gguf_parse(&g, file.bytes, file.n, true, NULL, &err);
            CHECK(result == RZ_OK, "version %u: %s", version, err.text);
            if (result != RZ_OK) return;
            uint64_t data = (g.header_bytes + alignments[i] - 1) / alignments[i] * alignments[i];
            CHECK(g.version == version && g.alignment == alignments[i], "%u, %u", g.version,
                  g.alignment);
            CHECK(g.n_tensors == 2 && g.n_kv == (alignments[i] == 32 ? 1 : 2), "%u", g.n_kv);
            const rz_gguf_tensor *t = g.tensors;
            CHECK(t[0].name_len == 1 && t[0].name[0] == 'a' && t[0].n_dims == 2, "name of a");
            CHECK(t[0].dims[0] == 3 && t[0].dims[1] == 5 && t[0].dims[2] == 1 && t[0].dims[3] == 1,
                  "shape of a");
            CHECK(t[0].dtype == RZ_DT_F32 && t[0].bytes == 60 && t[0].offset == data, "place of a");
            CHECK(t[1].dims[0] == 7 && t[1].dims[1] == 1 && t[1].dtype == RZ_DT_F16, "shape of bb");
            CHECK(t[1].bytes == 14 && t[1].offset == data + (60 + alignments[i] - 1) /
                                                                alignments[i] * alignments[i],
                  "place of bb");
            CHECK(t[1].offset + t[1].bytes == file.n, "the file ends with bb");
            rz_gguf_free(&g);
            free(file.bytes);
        }
    }
}

static void nothing_in_it(void) {
    gguf_writer w;
    gguf_open(&w, 3, 32);
    host_file file = gguf_close(&w);
    rz_gguf g;
    rz_err err;
    CHECK(rz_gguf_parse(&g, file.bytes, file.n, false, NULL, &err) == RZ_OK, "24 bytes are a file");
    CHECK(g.n_kv == 0 && g.n_tensors == 0 && g.header_bytes == 24, "an empty header");
    CHECK(rz_gguf_find(&g, "general.architecture") == NULL, "nothing to find");
    rz_gguf_free(&g);
    free(file.bytes);
}

static void add_numbers(gguf_writer *w) {
    static const struct {
        const char *key;
        uint32_t type;
        uint32_t bytes;
        uint64_t value;
    } numbers[] = {
        {"u8", RZ_GGUF_U8, 1, 200},
        {"i8", RZ_GGUF_I8, 1, 0x80},
        {"u16", RZ_GGUF_U16, 2, 60000},
        {"i16", RZ_GGUF_I16, 2, 0xfffe},
        {"u32", RZ_GGUF_U32, 4, 4000000000},
        {"i32", RZ_GGUF_I32, 4, 0x80000000},
        {"f32", RZ_GGUF_F32, 4, 0x3e200000},
        {"bool", RZ_GGUF_BOOL, 1, 1},
        {"u64", RZ_GGUF_U64, 8, 1ull << 52},
        {"i64", RZ_GGUF_I64, 8, UINT64_MAX - 4},
        {"f64", RZ_GGUF_F64, 8, 0xc004000000000000u},
    };
    for (int i = 0; i < 11; i++) {
        gguf_key(w, numbers[i].key, numbers[i].type);
        buffer_add(&w->kv, &numbers[i].value, numbers[i].bytes); /* little endian */
    }
}

static void add_arrays(gguf_writer *w) {
    static const char *const words[3] = {"one", "", "three"};
    const uint16_t halves[4] = {1, 2, 3, 4};
    gguf_text(w, "string", "value");
    gguf_text(w, "empty", "");
    gguf_array(w, "u16s", RZ_GGUF_U16, 4, halves, sizeof halves);
    gguf_texts(w, "words", words, 3);
    gguf_array(w, "none", RZ_GGUF_F64, 0, NULL, 0);
    gguf_array(w, "nested", RZ_GGUF_ARRAY, 2, NULL, 0); /* [[u16 4], [[string 3]]] */
    buffer_u32(&w->kv, RZ_GGUF_U16);
    buffer_u64(&w->kv, 4);
    buffer_add(&w->kv, halves, sizeof halves);
    buffer_u32(&w->kv, RZ_GGUF_ARRAY);
    buffer_u64(&w->kv, 1);
    buffer_u32(&w->kv, RZ_GGUF_STRING);
    buffer_u64(&w->kv, 3);
    for (int i = 0; i < 3; i++) buffer_string(&w->kv, words[i]);
    gguf_u32(w, "last", 77);
}

static void check_number(const rz_gguf *g, const char *key, double want) {
    const rz_gguf_kv *kv = rz_gguf_find(g, key);
    double value = NAN;
    CHECK(kv && rz_gguf_number(kv, &value) && value == want, "%s: %g instead of %g", key, value,
          want);
}

static void check_array(const rz_gguf *g, const char *key, uint32_t type, uint64_t count,
                        uint64_t bytes) {
    const rz_gguf_kv *kv = rz_gguf_find(g, key);
    double unused;
    CHECK(kv && kv->type == RZ_GGUF_ARRAY && kv->array_type == type && kv->count == count &&
              kv->value_bytes == bytes,
          "array %s", key);
    CHECK(kv && !rz_gguf_number(kv, &unused), "array %s is no number", key);
}

static void metadata_types(void) {
    gguf_writer w;
    gguf_open(&w, 3, 32);
    add_numbers(&w);
    add_arrays(&w);
    host_file file = gguf_close(&w);
    rz_gguf g;
    rz_err err = {0};
    int result = rz_gguf_parse(&g, file.bytes, file.n, true, NULL, &err);
    CHECK(result == RZ_OK, "%s", err.text);
    if (result != RZ_OK) return;
    CHECK(g.n_kv == 18, "%u entries", g.n_kv);
    check_number(&g, "u8", 200);
    check_number(&g, "i8", -128);
    check_number(&g, "u16", 60000);
    check_number(&g, "i16", -2);
    check_number(&g, "u32", 4e9);
    check_number(&g, "i32", -2147483648.0);
    check_number(&g, "f32", 0.15625);
    check_number(&g, "bool", 1);
    check_number(&g, "u64", 0x1p52);
    check_number(&g, "i64", -5);
    check_number(&g, "f64", -2.5);
    check_number(&g, "last", 77);
    check_array(&g, "u16s", RZ_GGUF_U16, 4, 8);
    check_array(&g, "words", RZ_GGUF_STRING, 3, 3 * 8 + 8);
    check_array(&g, "none", RZ_GGUF_F64, 0, 0);
    check_array(&g, "nested", RZ_GGUF_ARRAY, 2, 12 + 8 + 12 + 12 + 3 * 8 + 8);

    double unused;
    const rz_gguf_kv *kv = rz_gguf_find(&g, "string");
    CHECK(kv->type == RZ_GGUF_STRING && kv->count == 5 && memcmp(kv->value, "value", 5) == 0,
          "string");
    CHECK(!rz_gguf_number(kv, &unused), "a string is no number");
    CHECK(rz_gguf_find(&g, "empty")->count == 0, "empty string");
    CHECK(rz_gguf_find(&g, "wor") == NULL && rz_gguf_find(&g, "wordss") == NULL, "whole keys only");

    const uint8_t *cursor = rz_gguf_find(&g, "words")->value;
    static const char *const words[3] = {"one", "", "three"};
    for (int i = 0; i < 3; i++) {
        uint32_t len;
        const char *s = rz_gguf_next_string(&cursor, &len);
        CHECK(len == strlen(words[i]) && memcmp(s, words[i], len) == 0, "word %d", i);
    }
    rz_gguf_free(&g);
    free(file.bytes);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static host_file preamble(const char *magic, uint32_t version, uint64_t tensors, uint64_t kv,
                          size_t more) {
    byte_buffer b = {0};
    buffer_add(&b, magic, 4);
    buffer_u32(&b, version);
    buffer_u64(&b, tensors);
    buffer_u64(&b, kv);
    buffer_add(&b, NULL, more);
    return (host_file){b.p, b.n};
}

static void bad_preambles(void) {
    refuses(preamble("GGUG", 3, 0, 0, 0), RZ_E_FORMAT,
            "not a GGUF file: it starts with bytes 47 47 55 47");
    refuses(preamble("FUGG", 3, 0, 0, 0), RZ_E_FORMAT,
            "not a GGUF file: it starts with bytes 46 55 47 47");
    refuses(preamble("GGUF", 0, 0, 0, 0), RZ_E_UNSUPPORTED,
            "GGUF: version 0 is not supported, only 2 and 3");
    refuses(preamble("GGUF", 1, 0, 0, 0), RZ_E_UNSUPPORTED,
            "GGUF: version 1 is not supported, only 2 and 3");
    refuses(preamble("GGUF", 4, 0, 0, 0), RZ_E_UNSUPPORTED,
            "GGUF: version 4 is not supported, only 2 and 3");
    const char *big = "GGUF: this file is big-endian; only little-endian files are read";
    refuses(preamble("GGUF", 0x02000000, 0, 0, 0), RZ_E_UNSUPPORTED, big);
    refuses(preamble("GGUF", 0x03000000, 0, 0, 0), RZ_E_UNSUPPORTED, big);
}

/* Counts that no file of that size can hold are found before anything is allocated for them. */
static void lying_counts(void) {
    refuses(preamble("GGUF", 3, 0, 1000, 100), RZ_E_TRUNCATED,
            "GGUF: the file ends at byte 124, inside its header");
    refuses(preamble("GGUF", 3, 1000, 0, 100), RZ_E_TRUNCATED,
            "GGUF: the file ends at byte 124, inside its header");
    refuses(preamble("GGUF", 3, (1 << 26) - 1, (1 << 26) - 1, 100), RZ_E_TRUNCATED,
            "GGUF: the file ends at byte 124, inside its header");
    refuses(preamble("GGUF", 3, 1 << 26, 0, 100), RZ_E_FORMAT,
            "GGUF: the header claims 67108864 tensors and 0 metadata entries");
    refuses(preamble("GGUF", 3, 0, 1 << 26, 100), RZ_E_FORMAT,
            "GGUF: the header claims 0 tensors and 67108864 metadata entries");
    refuses(preamble("GGUF", 3, UINT64_MAX, UINT64_MAX, 100), RZ_E_FORMAT,
            "GGUF: the header claims 18446744073709551615 tensors and 18446744073709551615 "
            "metadata entries");
}

/* A file with one metadata entry whose value is `value`. */
static host_file with_value(const char *key, uint32_t type, const void *value, size_t bytes) {
    gguf_writer w;
    gguf_open(&w, 3, 32);
    gguf_key(&w, key, type);
    buffer_add(&w.kv, value, bytes);
    return gguf_close(&w);
}

static void bad_metadata(void) {
    const uint64_t huge = 1ull << 40, empty[4] = {0};
    refuses(with_value("k", RZ_GGUF_STRING, &huge, 8), RZ_E_FORMAT,
            "GGUF: a string at byte 37 claims 1099511627776 bytes");
    refuses(with_value("", RZ_GGUF_U8, "x", 1), RZ_E_FORMAT,
            "GGUF: a metadata entry before byte 36 has no name");
    refuses(with_value("k", 13, empty, 8), RZ_E_FORMAT,
            "GGUF: metadata 'k' has type 13, which does not exist");
    refuses(with_value("k", UINT32_MAX, empty, 8), RZ_E_FORMAT,
            "GGUF: metadata 'k' has type 4294967295, which does not exist");

    byte_buffer b = {0};
    buffer_u32(&b, 13);
    buffer_u64(&b, 0);
    refuses(with_value("k", RZ_GGUF_ARRAY, b.p, b.n), RZ_E_FORMAT,
            "GGUF: array element type 13 at byte 49 does not exist");
    b.n = 0;
    buffer_u32(&b, RZ_GGUF_U64);
    buffer_u64(&b, 1ull << 62);
    refuses(with_value("k", RZ_GGUF_ARRAY, b.p, b.n), RZ_E_TRUNCATED,
            "GGUF: the file ends at byte 49, inside its header");
    b.n = 0;
    buffer_u32(&b, RZ_GGUF_STRING);
    buffer_u64(&b, 1ull << 62);
    refuses(with_value("k", RZ_GGUF_ARRAY, b.p, b.n), RZ_E_TRUNCATED,
            "GGUF: the file ends at byte 49, inside its header");
    b.n = 0;
    for (int depth = 0; depth < 4; depth++) { /* four levels of arrays: one too many */
        buffer_u32(&b, RZ_GGUF_ARRAY);
        buffer_u64(&b, 1);
    }
    buffer_u32(&b, RZ_GGUF_U8);
    buffer_u64(&b, 0);
    refuses(with_value("k", RZ_GGUF_ARRAY, b.p, b.n), RZ_E_FORMAT,
            "GGUF: arrays nested deeper than 4 at byte 85");
    free(b.p);
}

static void bad_alignments(void) {
    const char *text = "GGUF: general.alignment is not a usable number";
    const uint32_t zero = 0, most = 1 << 30, more = (1 << 30) + 1;
    const int32_t negative = -32;
    const float half = 32.5f, nan_ = NAN;
    refuses(with_value("general.alignment", RZ_GGUF_U32, &zero, 4), RZ_E_FORMAT, text);
    refuses(with_value("general.alignment", RZ_GGUF_I32, &negative, 4), RZ_E_FORMAT, text);
    refuses(with_value("general.alignment", RZ_GGUF_U32, &more, 4), RZ_E_FORMAT, text);
    refuses(with_value("general.alignment", RZ_GGUF_F32, &half, 4), RZ_E_FORMAT, text);
    refuses(with_value("general.alignment", RZ_GGUF_F32, &nan_, 4), RZ_E_FORMAT, text);
    refuses(with_value("general.alignment", RZ_GGUF_STRING, "\2\0\0\0\0\0\0\00032", 10),
            RZ_E_FORMAT, text);
    host_file file = with_value("general.alignment", RZ_GGUF_U32, &most, 4);
    rz_gguf g;
    CHECK(rz_gguf_parse(&g, file.bytes, file.n, true, NULL, NULL) == RZ_OK, "2^30 is allowed");
    CHECK(g.alignment == 1 << 30, "%u", g.alignment);
    rz_gguf_free(&g);
    free(file.bytes);
}

static host_file with_tensor(const char *name, uint32_t n_dims, const uint64_t *dims, uint32_t type,
                             uint64_t offset) {
    gguf_writer w;
    gguf_open(&w, 3, 32);
    gguf_tensor_line(&w, name, n_dims, dims, type, offset);
    return gguf_close(&w);
}

static void bad_tensors(void) {
    const uint64_t dims[5] = {32, 2, 1, 1, 1}, zero_row[2] = {0, 2}, zero_rows[2] = {32, 0};
    refuses(with_tensor("w", 5, dims, RZ_DT_F32, 0), RZ_E_FORMAT,
            "GGUF: tensor 'w' has 5 dimensions, at most 4 are possible");
    refuses(with_tensor("w", 2, zero_row, RZ_DT_F32, 0), RZ_E_FORMAT,
            "GGUF: tensor 'w' has a dimension of 0");
    refuses(with_tensor("w", 2, zero_rows, RZ_DT_Q4_0, 0), RZ_E_FORMAT,
            "GGUF: tensor 'w' has a dimension of 0");
    refuses(with_tensor("", 2, dims, RZ_DT_F32, 0), RZ_E_FORMAT,
            "GGUF: a tensor before byte 36 has no name");
    refuses(with_tensor("w", 2, dims, 4, 0), RZ_E_UNSUPPORTED,
            "GGUF: tensor 'w' has weight type 4, which is not known");
    refuses(with_tensor("w", 2, dims, 1000, 0), RZ_E_UNSUPPORTED,
            "GGUF: tensor 'w' has weight type 1000, which is not known");
    const uint64_t odd[2] = {33, 2}, odd_k[2] = {128, 2};
    refuses(with_tensor("w", 2, odd, RZ_DT_Q4_0, 0), RZ_E_FORMAT,
            "GGUF: tensor 'w': rows of 33 are no whole number of Q4_0 blocks");
    refuses(with_tensor("w", 2, odd_k, RZ_DT_Q6_K, 0), RZ_E_FORMAT,
            "GGUF: tensor 'w': rows of 128 are no whole number of Q6_K blocks");
}

static void sizes_past_any_file(void) {
    const char *larger = "GGUF: tensor 'w' is larger than any file";
    const char *past = "GGUF: tensor 'w' lies past the end of any file";
    const uint64_t wide[1] = {1ull << 62}, square[2] = {1ull << 32, 1ull << 32},
                   cube[4] = {1 << 16, 1 << 16, 1 << 16, 1 << 16}, half[1] = {1ull << 61},
                   small[1] = {1};
    refuses(with_tensor("w", 1, wide, RZ_DT_F32, 0), RZ_E_FORMAT, larger);
    refuses(with_tensor("w", 2, square, RZ_DT_F32, 0), RZ_E_FORMAT, larger);
    refuses(with_tensor("w", 4, cube, RZ_DT_F32, 0), RZ_E_FORMAT, larger);
    refuses(with_tensor("w", 1, half, RZ_DT_F32, 0), RZ_E_FORMAT, larger); /* 2^63 bytes */
    refuses(with_tensor("w", 1, small, RZ_DT_F32, 1ull << 63), RZ_E_FORMAT, larger);
    refuses(with_tensor("w", 1, small, RZ_DT_F32, INT64_MAX), RZ_E_FORMAT, past);
    refuses(with_tensor("w", 1, small, RZ_DT_F32, INT64_MAX - 67), RZ_E_FORMAT, past);
    host_file file = with_tensor("w", 1, small, RZ_DT_F32, INT64_MAX - 68);
    rz_gguf g;
    CHECK(rz_gguf_parse(&g, file.bytes, file.n, true, NULL, NULL) == RZ_OK, "2^63 - 1 is an end");
    CHECK(g.tensors[0].offset + g.tensors[0].bytes == INT64_MAX, "data begins at byte 64");
    rz_gguf_free(&g);
    free(file.bytes);
}

/* A header cut anywhere wants more bytes, or is truncated if there are none. */
static void cut_everywhere(void) {
    const uint64_t dims[2] = {32, 2};
    gguf_writer w;
    gguf_open(&w, 3, 64);
    add_numbers(&w);
    add_arrays(&w);
    gguf_tensor_line(&w, "weight", 2, dims, RZ_DT_Q8_0, 0);
    gguf_tensor_line(&w, "other", 1, dims, RZ_DT_F32, 128);
    host_file file = gguf_close(&w);
    for (size_t n = 0; n <= file.n; n++) {
        uint8_t *part = malloc(n ? n : 1); /* its own block: reads past it are seen */
        rz_gguf g;
        rz_err err = {0};
        char text[80];
        memcpy(part, file.bytes, n);
        int result = rz_gguf_parse(&g, part, n, false, NULL, &err);
        CHECK(result == (n < file.n ? RZ_NEED : RZ_OK), "%zu bytes so far: %d", n, result);
        if (result == RZ_OK) rz_gguf_free(&g);
        result = rz_gguf_parse(&g, part, n, true, NULL, &err);
        CHECK(result == (n < file.n ? RZ_E_TRUNCATED : RZ_OK), "%zu bytes: %d", n, result);
        if (result == RZ_OK) rz_gguf_free(&g);
        snprintf(text, sizeof text, "GGUF: the file ends at byte %zu, inside its header", n);
        CHECK(n == file.n || strcmp(err.text, text) == 0, "'%s'", err.text);
        free(part);
    }
    free(file.bytes);
}

int main(void) {
    TEST(versions_and_alignments);
    TEST(nothing_in_it);
    TEST(metadata_types);
    TEST(bad_preambles);
    TEST(lying_counts);
    TEST(bad_metadata);
    TEST(bad_alignments);
    TEST(bad_tensors);
    TEST(sizes_past_any_file);
    TEST(cut_everywhere);
    return check_summary("test_gguf");
}
