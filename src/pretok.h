/*
 * pretok.h: where a text is split into words before any of them becomes tokens.
 *
 * A list of steps, each of which splits the pieces of the step before it; pieces come one at a time.
 * Steps are those of Hugging Face tokenizers; llama.cpp's kinds are lists of patterns (pretok_kinds.c).
 * Texts are any bytes.
 */
#ifndef RZ_PRETOK_H
#define RZ_PRETOK_H

#include "norm.h"

enum rz_pre_type {
    RZ_PRE_SPLIT,     /* by the matches of `regex` */
    RZ_PRE_DIGITS,    /* behind groups of three digits, counted from the right of a number */
    RZ_PRE_METASPACE, /* spaces become `mark`, and one is put in front: `scheme` */
    RZ_PRE_SPACE      /* a space in front where there is none */
};

enum rz_pre_behaviour { /* what becomes of the matches of a split */
    RZ_PRE_ISOLATED,
    RZ_PRE_REMOVED,
    RZ_PRE_WITH_PREVIOUS,
    RZ_PRE_WITH_NEXT,
    RZ_PRE_CONTIGUOUS /* neighbouring matches are one piece */
};

enum rz_pre_scheme { RZ_PRE_ALWAYS, RZ_PRE_FIRST, RZ_PRE_NEVER };

typedef struct {
    enum rz_pre_type type;
    enum rz_pre_behaviour behaviour;
    enum rz_pre_scheme scheme;
    bool invert; /* what does not match counts as match */
    rz_span mark;
    rz_regex regex;
} rz_pre;

enum { RZ_PRE_STEPS = 12 };

typedef struct {
    rz_pre step[RZ_PRE_STEPS];
    uint32_t n;
} rz_pre_list;

/* A new step, or NULL when the list is full. */
rz_pre *rz_pre_add(rz_pre_list *list, enum rz_pre_type type);
/* A step that splits by a pattern, compiled into the arena (see rz_regex_compile). */
int rz_pre_add_split(rz_pre_list *list, rz_span pattern, uint32_t regex_flags,
                     enum rz_pre_behaviour behaviour, rz_arena *arena, rz_err *err);

/* A part of a piece: gap or match. */
typedef struct {
    size_t start, end;
    bool match;
} rz_pre_segment;

/* Where a step stands in its piece. */
typedef struct {
    rz_span piece;
    bool first;  /* the piece stands at the start of the whole text */
    bool active; /* there is a piece */
    bool found, held, done;
    size_t at;             /* segments up to here have been handed out */
    size_t start, end;     /* the match found last */
    rz_pre_segment ahead;  /* a segment read too early, where `held` */
    rz_regex_search search;
    void *work;            /* of the search */
    uint8_t *buffer;       /* of the steps that change their piece */
} rz_pre_state;

typedef struct {
    const rz_pre_list *list;
    rz_pre_state state[RZ_PRE_STEPS];
    size_t most;  /* bytes a word can have */
    rz_span text; /* what has not been handed to the first step */
    bool first, given;
} rz_pretok;

/* Takes working memory for texts of up to n bytes from the arena. */
void rz_pretok_layout(rz_pretok *t, const rz_pre_list *list, rz_arena *arena, size_t n);
/* Starts on a text; `first`: it is the start of the whole text. */
void rz_pretok_begin(rz_pretok *t, rz_span text, bool first);
/* The next word; false at the end. Words are never empty and live until the next call. */
bool rz_pretok_next(rz_pretok *t, rz_span *word);

/* ---- llama.cpp's kinds ---------------------------------------------------------------------- */

enum { /* what goes with a kind */
    RZ_KIND_IGNORE_MERGES = 1, /* words that are tokens are not merged */
    RZ_KIND_ADD_BOS = 2,
    RZ_KIND_ADD_SEP = 4,
    RZ_KIND_RAW = 8,       /* no byte-level characters: UTF-8 and <0xXX> tokens */
    RZ_KIND_ESCAPE = 16,   /* spaces are written as U+2581 */
    RZ_KIND_NEWLINES = 32, /* runs of newlines that are tokens are not merged */
    RZ_KIND_NO_BOS = 64    /* there is no BOS unless the file names one */
};

/* Finds tokenizer.ggml.pre; false for a name that is not known: then *kind is the default one. */
bool rz_pre_find_kind(const char *name, size_t n, uint32_t *kind, uint32_t *flags);
/* Adds the steps of a kind. */
int rz_pre_add_kind(rz_pre_list *list, uint32_t kind, rz_arena *arena, rz_err *err);

#endif
