/*
 * read.h: a bounded cursor over bytes in memory, with one sticky flag.
 *
 * Every read past the end sets `short_read` and yields zeros; callers check once after a group of
 * reads. Nothing here can touch memory outside [p, p + n).
 */
#ifndef RZ_READ_H
#define RZ_READ_H

#include "base.h"

typedef struct {
    const uint8_t *p;
    size_t n;        /* bytes in all */
    size_t at;       /* next byte */
    bool short_read; /* something lay past the end */
} rz_reader;

static inline size_t rz_read_left(const rz_reader *r) { return r->n - r->at; }

/* `bytes` bytes, or NULL past the end. */
static inline const uint8_t *rz_read_bytes(rz_reader *r, uint64_t bytes) {
    if (r->short_read || bytes > rz_read_left(r)) {
        r->short_read = true;
        return NULL;
    }
    const uint8_t *p = r->p + r->at;
    r->at += (size_t)bytes;
    return p;
}

static inline uint8_t rz_read_u8(rz_reader *r) {
    const uint8_t *p = rz_read_bytes(r, 1);
    return p ? *p : 0;
}
static inline uint32_t rz_read_u32(rz_reader *r) {
    const uint8_t *p = rz_read_bytes(r, 4);
    return p ? rz_load_u32(p) : 0;
}
static inline uint64_t rz_read_u64(rz_reader *r) {
    const uint8_t *p = rz_read_bytes(r, 8);
    return p ? rz_load_u64(p) : 0;
}

#endif
