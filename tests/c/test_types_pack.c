/*
 * test_types_pack.c: the packed form of every type: rows come back byte for byte, padding rows are
 * zero, memory stays near the file's, and weights that are not finite are found in the right row.
 */
#include "../../src/pack.h"
#include "check.h"
#include "types_case.h"

static size_t row_bytes_of(uint32_t dtype, uint32_t cols) {
    uint64_t bytes = 0;
    rz_dtype_row_bytes(rz_dtype_get(dtype), cols, &bytes);
    return (size_t)bytes;
}

static uint8_t *random_rows(random_state *r, uint32_t dtype, uint32_t rows, uint32_t cols) {
    const rz_dtype *t = rz_dtype_get(dtype);
    const size_t bytes = rows * row_bytes_of(dtype, cols);
    uint8_t *file = malloc(bytes);
    for (size_t at = 0; at < bytes; at += t->block_bytes) types_any_block(r, dtype, file + at);
    return file;
}

static void there_and_back(uint32_t dtype, uint32_t nr, uint8_t flip, uint32_t rows,
                           uint32_t cols) {
    random_state r = {dtype * 1000 + rows * 10 + cols};
    const size_t row_bytes = row_bytes_of(dtype, cols);
    uint8_t *file = random_rows(&r, dtype, rows, cols), *row = malloc(row_bytes);
    rz_mat m;
    CHECK(rz_mat_init(&m, dtype, rows, cols, nr, flip), "type %u, %u x %u", dtype, rows, cols);
    uint8_t *data = malloc((size_t)rz_mat_bytes(&m));
    memset(data, 0xaa, (size_t)rz_mat_bytes(&m));
    for (uint32_t i = 0; i < rows; i += nr) {
        int bad = rz_pack_group(&m, data + i / nr * m.group_bytes, file + i * row_bytes,
                                rz_min_u32(rows - i, nr));
        CHECK(bad == -1, "type %u: row %d is called not finite", dtype, bad);
    }
    m.data = data;
    for (uint32_t i = 0; i < rz_mat_groups(&m) * nr; i++) {
        memset(row, 0x55, row_bytes);
        rz_pack_row(&m, i, row);
        for (size_t b = 0; b < row_bytes; b++) {
            uint8_t want = i < rows ? file[i * row_bytes + b] : 0;
            CHECK(row[b] == want, "type %u nr %u flip %u: byte %zu of row %u of %u x %u", dtype, nr,
                  flip, b, i, rows, cols);
        }
    }
    free(file), free(row), free(data);
}

static void every_shape(uint32_t dtype) {
    static const uint32_t counts[] = {1, 8, 9, 17};
    const uint32_t block = rz_dtype_get(dtype)->block;
    for (uint32_t nr = 8; nr <= 16; nr += 8) {
        for (int i = 0; i < 4; i++) {
            there_and_back(dtype, nr, 0, counts[i], block);
            there_and_back(dtype, nr, 0x80, counts[i], 5 * block);
        }
    }
}

static void sizes(void) {
    uint32_t ids[RZ_DT_COUNT];
    for (int i = types_quantised(ids) - 1; i >= 0; i--) {
        rz_mat m;
        const uint64_t file = 16 * (uint64_t)row_bytes_of(ids[i], 2048);
        CHECK(rz_mat_init(&m, ids[i], 16, 2048, 8, 0), "type %u", ids[i]);
        const uint32_t wider = ids[i] == RZ_DT_Q4_K || ids[i] == RZ_DT_Q5_K ? 4 : ids[i] == RZ_DT_IQ4_XS ? 2 : 0;
        const uint64_t want = file + 16 * 8 * wider;
        CHECK(rz_mat_bytes(&m) == want, "type %u: %llu bytes for %llu", ids[i],
              (unsigned long long)rz_mat_bytes(&m), (unsigned long long)file);
        CHECK(!rz_mat_init(&m, ids[i], 1, rz_dtype_get(ids[i])->block / 2, 8, 0), "half a block");
    }
    static const uint32_t no_matrix[] = {9, 15, 24, 25, 26, 27, 28, 4, 31, 43};
    for (int i = 0; i < 10; i++) {
        rz_mat m;
        CHECK(!rz_mat_init(&m, no_matrix[i], 8, 256, 8, 0), "type %u cannot be packed",
              no_matrix[i]);
    }
}

/* Which row is found when the block `at` of row `row` of three is changed. */
static int first_bad(const rz_mat *m, uint8_t *file, uint32_t row, uint32_t at,
                     const uint8_t *block) {
    const uint32_t bytes = rz_dtype_get(m->dtype)->block_bytes;
    uint8_t *place = file + row * row_bytes_of(m->dtype, m->cols) + at * bytes, saved[512];
    uint8_t *data = malloc((size_t)rz_mat_bytes(m));
    memcpy(saved, place, bytes);
    memcpy(place, block, bytes);
    int bad = rz_pack_group(m, data, file, 3);
    memcpy(place, saved, bytes);
    free(data);
    return bad;
}

/* NaN and infinities in every half of a block. */
static void not_finite(uint32_t dtype) {
    static const uint16_t special[3] = {0x7e00, 0x7c00, 0xfc00};
    const rz_dtype *t = rz_dtype_get(dtype);
    random_state r = {dtype};
    rz_mat m;
    rz_mat_init(&m, dtype, 3, 2 * t->block, 8, 0);
    uint8_t *file = random_rows(&r, dtype, 3, 2 * t->block);
    for (int i = 0; i < types_halves(dtype) * 3; i++) {
        for (uint32_t place = 0; place < 6; place++) {
            uint8_t block[512];
            types_any_block(&r, dtype, block);
            CHECK(first_bad(&m, file, place / 2, place % 2, block) == -1, "type %u: finite", dtype);
            types_set_half(dtype, block, i / 3, special[i % 3]);
            int bad = first_bad(&m, file, place / 2, place % 2, block);
            CHECK(bad == (int)(place / 2), "type %u half %d: row %d, not %u", dtype, i / 3, bad,
                  place / 2);
        }
    }
    free(file);
}

/* A byte of exponent: the last is NaN; before it there are scales with which only some codes are.
 */
static void mxfp4_exponents(void) {
    random_state r = {39};
    rz_mat m;
    rz_mat_init(&m, RZ_DT_MXFP4, 3, 64, 8, 0);
    uint8_t *file = random_rows(&r, RZ_DT_MXFP4, 3, 64);
    for (int e = 0; e < 256; e++) {
        for (int code = 0; code < 16; code++) {
            uint8_t block[17];
            float w[32];
            memset(block, code * 17, 17);
            block[0] = (uint8_t)e;
            rz_dtype_dequantize(rz_dtype_get(RZ_DT_MXFP4), block, w, 32);
            bool finite = e < 255 && w[0] - w[0] == 0;
            int bad = first_bad(&m, file, 1, 1, block);
            CHECK(bad == (finite ? -1 : 1), "exponent %d code %d (%g): row %d", e, code,
                  (double)w[0], bad);
        }
    }
    free(file);
}

int main(void) {
    uint32_t ids[RZ_DT_COUNT];
    const int n = types_quantised(ids);
    for (int i = 0; i < n; i++) TEST(every_shape, ids[i]);
    TEST(sizes);
    for (int i = 0; i < n; i++) TEST(not_finite, ids[i]);
    TEST(mxfp4_exponents);
    return check_summary("test_types_pack");
}
