/*
 * dtype_iq.c: the IQ1, IQ2 and IQ3 types: codes are points of a grid of 8 or 4 values, with signs
 * apart. Layouts and grids are ggml's; a grid is kept as numbers of levels, see tools/grids.py.
 */
#include "dtype_parts.h"
#include "grids.inc"

/* A code is the number of a level, plus 8 where the value is negative (IQ1: plus 4 where the 1/8
 * that shifts the point is). Values of IQ1 are eight times those of the format, scales an eighth.
 */
const int8_t rz_levels_iq1[16] = {-7, 1, 9, 0, -9, -1, 7};
const int8_t rz_levels_iq2[16] = {8, 25, 43, 0, 0, 0, 0, 0, -8, -25, -43};
const int8_t rz_levels_iq3_xxs[16] = {4,  12,  20,  28,  36,  44,  52,  62,
                                      -4, -12, -20, -28, -36, -44, -52, -62};
const int8_t rz_levels_iq3_s[16] = {1, 3, 5, 7, 9, 11, 13, 15, -1, -3, -5, -7, -9, -11, -13, -15};

static const uint64_t ones = 0x0101010101010101u;

/* Eight numbers of 2 bits to eight bytes. */
static uint64_t spread2(uint64_t x) {
    x = (x | x << 24) & 0x000000ff000000ffu;
    x = (x | x << 12) & 0x000f000f000f000fu;
    return (x | x << 6) & 0x0303030303030303u;
}

/* Eight numbers of 4 bits, in two words of 16 bits, to eight bytes. */
static uint64_t spread4(uint64_t low, uint64_t high) {
    uint64_t x = low | high << 32;
    x = (x | x << 8) & 0x00ff00ff00ff00ffu;
    return (x | x << 4) & 0x0f0f0f0f0f0f0f0fu;
}

/* Bit i to 8 times the value of byte i. The product puts bit i of the lowest seven at place 8 i and
 * never two at one place. */
static uint64_t sign_codes(uint32_t signs) {
    return (((signs & 127) * 0x0002040810204081u & ones) | (uint64_t)(signs >> 7) << 56) << 3;
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
void rz_unpack_iq2_xxs(const uint8_t *p, uint8_t *codes, size_t step, float *factors,
                       size_t lanes) {
    float d = rz_half_at(p);
    p += 2;
    for (int g = 0; g < 8; g++, p += 8) {
        uint32_t word = rz_load_u32(p + 4);
        rz_put_scales(factors, lanes, 2 * g, 2, d * (0.5f + (float)(word >> 28)) * 0.25f);
        for (int l = 0; l < 4; l++, codes += 2 * step) {
            put8(codes, step,
                 spread2(grid_iq2_xxs[p[l]]) | sign_codes(even_signs(word >> 7 * l & 127)));
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
        put8(codes, step, spread2(grid_iq2_xs[q & 511]) | sign_codes(even_signs(q >> 9)));
    }
}

/* f16 d; 32 bytes: low bits of points; 32 bytes of signs; 8 bytes: bits 8 and 9 of four points
 * each; 16 nibbles of scale */
void rz_unpack_iq2_s(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_half_at(p);
    for (int i = 0; i < 16; i++) {
        int s = p[74 + i / 2] >> i % 2 * 4 & 15;
        rz_put_scales(factors, lanes, i, 1, d * (0.5f + (float)s) * 0.25f);
    }
    for (int l = 0; l < 32; l++, codes += 2 * step) {
        uint32_t point = p[2 + l] | (uint32_t)(p[66 + l / 4] >> l % 4 * 2 & 3) << 8;
        put8(codes, step, spread2(grid_iq2_s[point]) | sign_codes(p[34 + l]));
    }
}

/* f16 d; 64 bytes of points; per 32 weights a word: four times 7 signs, 4 bits of scale;
 * d (s + 1/2) / 2 */
void rz_unpack_iq3_xxs(const uint8_t *p, uint8_t *codes, size_t step, float *factors,
                       size_t lanes) {
    float d = rz_half_at(p);
    for (int g = 0; g < 8; g++) {
        uint32_t word = rz_load_u32(p + 66 + 4 * g);
        rz_put_scales(factors, lanes, 2 * g, 2, d * (0.5f + (float)(word >> 28)) * 0.5f);
        for (int l = 0; l < 4; l++, codes += 2 * step) {
            const uint8_t *q = p + 2 + 8 * g + 2 * l;
            put8(codes, step,
                 spread4(grid_iq3_xxs[q[0]], grid_iq3_xxs[q[1]]) |
                     sign_codes(even_signs(word >> 7 * l & 127)));
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
            uint32_t low = q[0] | (ninth & 1) << 8, high = q[1] | (ninth & 2) << 7;
            put8(codes, step,
                 spread4(grid_iq3_s[low], grid_iq3_s[high]) | sign_codes(p[74 + 4 * g + l]));
        }
    }
}

/* f16 d; 32 bytes: low bits of points; per 32 weights 16 bits: four times 3 high bits, 3 bits of
 * scale, sign of the 1/8; d (2 s + 1) (point +- 1/8) */
void rz_unpack_iq1_s(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_half_at(p);
    for (int g = 0; g < 8; g++) {
        uint32_t h = rz_load_u16(p + 34 + 2 * g);
        rz_put_scales(factors, lanes, 2 * g, 2, d * (float)(2 * (h >> 12 & 7) + 1) * 0.125f);
        for (int l = 0; l < 4; l++, codes += 2 * step) {
            uint32_t point = p[2 + 4 * g + l] | (h >> 3 * l & 7) << 8;
            put8(codes, step, spread2(grid_iq1[point]) | (h >> 15) * 4 * ones);
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
        put8(codes, step, spread2(grid_iq1[p[l] | (h & 7) << 8]) | (h >> 3 & 1) * 4 * ones);
    }
}
