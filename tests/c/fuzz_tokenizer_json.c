/*
 * fuzz_tokenizer_json.c: any bytes as a tokenizer.json or a SentencePiece model: refused in words, or
 * opened, and then any text becomes ids that exist, fits where it was said to, and comes back.
 * An input is a byte n, n bytes of text, and the file; or, where it begins like one of these, a file alone.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void must(bool holds) {
    if (!holds) abort();
}

static void check_text(const rz_model *m, uint32_t flags, const char *text, size_t n) {
    const size_t room = rz_tokenize_scratch(m, n);
    size_t count, n_ids, bytes, again;
    rz_model_info info;
    rz_err err = {0};
    if (room > (size_t)64 << 20) return; /* a map that grows text out of measure */
    rz_model_info_get(m, &info);
    void *scratch = malloc(room ? room : 1);
    int result = rz_tokenize(m, text, n, flags, scratch, room, NULL, 0, &count, &err);
    uint32_t *ids = malloc((count + 1) * sizeof *ids);
    if (result == RZ_OK) {
        must(rz_tokenize(m, text, n, flags, scratch, room, ids, count, &n_ids, &err) == RZ_OK);
        must(n_ids == count);
        for (size_t i = 0; i < n_ids; i++) must(ids[i] < info.n_vocab);
        if (rz_detokenize(m, ids, n_ids, flags, NULL, 0, &bytes, &err) == RZ_OK) {
            char *back = malloc(bytes + 1);
            must(rz_detokenize(m, ids, n_ids, flags, back, bytes, &again, &err) == RZ_OK);
            must(again == bytes);
            free(back);
        }
    } else {
        must(err.text[0] != 0);
    }
    free(ids), free(scratch);
}

static const char sample[] = "Ab ab <s>  \xc3\xa9 aab,b''s 12";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const bool alone = size && (data[0] == '{' || data[0] == '\n');
    if (size == 0 || (!alone && size - 1 < data[0])) return 0;
    const size_t n = alone ? sizeof sample - 1 : data[0], skip = alone ? 0 : 1 + n, file_bytes = size - skip;
    char *text = malloc(n + 1), *file = malloc(file_bytes + 1); /* own blocks: reads past them are seen */
    rz_model *m;
    rz_err err = {0};
    memcpy(text, alone ? (const uint8_t *)sample : data + 1, n);
    memcpy(file, data + skip, file_bytes);
    int result = rz_tokenizer_open(file, file_bytes, NULL, 0, NULL, &m, &err);
    free(file);
    must(result == RZ_OK ? m != NULL : m == NULL && err.text[0] != 0);
    for (uint32_t flags = 0; m && flags < 8; flags++) check_text(m, flags, text, n);
    rz_model_close(&m);
    free(text);
    return 0;
}

/* ---- inputs to begin with -------------------------------------------------------------------- */

#define ADDED                                                                                      \
    "\"added_tokens\":[{\"id\":7,\"content\":\"<s>\",\"special\":true},{\"id\":8,\"content\":\"Ab\","  \
    "\"lstrip\":true,\"rstrip\":true,\"single_word\":true,\"normalized\":true,\"special\":false}],"
#define BPE                                                                                        \
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"a\",\"byte_fallback\":true,\"fuse_unk\":true,"        \
    "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"\\u0120\":3,\"\\u2581\":4,\"<0xC3>\":5,\"<0xA9>\":6},"       \
    "\"merges\":[\"a b\",[\"\\u0120\",\"a\"]]}}"
#define UNIGRAM                                                                                    \
    "\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0.0],[\"\\u2581\",-1.5],"       \
    "[\"a\",-2.25],[\"ab\",-1e1],[\"b\",-3]]}}"
#define WORDPIECE                                                                                  \
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"max_input_chars_per_word\":9,"        \
    "\"vocab\":{\"[UNK]\":0,\"a\":1,\"##b\":2,\"##ab\":3,\",\":4}}}"
#define POST                                                                                       \
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}},"\
    "{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"x\":{\"ids\":[0]}}},"

static const char *const files[] = {
    "{" ADDED "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true},"
    "\"decoder\":{\"type\":\"ByteLevel\"}," POST BPE,
    "{" ADDED "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"
    "\"\\u2581\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\\u2581\"}]},"
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},{\"type\":\"Strip\","
    "\"content\":\" \",\"start\":1}]}," BPE,
    "{" ADDED "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFKC\"},{\"type\":"
    "\"Lowercase\"},{\"type\":\"Strip\"},{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}|x*\"},"
    "\"content\":\" y\"}]},\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\","
    "\"prepend_scheme\":\"first\"},\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\"}," UNIGRAM,
    "{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"CAAAAAABAAACAwQFYQBi\"},"
    "\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"}," UNIGRAM,
    "{\"normalizer\":{\"type\":\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
    "\"decoder\":{\"type\":\"WordPiece\"}," WORDPIECE,
    "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
    "\"(?i:'s|'t)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":"
    "\"Isolated\",\"invert\":false},{\"type\":\"Digits\",\"individual_digits\":true},{\"type\":\"ByteLevel\","
    "\"use_regex\":false}]}," BPE,
    "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a|b)*c{2,5}?|(?<=x)y|[a-c&&[^b]]++\"},"
    "\"behavior\":\"MergedWithNext\",\"invert\":true}," BPE,
};

/* A SentencePiece model: three pieces, the kind, a character map. */
static const char spm[] = "\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02\n\x0a\n\x03\xe2\x96\x81\x15\0\0\x80\xbf"
                          "\n\x08\n\x01" "a\x15\0\0\0\xc0\x12\x04\x18\x01\xc0\x02\0\x1a\x04\x18\x01 \x01";

host_file fuzz_seed(int i) {
    enum { n_files = sizeof files / sizeof files[0], n_text = sizeof sample - 1 };
    if (i > n_files) return (host_file){NULL, 0};
    const char *file = i < n_files ? files[i] : spm;
    const size_t n = i < n_files ? strlen(file) : sizeof spm - 1;
    host_file out = {malloc(1 + n_text + n), 1 + n_text + n};
    out.bytes[0] = n_text;
    memcpy(out.bytes + 1, sample, n_text);
    memcpy(out.bytes + 1 + n_text, file, n);
    return out;
}
