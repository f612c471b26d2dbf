/* pretok.c: see pretok.h. Pieces are pulled from the last step, which pulls from the one before. */
#include "pretok.h"

#include "err.h"
#include "unicode.h"

rz_pre *rz_pre_add(rz_pre_list *list, enum rz_pre_type type) {
    if (list->n == RZ_PRE_STEPS) return NULL;
    rz_pre *s = &list->step[list->n++];
    *s = (rz_pre){.type = type};
    return s;
}

int rz_pre_add_split(rz_pre_list *list, rz_span pattern, uint32_t regex_flags,
                     enum rz_pre_behaviour behaviour, rz_arena *arena, rz_err *err) {
    rz_pre *s = rz_pre_add(list, RZ_PRE_SPLIT);
    if (!s) return rz_err_set(err, RZ_E_UNSUPPORTED, "the tokenizer has too many steps");
    s->behaviour = behaviour;
    return rz_regex_compile(&s->regex, pattern.p, pattern.n, regex_flags, arena, err);
}

/* ---- working memory ------------------------------------------------------------------------ */

void rz_pretok_layout(rz_pretok *t, const rz_pre_list *list, rz_arena *arena, size_t n) {
    uint64_t size = n;
    *t = (rz_pretok){.list = list};
    for (uint32_t i = 0; i < list->n; i++) {
        const rz_pre *s = &list->step[i];
        if (s->type == RZ_PRE_SPLIT) {
            t->state[i].work = rz_arena_take(arena, rz_regex_work(&s->regex, (size_t)size), 1);
        } else if (s->type != RZ_PRE_DIGITS) {
            uint64_t grown;
            uint64_t per = s->type == RZ_PRE_METASPACE && s->mark.n > 1 ? s->mark.n : 1;
            if (!rz_mul_u64(size + 1, per, &grown) || grown > SIZE_MAX / 8) {
                arena->overflow = true;
                return;
            }
            size = grown;
            t->state[i].buffer = rz_arena_take(arena, size, 1);
        }
    }
    t->most = (size_t)size;
}

/* ---- splits -------------------------------------------------------------------------------- */

/* The next gap or match of a piece; false at its end. */
static bool next_segment(const rz_pre *s, rz_pre_state *st, rz_pre_segment *out) {
    if (st->held) {
        st->held = false;
        *out = st->ahead;
        return true;
    }
    if (!st->found && !st->done) {
        st->found = rz_regex_next(&st->search, &st->start, &st->end);
        st->done = !st->found;
    }
    if (st->found && st->at == st->start) {
        *out = (rz_pre_segment){st->start, st->end, !s->invert};
        st->found = false;
    } else {
        size_t end = st->found ? st->start : st->piece.n;
        if (st->at == end) return false;
        *out = (rz_pre_segment){st->at, end, s->invert};
    }
    st->at = out->end;
    return true;
}

/* Joins a segment with the one behind it where the behaviour says so. */
static void join_next(const rz_pre *s, rz_pre_state *st, rz_pre_segment *out) {
    rz_pre_segment next;
    while (next_segment(s, st, &next)) {
        bool join = s->behaviour == RZ_PRE_CONTIGUOUS      ? next.match == out->match
                    : s->behaviour == RZ_PRE_WITH_PREVIOUS ? next.match && !out->match
                                                           : !next.match && out->match;
        if (!join) {
            st->ahead = next;
            st->held = true;
            return;
        }
        out->end = next.end;
        if (s->behaviour != RZ_PRE_CONTIGUOUS) return;
    }
}

static bool next_split(const rz_pre *s, rz_pre_state *st, rz_span *out) {
    rz_pre_segment part;
    while (next_segment(s, st, &part)) {
        if (s->behaviour == RZ_PRE_REMOVED) {
            if (part.match) continue;
        } else if (s->behaviour != RZ_PRE_ISOLATED) {
            join_next(s, st, &part);
        }
        if (part.end == part.start) continue;
        *out = (rz_span){st->piece.p + part.start, part.end - part.start};
        return true;
    }
    return false;
}

/* ---- other steps --------------------------------------------------------------------------- */

static bool number_at(rz_span piece, size_t at, uint32_t *bytes) {
    return rz_uc_in(rz_uc_class(rz_utf8_decode(piece.p + at, piece.n - at, bytes)), RZ_UC_NUMBERS);
}

/* Pieces end behind groups of digits: what stands before a number stays with its first group. */
static bool next_digits(rz_pre_state *st, rz_span *out) {
    size_t at = st->at, start = at;
    uint32_t bytes;
    if (at == st->piece.n) return false;
    while (at >= st->end && at < st->piece.n && !number_at(st->piece, at, &bytes)) at += bytes;
    uint32_t group = 3;
    if (at >= st->end && at < st->piece.n) { /* a number starts: count its digits */
        uint32_t count = 0;
        size_t end = at;
        for (; end < st->piece.n && number_at(st->piece, end, &bytes); end += bytes) count++;
        st->end = end;
        if (count % 3) group = count % 3;
    }
    for (; group && at < st->end; group--, at += bytes) number_at(st->piece, at, &bytes);
    st->at = at;
    *out = (rz_span){st->piece.p + start, at - start};
    return true;
}

static bool starts_with(rz_span text, rz_span with) {
    return text.n >= with.n && memcmp(text.p, with.p, with.n) == 0;
}

/* Changes a whole piece, once. */
static bool next_changed(const rz_pre *s, rz_pre_state *st, rz_span *out) {
    static const uint8_t space[] = " ";
    rz_span from = {space, 1}, mark = s->type == RZ_PRE_METASPACE ? s->mark : from;
    uint8_t *to = st->buffer;
    if (st->at) return false;
    st->at = 1;
    bool marked = starts_with(st->piece, mark) || starts_with(st->piece, from);
    bool wanted = s->scheme == RZ_PRE_ALWAYS || (s->scheme == RZ_PRE_FIRST && st->first);
    if (wanted && !marked) {
        memcpy(to, mark.p, mark.n);
        to += mark.n;
    }
    for (size_t i = 0; i < st->piece.n; i++) {
        if (st->piece.p[i] == ' ' && s->type == RZ_PRE_METASPACE) {
            memcpy(to, mark.p, mark.n);
            to += mark.n;
        } else {
            *to++ = st->piece.p[i];
        }
    }
    *out = (rz_span){st->buffer, (size_t)(to - st->buffer)};
    return true;
}

/* ---- all of them --------------------------------------------------------------------------- */

static void start_piece(const rz_pre *s, rz_pre_state *st, rz_span piece, bool first) {
    st->piece = piece;
    st->first = first;
    st->active = true;
    st->at = st->start = st->end = 0;
    st->found = st->held = st->done = false;
    if (s->type == RZ_PRE_SPLIT) {
        rz_regex_begin(&st->search, &s->regex, piece.p, 0, piece.n, st->work);
    }
}

void rz_pretok_begin(rz_pretok *t, rz_span text, bool first) {
    t->text = text;
    t->first = first;
    t->given = text.n == 0;
    for (uint32_t i = 0; i < t->list->n; i++) t->state[i].active = false;
}

/* The next piece of step n - 1, or the text itself for n = 0. Recurses over the steps of the list. */
static bool pull(rz_pretok *t, uint32_t n, rz_span *out, bool *first) {
    if (n == 0) {
        if (t->given) return false;
        t->given = true;
        *out = t->text;
        *first = t->first;
        return true;
    }
    const rz_pre *s = &t->list->step[n - 1];
    rz_pre_state *st = &t->state[n - 1];
    for (;;) {
        if (st->active) {
            bool more = s->type == RZ_PRE_SPLIT    ? next_split(s, st, out)
                        : s->type == RZ_PRE_DIGITS ? next_digits(st, out)
                                                   : next_changed(s, st, out);
            if (more) {
                *first = st->first && (out->p == st->piece.p || out->p == st->buffer);
                return true;
            }
            st->active = false;
        }
        rz_span piece;
        bool piece_first;
        if (!pull(t, n - 1, &piece, &piece_first)) return false;
        start_piece(s, st, piece, piece_first);
    }
}

bool rz_pretok_next(rz_pretok *t, rz_span *word) {
    bool first;
    return pull(t, t->list->n, word, &first);
}
