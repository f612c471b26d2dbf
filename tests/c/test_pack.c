/*
 * test_pack.c: the packed layout (src/pack.c): every row comes back byte for byte, padding rows are
 * zero, what is not finite is found in the right row, and sizes are those of pack.h.
 */
#include "../../src/dtype.h"
#include "../../src/pack.h"
#include "check.h"
#include "tiny.h"

static const uint32_t types[] = {RZ_DT_F32,  RZ_DT_F16,  RZ_DT_BF16, RZ_DT_Q4_0,
                                 RZ_DT_Q8_0, RZ_DT_Q4_K, RZ_DT_Q6_K};
enum { n_types = sizeof types / sizeof types[0] };

static size_t row_bytes_of(uint32_t dtype, uint32_t cols) {
    uint64_t bytes = 0;
    rz_dtype_row_bytes(rz_dtype_get(dtype), cols, &bytes);
    return (size_t)bytes;
}

/* Packs all rows, group by group, into a new block that was full of 0xaa. */
static uint8_t *pack_all(rz_mat *m, const uint8_t *rows, size_t row_bytes) {
    uint8_t *data = malloc((size_t)rz_mat_bytes(m));
    memset(data, 0xaa, (size_t)rz_mat_bytes(m));
    for (uint32_t r = 0; r < m->rows; r += m->nr) {
        uint32_t n = m->rows - r < m->nr ? m->rows - r : m->nr;
        int bad = rz_pack_group(m, data + r / m->nr * m->group_bytes, rows + r * row_bytes, n);
        CHECK(bad == -1, "row %u of group %u is called not finite", (unsigned)bad, r / m->nr);
    }
    m->data = data;
    return data;
}

static void there_and_back(uint32_t dtype, uint32_t nr, uint8_t flip, uint32_t rows,
                           uint32_t cols) {
    random_state r = {dtype * 1000 + rows * 10 + cols};
    const size_t row_bytes = row_bytes_of(dtype, cols);
    uint8_t *file = malloc(rows * row_bytes), *row = malloc(row_bytes);
    rz_mat m;
    tiny_weights(&r, dtype, file, (size_t)rows * cols, 1);
    CHECK(rz_mat_init(&m, dtype, rows, cols, nr, flip), "type %u, %u x %u", dtype, rows, cols);
    uint8_t *data = pack_all(&m, file, row_bytes);
    for (uint32_t i = 0; i < rows; i++) {
        memset(row, 0x55, row_bytes);
        rz_pack_row(&m, i, row);
        CHECK(memcmp(row, file + i * row_bytes, row_bytes) == 0,
              "type %u nr %u flip %u: row %u of %u x %u", dtype, nr, flip, i, rows, cols);
    }
    for (uint32_t i = rows; i < rz_mat_groups(&m) * nr; i++) {
        rz_pack_row(&m, i, row);
        for (size_t b = 0; b < row_bytes; b++) CHECK(row[b] == 0, "padding row %u byte %zu", i, b);
    }
    free(file), free(row), free(data);
}

static void every_shape(uint32_t dtype) {
    static const uint32_t counts[] = {1, 7, 8, 9, 17};
    const uint32_t block = rz_dtype_get(dtype)->block;
    const uint32_t widths[] = {block, 2 * block, 5 * block, block == 1 ? 172 : 7 * block};
    for (uint32_t nr = 8; nr <= 16; nr += 8) {
        for (int i = 0; i < 5; i++) {
            for (int j = 0; j < 4; j++) {
                there_and_back(dtype, nr, 0, counts[i], widths[j]);
                there_and_back(dtype, nr, 0x80, counts[i], widths[j]);
            }
        }
    }
}

static void sizes(void) {
    static const uint32_t per_256_columns[n_types] = {1024, 512, 512, 144, 272, 148, 210};
    for (int i = 0; i < n_types; i++) {
        for (uint32_t nr = 8; nr <= 16; nr += 8) {
            rz_mat m;
            CHECK(rz_mat_init(&m, types[i], 17, 512, nr, 0), "type %u", types[i]);
            CHECK(m.group_bytes == (uint64_t)2 * per_256_columns[i] * nr, "type %u: %llu bytes",
                  types[i], (unsigned long long)m.group_bytes);
            CHECK(rz_mat_groups(&m) == (nr == 8 ? 3 : 2), "17 rows in groups of %u", nr);
            CHECK(rz_mat_bytes(&m) == rz_mat_groups(&m) * m.group_bytes, "type %u", types[i]);
        }
    }
}

static void no_matrix(void) {
    rz_mat m;
    CHECK(!rz_mat_init(&m, RZ_DT_F32, 1, 0, 8, 0), "no columns");
    CHECK(!rz_mat_init(&m, RZ_DT_Q4_0, 1, 16, 8, 0), "half a block of Q4_0");
    CHECK(!rz_mat_init(&m, RZ_DT_Q4_K, 1, 128, 8, 0), "half a block of Q4_K");
    CHECK(!rz_mat_init(&m, 9, 1, 256, 8, 0), "Q8_1 cannot be packed");
    CHECK(!rz_mat_init(&m, RZ_DT_COUNT, 1, 256, 8, 0), "no such type");
    CHECK(!rz_mat_init(&m, UINT32_MAX, 1, 256, 8, 0), "no such type");
    CHECK(!rz_mat_init(&m, RZ_DT_F32, UINT32_MAX, 1u << 31, 8, 0), "2^65 bytes");
    CHECK(!rz_mat_init(&m, RZ_DT_F32, UINT32_MAX, UINT32_MAX, 16, 0), "2^66 bytes");
}

/* Bytes of a block at which a float stands that must be finite, and its width. */
static uint32_t float_places(uint32_t dtype, uint32_t *at, uint32_t *width) {
    *width = dtype == RZ_DT_F32 ? 4 : 2;
    at[0] = dtype == RZ_DT_Q6_K ? 208 : 0;
    at[1] = 2;
    return dtype == RZ_DT_Q4_K ? 2 : 1;
}

static void put_special(uint8_t *p, uint32_t dtype, int which) {
    static const uint16_t f16[3] = {0x7e00, 0x7c00, 0xfc00}, bf16[3] = {0x7fc0, 0x7f80, 0xff80};
    if (dtype == RZ_DT_F32) {
        rz_store_u32(p, (uint32_t)bf16[which] << 16);
    } else {
        rz_store_u16(p, dtype == RZ_DT_BF16 ? bf16[which] : f16[which]);
    }
}

/* NaN and both infinities at every place of every block of every row. */
static void not_finite(uint32_t dtype) {
    const rz_dtype *t = rz_dtype_get(dtype);
    const uint32_t rows = 8, cols = 3 * t->block;
    const size_t row_bytes = row_bytes_of(dtype, cols);
    uint32_t at[2], width, places = float_places(dtype, at, &width);
    uint8_t *file = malloc(rows * row_bytes), saved[4];
    random_state r = {dtype};
    rz_mat m;
    tiny_weights(&r, dtype, file, (size_t)rows * cols, 1);
    rz_mat_init(&m, dtype, rows, cols, 8, 0);
    uint8_t *data = malloc((size_t)rz_mat_bytes(&m));
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < 3 * places * 3; i++) {
            uint8_t *p = file + row * row_bytes + i / 3 % 3 * t->block_bytes + at[i / 9];
            memcpy(saved, p, width);
            put_special(p, dtype, (int)(i % 3));
            int bad = rz_pack_group(&m, data, file, rows);
            CHECK(bad == (int)row, "type %u row %u place %u: %d", dtype, row, i, bad);
            CHECK(rz_pack_group(&m, data, file, row) == -1, "type %u: rows before %u", dtype, row);
            memcpy(p, saved, width);
        }
    }
    /* of several the first row, wherever in it */
    put_special(file + 5 * row_bytes + at[0], dtype, 0);
    put_special(file + 2 * row_bytes + 2 * t->block_bytes + at[0], dtype, 1);
    int bad = rz_pack_group(&m, data, file, rows);
    CHECK(bad == 2, "type %u: row %d of 2 and 5", dtype, bad);
    free(file), free(data);
}

int main(void) {
    for (int i = 0; i < n_types; i++) TEST(every_shape, types[i]);
    TEST(sizes);
    TEST(no_matrix);
    for (int i = 0; i < n_types; i++) TEST(not_finite, types[i]);
    return check_summary("test_pack");
}
