/*
 * regex_match.c: backtracking over the nodes of a pattern, with a memory; see regex.h.
 *
 * A machine stands at a node and a place of the text. Where a node has several ways to go on, a frame
 * on the stack says which are left. Every such choice is remembered as (node, place): coming back to
 * it means that it was explored in vain, so it fails at once, and a search takes time proportional to
 * the text. Only what a success passed through must not count as failed: of a whole match that is
 * what happened at its end, where the next match begins; of a look-ahead it is what is still on the
 * stack when it succeeds, and that is remembered as success.
 */
#include "regex_parse.h"

#include "unicode.h"

typedef struct {
    const rz_regex *re;
    const rz_regex_search *s;
    const uint8_t *text;
    size_t begin, end;
    uint32_t pc;
    size_t at;
    uint32_t n_stack;
    uint32_t look; /* frame of the innermost look-ahead, or RZ_REGEX_NONE */
} machine;

enum { no_memo = 0xffff, no_limit = 0xffff };

uint64_t rz_regex_work(const rz_regex *re, size_t n) {
    uint64_t frames = re->n_nodes + 1ull + (uint64_t)re->n_loops * (n + 1ull);
    return frames * sizeof(rz_regex_frame) + ((re->n_memo + 7ull) / 8) * (n + 1ull) + 16;
}

void rz_regex_begin(rz_regex_search *s, const rz_regex *re, const uint8_t *text, size_t begin,
                    size_t end, void *work) {
    size_t frames = re->n_nodes + (size_t)1 + re->n_loops * (end - begin + 1);
    *s = (rz_regex_search){.re = re, .text = text, .begin = begin, .end = end, .at = begin,
                           .last = SIZE_MAX, .stack = work, .row = (re->n_memo + 7) / 8};
    s->memo = (uint8_t *)(s->stack + frames);
    memset(s->memo, 0, s->row * (end - begin + 1));
}

/* ---- characters ---------------------------------------------------------------------------- */

static inline bool has_bit(const uint32_t *bits, uint32_t i) { return bits[i >> 5] >> (i & 31) & 1; }

/* Is the character at `at` < end in the class? Its length goes to *bytes. */
static inline bool class_at(const machine *m, const rz_regex_class *class, size_t at, uint32_t *bytes) {
    uint8_t byte = m->text[at];
    *bytes = 1;
    if (byte < 0x80 || m->re->flags & RZ_REGEX_BYTES) return has_bit(class->bits, byte);
    uint32_t c = rz_utf8_decode(m->text + at, m->end - at, bytes);
    if (class->simple) return class->mask >> rz_regex_kind(c) & 1;
    return rz_regex_class_has(m->re, class, c);
}

static inline uint32_t character_at(const machine *m, size_t at, uint32_t *bytes) {
    if (m->re->flags & RZ_REGEX_BYTES) {
        *bytes = 1;
        return rz_char_of_byte(m->text[at]);
    }
    return rz_utf8_decode(m->text + at, m->end - at, bytes);
}

/* Length of the character that ends at `at`, above `low`. */
static inline uint32_t length_before(const machine *m, size_t low, size_t at) {
    if (m->text[at - 1] < 0x80 || m->re->flags & RZ_REGEX_BYTES) return 1;
    return rz_utf8_last(m->text + low, at - low);
}

static bool word_before(const machine *m, size_t at) {
    uint32_t bytes;
    if (at == m->begin) return false;
    return rz_regex_word(character_at(m, at - length_before(m, m->begin, at), &bytes));
}

static bool anchor_holds(const machine *m, uint32_t anchor) {
    size_t at = m->at, left = m->end - at;
    uint32_t bytes;
    bool word;
    switch (anchor) {
    case '^': return at == m->begin || m->text[at - 1] == '\n';
    case '$': return left == 0 || m->text[at] == '\n';
    case 'A': return at == m->begin;
    case 'z': return left == 0;
    case 'Z': return left == 0 || (left == 1 && m->text[at] == '\n');
    default:
        word = left && rz_regex_word(character_at(m, at, &bytes));
        return (word_before(m, at) != word) == (anchor == 'b');
    }
}

/* ---- memory -------------------------------------------------------------------------------- */

static inline uint8_t *memo_byte(const machine *m, uint32_t bit, size_t at) {
    return m->s->memo + (at - m->begin) * m->s->row + bit / 8;
}

static inline bool memo_get(const machine *m, uint32_t bit, size_t at) {
    return *memo_byte(m, bit, at) >> bit % 8 & 1;
}

/* Sets a bit; returns whether it was set. */
static inline bool memo_set(const machine *m, uint32_t bit, size_t at) {
    uint8_t *byte = memo_byte(m, bit, at), mask = (uint8_t)(1u << bit % 8);
    bool was = *byte & mask;
    *byte |= mask;
    return was;
}

static inline void push(machine *m, uint32_t node, size_t at, size_t low, size_t entry) {
    m->s->stack[m->n_stack++] = (rz_regex_frame){node, (uint32_t)at, (uint32_t)low, (uint32_t)entry};
}

/* A place from which a look-ahead succeeds is known to succeed, and not to fail. */
static void mark_success(const machine *m, const rz_regex_node *n, size_t at) {
    memo_set(m, n->memo + 1u, at);
    *memo_byte(m, n->memo, at) &= (uint8_t)~(1u << n->memo % 8);
}

/* The look-ahead on top of the stack ends: forget its frames, and say where to go on. */
static bool end_look(machine *m) {
    uint32_t top = m->look;
    for (uint32_t i = top + 1; i < m->n_stack; i++) {
        const rz_regex_frame *f = &m->s->stack[i];
        const rz_regex_node *n = &m->re->nodes[f->node];
        if (n->memo == no_memo) continue;
        if (n->type == RZ_RE_LOOP && n->high == no_limit) {
            for (size_t at = f->low; at <= f->at; at++) mark_success(m, n, at);
        } else {
            mark_success(m, n, f->entry);
        }
    }
    const rz_regex_frame *f = &m->s->stack[top];
    const rz_regex_node *look = &m->re->nodes[f->node];
    m->n_stack = top;
    m->look = f->low;
    m->at = f->at;
    m->pc = look->next;
    return !(look->flags & RZ_RE_NOT);
}

enum visit { VISIT_NEW, VISIT_FAILED, VISIT_SUCCEEDED };

static enum visit visit(const machine *m, const rz_regex_node *n, size_t at) {
    if (n->memo == no_memo) return VISIT_NEW;
    if (n->flags & RZ_RE_INSIDE && memo_get(m, n->memo + 1u, at)) return VISIT_SUCCEEDED;
    return memo_set(m, n->memo, at) ? VISIT_FAILED : VISIT_NEW;
}

/* ---- nodes --------------------------------------------------------------------------------- */

/* Takes `count` characters of the class, or fails. */
static inline bool take(const machine *m, const rz_regex_class *class, uint32_t count, size_t *at) {
    uint32_t bytes;
    for (; count; count--, *at += bytes) {
        if (*at == m->end || !class_at(m, class, *at, &bytes)) return false;
    }
    return true;
}

/* As many characters as there are, never to be given back. */
static bool possessive_loop(machine *m, const rz_regex_node *n) {
    const rz_regex_class *class = &m->re->classes[n->a];
    const uint32_t most = n->high == no_limit ? UINT32_MAX : n->high;
    const size_t entry = m->at;
    size_t at = entry;
    uint32_t bytes;
    enum visit v = VISIT_NEW;
    if (!take(m, class, n->low, &at)) return false;
    const size_t low = at;
    for (uint32_t count = n->low; count < most && at < m->end; count++, at += bytes) {
        if (n->memo != no_memo && (v = visit(m, n, at)) != VISIT_NEW) break;
        if (!class_at(m, class, at, &bytes)) break;
    }
    if (v == VISIT_FAILED) return false;
    if (n->flags & RZ_RE_INSIDE && n->memo != no_memo) push(m, m->pc, at, low, entry);
    if (v == VISIT_SUCCEEDED) return end_look(m);
    m->at = at;
    m->pc = n->next;
    return true;
}

/* As many characters as there are, but no further than where an earlier visit failed. */
static bool greedy_loop(machine *m, const rz_regex_node *n) {
    const rz_regex_class *class = &m->re->classes[n->a];
    const bool forever = n->high == no_limit;
    const size_t entry = m->at;
    size_t at = entry;
    uint32_t bytes;
    enum visit v = forever ? VISIT_NEW : visit(m, n, entry);
    if (v == VISIT_SUCCEEDED) return end_look(m);
    if (v == VISIT_FAILED || !take(m, class, n->low, &at)) return false;
    const size_t low = at;
    for (uint32_t count = n->low;; count++, at += bytes) {
        if (forever && (v = visit(m, n, at)) != VISIT_NEW) break;
        if (at == m->end || (!forever && count == n->high) || !class_at(m, class, at, &bytes)) break;
    }
    if (v == VISIT_FAILED) {
        if (at == low) return false;
        at -= length_before(m, low, at);
    }
    if (at > low || n->flags & RZ_RE_INSIDE) push(m, m->pc, at, low, entry);
    if (v == VISIT_SUCCEEDED) return end_look(m);
    m->at = at;
    m->pc = n->next;
    return true;
}

/* Takes n->low characters; more when what follows fails, see retry_loop(). */
static bool lazy_loop(machine *m, const rz_regex_node *n) {
    size_t at = m->at, entry = at;
    if (!take(m, &m->re->classes[n->a], n->low, &at)) return false;
    bool forever = n->high == no_limit;
    enum visit v = visit(m, n, forever ? at : entry);
    if (v == VISIT_FAILED) return false;
    if (v == VISIT_SUCCEEDED) return end_look(m);
    /* a limited loop counts in `low` */
    push(m, m->pc, at, forever ? at : n->low, entry);
    m->at = at;
    m->pc = n->next;
    return true;
}

static bool retry_lazy(machine *m, const rz_regex_node *n, rz_regex_frame *f) {
    uint32_t bytes;
    bool forever = n->high == no_limit;
    if (f->at == m->end || (!forever && f->low == n->high)) return false;
    if (!class_at(m, &m->re->classes[n->a], f->at, &bytes)) return false;
    f->at += bytes;
    if (!forever) f->low++;
    m->at = f->at;
    m->pc = n->next;
    if (!forever) return true;
    enum visit v = visit(m, n, f->at);
    return v == VISIT_SUCCEEDED ? end_look(m) : v == VISIT_NEW;
}

/* Alternatives, from branch `b` on. */
static bool alternatives(machine *m, const rz_regex_node *n) {
    enum visit v = visit(m, n, m->at);
    if (v == VISIT_SUCCEEDED) return end_look(m);
    if (v == VISIT_FAILED) return false;
    uint32_t rest = m->re->nodes[n->a].a;
    if (rest != RZ_REGEX_NONE) push(m, m->pc, m->at, rest, m->at);
    m->pc = m->re->nodes[n->a].next;
    return true;
}

/* `first` now and `second` should that fail. */
static bool either(machine *m, const rz_regex_node *n, uint32_t first, uint32_t second) {
    enum visit v = visit(m, n, m->at);
    if (v == VISIT_SUCCEEDED) return end_look(m);
    if (v == VISIT_FAILED) return false;
    push(m, m->pc, m->at, second, m->at);
    m->pc = first;
    return true;
}

static bool end_node(machine *m, const rz_regex_node *n) {
    const rz_regex_node *owner = &m->re->nodes[n->a];
    if (owner->type == RZ_RE_LOOK) return end_look(m);
    if (owner->type == RZ_RE_MORE || owner->type == RZ_RE_ANY) {
        uint32_t again = n->a + 1;
        bool lazy = owner->flags & RZ_RE_LAZY;
        return either(m, n, lazy ? owner->next : again, lazy ? again : owner->next);
    }
    m->pc = owner->next;
    return true;
}

static bool peek_node(machine *m, const rz_regex_node *n) {
    size_t at = m->at;
    uint32_t bytes;
    bool has;
    if (n->flags & RZ_RE_BEHIND) {
        has = at > m->begin &&
              class_at(m, &m->re->classes[n->a], at - length_before(m, m->begin, at), &bytes);
    } else {
        has = at < m->end && class_at(m, &m->re->classes[n->a], at, &bytes);
    }
    m->pc = n->next;
    return has != ((n->flags & RZ_RE_NOT) != 0);
}

static bool character_node(machine *m, const rz_regex_node *n) {
    uint32_t bytes;
    if (m->at == m->end) return false;
    uint32_t c = character_at(m, m->at, &bytes);
    if (n->flags & RZ_RE_FOLD) c = c == 0x17f ? 's' : rz_uc_lower(c);
    m->at += bytes;
    m->pc = n->next;
    return c == n->a;
}

/* One step; false if this way fails. */
static bool step(machine *m, const rz_regex_node *n) {
    uint32_t bytes;
    switch (n->type) {
    case RZ_RE_CHAR: return character_node(m, n);
    case RZ_RE_CLASS:
        if (m->at == m->end || !class_at(m, &m->re->classes[n->a], m->at, &bytes)) return false;
        m->at += bytes;
        m->pc = n->next;
        return true;
    case RZ_RE_LOOP:
        if (n->flags & RZ_RE_POSSESSIVE) return possessive_loop(m, n);
        return n->flags & RZ_RE_LAZY ? lazy_loop(m, n) : greedy_loop(m, n);
    case RZ_RE_ALT: return alternatives(m, n);
    case RZ_RE_END: return end_node(m, n);
    case RZ_RE_PEEK: return peek_node(m, n);
    case RZ_RE_ONCE:
    case RZ_RE_MORE: m->pc++; return true;
    case RZ_RE_MAYBE:
    case RZ_RE_ANY:
        return n->flags & RZ_RE_LAZY ? either(m, n, n->next, m->pc + 1) : either(m, n, m->pc + 1, n->next);
    case RZ_RE_LOOK:
        push(m, m->pc, m->at, m->look, m->at);
        m->look = m->n_stack - 1;
        m->pc++;
        return true;
    case RZ_RE_ANCHOR:
        m->pc = n->next;
        return anchor_holds(m, n->a);
    default: /* empty, never */ m->pc = n->next; return true;
    }
}

/* The next way left of the topmost frame; false when that frame has none: it goes. */
static bool retry(machine *m, rz_regex_frame *f) {
    const rz_regex_node *n = &m->re->nodes[f->node];
    switch (n->type) {
    case RZ_RE_LOOP:
        if (n->flags & RZ_RE_LAZY) return retry_lazy(m, n, f);
        if (n->flags & RZ_RE_POSSESSIVE || f->at == f->low) return false;
        f->at -= length_before(m, f->low, f->at);
        m->at = f->at;
        m->pc = n->next;
        return true;
    case RZ_RE_ALT:
        if (f->low == RZ_REGEX_NONE) return false;
        m->at = f->at;
        m->pc = m->re->nodes[f->low].next;
        f->low = m->re->nodes[f->low].a;
        return true;
    case RZ_RE_LOOK: /* its body failed */
        m->look = f->low;
        m->at = f->at;
        m->pc = n->next;
        m->n_stack--;
        return n->flags & RZ_RE_NOT;
    default: /* either() */
        if (f->low == RZ_REGEX_NONE) return false;
        m->at = f->at;
        m->pc = f->low;
        f->low = RZ_REGEX_NONE;
        return true;
    }
}

/* Follows the nodes from pc on until they accept or nothing is left. */
static bool run(machine *m) {
    for (;;) {
        const rz_regex_node *n = &m->re->nodes[m->pc];
        if (n->type == RZ_RE_ACCEPT) return true;
        if (step(m, n)) continue;
        for (;;) {
            if (m->n_stack == 0) return false;
            uint32_t top = m->n_stack - 1;
            if (retry(m, &m->s->stack[top])) break;
            if (m->n_stack > top) m->n_stack = top;
        }
    }
}

/* The end of the match that starts at `at`, or SIZE_MAX. */
static size_t match_at(const rz_regex_search *s, size_t at) {
    const rz_regex *re = s->re;
    machine m = {.re = re, .s = s, .text = s->text, .begin = s->begin, .end = s->end,
                 .look = RZ_REGEX_NONE};
    uint32_t able = at < s->end ? re->branches[s->text[at]] : 0xffffffffu;
    for (uint32_t b = re->nodes[0].a; b != RZ_REGEX_NONE; b = re->nodes[b].a, able >>= 1) {
        if (!(able & 1) && !re->many) continue;
        m.pc = re->nodes[b].next;
        m.at = at;
        m.n_stack = 0;
        m.look = RZ_REGEX_NONE;
        if (run(&m)) return m.at;
    }
    return SIZE_MAX;
}

bool rz_regex_next(rz_regex_search *s, size_t *start, size_t *end) {
    const rz_regex *re = s->re;
    while (s->at <= s->end && s->at >= s->begin) {
        size_t at = s->at, stop = SIZE_MAX;
        uint32_t bytes = 1;
        if (at == s->end || re->many || re->branches[s->text[at]]) stop = match_at(s, at);
        if (stop != SIZE_MAX && s->row) memset(s->memo + (stop - s->begin) * s->row, 0, s->row);
        if (stop == SIZE_MAX || (stop == at && stop == s->last)) {
            if (at < s->end && !(re->flags & RZ_REGEX_BYTES)) {
                rz_utf8_decode(s->text + at, s->end - at, &bytes);
            }
            s->at = at + bytes;
            continue;
        }
        s->at = s->last = stop;
        *start = at;
        *end = stop;
        return true;
    }
    return false;
}
