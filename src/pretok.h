/*
 * pretok.h: where byte-level BPE splits a text into words before it merges anything.
 *
 * The published rule is a regular expression; here it is a hand-written scanner for it.
 */
#ifndef RZ_PRETOK_H
#define RZ_PRETOK_H

#include "base.h"

/* The end of the word that starts at text[at], at < n; words are never empty. GPT-2's rule:
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
size_t rz_pretok_gpt2(const uint8_t *text, size_t n, size_t at);

#endif
