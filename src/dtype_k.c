/*
 * dtype_k.c: the K types: 256 weights a block, scales of sub-blocks in few bits; layouts are
 * ggml's.
 */
#include "dtype_parts.h"

/* f16 d, f16 dmin, 12 bytes of scales and minima, for Q5_K 32 bytes qh: bit g of qh[j] is the fifth bit of weight j of group
 * g, 128 bytes of nibbles: each 32 bytes hold group g in the low and group g + 1 in the high nibbles; d s q - dmin m */
static void dequantize_groups(const uint8_t *p, float *out, size_t n, bool fifth) {
    for (size_t i = 0; i < n; i += 256) {
        const float d = rz_half_at(p), dmin = rz_half_at(p + 2);
        const uint8_t *qh = p + 16, *q = fifth ? p + 48 : qh;
        for (int g = 0; g < 8; g++, out += 32) {
            uint8_t scale, min;
            rz_k_scale_min(p + 4, g, &scale, &min);
            const float ds = d * (float)scale, dm = dmin * (float)min;
            for (int j = 0; j < 32; j++) {
                const int low = q[g / 2 * 32 + j] >> g % 2 * 4 & 15, high = fifth ? (qh[j] >> g & 1) << 4 : 0;
                out[j] = ds * (float)(low | high) - dm;
            }
        }
        p = q + 128;
    }
}

void rz_dequantize_q4_k(const uint8_t *p, float *out, size_t n) { dequantize_groups(p, out, n, false); }
void rz_dequantize_q5_k(const uint8_t *p, float *out, size_t n) { dequantize_groups(p, out, n, true); }

/* 128 bytes ql, 64 bytes qh, 16 signed scales, f16 d. Half h of 128 weights, quarter b: nibble of
 * ql[64 h + l + 32 (b & 1)] (low for b < 2), bits 2b of qh[32 h + l]; d s (q - 32) */
void rz_dequantize_q6_k(const uint8_t *p, float *out, size_t n) {
    for (size_t i = 0; i < n; i += 256, p += 210, out += 256) {
        const uint8_t *ql = p, *qh = p + 128, *scales = p + 192;
        float d = rz_half_at(p + 208);
        for (int j = 0; j < 256; j++) {
            int h = j / 128, b = j / 32 % 4, l = j % 32;
            int low = ql[64 * h + l + 32 * (b & 1)] >> (b < 2 ? 0 : 4) & 15;
            int high = qh[32 * h + l] >> 2 * b & 3;
            float ds = d * (float)(int8_t)scales[j / 16];
            out[j] = ds * (float)((low | high << 4) - 32);
        }
    }
}

const int8_t rz_levels_q2_k[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
const int8_t rz_levels_q3_k[16] = {-4, -3, -2, -1, 0, 1, 2, 3};

void rz_put_pairs(uint8_t *codes, size_t step, const uint8_t *q) {
    for (int i = 0; i < 64; i++, codes += step) {
        const uint32_t four = rz_load_u32(q + (i / 32 * 8 + i % 8) * 4);
        rz_store_u32(codes, four >> i / 8 % 4 * 2 & rz_bytes4(3));
    }
}

/* 16 bytes: scale in the low, minimum in the high nibble; 64 bytes: bits 2b of byte 32 h + l are
 * weight 128 h + 32 b + l; f16 d, f16 dmin; d s q - dmin m */
void rz_unpack_q2_k(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    float d = rz_half_at(p + 80), dmin = rz_half_at(p + 82);
    for (int i = 0; i < 16; i++) {
        factors[(size_t)i * lanes] = d * (float)(p[i] & 15);
        factors[(size_t)(16 + i) * lanes] = dmin * (float)(p[i] >> 4);
    }
    rz_put_pairs(codes, step, p + 16);
}

/* 32 bytes: bit b of byte l is the third bit of weight 32 b + l; 64 bytes of two bits as Q2_K;
 * 12 bytes: low nibbles of scales 0-7, of 8-15 in the high ones, then bits 4 and 5 of scales i,
 * i + 4, i + 8, i + 12 in byte 8 + i; f16 d; d (s - 32) (q - 4) */
void rz_unpack_q3_k(const uint8_t *p, uint8_t *codes, size_t step, float *factors, size_t lanes) {
    const uint8_t *s = p + 96;
    float d = rz_half_at(p + 108);
    for (int i = 0; i < 16; i++) {
        int low = s[i % 8] >> (i < 8 ? 0 : 4) & 15, high = s[8 + i % 4] >> i / 4 * 2 & 3;
        factors[(size_t)i * lanes] = d * (float)((low | high << 4) - 32);
    }
    rz_put_pairs(codes, step, p + 32);
    for (int i = 0; i < 64; i++, codes += step) {
        const uint32_t third = rz_load_u32(p + i % 8 * 4) >> i / 8 & rz_bytes4(1);
        rz_store_u32(codes, rz_load_u32(codes) | third << 2);
    }
}
