/*
 * pack.h: the packed layout of weight matrices, and the way there and back.
 *
 * The rows of a matrix are taken in groups of `nr` (8 or 16, the choice of the kernel table). Within
 * a group the 4-byte words of the rows' blocks are interleaved, so that one vector of nr words holds
 * 4 bytes of each row at the same place of its block:
 *
 *     cell (one block of every row), by type                          bytes per row and block
 *       Q4_0   u16 d[nr]                       u32 qs[4][nr]              18
 *       Q4_1   u16 d[nr]  u16 m[nr]            u32 qs[4][nr]              20
 *       Q5_0   u16 d[nr]             u32 h[nr] u32 qs[4][nr]              22
 *       Q5_1   u16 d[nr]  u16 m[nr]  u32 h[nr] u32 qs[4][nr]              24
 *       Q8_0   u16 d[nr]                       u32 qs[8][nr]              34
 *       Q4_K   u16 d[nr]  u16 dmin[nr]  u8 scale[8][nr]  u8 min[8][nr]
 *              u32 qs[32][nr]                                            148 (144 in the file)
 *       Q5_K   as Q4_K, with u32 qh[8][nr] before qs                     180 (176 in the file)
 *       Q6_K   u16 d[nr]  i8 scale[16][nr]  16 times u32 {ql, ql + 8, qh}[nr]  210
 *       Q2_K   u16 d[nr]  u16 dmin[nr]  u32 scales[4][nr]  u32 qs[16][nr]  84
 *       Q3_K   u16 d[nr]  u32 scales[3][nr]  u32 hmask[8][nr]  u32 qs[16][nr]  110
 *       TQ2_0  u16 d[nr]                       u32 qs[16][nr]             66
 *       IQ4_NL as Q4_0                                                    18
 *       MXFP4  u8 e[nr]                        u32 qs[4][nr]              17
 *       IQ4_XS u16 d[nr]  u32 {scales_h, scales_l}[nr]  u32 scales_l[nr]
 *              u32 qs[32][nr]                                            138 (136 in the file)
 *     F32, F16, BF16: element [column][nr]
 *     all others: the blocks of the rows as they are, one after the other [nr][block]; kernels
 *                 unpack them (rz_unpack_fn, rz_points_fn)
 *
 * The words of Q6_K follow each other as products need them (word v of a half's low bits, word 8 + v,
 * word v of its high bits): read as the file has them, in three streams, memory is 5 times slower.
 *
 * The high bits h of Q5_0 and Q5_1 change places, so that bit g of byte i belongs to column 4 g + i,
 * as the bytes of the nibbles do.
 *
 * Nothing is re-rounded: rz_pack_row gives back the bytes of the file. The missing rows of the last
 * group are zero. Bytes of Q8_0 are stored xor `flip` (0x80 turns them into w + 128 for machines
 * whose byte dot takes one unsigned operand).
 */
#ifndef RZ_PACK_H
#define RZ_PACK_H

#include "base.h"

#define RZ_NR_MAX 16

/* A packed matrix. Logical shape [rows][cols]; computes y[rows] = W x[cols]. */
typedef struct {
    const uint8_t *data;  /* ceil(rows / nr) groups */
    uint32_t rows, cols;
    uint32_t dtype;       /* RZ_DT_* */
    uint32_t nr;          /* rows per group */
    uint64_t group_bytes; /* bytes of a group: nr whole rows */
    uint8_t flip;         /* see above */
} rz_mat;

/* Fills everything but `data`. False if the type cannot be packed or a size does not fit. */
bool rz_mat_init(rz_mat *m, uint32_t dtype, uint32_t rows, uint32_t cols, uint32_t nr, uint8_t flip);

static inline uint32_t rz_mat_groups(const rz_mat *m) { return rz_ceil_div(m->rows, m->nr); }
static inline uint64_t rz_mat_bytes(const rz_mat *m) {
    return (uint64_t)rz_mat_groups(m) * m->group_bytes;
}

/* Packs n <= nr rows as they stand in the file, one after the other, into the group at dst.
 * Returns -1, or the index of the first row that holds a value that is not finite. */
int rz_pack_group(const rz_mat *m, uint8_t *dst, const uint8_t *rows, uint32_t n);

/* Packs n rows from row `row` of the matrix on, into the matrix at data (which need not be m->data:
 * experts follow each other). Rows may come in any portions and any order; the row that is the
 * matrix's last one zeroes the missing rows of its group. */
int rz_pack_rows(const rz_mat *m, uint8_t *data, uint32_t row, const uint8_t *rows, uint32_t n);

/* Packs one column of a float matrix that a file holds transposed: m->rows values. Returns -1 or the
 * index of the first value that is not finite. */
int rz_pack_column(const rz_mat *m, uint8_t *data, uint32_t column, const uint8_t *values);

/* One row of MXFP4 blocks from a file that keeps codes and scales apart: 16 bytes of codes for each
 * block, of which the low nibble is that of an even column and the high one of the odd column after
 * it; or one byte of scale for each. False if a scale is too large to be a number. */
bool rz_pack_mxfp4_plane(const rz_mat *m, uint8_t *data, uint32_t row, const uint8_t *from,
                         bool scales);

/* The inverse: one row's block of the cell at `cell`, as it stood in the file (a whole row of a float type); returns where
 * the next cell begins. */
const uint8_t *rz_pack_block(const rz_mat *m, const uint8_t *cell, uint32_t lane, uint8_t *block);

/* Row `row` of the matrix. */
void rz_pack_row(const rz_mat *m, uint32_t row, uint8_t *file_row);

#endif
