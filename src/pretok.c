/* pretok.c: see pretok.h. Input is any bytes. */
#include "pretok.h"

#include "unicode.h"

enum word_kind { LETTERS, NUMBERS, SPACES, OTHERS };

static enum word_kind kind_at(const uint8_t *text, size_t n, size_t at, uint32_t *bytes) {
    uint32_t class = rz_uc_class(rz_utf8_decode(text + at, n - at, bytes));
    if (rz_uc_letter(class)) return LETTERS;
    if (rz_uc_number(class)) return NUMBERS;
    return rz_uc_space(class) ? SPACES : OTHERS;
}

/* Length of a contraction at the apostrophe text[0], or 0. */
static size_t contraction(const uint8_t *text, size_t n) {
    if (n < 2) return 0;
    if (text[1] == 's' || text[1] == 't' || text[1] == 'm' || text[1] == 'd') return 2;
    if (n < 3) return 0;
    bool two = (text[1] == 'r' && text[2] == 'e') || (text[1] == 'v' && text[2] == 'e') ||
               (text[1] == 'l' && text[2] == 'l');
    return two ? 3 : 0;
}

static size_t run_end(const uint8_t *text, size_t n, size_t at, enum word_kind kind) {
    uint32_t bytes;
    while (at < n && kind_at(text, n, at, &bytes) == kind) at += bytes;
    return at;
}

size_t rz_pretok_gpt2(const uint8_t *text, size_t n, size_t at) {
    uint32_t bytes, next_bytes;
    if (text[at] == '\'') {
        size_t length = contraction(text + at, n - at);
        if (length) return at + length;
    }
    enum word_kind kind = kind_at(text, n, at, &bytes);
    if (kind != SPACES) return run_end(text, n, at + bytes, kind);

    if (text[at] == ' ' && at + 1 < n) {
        enum word_kind next = kind_at(text, n, at + 1, &next_bytes);
        if (next != SPACES) return run_end(text, n, at + 1, next);
    }
    /* white space: all of it at the end of the text, else all but its last character */
    size_t last = at, end = at;
    while (end < n && kind_at(text, n, end, &bytes) == SPACES) {
        last = end;
        end += bytes;
    }
    return end == n || last == at ? end : last;
}
