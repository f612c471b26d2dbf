/*
 * kv_i16.h: RZ_KV_I16, what a KV cache of 2 bytes a number holds where halves would have to be converted: whole
 * numbers of 14 bits with a scale for all dimensions of a key or value of a head. Queries and what keys weigh are such
 * numbers as well: 32 products fit in 32 bits.
 *   keys    groups of nr: f32 d[nr], i16 [head_dim / 2, rounded up][nr][2]
 *   values  blocks of RZ_KEY_BLOCK: f32 d[32 keys], i16 [v_width / nr][16][nr][2 keys]
 *   query   f32 d, i16 [head_dim, rounded up to 2]
 */
#ifndef RZ_KV_I16_H
#define RZ_KV_I16_H

#include "fmath.h"

enum { RZ_I16_MOST = 8191 };

/* Bytes of a query, and of a key in its group. */
static inline uint32_t rz_i16_row(uint32_t head_dim) { return 4 + 2 * rz_round_up(head_dim, 2); }

/* Bytes of a block of values of v_width dimensions. */
static inline uint32_t rz_i16_values(uint32_t v_width) { return RZ_KEY_BLOCK * (4 + 2 * v_width); }

/* Where dimension d of a key lies in its group, and that of a value in its block. */
static inline size_t rz_i16_key_at(uint32_t nr, uint32_t lane, uint32_t d) {
    return 4 * nr + ((size_t)(d / 2 * nr + lane) * 2 + d % 2) * 2;
}
static inline size_t rz_i16_value_at(uint32_t nr, uint32_t key, uint32_t d) {
    return RZ_VALUE_CODES + ((size_t)(d / nr * (RZ_KEY_BLOCK / 2) + key / 2) * nr + d % nr) * 4 + key % 2 * 2;
}

/* Floats are such numbers times `scale`: 0 where all are smaller than RZ_WEIGHT_LEAST, NaN where one is not finite. */
typedef struct {
    float scale, inverse;
} rz_i16_unit;

static inline rz_i16_unit rz_i16_unit_of(const float *x, uint32_t n) {
    uint32_t most = 0; /* bits of the largest |x|: infinity is above numbers, NaN above that */
    for (uint32_t d = 0; d < n; d++) most = rz_max_u32(most, rz_bits_from_f32(x[d]) & 0x7fffffffu);
    const float size = rz_f32_from_bits(most);
    if (!(size >= RZ_WEIGHT_LEAST && size < __builtin_inff())) return (rz_i16_unit){size < 1 ? 0 : size - size, 0};
    return (rz_i16_unit){size / RZ_I16_MOST, RZ_I16_MOST / size};
}

static inline uint16_t rz_i16_of(float x, rz_i16_unit unit) {
    return (uint16_t)(rz_bits_from_f32(x * unit.inverse + RZ_ROUND) - rz_bits_from_f32(RZ_ROUND));
}

/* One query. */
static inline void rz_i16_query(uint8_t *dst, const float *x, uint32_t head_dim) {
    const rz_i16_unit unit = rz_i16_unit_of(x, head_dim);
    rz_store_u32(dst, rz_bits_from_f32(unit.scale));
    rz_store_u16(dst + 2 + 2 * rz_round_up(head_dim, 2), 0); /* where the number is odd */
    for (uint32_t d = 0; d < head_dim; d++) rz_store_u16(dst + 4 + 2 * d, rz_i16_of(x[d], unit));
}

#endif
