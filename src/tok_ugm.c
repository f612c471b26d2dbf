/*
 * tok_ugm.c: Unigram. Of all ways to write a text as tokens the one with the highest sum of scores,
 * found by going over the text once (Viterbi). A character that is no token is unknown.
 * Source: Kudo 2018; sums and ties as in Hugging Face tokenizers, in single precision as in llama.cpp.
 */
#include "tok.h"

#include "unicode.h"

enum { nowhere = UINT32_MAX };

static void offer(const rz_vocab *v, rz_tok_best *to, double score, uint32_t from, uint32_t id) {
    if (to->from != nowhere && score <= to->score) return;
    *to = (rz_tok_best){v->flags & RZ_VOCAB_FLOAT ? (double)(float)score : score, from, id};
}

static void find_best(const rz_vocab *v, rz_span word, rz_tok_best *best) {
    uint32_t bytes;
    for (size_t i = 0; i <= word.n; i++) best[i] = (rz_tok_best){0, nowhere, RZ_NO_TOKEN};
    best[0].from = 0;
    for (uint32_t at = 0; at < word.n; at += bytes) {
        const double so_far = best[at].score;
        bool alone = false; /* the character is a token */
        rz_trie_at place = {0, 0};
        rz_utf8_decode(word.p + at, word.n - at, &bytes);
        for (uint32_t i = at; i < word.n && rz_trie_step(&v->trie, &place, word.p[i]);) {
            uint32_t id = rz_trie_value(&v->trie, place);
            i++;
            if (id == RZ_NO_TOKEN) continue;
            if (i == at + bytes) alone = true;
            bool user = v->flags & RZ_VOCAB_FLOAT && rz_vocab_type(v, id) == RZ_TOKEN_USER;
            offer(v, &best[i], so_far + (user ? 0 : rz_vocab_score(v, id)), at, id);
        }
        if (!alone) offer(v, &best[at + bytes], so_far + v->unknown_score, at, v->unknown);
    }
}

/* Turns the chain of places round: each then says in `from` where the token it starts ends. */
static void turn_round(rz_tok_best *best, uint32_t n) {
    uint32_t end = n, id = best[n].id, start = best[n].from;
    while (end > 0) {
        uint32_t before = best[start].from, id_before = best[start].id;
        best[start].from = end;
        best[start].id = id;
        end = start;
        start = before;
        id = id_before;
    }
}

/* Unknown text: its bytes where all of them have tokens, else the unknown token. */
static int put_unknown(const rz_vocab *v, rz_span text, rz_tok_out *out, rz_err *err) {
    size_t known = 0;
    if (v->flags & RZ_VOCAB_BYTE_FALLBACK) {
        while (known < text.n && v->byte_token[text.p[known]] != RZ_NO_TOKEN) known++;
    }
    if (known < text.n) {
        if (v->unknown == RZ_NO_TOKEN) return rz_tok_no_byte(v, text.p[0], out, err);
        rz_tok_put(out, v->unknown);
        return RZ_OK;
    }
    for (size_t i = 0; i < text.n; i++) rz_tok_put(out, v->byte_token[text.p[i]]);
    return RZ_OK;
}

int rz_tok_ugm(const rz_vocab *v, rz_span word, rz_tok_scratch *s, rz_tok_out *out, rz_err *err) {
    rz_tok_best *best = s->best;
    const uint32_t n = (uint32_t)word.n;
    find_best(v, word, best);
    turn_round(best, n);
    for (uint32_t at = 0, end; at < n; at = end) {
        end = best[at].from;
        if (best[at].id != v->unknown) {
            rz_tok_put(out, best[at].id);
            continue;
        }
        while (v->flags & RZ_VOCAB_FUSE_UNKNOWN && end < n && best[end].id == v->unknown) {
            end = best[end].from;
        }
        int result = put_unknown(v, (rz_span){word.p + at, end - at}, out, err);
        if (result) return result;
    }
    return RZ_OK;
}
