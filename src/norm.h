/*
 * norm.h: the normalisers of a vocabulary: what is done to a text before it is split.
 *
 * A list of steps, each of which writes the text anew; room comes from the caller. Steps are those of
 * Hugging Face tokenizers, and what SentencePiece and llama.cpp do with white space. Texts are any
 * bytes; steps come from files and were checked when they were read.
 */
#ifndef RZ_NORM_H
#define RZ_NORM_H

#include "normalize.h"
#include "regex.h"

typedef struct {
    const uint8_t *p;
    size_t n;
} rz_span;

enum rz_norm_type {
    RZ_NORM_FORM,          /* Unicode normal form `form` */
    RZ_NORM_LOWER,         /* full lower case */
    RZ_NORM_STRIP_MARKS,   /* non-spacing marks go */
    RZ_NORM_CLEAN,         /* BERT: controls go, white space becomes a space */
    RZ_NORM_CHINESE,       /* BERT: spaces around ideographs */
    RZ_NORM_NMT,           /* odd controls go, odd spaces become spaces */
    RZ_NORM_TRIM,          /* white space at the ends goes: flags */
    RZ_NORM_PREPEND,       /* `to` in front */
    RZ_NORM_REPLACE,       /* every `from` becomes `to` */
    RZ_NORM_REPLACE_REGEX, /* every match of `regex` becomes `to` */
    RZ_NORM_ESCAPE,        /* spaces become U+2581; with RZ_NORM_PREFIX one more in front */
    RZ_NORM_CHARSMAP,      /* SentencePiece's compiled map, as Hugging Face applies it */
    RZ_NORM_SPM,           /* the same with white space as SentencePiece treats it */
    RZ_NORM_UGM,           /* and as llama.cpp does for T5 */
    RZ_NORM_WPM            /* llama.cpp's BERT: words, one space behind each */
};

enum { /* flags */
    RZ_NORM_LEFT = 1,
    RZ_NORM_RIGHT = 2,
    RZ_NORM_PREFIX = 4,      /* a space in front */
    RZ_NORM_SUFFIX = 8,      /* ... or behind */
    RZ_NORM_MERGE = 16,      /* runs of spaces become one, those at the ends none */
    RZ_NORM_MARK = 32,       /* spaces are written as U+2581 */
    RZ_NORM_FIRST_ONLY = 64, /* the space in front only at the start of the whole text */
    RZ_NORM_LOWERCASE = 128, /* of RZ_NORM_WPM */
    RZ_NORM_ACCENTS = 256,   /* of RZ_NORM_WPM: accents go */
    RZ_NORM_ALL_MARKS = 512  /* of RZ_NORM_STRIP_MARKS: spacing and enclosing ones, too */
};

/* SentencePiece's precompiled_charsmap: a double array over byte strings, and what they become. */
typedef struct {
    const uint8_t *units; /* [n_units] u32, unaligned */
    uint32_t n_units;
    const uint8_t *texts; /* replacements, each ended by a 0 */
    size_t n_texts;
} rz_charsmap;

typedef struct {
    enum rz_norm_type type;
    enum rz_form form;
    uint32_t flags;
    rz_span from, to;
    rz_regex regex;
    rz_charsmap map;
    uint32_t growth, per, more; /* n bytes become at most n * growth / per + more */
} rz_norm_step;

enum { RZ_NORM_STEPS = 16 };

typedef struct {
    rz_norm_step step[RZ_NORM_STEPS];
    uint32_t n;
} rz_norm_list;

/* A new step, or NULL when the list is full. */
rz_norm_step *rz_norm_add(rz_norm_list *list, enum rz_norm_type type, uint32_t flags);
rz_norm_step *rz_norm_add_form(rz_norm_list *list, enum rz_form form);
rz_norm_step *rz_norm_add_replace(rz_norm_list *list, rz_span from, rz_span to);

/* Checks the outer shape of a map; what its units say is checked as they are followed. */
bool rz_charsmap_open(rz_charsmap *map, const uint8_t *p, size_t n);

/* Works out how much the steps that hold a map or texts can grow a text. Call it once the list is
 * complete and its memory is there. */
void rz_norm_measure(rz_norm_list *list);

/* Bytes that n bytes become at most (after any of the steps), UINT64_MAX if they cannot be counted. */
uint64_t rz_norm_room(const rz_norm_list *list, size_t n);
/* Characters that n bytes become at most, where a character that replaces a space counts as one. */
uint64_t rz_norm_chars(const rz_norm_list *list, size_t n);
/* Bytes of working memory, aligned to 16, for texts of n bytes. */
uint64_t rz_norm_work(const rz_norm_list *list, size_t n);

/* Room for a run: two buffers of rz_norm_room() and a block of rz_norm_work() bytes. */
typedef struct {
    uint8_t *buffers[2];
    size_t size; /* of each buffer */
    void *work;
} rz_norm_rooms;

/* *text becomes its normal form, in one of the buffers (or as it was, without steps). `*first`: it
 * stands at the start of the whole text; false afterwards if white space at its start went. False if a map made it larger than it was measured to be. */
bool rz_norm_run(const rz_norm_list *list, bool *first, const rz_norm_rooms *rooms, rz_span *text);

/* ---- between norm.c and norm_spaces.c ------------------------------------------------------- */

typedef struct {
    uint8_t *p;
    size_t n, most;
    bool full; /* something did not fit */
} rz_norm_out;

static inline void rz_norm_put(rz_norm_out *o, const uint8_t *p, size_t n) {
    if (n > o->most - o->n) {
        o->full = true;
        return;
    }
    memcpy(o->p + o->n, p, n);
    o->n += n;
}
void rz_norm_put_char(rz_norm_out *o, uint32_t c);

void rz_norm_charsmap(const rz_norm_step *s, rz_span in, rz_norm_out *o);
void rz_norm_spm(const rz_norm_step *s, bool first, rz_span in, rz_norm_out *o);
void rz_norm_ugm(const rz_norm_step *s, rz_span in, rz_norm_out *o);
void rz_norm_wpm(const rz_norm_step *s, rz_span in, rz_norm_out *o);
void rz_charsmap_measure(rz_norm_step *s);
bool rz_norm_chinese(uint32_t c);

#endif
