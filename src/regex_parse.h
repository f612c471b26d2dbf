/*
 * regex_parse.h: what the files of the regular expressions share; users see regex.h.
 */
#ifndef RZ_REGEX_PARSE_H
#define RZ_REGEX_PARSE_H

#include "regex.h"

typedef struct {
    rz_regex *re;
    const uint8_t *p; /* the pattern */
    size_t n, at;
    rz_err *err;
    int failed;     /* RZ_E code, 0 while all is well */
    uint32_t depth; /* of groups and classes */
    bool fold;      /* within (?i) */
    bool inside;    /* within a look-ahead */
} rz_regex_parser;

/* Parses the whole pattern, counting nodes, classes and items and, where re->nodes is set, writing
 * them. */
int rz_regex_parse(rz_regex_parser *p);

/* {name} or {^name} behind \p: an item; false if it is not known. */
bool rz_regex_property(const uint8_t *p, size_t n, size_t *at, bool *negated, uint32_t *first,
                       uint32_t *last);
/* The item of a property by name, letter case aside. */
bool rz_regex_named(const uint8_t *name, size_t n, uint32_t *first, uint32_t *last);

/* Is a character in a class? The slow way, which bits and masks are made of. */
bool rz_regex_class_has(const rz_regex *re, const rz_regex_class *class, uint32_t code_point);
uint32_t rz_regex_kind(uint32_t code_point);
bool rz_regex_word(uint32_t code_point);

/* Fills in what follows from the nodes: bits of classes, what need not be undone, what to remember. */
void rz_regex_analyse(rz_regex *re);

#endif
