/*
 * vocab_steps.c: normalizers, pre-tokenizers and decoders of a tokenizer.json; see vocab_json.h.
 *
 * Run on a measuring arena first: every refusal comes then. The second pass sees the same text and
 * takes the same memory. What the steps do is in norm.h and pretok.h.
 */
#include "err.h"
#include "vocab_json.h"

enum { longest_pattern = 8192 };

static const rz_span space = {(const uint8_t *)" ", 1};

/* ---- refusals ------------------------------------------------------------------------------ */

static int unsupported(rz_json j, const char *what, rz_err *err) {
    rz_json_text type = {NULL, 0};
    rz_json_member_text(j, "type", &type);
    return rz_err_set(err, RZ_E_UNSUPPORTED, "tokenizer.json: %s '%.*s' is not supported", what,
                      type.n < 64 ? (int)type.n : 64, (const char *)type.p);
}

static int malformed(const char *what, rz_err *err) {
    return rz_err_set(err, RZ_E_FORMAT, "tokenizer.json: %s", what);
}

static int too_many(rz_err *err) {
    return rz_err_set(err, RZ_E_UNSUPPORTED, "tokenizer.json: the tokenizer has too many steps");
}

/* ---- patterns ------------------------------------------------------------------------------ */

/* A text that must be known in the measuring pass, too. */
typedef struct {
    uint8_t bytes[longest_pattern];
    size_t n;
} pattern_text;

static bool read_pattern(rz_json_text text, pattern_text *out) {
    if (text.n > longest_pattern) return false;
    out->n = rz_json_unescape(text, out->bytes);
    return out->n > 0;
}

/* "pattern": {"Regex": ...} or {"String": ...} */
static int find_pattern(rz_json j, rz_json_text *text, uint32_t *flags, rz_err *err) {
    rz_json pattern;
    *flags = 0;
    if (!rz_json_member(j, "pattern", &pattern)) return malformed("a step has no pattern", err);
    if (rz_json_member_text(pattern, "Regex", text)) return RZ_OK;
    *flags = RZ_REGEX_LITERAL;
    if (rz_json_member_text(pattern, "String", text)) return RZ_OK;
    return malformed("a pattern is neither a Regex nor a String", err);
}

/* ---- normalizers --------------------------------------------------------------------------- */

static int add_norm(rz_vocab *v, enum rz_norm_type type, uint32_t flags, rz_err *err) {
    return rz_norm_add(&v->norm, type, flags) ? RZ_OK : too_many(err);
}

static int add_form(rz_vocab *v, enum rz_form form, rz_err *err) {
    return rz_norm_add_form(&v->norm, form) ? RZ_OK : too_many(err);
}

static int add_bert(rz_vocab *v, rz_json j, rz_err *err) {
    const bool lower = rz_json_member_bool(j, "lowercase", true);
    int result = RZ_OK;
    if (rz_json_member_bool(j, "clean_text", true)) result = add_norm(v, RZ_NORM_CLEAN, 0, err);
    if (result == RZ_OK && rz_json_member_bool(j, "handle_chinese_chars", true)) {
        result = add_norm(v, RZ_NORM_CHINESE, 0, err);
    }
    if (result == RZ_OK && rz_json_member_bool(j, "strip_accents", lower)) {
        result = add_form(v, RZ_NFD, err);
        if (result == RZ_OK) result = add_norm(v, RZ_NORM_STRIP_MARKS, 0, err);
    }
    if (result == RZ_OK && lower) result = add_norm(v, RZ_NORM_LOWER, 0, err);
    return result;
}

static int add_replace(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err) {
    rz_json_text text, content;
    uint32_t flags;
    int result = find_pattern(j, &text, &flags, err);
    if (result) return result;
    if (!rz_json_member_text(j, "content", &content)) return malformed("a Replace has no content", err);
    pattern_text pattern;
    if (!read_pattern(text, &pattern)) return unsupported(j, "an empty or very long pattern of", err);
    if (flags & RZ_REGEX_LITERAL) {
        const rz_span from = rz_json_keep(text, arena);
        if (!rz_norm_add_replace(&v->norm, from, rz_json_keep(content, arena))) return too_many(err);
        return RZ_OK;
    }
    rz_norm_step *s = rz_norm_add(&v->norm, RZ_NORM_REPLACE_REGEX, 0);
    if (!s) return too_many(err);
    s->to = rz_json_keep(content, arena);
    return rz_regex_compile(&s->regex, pattern.bytes, pattern.n, 0, arena, err);
}

static int add_prepend(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err) {
    rz_json_text text;
    if (!rz_json_member_text(j, "prepend", &text)) return malformed("a Prepend has no text", err);
    rz_norm_step *s = rz_norm_add(&v->norm, RZ_NORM_PREPEND, 0);
    if (!s) return too_many(err);
    s->to = rz_json_keep(text, arena);
    return RZ_OK;
}

static int base64_value(uint8_t c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes at most `most` bytes; SIZE_MAX if it is no base64. out may be NULL to measure. */
static size_t base64(rz_json_text text, uint8_t *out, size_t most) {
    uint32_t bits = 0, n_bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.n && text.p[i] != '=' && n < most; i++) {
        int value = base64_value(text.p[i]);
        if (text.p[i] == '\\' && i + 1 < text.n && text.p[i + 1] == '/') continue;
        if (value < 0) return SIZE_MAX;
        bits = bits << 6 | (uint32_t)value;
        n_bits += 6;
        if (n_bits < 8) continue;
        n_bits -= 8;
        if (out) out[n] = (uint8_t)(bits >> n_bits);
        n++;
    }
    return n;
}

static int add_charsmap(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err) {
    rz_json_text text;
    uint8_t head[4];
    if (!rz_json_member_text(j, "precompiled_charsmap", &text)) {
        return malformed("a Precompiled normalizer has no map", err);
    }
    const size_t n = base64(text, NULL, SIZE_MAX);
    bool whole = n == 0 || (n != SIZE_MAX && n >= 4 && base64(text, head, 4) == 4 &&
                            rz_load_u32(head) <= n - 4 && rz_load_u32(head) % 4 == 0);
    if (!whole) return malformed("precompiled_charsmap is no character map", err);
    rz_norm_step *s = rz_norm_add(&v->norm, RZ_NORM_CHARSMAP, 0);
    if (!s) return too_many(err);
    uint8_t *bytes = rz_arena_take(arena, n, 1);
    if (!bytes) return RZ_OK;
    base64(text, bytes, n);
    rz_charsmap_open(&s->map, bytes, n);
    return RZ_OK;
}

static int add_normalizer(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err) {
    static const struct {
        const char *name;
        int form; /* or -1 and the step */
        enum rz_norm_type type;
        uint32_t flags;
    } simple[] = {
        {"NFC", RZ_NFC, 0, 0},
        {"NFD", RZ_NFD, 0, 0},
        {"NFKC", RZ_NFKC, 0, 0},
        {"NFKD", RZ_NFKD, 0, 0},
        {"Lowercase", -1, RZ_NORM_LOWER, 0},
        {"StripAccents", -1, RZ_NORM_STRIP_MARKS, RZ_NORM_ALL_MARKS},
        {"Nmt", -1, RZ_NORM_NMT, 0},
    };
    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++) {
        if (!rz_json_type_is(j, simple[i].name)) continue;
        if (simple[i].form >= 0) return add_form(v, (enum rz_form)simple[i].form, err);
        return add_norm(v, simple[i].type, simple[i].flags, err);
    }
    if (rz_json_type_is(j, "Strip")) {
        uint32_t flags = rz_json_member_bool(j, "strip_left", true) ? RZ_NORM_LEFT : 0;
        if (rz_json_member_bool(j, "strip_right", true)) flags |= RZ_NORM_RIGHT;
        return add_norm(v, RZ_NORM_TRIM, flags, err);
    }
    if (rz_json_type_is(j, "BertNormalizer")) return add_bert(v, j, err);
    if (rz_json_type_is(j, "Replace")) return add_replace(v, j, arena, err);
    if (rz_json_type_is(j, "Prepend")) return add_prepend(v, j, arena, err);
    if (rz_json_type_is(j, "Precompiled")) return add_charsmap(v, j, arena, err);
    if (rz_json_type_is(j, "ByteLevel")) {
        v->flags |= RZ_VOCAB_BYTES;
        return RZ_OK;
    }
    return unsupported(j, "normalizer", err);
}

typedef int add_step(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err);

/* One step, or the members of a Sequence; null is none. */
static int add_all(rz_vocab *v, rz_json j, const char *members, add_step *add, rz_arena *arena,
                   rz_err *err) {
    rz_json list;
    int result = RZ_OK;
    if (rz_json_peek(&j) != RZ_JSON_OBJECT) return RZ_OK;
    if (!rz_json_type_is(j, "Sequence")) return add(v, j, arena, err);
    if (!rz_json_member(j, members, &list) || !rz_json_enter(&list, RZ_JSON_ARRAY)) {
        return malformed("a Sequence has no list of steps", err);
    }
    while (result == RZ_OK && rz_json_next(&list)) {
        result = add_all(v, list, members, add, arena, err);
        rz_json_skip(&list);
    }
    return result;
}

int rz_vocab_add_normalizers(rz_vocab *v, rz_arena *arena, rz_err *err) {
    return add_all(v, v->source.normalizer, "normalizers", add_normalizer, arena, err);
}

/* ---- pre-tokenizers ------------------------------------------------------------------------ */

static int add_split(rz_vocab *v, const char *pattern, enum rz_pre_behaviour behaviour,
                     rz_arena *arena, rz_err *err) {
    const rz_span text = {(const uint8_t *)pattern, strlen(pattern)};
    const uint32_t flags = v->flags & RZ_VOCAB_BYTES ? RZ_REGEX_BYTES : 0;
    return rz_pre_add_split(&v->pre, text, flags, behaviour, arena, err);
}

static bool find_behaviour(rz_json j, enum rz_pre_behaviour *out) {
    static const char *const names[] = {"Isolated", "Removed", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    rz_json_text text;
    if (!rz_json_member_text(j, "behavior", &text)) return false;
    for (uint32_t i = 0; i < 5; i++) {
        if (!rz_json_is(text, names[i])) continue;
        *out = (enum rz_pre_behaviour)i;
        return true;
    }
    return false;
}

static int add_pattern(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err) {
    rz_json_text text;
    enum rz_pre_behaviour behaviour;
    uint32_t flags;
    int result = find_pattern(j, &text, &flags, err);
    if (result) return result;
    if (!find_behaviour(j, &behaviour)) return malformed("a Split has no known behavior", err);
    pattern_text pattern;
    if (!read_pattern(text, &pattern)) return unsupported(j, "an empty or very long pattern of", err);
    if (v->flags & RZ_VOCAB_BYTES) flags |= RZ_REGEX_BYTES;
    result = rz_pre_add_split(&v->pre, (rz_span){pattern.bytes, pattern.n}, flags, behaviour, arena, err);
    if (result == RZ_OK) v->pre.step[v->pre.n - 1].invert = rz_json_member_bool(j, "invert", false);
    return result;
}

static int add_byte_level(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err) {
    int result = RZ_OK;
    if (rz_json_member_bool(j, "add_prefix_space", true)) {
        if (!rz_pre_add(&v->pre, RZ_PRE_SPACE)) return too_many(err);
    }
    if (rz_json_member_bool(j, "use_regex", true)) {
        result = add_split(v, "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
                              "\\s+(?!\\S)|\\s+", RZ_PRE_ISOLATED, arena, err);
    }
    v->flags |= RZ_VOCAB_BYTES;
    return result;
}

/* "prepend_scheme", or the older "add_prefix_space". */
static enum rz_pre_scheme find_scheme(rz_json j) {
    rz_json_text text;
    if (!rz_json_member_text(j, "prepend_scheme", &text)) {
        return rz_json_member_bool(j, "add_prefix_space", true) ? RZ_PRE_ALWAYS : RZ_PRE_NEVER;
    }
    return rz_json_is(text, "always") ? RZ_PRE_ALWAYS : rz_json_is(text, "first") ? RZ_PRE_FIRST : RZ_PRE_NEVER;
}

static int add_metaspace(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err) {
    rz_json_text text;
    uint8_t mark[16];
    if (!rz_json_member_text(j, "replacement", &text) || text.n == 0 || text.n > sizeof mark) {
        return malformed("a Metaspace has no replacement", err);
    }
    rz_pre *s = rz_pre_add(&v->pre, RZ_PRE_METASPACE);
    if (!s) return too_many(err);
    s->mark = rz_json_keep(text, arena);
    s->scheme = find_scheme(j);
    if (!rz_json_member_bool(j, "split", true)) return RZ_OK;
    const rz_span pattern = {mark, rz_json_unescape(text, mark)};
    return rz_pre_add_split(&v->pre, pattern, RZ_REGEX_LITERAL, RZ_PRE_WITH_NEXT, arena, err);
}

static int add_delimiter(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err) {
    rz_json_text text;
    uint8_t bytes[16];
    if (!rz_json_member_text(j, "delimiter", &text) || text.n == 0 || text.n > sizeof bytes) {
        return malformed("a CharDelimiterSplit has no delimiter", err);
    }
    const rz_span pattern = {bytes, rz_json_unescape(text, bytes)};
    return rz_pre_add_split(&v->pre, pattern, RZ_REGEX_LITERAL, RZ_PRE_REMOVED, arena, err);
}

static int add_pre_tokenizer(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err) {
    static const char punctuation[] = "[\\p{P}!-/:-@\\[-`{-~]", white[] = "\\s";
    if (rz_json_type_is(j, "ByteLevel")) return add_byte_level(v, j, arena, err);
    if (rz_json_type_is(j, "Split")) return add_pattern(v, j, arena, err);
    if (rz_json_type_is(j, "Metaspace")) return add_metaspace(v, j, arena, err);
    if (rz_json_type_is(j, "CharDelimiterSplit")) return add_delimiter(v, j, arena, err);
    if (rz_json_type_is(j, "WhitespaceSplit")) return add_split(v, white, RZ_PRE_REMOVED, arena, err);
    if (rz_json_type_is(j, "Digits")) {
        const bool single = rz_json_member_bool(j, "individual_digits", false);
        return add_split(v, "\\p{N}", single ? RZ_PRE_ISOLATED : RZ_PRE_CONTIGUOUS, arena, err);
    }
    if (rz_json_type_is(j, "Punctuation")) {
        enum rz_pre_behaviour behaviour = RZ_PRE_ISOLATED;
        find_behaviour(j, &behaviour);
        return add_split(v, punctuation, behaviour, arena, err);
    }
    if (rz_json_type_is(j, "BertPreTokenizer")) {
        int result = add_split(v, white, RZ_PRE_REMOVED, arena, err);
        return result ? result : add_split(v, punctuation, RZ_PRE_ISOLATED, arena, err);
    }
    if (rz_json_type_is(j, "Whitespace")) {
        /* this pattern alone is none of Oniguruma's: \w is Unicode's, with the joiners */
        int result = add_split(v, "[\\w\\x{200c}\\x{200d}]+|[^\\w\\s\\x{200c}\\x{200d}]+", RZ_PRE_REMOVED,
                               arena, err);
        if (result == RZ_OK) v->pre.step[v->pre.n - 1].invert = true;
        return result;
    }
    return unsupported(j, "pre-tokenizer", err);
}

int rz_vocab_add_pre_tokenizers(rz_vocab *v, rz_arena *arena, rz_err *err) {
    return add_all(v, v->source.pre_tokenizer, "pretokenizers", add_pre_tokenizer, arena, err);
}

/* ---- decoders ------------------------------------------------------------------------------ */

static bool is_space_mark(rz_json_text text) {
    uint8_t bytes[16];
    return text.n <= sizeof bytes && rz_json_unescape(text, bytes) == 3 && !memcmp(bytes, "\xe2\x96\x81", 3);
}

static int read_replace(rz_vocab *v, rz_json j, rz_err *err) {
    rz_json_text text, content;
    uint32_t flags;
    int result = find_pattern(j, &text, &flags, err);
    if (result) return result;
    if (!rz_json_member_text(j, "content", &content)) return malformed("a Replace has no content", err);
    if (!is_space_mark(text) || !rz_json_is(content, " ")) return unsupported(j, "decoder", err);
    v->flags |= RZ_VOCAB_MARKS;
    return RZ_OK;
}

static int read_step(rz_vocab *v, rz_json j, rz_arena *arena, rz_err *err) {
    (void)arena;
    if (rz_json_type_is(j, "ByteLevel") || rz_json_type_is(j, "Fuse")) return RZ_OK;
    if (rz_json_type_is(j, "Replace")) return read_replace(v, j, err);
    if (rz_json_type_is(j, "ByteFallback")) {
        v->source.byte_names = true;
        return RZ_OK;
    }
    if (rz_json_type_is(j, "Metaspace")) {
        v->flags |= RZ_VOCAB_MARKS;
        if (find_scheme(j) != RZ_PRE_NEVER) v->flags |= RZ_VOCAB_STRIP_ALL;
        return RZ_OK;
    }
    if (rz_json_type_is(j, "WordPiece")) {
        v->flags |= RZ_VOCAB_WORDS;
        if (rz_json_member_bool(j, "cleanup", true)) v->flags |= RZ_VOCAB_CLEAN;
        return RZ_OK;
    }
    if (rz_json_type_is(j, "Strip")) {
        rz_json_text content;
        rz_json start;
        bool strips = rz_json_member(j, "start", &start) && rz_json_number(&start) > 0;
        if (!rz_json_member_text(j, "content", &content) || content.n != 1 || *content.p != *space.p) {
            return unsupported(j, "decoder", err);
        }
        if (strips) v->flags |= RZ_VOCAB_STRIP_FIRST;
        return RZ_OK;
    }
    return unsupported(j, "decoder", err);
}

int rz_vocab_read_decoder(rz_vocab *v, rz_err *err) {
    return add_all(v, v->source.decoder, "decoders", read_step, NULL, err);
}
