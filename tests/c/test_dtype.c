/*
 * test_dtype.c: the weight types (src/dtype.c) and half precision (src/base.h): dequantisation
 * bit-equal to what ggml made of its own blocks, halves exhaustively against a model in double.
 */
#include <math.h>

#include "../../src/dtype.h"
#include "check.h"
#include "host.h"
#include "random.h"

/* ---- halves --------------------------------------------------------------------------------- */

/* The value of a finite half, by its definition. */
static double half_value(uint16_t h) {
    int exponent = h >> 10 & 31, mantissa = h & 0x3ff;
    double value = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return h & 0x8000 ? -value : value;
}

static void all_halves(void) {
    for (uint32_t h = 0; h < 0x10000; h++) {
        float f = rz_f32_from_f16((uint16_t)h);
        uint32_t bits = rz_bits_from_f32(f);
        if ((h & 0x7c00) == 0x7c00) { /* infinity and NaN keep their sign and payload */
            uint32_t want = (h & 0x8000u) << 16 | 0x7f800000u | (h & 0x3ffu) << 13;
            CHECK(bits == want, "half %x is %x, not %x", h, bits, want);
            continue;
        }
        CHECK((double)f == half_value((uint16_t)h), "half %x is %g", h, (double)f);
        CHECK(bits >> 31 == h >> 15, "sign of half %x", h);
        CHECK(rz_f16_from_f32(f) == h, "half %x comes back as %x", h, rz_f16_from_f32(f));
    }
}

static void all_bf16(void) {
    for (uint32_t h = 0; h < 0x10000; h++) {
        CHECK(rz_bits_from_f32(rz_f32_from_bf16((uint16_t)h)) == h << 16, "bf16 %x", h);
    }
}

/* Nearest half in double arithmetic, ties to even (the default mode of nearbyint). */
static uint16_t nearest_half(double x) {
    uint16_t sign = signbit(x) ? 0x8000 : 0;
    int exponent;
    if (isnan(x)) return sign | 0x7e00;
    x = fabs(x);
    if (x >= 65520) return sign | 0x7c00;
    frexp(x, &exponent); /* x = 0.5..1 * 2^exponent: the last bit of a half is worth 2^(e - 11) */
    int unit = exponent - 11 < -24 ? -24 : exponent - 11;
    double rounded = ldexp(nearbyint(ldexp(x, -unit)), unit);
    if (rounded < 0x1p-14) return (uint16_t)(sign | (uint16_t)ldexp(rounded, 24));
    frexp(rounded, &exponent);
    return (uint16_t)(sign | (exponent + 14) << 10 | ((int)ldexp(rounded, 11 - exponent) & 0x3ff));
}

static void check_rounding(float f) {
    uint16_t got = rz_f16_from_f32(f), want = nearest_half(f);
    CHECK(got == want, "%a rounds to %x, not %x", (double)f, got, want);
}

static void rounding_edges(void) {
    static const struct {
        float f;
        uint16_t h;
    } cases[] = {
        {0.0f, 0},
        {-0.0f, 0x8000},
        {1.0f, 0x3c00},
        {-2.0f, 0xc000},
        {65504.0f, 0x7bff},
        {65519.996f, 0x7bff},
        {65520.0f, 0x7c00},
        {-65520.0f, 0xfc00},
        {0x1p-24f, 1},
        {0x1p-25f, 0},
        {0x1.000002p-25f, 1},
        {0x1.8p-24f, 2},
        {0x1.4p-23f, 2},
        {0x1.ff8p-15f, 0x3ff},
        {0x1.ffcp-15f, 0x400},
        {0x1p-14f, 0x400},
        {0x1.002p0f, 0x3c00},
        {0x1.006p0f, 0x3c02},
        {0x1.002002p0f, 0x3c01},
        {0x1p-149f, 0},
        {INFINITY, 0x7c00},
        {-INFINITY, 0xfc00},
        {3.4e38f, 0x7c00},
        {NAN, 0x7e00},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint16_t h = rz_f16_from_f32(cases[i].f);
        CHECK(h == cases[i].h, "%a rounds to %x, not %x", (double)cases[i].f, h, cases[i].h);
        check_rounding(cases[i].f);
    }
    for (uint32_t h = 0; h < 0x7bff;
         h++) { /* midpoints of neighbours, and the floats beside them */
        float middle = (float)((half_value((uint16_t)h) + half_value((uint16_t)(h + 1))) / 2);
        check_rounding(middle);
        check_rounding(nextafterf(middle, 0));
        check_rounding(-nextafterf(middle, INFINITY));
    }
}

static void rounding_anything(void) {
    random_state r = {7};
    for (int i = 0; i < 1000000; i++) check_rounding(rz_f32_from_bits((uint32_t)random_u64(&r)));
    for (int i = 0; i < 1000000; i++) check_rounding(random_float(&r) * 0x1p-12f);
}

/* ---- the table ------------------------------------------------------------------------------ */

static void type_table(void) {
    int computable = 0;
    for (uint32_t id = 0; id < RZ_DT_COUNT; id++) {
        const rz_dtype *t = rz_dtype_get(id);
        uint64_t bytes;
        if (!t) continue;
        if (!t->block) {
            CHECK(!rz_dtype_row_bytes(t, 256, &bytes), "%s has no rows", t->name);
            continue;
        }
        computable++;
        CHECK(rz_dtype_row_bytes(t, 3 * t->block, &bytes) && bytes == 3 * t->block_bytes, "%s",
              t->name);
        CHECK(t->block == 1 || !rz_dtype_row_bytes(t, t->block + 1, &bytes), "%s: part of a block",
              t->name);
        CHECK(t->block_bytes == 1 || rz_dtype_row_bytes(t, UINT64_MAX / t->block * t->block,
                                                        &bytes) == (t->block_bytes <= t->block),
              "%s: rows past 2^64 bytes", t->name);
    }
    CHECK(computable == 28, "%d types can be computed with", computable);
    CHECK(!rz_dtype_get(4) && !rz_dtype_get(31) && !rz_dtype_get(RZ_DT_COUNT) &&
              !rz_dtype_get(UINT32_MAX),
          "ids without a type");
}

/* ---- vectors recorded from ggml -------------------------------------------------------------- */

static host_file read_quant(const char *dir, const char *type, const char *suffix) {
    char path[1024];
    snprintf(path, sizeof path, "%s/quant/%s.quant.%s", dir, type, suffix);
    host_file file = host_read(path);
    CHECK(file.bytes, "cannot read %s", path);
    return file;
}

static void recorded(const char *dir, const rz_dtype *t) {
    host_file blocks = read_quant(dir, t->name, "bin"), floats = read_quant(dir, t->name, "f32");
    if (!blocks.bytes || !floats.bytes) return;
    const size_t n = floats.n / 4, row_bytes = 256 / t->block * t->block_bytes;
    CHECK(n == 4096 && blocks.n == n / 256 * row_bytes, "%zu floats, %zu bytes", n, blocks.n);
    for (size_t row = 0; row < n / 256; row++) {
        float out[256];
        rz_dtype_dequantize(t, blocks.bytes + row * row_bytes, out, 256);
        CHECK(memcmp(out, floats.bytes + row * sizeof out, sizeof out) == 0, "%s row %zu", t->name,
              row);
    }
    free(blocks.bytes);
    free(floats.bytes);
}

int main(void) {
    TEST(all_halves);
    TEST(all_bf16);
    TEST(rounding_edges);
    TEST(rounding_anything);
    TEST(type_table);
    const char *dir = fixtures("dequantisation against ggml");
    for (uint32_t id = 1; dir && id < RZ_DT_NVFP4; id++) { /* F32 is copied; 40-42 have no vectors */
        const rz_dtype *t = rz_dtype_get(id);
        if (t && t->block) TEST(recorded, dir, t);
    }
    return check_summary("test_dtype");
}
