/*
 * regex.h: the regular expressions of pre-tokenizers, matched in linear time.
 *
 * The dialect is what tokenizer files use of Oniguruma's: alternatives, groups, classes with
 * properties, nesting and &&, greedy, lazy and possessive quantifiers, look-ahead, look-behind of one
 * character, (?i:...), anchors. Of several matches the first in backtracking order is taken, as
 * Oniguruma, PCRE and ECMAScript do; what a search did in vain at a place is remembered and never
 * done twice, so the time is proportional to the text. Anything else is refused in words.
 *
 * Patterns and texts are hostile. A compiled pattern lives in the arena and is never written to again.
 */
#ifndef RZ_REGEX_H
#define RZ_REGEX_H

#include "arena.h"

enum { /* flags of rz_regex_compile */
    RZ_REGEX_BYTES = 1,   /* text is bytes, each seen as its character in GPT-2's table */
    RZ_REGEX_LITERAL = 2, /* the pattern is a text that stands for itself */
};

enum { RZ_REGEX_NONE = 0xffffffffu };

/* Node types; see regex_match.c for what they do. */
enum rz_regex_type {
    RZ_RE_ACCEPT,
    RZ_RE_EMPTY,
    RZ_RE_CHAR,   /* a: code point */
    RZ_RE_CLASS,  /* a: class */
    RZ_RE_LOOP,   /* a: class, low..high times */
    RZ_RE_ALT,    /* a: first branch */
    RZ_RE_BRANCH, /* a: next branch; its body starts at the next node */
    RZ_RE_ONCE,   /* a group; its body starts at the next node, as for the three below */
    RZ_RE_MAYBE,  /* ? */
    RZ_RE_MORE,   /* + */
    RZ_RE_ANY,    /* * */
    RZ_RE_NEVER,  /* {0} */
    RZ_RE_LOOK,   /* look-ahead */
    RZ_RE_PEEK,   /* look-ahead or look-behind of one character; a: class */
    RZ_RE_END,    /* end of a branch or body; a: the node it belongs to */
    RZ_RE_ANCHOR  /* a: character of the anchor */
};

enum { /* flags of nodes */
    RZ_RE_LAZY = 1,
    RZ_RE_POSSESSIVE = 2, /* never gives back, or need not */
    RZ_RE_NOT = 4,
    RZ_RE_BEHIND = 8,
    RZ_RE_FOLD = 16, /* compare in lower case */
    RZ_RE_INSIDE = 32 /* within a look-ahead: successes are remembered as well */
};

typedef struct {
    uint8_t type, flags;
    uint16_t memo; /* bit within a row of the memory, or 0xffff */
    uint32_t next; /* node that follows */
    uint32_t a;
    uint16_t low, high; /* of a loop; high 0xffff: no limit */
} rz_regex_node;

/* A set of characters. Bits hold it for ASCII (for all 256 bytes with RZ_REGEX_BYTES); the rest is
 * decided by `mask`, or where that does not say it all, by the items. */
typedef struct {
    uint32_t bits[8];
    uint32_t mask;  /* kinds of characters above ASCII, see rz_regex_kind() */
    uint32_t items; /* list of items, any of which may have the character; or RZ_REGEX_NONE */
    uint32_t both;  /* class that must have the character too, or RZ_REGEX_NONE */
    bool simple;    /* bits and mask say it all */
    bool negated, fold;
} rz_regex_class;

/* Code points first..last; or, from RZ_RE_ITEM_KINDS on, another kind of item. */
typedef struct {
    uint32_t first, last, next;
} rz_regex_item;

enum { /* items that are no range: `first` says what they are, `last` is their argument */
    RZ_RE_ITEM_KINDS = 0x200000, /* mask of kinds */
    RZ_RE_ITEM_SCRIPT,           /* RZ_SCRIPT_* */
    RZ_RE_ITEM_WORD,             /* \w */
    RZ_RE_ITEM_HEX,              /* hexadecimal digit */
    RZ_RE_ITEM_CLASS,            /* a nested class */
    RZ_RE_ITEM_LLAMA_HAN,        /* what llama.cpp takes for Han */
    RZ_RE_ITEM_NEGATED = 0x400000
};

/* The kind of a character: its category, or 30 for white space that is no separator. */
enum { RZ_RE_KIND_SPACE = 30 };
#define RZ_RE_KINDS_SPACE (RZ_UC_SEPARATORS | 1u << RZ_RE_KIND_SPACE)

typedef struct {
    rz_regex_node *nodes;    /* [n_nodes], entered at 0 */
    rz_regex_class *classes; /* [n_classes] */
    rz_regex_item *items;    /* [n_items] */
    uint32_t *branches;      /* [256] for a first byte: bits of the branches that can begin with it */
    uint32_t n_nodes, n_classes, n_items;
    uint32_t n_memo;  /* bits of a row of the memory */
    uint32_t n_loops; /* nodes that can wait on the stack once per character */
    uint32_t flags;
    bool many; /* more branches than `branches` has bits */
} rz_regex;

/* Compiles a pattern into the arena; on a measuring arena it checks and measures. RZ_E_UNSUPPORTED
 * for what the dialect does not have, RZ_E_FORMAT for what is no pattern. */
int rz_regex_compile(rz_regex *re, const uint8_t *pattern, size_t n, uint32_t flags, rz_arena *arena,
                     rz_err *err);

/* Bytes of working memory for texts of up to n bytes. */
uint64_t rz_regex_work(const rz_regex *re, size_t n);

typedef struct {
    uint32_t node, at, low, entry;
} rz_regex_frame;

/* A search through text[begin..end), which alone is seen. */
typedef struct {
    const rz_regex *re;
    const uint8_t *text;
    size_t begin, end, at; /* the search goes on at `at` */
    size_t last;           /* end of the last match, SIZE_MAX before the first */
    uint8_t *memo;
    rz_regex_frame *stack;
    uint32_t row;
} rz_regex_search;

/* `work` must hold rz_regex_work(end - begin) bytes, aligned to 16. */
void rz_regex_begin(rz_regex_search *s, const rz_regex *re, const uint8_t *text, size_t begin,
                    size_t end, void *work);
/* The next match; matches do not overlap. Empty ones are found, but not where the last one ended. */
bool rz_regex_next(rz_regex_search *s, size_t *start, size_t *end);


#endif
