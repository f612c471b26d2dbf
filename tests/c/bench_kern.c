/* bench_kern.c: see bench_kern.h. The clock is seconds(): the only thing a host must have. */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 199309L
#endif
#include "bench_kern.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kern_case.h"

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One product, many times; seconds of the fastest of several rounds. */
static double time_product(const rz_kern *k, const rz_mat *m, const case_act *a, float *y,
                           size_t ldy) {
    double best = 1e9;
    int repeats = 1;
    for (int round = 0; round < 8; round++) {
        double start = seconds();
        for (int i = 0; i < repeats; i++) {
            k->matmul[m->dtype](m, 0, rz_mat_groups(m), &a->act, y, ldy);
        }
        double each = (seconds() - start) / repeats;
        if (each * repeats < 0.02) {
            repeats *= 2, round--; /* too short to measure */
            continue;
        }
        if (each < best) best = each;
    }
    return best;
}

static void bench_type(const rz_kern *k, uint32_t dtype) {
    const rz_dtype *t = rz_dtype_get(dtype);
    const uint32_t cols = 2048, row_bytes = cols / t->block * t->block_bytes;
    const uint32_t rows[2] = {256, (128u << 20) / row_bytes}; /* 128 MB: more than caches hold */
    random_state r = {1};
    printf("%-10s %-6s", k->name, t->name);
    for (int large = 0; large < 2; large++) {
        uint8_t *file = malloc((size_t)rows[large] * row_bytes);
        float *x = malloc(32 * cols * sizeof *x);
        float *y = malloc(32 * (size_t)(rows[large] + 16) * sizeof *y);
        rz_mat m;
        case_weights(&r, W_RANDOM, dtype, file, (size_t)rows[large] * cols);
        case_inputs(&r, X_RANDOM, x, 32 * cols);
        uint8_t *data = case_pack(&m, k, dtype, rows[large], cols, file);
        case_act one = case_activations(k, x, 1, cols, t->floats);
        double s = time_product(k, &m, &one, y, rows[large] + 16);
        printf("  %6.2f GB/s %s", (double)rz_mat_bytes(&m) / s * 1e-9, large ? "memory" : "cache");
        case_act_free(&one);
        if (!large) {
            case_act many = case_activations(k, x, 32, cols, t->floats);
            s = time_product(k, &m, &many, y, rows[large] + 16);
            printf("  %6.2f GMAC/s tile", 32.0 * rows[large] * cols / s * 1e-9);
            case_act_free(&many);
        }
        free(data), free(file), free(x), free(y);
    }
    printf("\n");
}

/* What one thread reads from memory at most: a plain sum over 256 MB. */
static void bench_memory(void) {
    const size_t n = 32 << 20;
    uint64_t *p = malloc(n * sizeof *p), sum[8] = {0};
    double best = 1e9;
    for (size_t i = 0; i < n; i++) p[i] = i;
    for (int round = 0; round < 5; round++) {
        double start = seconds();
        for (size_t i = 0; i < n; i += 8) {
            for (size_t j = 0; j < 8; j++) sum[j] += p[i + j];
        }
        double each = seconds() - start;
        if (each < best) best = each;
    }
    volatile uint64_t keep = sum[0] + sum[3] + sum[7];
    (void)keep;
    printf("memory read, 1 thread: %.2f GB/s\n", (double)n * 8 / best * 1e-9);
    fflush(stdout); /* bench/memory.mjs reads this line alone */
    free(p);
}

void bench_kern(void) {
    bench_memory();
    for (uint32_t bit = 1; bit; bit <<= 1) {
        const rz_kern *k = rz_kernels_usable() & bit ? rz_kern_choose(bit, NULL) : NULL;
        for (uint32_t id = 0; k && id < RZ_DT_COUNT; id++) {
            if (k->matmul[id]) bench_type(k, id);
        }
    }
}
