/*
 * kern.h: what a kernel table offers, and how activations and the KV cache lie in memory.
 *
 * A table is a constant: one per instruction set, every body written once (the .inc.c files) over
 * the small vector vocabulary of a simd_*.h header; scalar.c is the plain C reference. Tables of one
 * build differ in speed, in `nr` and in whether multiply-add rounds once or twice, in nothing else:
 * integer parts are exact everywhere, float sums run in the order written here.
 *
 * Order of sums. A row of a matrix product is summed by one accumulator over ascending columns
 * (quantised types: over ascending blocks; the products of a block are an exact integer). So a
 * result depends neither on the number of tokens computed together nor on threads. Types that are
 * unpacked (rz_dtype.levels) have an exact integer for every 16 columns, added as (float)sum * (scale * d),
 * and then their minimum as min * (d * (float)ns); MXFP4, which takes floats, has a float sum of level * x
 * for every 16 columns, added as sum * scale.
 */
#ifndef RZ_KERN_H
#define RZ_KERN_H

#include "../base.h"
#include "../dtype.h"
#include "../pack.h"

/* Bodies whose parameters become constants. */
#define RZ_INLINE static inline __attribute__((always_inline))

/* Asks memory for lines of 64 bytes from p on. In wasm, which cannot ask, a loop of nothing would stay. */
RZ_INLINE void rz_fetch(const void *p, uint32_t lines) {
#if defined(__wasm__)
    (void)p, (void)lines;
#else
    for (uint32_t i = 0; i < lines; i++) __builtin_prefetch((const uint8_t *)p + i * 64);
#endif
}

/* The same for the bytes that lie RZ_AHEAD behind p[0..bytes), as far as they exist: hardware fetches ahead within a
 * page at most, and not in every order. The distance is measured. */
enum { RZ_AHEAD = 8192 };
RZ_INLINE void rz_fetch_ahead(const void *p, uint32_t bytes) {
    rz_fetch((const uint8_t *)p + RZ_AHEAD, rz_ceil_div(bytes, 64));
}

/*
 * Packed activations of n tokens: the right-hand side of a matrix product. Tokens go in tiles of
 * `tile`, floats in tiles of `tile_small`; the rest goes in narrower ones (rz_tile_width), with zeros.
 *   f32: [tile][column][token]
 *   q8:  [tile][block of 32 columns] of
 *          f32 d[T]        scale: x is about d q, |q| <= 127
 *          f32 ds[T]       d times the sum of the block's q
 *          i32 ns[T]       minus the sum of q
 *          i32 ns_upper[T] the same of columns 16-31
 *          q[T][32]        where `act_i16` as i16, every four in the order 0 2 1 3
 * A block whose values are all smaller than RZ_ACT_LEAST is zero. One that holds NaN or infinity has
 * d = ds = NaN and q = 0, so that every result that depends on it is NaN.
 */
typedef struct {
    uint32_t n, cols;
    const float *f32;
    const uint8_t *q8;
} rz_act;

#define RZ_ACT_LEAST 0x1p-119f /* 127 divided by it is still a float */

/* y[t * ldy + row] for the rows of groups g0 <= g < g1 and all tokens; padding rows are written
 * too, so y needs room for whole groups. */
typedef void rz_matmul_fn(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y,
                          size_t ldy);

/* What RZ_KV_F16 becomes where rz_kern.kv_i16 says so; see kv_i16.h. */
enum { RZ_KV_I16 = RZ_KV_Q8_0 + 1 };

/* Whether a cache holds integers, which meet queries and weights as integers. */
static inline bool rz_kv_of_integers(uint32_t kv_type) { return kv_type == RZ_KV_Q8_0 || kv_type == RZ_KV_I16; }

enum {
    RZ_KEY_BLOCK = 32, /* keys per step of the running softmax */
    RZ_ATTN_QUERIES = 16, /* queries per call, at most */
    RZ_KEY_CHUNK = 512 /* keys per independent partial result; they are merged in ascending order */
};

/*
 * Attention of n_q queries of one KV head over keys [0, limit[i]).
 *   k, v: as kv.h says, by kv_type
 *   q: rows of head_dim floats, already scaled by 1/sqrt(head_dim)
 * Running softmax after Milakov and Gimelshein (2018), blocked over keys as in FlashAttention (Dao et al. 2022).
 */
typedef struct {
    const void *k, *v;
    uint32_t kv_type; /* RZ_KV_* */
    uint32_t head_dim;
    uint32_t n_q;
    const float *const *q;  /* [n_q], for RZ_KV_F32 and RZ_KV_F16 */
    const uint8_t *q_act;   /* for the other types: rz_act.q8 of n_q tokens in tiles of tile_small, or rows of rz_i16_row */
    rz_matmul_fn *key_product; /* for RZ_KV_Q8_0: the table's */
    const uint32_t *first;  /* [n_q], ascending; NULL: 0 */
    const uint32_t *limit;  /* [n_q], ascending, > first */
    float softcap;          /* 0: none */
    const float *slope;     /* [n_q]; NULL: none */
    const uint32_t *position; /* [n_q], where slope is not NULL */
    float *const *out;      /* [n_q] rows of head_dim padded to nr: sum of p v over the keys */
    float *max, *sum;       /* [n_q] maximum of the scores and sum of p */
} rz_attn;

/* RZ_BLOCK_MAX columns, or the last ones, of n groups, and those of one token. */
typedef struct {
    const uint8_t *cell, *act;
    uint32_t cols, n;
    size_t apart; /* bytes from group to group */
    float *y;     /* of the first group */
    size_t y_apart;
} rz_strip;

/* y[nr] += the products of each group, a few columns of one after the other by turns. */
typedef void rz_strip_fn(const rz_strip *s);

/* Groups of a strip, at most. */
#if defined(__wasm__)
enum { RZ_STREAMS = 2 };
#else
enum { RZ_STREAMS = 4 };
#endif

/* y[row] for the rows of groups g0 <= g < g1 and one token, whose q8 activations have act_bytes per 32 columns. Speed is
 * that of memory, which on many machines reads places far apart faster than one, so strips are of such groups (streams.c). */
void rz_multiply_streams(const rz_mat *w, uint32_t g0, uint32_t g1, const uint8_t *act, uint32_t act_bytes, float *y,
                         rz_strip_fn *strip);

/* Up to 256 columns of a group of nr rows, unpacked: one byte for each weight, and factors as the type needs them. */
typedef struct {
    /* in the order of use, words of 4 columns: [column / 4][row][4] */
    _Alignas(64) uint8_t codes[RZ_BLOCK_MAX * RZ_NR_MAX];
    float factors[2 * RZ_BLOCK_MAX / 16 * RZ_NR_MAX]; /* [factor][row] */
    bool minima; /* whether there are some among the factors; for bodies of more than one type */
} rz_panel;

/* How a type's products with panels are made. */
typedef struct {
    /* Unpacks the `width` columns that begin at `cell`; returns where the next ones do. */
    const uint8_t *(*unpack)(rz_panel *p, const rz_dtype *type, const uint8_t *cell, uint32_t width);
    /* y += the panel's `width` columns from column k on, times those of all tokens; where k is 0, y is only written. A last
     * token with a tile of its own is left to the kernels for one token, of types that have them. */
    void (*multiply)(const rz_panel *p, uint32_t k, uint32_t width, const rz_act *x, float *y, size_t ldy);
} rz_panel_kind;

/* Activation functions. Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016). */
enum rz_act {
    RZ_ACT_SILU,      /* x / (1 + exp(-x)) */
    RZ_ACT_GELU_TANH, /* 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
    RZ_ACT_GELU_ERF,  /* 0.5 x (1 + erf(x / sqrt(2))) */
    RZ_ACT_RELU
};

typedef struct rz_kern {
    const char *name;
    uint32_t nr;   /* rows per packed group: 8 or 16 */
    uint32_t tile; /* tokens per tile of activations */
    uint32_t tile_small; /* the same of floats, and of queries for key_product; divides `tile` */
    uint8_t flip;  /* how Q8_0 is packed, see pack.h */
    bool act_i16;  /* activations as i16 */
    bool kv_i16;   /* RZ_KV_F16 is RZ_KV_I16 here */

    /* Quantises one tile: n <= tile tokens, rows of x ldx apart, to dst; t is the tile's width. */
    void (*act_q8)(uint8_t *dst, const float *x, size_t ldx, uint32_t cols, uint32_t n, uint32_t t);
    rz_matmul_fn *matmul[RZ_DT_COUNT]; /* NULL: type not supported */
    rz_matmul_fn *key_product; /* the product with Q8_0 for a block of keys: few rows and columns, so without AMX */

    /* y = x / sqrt(mean(x^2) + eps) * w; Zhang and Sennrich, "Root Mean Square Layer
     * Normalization" (2019). y may be x. */
    void (*rmsnorm)(float *y, const float *x, const float *w, uint32_t n, float eps);
    /* y = silu(gate) * up, silu(x) = x / (1 + exp(-x)); y may be gate, not up. Shazeer, "GLU Variants" (2020) */
    void (*silu_mul)(float *y, const float *gate, const float *up, uint32_t n);
    /* y = f(x) for one of enum rz_act; y may be x. */
    void (*activate)(float *y, const float *x, uint32_t n, uint32_t kind);
    /* y = (x - mean) / sqrt(variance + eps) * w + b; Ba, Kiros and Hinton (2016). b may be NULL, y
     * may be x. */
    void (*layernorm)(float *y, const float *x, const float *w, const float *b, uint32_t n,
                      float eps);
    /* One chunk of keys: fills out, max, sum of every query that sees a key of the chunk. */
    void (*attend)(const rz_attn *a, uint32_t chunk);
} rz_kern;

/*
 * Values of kv.h's q8_0, in blocks of 32 dimensions of RZ_KEY_BLOCK keys: their scales, then their codes. What a key
 * weighs (its p times its scale) meets the codes as a whole number, in units of the largest weight of the block
 * over RZ_WEIGHT_MOST. Scales of keys that nobody sees are finite; blocks whose weights are all smaller than
 * RZ_WEIGHT_LEAST count as zero.
 */
enum { RZ_VALUE_CODES = 4 * RZ_KEY_BLOCK, RZ_VALUE_BLOCK = RZ_VALUE_CODES + 32 * RZ_KEY_BLOCK };
#define RZ_WEIGHT_MOST  16383.0f  /* two times 7 bits */
#define RZ_WEIGHT_LEAST 0x1p-113f /* RZ_WEIGHT_MOST divided by it is still a float */

/* Dimensions from d on of the keys from `block` on. */
static inline const uint8_t *rz_value_block(const rz_attn *a, uint32_t block, uint32_t d) {
    return (const uint8_t *)a->v + ((size_t)block / RZ_KEY_BLOCK * (a->head_dim / 32) + d / 32) * RZ_VALUE_BLOCK;
}

/* Where dimension d of key `key` lies in such a block. */
static inline size_t rz_value_code(uint32_t nr, uint32_t key, uint32_t d) {
    return RZ_VALUE_CODES + ((size_t)(d / nr * (RZ_KEY_BLOCK / 4) + key / 4) * nr + d % nr) * 4 + key % 4;
}

/* The keys of a block as a packed matrix, a row per key. */
static inline rz_mat rz_key_matrix(const rz_attn *a, uint32_t block, uint32_t nr) {
    uint64_t group_bytes = (uint64_t)a->head_dim / 32 * 34 * nr;
    return (rz_mat){.data = (const uint8_t *)a->k + block / nr * group_bytes,
                    .rows = RZ_KEY_BLOCK,
                    .cols = a->head_dim,
                    .dtype = RZ_DT_Q8_0,
                    .nr = nr,
                    .group_bytes = group_bytes};
}

/* The keys of a chunk that query i sees: false if none. */
static inline bool rz_chunk_range(const rz_attn *a, uint32_t i, uint32_t chunk, uint32_t *first,
                                  uint32_t *end) {
    uint32_t start = chunk * RZ_KEY_CHUNK, seen = a->first ? a->first[i] : 0;
    *first = rz_max_u32(start, seen);
    *end = rz_min_u32(start + RZ_KEY_CHUNK, a->limit[i]);
    return *first < *end;
}

/* Bytes of one token's q8 block of 32 columns. */
static inline uint32_t rz_act_block(const rz_kern *k) { return 16 + (k->act_i16 ? 64 : 32); }

enum { RZ_TILE_NARROW = 4 };

/* Width of the tile that starts at token t of n: `tile`, halved down to RZ_TILE_NARROW while so many tokens or more would
 * be missing. One token has a tile of its own. */
static inline uint32_t rz_tile_width(uint32_t tile, uint32_t n, uint32_t t) {
    const uint32_t rest = n - t;
    while (tile > RZ_TILE_NARROW && rest + RZ_TILE_NARROW <= tile) tile /= 2;
    return rest > 1 ? tile : 1;
}

/* Tokens that the tiles of n tokens have room for. */
static inline uint32_t rz_tile_room(uint32_t tile, uint32_t n) {
    uint32_t room = n - n % tile;
    while (room < n) room += rz_tile_width(tile, n, room);
    return room;
}

/* The types of a table's `matmul`: every table has all of them. f leads to a table's own. Those of the first two lists are
 * the same in all tables of relaxed SIMD. */
#define MATMUL_FLOATS(f)                                                                           \
    [RZ_DT_F32] = f(matmul_f32), [RZ_DT_F16] = f(matmul_f16), [RZ_DT_BF16] = f(matmul_bf16),       \
    [RZ_DT_MXFP4] = f(matmul_mxfp4)
#define MATMUL_SHARED(f)                                                                           \
    [RZ_DT_Q4_0] = f(matmul_q4_0), [RZ_DT_Q4_1] = f(matmul_q4_1), [RZ_DT_Q5_0] = f(matmul_q5_0),   \
    [RZ_DT_Q5_1] = f(matmul_q5_1), [RZ_DT_Q4_K] = f(matmul_q4_k), [RZ_DT_Q5_K] = f(matmul_q5_k),   \
    [RZ_DT_Q6_K] = f(matmul_q6_k)
#define MATMUL_BYTES(f)                                                                            \
    [RZ_DT_Q8_0] = f(matmul_q8_0), [RZ_DT_Q2_K] = f(matmul_blocks),                                \
    [RZ_DT_Q3_K] = f(matmul_blocks), [RZ_DT_IQ2_XXS] = f(matmul_blocks),                           \
    [RZ_DT_IQ2_XS] = f(matmul_blocks), [RZ_DT_IQ3_XXS] = f(matmul_blocks),                         \
    [RZ_DT_IQ1_S] = f(matmul_blocks), [RZ_DT_IQ4_NL] = f(matmul_blocks),                           \
    [RZ_DT_IQ3_S] = f(matmul_blocks), [RZ_DT_IQ2_S] = f(matmul_blocks),                            \
    [RZ_DT_IQ4_XS] = f(matmul_blocks), [RZ_DT_IQ1_M] = f(matmul_blocks),                           \
    [RZ_DT_TQ1_0] = f(matmul_blocks), [RZ_DT_TQ2_0] = f(matmul_blocks),                            \
    [RZ_DT_NVFP4] = f(matmul_blocks), [RZ_DT_Q1_0] = f(matmul_blocks),                             \
    [RZ_DT_Q2_0] = f(matmul_blocks)

extern const rz_kern rz_kern_scalar;
#if defined(__wasm_simd128__) && !defined(__wasm_relaxed_simd__)
extern const rz_kern rz_kern_simd128;
#endif
#if defined(__wasm_relaxed_simd__)
/* One table per way in which engines compute the relaxed byte dot product: second operand
 * unsigned, signed, or unsigned with a saturating 16-bit step. */
extern const rz_kern rz_kern_relaxed_u8, rz_kern_relaxed_s8, rz_kern_relaxed_sat;
#endif
#if defined(__x86_64__)
extern const rz_kern rz_kern_avx2, rz_kern_vnni, rz_kern_avx512, rz_kern_amx;
#endif
#if defined(__aarch64__)
extern const rz_kern rz_kern_neon, rz_kern_neon_dot;
#endif

/* The best table of this build that the machine runs and the mask (RZ_KERN_*; 0: all) allows, or
 * NULL. *flag, where given, becomes its RZ_KERN_* bit. */
const rz_kern *rz_kern_choose(uint32_t mask, uint32_t *flag);

#endif
