/*
 * tile.inc.c: what the matrix products of a table share, over the vocabulary of simd_*.h. Included
 * once per table, before them.
 *
 * A body tile_*() adds one group of NR rows for one tile of tokens to its sums, a body tiles_*() G groups that
 * lie `stride` bytes apart: what is read of the activations serves them all. T and G are compile-time
 * constants after inlining, so the arrays over [g][t] live in registers.
 */
#ifndef SHARED
#define SHARED_FN static
#define SHARED(f) f
#endif

/* Loops over the words of a block. V8 keeps short loops in registers and spills long straight code:
 * unrolled, Q4_0 and Q8_0 have half the speed there. ROLLED: shifts in them are by constants only. */
#if defined(__wasm__)
#define UNROLL _Pragma("GCC unroll 1")
enum { ROLLED = 1, TWICE = 1 };
#else
#define UNROLL _Pragma("GCC unroll 8")
enum { ROLLED = 0, TWICE = 0 };
#endif
/* Two sums of T tokens do not fit into 16 registers where each takes two: one after the other. */
#define SUMS_APART(T) (SPAN == 1 && (T) > 1)
#define FOR_T     _Pragma("GCC unroll 16") for (int t = 0; t < T; t++)
/* Groups of one token that registers allow to be computed at the same time. In wasm these are a whole strip, or one group
 * that is computed TWICE: a body for one takes 300 bytes of a module (gzip). */
enum { SIDE_BY_SIDE = NR / 4 };
_Static_assert(!TWICE || (int)SIDE_BY_SIDE == (int)RZ_STREAMS, "a strip is computed at once");
#define FOR_G     _Pragma("GCC unroll 4") for (int g = 0; g < G; g++)

/* A q8 tile block of T tokens; see rz_act in kern.h. */
#define ACT_BYTES(T) ((T) * (16 + 8 * XK_BYTES))
#define ACT_D(a, T, t)       (((const float *)(a))[t])
#define ACT_DS(a, T, t)      (((const float *)(a))[(T) + (t)])
#define ACT_NS(a, T, t)      (((const int32_t *)(a))[2 * (T) + (t)])
#define ACT_NS16(a, T, upper, t)                                                                   \
    ((upper) ? ((const int32_t *)(a))[3 * (T) + (t)]                                               \
             : ACT_NS(a, T, t) - ((const int32_t *)(a))[3 * (T) + (t)])
/* Words of 4 columns. Loops step through them by pointers: an index costs V8 an instruction for every token. */
#define ACT_WORDS(a, T, k4)  ((a) + 16 * (T) + (k4) * XK_BYTES)
#define ACT_Q(words, t)      xk_load((words) + (t) * 8 * XK_BYTES)

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

/* sum += min * ds */
RZ_INLINE void sum_minima(vf *sum, vf min, const uint8_t *act, const int T) {
    FOR_T sum[t] = vf_madd(min, vf_splat(ACT_DS(act, T, t)), sum[t]);
}
RZ_INLINE void add_minima(vf *acc, vf min, const uint8_t *act, const int T) {
    sum_minima(acc, min, act, T);
    settle(acc, T);
}

/* What a tile asks memory for, of every cell in the groups that come next: `lines` lines, `ahead` bytes on. The tiles
 * of a product share them. (Nothing in wasm, where a read in its place costs more than it saves.) */
typedef struct {
    size_t ahead;
    uint32_t lines;
} next_lines;

/* That of the tile of token t0, where G groups are computed at a time and cells have `cell` bytes. */
RZ_INLINE next_lines next_lines_of(const rz_mat *w, uint32_t n, uint32_t t0, int G, uint32_t cell) {
    const uint32_t tiles = rz_ceil_div(n, TILE), tile = t0 / TILE, all = rz_ceil_div(cell, 64);
    const uint32_t first = all * tile / tiles, end = all * (tile + 1) / tiles;
    return (next_lines){(size_t)G * w->group_bytes + first * 64, end - first};
}

RZ_INLINE void fetch_next(const uint8_t *cell, const next_lines *next, const int T) {
    if (T > 1) rz_fetch(cell + next->ahead, next->lines);
}

/* The widest tile below TILE; see rz_tile_width. */
enum { NARROW = (int)TILE > RZ_TILE_NARROW ? (int)RZ_TILE_NARROW : 1 };

/* The tile of T tokens from t0 on, of G groups. */
#define TILE_OF(name, type, step, cell, T)                                                         \
    do {                                                                                           \
        const next_lines next = next_lines_of(w, x->n, t0, G, (cell) * NR);                        \
        vf tile[2 * 8];                                                                            \
        _Pragma("GCC unroll 16") for (int i = 0; i < G * (T); i++) tile[i] = vf_zero();             \
        tiles_##name(group, w->group_bytes, (const type *)act, w->cols, &next, tile, T, G);        \
        act += (size_t)(T) * (step);                                                               \
        for (uint32_t t = 0; t < (T) && t0 + t < x->n; t++) {                                      \
            FOR_G vf_store(y + (t0 + t) * ldy + g * NR, tile[g * (T) + (int)t]);                   \
        }                                                                                          \
        t0 += rz_min_u32(T, x->n - t0);                                                            \
    } while (0)

/* All tiles of G groups; y is theirs. `input` is the activations' base, `step` their bytes per token; a cell has `cell`
 * bytes per row; `single`: whether a last token with a tile of its own is meant, too. */
#define GROUPS_OF(name, type, input, step, cell, single)                                           \
    RZ_INLINE void groups_##name(const rz_mat *w, uint32_t g0, const rz_act *x, float *y,          \
                                 size_t ldy, const int G) {                                        \
        const uint8_t *group = w->data + g0 * w->group_bytes, *act = (const uint8_t *)(input);     \
        uint32_t t0 = 0;                                                                           \
        y += (size_t)g0 * NR;                                                                      \
        while (x->n - t0 > NARROW) TILE_OF(name, type, step, cell, TILE);                          \
        if (NARROW > 1 && x->n - t0 > 1) TILE_OF(name, type, step, cell, NARROW);                  \
        for (int g = 0; (single) && t0 < x->n && g < G; g++) {                                     \
            vf one[8] = {vf_zero()};                                                               \
            tiles_##name(group + g * w->group_bytes, 0, (const type *)act, w->cols, NULL, one, 1, 1); \
            vf_store(y + t0 * ldy + g * NR, one[0]);                                               \
        }                                                                                          \
    }
/* How products with panels are made (panel.inc.c), by a body tile_name() that adds `width` columns of a tile of tokens to
 * acc. `input` is the activations' base, `step` their bytes per token and 32 columns; `single`: whether a last token with
 * a tile of its own is meant, too. */
#define PANEL_TILE(name, type, input, step, T)                                                     \
    do {                                                                                           \
        const uint8_t *act = (const uint8_t *)(input) + ((size_t)t0 * x->cols + (size_t)(T) * k) / 32 * (step); \
        const uint32_t live = rz_min_u32(T, x->n - t0);                                            \
        float *to = y + t0 * ldy;                                                                  \
        vf acc[8];                                                                                 \
        _Pragma("GCC unroll 8") for (uint32_t t = 0; t < (T); t++) {                               \
            acc[t] = k == 0 || t >= live ? vf_zero() : vf_load(to + t * ldy);                      \
        }                                                                                          \
        settle(acc, T);                                                                            \
        tile_##name(p, width, (const type *)act, acc, T);                                          \
        _Pragma("GCC unroll 8") for (uint32_t t = 0; t < (T); t++) {                               \
            if (t < live) vf_store(to + t * ldy, acc[t]);                                          \
        }                                                                                          \
        t0 += live;                                                                                \
    } while (0)
#define PANEL_KIND(name, type, input, step, single, unpacking)                                     \
    static void multiply_##name(const rz_panel *p, uint32_t k, uint32_t width, const rz_act *x, float *y, size_t ldy) { \
        uint32_t t0 = 0;                                                                           \
        while (x->n - t0 > NARROW) PANEL_TILE(name, type, input, step, TILE);                      \
        if (NARROW > 1 && x->n - t0 > 1) PANEL_TILE(name, type, input, step, NARROW);              \
        if ((single) && t0 < x->n) PANEL_TILE(name, type, input, step, 1);                         \
    }                                                                                              \
    static const rz_panel_kind kind_##name = {unpacking, multiply_##name};
/* A matrix product: groups one by one, with tiles of tokens two at a time if `pairs`. */
#define MATMUL(fn, name, pairs, before)                                                            \
    fn(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y, size_t ldy) {         \
        before;                                                                                    \
        for (; (pairs) && x->n > 1 && g0 + 2 <= g1; g0 += 2) groups_##name(w, g0, x, y, ldy, 2);   \
        for (; g0 < g1; g0++) groups_##name(w, g0, x, y, ldy, 1);                                  \
    }
/* A body for one group as one for G. */
#define ONE_BY_ONE(name, type)                                                                     \
    RZ_INLINE void tiles_##name(const uint8_t *cell, size_t stride, const type *act, uint32_t cols, \
                                const next_lines *next, vf *out, const int T, const int G) {       \
        UNROLL for (int g = 0; g < G; g++) tile_##name(cell + g * stride, act, cols, next, out + g * T, T); \
    }
#define F32_STEP ((size_t)w->cols * 4)
#define Q8_STEP  ((size_t)w->cols / 32 * ACT_BYTES(1))

/* Columns of a turn of blocks of 32. Long turns keep fewer reads of other groups under way, short ones begin more often,
 * which costs more where loops are not unrolled: there, types other than Q4_0 and Q8_0 compute longer than memory takes. */
#define TURN_COLUMNS(cell) (!ROLLED || (cell) == 34 ? 512 / NR : (cell) == 18 ? 1024 / NR : RZ_BLOCK_MAX)

/* A turn of G groups of blocks of 32 columns, by a body turn_name(). */
#define TURN(name, G)                                                                              \
    do {                                                                                           \
        vf sum[SIDE_BY_SIDE];                                                                      \
        FOR_G sum[g] = vf_load(y + g * y_apart);                                                   \
        turn_##name(cell, apart, act, cols, sum, G);                                               \
        FOR_G vf_store(y + g * y_apart, sum[g]);                                                   \
        i += G, cell += G * apart, y += G * y_apart;                                               \
    } while (0)
/* A strip of blocks of 32 columns that have `cell_bytes` a row. */
#define STRIP_OF_32(name, cell_bytes)                                                              \
    static void strip_##name(const rz_strip *s) {                                                  \
        const uint32_t turn = TURN_COLUMNS(cell_bytes);                                            \
        for (uint32_t k = 0; k < s->cols; k += turn) {                                             \
            const uint8_t *cell = s->cell + k / 32 * (cell_bytes) * NR, *act = s->act + k / 32 * ACT_BYTES(1); \
            const uint32_t cols = rz_min_u32(turn, s->cols - k);                                   \
            float *y = s->y;                                                                       \
            size_t apart = s->apart, y_apart = s->y_apart;                                         \
            uint32_t i = 0;                                                                        \
            if (TWICE && s->n == 1) apart = y_apart = 0;                                           \
            for (const int G = SIDE_BY_SIDE; TWICE ? i == 0 : i + G <= s->n;) TURN(name, G);       \
            for (const int G = 1; !TWICE && i < s->n;) TURN(name, G);                              \
        }                                                                                          \
    }
/* A strip of blocks of 256 columns, by a body quarter_name() that adds to the scaled sums of a block, and one that adds
 * those to the sums of the rows in the end. */
#define STRIP_OF_256(name, end)                                                                    \
    static void strip_##name(const rz_strip *s) {                                                  \
        float scaled[RZ_STREAMS][NR] = {0};                                                        \
        for (int quarter = 0; quarter < 4; quarter++) {                                            \
            const uint8_t *cell = s->cell;                                                         \
            for (uint32_t i = 0; i < s->n; i++, cell += s->apart) {                                \
                vf_store(scaled[i], quarter_##name(cell, s->act, quarter, vf_load(scaled[i])));    \
                if (quarter == 3) end(cell, s->act, scaled[i], s->y + i * s->y_apart);             \
            }                                                                                      \
        }                                                                                          \
    }
/* The last of the tokens where it has a tile of its own. */
#define LAST_TOKEN(name)                                                                           \
    do {                                                                                           \
        const uint32_t last = x->n - 1;                                                            \
        if (last % TILE == 0) {                                                                    \
            rz_multiply_streams(w, g0, g1, x->q8 + last * Q8_STEP, ACT_BYTES(1), y + last * ldy, strip_##name); \
        }                                                                                          \
    } while (0)
/* A product with codes in blocks of 32: the last token, and tiles of the others. */
#define MATMUL_CODES(fn, name, pairs, cell)                                                        \
    RZ_INLINE void turn_##name(const uint8_t *p, size_t stride, const uint8_t *act, uint32_t cols, vf *sum, const int G) { \
        tiles_##name(p, stride, act, cols, NULL, sum, 1, G);                                       \
    }                                                                                              \
    STRIP_OF_32(name, cell)                                                                        \
    GROUPS_OF(name, uint8_t, x->q8, Q8_STEP, cell, false)                                          \
    MATMUL(fn, name, pairs, LAST_TOKEN(name))
