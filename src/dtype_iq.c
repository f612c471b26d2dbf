/*
 * dtype_iq.c: the IQ1, IQ2 and IQ3 types: codes are points of a grid of 8 or 4 values, with signs
 * apart. Layouts and grids are ggml's; a grid is kept as numbers of levels, see tools/grids.py.
 */
#include "dtype_parts.h"
#include "grids.inc"

/* A code is the number of a level, plus 8 where the value is negative (IQ1: where the 1/8 that
 * shifts the point is). Values of IQ1 are eight times those of the format, scales an eighth. */
const int8_t rz_levels_iq1[16] = {-7, 1, 9, 0, 0, 0, 0, 0, -9, -1, 7};
const int8_t rz_levels_iq2[16] = {8, 25, 43, 0, 0, 0, 0, 0, -8, -25, -43};
const int8_t rz_levels_iq3_xxs[16] = {4,  12,  20,  28,  36,  44,  52,  62,
                                      -4, -12, -20, -28, -36, -44, -52, -62};
const int8_t rz_levels_iq3_s[16] = {1, 3, 5, 7, 9, 11, 13, 15, -1, -3, -5, -7, -9, -11, -13, -15};

/* The signs of 8 columns, see rz_points_fn. */
static void put_signs(uint32_t *to, uint32_t signs) {
    *to = rz_bytes4(signs);
}

/* Seven signs; the eighth makes their number even. */
static void put_even_signs(uint32_t *to, uint32_t signs) {
    put_signs(to, signs | (uint32_t)__builtin_parity(signs) << 7);
}

/* f16 d; per 32 weights 4 bytes of points and a word: four times 7 signs, 4 bits of scale;
 * d (s + 1/2) / 4 */
void rz_points_iq2_xxs(const uint8_t *p, uint32_t *points, uint32_t *signs, float *factors,
                       size_t lanes) {
    float d = rz_half_at(p);
    p += 2;
    for (int g = 0; g < 8; g++, p += 8) {
        uint32_t word = rz_load_u32(p + 4);
        rz_put_scales(factors, lanes, 2 * g, 2, d * (0.5f + (float)(word >> 28)) * 0.25f);
        for (int l = 0; l < 4; l++, points += lanes, signs += lanes) {
            points[0] = grid_iq2_xxs[p[l]];
            put_even_signs(signs, word >> 7 * l & 127);
        }
    }
}

/* f16 d; 32 times 9 bits of point and 7 signs; 16 nibbles of scale */
void rz_points_iq2_xs(const uint8_t *p, uint32_t *points, uint32_t *signs, float *factors,
                      size_t lanes) {
    float d = rz_half_at(p);
    for (int i = 0; i < 16; i++) {
        int s = p[66 + i / 2] >> i % 2 * 4 & 15;
        rz_put_scales(factors, lanes, i, 1, d * (0.5f + (float)s) * 0.25f);
    }
    for (int l = 0; l < 32; l++, points += lanes, signs += lanes) {
        uint32_t q = rz_load_u16(p + 2 + 2 * l);
        points[0] = grid_iq2_xs[q & 511];
        put_even_signs(signs, q >> 9);
    }
}

/* f16 d; 32 bytes: low bits of points; 32 bytes of signs; 8 bytes: bits 8 and 9 of four points
 * each; 16 nibbles of scale */
void rz_points_iq2_s(const uint8_t *p, uint32_t *points, uint32_t *signs, float *factors,
                     size_t lanes) {
    float d = rz_half_at(p);
    for (int i = 0; i < 16; i++) {
        int s = p[74 + i / 2] >> i % 2 * 4 & 15;
        rz_put_scales(factors, lanes, i, 1, d * (0.5f + (float)s) * 0.25f);
    }
    for (int l = 0; l < 32; l++, points += lanes, signs += lanes) {
        points[0] = grid_iq2_s[p[2 + l] | (uint32_t)(p[66 + l / 4] >> l % 4 * 2 & 3) << 8];
        put_signs(signs, p[34 + l]);
    }
}

/* f16 d; 64 bytes of points; per 32 weights a word: four times 7 signs, 4 bits of scale;
 * d (s + 1/2) / 2 */
void rz_points_iq3_xxs(const uint8_t *p, uint32_t *points, uint32_t *signs, float *factors,
                       size_t lanes) {
    float d = rz_half_at(p);
    for (int g = 0; g < 8; g++) {
        uint32_t word = rz_load_u32(p + 66 + 4 * g);
        rz_put_scales(factors, lanes, 2 * g, 2, d * (0.5f + (float)(word >> 28)) * 0.5f);
        for (int l = 0; l < 4; l++, points += 2 * lanes, signs += lanes) {
            const uint8_t *q = p + 2 + 8 * g + 2 * l;
            points[0] = grid_iq3_xxs[q[0]];
            points[lanes] = grid_iq3_xxs[q[1]];
            put_even_signs(signs, word >> 7 * l & 127);
        }
    }
}

/* f16 d; 64 bytes: low bits of points; 8 bytes: bit 8 of eight points each; 32 bytes of signs;
 * 8 nibbles of scale; d (2 s + 1) */
void rz_points_iq3_s(const uint8_t *p, uint32_t *points, uint32_t *signs, float *factors,
                     size_t lanes) {
    float d = rz_half_at(p);
    for (int g = 0; g < 8; g++) {
        int s = p[106 + g / 2] >> g % 2 * 4 & 15;
        rz_put_scales(factors, lanes, 2 * g, 2, d * (float)(1 + 2 * s));
        uint32_t ninth = p[66 + g];
        for (int l = 0; l < 4; l++, points += 2 * lanes, signs += lanes, ninth >>= 2) {
            const uint8_t *q = p + 2 + 8 * g + 2 * l;
            points[0] = grid_iq3_s[q[0] | (ninth & 1) << 8];
            points[lanes] = grid_iq3_s[q[1] | (ninth & 2) << 7];
            put_signs(signs, p[74 + 4 * g + l]);
        }
    }
}

/* f16 d; 32 bytes: low bits of points; per 32 weights 16 bits: four times 3 high bits, 3 bits of
 * scale, sign of the 1/8; d (2 s + 1) (point +- 1/8) */
void rz_points_iq1_s(const uint8_t *p, uint32_t *points, uint32_t *signs, float *factors,
                     size_t lanes) {
    float d = rz_half_at(p);
    for (int g = 0; g < 8; g++) {
        uint32_t h = rz_load_u16(p + 34 + 2 * g);
        rz_put_scales(factors, lanes, 2 * g, 2, d * (float)(2 * (h >> 12 & 7) + 1) * 0.125f);
        for (int l = 0; l < 4; l++, points += lanes, signs += lanes) {
            points[0] = grid_iq1[p[2 + 4 * g + l] | (h >> 3 * l & 7) << 8];
            put_signs(signs, (h >> 15) * 255);
        }
    }
}

/* 32 bytes: low bits of points; 32 nibbles: 3 high bits, sign of the 1/8; 4 times 16 bits: four
 * scales of 3 bits, 4 bits of the f16 d */
void rz_points_iq1_m(const uint8_t *p, uint32_t *points, uint32_t *signs, float *factors,
                     size_t lanes) {
    float d = rz_f32_from_f16(rz_iq1_m_scale(p));
    for (int i = 0; i < 16; i++) {
        int s = rz_load_u16(p + 48 + i / 4 * 2) >> i % 4 * 3 & 7;
        rz_put_scales(factors, lanes, i, 1, d * (float)(2 * s + 1) * 0.125f);
    }
    for (int l = 0; l < 32; l++, points += lanes, signs += lanes) {
        uint32_t h = p[32 + l / 2] >> l % 2 * 4;
        points[0] = grid_iq1[p[l] | (h & 7) << 8];
        put_signs(signs, (h >> 3 & 1) * 255);
    }
}
