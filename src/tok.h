/*
 * tok.h: text to tokens and back.
 *
 * Encoding splits off special tokens, then leaves each stretch of plain text to one of the two
 * algorithms. It allocates nothing: the caller brings scratch memory of rz_tok_scratch() bytes.
 * Text is any bytes; the vocabulary was checked by vocab.c.
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
    uint32_t id;         /* token of the symbol (BPE), or RZ_NO_TOKEN */
} rz_tok_symbol;

/* A pair of neighbours that could merge; kept in a heap, best first. */
typedef struct {
    uint32_t left, right;
    uint32_t len;   /* bytes of both when it was found: tells stale entries */
    uint32_t order; /* smaller merges first */
    uint32_t id;    /* the joined token */
} rz_tok_pair;

typedef struct {
    rz_tok_symbol *symbols; /* room for text + 1 */
    rz_tok_pair *heap;      /* room for 2 (text + 1) */
    uint32_t n_heap;
    uint8_t *text; /* SPM: the text with its spaces replaced, room for 3 (text + 1) */
} rz_tok_scratch;

size_t rz_tok_scratch_bytes(size_t text_bytes);

/* Ids of a text; flags are RZ_TOK_*. RZ_E_VALUE where the vocabulary cannot express a byte. */
int rz_tok_encode(const rz_vocab *v, const uint8_t *text, size_t n, uint32_t flags, void *scratch,
                  rz_tok_out *out, rz_err *err);

/* Bytes of one token inside a text; returns their number, at most rz_tok_piece_max(). */
size_t rz_tok_piece(const rz_vocab *v, uint32_t id, uint32_t flags, uint8_t *out);
static inline size_t rz_tok_piece_max(const rz_vocab *v) { return (size_t)v->longest + 1; }

/* ---- shared by tok_spm.c and tok_bpe.c ------------------------------------------------------ */

void rz_tok_heap_push(rz_tok_scratch *s, rz_tok_pair pair);
rz_tok_pair rz_tok_heap_pop(rz_tok_scratch *s);

/* Appends a neighbour to the right end of the list. */
void rz_tok_link(rz_tok_scratch *s, uint32_t i, uint32_t at, uint32_t len, uint32_t id);

/* Merges the best pairs until none is left. `find` says what a pair of symbols would become. */
typedef bool rz_tok_find_pair(const rz_vocab *v, const rz_tok_scratch *s, const uint8_t *text,
                              rz_tok_pair *pair);
void rz_tok_merge_all(const rz_vocab *v, rz_tok_scratch *s, const uint8_t *text, uint32_t n_symbols,
                      rz_tok_find_pair *find);

/* One stretch of plain text. `first`: it stands at the start or behind a special token. */
int rz_tok_spm(const rz_vocab *v, const uint8_t *text, size_t n, bool first, rz_tok_scratch *s,
               rz_tok_out *out, rz_err *err);
int rz_tok_bpe(const rz_vocab *v, const uint8_t *text, size_t n, rz_tok_scratch *s, rz_tok_out *out,
               rz_err *err);

int rz_tok_no_byte(const rz_vocab *v, uint8_t byte, rz_tok_out *out, rz_err *err);

#endif
