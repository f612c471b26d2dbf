/*
 * normalize.h: Unicode normal forms of UTF-8 text (Unicode Standard Annex 15).
 *
 * Owns no state; the caller brings the room. Input is any bytes: what is no UTF-8 passes unchanged
 * and joins with nothing.
 */
#ifndef RZ_NORMALIZE_H
#define RZ_NORMALIZE_H

#include "base.h"

enum rz_form { RZ_NFD, RZ_NFC, RZ_NFKD, RZ_NFKC };

/* The most bytes a form can make of one: 3 for NFC and NFD, 11 (U+FDFA) for the others. */
enum { RZ_FORM_GROWTH = 3, RZ_FORM_GROWTH_COMPATIBLE = 11 };

/* Code points of working memory that rz_normalize needs for a text of n bytes. */
#define RZ_NORMALIZE_WORK(n) (2 * ((size_t)(n) + 64))

/* Writes the normal form of text[0..n), at most growth x n bytes; returns its length. */
size_t rz_normalize(enum rz_form form, const uint8_t *text, size_t n, uint8_t *out, uint32_t *work);

#endif
