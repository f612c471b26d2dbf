/*
 * tok_spm.c: SentencePiece BPE. Neighbouring symbols merge into the token with the highest score,
 * leftmost first, until no two join to a token; what is no token then is written as bytes.
 * Source: SentencePiece (Kudo and Richardson 2018); order of merges as in llama.cpp.
 */
#include "tok.h"

#include "unicode.h"

/* A key that is smaller for higher scores. */
static uint32_t order_of_score(float score) {
    uint32_t bits = rz_bits_from_f32(score + 0.0f); /* -0 and 0 are equal */
    return bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
}

static bool find_pair(const rz_vocab *v, const uint8_t *text, rz_tok_symbol *left,
                      const rz_tok_symbol *right) {
    const uint32_t len = left->len + right->len;
    if (len > v->longest) return false;
    left->joined = rz_vocab_find(v, text + left->at, len);
    if (left->joined == RZ_NO_TOKEN) return false;
    left->order = order_of_score((float)rz_vocab_score(v, left->joined));
    return true;
}

int rz_tok_spm(const rz_vocab *v, rz_span word, rz_tok_scratch *s, rz_tok_out *out, rz_err *err) {
    uint32_t n = 0, bytes;
    for (uint32_t at = 0; at < word.n; at += bytes) {
        rz_utf8_decode(word.p + at, word.n - at, &bytes);
        rz_tok_link(s, n++, at, bytes, RZ_NO_TOKEN);
    }
    rz_tok_merge_all(v, s, word.p, n, find_pair);
    for (uint32_t i = 0; i < n; i = s->symbols[i].next) {
        const rz_tok_symbol *symbol = &s->symbols[i];
        uint32_t id = symbol->id;
        if (id == RZ_NO_TOKEN) id = rz_vocab_find(v, word.p + symbol->at, symbol->len);
        if (id != RZ_NO_TOKEN) {
            rz_tok_put(out, id);
            continue;
        }
        for (uint32_t b = 0; b < symbol->len; b++) {
            uint8_t byte = word.p[symbol->at + b];
            int result = rz_tok_no_byte(v, byte, out, err);
            if (result) return result;
        }
    }
    return RZ_OK;
}
