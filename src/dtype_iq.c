/*
 * dtype_iq.c: the IQ1, IQ2 and IQ3 types: codes are points of a grid of 8 or 4 values, with signs
 * apart. Layouts and grids are ggml's; a grid is kept as numbers of levels, see tools/grids.py.
 */
#include "dtype_parts.h"
#include "grids.inc"

/* Eight 2-bit numbers to eight bytes. */
static uint64_t spread2(uint64_t x) {
    x = (x | x << 24) & 0x000000ff000000ffu;
    x = (x | x << 12) & 0x000f000f000f000fu;
    return (x | x << 6) & 0x0303030303030303u;
}

/* Four numbers in 4 bits each to four bytes. */
static uint32_t spread4(uint32_t x) {
    x = (x | x << 8) & 0x00ff00ffu;
    return (x | x << 4) & 0x0f0f0f0fu;
}

static const uint64_t ones = 0x0101010101010101u;

/* Values 8, 25, 43 for levels 0, 1, 2. */
static uint64_t point_iq2(uint16_t levels) {
    uint64_t c = spread2(levels);
    return 8 * ones + 17 * c + (c >> 1 & ones);
}

/* 4 + 8 c, and 62 for the last level, 7 */
static uint32_t point_iq3_xxs(uint16_t levels) {
    uint32_t c = spread4(levels), last = c & c >> 1 & c >> 2 & rz_bytes4(1);
    return rz_bytes4(4) + 8 * c + 2 * last;
}

static uint32_t point_iq3_s(uint16_t levels) { return rz_bytes4(1) + 2 * spread4(levels); }

/* Makes the bytes negative whose bit is set in `signs`; they must not be 0. */
static uint64_t with_signs(uint64_t bytes, uint32_t signs) {
    uint64_t bits = signs * ones & 0x8040201008040201u;
    /* a set bit anywhere in a byte, moved to its lowest place */
    uint64_t minus = (((bits & 0x7f * ones) + 0x7f * ones) | bits) >> 7 & ones;
    return (bytes ^ minus * 255) + minus;
}

/* Seven signs; the eighth makes their number even. */
static uint32_t even_signs(uint32_t signs) {
    uint32_t parity = signs ^ signs >> 4;
    parity ^= parity >> 2;
    parity ^= parity >> 1;
    return signs | (parity & 1) << 7;
}

static void put8(uint8_t *codes, size_t step, uint64_t bytes) {
    rz_store_u32(codes, (uint32_t)bytes);
    rz_store_u32(codes + step, (uint32_t)(bytes >> 32));
}

/* f16 d; per 32 weights 4 bytes of points and a word: four times 7 signs, 4 bits of scale;
 * d (s + 1/2) / 4 */
void rz_unpack_iq2_xxs(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_half_at(p);
    p += 2;
    for (int g = 0; g < 8; g++, p += 8) {
        uint32_t word = rz_load_u32(p + 4);
        rz_put_scales(factors, lanes, 2 * g, 2, d * (0.5f + (float)(word >> 28)) * 0.25f);
        for (int l = 0; l < 4; l++, codes += 2 * step) {
            put8(codes, step, with_signs(point_iq2(grid_iq2_xxs[p[l]]),
                                         even_signs(word >> 7 * l & 127)));
        }
    }
}

/* f16 d; 32 times 9 bits of point and 7 signs; 16 nibbles of scale */
void rz_unpack_iq2_xs(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_half_at(p);
    for (int i = 0; i < 16; i++) {
        int s = p[66 + i / 2] >> i % 2 * 4 & 15;
        rz_put_scales(factors, lanes, i, 1, d * (0.5f + (float)s) * 0.25f);
    }
    for (int l = 0; l < 32; l++, codes += 2 * step) {
        uint32_t q = rz_load_u16(p + 2 + 2 * l);
        put8(codes, step, with_signs(point_iq2(grid_iq2_xs[q & 511]), even_signs(q >> 9)));
    }
}

/* f16 d; 32 bytes: low bits of points; 32 bytes of signs; 8 bytes: bits 8 and 9 of four points each;
 * 16 nibbles of scale */
void rz_unpack_iq2_s(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_half_at(p);
    for (int i = 0; i < 16; i++) {
        int s = p[74 + i / 2] >> i % 2 * 4 & 15;
        rz_put_scales(factors, lanes, i, 1, d * (0.5f + (float)s) * 0.25f);
    }
    for (int l = 0; l < 32; l++, codes += 2 * step) {
        uint32_t point = p[2 + l] | (uint32_t)(p[66 + l / 4] >> l % 4 * 2 & 3) << 8;
        put8(codes, step, with_signs(point_iq2(grid_iq2_s[point]), p[34 + l]));
    }
}

/* f16 d; 64 bytes of points; per 32 weights a word: four times 7 signs, 4 bits of scale;
 * d (s + 1/2) / 2 */
void rz_unpack_iq3_xxs(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_half_at(p);
    for (int g = 0; g < 8; g++) {
        uint32_t word = rz_load_u32(p + 66 + 4 * g);
        rz_put_scales(factors, lanes, 2 * g, 2, d * (0.5f + (float)(word >> 28)) * 0.5f);
        for (int l = 0; l < 4; l++, codes += 2 * step) {
            const uint8_t *q = p + 2 + 8 * g + 2 * l;
            uint64_t high = point_iq3_xxs(grid_iq3_xxs[q[1]]);
            put8(codes, step, with_signs(point_iq3_xxs(grid_iq3_xxs[q[0]]) | high << 32,
                                         even_signs(word >> 7 * l & 127)));
        }
    }
}

/* f16 d; 64 bytes: low bits of points; 8 bytes: bit 8 of eight points each; 32 bytes of signs;
 * 8 nibbles of scale; d (2 s + 1) */
void rz_unpack_iq3_s(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_half_at(p);
    for (int g = 0; g < 8; g++) {
        int s = p[106 + g / 2] >> g % 2 * 4 & 15;
        rz_put_scales(factors, lanes, 2 * g, 2, d * (float)(1 + 2 * s));
        uint32_t ninth = p[66 + g];
        for (int l = 0; l < 4; l++, codes += 2 * step, ninth >>= 2) {
            const uint8_t *q = p + 2 + 8 * g + 2 * l;
            uint64_t low = point_iq3_s(grid_iq3_s[q[0] | (ninth & 1) << 8]);
            uint64_t high = point_iq3_s(grid_iq3_s[q[1] | (ninth & 2) << 7]);
            put8(codes, step, with_signs(low | high << 32, p[74 + 4 * g + l]));
        }
    }
}

/* The value is d (2 s + 1) (point +- 1/8); codes are eight times the bracket, exactly. */
static uint64_t point_iq1(uint32_t point, bool minus) {
    uint64_t c = spread2(grid_iq1[point]);
    return (8 * c + (minus ? 0x77 : 0x79) * ones) ^ 0x80 * ones;
}

/* f16 d; 32 bytes: low bits of points; per 32 weights 16 bits: four times 3 high bits, 3 bits of
 * scale, sign of the 1/8 */
void rz_unpack_iq1_s(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_half_at(p);
    for (int g = 0; g < 8; g++) {
        uint32_t h = rz_load_u16(p + 34 + 2 * g);
        rz_put_scales(factors, lanes, 2 * g, 2, d * (float)(2 * (h >> 12 & 7) + 1) * 0.125f);
        for (int l = 0; l < 4; l++, codes += 2 * step) {
            uint32_t point = p[2 + 4 * g + l] | (h >> 3 * l & 7) << 8;
            put8(codes, step, point_iq1(point, h >> 15));
        }
    }
}

/* 32 bytes: low bits of points; 32 nibbles: 3 high bits, sign of the 1/8; 4 times 16 bits: four
 * scales of 3 bits, 4 bits of the f16 d */
void rz_unpack_iq1_m(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_f32_from_f16(rz_iq1_m_scale(p));
    for (int i = 0; i < 16; i++) {
        int s = rz_load_u16(p + 48 + i / 4 * 2) >> i % 4 * 3 & 7;
        rz_put_scales(factors, lanes, i, 1, d * (float)(2 * s + 1) * 0.125f);
    }
    for (int l = 0; l < 32; l++, codes += 2 * step) {
        uint32_t h = p[32 + l / 2] >> l % 2 * 4;
        put8(codes, step, point_iq1(p[l] | (h & 7) << 8, h & 8));
    }
}
