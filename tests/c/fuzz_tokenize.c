/*
 * fuzz_tokenize.c: any bytes as a text, for both algorithms: counts agree, ids exist, and the text
 * comes back from its ids byte for byte. The first byte of an input chooses vocabulary and flags.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "tiny.h"

static void must(bool holds) {
    if (!holds) abort();
}

static rz_model *vocabulary(bool bpe) {
    gguf_writer w;
    rz_model *m;
    rz_err err;
    gguf_open(&w, 3, 32);
    if (bpe) {
        tiny_bpe_vocabulary(&w);
    } else {
        tiny_vocabulary(&w);
    }
    host_file file = gguf_close(&w);
    must(host_load(&m, file, &(rz_load_opts){.vocab_only = 1}, 0, &err) == RZ_OK);
    free(file.bytes);
    return m;
}

static bool holds_space_mark(const char *text, size_t n) {
    for (size_t i = 0; i + 2 < n; i++) {
        if (memcmp(text + i, "\xe2\x96\x81", 3) == 0) return true;
    }
    return false;
}

static void check_text(const rz_model *m, bool bpe, uint32_t flags, const char *text, size_t n) {
    const size_t room = rz_tokenize_scratch(m, n), cap = 2 * n + 3;
    uint32_t *ids = malloc(cap * sizeof *ids);
    char *scratch = malloc(room), *back = malloc(n + 1);
    size_t n_ids, count, bytes;
    rz_err err;
    must(rz_tokenize(m, text, n, flags, scratch, room, NULL, 0, &count, &err) == RZ_OK);
    must(rz_tokenize(m, text, n, flags, scratch, room, ids, cap, &n_ids, &err) == RZ_OK);
    must(n_ids == count && n_ids <= cap);
    /* SentencePiece puts a space behind every special token, so parsed texts come back longer;
     * U+2581 is how it writes a space */
    bool exact = bpe || (!(flags & RZ_TOK_PARSE) && !holds_space_mark(text, n));
    uint32_t write = flags & RZ_TOK_PARSE ? RZ_TOK_SPECIAL : 0;
    must(rz_detokenize(m, ids, n_ids, write, back, n, &bytes, &err) == RZ_OK);
    if (exact) must(bytes == n && memcmp(back, text, n) == 0);
    free(ids), free(scratch), free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static rz_model *models[2];
    if (!models[0]) models[0] = vocabulary(false), models[1] = vocabulary(true);
    if (size == 0) return 0;
    char *text = malloc(size); /* one byte more than the text: malloc(0) may be NULL */
    memcpy(text, data + 1, size - 1);
    check_text(models[data[0] & 1], data[0] & 1, data[0] >> 1 & 3, text, size - 1);
    free(text);
    return 0;
}

host_file fuzz_seed(int i) {
    static const char *const texts[] = {"hello world",
                                        " hello  world ",
                                        "it's 'll \n\t x1234",
                                        "\xc3\xa9\xe2\x96\x81\xf0\x9f\x98\x80",
                                        "<s>hello</s> world<unk>",
                                        "<user>hello<|endoftext|> world",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaa",
                                        "\xff\xfe\x80 <0x41>"};
    enum { n_texts = sizeof texts / sizeof texts[0] };
    if (i >= n_texts * 8) return (host_file){NULL, 0};
    const char *text = texts[i / 8];
    host_file file = {malloc(strlen(text) + 1), strlen(text) + 1};
    file.bytes[0] = (unsigned char)(i % 8);
    memcpy(file.bytes + 1, text, strlen(text));
    return file;
}
