/*
 * unicode.h: what tokenizers ask about characters: UTF-8 decoding and general categories.
 *
 * Input is any bytes: what is no UTF-8 is decoded as single bytes of category Cn.
 */
#ifndef RZ_UNICODE_H
#define RZ_UNICODE_H

#include "base.h"

enum { /* general categories, in the order of tools/unicode.mjs */
    RZ_UC_LU, RZ_UC_LL, RZ_UC_LT, RZ_UC_LM, RZ_UC_LO, RZ_UC_MN, RZ_UC_MC, RZ_UC_ME, RZ_UC_ND,
    RZ_UC_NL, RZ_UC_NO, RZ_UC_PC, RZ_UC_PD, RZ_UC_PS, RZ_UC_PE, RZ_UC_PI, RZ_UC_PF, RZ_UC_PO,
    RZ_UC_SM, RZ_UC_SC, RZ_UC_SK, RZ_UC_SO, RZ_UC_ZS, RZ_UC_ZL, RZ_UC_ZP, RZ_UC_CC, RZ_UC_CF,
    RZ_UC_CO, RZ_UC_CS, RZ_UC_CN,
    RZ_UC_SPACE = 0x20 /* bit beside the category: White_Space */
};

/* Category and space bit of a code point. */
uint32_t rz_uc_class(uint32_t code_point);

static inline bool rz_uc_letter(uint32_t class) { return (class & 31) <= RZ_UC_LO; }
static inline bool rz_uc_number(uint32_t class) {
    return (class & 31) >= RZ_UC_ND && (class & 31) <= RZ_UC_NO;
}
static inline bool rz_uc_space(uint32_t class) { return (class & RZ_UC_SPACE) != 0; }

enum { RZ_UC_INVALID = 0x110000 }; /* the code point of a byte that is no UTF-8 */

/* Decodes the character at p[0..n), n > 0; *bytes becomes its length (1 for an invalid byte). */
uint32_t rz_utf8_decode(const uint8_t *p, size_t n, uint32_t *bytes);

/* Writes a code point; returns its length (1..4). */
uint32_t rz_utf8_encode(uint32_t code_point, uint8_t *out);

#endif
