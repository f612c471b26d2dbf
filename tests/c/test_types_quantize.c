/*
 * test_types_quantize.c: the quantisers: the same bytes as ggml's reference for the types of 32
 * weights, less error than its for the K types, and refusals in words.
 */
#include <float.h>
#include <math.h>

#include "check.h"
#include "host.h"
#include "types_case.h"

static const uint32_t quantisers[] = {RZ_DT_F32,  RZ_DT_F16,  RZ_DT_BF16, RZ_DT_Q4_0,
                                      RZ_DT_Q4_1, RZ_DT_Q5_0, RZ_DT_Q5_1, RZ_DT_Q8_0,
                                      RZ_DT_Q4_K, RZ_DT_Q5_K, RZ_DT_Q6_K};
enum { n_quantisers = sizeof quantisers / sizeof quantisers[0] };

static double rmse(uint32_t id, const float *x, size_t n, const void *blocks) {
    float *y = malloc(n * sizeof *y);
    double sum = 0;
    rz_dequantize(id, blocks, n, y, NULL);
    for (size_t i = 0; i < n; i++) sum += ((double)y[i] - x[i]) * ((double)y[i] - x[i]);
    free(y);
    return sqrt(sum / (double)n);
}

static size_t bytes_of(uint32_t id, size_t n) {
    return n / rz_dtype_get(id)->block * rz_dtype_get(id)->block_bytes;
}

/* ---- recorded rows ----------------------------------------------------------------------------
 */

/* The error of the reference on these rows, from the line of index.json. */
static double recorded_rmse(const host_file *index, const char *type) {
    char key[64];
    snprintf(key, sizeof key, "\"type\":\"%s\"", type);
    const char *line = strstr((const char *)index->bytes, key);
    const char *at = line ? strstr(line, "\"quant_rmse\":") : NULL;
    return at ? strtod(at + 13, NULL) : -1;
}

static void recorded(const char *dir, uint32_t id, bool same_bytes) {
    const char *name = rz_dtype_get(id)->name;
    char path[1024];
    snprintf(path, sizeof path, "%s/quant/input.f32", dir);
    host_file input = host_read(path);
    snprintf(path, sizeof path, "%s/quant/index.json", dir);
    host_file index = host_read(path);
    snprintf(path, sizeof path, "%s/quant/%s.quant.bin", dir, name);
    host_file want = host_read(path);
    CHECK(input.bytes && index.bytes && want.bytes, "no vectors of %s", name);
    if (!input.bytes || !index.bytes || !want.bytes) return;
    index.bytes[index.n - 1] = 0;
    rz_err err = {0};
    const size_t n = input.n / 4;
    const float *x = (const float *)(const void *)input.bytes;
    uint8_t *blocks = malloc(bytes_of(id, n));
    CHECK(rz_quantize(id, x, n, blocks, &err) == RZ_OK, "%s: %s", name, err.text);
    double got = rmse(id, x, n, blocks), reference = recorded_rmse(&index, name);
    CHECK(got <= reference * 1.0005, "%s: error %g, reference %g", name, got, reference);
    printf("  %s: error %.6g, reference %.6g\n", name, got, reference);
    if (same_bytes) {
        CHECK(want.n == bytes_of(id, n) && memcmp(blocks, want.bytes, want.n) == 0,
              "%s: other bytes", name);
    }
    free(input.bytes), free(index.bytes), free(want.bytes), free(blocks);
}

/* ---- any floats -------------------------------------------------------------------------------
 */

enum { rows = 40, width = 256 };

/* Rows of very different sizes, signs and shapes, the block scale still a half. */
static void fill_row(random_state *r, int kind, float *x) {
    float size = ldexpf(1, (int)random_below(r, 20) - 12);
    for (int i = 0; i < width; i++) {
        x[i] = random_float(r) * size;
        switch (kind) {
        case 1:
            x[i] = 0;
            break;
        case 2:
            x[i] = -0.0f;
            break;
        case 3:
            x[i] = size;
            break;
        case 4:
            x[i] = fabsf(x[i]) + size;
            break;
        case 5:
            x[i] = -fabsf(x[i]) - size;
            break;
        case 6:
            x[i] *= i % 32 == 7 ? 1000.0f : 1;
            break;
        case 7:
            x[i] *= 0x1p-140f;
            break;
        case 8:
            x[i] = i < 32 ? -6e4f : x[i] * 1e-3f;
            break;
        case 9:
            x[i] = i % 16 < 8 ? 0 : x[i];
            break;
        case 10:
            x[i] = ldexpf(x[i], -(i / 32) * 12);
            break;
        default:
            break;
        }
    }
}

/* What is quantised is never further from its float than a step of its block, or for K types a step
 * of the coarsest sub-block scale; all finite. */
static void any_floats(uint32_t id) {
    static const float steps[RZ_DT_COUNT] = {
        [RZ_DT_F16] = 0x1p-11f,    [RZ_DT_BF16] = 0x1p-8f,    [RZ_DT_Q4_0] = 1.01f / 8,
        [RZ_DT_Q4_1] = 1.03f / 15, [RZ_DT_Q5_0] = 1.01f / 16, [RZ_DT_Q5_1] = 1.05f / 31,
        [RZ_DT_Q8_0] = 0.6f / 127, [RZ_DT_Q4_K] = 2.0f / 15,  [RZ_DT_Q5_K] = 2.0f / 31,
        [RZ_DT_Q6_K] = 2.0f / 32};
    const rz_dtype *t = rz_dtype_get(id);
    random_state r = {id};
    for (int row = 0; row < rows; row++) {
        float x[width], y[width];
        uint8_t blocks[4 * width + 1];
        rz_err err = {0};
        fill_row(&r, row % 11, x);
        blocks[bytes_of(id, width)] = 0x5a;
        CHECK(rz_quantize(id, x, width, blocks, &err) == RZ_OK, "%s kind %d: %s", t->name, row % 11,
              err.text);
        CHECK(blocks[bytes_of(id, width)] == 0x5a, "%s writes past its blocks", t->name);
        rz_dequantize(id, blocks, width, y, NULL);
        for (int i = 0; i < width; i++) {
            float most = 0;
            for (uint32_t j = 0; j < t->block; j++) {
                most = fmaxf(most, fabsf(x[(uint32_t)i / t->block * t->block + j]));
            }
            double bound = 2 * (double)most * steps[id] + 0x1p-14;
            if (id == RZ_DT_F32) bound = 0;
            CHECK(fabs((double)y[i] - x[i]) <= bound, "%s kind %d: %g becomes %g, within %g",
                  t->name, row % 11, (double)x[i], (double)y[i], bound);
        }
    }
}

/* What a quantiser made hardly moves when it is quantised again. */
static void own_values(uint32_t id) {
    const rz_dtype *t = rz_dtype_get(id);
    random_state r = {id + 100};
    for (int i = 0; i < 50; i++) {
        uint8_t block[1024], again[1024];
        float x[RZ_BLOCK_MAX], y[RZ_BLOCK_MAX];
        for (uint32_t j = 0; j < t->block; j++) x[j] = random_float(&r);
        rz_quantize(id, x, t->block, block, NULL);
        rz_dequantize(id, block, t->block, x, NULL);
        rz_quantize(id, x, t->block, again, NULL);
        rz_dequantize(id, again, t->block, y, NULL);
        double first = 0, moved = 0;
        for (uint32_t j = 0; j < t->block; j++) {
            first = fmax(first, fabs(x[j]));
            moved = fmax(moved, fabs((double)y[j] - x[j]));
        }
        /* the codes that were used may span less the second time; the K types' search may end
         * half a step of 2 / 31 away */
        double bound = t->block == 1 ? 0 : t->block == 32 ? first * 0.02 : first / 31;
        CHECK(moved <= bound, "%s: moved by %g of %g", t->name, moved, first);
    }
}

static void refuses(uint32_t id, float value, int code, const char *text) {
    float x[256];
    uint8_t out[1024];
    rz_err err = {0};
    for (int i = 0; i < 256; i++) x[i] = (float)(i % 7) - 3;
    x[40] = value;
    int result = rz_quantize(id, x, 256, out, &err);
    CHECK(result == code && strcmp(err.text, text) == 0, "type %u, %g: %d '%s', not '%s'", id,
          (double)value, result, err.text, text);
    CHECK(rz_quantize(id, x, 256, out, NULL) == code, "without a place for the sentence");
}

static void refusals(void) {
    for (int i = 0; i < n_quantisers; i++) {
        refuses(quantisers[i], NAN, RZ_E_VALUE, "element 40 is NaN or infinite");
        refuses(quantisers[i], -INFINITY, RZ_E_VALUE, "element 40 is NaN or infinite");
    }
    refuses(RZ_DT_F16, 65520, RZ_E_VALUE, "element 40 or one beside it is too large for F16");
    refuses(RZ_DT_BF16, FLT_MAX, RZ_E_VALUE, "element 40 or one beside it is too large for BF16");
    refuses(RZ_DT_Q4_0, 8 * 65520.0f, RZ_E_VALUE,
            "element 32 or one beside it is too large for Q4_0");
    refuses(RZ_DT_Q4_1, -FLT_MAX, RZ_E_VALUE, "element 32 or one beside it is too large for Q4_1");
    refuses(RZ_DT_Q5_0, -FLT_MAX, RZ_E_VALUE, "element 32 or one beside it is too large for Q5_0");
    refuses(RZ_DT_Q5_1, FLT_MAX, RZ_E_VALUE, "element 32 or one beside it is too large for Q5_1");
    refuses(RZ_DT_Q8_0, 1e7f, RZ_E_VALUE, "element 32 or one beside it is too large for Q8_0");
    for (int i = 0; i < 4; i++) {
        static const float large[4] = {1e8f, -3e8f, 1e20f, FLT_MAX};
        refuses(RZ_DT_Q4_K, large[i], RZ_E_VALUE,
                "element 0 or one beside it is too large for Q4_K");
    }
    refuses(RZ_DT_Q5_K, -FLT_MAX, RZ_E_VALUE, "element 0 or one beside it is too large for Q5_K");
    refuses(RZ_DT_Q6_K, 1e9f, RZ_E_VALUE, "element 0 or one beside it is too large for Q6_K");
    refuses(RZ_DT_Q2_K, 0, RZ_E_UNSUPPORTED, "there is no quantiser for weight type Q2_K");
    refuses(28, 0, RZ_E_UNSUPPORTED, "weight type F64 is not supported");
    refuses(99, 0, RZ_E_ARG, "there is no weight type 99");
    float x[8] = {0};
    uint8_t out[64];
    rz_err err;
    CHECK(rz_quantize(RZ_DT_Q4_0, x, 8, out, &err) == RZ_E_ARG, "a quarter of a block");
    CHECK(strcmp(err.text, "8 weights are no whole number of Q4_0 blocks of 32") == 0, "%s",
          err.text);
    CHECK(rz_quantize(RZ_DT_Q4_K, x, 0, out, &err) == RZ_OK, "nothing");
}

int main(void) {
    const char *dir = fixtures("quantisers against ggml");
    for (int i = 1; dir && i < n_quantisers; i++) {
        TEST(recorded, dir, quantisers[i],
             quantisers[i] < RZ_DT_Q4_K || quantisers[i] == RZ_DT_BF16);
    }
    for (int i = 0; i < n_quantisers; i++) TEST(any_floats, quantisers[i]);
    for (int i = 0; i < n_quantisers; i++) TEST(own_values, quantisers[i]);
    TEST(refusals);
    return check_summary("test_types_quantize");
}
