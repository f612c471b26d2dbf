/*
 * json.h: a strict JSON reader (RFC 8259) that walks over the text and copies nothing.
 *
 * A cursor stands before a value; every call consumes what it names. The first mistake sets `bad`,
 * after which all calls return nothing, so callers check once: rz_json_done(). Input is hostile:
 * nesting is bounded, skipping does not recurse.
 */
#ifndef RZ_JSON_H
#define RZ_JSON_H

#include "base.h"

enum { RZ_JSON_DEPTH = 64 };

enum rz_json_type {
    RZ_JSON_BAD, /* no value: a mistake, or the end */
    RZ_JSON_NULL,
    RZ_JSON_BOOL,
    RZ_JSON_NUMBER,
    RZ_JSON_STRING,
    RZ_JSON_ARRAY,
    RZ_JSON_OBJECT
};

typedef struct {
    const uint8_t *p;
    size_t n, at;
    uint32_t depth;
    bool fresh; /* just inside an array or object: no comma is due */
    bool bad;
} rz_json;

/* A string between its quotes, escapes and all. */
typedef struct {
    const uint8_t *p;
    size_t n;
} rz_json_text;

static inline rz_json rz_json_open(const void *text, size_t n) {
    return (rz_json){.p = (const uint8_t *)text, .n = n};
}

/* Type of the value ahead; consumes white space only. */
enum rz_json_type rz_json_peek(rz_json *j);

/* Enters the array or object ahead; false (and bad) if it is another value. */
bool rz_json_enter(rz_json *j, enum rz_json_type type);
/* Stands before the next element; false when the array has ended and was left. */
bool rz_json_next(rz_json *j);
/* The same in an object, with the next key; its value is ahead. */
bool rz_json_next_key(rz_json *j, rz_json_text *key);

/* Consume the value ahead; another type is a mistake. */
bool rz_json_string(rz_json *j, rz_json_text *text);
double rz_json_number(rz_json *j);
bool rz_json_bool(rz_json *j);
/* Any value, however deep. */
void rz_json_skip(rz_json *j);

/* Only white space is left, and nothing was wrong. */
bool rz_json_done(rz_json *j);

/* Whether a string is exactly this text (which has no characters that need escapes). */
bool rz_json_is(rz_json_text t, const char *text);
/* Writes the string as UTF-8, at most t.n bytes; lone surrogates become U+FFFD. Returns the length;
 * out may be NULL to measure. */
size_t rz_json_unescape(rz_json_text t, uint8_t *out);

#endif
