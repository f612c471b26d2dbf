/*
 * tok_bpe.c: byte-level BPE. Each word of the pre-tokenizer starts as single bytes; the pair with
 * the lowest rank merges first, leftmost on ties.
 * Source: Sennrich et al. 2016, byte level after GPT-2 (Radford et al. 2019).
 */
#include "pretok.h"
#include "tok.h"

static bool find_pair(const rz_vocab *v, const rz_tok_scratch *s, const uint8_t *text,
                      rz_tok_pair *pair) {
    (void)text;
    const rz_merge *m = v->n_merges ? rz_vocab_merge(v, s->symbols[pair->left].id,
                                                     s->symbols[pair->right].id)
                                    : NULL;
    if (!m) return false;
    pair->order = m->rank;
    pair->id = m->id;
    return true;
}

static int encode_word(const rz_vocab *v, const uint8_t *word, uint32_t n, rz_tok_scratch *s,
                       rz_tok_out *out, rz_err *err) {
    for (uint32_t i = 0; i < n; i++) rz_tok_link(s, i, i, 1, v->byte_token[word[i]]);
    rz_tok_merge_all(v, s, word, n, find_pair);
    for (uint32_t i = 0; i < n; i = s->symbols[i].next) {
        if (s->symbols[i].id != RZ_NO_TOKEN) {
            rz_tok_put(out, s->symbols[i].id);
        } else {
            int result = rz_tok_no_byte(v, word[s->symbols[i].at], out, err);
            if (result) return result;
        }
    }
    return RZ_OK;
}

int rz_tok_bpe(const rz_vocab *v, const uint8_t *text, size_t n, rz_tok_scratch *s, rz_tok_out *out,
               rz_err *err) {
    for (size_t at = 0; at < n;) {
        size_t end = rz_pretok_gpt2(text, n, at);
        int result = encode_word(v, text + at, (uint32_t)(end - at), s, out, err);
        if (result) return result;
        at = end;
    }
    return RZ_OK;
}
