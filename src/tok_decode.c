/* tok_decode.c: from tokens to text; see tok.h. */
#include "tok.h"

#include "err.h"
#include "unicode.h"

static size_t copy_text(const uint8_t *text, size_t len, uint8_t *out) {
    memcpy(out, text, len);
    return len;
}

/* U+2581 becomes a space. */
static size_t marks_text(const uint8_t *text, size_t len, uint8_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        if (text[i] == 0xe2 && len - i >= 3 && memcmp(text + i, "\xe2\x96\x81", 3) == 0) {
            out[n++] = ' ';
            i += 3;
        } else {
            out[n++] = text[i++];
        }
    }
    return n;
}

/* Characters become the bytes they stand for; a token with any other character is its text. */
static size_t bytes_text(const uint8_t *text, size_t len, uint8_t *out) {
    size_t n = 0;
    uint32_t bytes;
    for (size_t i = 0; i < len; i += bytes) {
        int byte = rz_byte_of_char(rz_utf8_decode(text + i, len - i, &bytes));
        if (byte < 0) return copy_text(text, len, out);
        out[n++] = (uint8_t)byte;
    }
    return n;
}

static bool begins(const uint8_t *text, size_t len, const char *with) {
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

/* What is written without a space in front of it: some signs, and English contractions. */
static const char *const tight[] = {".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"};

static bool is_tight(const uint8_t *text, size_t len) {
    if (len == 0 || !memchr(".?!,n'", text[0], 6)) return false;
    for (size_t i = 0; i < sizeof tight / sizeof tight[0]; i++) {
        if (begins(text, len, tight[i])) return true;
    }
    return false;
}

static bool closes(const rz_vocab *v, const uint8_t *text, size_t len) {
    return v->flags & RZ_VOCAB_CLEAN && is_tight(text, len);
}

/* The texts of word pieces: a space in front of those that start a word. */
static size_t piece_text(const rz_vocab *v, const uint8_t *text, size_t len, uint8_t *out) {
    const rz_span mark = v->next;
    if (closes(v, text, len)) return copy_text(text, len, out);
    if (mark.n && len > mark.n && memcmp(text, mark.p, mark.n) == 0) {
        return copy_text(text + mark.n, len - mark.n, out);
    }
    out[0] = ' ';
    return 1 + copy_text(text, len, out + 1);
}

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of "<0xAB>", or -1. */
static int byte_of_name(const uint8_t *text, size_t len) {
    if (len != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return -1;
    int high = hex_digit(text[3]), low = hex_digit(text[4]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

size_t rz_tok_piece(const rz_vocab *v, uint32_t id, uint32_t flags, uint8_t *out) {
    uint32_t len;
    if (id >= v->n) return 0; /* an id that only pads the model's output */
    const uint8_t *text = rz_vocab_text(v, id, &len);
    const enum rz_token_type type = rz_vocab_type(v, id);
    const bool control = type == RZ_TOKEN_CONTROL || type == RZ_TOKEN_UNKNOWN;
    if (type == RZ_TOKEN_UNKNOWN && v->unknown_text.n) {
        return copy_text(v->unknown_text.p, v->unknown_text.n, out);
    }
    if (control && !(flags & RZ_TOK_SPECIAL)) return 0;
    if (v->flags & RZ_VOCAB_WORDS) return piece_text(v, text, len, out);
    if (control || type == RZ_TOKEN_USER) return copy_text(text, len, out);
    if (type == RZ_TOKEN_BYTE) {
        int byte = byte_of_name(text, len);
        if (byte >= 0) {
            out[0] = (uint8_t)byte;
            return 1;
        }
    }
    if (v->flags & RZ_VOCAB_BYTES) return bytes_text(text, len, out);
    if (begins(text, len, "\xe2\x96\x81") && closes(v, text + 3, len - 3)) {
        return copy_text(text + 3, len - 3, out);
    }
    return v->flags & RZ_VOCAB_MARKS ? marks_text(text, len, out) : copy_text(text, len, out);
}

/* ---- whole texts --------------------------------------------------------------------------- */

/* The first piece of a text without the space in front of it, or without any. A word piece is its text there. */
static size_t first_piece(const rz_vocab *v, uint32_t id, uint8_t *piece, size_t n) {
    if (v->flags & RZ_VOCAB_WORDS) {
        uint32_t len;
        const uint8_t *text = rz_vocab_text(v, id, &len);
        return copy_text(text, len, piece);
    }
    const size_t most = v->flags & RZ_VOCAB_STRIP_ALL ? n : v->flags & RZ_VOCAB_STRIP_FIRST ? 1 : 0;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (piece[i] != ' ' || i >= most) piece[kept++] = piece[i];
    }
    return kept;
}

/* Where text goes: writes what fits, counts all. A space waits with up to 3 bytes behind it until it is
 * clear whether it stays. */
typedef struct {
    uint8_t *text;
    size_t cap, n;
    uint8_t hold[4];
    uint32_t n_hold;
} sink;

static void put_byte(sink *s, uint8_t byte) {
    if (s->n < s->cap) s->text[s->n] = byte;
    s->n++;
}

/* Lets go of the space that waits: in front of signs and contractions it vanishes, from around an apostrophe too. */
static void release(sink *s) {
    const uint8_t *behind = s->hold + 1;
    uint32_t used = 1;
    if (begins(behind, s->n_hold - 1, "' ")) {
        put_byte(s, '\'');
        used = 3;
    } else if (!is_tight(behind, s->n_hold - 1)) {
        put_byte(s, ' ');
    }
    while (used < s->n_hold && s->hold[used] != ' ') put_byte(s, s->hold[used++]);
    s->n_hold -= used;
    memmove(s->hold, s->hold + used, s->n_hold);
}

static void put_cleaned(sink *s, uint8_t byte) {
    if (s->n_hold == sizeof s->hold) release(s);
    if (s->n_hold || byte == ' ') {
        s->hold[s->n_hold++] = byte;
    } else {
        put_byte(s, byte);
    }
}

int rz_tok_decode(const rz_vocab *v, const uint32_t *ids, size_t n_ids, uint32_t flags, uint8_t *text,
                  size_t cap, size_t *n, rz_err *err) {
    uint8_t aside[4096];
    sink s = {.text = text, .cap = cap};
    bool first = true;
    for (size_t i = 0; i < n_ids; i++) {
        uint32_t bytes;
        rz_vocab_text(v, ids[i], &bytes);
        if (bytes + 2 > sizeof aside) {
            return rz_err_set(err, RZ_E_UNSUPPORTED, "a token of %u bytes is too long", bytes);
        }
        const bool fits = !(flags & RZ_TOK_CLEAN) && s.n < cap && cap - s.n >= sizeof aside;
        uint8_t *piece = fits ? text + s.n : aside;
        size_t len = rz_tok_piece(v, ids[i], flags, piece);
        if (len == 0) continue;
        if (first) len = first_piece(v, ids[i], piece, len);
        first = false;
        if (fits) {
            s.n += len;
            continue;
        }
        for (size_t at = 0; at < len; at++) {
            if (flags & RZ_TOK_CLEAN) {
                put_cleaned(&s, piece[at]);
            } else {
                put_byte(&s, piece[at]);
            }
        }
    }
    while (s.n_hold) release(&s);
    *n = s.n;
    return RZ_OK;
}
