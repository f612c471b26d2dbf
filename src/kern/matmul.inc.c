/*
 * matmul.inc.c: matrix products of packed weights with a tile of T tokens, over the vocabulary of
 * simd_*.h. Included once per table.
 *
 * A body computes one group of NR rows for one tile. T is a compile-time constant after inlining,
 * so the arrays over t live in registers. Each body follows the scalar one of the same name.
 */

/* Loops over the words of a block. V8 keeps short loops in registers and spills long straight code:
 * unrolled, Q4_0 and Q8_0 lose a third there. */
#if defined(__wasm__)
#define UNROLL _Pragma("GCC unroll 1")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
/* Two sums of T tokens do not fit into 16 registers where each takes two: one after the other. */
#define SUMS_APART(T) (SPAN == 1 && (T) > 1)
#define FOR_T     _Pragma("GCC unroll 8") for (int t = 0; t < T; t++)

/* A q8 tile block of T tokens; see rz_act in kern.h. */
#define ACT_BYTES(T) ((T) * (16 + 8 * XK_BYTES))
#define ACT_D(a, T, t)       (((const float *)(a))[t])
#define ACT_DS(a, T, t)      (((const float *)(a))[(T) + (t)])
#define ACT_NS(a, T, t)      (((const int32_t *)(a))[2 * (T) + (t)])
#define ACT_NS16(a, T, upper, t)                                                                   \
    ((upper) ? ((const int32_t *)(a))[3 * (T) + (t)]                                               \
             : ACT_NS(a, T, t) - ((const int32_t *)(a))[3 * (T) + (t)])
#define ACT_Q(a, T, k4, t)   xk_load((a) + 16 * (T) + ((k4) * (T) + (t)) * XK_BYTES)

/* Words of weights. One token waits for them; a tile of tokens computes longer than they take to come. */
RZ_INLINE vb words(const uint8_t *p, const int T) {
    if (T == 1) rz_fetch_ahead(p, 4 * NR);
    return vb_load(p);
}

/* start plus the sums of the codes of 4 bits of 32 columns. */
RZ_INLINE void sum_q4(const uint8_t *qs, const uint8_t *act, const vi *start, vi *out, const int T) {
    na sum[8];
    FOR_T sum[t] = na_start(start[t]);
    UNROLL for (int v = 0; v < 4; v++) {
        vb raw = words(qs + v * 4 * NR, T), low = vb_low4(raw), high = vb_high4(raw);
        FOR_T {
            sum[t] = na_dot(sum[t], low, ACT_Q(act, T, v, t));
            sum[t] = na_dot(sum[t], high, ACT_Q(act, T, v + 4, t));
        }
    }
    FOR_T out[t] = na_end(sum[t], start[t]);
}

RZ_INLINE void tile_q4_0(const uint8_t *cell, const uint8_t *act, uint32_t cols, vf *out,
                         const int T) {
    vf acc[8];
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 32; b++, cell += 18 * NR, act += ACT_BYTES(T)) {
        vi sum[8];
        FOR_T sum[t] = vi_shl(vi_splat(ACT_NS(act, T, t)), 3);
        sum_q4(cell + 2 * NR, act, sum, sum, T);
        vf d = vf_load_f16(cell);
        FOR_T acc[t] =
            vf_madd(vf_from_i(sum[t]), vf_mul(d, vf_splat(ACT_D(act, T, t))), acc[t]);
    }
    FOR_T out[t] = acc[t];
}

RZ_INLINE void tile_q4_1(const uint8_t *cell, const uint8_t *act, uint32_t cols, vf *out,
                         const int T) {
    vf acc[8];
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 32; b++, cell += 20 * NR, act += ACT_BYTES(T)) {
        vi sum[8];
        FOR_T sum[t] = vi_splat(0);
        sum_q4(cell + 4 * NR, act, sum, sum, T);
        vf d = vf_load_f16(cell), m = vf_load_f16(cell + 2 * NR);
        FOR_T {
            vf scale = vf_mul(d, vf_splat(ACT_D(act, T, t)));
            acc[t] = vf_madd(vf_from_i(sum[t]), scale, acc[t]);
            acc[t] = vf_madd(m, vf_splat(ACT_DS(act, T, t)), acc[t]);
        }
    }
    FOR_T out[t] = acc[t];
}

/* start plus the sums of the codes of 5 bits of 32 columns: h holds the fifth bits, qs the nibbles. */
RZ_INLINE void sum_q5(const uint8_t *h, const uint8_t *qs, const uint8_t *act, const vi *start,
                      vi *out, const int T) {
    na low_sum[8], high_sum[8];
    FOR_T low_sum[t] = na_start(start[t]), high_sum[t] = na_start(vi_splat(0));
    vb bits = vb_load(h);
    UNROLL for (int v = 0; v < 4; v++) {
        vb raw = words(qs + v * 4 * NR, T);
        vb low = vb_or(vb_low4(raw), vb_bit_at4(bits, v));
        vb high = vb_or(vb_high4(raw), vb_bit_at4(bits, v + 4));
        FOR_T {
            low_sum[t] = na_dot(low_sum[t], low, ACT_Q(act, T, v, t));
            na *sum = NA_NARROW ? &high_sum[t] : &low_sum[t];
            *sum = na_dot(*sum, high, ACT_Q(act, T, v + 4, t));
        }
    }
    FOR_T {
        out[t] = na_end(low_sum[t], start[t]);
        if (NA_NARROW) out[t] = vi_add(out[t], na_end(high_sum[t], vi_splat(0)));
    }
}

RZ_INLINE void tile_q5_0(const uint8_t *cell, const uint8_t *act, uint32_t cols, vf *out,
                         const int T) {
    vf acc[8];
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 32; b++, cell += 22 * NR, act += ACT_BYTES(T)) {
        vi sum[8];
        FOR_T sum[t] = vi_shl(vi_splat(ACT_NS(act, T, t)), 4);
        sum_q5(cell + 2 * NR, cell + 6 * NR, act, sum, sum, T);
        vf d = vf_load_f16(cell);
        FOR_T acc[t] =
            vf_madd(vf_from_i(sum[t]), vf_mul(d, vf_splat(ACT_D(act, T, t))), acc[t]);
    }
    FOR_T out[t] = acc[t];
}

RZ_INLINE void tile_q5_1(const uint8_t *cell, const uint8_t *act, uint32_t cols, vf *out,
                         const int T) {
    vf acc[8];
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 32; b++, cell += 24 * NR, act += ACT_BYTES(T)) {
        vi sum[8];
        FOR_T sum[t] = vi_splat(0);
        sum_q5(cell + 4 * NR, cell + 8 * NR, act, sum, sum, T);
        vf d = vf_load_f16(cell), m = vf_load_f16(cell + 2 * NR);
        FOR_T {
            vf scale = vf_mul(d, vf_splat(ACT_D(act, T, t)));
            acc[t] = vf_madd(vf_from_i(sum[t]), scale, acc[t]);
            acc[t] = vf_madd(m, vf_splat(ACT_DS(act, T, t)), acc[t]);
        }
    }
    FOR_T out[t] = acc[t];
}

RZ_INLINE void tile_q8_0(const uint8_t *cell, const uint8_t *act, uint32_t cols, vf *out,
                         const int T) {
    vf acc[8];
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 32; b++, cell += 34 * NR, act += ACT_BYTES(T)) {
        vi sum[8];
        FOR_T sum[t] = W8_BIAS ? vi_shl(vi_splat(ACT_NS(act, T, t)), 7) : vi_splat(0);
        UNROLL for (int v = 0; v < 8; v++) {
            if (T == 1) rz_fetch_ahead(cell + 2 * NR + v * 4 * NR, 4 * NR);
            w8 w = w8_load(cell + 2 * NR + v * 4 * NR);
            FOR_T sum[t] = vi_dot_w8(sum[t], w, ACT_Q(act, T, v, t));
        }
        vf d = vf_load_f16(cell);
        FOR_T acc[t] =
            vf_madd(vf_from_i(sum[t]), vf_mul(d, vf_splat(ACT_D(act, T, t))), acc[t]);
    }
    FOR_T out[t] = acc[t];
}

/* Sums of two groups of 32 columns times their scales, and the activations' sums times minima. */
RZ_INLINE void add_pair_k(const vi *low_sum, const vi *high_sum, const uint8_t *scales,
                          const uint8_t *mins, const uint8_t *act, vf *scaled, vf *offset,
                          const int T) {
    const uint8_t *act2 = act + ACT_BYTES(T);
    vf s0 = vf_load_u8(scales), s1 = vf_load_u8(scales + NR);
    vf m0 = vf_load_u8(mins), m1 = vf_load_u8(mins + NR);
    FOR_T {
        vf d0 = vf_mul(s0, vf_splat(ACT_D(act, T, t))), d1 = vf_mul(s1, vf_splat(ACT_D(act2, T, t)));
        scaled[t] = vf_madd(vf_from_i(low_sum[t]), d0, scaled[t]);
        scaled[t] = vf_madd(vf_from_i(high_sum[t]), d1, scaled[t]);
        offset[t] = vf_madd(m0, vf_splat(ACT_DS(act, T, t)), offset[t]);
        offset[t] = vf_madd(m1, vf_splat(ACT_DS(act2, T, t)), offset[t]);
    }
}

/* 32 columns in the low or the high nibbles of 32 bytes per row. */
RZ_INLINE void half_q4_k(const uint8_t *qs, const uint8_t *act, vi *out, const bool upper,
                         const int T) {
    na sum[8];
    FOR_T sum[t] = na_start(vi_splat(0));
    UNROLL for (int v = 0; v < 8; v++) {
        vb raw = words(qs + v * 4 * NR, T), codes = upper ? vb_high4(raw) : vb_low4(raw);
        FOR_T sum[t] = na_dot(sum[t], codes, ACT_Q(act, T, v, t));
    }
    FOR_T out[t] = na_end(sum[t], vi_splat(0));
}

/* Two groups of 32 columns, in the low and the high nibbles of the same bytes. */
RZ_INLINE void pair_q4_k(const uint8_t *qs, const uint8_t *act, vi *low, vi *high, const int T) {
    if (SUMS_APART(T)) {
        half_q4_k(qs, act, low, false, T);
        half_q4_k(qs, act + ACT_BYTES(T), high, true, T);
        return;
    }
    na low_sum[8], high_sum[8];
    FOR_T low_sum[t] = na_start(vi_splat(0)), high_sum[t] = na_start(vi_splat(0));
    UNROLL for (int v = 0; v < 8; v++) {
        vb raw = words(qs + v * 4 * NR, T), codes0 = vb_low4(raw), codes1 = vb_high4(raw);
        FOR_T {
            low_sum[t] = na_dot(low_sum[t], codes0, ACT_Q(act, T, v, t));
            high_sum[t] = na_dot(high_sum[t], codes1, ACT_Q(act + ACT_BYTES(T), T, v, t));
        }
    }
    FOR_T low[t] = na_end(low_sum[t], vi_splat(0)), high[t] = na_end(high_sum[t], vi_splat(0));
}

RZ_INLINE void tile_q4_k(const uint8_t *cell, const uint8_t *act, uint32_t cols, vf *out,
                         const int T) {
    vf acc[8];
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 256; b++, cell += 148 * NR) {
        const uint8_t *scales = cell + 4 * NR, *mins = scales + 8 * NR, *qs = mins + 8 * NR;
        if (T == 1) rz_fetch_ahead(cell, 20 * NR);
        vf scaled[8], offset[8];
        FOR_T scaled[t] = vf_zero(), offset[t] = vf_zero();
        for (int c = 0; c < 4; c++, act += 2 * ACT_BYTES(T)) {
            vi low[8], high[8];
            pair_q4_k(qs + c * 32 * NR, act, low, high, T);
            add_pair_k(low, high, scales + 2 * c * NR, mins + 2 * c * NR, act, scaled, offset, T);
        }
        vf d = vf_load_f16(cell), dmin = vf_load_f16(cell + 2 * NR);
        FOR_T {
            acc[t] = vf_madd(d, scaled[t], acc[t]);
            acc[t] = vf_nmadd(dmin, offset[t], acc[t]);
        }
    }
    FOR_T out[t] = acc[t];
}

/* The same with a fifth bit: bits 2 c and 2 c + 1 of qh belong to pair c. */
RZ_INLINE void pair_q5_k(const uint8_t *qs, const uint8_t *qh, int c, const uint8_t *act, vi *low,
                         vi *high, const int T) {
    FOR_T low[t] = high[t] = vi_splat(0);
    for (int half = 0; half < 2; half++, qs += 16 * NR, qh += 16 * NR) {
        const uint8_t *act1 = act + half * 4 * T * XK_BYTES, *act2 = act1 + ACT_BYTES(T);
        na low_sum[8], high_sum[8];
        FOR_T low_sum[t] = na_start(vi_splat(0)), high_sum[t] = na_start(vi_splat(0));
        UNROLL for (int v = 0; v < 4; v++) {
            vb raw = words(qs + v * 4 * NR, T);
            vb bits = vb_shift_down(vb_load(qh + v * 4 * NR), 2 * c);
            vb codes0 = vb_or(vb_low4(raw), vb_bit_at4(bits, 0));
            vb codes1 = vb_or(vb_high4(raw), vb_bit_at4(bits, 1));
            FOR_T {
                low_sum[t] = na_dot(low_sum[t], codes0, ACT_Q(act1, T, v, t));
                high_sum[t] = na_dot(high_sum[t], codes1, ACT_Q(act2, T, v, t));
            }
        }
        FOR_T {
            low[t] = vi_add(low[t], na_end(low_sum[t], vi_splat(0)));
            high[t] = vi_add(high[t], na_end(high_sum[t], vi_splat(0)));
        }
    }
}

RZ_INLINE void tile_q5_k(const uint8_t *cell, const uint8_t *act, uint32_t cols, vf *out,
                         const int T) {
    vf acc[8];
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 256; b++, cell += 180 * NR) {
        const uint8_t *scales = cell + 4 * NR, *mins = scales + 8 * NR;
        const uint8_t *qh = mins + 8 * NR, *qs = qh + 32 * NR;
        if (T == 1) rz_fetch_ahead(cell, 52 * NR);
        vf scaled[8], offset[8];
        FOR_T scaled[t] = vf_zero(), offset[t] = vf_zero();
        for (int c = 0; c < 4; c++, act += 2 * ACT_BYTES(T)) {
            vi low[8], high[8];
            pair_q5_k(qs + c * 32 * NR, qh, c, act, low, high, T);
            add_pair_k(low, high, scales + 2 * c * NR, mins + 2 * c * NR, act, scaled, offset, T);
        }
        vf d = vf_load_f16(cell), dmin = vf_load_f16(cell + 2 * NR);
        FOR_T {
            acc[t] = vf_madd(d, scaled[t], acc[t]);
            acc[t] = vf_nmadd(dmin, offset[t], acc[t]);
        }
    }
    FOR_T out[t] = acc[t];
}

/* 16 columns of quarter i of one half of a block, whose words begin at q. */
RZ_INLINE void quarter_q6_k(const uint8_t *q, const uint8_t *scale, const uint8_t *act, int part,
                            vf *scaled, const int i, const int T) {
    vi sum[8];
    FOR_T sum[t] = vi_shl(vi_splat(ACT_NS16(act, T, part, t)), 5);
    UNROLL for (int v = 4 * part; v < 4 * part + 4; v++) {
        const uint8_t *at = q + v * 12 * NR;
        vb raw = vb_load(at + i % 2 * 4 * NR), high = vb_load(at + 8 * NR);
        vb codes = vb_or(i < 2 ? vb_low4(raw) : vb_high4(raw), vb_pair_at4(high, i));
        FOR_T sum[t] = vi_dot_u7(sum[t], codes, ACT_Q(act, T, v, t));
    }
    vf s = vf_load_s8(scale);
    FOR_T scaled[t] =
        vf_madd(vf_from_i(sum[t]), vf_mul(s, vf_splat(ACT_D(act, T, t))), scaled[t]);
}

/* The same of all quarters: one after the other where registers are few, else words are read once. */
RZ_INLINE void part_q6_k(const uint8_t *q, const uint8_t *scales, int part, const uint8_t *act,
                         vf *scaled, const int T) {
    if (T > 1) {
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
            quarter_q6_k(q, scales + (i * 2 + part) * NR, act + i * ACT_BYTES(T), part, scaled, i, T);
        }
        return;
    }
    vi sum[4];
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
        sum[i] = vi_shl(vi_splat(ACT_NS16(act + i * ACT_BYTES(1), 1, part, 0)), 5);
    }
    UNROLL for (int v = 4 * part; v < 4 * part + 4; v++) {
        const uint8_t *at = q + v * 12 * NR;
        vb raw0 = words(at, 1), raw1 = words(at + 4 * NR, 1), high = words(at + 8 * NR, 1);
        vb codes[4] = {vb_or(vb_low4(raw0), vb_pair_at4(high, 0)),
                       vb_or(vb_low4(raw1), vb_pair_at4(high, 1)),
                       vb_or(vb_high4(raw0), vb_pair_at4(high, 2)),
                       vb_or(vb_high4(raw1), vb_pair_at4(high, 3))};
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
            sum[i] = vi_dot_u7(sum[i], codes[i], ACT_Q(act + i * ACT_BYTES(1), 1, v, 0));
        }
    }
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
        vf s = vf_load_s8(scales + (i * 2 + part) * NR);
        vf d = vf_splat(ACT_D(act + i * ACT_BYTES(1), 1, 0));
        *scaled = vf_madd(vf_from_i(sum[i]), vf_mul(s, d), *scaled);
    }
}

RZ_INLINE void tile_q6_k(const uint8_t *cell, const uint8_t *act, uint32_t cols, vf *out,
                         const int T) {
    vf acc[8];
    FOR_T acc[t] = vf_zero();
    for (uint32_t b = 0; b < cols / 256; b++, cell += 210 * NR) {
        const uint8_t *scales = cell + 2 * NR, *q = cell + 18 * NR;
        if (T == 1) rz_fetch_ahead(cell, 18 * NR);
        vf scaled[8];
        FOR_T scaled[t] = vf_zero();
        for (int half = 0; half < 2; half++, act += 4 * ACT_BYTES(T)) {
            UNROLL for (int part = 0; part < 2; part++) {
                part_q6_k(q + half * 96 * NR, scales + half * 8 * NR, part, act, scaled, T);
            }
        }
        vf d = vf_load_f16(cell);
        FOR_T acc[t] = vf_madd(d, scaled[t], acc[t]);
    }
    FOR_T out[t] = acc[t];
}

/* Float weights: columns are tokens of x in the same tile order. */
#define TILE_FLOAT(name, bytes, load)                                                              \
    RZ_INLINE void tile_##name(const uint8_t *w, const float *x, uint32_t cols, vf *out,           \
                               const int T) {                                                      \
        vf acc[8];                                                                                 \
        FOR_T acc[t] = vf_zero();                                                                  \
        for (uint32_t k = 0; k < cols; k++, w += (bytes) * NR, x += T) {                           \
            vf wk = load;                                                                          \
            FOR_T acc[t] = vf_madd(wk, vf_splat(x[t]), acc[t]);                                    \
        }                                                                                          \
        FOR_T out[t] = acc[t];                                                                     \
    }                                                                                              \
    /* One token and 4 groups: a group alone would wait for its own sums. */                       \
    static void groups_##name(const rz_mat *m, uint32_t g, const float *x, float *y) {             \
        const uint8_t *group = m->data + g * m->group_bytes;                                       \
        vf acc[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};                                  \
        for (uint32_t k = 0; k < m->cols; k++, group += (bytes) * NR) {                            \
            _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {                                  \
                const uint8_t *w = group + i * m->group_bytes;                                     \
                acc[i] = vf_madd(load, vf_splat(x[k]), acc[i]);                                    \
            }                                                                                      \
        }                                                                                          \
        for (int i = 0; i < 4; i++) vf_store(y + (g + (uint32_t)i) * NR, acc[i]);                  \
    }
TILE_FLOAT(f32, 4, vf_load((const float *)w))
TILE_FLOAT(f16, 2, vf_load_f16(w))
TILE_FLOAT(bf16, 2, vf_load_bf16(w))

/* All tiles of all groups. `input` is the activations' base, `step` their bytes per token. */
#define MATMUL(name, type, input, step, before)                                                    \
    static void matmul_##name(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x,          \
                              float *y, size_t ldy) {                                              \
        before;                                                                                    \
        for (uint32_t g = g0; g < g1; g++) {                                                       \
            const uint8_t *group = w->data + g * w->group_bytes;                                   \
            const uint8_t *act = (const uint8_t *)(input);                                         \
            float *out = y + (size_t)g * NR;                                                       \
            uint32_t t0 = 0;                                                                       \
            for (; x->n - t0 > 1; t0 += rz_min_u32(TILE, x->n - t0)) {                             \
                vf tile[8];                                                                        \
                tile_##name(group, (const type *)act, w->cols, tile, TILE);                        \
                act += (size_t)TILE * (step);                                                      \
                for (uint32_t t = 0; t < TILE && t0 + t < x->n; t++) {                             \
                    vf_store(out + (t0 + t) * ldy, tile[t]);                                       \
                }                                                                                  \
            }                                                                                      \
            if (t0 < x->n) {                                                                       \
                vf one[8];                                                                         \
                tile_##name(group, (const type *)act, w->cols, one, 1);                            \
                vf_store(out + t0 * ldy, one[0]);                                                  \
            }                                                                                      \
        }                                                                                          \
    }
#define F32_STEP ((size_t)w->cols * 4)
#define Q8_STEP  ((size_t)w->cols / 32 * ACT_BYTES(1))
#define GROUPS(name)                                                                               \
    for (; x->n == 1 && g0 + 4 <= g1; g0 += 4) groups_##name(w, g0, x->f32, y)
MATMUL(f32, float, x->f32, F32_STEP, GROUPS(f32))
MATMUL(f16, float, x->f32, F32_STEP, GROUPS(f16))
MATMUL(bf16, float, x->f32, F32_STEP, GROUPS(bf16))
MATMUL(q4_0, uint8_t, x->q8, Q8_STEP, )
MATMUL(q4_1, uint8_t, x->q8, Q8_STEP, )
MATMUL(q5_0, uint8_t, x->q8, Q8_STEP, )
MATMUL(q5_1, uint8_t, x->q8, Q8_STEP, )
MATMUL(q8_0, uint8_t, x->q8, Q8_STEP, )
MATMUL(q4_k, uint8_t, x->q8, Q8_STEP, )
MATMUL(q5_k, uint8_t, x->q8, Q8_STEP, )
MATMUL(q6_k, uint8_t, x->q8, Q8_STEP, )
