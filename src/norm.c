/* norm.c: see norm.h. What has to do with SentencePiece's map and llama.cpp's BERT: norm_spaces.c. */
#include "norm.h"

#include "unicode.h"

static const uint8_t mark[] = {0xe2, 0x96, 0x81}; /* U+2581 */

/* ---- lists --------------------------------------------------------------------------------- */

rz_norm_step *rz_norm_add(rz_norm_list *list, enum rz_norm_type type, uint32_t flags) {
    if (list->n == RZ_NORM_STEPS) return NULL;
    rz_norm_step *s = &list->step[list->n++];
    *s = (rz_norm_step){.type = type, .flags = flags, .growth = 1, .per = 1};
    switch (type) {
    case RZ_NORM_LOWER: s->growth = 3, s->per = 2; break;
    case RZ_NORM_CHINESE: s->growth = 5, s->per = 3; break;
    case RZ_NORM_ESCAPE: s->growth = 3, s->more = 3; break;
    case RZ_NORM_WPM: s->growth = 3, s->more = 3; break; /* punctuation of one byte, spaced */
    default: break;
    }
    return s;
}

rz_norm_step *rz_norm_add_form(rz_norm_list *list, enum rz_form form) {
    rz_norm_step *s = rz_norm_add(list, RZ_NORM_FORM, 0);
    if (!s) return NULL;
    s->form = form;
    s->growth = form == RZ_NFKD || form == RZ_NFKC ? RZ_FORM_GROWTH_COMPATIBLE : RZ_FORM_GROWTH;
    return s;
}

rz_norm_step *rz_norm_add_replace(rz_norm_list *list, rz_span from, rz_span to) {
    rz_norm_step *s = rz_norm_add(list, RZ_NORM_REPLACE, 0);
    if (!s) return NULL;
    s->from = from;
    s->to = to;
    return s;
}

void rz_norm_measure(rz_norm_list *list) {
    for (uint32_t i = 0; i < list->n; i++) {
        rz_norm_step *s = &list->step[i];
        if (s->type == RZ_NORM_PREPEND) s->more = (uint32_t)s->to.n;
        if (s->type == RZ_NORM_REPLACE && s->to.n > s->from.n) {
            s->growth = (uint32_t)s->to.n;
            s->per = (uint32_t)s->from.n;
        }
        if (s->type == RZ_NORM_REPLACE_REGEX) { /* matches may be empty */
            s->growth = (uint32_t)s->to.n + 1;
            s->more = (uint32_t)s->to.n;
        }
        if (s->type == RZ_NORM_CHARSMAP || s->type == RZ_NORM_SPM || s->type == RZ_NORM_UGM) {
            rz_charsmap_measure(s);
        }
    }
}

/* One step; `most` follows the largest text in between. */
static uint64_t grow(const rz_norm_step *s, uint64_t n) {
    uint64_t grown;
    if (!rz_mul_u64(n, s->growth, &grown) || grown > UINT64_MAX / 2) return UINT64_MAX / 2;
    return grown / s->per + (grown % s->per != 0) + s->more;
}

uint64_t rz_norm_room(const rz_norm_list *list, size_t n) {
    uint64_t size = n, most = n;
    for (uint32_t i = 0; i < list->n; i++) {
        size = grow(&list->step[i], size);
        if (size > most) most = size;
    }
    return most > UINT64_MAX / 4 ? UINT64_MAX : most;
}

uint64_t rz_norm_chars(const rz_norm_list *list, size_t n) {
    uint64_t chars = n;
    for (uint32_t i = 0; i < list->n; i++) {
        const rz_norm_step *s = &list->step[i];
        uint32_t bytes;
        if (s->type == RZ_NORM_ESCAPE) {
            chars += 1;
        } else if (s->type == RZ_NORM_REPLACE && s->to.n &&
                   rz_utf8_decode(s->to.p, s->to.n, &bytes) != RZ_UC_INVALID && bytes == s->to.n) {
            continue;
        } else {
            chars = grow(s, chars);
        }
    }
    return chars > UINT64_MAX / 4 ? UINT64_MAX : chars;
}

uint64_t rz_norm_work(const rz_norm_list *list, size_t n) {
    uint64_t size = n, most = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        const rz_norm_step *s = &list->step[i];
        uint64_t work = 0;
        if (size > UINT64_MAX / 256) return UINT64_MAX;
        if (s->type == RZ_NORM_FORM) work = 4 * RZ_NORMALIZE_WORK(size);
        if (s->type == RZ_NORM_REPLACE_REGEX) work = rz_regex_work(&s->regex, (size_t)size);
        if (work > most) most = work;
        size = grow(s, size);
    }
    return most;
}

/* ---- steps --------------------------------------------------------------------------------- */

void rz_norm_put_char(rz_norm_out *o, uint32_t c) {
    uint8_t bytes[4];
    rz_norm_put(o, bytes, rz_utf8_encode(c, bytes));
}

bool rz_norm_chinese(uint32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f) ||
           (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

static void put_clean(uint32_t c, rz_norm_out *o) {
    uint32_t class = rz_uc_class(c);
    if (c == '\t' || c == '\n' || c == '\r' || rz_uc_space(class)) {
        bool control = c != '\t' && c != '\n' && c != '\r' && (class & RZ_UC_CATEGORY) == RZ_UC_CC;
        if (!control) rz_norm_put_char(o, ' ');
    } else if (c != 0 && c != 0xfffd && !rz_uc_in(class, 1u << RZ_UC_CC | 1u << RZ_UC_CF | 1u << RZ_UC_CO)) {
        rz_norm_put_char(o, c);
    }
}

static void put_nmt(uint32_t c, rz_norm_out *o) {
    bool gone = (c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f ||
                c == 0x8f || c == 0x9f;
    bool space = c == 9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 ||
                 (c >= 0x200b && c <= 0x200f) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                 c == 0xfeff || c == 0xfffd;
    if (!gone) rz_norm_put_char(o, space ? ' ' : c);
}

/* Steps that look at one character at a time. */
static void each_character(const rz_norm_step *s, rz_span in, rz_norm_out *o) {
    uint32_t bytes;
    for (size_t at = 0; at < in.n; at += bytes) {
        uint32_t c = rz_utf8_decode(in.p + at, in.n - at, &bytes);
        if (c == RZ_UC_INVALID) {
            rz_norm_put(o, in.p + at, 1);
            continue;
        }
        switch (s->type) {
        case RZ_NORM_LOWER:
            rz_norm_put_char(o, rz_uc_lower(c));
            if (c == 0x130) rz_norm_put_char(o, 0x307);
            break;
        case RZ_NORM_STRIP_MARKS:
            if (!rz_uc_in(rz_uc_class(c), s->flags & RZ_NORM_ALL_MARKS ? RZ_UC_MARKS : 1u << RZ_UC_MN)) {
                rz_norm_put(o, in.p + at, bytes);
            }
            break;
        case RZ_NORM_CLEAN: put_clean(c, o); break;
        case RZ_NORM_CHINESE:
            if (rz_norm_chinese(c)) rz_norm_put_char(o, ' ');
            rz_norm_put(o, in.p + at, bytes);
            if (rz_norm_chinese(c)) rz_norm_put_char(o, ' ');
            break;
        default: put_nmt(c, o); break;
        }
    }
}

static void trim(const rz_norm_step *s, bool *first, rz_span in, rz_norm_out *o) {
    size_t start = 0, end = in.n;
    uint32_t bytes;
    while (s->flags & RZ_NORM_LEFT && start < end) {
        if (!rz_uc_space(rz_uc_class(rz_utf8_decode(in.p + start, end - start, &bytes)))) break;
        start += bytes;
    }
    while (s->flags & RZ_NORM_RIGHT && start < end) {
        uint32_t length = rz_utf8_last(in.p + start, end - start);
        if (!rz_uc_space(rz_uc_class(rz_utf8_decode(in.p + end - length, length, &bytes)))) break;
        end -= length;
    }
    if (start) *first = false;
    rz_norm_put(o, in.p + start, end - start);
}

static void replace(const rz_norm_step *s, rz_span in, rz_norm_out *o) {
    for (size_t at = 0; at < in.n;) {
        size_t left = in.n - at;
        const uint8_t *next = memchr(in.p + at, s->from.p[0], left);
        size_t skip = next ? (size_t)(next - (in.p + at)) : left;
        rz_norm_put(o, in.p + at, skip);
        at += skip;
        left -= skip;
        if (!left) break;
        if (left >= s->from.n && memcmp(in.p + at, s->from.p, s->from.n) == 0) {
            rz_norm_put(o, s->to.p, s->to.n);
            at += s->from.n;
        } else {
            rz_norm_put(o, in.p + at++, 1);
        }
    }
}

static void replace_regex(const rz_norm_step *s, rz_span in, rz_norm_out *o, void *work) {
    rz_regex_search search;
    size_t start, end, at = 0;
    rz_regex_begin(&search, &s->regex, in.p, 0, in.n, work);
    while (rz_regex_next(&search, &start, &end)) {
        rz_norm_put(o, in.p + at, start - at);
        rz_norm_put(o, s->to.p, s->to.n);
        at = end;
    }
    rz_norm_put(o, in.p + at, in.n - at);
}

static void escape(const rz_norm_step *s, bool first, rz_span in, rz_norm_out *o) {
    if (s->flags & RZ_NORM_PREFIX && in.n && (first || !(s->flags & RZ_NORM_FIRST_ONLY))) {
        rz_norm_put(o, mark, sizeof mark);
    }
    for (size_t at = 0; at < in.n;) {
        const uint8_t *space = memchr(in.p + at, ' ', in.n - at);
        size_t run = space ? (size_t)(space - (in.p + at)) : in.n - at;
        rz_norm_put(o, in.p + at, run);
        if (space) rz_norm_put(o, mark, sizeof mark);
        at += run + 1;
    }
}

static void run_step(const rz_norm_step *s, bool *first, rz_span in, rz_norm_out *o, void *work) {
    switch (s->type) {
    case RZ_NORM_FORM:
        o->full = grow(s, in.n) > o->most;
        if (!o->full) o->n = rz_normalize(s->form, in.p, in.n, o->p, work);
        break;
    case RZ_NORM_TRIM: trim(s, first, in, o); break;
    case RZ_NORM_PREPEND:
        if (in.n) rz_norm_put(o, s->to.p, s->to.n);
        rz_norm_put(o, in.p, in.n);
        break;
    case RZ_NORM_REPLACE: replace(s, in, o); break;
    case RZ_NORM_REPLACE_REGEX: replace_regex(s, in, o, work); break;
    case RZ_NORM_ESCAPE: escape(s, *first, in, o); break;
    case RZ_NORM_CHARSMAP: rz_norm_charsmap(s, in, o); break;
    case RZ_NORM_SPM: rz_norm_spm(s, *first, in, o); break;
    case RZ_NORM_UGM: rz_norm_ugm(s, in, o); break;
    case RZ_NORM_WPM: rz_norm_wpm(s, in, o); break;
    default: each_character(s, in, o); break;
    }
}

bool rz_norm_run(const rz_norm_list *list, bool *first, const rz_norm_rooms *rooms, rz_span *text) {
    for (uint32_t i = 0; i < list->n; i++) {
        rz_norm_out o = {.p = rooms->buffers[i % 2], .most = rooms->size};
        run_step(&list->step[i], first, *text, &o, rooms->work);
        if (o.full) return false;
        *text = (rz_span){o.p, o.n};
    }
    return true;
}
