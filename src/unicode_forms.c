/*
 * unicode_forms.c: composition and decomposition from tables; see unicode.h. In WebAssembly the host
 * knows them (unicode_forms_wasm.c). The tables of unicode_forms.inc:
 *   canonical, compatible  pages of 64 code points (page, at) of entries: gap << 2 | count (0: in the
 *                        next byte), and that many differences to the code points at the same place of
 *                        the entry before, zigzag, 7 bits a byte
 *   second, first, joined  composition, sorted by the second and then the first character
 */
#include "unicode.h"

#include "unicode_forms.inc"

#define COUNT(table) ((uint32_t)(sizeof table / sizeof table[0]))

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
