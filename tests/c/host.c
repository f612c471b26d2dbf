/* host.c: see host.h. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

host_file host_read(const char *path) {
    host_file file = {NULL, 0};
    FILE *f = fopen(path, "rb");
    if (!f) return file;
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    fseek(f, 0, SEEK_SET);
    file.bytes = malloc(size > 0 ? (size_t)size : 1);
    file.n = fread(file.bytes, 1, (size_t)size, f);
    fclose(f);
    return file;
}

int host_load(rz_model **m, host_file file, const rz_load_opts *opts, size_t piece, rz_err *err) {
    return host_load_parts(m, &file, 1, opts, piece, err);
}

int host_load_parts(rz_model **m, const host_file *files, uint32_t n_files, const rz_load_opts *opts,
                    size_t piece, rz_err *err) {
    rz_load_opts o = opts ? *opts : (rz_load_opts){0};
    rz_loader *l;
    rz_need need;
    *m = NULL;
    o.parts = n_files;
    int result = rz_load_open(&o, &l, err);
    if (result) return result;
    while ((result = rz_load_next(l, &need)) == RZ_NEED) {
        const host_file *file = &files[need.part];
        size_t n = need.offset < file->n ? file->n - (size_t)need.offset : 0;
        if (n > need.length) n = need.length;
        if (piece && n > piece) n = piece;
        if (n) memcpy(need.dst, file->bytes + need.offset, n);
        result = rz_load_feed(l, n);
        if (result < 0) break;
    }
    if (result == RZ_DONE) result = rz_load_finish(&l, m);
    if (result < 0) *err = *rz_load_error(l);
    rz_load_close(&l);
    return result;
}

rz_model *host_load_path(const char *path, const rz_load_opts *opts) {
    host_file file = host_read(path);
    rz_model *m = NULL;
    rz_err err = {0};
    if (!file.bytes) {
        printf("cannot read %s\n", path);
        return NULL;
    }
    if (host_load(&m, file, opts, 0, &err) < 0) printf("%s: %s\n", path, err.text);
    free(file.bytes);
    return m;
}

float *host_logits(rz_model *m, const uint32_t *ids, uint32_t n, uint32_t chunk, uint32_t kv_type) {
    rz_model_info info;
    rz_session *s;
    rz_err err;
    rz_model_info_get(m, &info);
    rz_session_opts opts = {.n_ctx = n, .chunk = chunk, .kv_type = kv_type, .all_logits = 1};
    if (rz_session_open(m, &opts, &s, &err) < 0) {
        printf("%s\n", err.text);
        return NULL;
    }
    float *out = malloc((size_t)n * info.n_vocab * sizeof *out);
    uint32_t done = 0, rows;
    size_t stride;
    int result = rz_session_prompt(s, ids, n);
    while (result >= 0 && (result = rz_step(s)) == RZ_AGAIN) {
        const float *logits = rz_session_logits(s, &rows, &stride);
        for (uint32_t r = 0; r < rows; r++, done++) {
            memcpy(out + (size_t)done * info.n_vocab, logits + r * stride,
                   info.n_vocab * sizeof *out);
        }
    }
    if (result < 0) {
        printf("%s\n", rz_session_error(s)->text);
        free(out);
        out = NULL;
    }
    rz_session_close(&s);
    return out;
}
