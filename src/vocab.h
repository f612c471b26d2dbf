/*
 * vocab.h: the vocabulary of a model, as found in GGUF metadata: texts, scores, types, merges.
 *
 * Texts stay in the header of the file; the arena holds the tables that find them. Token ids handed
 * to these functions must be below `n`; arrays were checked to have n elements.
 */
#ifndef RZ_VOCAB_H
#define RZ_VOCAB_H

#include "arena.h"
#include "gguf.h"

enum rz_vocab_kind {
    RZ_VOCAB_NONE, /* the file has no tokenizer: ids only */
    RZ_VOCAB_SPM,  /* SentencePiece BPE: pairs merge by score */
    RZ_VOCAB_BPE   /* byte-level BPE: words by a pre-tokenizer, pairs merge by rank */
};

enum rz_token_type { /* as in the files */
    RZ_TOKEN_NORMAL = 1,
    RZ_TOKEN_UNKNOWN = 2,
    RZ_TOKEN_CONTROL = 3,
    RZ_TOKEN_USER = 4,
    RZ_TOKEN_UNUSED = 5,
    RZ_TOKEN_BYTE = 6
};

/* A merge of two tokens; slots of a hash table, free where left == RZ_NO_TOKEN. */
typedef struct {
    uint32_t left, right;
    uint32_t rank; /* lower merges first */
    uint32_t id;   /* the joined token */
} rz_merge;

typedef struct {
    enum rz_vocab_kind kind;
    uint32_t n;              /* tokens; at most 2^24 - 2 */
    const uint8_t *tokens;   /* string array in the file */
    const uint8_t *scores;   /* f32[n], unaligned; NULL: none */
    const uint8_t *types;    /* i32[n], unaligned; NULL: all normal */
    const uint8_t *merges;   /* string array in the file; NULL: none */
    uint32_t n_merges;
    uint32_t bos, eos, unknown; /* ids or RZ_NO_TOKEN */
    bool add_bos, add_eos, add_space_prefix;

    const uint8_t **text;    /* [n] first byte of the text; its length stands in the 8 bytes before */
    uint32_t *slots;         /* [slot_mask + 1] hash bits << 24 | id + 1; 0: free */
    uint32_t slot_mask;
    rz_merge *merge_slots;   /* [merge_mask + 1] */
    uint32_t merge_mask;
    uint32_t *special;       /* [n_special] control and user-defined tokens, longest text first */
    uint32_t n_special;
    uint8_t special_first[256]; /* 1: some special token starts with this byte */
    uint32_t byte_token[256];   /* token of a single byte, or RZ_NO_TOKEN */
    uint32_t end[16];           /* tokens that end generation */
    uint32_t n_end;
    uint32_t longest;           /* bytes of the longest text */
} rz_vocab;

/* Reads and checks the metadata. Sizes are known afterwards. */
int rz_vocab_plan(rz_vocab *v, const rz_gguf *g, rz_err *err);
/* Of a model without a tokenizer: BOS, EOS and the tokens that end generation, among n_ids. */
void rz_vocab_ids_only(rz_vocab *v, const rz_gguf *g, uint32_t n_ids);
void rz_vocab_layout(rz_vocab *v, rz_arena *arena);
/* Fills the tables that rz_vocab_layout placed. */
void rz_vocab_build(rz_vocab *v, const rz_gguf *g);

static inline const uint8_t *rz_vocab_text(const rz_vocab *v, uint32_t id, uint32_t *len) {
    *len = (uint32_t)rz_load_u64(v->text[id] - 8);
    return v->text[id];
}
static inline enum rz_token_type rz_vocab_type(const rz_vocab *v, uint32_t id) {
    return v->types ? (enum rz_token_type)rz_load_u32(v->types + 4 * (size_t)id) : RZ_TOKEN_NORMAL;
}
static inline float rz_vocab_score(const rz_vocab *v, uint32_t id) {
    return v->scores ? rz_load_f32(v->scores + 4 * (size_t)id) : 0.0f;
}

/* The token with that text, or RZ_NO_TOKEN; of several the last one, as in llama.cpp. */
uint32_t rz_vocab_find(const rz_vocab *v, const uint8_t *text, size_t len);

/* The merge of two tokens, or NULL. */
const rz_merge *rz_vocab_merge(const rz_vocab *v, uint32_t left, uint32_t right);

bool rz_vocab_is_end(const rz_vocab *v, uint32_t id);

/* Byte-level BPE writes each byte as one printable character (GPT-2's table). The byte that a
 * character stands for, or -1. */
int rz_byte_of_char(uint32_t code_point);

#endif
