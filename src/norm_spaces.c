/*
 * norm_spaces.c: SentencePiece's compiled character map and what goes with it, and the words of
 * llama.cpp's BERT; see norm.h. The map comes from a file: every index is checked where it is used.
 * Sources: SentencePiece (Kudo and Richardson 2018); Darts-clone's double array; the order of things
 * as in llama.cpp and Hugging Face tokenizers, each for its own files.
 */
#include "norm.h"

#include "unicode.h"

static const uint8_t mark[] = {0xe2, 0x96, 0x81}; /* U+2581 */

bool rz_charsmap_open(rz_charsmap *map, const uint8_t *p, size_t n) {
    *map = (rz_charsmap){0};
    if (n == 0) return true;
    if (n < 4) return false;
    uint32_t bytes = rz_load_u32(p);
    if (bytes > n - 4 || bytes % 4) return false;
    *map = (rz_charsmap){p + 4, bytes / 4, p + 4 + bytes, n - 4 - bytes};
    return true;
}

/* Units hold a label in bits 0-7, a leaf flag in bit 8, and an offset in the others. */
static uint32_t unit_at(const rz_charsmap *map, uint32_t i) {
    return i < map->n_units ? rz_load_u32(map->units + 4 * (size_t)i) : 0x80000000u;
}

static uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & 0x200) >> 6); }

/* Length of the longest key (or the first that ends) that the text begins with, 0 if there is none;
 * *value becomes the place of its replacement. */
static size_t find_key(const rz_charsmap *map, const uint8_t *p, size_t n, bool longest,
                       uint32_t *value) {
    if (map->n_units == 0) return 0;
    uint32_t node = offset_of(unit_at(map, 0));
    size_t found = 0;
    for (size_t i = 0; i < n && p[i]; i++) {
        node ^= p[i];
        uint32_t unit = unit_at(map, node);
        if ((unit & 0x800000ffu) != p[i]) break;
        node ^= offset_of(unit);
        if (unit & 0x100) {
            found = i + 1;
            *value = unit_at(map, node) & 0x7fffffffu;
            if (!longest) break;
        }
    }
    return found;
}

/* The text at `value`; empty where there is none. */
static rz_span replacement(const rz_charsmap *map, uint32_t value) {
    if (value >= map->n_texts) return (rz_span){NULL, 0};
    const uint8_t *p = map->texts + value, *end = memchr(p, 0, map->n_texts - value);
    return (rz_span){p, end ? (size_t)(end - p) : 0};
}

/* What the text begins with in normal form; *used becomes the bytes it takes. */
static rz_span normal_prefix(const rz_charsmap *map, const uint8_t *p, size_t n, size_t *used) {
    static const uint8_t unknown[] = {0xef, 0xbf, 0xbd};
    uint32_t value, bytes;
    *used = find_key(map, p, n, true, &value);
    if (*used) return replacement(map, value);
    uint32_t c = rz_utf8_decode(p, n, &bytes);
    *used = bytes;
    return c == RZ_UC_INVALID ? (rz_span){unknown, 3} : (rz_span){p, bytes};
}

/* Every character alone is tried; longer keys of a sane map shrink a text. */
void rz_charsmap_measure(rz_norm_step *s) {
    bool marks = s->flags & RZ_NORM_MARK;
    s->growth = s->type == RZ_NORM_CHARSMAP ? 1 : 3; /* a space, or a byte that is no UTF-8 */
    s->per = 1;
    s->more = 3;
    for (uint32_t c = 1; c < 0x110000 && s->map.n_units; c++) {
        uint8_t p[4];
        uint32_t value, bytes;
        if (c == 0xd800) c = 0xe000;
        if (c == 0x30000) c = 0xe0000;
        bytes = rz_utf8_encode(c, p);
        size_t used = find_key(&s->map, p, bytes, true, &value);
        if (!used) continue;
        rz_span to = replacement(&s->map, value);
        size_t size = to.n;
        for (size_t i = 0; marks && i < to.n; i++) size += to.p[i] == ' ' ? 2 : 0;
        if (size > 64) size = 64;
        size = (size + used - 1) / used;
        if (size > s->growth) s->growth = (uint32_t)size;
    }
}

/* ---- Hugging Face -------------------------------------------------------------------------- */

/* True if c continues the grapheme before it: marks, joiners, modifiers. */
static bool extends(uint32_t c) {
    uint32_t category = rz_uc_class(c) & RZ_UC_CATEGORY;
    if (category == RZ_UC_MN || category == RZ_UC_ME) return true;
    if (category == RZ_UC_MC) {
        return !(c == 0x102b || c == 0x102c || c == 0x1038 || (c >= 0x1062 && c <= 0x1064) ||
                 (c >= 0x1067 && c <= 0x106d) || c == 0x1083 || (c >= 0x1087 && c <= 0x108c) ||
                 c == 0x108f || (c >= 0x109a && c <= 0x109c) || c == 0x1a61 || c == 0x1a63 ||
                 c == 0x1a64 || c == 0xaa7b || c == 0xaa7d);
    }
    return c == 0x200c || c == 0x200d || c == 0xff9e || c == 0xff9f || c == 0xe33 || c == 0xeb3;
}

/* Length of the grapheme at p, as far as it matters: those of 6 bytes and more are all alike. */
static size_t grapheme(const uint8_t *p, size_t n) {
    uint32_t bytes, c = rz_utf8_decode(p, n, &bytes), more;
    size_t at = bytes;
    if (c == '\r' && n > 1 && p[1] == '\n') return 2;
    uint32_t category = rz_uc_class(c) & RZ_UC_CATEGORY;
    if (category == RZ_UC_CC || category == RZ_UC_ZL || category == RZ_UC_ZP) return at;
    if (category == RZ_UC_CF && c != 0x200d && c != 0x200c) return at;
    while (at < n && at < 6 && extends(rz_utf8_decode(p + at, n - at, &more))) at += more;
    return at;
}

/* Graphemes of less than 6 bytes are looked up whole, but it is the first key they begin with that
 * replaces all of them; others go character by character. So it is, and models were trained with it. */
void rz_norm_charsmap(const rz_norm_step *s, rz_span in, rz_norm_out *o) {
    uint32_t value, bytes;
    for (size_t at = 0; at < in.n;) {
        size_t whole = grapheme(in.p + at, in.n - at), end = at + whole;
        if (whole < 6 && find_key(&s->map, in.p + at, whole, false, &value)) {
            rz_span to = replacement(&s->map, value);
            rz_norm_put(o, to.p, to.n);
            at = end;
            continue;
        }
        for (; at < end; at += bytes) {
            rz_utf8_decode(in.p + at, in.n - at, &bytes);
            rz_span to = {in.p + at, bytes};
            if (find_key(&s->map, in.p + at, bytes, false, &value)) to = replacement(&s->map, value);
            rz_norm_put(o, to.p, to.n);
        }
    }
}

/* ---- SentencePiece ------------------------------------------------------------------------- */

static void put_space(const rz_norm_step *s, rz_norm_out *o) {
    rz_norm_put(o, s->flags & RZ_NORM_MARK ? mark : (const uint8_t *)" ",
                s->flags & RZ_NORM_MARK ? 3 : 1);
}

static bool is_space(rz_span text) { return text.n == 1 && text.p[0] == ' '; }

void rz_norm_spm(const rz_norm_step *s, bool first, rz_span in, rz_norm_out *o) {
    const bool merge = s->flags & RZ_NORM_MERGE;
    const bool extra = first || !(s->flags & RZ_NORM_FIRST_ONLY);
    size_t at = 0, used, start;
    while (merge && at < in.n && is_space(normal_prefix(&s->map, in.p + at, in.n - at, &used))) {
        at += used;
    }
    if (at == in.n) return;
    if (s->flags & RZ_NORM_PREFIX && extra) put_space(s, o);
    start = o->n;
    bool after_space = merge && extra;
    for (; at < in.n; at += used) {
        rz_span to = normal_prefix(&s->map, in.p + at, in.n - at, &used);
        while (after_space && to.n && to.p[0] == ' ') to = (rz_span){to.p + 1, to.n - 1};
        for (size_t i = 0; i < to.n; i++) {
            if (to.p[i] == ' ') {
                put_space(s, o);
            } else {
                rz_norm_put(o, to.p + i, 1);
            }
        }
        if (to.n) after_space = merge && to.p[to.n - 1] == ' ';
    }
    const size_t width = s->flags & RZ_NORM_MARK ? 3 : 1;
    while (merge && o->n >= start + width) {
        const uint8_t *last = o->p + o->n - width;
        if (width == 3 ? memcmp(last, mark, 3) != 0 : *last != ' ') break;
        o->n -= width;
    }
    if (s->flags & RZ_NORM_SUFFIX) put_space(s, o);
}

void rz_norm_ugm(const rz_norm_step *s, rz_span in, rz_norm_out *o) {
    const bool merge = s->flags & RZ_NORM_MERGE;
    bool prefix = s->flags & RZ_NORM_PREFIX, in_word = false;
    size_t used;
    for (size_t at = 0; at < in.n; at += used) {
        rz_span to = normal_prefix(&s->map, in.p + at, in.n - at, &used);
        for (size_t i = 0; i < to.n; i++) {
            if (to.p[i] == ' ') {
                in_word = false;
                if (!merge) put_space(s, o);
                continue;
            }
            if (!in_word && (prefix || merge)) {
                put_space(s, o);
                prefix = false;
            }
            in_word = true;
            rz_norm_put(o, to.p + i, 1);
        }
    }
    if (s->flags & RZ_NORM_SUFFIX) put_space(s, o);
}

/* ---- llama.cpp's BERT ----------------------------------------------------------------------- */

static void end_word(rz_norm_out *o, size_t *start) {
    if (o->n > *start) rz_norm_put(o, (const uint8_t *)" ", 1);
    *start = o->n;
}

void rz_norm_wpm(const rz_norm_step *s, rz_span in, rz_norm_out *o) {
    uint32_t bytes, parts[RZ_UC_MAX_DECOMPOSED];
    size_t start = 0; /* of the word being written */
    for (size_t at = 0; at < in.n; at += bytes) {
        uint32_t c = rz_utf8_decode(in.p + at, in.n - at, &bytes);
        if (c == RZ_UC_INVALID) continue; /* becomes U+FFFD, which is left out */
        if (s->flags & RZ_NORM_ACCENTS) { /* the first character of its decomposition */
            rz_uc_decompose(c, false, parts);
            c = parts[0];
        }
        uint32_t class = rz_uc_class(c);
        if (rz_uc_space(class)) {
            end_word(o, &start);
            continue;
        }
        bool control = rz_uc_in(class, RZ_UC_OTHERS & ~(1u << RZ_UC_CN));
        if (c == 0 || c == 0xfffd || control) continue;
        if (s->flags & RZ_NORM_ACCENTS && rz_uc_in(class, RZ_UC_MARKS)) continue;
        bool alone = rz_uc_in(class, RZ_UC_PUNCTUATION) ||
                     (c < 0x7f && rz_uc_in(class, RZ_UC_SYMBOLS)) || rz_norm_chinese(c);
        if (alone) end_word(o, &start);
        rz_norm_put_char(o, s->flags & RZ_NORM_LOWERCASE ? rz_uc_lower(c) : c);
        if (alone) end_word(o, &start);
    }
}
