/* unicode.c: see unicode.h. */
#include "unicode.h"

#include "unicode.inc"

enum { n_runs = sizeof unicode_runs / sizeof unicode_runs[0] };

uint32_t rz_uc_class(uint32_t code_point) {
    if (code_point > 0x10ffff) return RZ_UC_CN;
    uint32_t low = 0, high = n_runs; /* the run is in [low, high) */
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (unicode_runs[middle] >> 8 <= code_point) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return unicode_runs[low] & 0xff;
}

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
