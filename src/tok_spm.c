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

static bool find_pair(const rz_vocab *v, const rz_tok_scratch *s, const uint8_t *text,
                      rz_tok_pair *pair) {
    pair->id = rz_vocab_find(v, text + s->symbols[pair->left].at, pair->len);
    if (pair->id == RZ_NO_TOKEN) return false;
    pair->order = order_of_score(rz_vocab_score(v, pair->id));
    return true;
}

/* Copies the text with every space as U+2581, one more in front where the vocabulary wants it. */
static uint32_t escape_spaces(uint8_t *out, const uint8_t *text, size_t n, bool prefix) {
    uint32_t len = 0;
    if (prefix) {
        memcpy(out, "\xe2\x96\x81", 3);
        len = 3;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] == ' ') {
            memcpy(out + len, "\xe2\x96\x81", 3);
            len += 3;
        } else {
            out[len++] = text[i];
        }
    }
    return len;
}

int rz_tok_spm(const rz_vocab *v, const uint8_t *text, size_t n, bool first, rz_tok_scratch *s,
               rz_tok_out *out, rz_err *err) {
    uint32_t len = escape_spaces(s->text, text, n, first && v->add_space_prefix);
    uint32_t n_symbols = 0, bytes;
    for (uint32_t at = 0; at < len; at += bytes) {
        rz_utf8_decode(s->text + at, len - at, &bytes);
        rz_tok_link(s, n_symbols++, at, bytes, RZ_NO_TOKEN);
    }
    rz_tok_merge_all(v, s, s->text, n_symbols, find_pair);

    for (uint32_t i = 0; i < n_symbols; i = s->symbols[i].next) {
        const rz_tok_symbol *symbol = &s->symbols[i];
        uint32_t id = symbol->id;
        if (id == RZ_NO_TOKEN) id = rz_vocab_find(v, s->text + symbol->at, symbol->len);
        if (id != RZ_NO_TOKEN) {
            rz_tok_put(out, id);
            continue;
        }
        for (uint32_t b = 0; b < symbol->len; b++) {
            uint8_t byte = s->text[symbol->at + b];
            id = v->byte_token[byte];
            if (id != RZ_NO_TOKEN) {
                rz_tok_put(out, id);
            } else {
                int result = rz_tok_no_byte(v, byte, out, err);
                if (result) return result;
            }
        }
    }
    return RZ_OK;
}
