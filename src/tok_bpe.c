/*
 * tok_bpe.c: BPE by ranks. A word starts as single bytes or characters; the pair with the lowest
 * rank merges first, leftmost on ties.
 * Source: Sennrich et al. 2016, byte level after GPT-2 (Radford et al. 2019), fallback to byte tokens
 * and the unknown token as in Hugging Face tokenizers.
 */
#include "tok.h"

#include "unicode.h"

static bool find_pair(const rz_vocab *v, const uint8_t *text, rz_tok_symbol *left,
                      const rz_tok_symbol *right) {
    (void)text;
    if (left->id == RZ_NO_TOKEN || right->id == RZ_NO_TOKEN || !v->n_merges) return false;
    const rz_merge *m = rz_vocab_merge(v, left->id, right->id);
    if (!m) return false;
    left->order = m->rank;
    left->joined = m->id;
    return true;
}

/* ---- words that need no merging -------------------------------------------------------------- */

/* The token that is the whole word, or RZ_NO_TOKEN. */
static uint32_t whole_word(const rz_vocab *v, rz_span word, uint8_t *text) {
    if (word.n > v->longest) return RZ_NO_TOKEN;
    if (!(v->flags & RZ_VOCAB_BYTES)) return rz_vocab_find(v, word.p, word.n);
    size_t n = 0;
    for (size_t i = 0; i < word.n; i++) {
        uint8_t c[4];
        uint32_t bytes = rz_utf8_encode(rz_char_of_byte(word.p[i]), c);
        if (n + bytes > v->longest) return RZ_NO_TOKEN;
        memcpy(text + n, c, bytes);
        n += bytes;
    }
    return rz_vocab_find(v, text, n);
}

static bool all_newlines(rz_span word) {
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] != '\n') return false;
    }
    return true;
}

static rz_tok_seen *seen_at(rz_tok_scratch *s, rz_span word) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < word.n; i++) h = (h ^ word.p[i]) * 16777619u;
    return &s->seen[(h ^ h >> 15) % RZ_TOK_SEEN];
}

/* ---- merging ------------------------------------------------------------------------------- */

static uint32_t link_bytes(const rz_vocab *v, rz_span word, rz_tok_scratch *s) {
    for (uint32_t i = 0; i < word.n; i++) rz_tok_link(s, i, i, 1, v->byte_token[word.p[i]]);
    return (uint32_t)word.n;
}

/* Characters; those without a token become bytes where all of these have one. */
static uint32_t link_characters(const rz_vocab *v, rz_span word, rz_tok_scratch *s) {
    uint32_t n = 0, bytes;
    for (uint32_t at = 0; at < word.n; at += bytes) {
        rz_utf8_decode(word.p + at, word.n - at, &bytes);
        uint32_t id = rz_vocab_find(v, word.p + at, bytes), known = 0;
        if (id == RZ_NO_TOKEN && v->flags & RZ_VOCAB_BYTE_FALLBACK) {
            while (known < bytes && v->byte_token[word.p[at + known]] != RZ_NO_TOKEN) known++;
        }
        if (known < bytes) {
            rz_tok_link(s, n++, at, bytes, id);
            continue;
        }
        for (uint32_t b = 0; b < bytes; b++) {
            rz_tok_link(s, n++, at + b, 1, v->byte_token[word.p[at + b]]);
        }
    }
    return n;
}

/* What has no token becomes the unknown one; without that it is left out, as both references do. */
static void put_symbols(const rz_vocab *v, rz_tok_scratch *s, uint32_t n, rz_tok_out *out) {
    bool unknown = false;
    for (uint32_t i = 0; i < n; i = s->symbols[i].next) {
        const rz_tok_symbol *symbol = &s->symbols[i];
        if (symbol->id != RZ_NO_TOKEN) {
            rz_tok_put(out, symbol->id);
            unknown = false;
            continue;
        }
        if (v->unknown == RZ_NO_TOKEN || (unknown && v->flags & RZ_VOCAB_FUSE_UNKNOWN)) continue;
        rz_tok_put(out, v->unknown);
        unknown = true;
    }
}

int rz_tok_bpe(const rz_vocab *v, rz_span word, rz_tok_scratch *s, rz_tok_out *out, rz_err *err) {
    (void)err;
    if (v->flags & RZ_VOCAB_IGNORE_MERGES || (v->flags & RZ_VOCAB_NEWLINES && all_newlines(word))) {
        uint32_t id = whole_word(v, word, s->text);
        if (id != RZ_NO_TOKEN) {
            rz_tok_put(out, id);
            return RZ_OK;
        }
    }
    rz_tok_seen *seen = word.n <= sizeof seen->word ? seen_at(s, word) : NULL;
    if (seen && seen->len == word.n && memcmp(seen->word, word.p, word.n) == 0) {
        for (uint32_t i = 0; i < seen->n_ids; i++) rz_tok_put(out, seen->ids[i]);
        return RZ_OK;
    }
    uint32_t n = v->flags & RZ_VOCAB_BYTES ? link_bytes(v, word, s) : link_characters(v, word, s);
    rz_tok_merge_all(v, s, word.p, n, find_pair);
    if (!seen) {
        put_symbols(v, s, n, out);
        return RZ_OK;
    }
    uint32_t ids[sizeof seen->word];
    rz_tok_out few = {ids, sizeof seen->word, 0};
    put_symbols(v, s, n, &few);
    for (size_t i = 0; i < few.n; i++) rz_tok_put(out, ids[i]);
    if (few.n > sizeof seen->ids / sizeof seen->ids[0]) return RZ_OK;
    memcpy(seen->word, word.p, word.n);
    memcpy(seen->ids, ids, few.n * sizeof *ids);
    seen->len = (uint8_t)word.n;
    seen->n_ids = (uint8_t)few.n;
    return RZ_OK;
}
