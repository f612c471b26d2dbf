/*
 * dtype_parts.h: what the files of dtype.c share: the dequantisers and unpackers of the K, IQ and
 * few-level types.
 */
#ifndef RZ_DTYPE_PARTS_H
#define RZ_DTYPE_PARTS_H

#include "dtype.h"

typedef void rz_dequantize_fn(const uint8_t *blocks, float *out, size_t n);

rz_dequantize_fn rz_dequantize_q4_k, rz_dequantize_q5_k, rz_dequantize_q6_k;
rz_unpack_fn rz_unpack_q2_k, rz_unpack_q3_k;
rz_points_fn rz_points_iq1_s, rz_points_iq1_m, rz_points_iq2_xxs, rz_points_iq2_xs;
rz_points_fn rz_points_iq2_s, rz_points_iq3_xxs, rz_points_iq3_s;
rz_unpack_fn rz_unpack_iq4_nl, rz_unpack_iq4_xs, rz_unpack_mxfp4, rz_unpack_nvfp4;
rz_unpack_fn rz_unpack_tq1_0, rz_unpack_tq2_0, rz_unpack_q1_0, rz_unpack_q2_0;

extern const int8_t rz_levels_q2_k[16], rz_levels_q3_k[16];
extern const int8_t rz_levels_iq1[16], rz_levels_iq2[16], rz_levels_iq3_xxs[16],
    rz_levels_iq3_s[16];
extern const int8_t rz_levels_iq4[16], rz_levels_fp4[16], rz_levels_ternary[16],
    rz_levels_binary[16];

static inline float rz_half_at(const uint8_t *p) {
    return rz_f32_from_f16(rz_load_u16(p));
}

/* x in every byte of a word */
static inline uint32_t rz_bytes4(uint32_t x) {
    return x * 0x01010101u;
}

/* The 256 codes of two bits of Q2_K, Q3_K and TQ2_0, as rz_unpack_fn says: bits 2b of byte 32 h + l are weight
 * 128 h + 32 b + l. */
void rz_put_pairs(uint8_t *codes, size_t step, const uint8_t *q);

/* Scales first .. first + n all equal. */
static inline void rz_put_scales(float *factors, size_t lanes, int first, int n, float scale) {
    for (int i = first; i < first + n; i++) factors[(size_t)i * lanes] = scale;
}

#endif
