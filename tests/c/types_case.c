/* types_case.c: see types_case.h. */
#include "types_case.h"

#include <math.h>

int types_quantised(uint32_t *ids) {
    int n = 0;
    for (uint32_t id = 0; id < RZ_DT_COUNT; id++) {
        const rz_dtype *t = rz_dtype_get(id);
        if (t && t->block > 1) ids[n++] = id;
    }
    return n;
}

/* Where the first half stands; the second, if any, is behind it. */
static size_t half_place(uint32_t dtype) {
    switch (dtype) {
    case RZ_DT_Q2_K:
        return 80;
    case RZ_DT_Q3_K:
        return 108;
    case RZ_DT_Q6_K:
        return 208;
    case RZ_DT_TQ1_0:
        return 52;
    case RZ_DT_TQ2_0:
        return 64;
    default:
        return 0;
    }
}

int types_halves(uint32_t dtype) {
    switch (dtype) {
    case RZ_DT_MXFP4:
    case RZ_DT_NVFP4:
        return 0;
    case RZ_DT_Q4_1:
    case RZ_DT_Q5_1:
    case RZ_DT_Q2_K:
    case RZ_DT_Q4_K:
    case RZ_DT_Q5_K:
        return 2;
    default:
        return 1;
    }
}

uint16_t types_half(uint32_t dtype, const uint8_t *block, int i) {
    if (dtype == RZ_DT_IQ1_M) return rz_iq1_m_scale(block);
    return rz_load_u16(block + half_place(dtype) + 2 * i);
}

void types_set_half(uint32_t dtype, uint8_t *block, int i, uint16_t half) {
    if (dtype != RZ_DT_IQ1_M) {
        rz_store_u16(block + half_place(dtype) + 2 * i, half);
        return;
    }
    for (int part = 0; part < 4; part++) {
        uint8_t *p = block + 49 + 2 * part;
        *p = (uint8_t)((*p & 15) | (half >> 4 * part & 15) << 4);
    }
}

void types_any_block(random_state *r, uint32_t dtype, uint8_t *block) {
    random_bytes(r, block, rz_dtype_get(dtype)->block_bytes);
    for (int i = 0; i < types_halves(dtype); i++) {
        uint16_t half = types_half(dtype, block, i);
        if ((half & 0x7c00) == 0x7c00) types_set_half(dtype, block, i, half & 0x83ff);
    }
    if (dtype == RZ_DT_MXFP4) block[0] %= 253;
}

static uint16_t half_of(random_state *r, enum types_kind kind) {
    const uint16_t fraction = (uint16_t)random_below(r, 0x400);
    switch (kind) {
    case T_ZERO_SCALES:
        return random_below(r, 2) ? 0x8000 : 0;
    case T_NEGATIVE:
        return 0xa000 | fraction;
    case T_SUBNORMAL:
        return (uint16_t)(random_below(r, 2) << 15) | fraction;
    case T_LARGEST:
        return 0x7bff;
    default:
        return (uint16_t)(random_below(r, 2) << 15 | (0x1800 + random_below(r, 0x1000)));
    }
}

static void byte_scales(random_state *r, enum types_kind kind, uint32_t dtype, uint8_t *block) {
    if (dtype == RZ_DT_MXFP4) {
        block[0] = kind == T_ZERO_SCALES ? 0
                   : kind == T_SUBNORMAL ? (uint8_t)random_below(r, 3)
                   : kind == T_LARGEST   ? 252
                                         : (uint8_t)(110 + random_below(r, 30));
    }
    for (int i = 0; i < 4 && dtype == RZ_DT_NVFP4; i++) {
        block[i] = kind == T_ZERO_SCALES ? (uint8_t)(random_below(r, 2) * 0x7f)
                   : kind == T_SUBNORMAL ? (uint8_t)random_below(r, 8)
                   : kind == T_LARGEST   ? 0x7e
                                         : (uint8_t)random_below(r, 0x100);
    }
}

void types_block(random_state *r, enum types_kind kind, uint32_t dtype, uint8_t *block) {
    const size_t bytes = rz_dtype_get(dtype)->block_bytes;
    random_bytes(r, block, bytes);
    if (kind == T_ZERO_CODES) memset(block, 0, bytes);
    if (kind == T_MAX_CODES) memset(block, 0xff, bytes);
    if (kind == T_MAX_CODES && dtype == RZ_DT_Q8_0) { /* the ends of the range of int8 */
        for (size_t i = 2; i < bytes; i++) block[i] = random_below(r, 2) ? 0x80 : 0x7f;
    }
    for (int i = 0; i < types_halves(dtype); i++) types_set_half(dtype, block, i, half_of(r, kind));
    byte_scales(r, kind, dtype, block);
}

void types_scaled_block(random_state *r, uint32_t dtype, uint8_t *block, float scale) {
    const rz_dtype *t = rz_dtype_get(dtype);
    float w[RZ_BLOCK_MAX], most = 0;
    /* factor of the minimum for which the mean is near 0, d being 1 */
    const float offset = dtype == RZ_DT_Q4_1   ? -7.5f
                         : dtype == RZ_DT_Q5_1 ? -15.5f
                         : dtype == RZ_DT_Q2_K ? 1.5f
                         : dtype == RZ_DT_Q4_K ? 7.5f
                                               : 15.5f;
    random_bytes(r, block, t->block_bytes);
    if (dtype == RZ_DT_MXFP4) block[0] = (uint8_t)(127 + (int)floorf(log2f(scale / 6)));
    for (int i = 0; i < 4 && dtype == RZ_DT_NVFP4; i++) {
        block[i] = (uint8_t)((7 + (int)floorf(log2f(scale / 6))) << 3);
    }
    if (!types_halves(dtype)) return;
    types_set_half(dtype, block, 0, 0x3c00);
    if (types_halves(dtype) == 2) types_set_half(dtype, block, 1, rz_f16_from_f32(offset));
    rz_dtype_dequantize(t, block, w, t->block);
    for (uint32_t i = 0; i < t->block; i++) most = fmaxf(most, fabsf(w[i]));
    types_set_half(dtype, block, 0, rz_f16_from_f32(scale / most));
    if (types_halves(dtype) == 2)
        types_set_half(dtype, block, 1, rz_f16_from_f32(offset * scale / most));
}

void types_sizes(uint32_t dtype, const uint8_t *block, uint32_t c, double w, double *code,
                 double *min) {
    const double m = types_halves(dtype) == 2 ? rz_f32_from_f16(types_half(dtype, block, 1)) : 0;
    uint8_t s, k = 0;
    if (dtype == RZ_DT_Q4_K || dtype == RZ_DT_Q5_K)
        rz_k_scale_min(block + 4, (int)(c / 32), &s, &k);
    if (dtype == RZ_DT_Q2_K) k = block[c / 16] >> 4;
    *min = fabs(dtype == RZ_DT_Q4_1 || dtype == RZ_DT_Q5_1 ? m : m * k);
    *code = fabs(w) + *min;
}
