/*
 * regex_build.c: compiles a pattern, and works out from its nodes what makes matching fast: the bits
 * of classes, which loops need never give back, what has to be remembered, which alternatives can
 * begin with a byte. See regex.h.
 */
#include "regex_parse.h"

#include "unicode.h"

/* First bytes, above ASCII as one: bit 128 and on are set together (not with RZ_REGEX_BYTES). */
typedef struct {
    uint32_t bits[8];
    bool empty; /* matching can end, or begins with what is not looked into */
    int budget; /* nodes still to be looked at */
} start_set;

static start_set new_set(void) { return (start_set){.budget = 2000}; }

/* ---- classes ------------------------------------------------------------------------------- */

static void set_bit(uint32_t *bits, uint32_t i) { bits[i >> 5] |= 1u << (i & 31); }

/* Items that are kinds or ASCII ranges make a mask that says all about what is above ASCII. */
static bool simple_mask(const rz_regex *re, const rz_regex_class *class, uint32_t *mask) {
    *mask = 0;
    if (class->both != RZ_REGEX_NONE || class->fold) return false;
    for (uint32_t i = class->items; i != RZ_REGEX_NONE; i = re->items[i].next) {
        const rz_regex_item *item = &re->items[i];
        if (item->first == RZ_RE_ITEM_KINDS) {
            *mask |= item->last;
        } else if (item->first == (RZ_RE_ITEM_KINDS | RZ_RE_ITEM_NEGATED)) {
            *mask |= ~item->last;
        } else if (item->first >= RZ_RE_ITEM_KINDS || item->last > 0x7f) {
            return false;
        }
    }
    if (class->negated) *mask = ~*mask;
    return true;
}

static void fill_class(rz_regex *re, rz_regex_class *class) {
    bool bytes = re->flags & RZ_REGEX_BYTES;
    class->simple = simple_mask(re, class, &class->mask);
    memset(class->bits, 0, sizeof class->bits);
    for (uint32_t i = 0; i < (bytes ? 256u : 128u); i++) {
        if (rz_regex_class_has(re, class, bytes ? rz_char_of_byte((uint8_t)i) : i)) {
            set_bit(class->bits, i);
        }
    }
}

/* ---- what follows a node ------------------------------------------------------------------- */

static bool wraps(uint8_t type) { return type >= RZ_RE_ONCE && type <= RZ_RE_NEVER; }

/* True if matching from here on succeeds whatever comes. */
static bool cannot_fail(const rz_regex *re, uint32_t pc, int depth) {
    for (; depth > 0 && pc != RZ_REGEX_NONE; depth--) {
        const rz_regex_node *n = &re->nodes[pc];
        if (n->type == RZ_RE_ACCEPT) return true;
        if (n->type == RZ_RE_END) {
            const rz_regex_node *owner = &re->nodes[n->a];
            if (owner->type == RZ_RE_LOOK) return true;
            pc = owner->next;
        } else if (n->type == RZ_RE_EMPTY || (n->type == RZ_RE_LOOP && n->low == 0) ||
                   n->type == RZ_RE_MAYBE || n->type == RZ_RE_ANY || n->type == RZ_RE_NEVER) {
            pc = n->next;
        } else {
            return false;
        }
    }
    return false;
}

static void add_character(const rz_regex *re, const rz_regex_node *n, start_set *s) {
    for (uint32_t i = 0; i < 256; i++) {
        if (re->flags & RZ_REGEX_BYTES) {
            uint32_t c = rz_char_of_byte((uint8_t)i);
            if ((n->flags & RZ_RE_FOLD ? rz_uc_lower(c) : c) == n->a) set_bit(s->bits, i);
        } else if (i < 128 ? (n->flags & RZ_RE_FOLD ? rz_uc_lower(i) : i) == n->a
                           : n->a > 127 || n->flags & RZ_RE_FOLD) {
            set_bit(s->bits, i);
        }
    }
}

static void add_class(const rz_regex *re, uint32_t class, start_set *s) {
    for (int i = 0; i < 8; i++) {
        s->bits[i] |= re->classes[class].bits[i];
        if (i >= 4 && !(re->flags & RZ_REGEX_BYTES)) s->bits[i] = 0xffffffffu;
    }
}

/* The bytes that a match from pc on can begin with. Gives up, with everything, when it gets deep. */
static void add_starts(const rz_regex *re, uint32_t pc, int depth, start_set *s) {
    const rz_regex_node *n = pc == RZ_REGEX_NONE ? NULL : &re->nodes[pc];
    if (depth == 0 || s->budget-- <= 0 || !n || n->type == RZ_RE_ACCEPT) {
        s->empty = true;
        return;
    }
    switch (n->type) {
    case RZ_RE_CHAR: add_character(re, n, s); return;
    case RZ_RE_CLASS: add_class(re, n->a, s); return;
    case RZ_RE_LOOP:
        add_class(re, n->a, s);
        if (n->low == 0) add_starts(re, n->next, depth - 1, s);
        return;
    case RZ_RE_ALT:
        for (uint32_t b = n->a; b != RZ_REGEX_NONE; b = re->nodes[b].a) {
            add_starts(re, re->nodes[b].next, depth - 1, s);
        }
        return;
    case RZ_RE_END:
        if (re->nodes[n->a].type == RZ_RE_LOOK) {
            s->empty = true;
            return;
        }
        if (re->nodes[n->a].type == RZ_RE_MORE || re->nodes[n->a].type == RZ_RE_ANY) {
            add_starts(re, n->a + 1, depth - 1, s);
        }
        add_starts(re, re->nodes[n->a].next, depth - 1, s);
        return;
    case RZ_RE_ONCE:
    case RZ_RE_MORE: add_starts(re, pc + 1, depth - 1, s); return;
    case RZ_RE_MAYBE:
    case RZ_RE_ANY:
        add_starts(re, pc + 1, depth - 1, s);
        add_starts(re, n->next, depth - 1, s);
        return;
    default: add_starts(re, n->next, depth - 1, s); return; /* what takes no characters */
    }
}

enum { start_depth = 24, branch_limit = 32 };

/* A greedy loop gives back in vain where what follows cannot fail, or must begin with a character
 * that the loop does not take. */
static bool needs_no_undo(const rz_regex *re, const rz_regex_node *n) {
    if (n->flags & RZ_RE_POSSESSIVE || n->low == n->high) return true;
    if (n->flags & (RZ_RE_INSIDE | RZ_RE_LAZY)) return false;
    if (cannot_fail(re, n->next, 64)) return true;
    start_set after = new_set(), own = new_set();
    add_starts(re, n->next, start_depth, &after);
    add_class(re, n->a, &own);
    for (int i = 0; i < 8; i++) {
        if (after.bits[i] & own.bits[i]) return false;
    }
    return !after.empty;
}

static bool chooses(const rz_regex *re, uint32_t pc) {
    const rz_regex_node *n = &re->nodes[pc];
    switch (n->type) {
    case RZ_RE_LOOP: /* a possessive one has no choice, but can run into the same failure often */
        if (!(n->flags & RZ_RE_POSSESSIVE)) return true;
        return n->high == 0xffff && !cannot_fail(re, n->next, 64);
    case RZ_RE_ALT: return pc != 0 && re->nodes[n->a].a != RZ_REGEX_NONE;
    case RZ_RE_MAYBE:
    case RZ_RE_ANY: return true;
    case RZ_RE_END:
        return re->nodes[n->a].type == RZ_RE_MORE || re->nodes[n->a].type == RZ_RE_ANY;
    default: return false;
    }
}

void rz_regex_analyse(rz_regex *re) {
    bool loops = false;
    uint32_t n_choices = 0;
    for (uint32_t i = 0; i < re->n_classes; i++) fill_class(re, &re->classes[i]);
    for (uint32_t i = 0; i < re->n_nodes; i++) {
        rz_regex_node *n = &re->nodes[i];
        if (n->type == RZ_RE_LOOP && needs_no_undo(re, n)) n->flags |= RZ_RE_POSSESSIVE;
    }
    for (uint32_t i = 0; i < re->n_nodes; i++) {
        rz_regex_node *n = &re->nodes[i];
        if (wraps(n->type) && (n->type == RZ_RE_MORE || n->type == RZ_RE_ANY)) loops = true;
        if (!chooses(re, i)) continue;
        n->memo = (uint16_t)re->n_memo;
        re->n_memo += n->flags & RZ_RE_INSIDE ? 2 : 1;
        n_choices++;
    }
    re->n_loops = loops ? n_choices : 0;

    memset(re->branches, 0, 256 * sizeof *re->branches);
    uint32_t bit = 0;
    for (uint32_t b = re->nodes[0].a; b != RZ_REGEX_NONE; b = re->nodes[b].a, bit++) {
        start_set s = new_set();
        add_starts(re, re->nodes[b].next, start_depth, &s);
        for (uint32_t i = 0; i < 256; i++) {
            bool can = s.empty || (s.bits[i >> 5] >> (i & 31) & 1);
            if (can && bit < branch_limit) re->branches[i] |= 1u << bit;
        }
    }
    re->many = bit > branch_limit;
}

int rz_regex_compile(rz_regex *re, const uint8_t *pattern, size_t n, uint32_t flags, rz_arena *arena,
                     rz_err *err) {
    rz_regex_parser p = {.re = re, .p = pattern, .n = n, .err = err};
    *re = (rz_regex){.flags = flags};
    int result = rz_regex_parse(&p);
    if (result) return result;
    re->nodes = rz_arena_take(arena, re->n_nodes, sizeof *re->nodes);
    re->classes = rz_arena_take(arena, re->n_classes, sizeof *re->classes);
    re->items = rz_arena_take(arena, re->n_items, sizeof *re->items);
    re->branches = rz_arena_take(arena, 256, sizeof *re->branches);
    if (!arena->base || arena->overflow) return RZ_OK;
    re->n_nodes = re->n_classes = re->n_items = 0;
    p = (rz_regex_parser){.re = re, .p = pattern, .n = n, .err = err};
    result = rz_regex_parse(&p);
    if (result == RZ_OK) rz_regex_analyse(re);
    return result;
}
