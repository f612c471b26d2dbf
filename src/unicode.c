/*
 * unicode.c: see unicode.h. The tables of unicode.inc:
 *   index, blocks        class of a code point: blocks[index[c >> 8]][c & 255]
 *   order, scripts       runs of marks and of all that is not Cn, first code point << 8 | value
 *   lower_*              runs of a first code point, a count << 1 | (stride - 1), a difference
 */
#include "unicode.h"

#include "unicode.inc"

#define COUNT(table) ((uint32_t)(sizeof table / sizeof table[0]))

uint32_t rz_uc_class(uint32_t c) {
    return c > 0x10ffff ? RZ_UC_CN : uc_blocks[uc_index[c >> 8] * 256u + (c & 255)];
}

/* The value of the run that holds c. */
static uint32_t run_value(const uint32_t *runs, uint32_t n, uint32_t c) {
    uint32_t low = 0, high = n; /* the run is in [low, high) */
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (runs[middle] >> 8 <= c) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return runs[low] & 0xff;
}

uint32_t rz_uc_script(uint32_t c) {
    return rz_uc_class(c) == RZ_UC_CN ? 0 : run_value(uc_scripts, COUNT(uc_scripts), c);
}

uint32_t rz_uc_order(uint32_t c) {
    if (c < 0x300 || !rz_uc_in(rz_uc_class(c), RZ_UC_MARKS)) return 0;
    return run_value(uc_order, COUNT(uc_order), c);
}

uint32_t rz_uc_lower(uint32_t c) {
    if (c < 0x80) return c - 'A' < 26 ? c + 32 : c;
    uint32_t low = 0, high = COUNT(uc_lower_first);
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (uc_lower_first[middle] <= c) {
            low = middle;
        } else {
            high = middle;
        }
    }
    uint32_t from = c - uc_lower_first[low], stride = (uc_lower_count[low] & 1) + 1u;
    if (from % stride || from / stride >= uc_lower_count[low] >> 1) return c;
    return c + (uint32_t)uc_lower_difference[low];
}

/* ---- UTF-8 --------------------------------------------------------------------------------- */

uint32_t rz_utf8_decode(const uint8_t *p, size_t n, uint32_t *bytes) {
    uint32_t c = p[0], length = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    *bytes = 1;
    if (c < 0x80) return c;
    if (c < 0xc2 || c > 0xf4 || n < length) return RZ_UC_INVALID;
    c &= 0x7fu >> length;
    for (uint32_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) return RZ_UC_INVALID;
        c = c << 6 | (p[i] & 0x3fu);
    }
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return RZ_UC_INVALID;
    *bytes = length;
    return c;
}

uint32_t rz_utf8_last(const uint8_t *p, size_t n) {
    for (uint32_t length = 2; length <= 4 && length <= n; length++) {
        uint32_t bytes, lead = p[n - length];
        if ((lead & 0xc0) == 0x80) continue; /* not yet at its first byte */
        if (lead < 0x80) break;
        rz_utf8_decode(p + n - length, length, &bytes);
        return bytes == length ? length : 1;
    }
    return 1;
}

uint32_t rz_utf8_encode(uint32_t c, uint8_t *out) {
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    uint32_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (uint32_t i = length; i-- > 1; c >>= 6) out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)((0xf00u >> length & 0xffu) | c);
    return length;
}

/* ---- bytes as characters ------------------------------------------------------------------- */

uint32_t rz_char_of_byte(uint8_t b) {
    if (b < 0x21) return 0x100u + b;
    if (b < 0x7f) return b;
    if (b < 0xa1) return 0x121u + (b - 0x7fu);
    return b == 0xad ? 0x143 : b;
}

int rz_byte_of_char(uint32_t c) {
    if ((c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xac) || (c >= 0xae && c <= 0xff)) {
        return (int)c;
    }
    if (c >= 0x100 && c < 0x121) return (int)(c - 0x100);        /* 0x00..0x20 */
    if (c >= 0x121 && c < 0x143) return (int)(c - 0x121 + 0x7f); /* 0x7f..0xa0 */
    return c == 0x143 ? 0xad : -1;
}
