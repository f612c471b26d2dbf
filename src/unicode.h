/*
 * unicode.h: what tokenizers ask about characters: UTF-8, categories, scripts, lower case.
 *
 * Tables are generated (tools/unicode.mjs names the Unicode version in unicode.inc). Input is any
 * bytes: what is no UTF-8 is decoded as single bytes of category Cn. Normal forms: normalize.h.
 */
#ifndef RZ_UNICODE_H
#define RZ_UNICODE_H

#include "base.h"

enum { /* general categories, in the order of tools/unicode.mjs */
    RZ_UC_LU, RZ_UC_LL, RZ_UC_LT, RZ_UC_LM, RZ_UC_LO, RZ_UC_MN, RZ_UC_MC, RZ_UC_ME, RZ_UC_ND,
    RZ_UC_NL, RZ_UC_NO, RZ_UC_PC, RZ_UC_PD, RZ_UC_PS, RZ_UC_PE, RZ_UC_PI, RZ_UC_PF, RZ_UC_PO,
    RZ_UC_SM, RZ_UC_SC, RZ_UC_SK, RZ_UC_SO, RZ_UC_ZS, RZ_UC_ZL, RZ_UC_ZP, RZ_UC_CC, RZ_UC_CF,
    RZ_UC_CO, RZ_UC_CS, RZ_UC_CN,
    RZ_UC_CATEGORY = 0x1f, /* mask of the category within a class; beside it: */
    RZ_UC_SPACE = 0x20,     /* White_Space */
    RZ_UC_UNSTABLE = 0x40,  /* combines, or is not its own NFC: composing must look at it */
    RZ_UC_DECOMPOSES = 0x80 /* is not its own NFKD */
};

/* Masks of categories: 1 << RZ_UC_.. */
#define RZ_UC_LETTERS     (0x1fu << RZ_UC_LU)
#define RZ_UC_MARKS       (0x7u << RZ_UC_MN)
#define RZ_UC_NUMBERS     (0x7u << RZ_UC_ND)
#define RZ_UC_PUNCTUATION (0x7fu << RZ_UC_PC)
#define RZ_UC_SYMBOLS     (0xfu << RZ_UC_SM)
#define RZ_UC_SEPARATORS  (0x7u << RZ_UC_ZS)
#define RZ_UC_OTHERS      (0x1fu << RZ_UC_CC)

enum { /* scripts, in the order of tools/unicode.mjs; 0: any other */
    RZ_SCRIPT_HAN = 1, RZ_SCRIPT_HIRAGANA, RZ_SCRIPT_KATAKANA, RZ_SCRIPT_HANGUL,
    RZ_SCRIPT_BOPOMOFO, RZ_SCRIPT_LATIN, RZ_SCRIPT_GREEK, RZ_SCRIPT_CYRILLIC, RZ_SCRIPT_ARABIC,
    RZ_SCRIPT_HEBREW, RZ_SCRIPT_DEVANAGARI, RZ_SCRIPT_BENGALI, RZ_SCRIPT_THAI, RZ_SCRIPT_LAO,
    RZ_SCRIPT_KHMER, RZ_SCRIPT_MYANMAR
};

/* Category and bits of a code point; above 0x10ffff: Cn. */
uint32_t rz_uc_class(uint32_t code_point);

static inline bool rz_uc_in(uint32_t class, uint32_t categories) {
    return categories >> (class & RZ_UC_CATEGORY) & 1;
}
static inline bool rz_uc_space(uint32_t class) { return (class & RZ_UC_SPACE) != 0; }

uint32_t rz_uc_script(uint32_t code_point);

/* Simple lower case. U+0130 becomes 'i'; its full lower case has U+0307 behind that. */
uint32_t rz_uc_lower(uint32_t code_point);

/* Rank of the canonical combining class: 0 for class 0, higher ranks go behind lower ones. */
uint32_t rz_uc_order(uint32_t code_point);

/* The full canonical (or compatible) decomposition of a code point, 1 to 18 code points. */
enum { RZ_UC_MAX_DECOMPOSED = 18 };
uint32_t rz_uc_decompose(uint32_t code_point, bool compatible, uint32_t out[RZ_UC_MAX_DECOMPOSED]);

/* The primary composite of two characters, or 0. */
uint32_t rz_uc_compose(uint32_t first, uint32_t second);

enum { RZ_UC_INVALID = 0x110000 }; /* the code point of a byte that is no UTF-8 */

/* Decodes the character at p[0..n), n > 0; *bytes becomes its length (1 for an invalid byte). */
uint32_t rz_utf8_decode(const uint8_t *p, size_t n, uint32_t *bytes);

/* Length of the last character of p[0..n), n > 0, as rz_utf8_decode would have split it off. */
uint32_t rz_utf8_last(const uint8_t *p, size_t n);

/* Writes a code point; returns its length (1..4). */
uint32_t rz_utf8_encode(uint32_t code_point, uint8_t *out);

/* Byte-level vocabularies write each byte as one printable character (GPT-2's table). */
uint32_t rz_char_of_byte(uint8_t byte);
int rz_byte_of_char(uint32_t code_point); /* -1 for characters that stand for no byte */

#endif
