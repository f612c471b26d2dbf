/*
 * vocab.h: the vocabulary of a model: tokens, what joins them, what is done to a text before and
 * after; from GGUF metadata (vocab_gguf.c) or a Hugging Face tokenizer.json (vocab_json.c).
 *
 * GGUF texts stay in the header of the file, which must outlive the vocabulary; those of a
 * tokenizer.json are copied into the arena. Token ids handed to these functions must be below `n`.
 */
#ifndef RZ_VOCAB_H
#define RZ_VOCAB_H

#include "arena.h"
#include "gguf.h"
#include "json.h"
#include "norm.h"
#include "pretok.h"
#include "trie.h"

enum rz_vocab_kind {
    RZ_VOCAB_NONE, /* the file has no tokenizer: ids only */
    RZ_VOCAB_SPM,  /* SentencePiece BPE: pairs merge by score */
    RZ_VOCAB_BPE,  /* words by a pre-tokenizer, pairs merge by rank */
    RZ_VOCAB_WPM,  /* WordPiece: the longest token first */
    RZ_VOCAB_UGM   /* Unigram: the likeliest sequence of tokens */
};

enum rz_token_type { /* as in the files */
    RZ_TOKEN_NORMAL = 1,
    RZ_TOKEN_UNKNOWN = 2,
    RZ_TOKEN_CONTROL = 3,
    RZ_TOKEN_USER = 4,
    RZ_TOKEN_UNUSED = 5,
    RZ_TOKEN_BYTE = 6
};

enum { /* flags of a vocabulary */
    RZ_VOCAB_BYTES = 1,            /* texts are bytes as characters of GPT-2's table */
    RZ_VOCAB_BYTE_FALLBACK = 2,    /* characters without a token become <0xXX> tokens */
    RZ_VOCAB_IGNORE_MERGES = 4,    /* words that are tokens are not merged */
    RZ_VOCAB_NEWLINES = 8,         /* the same for runs of newlines */
    RZ_VOCAB_FUSE_UNKNOWN = 16,    /* unknown characters in a row are one unknown token */
    RZ_VOCAB_FLOAT = 32,           /* Unigram sums in single precision, as llama.cpp does */
    RZ_VOCAB_MARKS = 64,           /* decoding: U+2581 is a space */
    RZ_VOCAB_WORDS = 128,          /* decoding: a space in front of tokens that start a word */
    RZ_VOCAB_STRIP_FIRST = 256,    /* decoding: the space in front of the text goes */
    RZ_VOCAB_STRIP_ALL = 512,      /* ... all spaces of the first token */
    RZ_VOCAB_CLEAN = 1024,         /* decoding: no space in front of punctuation */
    RZ_VOCAB_UNKNOWN_KIND = 2048   /* the pre-tokenizer has a name that is not known */
};

enum { /* flags of special tokens */
    RZ_SPECIAL_LSTRIP = 1, /* takes the white space in front of it */
    RZ_SPECIAL_RSTRIP = 2,
    RZ_SPECIAL_WORD = 4,      /* not inside a word */
    RZ_SPECIAL_NORMALIZED = 8 /* found in the normalised text */
};

/* A token that is found in a text before anything else. */
typedef struct {
    uint32_t id, flags;
} rz_special;

/* A merge of two tokens; slots of a hash table, free where left == RZ_NO_TOKEN. */
typedef struct {
    uint32_t left, right;
    uint32_t rank; /* lower merges first */
    uint32_t id;   /* the joined token */
} rz_merge;

enum { RZ_VOCAB_AROUND = 4, RZ_VOCAB_ENDS = 24 };

/* Where a vocabulary comes from; needed until it is built. */
typedef struct {
    const rz_gguf *gguf;      /* or NULL, then a tokenizer.json: cursors before these values of it */
    bool spm;                 /* no: a SentencePiece model, all of it in `json` */
    rz_json json, vocab, merges, added, normalizer, pre_tokenizer, post_processor, decoder, unk_token;
    rz_json config;           /* tokenizer_config.json; empty: none */
    uint64_t text_bytes;      /* all texts of the tokens, each with 8 bytes for its length */
    bool byte_names;          /* decoding: <0xXX> is a byte */
    uint32_t pre, kind_flags; /* GGUF: see pretok_kinds.c */
    uint8_t *texts;           /* in the arena */
    rz_norm_rooms rooms;      /* to normalise the texts of added tokens ... */
    uint64_t normal_bytes;    /* ... into a block of this size */
    uint8_t *normal;
} rz_vocab_source;

typedef struct {
    enum rz_vocab_kind kind;
    uint32_t flags;          /* RZ_VOCAB_BYTES ... */
    uint32_t n;              /* tokens; at most 2^24 - 2 */
    uint32_t n_model;        /* those below are the model's, others were added to it */
    const uint8_t *scores;   /* f32[n] (double[n] from JSON), unaligned; NULL: none */
    const uint8_t *types;    /* i32[n], unaligned; NULL: all normal */
    bool doubles;            /* scores are doubles */
    uint32_t n_merges;
    uint32_t bos, eos, sep, unknown; /* ids or RZ_NO_TOKEN */
    bool add_bos, add_eos;
    uint32_t before[RZ_VOCAB_AROUND], after[RZ_VOCAB_AROUND]; /* what RZ_TOK_SPECIAL puts around a text */
    uint32_t n_before, n_after;
    rz_norm_list norm;
    rz_pre_list pre;
    rz_span unknown_text; /* decoding: the unknown token; empty: it is a control token like others */
    rz_span first, next; /* WordPiece: what stands in front of the first and of later parts of a word */
    uint32_t most_chars; /* WordPiece: longer words are unknown; 0: none */
    double unknown_score; /* Unigram */

    const uint8_t **text;    /* [n] first byte of the text; its length stands in the 8 bytes before */
    uint32_t *slots;         /* [slot_mask + 1] hash bits << 24 | id + 1; 0: free */
    uint32_t slot_mask;
    rz_merge *merge_slots;   /* [merge_mask + 1] */
    uint32_t merge_mask;
    rz_trie trie;            /* Unigram, WordPiece: tokens by their texts */
    rz_special *special;     /* [n_special] control, unknown and user-defined tokens */
    uint32_t n_special;
    rz_trie special_trie;    /* texts to indices of `special` */
    rz_trie normal_trie;     /* those that are looked for in the normalised text */
    bool any_special, any_normal; /* the tries have keys */
    uint32_t byte_token[256];   /* token of a single byte, or RZ_NO_TOKEN */
    uint32_t end[RZ_VOCAB_ENDS]; /* tokens that end generation */
    uint32_t n_end;
    uint32_t longest;        /* bytes of the longest text */
    rz_vocab_source source;
} rz_vocab;

/* Reads and checks GGUF metadata. Sizes are known afterwards. */
int rz_vocab_plan(rz_vocab *v, const rz_gguf *g, rz_err *err);
/* BOS, EOS and end tokens as the metadata has them, for a vocabulary that does not say: ids below n_ids. */
void rz_vocab_use_ids(rz_vocab *v, const rz_gguf *g, uint32_t n_ids);
/* The same from the text of a tokenizer.json and of a tokenizer_config.json (may be NULL), which
 * must stay until rz_vocab_build has run. RZ_E_FORMAT, RZ_E_UNSUPPORTED with a sentence. */
int rz_vocab_from_json(rz_vocab *v, const char *tokenizer_json, size_t bytes,
                       const char *tokenizer_config_json, size_t config_bytes, rz_err *err);

/* The same from a SentencePiece model, a tokenizer.model. */
int rz_vocab_from_spm(rz_vocab *v, const void *model, size_t bytes, rz_err *err);

/* Takes memory from the arena; on a measuring one for the size, then on the real one. */
void rz_vocab_layout(rz_vocab *v, rz_arena *arena);
/* Fills what rz_vocab_layout placed. */
void rz_vocab_build(rz_vocab *v);

static inline const uint8_t *rz_vocab_text(const rz_vocab *v, uint32_t id, uint32_t *len) {
    *len = (uint32_t)rz_load_u64(v->text[id] - 8);
    return v->text[id];
}
static inline enum rz_token_type rz_vocab_type(const rz_vocab *v, uint32_t id) {
    return v->types ? (enum rz_token_type)rz_load_u32(v->types + 4 * (size_t)id) : RZ_TOKEN_NORMAL;
}
static inline double rz_vocab_score(const rz_vocab *v, uint32_t id) {
    double score;
    if (!v->scores) return 0;
    if (!v->doubles) return (double)rz_load_f32(v->scores + 4 * (size_t)id);
    memcpy(&score, v->scores + 8 * (size_t)id, sizeof score);
    return score;
}

/* The token with that text, or RZ_NO_TOKEN; of several the last one, as in llama.cpp. */
uint32_t rz_vocab_find(const rz_vocab *v, const uint8_t *text, size_t len);

/* The merge of two tokens, or NULL. */
const rz_merge *rz_vocab_merge(const rz_vocab *v, uint32_t left, uint32_t right);

bool rz_vocab_is_end(const rz_vocab *v, uint32_t id);
/* One more token that ends generation; ids outside the vocabulary are ignored. */
void rz_vocab_add_end(rz_vocab *v, uint32_t id);

/* ---- between the vocab*.c files -------------------------------------------------------------- */

/* A merge of that rank, where all three texts are tokens. */
void rz_vocab_add_merge(rz_vocab *v, rz_span left, rz_span right, uint32_t rank);
static inline bool rz_vocab_special_type(enum rz_token_type type) {
    return type == RZ_TOKEN_CONTROL || type == RZ_TOKEN_USER || type == RZ_TOKEN_UNKNOWN;
}
static inline bool rz_vocab_is_special(const rz_vocab *v, uint32_t id) {
    return rz_vocab_special_type(rz_vocab_type(v, id));
}
/* Of each source: steps that need memory for patterns or texts, run in both passes of the layout;
 * texts, types and scores; then merges, special tokens and what else needs the texts. */
int rz_vocab_gguf_layout(rz_vocab *v, rz_arena *arena, rz_err *err);
void rz_vocab_gguf_texts(rz_vocab *v);
void rz_vocab_gguf_finish(rz_vocab *v);
int rz_vocab_json_layout(rz_vocab *v, rz_arena *arena, rz_err *err);
void rz_vocab_json_texts(rz_vocab *v);
void rz_vocab_json_finish(rz_vocab *v);
int rz_vocab_spm_layout(rz_vocab *v, rz_arena *arena, rz_err *err);
void rz_vocab_spm_texts(rz_vocab *v);
void rz_vocab_spm_finish(rz_vocab *v);

#endif
