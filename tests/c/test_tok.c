/*
 * test_tok.c: text to tokens and back through rz.h: recorded ids of real vocabularies, the way back
 * byte for byte, special tokens, limits of buffers, and every refusal with its sentence.
 *
 * Vocabularies: fixtures (llama.cpp's own cases) and the two small ones of tiny.c.
 */
#include <time.h>

#include "../../src/gguf.h"
#include "check.h"
#include "tiny.h"

/* ---- helpers -------------------------------------------------------------------------------- */

typedef struct {
    uint32_t *ids;
    size_t n;
} id_list;

/* Ids of a text, in buffers of exactly the size they need; checks the count against cap 0. */
static id_list encode(const rz_model *m, const char *text, size_t bytes, uint32_t flags) {
    id_list list = {NULL, 0};
    rz_err err = {0};
    size_t room = rz_tokenize_scratch(m, bytes), count = 0;
    void *scratch = malloc(room);
    int result = rz_tokenize(m, text, bytes, flags, scratch, room, NULL, 0, &count, &err);
    CHECK(result == RZ_OK, "counting %zu bytes: %s", bytes, err.text);
    list.ids = malloc((count ? count : 1) * sizeof *list.ids);
    result = rz_tokenize(m, text, bytes, flags, scratch, room, list.ids, count, &list.n, &err);
    CHECK(result == RZ_OK && list.n == count, "%zu ids instead of %zu: %s", list.n, count,
          err.text);
    free(scratch);
    return list;
}

static void check_ids(const rz_model *m, const char *text, size_t bytes, uint32_t flags,
                      const uint32_t *want, size_t n_want) {
    id_list got = encode(m, text, bytes, flags);
    CHECK(got.n == n_want && memcmp(got.ids, want, n_want * sizeof *want) == 0,
          "'%.*s' has %zu ids (%u %u ...), not %zu (%u %u ...)", (int)bytes, text, got.n,
          got.n > 0 ? got.ids[0] : 0, got.n > 1 ? got.ids[1] : 0, n_want, n_want > 0 ? want[0] : 0,
          n_want > 1 ? want[1] : 0);
    free(got.ids);
}

#define IDS(m, text, flags, ...)                                                                   \
    check_ids(m, text, strlen(text), flags, (const uint32_t[]){__VA_ARGS__},                       \
              sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static bool is_spm(const rz_model *m) {
    for (uint32_t i = 0; i < 100; i++) {
        rz_meta meta;
        if (rz_model_meta(m, i, &meta) != RZ_OK) break;
        if (meta.key_len == 20 && memcmp(meta.key, "tokenizer.ggml.model", 20) == 0) {
            return meta.string[0] == 'l';
        }
    }
    return false;
}

/* The text comes back from its ids, and the pieces are the text. */
static void there_and_back(const rz_model *m, const char *text, size_t bytes) {
    id_list list = encode(m, text, bytes, 0);
    char *back = malloc(bytes ? bytes : 1), *piece = malloc(rz_piece_max(m));
    rz_err err = {0};
    size_t n = 0, at = 0, shift = is_spm(m) && bytes; /* SentencePiece puts a space in front */
    int result = rz_detokenize(m, list.ids, list.n, 0, back, bytes, &n, &err);
    CHECK(result == RZ_OK && n == bytes, "%zu bytes come back as %zu: %s", bytes, n, err.text);
    CHECK(n != bytes || memcmp(back, text, bytes) == 0, "'%.*s' comes back as '%.*s'", (int)bytes,
          text, (int)bytes, back);
    for (size_t i = 0; i < list.n; i++) {
        size_t len = 0;
        result = rz_piece(m, list.ids[i], 0, piece, &len, &err);
        CHECK(result == RZ_OK && len > 0 && len <= rz_piece_max(m), "piece of %u", list.ids[i]);
        for (size_t b = 0; b < len; b++, at++) {
            char want = at < shift ? ' ' : at - shift < bytes ? text[at - shift] : 0;
            CHECK(piece[b] == want, "piece %zu of '%.*s'", i, (int)bytes, text);
        }
    }
    CHECK(at == bytes + shift, "pieces of %zu bytes for %zu", at, bytes);
    CHECK(list.n <= bytes + 3, "%zu ids for %zu bytes", list.n, bytes);
    free(list.ids), free(back), free(piece);
}

static rz_model *load_vocabulary(host_file file) {
    rz_model *m;
    rz_err err = {0};
    int result = host_load(&m, file, &(rz_load_opts){.vocab_only = 1}, 0, &err);
    CHECK(result == RZ_OK, "%s", err.text);
    free(file.bytes);
    return m;
}

static rz_model *tiny_spm(void) {
    gguf_writer w;
    gguf_open(&w, 3, 32);
    tiny_vocabulary(&w);
    return load_vocabulary(gguf_close(&w));
}

static rz_model *tiny_bpe(void) {
    gguf_writer w;
    gguf_open(&w, 3, 32);
    tiny_bpe_vocabulary(&w);
    return load_vocabulary(gguf_close(&w));
}

/* ---- recorded cases -------------------------------------------------------------------------- */

/* The ids of one line; returns the start of the next line. */
static const char *read_ids(const char *line, uint32_t *ids, size_t *n) {
    *n = 0;
    while (*line && *line != '\n') {
        char *end;
        unsigned long id = strtoul(line, &end, 10);
        if (end == line) break;
        ids[(*n)++] = (uint32_t)id;
        line = end;
        while (*line == ' ') line++;
    }
    while (*line && *line != '\n') line++;
    return *line ? line + 1 : line;
}

/* Fixture files as terminated text. */
static char *read_text(const char *path) {
    host_file f = host_read(path);
    CHECK(f.bytes, "cannot read %s", path);
    char *text = realloc(f.bytes, f.n + 1);
    text[f.n] = 0;
    return text;
}

/* `back`: the texts come back, as they do from vocabularies that change nothing. */
static void recorded(const rz_model *m, const char *inp_path, const char *out_path, bool back) {
    static const char separator[] = "\n__ggml_vocab_test__\n";
    char *inp = read_text(inp_path), *out = read_text(out_path), *text = inp;
    const char *line = out;
    int cases = 0, exact = 0;
    for (char *end; (end = strstr(text, separator)) != NULL; text = end + strlen(separator)) {
        uint32_t want[1000];
        size_t n;
        line = read_ids(line, want, &n);
        const int bad = checks_bad;
        check_ids(m, text, (size_t)(end - text), 0, want, n);
        exact += checks_bad == bad;
        if (back) there_and_back(m, text, (size_t)(end - text));
        cases++;
    }
    printf("%s: %d cases, %d exact\n", inp_path, cases, exact);
    CHECK(cases == 46, "%d cases instead of 46 in %s", cases, inp_path);
    free(inp), free(out);
}

/* ---- any text -------------------------------------------------------------------------------- */

/* SentencePiece writes a space as U+2581, so that character itself comes back as a space. */
static bool holds_space_mark(const char *text, size_t n) {
    for (size_t i = 0; i + 2 < n; i++) {
        if (memcmp(text + i, "\xe2\x96\x81", 3) == 0) return true;
    }
    return false;
}

static void check_unless_marked(const rz_model *m, const char *text, size_t n) {
    char *copy = malloc(n ? n : 1); /* its own block: reads past the text are seen */
    memcpy(copy, text, n);
    if (!is_spm(m) || !holds_space_mark(text, n)) there_and_back(m, copy, n);
    free(copy);
}

static size_t put_character(uint32_t c, char *out) {
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    size_t n = c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 63));
    out[0] = (char)((n == 3 ? 0xe0 : 0xf0) | c);
    return n;
}

static void any_text(const rz_model *m, int rounds) {
    static const char *const parts[] = {" ",
                                        "  ",
                                        "\n",
                                        "\t",
                                        " \n ",
                                        "hello",
                                        " world",
                                        "Hello",
                                        "it's",
                                        "'ll",
                                        "'",
                                        "123",
                                        "4567",
                                        "<s>",
                                        "</s>",
                                        "<0x41>",
                                        "<|endoftext|>",
                                        "\xc3\xa9",
                                        "\xf0\x9f\x98\x80",
                                        "\xe2\x96",
                                        "\xff",
                                        "\xc2\xa0",
                                        "\xe3\x80\x80",
                                        "\xd9\xa3",
                                        "a\xcc\x81",
                                        "...",
                                        "\r\n",
                                        "\xed\xa0\x80"};
    random_state r = {5};
    char text[1024];
    for (int round = 0; round < rounds; round++) {
        size_t n = random_below(&r, 60), at = 0;
        random_bytes(&r, text, n);
        check_unless_marked(m, text, n);
        for (at = 0; at < n * 2;) { /* any characters, mostly small code points */
            uint32_t c = random_below(&r, 0x10ffff) >> random_below(&r, 21);
            if (c < 0xd800 || c > 0xdfff) at += put_character(c, text + at);
        }
        check_unless_marked(m, text, at);
        at = 0;
        for (size_t i = 0; i < n / 4; i++) {
            const char *part = parts[random_below(&r, sizeof parts / sizeof parts[0])];
            memcpy(text + at, part, strlen(part));
            at += strlen(part);
        }
        check_unless_marked(m, text, at);
    }
}

static void every_byte(const rz_model *m) {
    for (int b = 0; b < 256; b++) {
        char text[3] = {(char)b, 'a', (char)b};
        for (size_t n = 1; n <= 3; n++) there_and_back(m, text, n);
    }
    there_and_back(m, "", 0);
    id_list none = encode(m, NULL, 0, 0);
    CHECK(none.n == 0, "no text: %zu ids", none.n);
    free(none.ids);
}

/* Times are printed, not asserted: what must not happen is that 1 MB never ends. */
static void long_texts(const rz_model *m) {
    static const char *const units[] = {"a", " ", "\xf0\x9f\x98\x80"};
    for (int u = 0; u < 3; u++) {
        double seconds[2];
        for (int large = 0; large < 2; large++) {
            const size_t unit = strlen(units[u]), n = (large ? 1 << 20 : 1 << 16) / unit * unit;
            char *text = malloc(n);
            for (size_t i = 0; i < n; i++) text[i] = units[u][i % unit];
            clock_t start = clock();
            there_and_back(m, text, n);
            seconds[large] = (double)(clock() - start) / CLOCKS_PER_SEC;
            free(text);
        }
        printf("  %s of '%s': 64 KB %.3f s, 1 MB %.3f s (both ways, 4 passes)\n",
               is_spm(m) ? "SentencePiece" : "byte-level BPE", units[u], seconds[0], seconds[1]);
    }
}

/* ---- special tokens -------------------------------------------------------------------------- */

static void special_spm(const rz_model *m) {
    IDS(m, "Hello world", 0, 15043, 3186);
    IDS(m, "Hello world", RZ_TOK_SPECIAL, 1, 15043, 3186);
    IDS(m, "", RZ_TOK_SPECIAL, 1);
    IDS(m, "<s>Hello world</s>", RZ_TOK_PARSE, 1, 15043, 3186, 2);
    IDS(m, "<s>Hello world</s>", RZ_TOK_PARSE | RZ_TOK_SPECIAL, 1, 1, 15043, 3186, 2);
    IDS(m, "<s><s></s>", RZ_TOK_PARSE, 1, 1, 2);
    id_list plain = encode(m, "<s>Hello</s>", 12, 0);
    for (size_t i = 0; i < plain.n; i++)
        CHECK(plain.ids[i] > 2, "token %u in plain text", plain.ids[i]);
    free(plain.ids);
    there_and_back(m, "<s>Hello</s>", 12);

    char buf[128];
    size_t n;
    rz_err err;
    const uint32_t ids[4] = {1, 15043, 3186, 2};
    CHECK(rz_piece(m, 1, 0, buf, &n, &err) == RZ_OK && n == 0, "<s> is no text");
    CHECK(rz_piece(m, 1, RZ_TOK_SPECIAL, buf, &n, &err) == RZ_OK && n == 3 &&
              !memcmp(buf, "<s>", 3),
          "<s> written out");
    CHECK(rz_piece(m, 13, 0, buf, &n, &err) == RZ_OK && n == 1 && buf[0] == '\n', "byte <0x0A>");
    CHECK(rz_detokenize(m, ids, 4, 0, buf, sizeof buf, &n, &err) == RZ_OK && n == 11 &&
              memcmp(buf, "Hello world", 11) == 0,
          "special tokens left out: '%.*s'", (int)n, buf);
    CHECK(rz_detokenize(m, ids, 4, RZ_TOK_SPECIAL, buf, sizeof buf, &n, &err) == RZ_OK && n == 19 &&
              memcmp(buf, "<s> Hello world</s>", 19) == 0,
          "special tokens written out: '%.*s'", (int)n, buf);
    CHECK(rz_is_end(m, 2) == 1 && rz_is_end(m, 1) == 0 && rz_is_end(m, 15043) == 0 &&
              rz_is_end(m, RZ_NO_TOKEN) == 0,
          "</s> alone ends");
}

static void special_gpt2(const rz_model *m) {
    IDS(m, "Hello world", RZ_TOK_SPECIAL, 15496, 995);
    IDS(m, "<|endoftext|>", RZ_TOK_PARSE, 50256);
    IDS(m, "Hello<|endoftext|> world", RZ_TOK_PARSE, 15496, 50256, 995);
    id_list plain = encode(m, "<|endoftext|>", 13, 0);
    CHECK(plain.n > 1, "plain text is no special token");
    free(plain.ids);
    CHECK(rz_is_end(m, 50256) == 1 && rz_is_end(m, 0) == 0, "<|endoftext|> alone ends");
}

static void special_tiny(void) {
    rz_model *spm = tiny_spm(), *bpe = tiny_bpe();
    enum {
        words = 259,
        mark = words,
        hello = words + 13,
        world = words + 18,
        user = 268,
        eot = 267
    };
    IDS(spm, "hello world", 0, hello, world);
    IDS(spm, "hello world", RZ_TOK_SPECIAL, 1, hello, world);
    IDS(spm, "<s>hello</s> world", RZ_TOK_PARSE, 1, hello, 2, mark, world);
    IDS(spm, "z", 0, mark, 3 + 'z');
    IDS(spm, "\xc3\xa9", 0, mark, 3 + 0xc3, 3 + 0xa9);
    IDS(bpe, "hello world", 0, 259, 264);
    IDS(bpe, "hello<user> world", 0, 259, user, 264); /* user-defined tokens always count */
    IDS(bpe, "hello<|endoftext|>", RZ_TOK_PARSE, 259, eot);
    IDS(bpe, "<user>", RZ_TOK_SPECIAL, user);
    CHECK(rz_is_end(bpe, eot) == 1 && rz_is_end(bpe, user) == 0, "ends of the BPE vocabulary");
    rz_model_close(&spm), rz_model_close(&bpe);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void small_buffers(const rz_model *m) {
    static const char text[] = "It's a small world, hello \xf0\x9f\x98\x80!";
    const size_t bytes = sizeof text - 1, room = rz_tokenize_scratch(m, bytes);
    id_list all = encode(m, text, bytes, 0);
    char want[128], got[64], *scratch = malloc(room);
    rz_err err;
    size_t n;
    for (size_t cap = 0; cap <= all.n; cap++) {
        uint32_t ids[64];
        memset(ids, 0xee, sizeof ids);
        int result = rz_tokenize(m, text, bytes, 0, scratch, room, ids, cap, &n, &err);
        CHECK(result == RZ_OK && n == all.n, "cap %zu: %zu ids", cap, n);
        CHECK(memcmp(ids, all.ids, cap * sizeof *ids) == 0, "the first %zu ids", cap);
        for (size_t i = cap; i < 64; i++)
            CHECK(ids[i] == 0xeeeeeeee, "id %zu past cap %zu", i, cap);
    }
    for (size_t cap = 0; cap <= bytes; cap++) {
        memset(got, '#', sizeof got);
        int result = rz_detokenize(m, all.ids, all.n, 0, got, cap, &n, &err);
        CHECK(result == RZ_OK && n == bytes && memcmp(got, text, cap) == 0, "cap %zu: %zu", cap, n);
        for (size_t i = cap; i < sizeof got; i++)
            CHECK(got[i] == '#', "byte %zu past cap %zu", i, cap);
    }
    n = 77;
    int result = rz_tokenize(m, text, bytes, 0, scratch, room - 1, NULL, 0, &n, &err);
    snprintf(want, sizeof want, "tokenizing %zu bytes of text needs %zu bytes of scratch", bytes,
             room);
    CHECK(result == RZ_E_ARG && err.code == RZ_E_ARG && n == 0 && strcmp(err.text, want) == 0,
          "%d '%s'", result, err.text);
    CHECK(rz_tokenize_scratch(m, SIZE_MAX) == SIZE_MAX, "a text that fills the address space");
    CHECK(rz_tokenize_scratch(m, (size_t)1 << 31) == SIZE_MAX, "symbols are counted in 32 bits");
    free(all.ids), free(scratch);
}

static void no_such_token(const rz_model *m) {
    rz_model_info info;
    rz_model_info_get(m, &info);
    const uint32_t bad[3] = {info.n_vocab, info.n_vocab + 1, UINT32_MAX};
    char *piece = malloc(rz_piece_max(m)), want[80], text[64];
    for (int i = 0; i < 3; i++) {
        rz_err err = {0};
        size_t n = 77;
        snprintf(want, sizeof want, "token %u does not exist: the vocabulary has %u", bad[i],
                 info.n_vocab);
        int result = rz_piece(m, bad[i], 0, piece, &n, &err);
        CHECK(result == RZ_E_ARG && strcmp(err.text, want) == 0 && n == 0, "'%s'", err.text);
        const uint32_t ids[2] = {info.n_vocab - 1, bad[i]};
        memset(&err, 0, sizeof err);
        result = rz_detokenize(m, ids, 2, 0, text, sizeof text, &n, &err);
        CHECK(result == RZ_E_ARG && strcmp(err.text, want) == 0, "'%s'", err.text);
    }
    for (uint32_t id = 0; id < info.n_vocab; id++) {
        size_t n;
        rz_err err;
        int result = rz_piece(m, id, RZ_TOK_SPECIAL, piece, &n, &err);
        CHECK(result == RZ_OK && n <= rz_piece_max(m), "piece of %u", id);
    }
    free(piece);
}

static void vocabulary_only(const rz_model *shared) {
    rz_model *m = (rz_model *)shared;
    rz_session_opts opts = {.n_ctx = 8};
    rz_session *s;
    rz_model_info info;
    rz_err err;
    rz_model_info_get(m, &info);
    CHECK(info.vocab_only == 1 && info.n_vocab > 256 && info.n_params == 0 && info.n_layer == 0,
          "%u tokens", info.n_vocab);
    int result = rz_session_open(m, &opts, &s, &err);
    CHECK(result == RZ_E_STATE && s == NULL &&
              strcmp(err.text, "only the vocabulary of this model was loaded") == 0,
          "%d '%s'", result, err.text);
    CHECK(rz_session_bytes(m, &opts) == 0, "no session has no size");
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void refused(host_file file, int code, const char *text) {
    rz_model *m;
    rz_err err = {0};
    int result = host_load(&m, file, &(rz_load_opts){.vocab_only = 1}, 0, &err);
    CHECK(result == code && strcmp(err.text, text) == 0, "%d '%s' instead of %d '%s'", result,
          err.text, code, text);
    rz_model_close(&m);
    free(file.bytes);
}

/* A vocabulary of 3 tokens with some of its parts. */
static host_file small_vocabulary(const char *model, const char *pre, uint64_t n_tokens,
                                  uint64_t n_scores, bool merges) {
    static const char *const texts[3] = {"a", "b", "ab"};
    const float scores[3] = {0};
    gguf_writer w;
    gguf_open(&w, 3, 32);
    gguf_text(&w, "tokenizer.ggml.model", model);
    if (pre) gguf_text(&w, "tokenizer.ggml.pre", pre);
    if (n_tokens != 9) gguf_texts(&w, "tokenizer.ggml.tokens", texts, n_tokens);
    if (n_scores) {
        gguf_array(&w, "tokenizer.ggml.scores", RZ_GGUF_F32, n_scores, scores, n_scores * 4);
    }
    if (merges) gguf_texts(&w, "tokenizer.ggml.merges", (const char *const[]){"a b"}, 1);
    return gguf_close(&w);
}

static void refusals(void) {
    refused(small_vocabulary("rwkv", NULL, 3, 3, false), RZ_E_UNSUPPORTED,
            "tokenizer 'rwkv' is not supported; 'llama' (SentencePiece BPE), 'gpt2' (byte-level BPE), "
            "'bert' (WordPiece) and 't5' (Unigram) are");
    refused(small_vocabulary("llama", NULL, 9, 3, false), RZ_E_FORMAT,
            "the file names a tokenizer but has no list of tokens");
    refused(small_vocabulary("llama", NULL, 0, 0, false), RZ_E_FORMAT,
            "the file names a tokenizer but has no list of tokens");
    refused(small_vocabulary("llama", NULL, 3, 2, false), RZ_E_FORMAT,
            "the vocabulary has 3 tokens but another number of scores or types");
    refused(small_vocabulary("llama", NULL, 3, 0, false), RZ_E_FORMAT,
            "the vocabulary has no scores to merge by");
    refused(small_vocabulary("gpt2", NULL, 3, 0, false), RZ_E_FORMAT,
            "the vocabulary has no usable list of merges");
    gguf_writer w;
    gguf_open(&w, 3, 32);
    gguf_u32(&w, "tokenizer.ggml.model", 1);
    refused(gguf_close(&w), RZ_E_FORMAT, "tokenizer.ggml.model is not a string");
}

/* Bytes that a vocabulary cannot express become its unknown token, or are left out. */
static void unknown_bytes(void) {
    rz_model *spm = load_vocabulary(small_vocabulary("llama", NULL, 3, 3, false));
    rz_model *bpe = load_vocabulary(small_vocabulary("gpt2", NULL, 3, 0, true));
    IDS(spm, "z", 0, 0, 0, 0, 0); /* the space in front is 3 unknown bytes, token 0 by default */
    IDS(bpe, "abba", 0, 2, 1, 0);
    IDS(bpe, "abz", 0, 2); /* left out, as llama.cpp does */
    rz_model_close(&spm), rz_model_close(&bpe);
}

/* Of several tokens with the same text the last one is meant, as in llama.cpp. */
static void same_text_twice(void) {
    gguf_writer w;
    gguf_open(&w, 3, 32);
    gguf_text(&w, "tokenizer.ggml.model", "gpt2");
    gguf_texts(&w, "tokenizer.ggml.tokens", (const char *const[]){"a", "b", "a", "ab", "ab"}, 5);
    gguf_texts(&w, "tokenizer.ggml.merges", (const char *const[]){"a b"}, 1);
    rz_model *m = load_vocabulary(gguf_close(&w));
    IDS(m, "a", 0, 2);
    IDS(m, "aab", 0, 2, 4);
    rz_model_close(&m);
}

/* A vocabulary without a token for U+2581 writes each space, and the one in front of every stretch
 * of plain text, as three ids: more than the text has bytes, never more than 4 a byte and 5. */
static void more_ids_than_bytes(void) {
    static const char *const texts[4] = {"a", "x", "b", "<s>"};
    const float scores[4] = {0};
    const int32_t types[4] = {1, 4, 1, 3}; /* x is user-defined */
    gguf_writer w;
    gguf_open(&w, 3, 32);
    gguf_text(&w, "tokenizer.ggml.model", "llama");
    gguf_texts(&w, "tokenizer.ggml.tokens", texts, 4);
    gguf_array(&w, "tokenizer.ggml.scores", RZ_GGUF_F32, 4, scores, sizeof scores);
    gguf_array(&w, "tokenizer.ggml.token_type", RZ_GGUF_I32, 4, types, sizeof types);
    rz_model *m = load_vocabulary(gguf_close(&w));
    IDS(m, "b b", 0, 0, 0, 0, 2, 0, 0, 0, 2);
    IDS(m, "xbxb", 0, 1, 0, 0, 0, 2, 1, 0, 0, 0, 2);
    rz_model_close(&m);
}

static void no_tokenizer(void) {
    tiny_spec spec = tiny_default();
    host_file file = tiny_model(&spec);
    rz_model *m;
    rz_err err = {0};
    char buf[64];
    size_t n;
    const uint32_t id = 1;
    const char *text = "this model has no tokenizer: it takes token ids only";
    CHECK(host_load(&m, file, NULL, 0, &err) == RZ_OK, "%s", err.text);
    CHECK(rz_tokenize(m, "a", 1, 0, buf, 64, NULL, 0, &n, &err) == RZ_E_UNSUPPORTED, "tokenize");
    CHECK(strcmp(err.text, text) == 0, "'%s'", err.text);
    CHECK(rz_piece(m, id, 0, buf, &n, &err) == RZ_OK && n == 0, "piece");
    CHECK(rz_detokenize(m, &id, 1, 0, buf, 64, &n, &err) == RZ_E_UNSUPPORTED, "detokenize");
    CHECK(rz_is_end(m, 2) == 0, "nothing ends");
    rz_model_close(&m);
    free(file.bytes);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void check_vocabulary(const rz_model *m) {
    TEST(every_byte, m);
    TEST(any_text, m, 700);
    TEST(small_buffers, m);
    TEST(no_such_token, m);
    TEST(vocabulary_only, m);
    TEST(long_texts, m);
}

static void check_fixture(const char *dir, const char *gguf, const char *cases) {
    char path[1024], inp[1024], out[1024];
    snprintf(path, sizeof path, "%s/%s", dir, gguf);
    snprintf(inp, sizeof inp, "%s/%s.inp", dir, cases);
    snprintf(out, sizeof out, "%s/%s.out", dir, cases);
    rz_model *m = load_vocabulary(host_read(path));
    if (!m) {
        checks_failed++; /* already said why */
        return;
    }
    printf("%s\n", gguf);
    const bool lossless = !strstr(gguf, "bert");
    TEST(recorded, m, inp, out, lossless);
    if (strstr(gguf, "stories") || strstr(gguf, "llama-spm") || strstr(gguf, "gpt-2")) {
        check_vocabulary(m); /* has a token for every byte */
    }
    if (strstr(gguf, "llama-spm")) TEST(special_spm, m);
    if (strstr(gguf, "gpt-2")) TEST(special_gpt2, m);
    rz_model_close(&m);
}

int main(void) {
    rz_model *spm = tiny_spm(), *bpe = tiny_bpe();
    check_vocabulary(spm);
    check_vocabulary(bpe);
    rz_model_close(&spm), rz_model_close(&bpe);
    TEST(special_tiny);
    TEST(refusals);
    TEST(unknown_bytes);
    TEST(more_ids_than_bytes);
    TEST(same_text_twice);
    TEST(no_tokenizer);
    const char *dir = fixtures("tokenizer cases of llama.cpp");
    if (dir) {
        check_fixture(dir, "gguf-models/stories260K.gguf", "gguf-models/stories260K.tok");
        static const char *const families[] = {"llama-spm", "gpt-2", "starcoder", "deepseek-coder",
                                               "bert-bge"};
        for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
            char name[128];
            snprintf(name, sizeof name, "tokenizers/gguf-vocab/ggml-vocab-%s.gguf", families[i]);
            check_fixture(dir, name, name);
        }
    }
    return check_summary("test_tok");
}
