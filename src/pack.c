/* pack.c: see pack.h for the layouts. Sizes were checked by rz_mat_init. */
#include "pack.h"

#include "dtype.h"

/* A cell is a sequence of parts. A part takes `units` consecutive units of `size` bytes from every
 * row's block and interleaves them unit by unit. */
enum part_kind {
    PART_PLAIN,
    PART_FLIP,    /* 4-byte units of signed bytes, stored xor flip */
    PART_F16,     /* numbers that must be finite */
    PART_BF16,
    PART_F32,
    PART_MXFP4,   /* exponents of scales, which begin a block and must not make its codes too large */
    PART_K_SCALES, /* 12 bytes of 6-bit fields, widened to scale[8] and min[8] */
    PART_BITS,     /* a word of the high bits of 32 columns, reordered */
    PART_Q6_CODES  /* words of Q6_K in the order in which products need them */
};

typedef struct {
    uint8_t kind, size;
    uint16_t units;
    uint16_t file_at; /* offset in the file's block */
} pack_part;

typedef struct {
    uint32_t cell_bytes; /* bytes of a cell, per row */
    uint32_t n_parts;    /* 0: whole blocks */
    pack_part parts[4];
} pack_form;

static const pack_form forms[RZ_DT_COUNT] = {
    [RZ_DT_F32] = {4, 1, {{PART_F32, 4, 1, 0}}},
    [RZ_DT_F16] = {2, 1, {{PART_F16, 2, 1, 0}}},
    [RZ_DT_BF16] = {2, 1, {{PART_BF16, 2, 1, 0}}},
    [RZ_DT_Q4_0] = {18, 2, {{PART_F16, 2, 1, 0}, {PART_PLAIN, 4, 4, 2}}},
    [RZ_DT_Q4_1] = {20, 2, {{PART_F16, 2, 2, 0}, {PART_PLAIN, 4, 4, 4}}},
    [RZ_DT_Q5_0] = {22, 3, {{PART_F16, 2, 1, 0}, {PART_BITS, 4, 1, 2}, {PART_PLAIN, 4, 4, 6}}},
    [RZ_DT_Q5_1] = {24, 3, {{PART_F16, 2, 2, 0}, {PART_BITS, 4, 1, 4}, {PART_PLAIN, 4, 4, 8}}},
    [RZ_DT_Q8_0] = {34, 2, {{PART_F16, 2, 1, 0}, {PART_FLIP, 4, 8, 2}}},
    [RZ_DT_Q2_K] = {84, 3, {{PART_F16, 2, 2, 80}, {PART_PLAIN, 4, 4, 0}, {PART_PLAIN, 4, 16, 16}}},
    [RZ_DT_Q3_K] = {110, 4, {{PART_F16, 2, 1, 108}, {PART_PLAIN, 4, 3, 96}, {PART_PLAIN, 4, 8, 0}, {PART_PLAIN, 4, 16, 32}}},
    [RZ_DT_Q4_K] = {148, 3,
                    {{PART_F16, 2, 2, 0}, {PART_K_SCALES, 1, 16, 4}, {PART_PLAIN, 4, 32, 16}}},
    [RZ_DT_Q5_K] = {180, 3,
                    {{PART_F16, 2, 2, 0}, {PART_K_SCALES, 1, 16, 4}, {PART_PLAIN, 4, 40, 16}}},
    [RZ_DT_Q6_K] = {210, 3,
                    {{PART_F16, 2, 1, 208}, {PART_PLAIN, 1, 16, 192}, {PART_Q6_CODES, 4, 48, 0}}},
    [RZ_DT_TQ2_0] = {66, 2, {{PART_F16, 2, 1, 64}, {PART_PLAIN, 4, 16, 0}}},
    [RZ_DT_MXFP4] = {17, 2, {{PART_MXFP4, 1, 1, 0}, {PART_PLAIN, 4, 4, 1}}},
    [RZ_DT_IQ4_NL] = {18, 2, {{PART_F16, 2, 1, 0}, {PART_PLAIN, 4, 4, 2}}},
    [RZ_DT_IQ4_XS] = {138, 4, {{PART_F16, 2, 1, 0}, {PART_PLAIN, 4, 1, 2}, {PART_PLAIN, 4, 1, 4}, {PART_PLAIN, 4, 32, 8}}},
};

bool rz_mat_init(rz_mat *m, uint32_t dtype, uint32_t rows, uint32_t cols, uint32_t nr,
                 uint8_t flip) {
    const rz_dtype *t = rz_dtype_get(dtype);
    if (!t || !t->block || cols == 0 || cols % t->block) return false;
    *m = (rz_mat){.rows = rows, .cols = cols, .dtype = dtype, .nr = nr, .flip = flip};
    uint32_t cell_bytes = forms[dtype].n_parts ? forms[dtype].cell_bytes : t->block_bytes;
    m->group_bytes = (uint64_t)(cols / t->block) * cell_bytes * nr;
    uint64_t bytes;
    return rz_mul_u64(rz_mat_groups(m), m->group_bytes, &bytes) && bytes <= SIZE_MAX / 4;
}

/* How often the parts of a form repeat along a row, and how many units a part has: formats of one
 * weight per block are one long part. */
static uint32_t cells_of(const rz_mat *m, const rz_dtype *t) {
    return t->block == 1 ? 1 : m->cols / t->block;
}
static uint32_t units_of(const rz_mat *m, const rz_dtype *t, const pack_part *part) {
    return t->block == 1 ? m->cols : part->units;
}

/* Which lanes of a group n rows go to; the lanes from first + n up to `end` become zero. */
typedef struct {
    uint32_t first, n, end;
} lanes;

/* dst[unit][nr] <- src[row][unit], rows `stride` bytes apart. */
static void interleave4(uint8_t *dst, const uint8_t *src, size_t stride, lanes l, uint32_t nr,
                        uint32_t units, uint32_t flip) {
    for (uint32_t u = 0; u < units; u++, dst += 4 * (size_t)nr) {
        uint8_t *to = dst + 4 * l.first;
        for (uint32_t r = 0; r < l.n; r++) {
            rz_store_u32(to + 4 * r, rz_load_u32(src + r * stride + 4 * (size_t)u) ^ flip);
        }
        for (uint32_t r = l.first + l.n; r < l.end; r++) rz_store_u32(dst + 4 * r, flip);
    }
}

static void interleave2(uint8_t *dst, const uint8_t *src, size_t stride, lanes l, uint32_t nr,
                        uint32_t units) {
    for (uint32_t u = 0; u < units; u++, dst += 2 * (size_t)nr) {
        uint8_t *to = dst + 2 * l.first;
        for (uint32_t r = 0; r < l.n; r++) {
            rz_store_u16(to + 2 * r, rz_load_u16(src + r * stride + 2 * (size_t)u));
        }
        for (uint32_t r = l.first + l.n; r < l.end; r++) rz_store_u16(dst + 2 * r, 0);
    }
}

static void interleave1(uint8_t *dst, const uint8_t *src, size_t stride, lanes l, uint32_t nr,
                        uint32_t units) {
    for (uint32_t u = 0; u < units; u++, dst += nr) {
        for (uint32_t r = 0; r < l.n; r++) dst[l.first + r] = src[r * stride + u];
        for (uint32_t r = l.first + l.n; r < l.end; r++) dst[r] = 0;
    }
}

static void interleave_k_scales(uint8_t *dst, const uint8_t *src, size_t stride, lanes l,
                                uint32_t nr) {
    for (uint32_t j = 0; j < 8; j++) {
        uint8_t *scales = dst + (size_t)j * nr, *mins = dst + (size_t)(8 + j) * nr;
        for (uint32_t r = 0; r < l.n; r++) {
            rz_k_scale_min(src + r * stride, (int)j, &scales[l.first + r], &mins[l.first + r]);
        }
        for (uint32_t r = l.first + l.n; r < l.end; r++) scales[r] = mins[r] = 0;
    }
}

/* Bit g of byte i becomes that of column 4 g + i, which was bit 4 g + i of the word. */
static uint32_t bits_by_byte(uint32_t word) {
    uint32_t out = 0;
    for (int g = 0; g < 8; g++) {
        out |= ((word >> 4 * g & 15) * 0x00204081u & 0x01010101u) << g; /* bit i to byte i */
    }
    return out;
}

static uint32_t bits_by_column(uint32_t bytes) {
    uint32_t out = 0;
    for (int g = 0; g < 8; g++) {
        uint32_t x = bytes >> g & 0x01010101u;
        out |= ((x | x >> 7 | x >> 14 | x >> 21) & 15) << 4 * g;
    }
    return out;
}

static void interleave_bits(uint8_t *dst, const uint8_t *src, size_t stride, lanes l) {
    for (uint32_t r = 0; r < l.n; r++) {
        rz_store_u32(dst + 4 * (l.first + r), bits_by_byte(rz_load_u32(src + r * stride)));
    }
    for (uint32_t r = l.first + l.n; r < l.end; r++) rz_store_u32(dst + 4 * r, 0);
}

/* Where unit u of PART_Q6_CODES is in the file: words v and 8 + v of the low bits of a half, then
 * word v of its high bits. */
static uint32_t q6_word(uint32_t u) {
    uint32_t half = u / 24, v = u / 3 % 8, i = u % 3;
    return i == 2 ? 128 + 4 * (half * 8 + v) : 4 * (half * 16 + i * 8 + v);
}

static void interleave_q6(uint8_t *dst, const uint8_t *src, size_t stride, lanes l, uint32_t nr,
                          uint32_t units) {
    for (uint32_t u = 0; u < units; u++, dst += 4 * (size_t)nr) {
        interleave4(dst, src + q6_word(u), stride, l, nr, 1, 0);
    }
}

/* All units of one row, of 2 or 4 bytes: true when none is NaN or infinite. `mask` selects the exponent. */
static bool all_finite(const uint8_t *src, uint32_t units, uint32_t size, uint32_t mask) {
    bool bad = false;
    for (uint32_t u = 0; u < units; u++, src += size) {
        const uint32_t number = size == 2 ? rz_load_u16(src) : rz_load_u32(src);
        bad |= (number & mask) == mask;
    }
    return !bad;
}
enum { F16_EXPONENT = 0x7c00, BF16_EXPONENT = 0x7f80, F32_EXPONENT = 0x7f800000 };

/* The scale 2^(e - 127) is NaN for the last e, and before that may be too large for a code. */
static bool mxfp4_finite(const uint8_t *block) {
    float values[32];
    if (block[0] < 253) return true;
    rz_dtype_dequantize(rz_dtype_get(RZ_DT_MXFP4), block, values, 32);
    return block[0] < 255 && all_finite((const uint8_t *)values, 32, 4, F32_EXPONENT);
}

static bool part_finite(const pack_part *part, const uint8_t *src, uint32_t units) {
    static const uint32_t masks[] = {[PART_F16] = F16_EXPONENT, [PART_BF16] = BF16_EXPONENT, [PART_F32] = F32_EXPONENT,
                                     [PART_Q6_CODES] = 0};
    if (part->kind == PART_MXFP4) return mxfp4_finite(src);
    return !masks[part->kind] || all_finite(src, units, part->size, masks[part->kind]);
}

static void pack_part_of(const rz_mat *m, const pack_part *part, uint32_t units, uint8_t *dst,
                         const uint8_t *src, size_t stride, lanes l) {
    if (part->kind == PART_K_SCALES) {
        interleave_k_scales(dst, src, stride, l, m->nr);
    } else if (part->kind == PART_BITS) {
        interleave_bits(dst, src, stride, l);
    } else if (part->kind == PART_Q6_CODES) {
        interleave_q6(dst, src, stride, l, m->nr, units);
    } else if (part->size == 4) {
        uint32_t flip = part->kind == PART_FLIP ? m->flip * 0x01010101u : 0;
        interleave4(dst, src, stride, l, m->nr, units, flip);
    } else if (part->size == 2) {
        interleave2(dst, src, stride, l, m->nr, units);
    } else {
        interleave1(dst, src, stride, l, m->nr, units);
    }
}

static int pack_parts(const rz_mat *m, uint8_t *dst, const uint8_t *rows, lanes l) {
    const rz_dtype *t = rz_dtype_get(m->dtype);
    const pack_form *f = &forms[m->dtype];
    const size_t stride = (size_t)(m->cols / t->block) * t->block_bytes;
    uint32_t bad = l.n; /* first row with a value that is not finite */
    for (uint32_t c = 0; c < cells_of(m, t); c++) {
        const uint8_t *block = rows + (size_t)c * t->block_bytes;
        for (uint32_t i = 0; i < f->n_parts; i++) {
            const pack_part *part = &f->parts[i];
            uint32_t units = units_of(m, t, part);
            for (uint32_t r = 0; r < bad; r++) {
                if (!part_finite(part, block + r * stride + part->file_at, units)) bad = r;
            }
            pack_part_of(m, part, units, dst, block + part->file_at, stride, l);
            dst += (size_t)units * part->size * m->nr;
        }
    }
    return bad < l.n ? (int)bad : -1;
}

/* ---- blocks kept as they are ---------------------------------------------------------------- */

static bool block_finite(uint32_t dtype, const uint8_t *block) {
    switch (dtype) {
    case RZ_DT_TQ1_0: return all_finite(block + 52, 1, 2, F16_EXPONENT);
    case RZ_DT_IQ1_M: return (rz_iq1_m_scale(block) & 0x7c00) != 0x7c00;
    case RZ_DT_NVFP4: return true; /* every scale is a number */
    default: return all_finite(block, 1, 2, F16_EXPONENT);
    }
}

static int pack_blocks(const rz_mat *m, uint8_t *dst, const uint8_t *rows, lanes l) {
    const rz_dtype *t = rz_dtype_get(m->dtype);
    const uint32_t blocks = m->cols / t->block, bytes = t->block_bytes;
    uint32_t bad = l.n;
    for (uint32_t c = 0; c < blocks; c++, dst += (size_t)m->nr * bytes) {
        for (uint32_t r = 0; r < l.n; r++) {
            const uint8_t *block = rows + ((size_t)r * blocks + c) * bytes;
            memcpy(dst + (size_t)(l.first + r) * bytes, block, bytes);
            if (r < bad && !block_finite(m->dtype, block)) bad = r;
        }
        for (uint32_t r = l.first + l.n; r < l.end; r++) memset(dst + (size_t)r * bytes, 0, bytes);
    }
    return bad < l.n ? (int)bad : -1;
}

static int pack_lanes(const rz_mat *m, uint8_t *dst, const uint8_t *rows, lanes l) {
    return forms[m->dtype].n_parts ? pack_parts(m, dst, rows, l) : pack_blocks(m, dst, rows, l);
}

int rz_pack_group(const rz_mat *m, uint8_t *dst, const uint8_t *rows, uint32_t n) {
    return pack_lanes(m, dst, rows, (lanes){0, n, m->nr});
}

int rz_pack_rows(const rz_mat *m, uint8_t *data, uint32_t row, const uint8_t *rows, uint32_t n) {
    uint64_t row_bytes = 0;
    rz_dtype_row_bytes(rz_dtype_get(m->dtype), m->cols, &row_bytes);
    for (uint32_t done = 0; done < n;) {
        uint32_t at = row + done, lane = at % m->nr, take = rz_min_u32(m->nr - lane, n - done);
        lanes l = {lane, take, at + take == m->rows ? m->nr : 0};
        int bad = pack_lanes(m, data + (uint64_t)(at / m->nr) * m->group_bytes,
                             rows + done * row_bytes, l);
        if (bad >= 0) return (int)done + bad;
        done += take;
    }
    return -1;
}

int rz_pack_column(const rz_mat *m, uint8_t *data, uint32_t column, const uint8_t *values) {
    const pack_part *part = &forms[m->dtype].parts[0];
    for (uint32_t r = 0; r < m->rows; r++) {
        const uint8_t *value = values + (size_t)r * part->size;
        if (!part_finite(part, value, 1)) return (int)r;
    }
    for (uint32_t r = 0; r < m->rows; r += m->nr, data += m->group_bytes) {
        uint8_t *dst = data + (size_t)column * m->nr * part->size;
        uint32_t n = rz_min_u32(m->nr, m->rows - r);
        memcpy(dst, values + (size_t)r * part->size, (size_t)n * part->size);
        memset(dst + (size_t)n * part->size, 0, (size_t)(m->nr - n) * part->size);
    }
    return -1;
}

bool rz_pack_mxfp4_plane(const rz_mat *m, uint8_t *data, uint32_t row, const uint8_t *from,
                         bool scales) {
    enum { bytes = 17, largest_scale = 252 };
    const uint32_t lane = row % m->nr;
    const uint32_t lanes_set = row + 1 == m->rows ? m->nr - lane : 1; /* with the missing rows, which are zero */
    uint8_t *dst = data + (uint64_t)(row / m->nr) * m->group_bytes;
    for (uint32_t c = 0; c < m->cols / 32; c++, dst += (size_t)m->nr * bytes) {
        if (scales && from[c] > largest_scale) return false;
        if (scales) {
            memset(dst + lane, 0, lanes_set);
            dst[lane] = from[c];
            continue;
        }
        for (uint32_t i = 0; i < 16; i++) { /* column i low, column 16 + i high */
            const uint8_t a = from[16 * (size_t)c + i / 2], b = from[16 * (size_t)c + 8 + i / 2];
            const uint32_t shift = i % 2 * 4;
            uint8_t *word = dst + m->nr + (i / 4 * m->nr + lane) * 4;
            if (i % 4 == 0) memset(word, 0, 4 * lanes_set);
            word[i % 4] = (uint8_t)((a >> shift & 15) | (b >> shift & 15) << 4);
        }
    }
    return true;
}

/* ---- back ----------------------------------------------------------------------------------- */

/* The 12-byte field of the K types from its 8 scales and 8 minima. */
static void join_k_scales(uint8_t *out, const uint8_t *scales, const uint8_t *mins, uint32_t nr) {
    memset(out, 0, 12);
    for (uint32_t j = 0; j < 8; j++) {
        uint8_t s = scales[j * nr], m = mins[j * nr];
        if (j < 4) {
            out[j] |= s & 63;
            out[j + 4] |= m & 63;
        } else {
            out[j + 4] |= (uint8_t)((s & 15) | (m & 15) << 4);
            out[j - 4] |= (uint8_t)(s >> 4 << 6);
            out[j] |= (uint8_t)(m >> 4 << 6);
        }
    }
}

/* One part of one row, from the packed part at src. */
static void unpack_part(const rz_mat *m, const pack_part *part, uint32_t units, const uint8_t *src,
                        uint32_t lane, uint8_t *out) {
    const uint32_t size = part->size;
    if (part->kind == PART_K_SCALES) {
        join_k_scales(out, src + lane, src + 8 * (size_t)m->nr + lane, m->nr);
        return;
    }
    if (part->kind == PART_BITS) {
        rz_store_u32(out, bits_by_column(rz_load_u32(src + 4 * lane)));
        return;
    }
    uint8_t flip = part->kind == PART_FLIP ? m->flip : 0;
    for (uint32_t u = 0; u < units; u++) {
        const uint8_t *unit = src + ((size_t)u * m->nr + lane) * size;
        uint8_t *to = out + (part->kind == PART_Q6_CODES ? q6_word(u) : u * size);
        for (uint32_t b = 0; b < size; b++) to[b] = unit[b] ^ flip;
    }
}

const uint8_t *rz_pack_block(const rz_mat *m, const uint8_t *cell, uint32_t lane, uint8_t *block) {
    const rz_dtype *t = rz_dtype_get(m->dtype);
    const pack_form *f = &forms[m->dtype];
    if (!f->n_parts) {
        memcpy(block, cell + (size_t)lane * t->block_bytes, t->block_bytes);
        return cell + (size_t)m->nr * t->block_bytes;
    }
    for (uint32_t i = 0; i < f->n_parts; i++) {
        const pack_part *part = &f->parts[i];
        uint32_t units = units_of(m, t, part);
        unpack_part(m, part, units, cell, lane, block + part->file_at);
        cell += (size_t)units * part->size * m->nr;
    }
    return cell;
}

void rz_pack_row(const rz_mat *m, uint32_t row, uint8_t *file_row) {
    const rz_dtype *t = rz_dtype_get(m->dtype);
    const uint8_t *cell = m->data + (uint64_t)(row / m->nr) * m->group_bytes;
    for (uint32_t c = 0; c < cells_of(m, t); c++, file_row += t->block_bytes) {
        cell = rz_pack_block(m, cell, row % m->nr, file_row);
    }
}
