/*
 * predict.c: what a prediction costs within a process: a host of rz.h that opens a predictor.
 *   bench_predict MODEL.apr
 * prints microseconds a prediction, the median of 21 runs of 100,000: {"us": ...}.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../src/rz.h"

enum { runs = 21, predictions = 100000, most_inputs = 4096, most_bytes = 1 << 20 };

static double microseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static rz_predictor *open_predictor(const char *path) {
    static unsigned char bytes[most_bytes];
    rz_predictor *p = NULL;
    rz_err err;
    FILE *f = fopen(path, "rb");
    if (!f) fail(path, "cannot be read");
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    if (rz_predictor_apr(bytes, n, NULL, &p, &err) != RZ_OK) fail(path, err.text);
    return p;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    static float x[most_inputs];
    float out[16], keep = 0;
    double us[runs];
    rz_predictor_info info;
    if (argc != 2) fail("usage", "bench_predict MODEL.apr");
    rz_predictor *p = open_predictor(argv[1]);
    rz_predictor_info_get(p, &info);
    if (info.n_in > most_inputs || info.n_out > 16) fail(argv[1], "has more inputs or outputs than this program holds");
    for (uint32_t i = 0; i < info.n_in; i++) x[i] = (float)(i % 17) / 16;
    for (int run = 0; run < runs; run++) {
        const double start = microseconds();
        for (int i = 0; i < predictions; i++) {
            x[i % info.n_in] += 0x1p-20f;
            rz_predict(p, x, out);
            keep += out[0];
        }
        us[run] = (microseconds() - start) / predictions;
    }
    qsort(us, runs, sizeof *us, ascending);
    printf("{\"us\": %.4f, \"sum\": %g}\n", us[runs / 2], (double)keep);
    rz_predictor_close(&p);
    return 0;
}
