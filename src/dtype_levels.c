/*
 * dtype_levels.c: types whose codes name one of a few levels: 4-bit tables, 2 bits, 1 bit, and
 * ternary digits. Layouts are ggml's; MXFP4 and NVFP4 hold the 4-bit floats of the OCP
 * microscaling formats.
 */
#include "dtype_parts.h"

const int8_t rz_levels_iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};
/* E2M1 (a sign, 2 bits of exponent, 1 of mantissa), doubled: the scales are halved */
const int8_t rz_levels_fp4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
const int8_t rz_levels_ternary[16] = {-1, 0, 1, 2, -1, 0, 1, 2, -1, 0, 1, 2, -1, 0, 1, 2};
const int8_t rz_levels_binary[16] = {-1, 1};

/* n words of low nibbles, then n words of high nibbles. */
static void put_nibbles(uint8_t *codes, size_t step, const uint8_t *q, int n) {
    for (int w = 0; w < n; w++, codes += step) {
        uint32_t both = rz_load_u32(q + 4 * w);
        rz_store_u32(codes, both & rz_bytes4(15));
        rz_store_u32(codes + (size_t)n * step, both >> 4 & rz_bytes4(15));
    }
}

/* f16 d, 16 bytes: low nibble of byte j is weight j, high nibble weight j + 16 */
void rz_unpack_iq4_nl(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    rz_put_scales(factors, lanes, 0, 2, rz_half_at(p));
    put_nibbles(codes, step, p + 2, 4);
}

/* f16 d, 8 times 2 high bits of scale, 8 nibbles: low bits of scale; 8 times 16 bytes as IQ4_NL;
 * d (s - 32) */
void rz_unpack_iq4_xs(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_half_at(p);
    for (int g = 0; g < 8; g++, codes += 8 * step) {
        int low = p[4 + g / 2] >> g % 2 * 4 & 15, high = rz_load_u16(p + 2) >> 2 * g & 3;
        rz_put_scales(factors, lanes, 2 * g, 2, d * (float)((low | high << 4) - 32));
        put_nibbles(codes, step, p + 8 + 16 * g, 4);
    }
}

/* 8 bits of exponent: 2^(e - 127), here halved; 16 bytes as IQ4_NL */
void rz_unpack_mxfp4(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    rz_put_scales(factors, lanes, 0, 2, rz_mxfp4_scale(p[0]));
    put_nibbles(codes, step, p + 1, 4);
}

/* Half of an unsigned float of 4 bits exponent (bias 7) and 3 bits mantissa. What the format calls
 * NaN is 0, as in ggml. */
static float half_of_ue4m3(uint8_t x) {
    int exponent = x >> 3 & 15, mantissa = x & 7;
    if (x == 0x7f) return 0;
    if (exponent == 0) return (float)mantissa * 0x1p-10f;
    return rz_f32_from_bits((uint32_t)(exponent + 119) << 23 | (uint32_t)mantissa << 20);
}

/* 4 scales of 16 weights; 4 times 8 bytes: low nibbles are weights 0-7, high ones 8-15 */
void rz_unpack_nvfp4(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    for (int i = 0; i < 4; i++, codes += 4 * step) {
        rz_put_scales(factors, lanes, i, 1, half_of_ue4m3(p[i]));
        put_nibbles(codes, step, p + 4 + 8 * i, 2);
    }
}

/* f16 d, 16 bytes: bit i of byte j is weight 8 j + i; d or -d */
void rz_unpack_q1_0(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    rz_put_scales(factors, lanes, 0, 8, rz_half_at(p));
    for (int j = 0; j < 32; j++, codes += step) {
        uint32_t bits = p[2 + j / 2] >> j % 2 * 4 & 15u;
        rz_store_u32(codes, bits * 0x00204081u & rz_bytes4(1)); /* bit i to byte i */
    }
}

/* f16 d, 16 bytes: bits 2 i of byte j are weight 4 j + i; d (q - 1) */
void rz_unpack_q2_0(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    rz_put_scales(factors, lanes, 0, 4, rz_half_at(p));
    for (int j = 0; j < 16; j++, codes += step) {
        uint32_t b = p[2 + j];
        rz_store_u32(codes, (b | b << 6 | b << 12 | b << 18) & rz_bytes4(3));
    }
}

/* Digit `power` (3^i) of four bytes that hold five ternary digits each as the fraction q / 256. */
static uint32_t ternary(uint32_t q, uint32_t power) {
    uint32_t even = q & 0x00ff00ffu, odd = q >> 8 & 0x00ff00ffu;
    even = (even * power & 0x00ff00ffu) * 3 >> 8 & 0x00030003u;
    odd = (odd * power & 0x00ff00ffu) * 3 & 0x03000300u;
    return even | odd;
}

/* 32 bytes: digit i of byte l is weight 32 i + l; 16 bytes: weight 160 + 16 i + l; 4 bytes of four
 * digits: weight 240 + 4 i + l; f16 d */
void rz_unpack_tq1_0(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    static const struct {
        uint8_t at, words, digits;
    } parts[3] = {{0, 8, 5}, {32, 4, 5}, {48, 1, 4}};
    rz_put_scales(factors, lanes, 0, 16, rz_half_at(p + 52));
    for (int part = 0; part < 3; part++) {
        uint32_t power = 1;
        for (int i = 0; i < parts[part].digits; i++, power *= 3) {
            for (int w = 0; w < parts[part].words; w++, codes += step) {
                rz_store_u32(codes, ternary(rz_load_u32(p + parts[part].at + 4 * w), power));
            }
        }
    }
}

/* 64 bytes of two bits as Q2_K, f16 d; d (q - 1) */
void rz_unpack_tq2_0(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    rz_put_scales(factors, lanes, 0, 16, rz_half_at(p + 64));
    rz_put_pairs(codes, step, p);
}
