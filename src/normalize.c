/*
 * normalize.c: see normalize.h.
 *
 * Text that is its own normal form is copied. Around anything else a stretch is taken apart,
 * ordered, put together and written: from the character before it to the next one that can neither
 * move nor join with what is before it. So stretches are short, except in texts of nothing but marks.
 */
#include "normalize.h"

#include "unicode.h"

enum { raw = 1u << 30 }; /* a byte that is no UTF-8 */

typedef struct {
    enum rz_form form;
    uint32_t *at;   /* code points of the stretch; the first may be joined with the others */
    uint32_t *room; /* as many for sorting */
    size_t n, most;
    uint8_t *out;
    size_t n_out;
} stretch;

static bool composes(enum rz_form form) { return form == RZ_NFC || form == RZ_NFKC; }
static bool compatible(enum rz_form form) { return form == RZ_NFKD || form == RZ_NFKC; }

static uint32_t order_of(uint32_t c) { return c & raw ? 0 : rz_uc_order(c); }

/* Characters of one run by rank, those of equal rank as they came. */
static void sort_run(uint32_t *at, size_t n, uint32_t *room) {
    if (n < 32) {
        for (size_t i = 1; i < n; i++) {
            uint32_t c = at[i], rank = order_of(c);
            size_t j = i;
            for (; j > 0 && order_of(at[j - 1]) > rank; j--) at[j] = at[j - 1];
            at[j] = c;
        }
        return;
    }
    size_t starts[65] = {0}; /* there are fewer than 64 ranks */
    for (size_t i = 0; i < n; i++) starts[(order_of(at[i]) & 63) + 1]++;
    for (int r = 0; r < 64; r++) starts[r + 1] += starts[r];
    for (size_t i = 0; i < n; i++) room[starts[order_of(at[i]) & 63]++] = at[i];
    memcpy(at, room, n * sizeof *at);
}

static void sort_marks(stretch *s) {
    for (size_t i = 0; i < s->n;) {
        size_t end = i;
        while (end < s->n && order_of(s->at[end])) end++;
        if (end - i > 1) sort_run(s->at + i, end - i, s->room);
        i = end + 1;
    }
}

/* Joins characters with the last starter where nothing of the same or a higher rank is between. */
static void compose(stretch *s) {
    size_t starter = SIZE_MAX, n = 0;
    uint32_t last = 0; /* rank of the character before; 0: the starter stands right before */
    for (size_t i = 0; i < s->n; i++) {
        uint32_t c = s->at[i], rank = order_of(c);
        if (starter != SIZE_MAX && (last < rank || (last == 0 && starter == n - 1))) {
            uint32_t joined = rz_uc_compose(s->at[starter], c);
            if (joined) {
                s->at[starter] = joined;
                continue;
            }
        }
        if (rank == 0) starter = n;
        last = rank;
        s->at[n++] = c;
    }
    s->n = n;
}

static void flush(stretch *s) {
    sort_marks(s);
    if (composes(s->form)) compose(s);
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i] & raw) {
            s->out[s->n_out++] = (uint8_t)s->at[i];
        } else {
            s->n_out += rz_utf8_encode(s->at[i], s->out + s->n_out);
        }
    }
    s->n = 0;
}

static void add(stretch *s, uint32_t c) {
    uint32_t parts[RZ_UC_MAX_DECOMPOSED], n = rz_uc_decompose(c, compatible(s->form), parts);
    for (uint32_t i = 0; i < n; i++) {
        if (s->n == s->most || !(rz_uc_class(parts[i]) & RZ_UC_UNSTABLE)) flush(s);
        s->at[s->n++] = parts[i];
    }
}

/* True if c stays as it is whatever stands before it. */
static bool stable(enum rz_form form, uint32_t c) {
    uint32_t bits = form == RZ_NFC ? RZ_UC_UNSTABLE : RZ_UC_UNSTABLE | RZ_UC_DECOMPOSES;
    return !(rz_uc_class(c) & bits);
}

size_t rz_normalize(enum rz_form form, const uint8_t *text, size_t n, uint8_t *out, uint32_t *work) {
    stretch s = {.form = form, .at = work, .room = work + n + 64, .most = n + 64, .out = out};
    size_t last = SIZE_MAX; /* the stable character just copied starts here in the text */
    uint32_t bytes;
    for (size_t at = 0; at < n; at += bytes) {
        uint32_t c = rz_utf8_decode(text + at, n - at, &bytes);
        if (c == RZ_UC_INVALID || stable(form, c)) {
            if (s.n) flush(&s);
            memcpy(out + s.n_out, text + at, bytes);
            s.n_out += bytes;
            last = c == RZ_UC_INVALID ? SIZE_MAX : at;
            continue;
        }
        if (s.n == 0 && last != SIZE_MAX) { /* it may join with the character before it */
            uint32_t before, length;
            before = rz_utf8_decode(text + last, n - last, &length);
            s.n_out -= length;
            s.at[s.n++] = before;
        }
        last = SIZE_MAX;
        add(&s, c);
    }
    flush(&s);
    return s.n_out;
}
