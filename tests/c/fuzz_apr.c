/*
 * fuzz_apr.c: any bytes as an .apr file, and again with a checksum that fits: refused in words, or a
 * predictor that predicts; all memory comes back.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "apr_file.h"
#include "budget.h"
#include "fuzz.h"

static void must(bool holds) {
    if (!holds) abort();
}

static void predict(const rz_predictor *p) {
    rz_predictor_info info;
    rz_predictor_info_get(p, &info);
    if (info.n_in > 1 << 16) return;
    float *x = calloc(info.n_in + 1, sizeof *x), *out = calloc(info.n_out, sizeof *out);
    must(x && out && rz_predictor_kind(p)[0]);
    rz_predict(p, x, out);
    for (uint32_t i = 0; i < info.n_in; i++) x[i] = i % 3 ? 1e30f : -1e30f;
    rz_predict(p, x, out);
    free(x), free(out);
}

static void open_file(const uint8_t *data, size_t size) {
    budget b;
    budget_open(&b);
    b.limit = 64 << 20;
    rz_predictor *p = NULL;
    rz_err err = {0};
    int result = rz_predictor_apr(data, size, &b.allocator, &p, &err);
    must((result == RZ_OK) == (p != NULL));
    must(p || (err.code == result && result < 0 && err.text[0]));
    if (p) predict(p);
    rz_predictor_close(&p);
    must(b.now == 0 && b.blocks == 0 && b.wrong_frees == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    host_file copy = {malloc(size ? size : 1), size};
    must(copy.bytes != NULL);
    if (size) memcpy(copy.bytes, data, size);
    open_file(copy.bytes, size);
    apr_seal(copy);
    open_file(copy.bytes, size);
    free(copy.bytes);
    return 0;
}

host_file fuzz_seed(int i) {
    return i < APR_KINDS ? apr_file((enum apr_kind)i) : (host_file){NULL, 0};
}
