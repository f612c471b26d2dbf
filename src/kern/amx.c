/*
 * amx.c: the kernel table for AMX with bytes: that of AVX-512, but types of codes multiply tiles of 16 tokens by AMX.
 *
 * One instruction multiplies 16 tokens with the 16 rows of a group, 32 columns of a panel (16 where scales are as fine). The
 * sums go through memory to where they are scaled, a few products later. So loads and stores of tiles, which are long rows
 * of micro-operations, run beside the scaling. While AMX is at work, one port less takes multiplications and conversions of
 * 512 bits, but additions still have two. Results have the bits of AVX-512: sums are exact, and what follows is the same.
 * Intel, "Architecture Instruction Set Extensions Programming Reference" (2020), chapter 3.
 */
#include "simd_avx512.h"

#include "tile.inc.c"
#include "unpack.inc.c"
#include "panel.inc.c"
#include "matmul.inc.c"
#include "matmul_q5_q6.inc.c"
#include "matmul_q8.inc.c"
#include "blocks.inc.c"
#include "vec.inc.c"
#include "attend.inc.c"

/* ---- panels of signed codes ----------------------------------------------------------------------- */

/* Factors as unpack_q5() has them. */
static const uint8_t *unpack_q4(rz_panel *p, const rz_dtype *type, const uint8_t *cell, uint32_t width) {
    p->minima = type == rz_dtype_get(RZ_DT_Q4_1);
    const vb bias = _mm512_set1_epi8(p->minima ? 0 : 8);
    for (uint32_t b = 0; b < width / 32; b++) {
        vf_store(p->factors + b * NR, vf_load_f16(cell));
        cell += 2 * NR;
        if (p->minima) {
            vf_store(p->factors + (8 + b) * NR, vf_load_f16(cell));
            cell += 2 * NR;
        }
        uint8_t *codes = p->codes + b * 32 * NR;
        for (int v = 0; v < 4; v++, cell += 4 * NR, codes += 4 * NR) {
            const vb raw = vb_load(cell);
            vb_store(codes, _mm512_sub_epi8(vb_low4(raw), bias));
            vb_store(codes + 16 * NR, _mm512_sub_epi8(vb_high4(raw), bias));
        }
    }
    return cell;
}

static const uint8_t *unpack_q8_0(rz_panel *p, const rz_dtype *type, const uint8_t *cell, uint32_t width) {
    (void)type;
    p->minima = false;
    for (uint32_t b = 0; b < width / 32; b++, cell += 34 * NR) {
        vf_store(p->factors + b * NR, vf_load_f16(cell));
        for (uint32_t i = 0; i < 32 * NR; i += 4 * NR) vb_store(p->codes + b * 32 * NR + i, w8_load_signed(cell + 2 * NR + i));
    }
    return cell;
}

/* Factors as unpack_q5_k() has them. */
static const uint8_t *unpack_q4_k(rz_panel *p, const rz_dtype *type, const uint8_t *cell, uint32_t width) {
    (void)type, (void)width;
    return unpack_of_256(p, cell, false);
}

/* tdpbssd wants codes signed. */
static void take_bias_off(rz_panel *p, uint32_t width, uint8_t bias) {
    for (uint32_t i = 0; bias && i < width * NR; i += 4 * NR) {
        vb_store(p->codes + i, _mm512_sub_epi8(vb_load(p->codes + i), _mm512_set1_epi8((char)bias)));
    }
}

/* ---- products ------------------------------------------------------------------------------------- */

enum {
    WIDE = 16,     /* tokens of a tile */
    RING = 4,      /* sums of products that wait for their scales */
    AHEAD = 3,     /* by how many products AMX is ahead of scaling; below RING */
    TOGETHER = 128 /* tokens whose sums of a group are held together */
};

/* Tile registers: sums of every other product, so that one is stored while the next is computed, and both factors of a
 * product of 32 and of 16 columns. */
#define EVEN_SUMS 0
#define ODD_SUMS  1
#define ACT32 2
#define CODES32 3
#define ACT16 4
#define CODES16 5
/* f(sums, ...) with the register of product i */
#define BY_TURNS(i, f, ...)                                                                        \
    do {                                                                                           \
        if ((i) % 2) {                                                                             \
            f(ODD_SUMS, __VA_ARGS__);                                                              \
        } else {                                                                                   \
            f(EVEN_SUMS, __VA_ARGS__);                                                             \
        }                                                                                          \
    } while (0)

/* Shapes of the registers, as ldtilecfg reads them. */
static const struct {
    uint8_t palette, start_row, zeros[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} shapes = {.palette = 1,
            .row_bytes = {[EVEN_SUMS] = 4 * NR, [ODD_SUMS] = 4 * NR, [ACT32] = 32, [CODES32] = 4 * NR, [ACT16] = 16,
                          [CODES16] = 4 * NR},
            .rows = {[EVEN_SUMS] = WIDE, [ODD_SUMS] = WIDE, [ACT32] = WIDE, [CODES32] = 8, [ACT16] = WIDE, [CODES16] = 4}};

/* The products of a panel with tiles of tokens, in the order in which they are added up. */
typedef struct {
    const uint8_t *codes;         /* the panel's */
    const uint8_t *act;           /* activations of the tile that AMX is at */
    size_t tile_bytes;            /* from there to the next one's */
    uint32_t tiles;               /* how many are left, with that one */
    uint32_t next, per_tile;      /* its product that comes next, of so many */
    uint32_t made, stored, added; /* products so far: computed, stored, scaled */
    int32_t (*sums)[WIDE][NR];    /* [RING]; apart, so that the rest of this fits registers */
} amx_products;

/* Where in a tile the activations of product i are, and the columns of a product. */
typedef uint32_t amx_place_fn(uint32_t i);
static inline uint32_t place_32(uint32_t i) { return i * ACT_BYTES(WIDE); }
static inline uint32_t place_16(uint32_t i) { return i / 2 * ACT_BYTES(WIDE) + i % 2 * 16; }
/* in the order of panels of Q6_K: half, 16 columns, quarter */
static inline uint32_t block_q6_k(uint32_t i) { return (i / 8 * 4 + i % 4) * ACT_BYTES(WIDE); }
static inline uint32_t place_q6_k(uint32_t i) { return block_q6_k(i) + i / 4 % 2 * 16; }

/* The three parts of a product. GCC's intrinsics do not say that they read memory, so the first part says it for them. */
RZ_INLINE void load_activations(const amx_products *s, amx_place_fn *place, const int columns) {
    const uint8_t *q = ACT_WORDS(s->act, WIDE, 0) + place(s->next);
    __asm__ volatile("" : : : "memory");
    if (columns == 32) {
        _tile_loadd(ACT32, q, 32);
    } else {
        _tile_loadd(ACT16, q, 32);
    }
}
#define MULTIPLY(sums, act, codes)                                                                 \
    do {                                                                                           \
        _tile_zero(sums);                                                                          \
        _tile_dpbssd(sums, act, codes);                                                            \
    } while (0)
RZ_INLINE void multiply_codes(amx_products *s, const int columns) {
    const uint8_t *codes = s->codes + s->next * (uint32_t)columns * NR;
    if (columns == 32) {
        _tile_loadd(CODES32, codes, 4 * NR);
        BY_TURNS(s->made++, MULTIPLY, ACT32, CODES32);
    } else {
        _tile_loadd(CODES16, codes, 4 * NR);
        BY_TURNS(s->made++, MULTIPLY, ACT16, CODES16);
    }
    if (++s->next < s->per_tile) return;
    s->next = 0;
    s->act += s->tile_bytes;
    s->tiles--;
}
RZ_INLINE void store_sums(amx_products *s) {
    int32_t(*to)[NR] = s->sums[s->stored % RING];
    BY_TURNS(s->stored++, _tile_stored, to, 4 * NR);
}

/* Computes AHEAD products and stores all but the last of them. */
RZ_INLINE void begin_products(amx_products *s, amx_place_fn *place, const int columns) {
    while (s->tiles && s->made < AHEAD) {
        load_activations(s, place, columns);
        multiply_codes(s, columns);
        if (s->made < AHEAD) store_sums(s);
    }
}

#define FOR_TOKENS(from, end) _Pragma("GCC unroll 16") for (int t = (from); t < (end); t++)

/* vf_from_i() by two additions, exact below 2^22. */
static inline vf vf_from_small(vi a) {
    const vi large = vi_splat(0x4B400000); /* 1.5 * 2^23 as a float, whose last bit stands for 1 */
    return vf_sub(vf_from_bits(vi_add(a, large)), vf_from_bits(large));
}

/* acc += sum * (scale * d), of the product that waits longest, while AMX computes another one. Half of the sums are converted
 * by additions, which leaves both ports as much to do. */
RZ_INLINE void add_product(amx_products *s, vf *acc, vf scale, const uint8_t *act, amx_place_fn *place, const int columns) {
    const int32_t(*sum)[NR] = (const int32_t(*)[NR])s->sums[s->added++ % RING];
    const bool more = s->tiles > 0, unstored = s->stored < s->made;
#define ADD(from, end)                                                                             \
    FOR_TOKENS(from, end) {                                                                        \
        const vi exact = _mm512_load_si512(sum[t]);                                                \
        const vf product = t % 2 ? vf_from_i(exact) : vf_from_small(exact);                        \
        acc[t] = vf_madd(product, vf_mul(scale, vf_splat(ACT_D(act, WIDE, t))), acc[t]);           \
    }
    if (more) load_activations(s, place, columns);
    ADD(0, 4)
    if (more) multiply_codes(s, columns);
    ADD(4, 12)
    if (unstored) store_sums(s);
    ADD(12, WIDE)
#undef ADD
}

/* ---- panels with tiles ------------------------------------------------------------------------------ */

/* Memory to ask for while the tiles of a panel are multiplied, a part with every tile. */
typedef struct {
    const uint8_t *from;
    size_t apart; /* bytes from line to line */
    uint32_t lines;
} amx_asked;

static inline void ask(const amx_asked *a, uint32_t tile, uint32_t tiles) {
    const uint32_t end = a->lines * (tile + 1) / tiles;
    for (uint32_t i = a->lines * tile / tiles; i < end; i++) __builtin_prefetch(a->from + i * a->apart);
}

/* A panel and the tiles of tokens that it is multiplied with. */
typedef struct {
    const rz_panel *p;
    uint32_t width, tiles;
    const uint8_t *act; /* activations of the first tile for the panel's columns */
    size_t tile_bytes;  /* from there to the next tile's */
    bool first;         /* the group's first panel: sums are only written */
    amx_asked weights, rows;
} amx_panel;

/* What a tile's sums are before the panel and after it. */
RZ_INLINE void get_sums(vf *acc, const amx_panel *m, float (*sums)[NR]) {
    FOR_TOKENS(0, WIDE) acc[t] = m->first ? vf_zero() : vf_load(sums[t]);
}
RZ_INLINE void put_sums(float (*sums)[NR], const vf *acc) {
    FOR_TOKENS(0, WIDE) vf_store(sums[t], acc[t]);
}

/* Bodies: sums += the panel times the tile of act. Each follows the one of its factors for narrower tiles. */

RZ_INLINE void add_of_32(amx_products *s, const amx_panel *m, const uint8_t *act, float (*sums)[NR]) {
    const float *factors = m->p->factors;
    vf acc[WIDE];
    get_sums(acc, m, sums);
    for (uint32_t b = 0; b < m->width / 32; b++, factors += NR, act += ACT_BYTES(WIDE)) {
        add_product(s, acc, vf_load(factors), act, place_32, 32);
        if (m->p->minima) sum_minima(acc, vf_load(factors + 8 * NR), act, WIDE);
    }
    put_sums(sums, acc);
}

RZ_INLINE void add_of_256(amx_products *s, const amx_panel *m, const uint8_t *act, float (*sums)[NR]) {
    const float *scales = m->p->factors, *minima = scales + 8 * NR, *d = scales + 16 * NR;
    vf acc[WIDE], scaled[WIDE], offset[WIDE];
    FOR_TOKENS(0, WIDE) scaled[t] = offset[t] = vf_zero();
    for (int j = 0; j < 8; j++) sum_minima(offset, vf_load(minima + j * NR), act + j * ACT_BYTES(WIDE), WIDE);
    for (int j = 0; j < 8; j++, act += ACT_BYTES(WIDE)) add_product(s, scaled, vf_load(scales + j * NR), act, place_32, 32);
    get_sums(acc, m, sums);
    add_block_k(acc, vf_load(d), vf_load(d + NR), scaled, offset, WIDE);
    put_sums(sums, acc);
}

RZ_INLINE void add_q6_k(amx_products *s, const amx_panel *m, const uint8_t *act, float (*sums)[NR]) {
    const float *scales = m->p->factors;
    const vf d = vf_load(scales + 16 * NR);
    vf acc[WIDE], scaled[WIDE];
    FOR_TOKENS(0, WIDE) scaled[t] = vf_zero();
    for (uint32_t j = 0; j < 16; j++) {
        add_product(s, scaled, vf_load(scales + j * NR), act + block_q6_k(j), place_q6_k, 16);
    }
    get_sums(acc, m, sums);
    FOR_TOKENS(0, WIDE) acc[t] = vf_madd(d, scaled[t], acc[t]);
    put_sums(sums, acc);
}

RZ_INLINE void add_blocks(amx_products *s, const amx_panel *m, const uint8_t *act, float (*sums)[NR]) {
    const float *factors = m->p->factors;
    vf acc[WIDE];
    get_sums(acc, m, sums);
    for (uint32_t i = 0; i < m->width / 16; i++, factors += NR) {
        const uint8_t *a = act + i / 2 * ACT_BYTES(WIDE);
        add_product(s, acc, vf_load(factors), a, place_16, 16);
        if (m->p->minima) sum_minima_of_16(acc, vf_load(factors + RZ_BLOCK_MAX / 16 * NR), a, i % 2, WIDE);
    }
    put_sums(sums, acc);
}

#define AMX_MULTIPLY(body, place, columns)                                                         \
    static void multiply_wide_##body(const amx_panel *m, float (*sums)[NR]) {                      \
        const uint8_t *act = m->act;                                                               \
        _Alignas(64) int32_t ring[RING][WIDE][NR];                                                 \
        amx_products s = {.codes = m->p->codes, .act = act, .tile_bytes = m->tile_bytes, .tiles = m->tiles, \
                          .per_tile = m->width / (columns), .sums = ring};                         \
        begin_products(&s, place, columns);                                                        \
        for (uint32_t tile = 0; tile < m->tiles; tile++, act += m->tile_bytes, sums += WIDE) {     \
            ask(&m->weights, tile, m->tiles);                                                      \
            ask(&m->rows, tile, m->tiles);                                                         \
            add_##body(&s, m, act, sums);                                                          \
        }                                                                                          \
    }
AMX_MULTIPLY(of_32, place_32, 32)
AMX_MULTIPLY(of_256, place_32, 32)
AMX_MULTIPLY(q6_k, place_q6_k, 16)
AMX_MULTIPLY(blocks, place_16, 16)

/* ---- matrix products ------------------------------------------------------------------------------- */

/* How a type's wide tiles are multiplied. */
typedef struct {
    const uint8_t *(*unpack)(rz_panel *p, const rz_dtype *type, const uint8_t *cell, uint32_t width);
    uint8_t bias; /* that unpack leaves in the codes */
    void (*multiply)(const amx_panel *m, float (*sums)[NR]);
} amx_kind;

/* One group of rows and n tokens, TOGETHER at most, whose tiles begin at act. Memory is asked for the next group, and for
 * the rows of y that the sums go to in the end, which are far apart. */
static void multiply_group(const rz_mat *w, uint32_t g, const amx_kind *kind, const uint8_t *act, uint32_t n, float *y,
                           size_t ldy) {
    const rz_dtype *type = rz_dtype_get(w->dtype);
    const uint8_t *cell = w->data + g * w->group_bytes, *next;
    float sums[TOGETHER][NR];
    rz_panel p;
    amx_panel m = {.p = &p, .tiles = rz_ceil_div(n, WIDE), .tile_bytes = WIDE * Q8_STEP};
    for (uint32_t k = 0; k < w->cols; k += m.width, cell = next) {
        m.width = rz_min_u32(RZ_BLOCK_MAX, w->cols - k);
        next = kind->unpack(&p, type, cell, m.width);
        take_bias_off(&p, m.width, kind->bias);
        const uint32_t row = (uint32_t)((uint64_t)n * k / w->cols), end = (uint32_t)((uint64_t)n * (k + m.width) / w->cols);
        m.rows = (amx_asked){(const uint8_t *)(y + row * ldy), ldy * sizeof *y, end - row};
        m.weights = (amx_asked){cell + w->group_bytes, 64, rz_ceil_div((uint32_t)(next - cell), 64)};
        m.act = act + k / 32 * ACT_BYTES(WIDE);
        m.first = k == 0;
        kind->multiply(&m, sums);
    }
    for (uint32_t t = 0; t < n; t++) vf_store(y + t * ldy, vf_load(sums[t]));
}

/* The tokens that go in wide tiles; returns how many they are. */
static uint32_t multiply_wide(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y, size_t ldy,
                              const amx_kind *kind) {
    uint32_t done = x->n - x->n % WIDE;
    if (done < x->n && rz_tile_width(WIDE, x->n, done) == WIDE) done = x->n;
    if (done == 0) return 0;
    _tile_loadconfig(&shapes);
    for (uint32_t g = g0; g < g1; g++) {
        for (uint32_t t0 = 0; t0 < done; t0 += TOGETHER) {
            const uint32_t n = rz_min_u32(TOGETHER, done - t0);
            multiply_group(w, g, kind, x->q8 + t0 * Q8_STEP, n, y + t0 * ldy + (size_t)g * NR, ldy);
        }
    }
    _tile_release();
    return done;
}

/* Tokens in wide tiles by AMX, the others as on AVX-512. */
#define AMX_PRODUCT(name, unpacking, bias, body)                                                   \
    static const amx_kind amx_##name = {unpacking, bias, multiply_wide_##body};                    \
    static void amx_matmul_##name(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y, size_t ldy) { \
        const uint32_t done = multiply_wide(w, g0, g1, x, y, ldy, &amx_##name);                    \
        const rz_act rest = {.n = x->n - done, .cols = x->cols, .q8 = x->q8 + done * Q8_STEP};     \
        if (rest.n) matmul_##name(w, g0, g1, &rest, y + done * ldy, ldy);                          \
    }
AMX_PRODUCT(q4_0, unpack_q4, 0, of_32)
AMX_PRODUCT(q4_1, unpack_q4, 0, of_32)
AMX_PRODUCT(q5_0, unpack_q5, 16, of_32)
AMX_PRODUCT(q5_1, unpack_q5, 0, of_32)
AMX_PRODUCT(q8_0, unpack_q8_0, 0, of_32)
AMX_PRODUCT(q4_k, unpack_q4_k, 0, of_256)
AMX_PRODUCT(q5_k, unpack_q5_k, 0, of_256)
AMX_PRODUCT(q6_k, unpack_q6_k, 32, q6_k)
AMX_PRODUCT(blocks, unpack_blocks, 0, blocks)

#define TABLE      rz_kern_amx
#define TABLE_NAME "amx"
#define CODES_TILE WIDE
#define CODES(f)   amx_##f
#include "table.inc.c"
