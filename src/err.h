/*
 * err.h: error sentences. Formats a small subset of printf into an rz_err, without libc's printf.
 *
 * Strings may come from hostile files: control characters and bytes that are no UTF-8 are replaced,
 * lengths are cut.
 */
#ifndef RZ_ERR_H
#define RZ_ERR_H

#include "base.h"

/* Fills *err (may be NULL) and returns `code`. Conversions: %s (terminated), %.*s (int, pointer),
 * %d, %u, %x, %llu, %zu, %%. */
int rz_err_set(rz_err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
