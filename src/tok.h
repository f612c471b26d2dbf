/*
 * tok.h: text to tokens and back.
 *
 * Encoding splits off special tokens, normalises each stretch of plain text, splits it into words and
 * leaves each of them to one of four algorithms. It allocates nothing: the caller brings scratch
 * memory of rz_tok_scratch_bytes(). Text is any bytes; the vocabulary was checked when it was read.
 */
#ifndef RZ_TOK_H
#define RZ_TOK_H

#include "vocab.h"

/* Where ids go: writes what fits, counts all. */
typedef struct {
    uint32_t *ids;
    size_t cap, n;
} rz_tok_out;

static inline void rz_tok_put(rz_tok_out *out, uint32_t id) {
    if (out->n < out->cap) out->ids[out->n] = id;
    out->n++;
}

/* A stretch of text during merging: a list of symbols that merge into tokens. */
typedef struct {
    uint32_t prev, next; /* neighbours in the list; UINT32_MAX at its ends */
    uint32_t at, len;    /* bytes of the text; len 0: merged into its left neighbour */
    uint32_t id;         /* token of the symbol, or RZ_NO_TOKEN */
    uint32_t order;      /* of the merge with the right neighbour: smaller ones come first */
    uint32_t joined;     /* what they become, or RZ_NO_TOKEN */
} rz_tok_symbol;

/* Unigram: the best way to come to a place of the text. */
typedef struct {
    double score;
    uint32_t from, id;
} rz_tok_best;

/* A short word and its tokens, seen before in the same text. */
typedef struct {
    uint8_t word[22];
    uint8_t len, n_ids; /* len 0: free */
    uint32_t ids[4];
} rz_tok_seen;

enum { RZ_TOK_SEEN = 2048 };

typedef struct {
    rz_tok_symbol *symbols; /* room for `room` */
    uint64_t *heap;         /* order << 32 | symbol; room for 2 `room` */
    uint32_t n_heap;
    uint64_t room;
    rz_tok_best *best;      /* Unigram: one for each byte of a word and one more */
    uint8_t *text;          /* as long as the longest token: a word written in another way */
    rz_tok_seen *seen;      /* [RZ_TOK_SEEN] */
    rz_norm_rooms norm;
    rz_pretok pretok;
} rz_tok_scratch;

/* SIZE_MAX if it cannot be addressed. */
size_t rz_tok_scratch_bytes(const rz_vocab *v, size_t text_bytes);

/* Ids of a text; flags are RZ_TOK_*. RZ_E_VALUE where the vocabulary cannot express a byte. */
int rz_tok_encode(const rz_vocab *v, const uint8_t *text, size_t n, uint32_t flags, void *scratch,
                  rz_tok_out *out, rz_err *err);

/* Bytes of one token inside a text; returns their number, at most rz_tok_piece_max(). */
size_t rz_tok_piece(const rz_vocab *v, uint32_t id, uint32_t flags, uint8_t *out);
static inline size_t rz_tok_piece_max(const rz_vocab *v) { return (size_t)v->longest + 8; }
/* The text of a list of ids: at most cap bytes are written, *n becomes its length. */
int rz_tok_decode(const rz_vocab *v, const uint32_t *ids, size_t n_ids, uint32_t flags, uint8_t *text,
                  size_t cap, size_t *n, rz_err *err);

/* ---- shared by the algorithms --------------------------------------------------------------- */

/* Appends a neighbour to the right end of the list. */
void rz_tok_link(rz_tok_scratch *s, uint32_t i, uint32_t at, uint32_t len, uint32_t id);

/* Merges the best pairs until none is left, leftmost of equals. `find` says what a pair of neighbours
 * would become: it sets `order` and `joined` of the left one. */
typedef bool rz_tok_find_pair(const rz_vocab *v, const uint8_t *text, rz_tok_symbol *left,
                              const rz_tok_symbol *right);
void rz_tok_merge_all(const rz_vocab *v, rz_tok_scratch *s, const uint8_t *text, uint32_t n_symbols,
                      rz_tok_find_pair *find);

/* One word. */
typedef int rz_tok_word(const rz_vocab *v, rz_span word, rz_tok_scratch *s, rz_tok_out *out,
                        rz_err *err);
rz_tok_word rz_tok_spm, rz_tok_bpe, rz_tok_wpm, rz_tok_ugm;

int rz_tok_no_byte(const rz_vocab *v, uint8_t byte, rz_tok_out *out, rz_err *err);

#endif
