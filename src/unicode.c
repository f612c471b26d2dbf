/*
 * unicode.c: see unicode.h. The tables of unicode.inc:
 *   index, blocks        class of a code point: blocks[index[c >> 8]][c & 255]
 *   order, scripts       runs, first code point << 8 | value
 *   lower_*              runs of a first code point, a count << 1 | (stride - 1), a difference
 *   canonical, compatible  pages of 64 code points (page, at) of entries: gap << 2 | count (0: in the
 *                        next byte), and that many differences to the code points at the same place of
 *                        the entry before, zigzag, 7 bits a byte
 *   second, first, joined  composition, sorted by the second and then the first character
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

uint32_t rz_uc_script(uint32_t c) { return run_value(uc_scripts, COUNT(uc_scripts), c); }

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

/* ---- composition and decomposition --------------------------------------------------------- */

enum { hangul = 0xac00, hangul_l = 0x1100, hangul_v = 0x1161, hangul_t = 0x11a7 };

static uint32_t read_varint(const uint8_t *bytes, uint32_t *at) {
    uint32_t v = 0, shift = 0, byte;
    do {
        byte = bytes[(*at)++];
        v |= (byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    return v;
}

/* Looks c up in one of the two tables; 0 where it is not there. */
static uint32_t look_up(const uint16_t *pages, const uint16_t *starts, uint32_t n_pages,
                        const uint8_t *bytes, uint32_t c, uint32_t *out) {
    uint32_t low = 0, high = n_pages - 1; /* the last page is a sentinel */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (pages[middle] < c >> 6) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (pages[low] != c >> 6) return 0;
    uint32_t at = starts[low], entry = c & ~63u; /* entries up to here have been read */
    out[0] = entry;
    for (uint32_t i = 1; i < RZ_UC_MAX_DECOMPOSED; i++) out[i] = 0x300;
    while (at < starts[low + 1] && entry <= c) {
        uint32_t head = bytes[at++], count = head & 3;
        entry += (head >> 2) + 1;
        if (count == 0) count = bytes[at++];
        for (uint32_t i = 0; i < count; i++) {
            uint32_t z = read_varint(bytes, &at);
            out[i] += z & 1 ? 0u - (z + 1) / 2 : z / 2;
        }
        if (entry == c + 1) return count;
    }
    return 0;
}

uint32_t rz_uc_decompose(uint32_t c, bool compatible, uint32_t out[RZ_UC_MAX_DECOMPOSED]) {
    uint32_t count = 0;
    if (c - hangul < 11172) {
        uint32_t s = c - hangul;
        out[0] = hangul_l + s / 588;
        out[1] = hangul_v + s % 588 / 28;
        out[2] = hangul_t + s % 28;
        return s % 28 ? 3 : 2;
    }
    if (rz_uc_class(c) & RZ_UC_DECOMPOSES) {
        if (compatible) {
            count = look_up(uc_compatible_page, uc_compatible_at, COUNT(uc_compatible_page),
                            uc_compatible, c, out);
        }
        if (!count) {
            count = look_up(uc_canonical_page, uc_canonical_at, COUNT(uc_canonical_page),
                            uc_canonical, c, out);
        }
    }
    if (!count) out[0] = c;
    return count ? count : 1;
}

/* Where `key` stands in the sorted words [low, high), or high. */
static uint32_t find_word(const uint16_t *words, uint32_t low, uint32_t high, uint32_t key) {
    uint32_t end = high;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (words[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < end && words[low] == key ? low : end;
}

uint32_t rz_uc_compose(uint32_t first, uint32_t second) {
    if (first - hangul_l < 19 && second - hangul_v < 21) {
        return hangul + ((first - hangul_l) * 21 + (second - hangul_v)) * 28;
    }
    if (first - hangul < 11172 && (first - hangul) % 28 == 0 && second - hangul_t - 1 < 27) {
        return first + (second - hangul_t);
    }
    if (first > 0xffff || second > 0xffff) {
        for (uint32_t i = 0; i < COUNT(uc_large_pairs); i += 3) {
            if (uc_large_pairs[i] == first && uc_large_pairs[i + 1] == second) {
                return uc_large_pairs[i + 2];
            }
        }
        return 0;
    }
    uint32_t s = find_word(uc_second, 0, COUNT(uc_second), second);
    if (s == COUNT(uc_second)) return 0;
    uint32_t i = find_word(uc_first, uc_second_at[s], uc_second_at[s + 1], first);
    return i == uc_second_at[s + 1] ? 0 : uc_joined[i];
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
