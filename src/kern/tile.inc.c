/*
 * tile.inc.c: what the matrix products of a table share, over the vocabulary of simd_*.h. Included
 * once per table, before them.
 *
 * A body tile_*() computes one group of NR rows for one tile of tokens, a body tiles_*() G groups that
 * lie `stride` bytes apart: what is read of the activations serves them all. T and G are compile-time
 * constants after inlining, so the arrays over [g][t] live in registers.
 */
#ifndef SHARED
#define SHARED_FN static
#define SHARED(f) f
#endif

/* Loops over the words of a block. V8 keeps short loops in registers and spills long straight code:
 * unrolled, Q4_0 and Q8_0 lose a third there. */
#if defined(__wasm__)
#define UNROLL _Pragma("GCC unroll 1")
enum { ROLLED = 1 };
#else
#define UNROLL _Pragma("GCC unroll 8")
enum { ROLLED = 0 };
#endif
/* Two sums of T tokens do not fit into 16 registers where each takes two: one after the other. */
#define SUMS_APART(T) (SPAN == 1 && (T) > 1)
#define FOR_T     _Pragma("GCC unroll 8") for (int t = 0; t < T; t++)
#define FOR_G     _Pragma("GCC unroll 2") for (int g = 0; g < G; g++)

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

/* Sums of a tile go to memory. In wasm: V8 would keep them in registers through the loops over words
 * and spill the sums of those. */
RZ_INLINE void settle(vf *sums, const int T) {
#if defined(__wasm__)
    if (T > 1) __asm__ volatile("" : : "r"(sums) : "memory");
#else
    (void)sums, (void)T;
#endif
}

/* acc += sum * (scale * d) */
RZ_INLINE void add_scaled(vf *acc, const vi *sum, vf scale, const uint8_t *act, const int T) {
    FOR_T acc[t] = vf_madd(vf_from_i(sum[t]), vf_mul(scale, vf_splat(ACT_D(act, T, t))), acc[t]);
    settle(acc, T);
}

/* acc += min * ds */
RZ_INLINE void add_minima(vf *acc, vf min, const uint8_t *act, const int T) {
    FOR_T acc[t] = vf_madd(min, vf_splat(ACT_DS(act, T, t)), acc[t]);
    settle(acc, T);
}

/* All tiles of all groups. `input` is the activations' base, `step` their bytes per token. */
#define MATMUL(fn, name, type, input, step, before)                                                \
    fn(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y, size_t ldy) {         \
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

/* A product whose body takes G groups: PAIRS tables take two at a time with tiles of tokens. */
#define MATMUL_GROUPS(fn, name)                                                                    \
    RZ_INLINE void tile_##name(const uint8_t *cell, const uint8_t *act, uint32_t cols, vf *out,    \
                               const int T) {                                                      \
        tiles_##name(cell, 0, act, cols, out, T, 1);                                               \
    }                                                                                              \
    RZ_INLINE void pair_##name(const rz_mat *w, uint32_t g0, const rz_act *x, float *y, size_t ldy) { \
        const uint8_t *group = w->data + g0 * w->group_bytes, *act = x->q8;                        \
        const int G = 2;                                                                           \
        uint32_t t0 = 0;                                                                           \
        for (; x->n - t0 > 1; t0 += rz_min_u32(TILE, x->n - t0)) {                                 \
            vf tile[2 * TILE];                                                                     \
            tiles_##name(group, w->group_bytes, act, w->cols, tile, TILE, G);                      \
            act += (size_t)TILE * Q8_STEP;                                                         \
            for (uint32_t t = 0; t < TILE && t0 + t < x->n; t++) {                                 \
                FOR_G vf_store(y + (t0 + t) * ldy + (g0 + (uint32_t)g) * NR, tile[g * TILE + (int)t]); \
            }                                                                                      \
        }                                                                                          \
        for (int g = 0; t0 < x->n && g < G; g++) {                                                 \
            vf one[1];                                                                             \
            tile_##name(group + g * w->group_bytes, act, w->cols, one, 1);                         \
            vf_store(y + t0 * ldy + (g0 + (uint32_t)g) * NR, one[0]);                              \
        }                                                                                          \
    }                                                                                              \
    MATMUL(fn, name, uint8_t, x->q8, Q8_STEP,                                                      \
           for (; PAIRS && x->n > 1 && g0 + 2 <= g1; g0 += 2) pair_##name(w, g0, x, y, ldy))
