/*
 * tok_wpm.c: WordPiece. A word is the longest token it begins with, then the longest continuing token
 * that the rest begins with, and so on; unknown as a whole if that does not come out even.
 * Source: Devlin et al. 2018 (BERT).
 */
#include "tok.h"

#include "unicode.h"

static size_t characters(rz_span word) {
    size_t n = 0;
    uint32_t bytes;
    for (size_t at = 0; at < word.n; at += bytes, n++) {
        rz_utf8_decode(word.p + at, word.n - at, &bytes);
    }
    return n;
}

/* Goes down the trie along a prefix; false if no token has it. */
static bool descend(const rz_trie *t, rz_span prefix, rz_trie_at *at) {
    *at = (rz_trie_at){0, 0};
    for (size_t i = 0; i < prefix.n; i++) {
        if (!rz_trie_step(t, at, prefix.p[i])) return false;
    }
    return true;
}

/* The tokens of a word; false if it has none. */
static bool split_word(const rz_vocab *v, rz_span word, rz_tok_out *out) {
    rz_trie_at first, next;
    const bool starts = descend(&v->trie, v->first, &first);
    const bool goes_on = descend(&v->trie, v->next, &next);
    uint32_t id;
    size_t at = 0;
    if (starts) at = rz_trie_longest(&v->trie, first, word.p, word.n, &id);
    if (at == 0) return false;
    rz_tok_put(out, id);
    while (at < word.n) {
        size_t n = goes_on ? rz_trie_longest(&v->trie, next, word.p + at, word.n - at, &id) : 0;
        if (n == 0) return false;
        rz_tok_put(out, id);
        at += n;
    }
    return true;
}

int rz_tok_wpm(const rz_vocab *v, rz_span word, rz_tok_scratch *s, rz_tok_out *out, rz_err *err) {
    const size_t before = out->n;
    (void)s;
    if (!(v->most_chars && word.n > v->most_chars && characters(word) > v->most_chars)) {
        if (split_word(v, word, out)) return RZ_OK;
    }
    out->n = before;
    return rz_tok_no_byte(v, word.p[0], out, err);
}
