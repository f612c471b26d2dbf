/*
 * regex_parse.c: a pattern becomes nodes, classes and items; see regex.h.
 *
 * One pass over the pattern that only appends and, where memory is there, links: so the same code
 * measures and writes. A counted group is parsed again for each copy; limits on nodes, depth and
 * counts keep that small whatever the pattern is.
 */
#include "regex_parse.h"

#include "err.h"
#include "unicode.h"

enum { max_nodes = 4096, max_classes = 1024, max_items = 8192, max_depth = 24, max_count = 1000 };

#define FAIL(p, code, ...) ((p)->failed = rz_err_set((p)->err, (code), __VA_ARGS__))

/* Nodes of a parsed part: entered at `first`, `next` of `last` is still to be set. */
typedef struct {
    uint32_t first, last;
    bool empty; /* it may match nothing */
} part;

/* The members of a class while it is read. */
typedef struct {
    uint32_t first, last;
} item_list;

static int unsupported(rz_regex_parser *p, const char *what) {
    if (p->failed) return p->failed;
    return FAIL(p, RZ_E_UNSUPPORTED, "%s at byte %zu of the pattern '%.*s' is not supported", what,
                p->at, (int)p->n, (const char *)p->p);
}

static int malformed(rz_regex_parser *p, const char *what) {
    if (p->failed) return p->failed;
    return FAIL(p, RZ_E_FORMAT, "%s at byte %zu of the pattern '%.*s'", what, p->at, (int)p->n,
                (const char *)p->p);
}

static bool at_text(const rz_regex_parser *p, const char *text) {
    size_t n = strlen(text);
    return p->n - p->at >= n && memcmp(p->p + p->at, text, n) == 0;
}

static bool skip(rz_regex_parser *p, const char *text) {
    if (!at_text(p, text)) return false;
    p->at += strlen(text);
    return true;
}

static int peek(const rz_regex_parser *p) { return p->at < p->n ? p->p[p->at] : -1; }

static bool enter(rz_regex_parser *p) {
    if (p->depth == max_depth) unsupported(p, "nesting so deep");
    p->depth++;
    return !p->failed;
}

/* ---- emitting ------------------------------------------------------------------------------ */

static uint32_t emit(rz_regex_parser *p, enum rz_regex_type type, uint32_t a) {
    rz_regex *re = p->re;
    if (re->n_nodes == max_nodes) {
        unsupported(p, "so large a pattern");
        return 0;
    }
    if (re->nodes) {
        uint8_t flags = (uint8_t)(p->inside ? RZ_RE_INSIDE : 0);
        re->nodes[re->n_nodes] = (rz_regex_node){(uint8_t)type, flags, 0xffff, RZ_REGEX_NONE, a, 1, 1};
    }
    return re->n_nodes++;
}

static void link_to(rz_regex_parser *p, uint32_t from, uint32_t to) {
    if (p->re->nodes) p->re->nodes[from].next = to;
}

static void set_type(rz_regex_parser *p, uint32_t node, enum rz_regex_type type, uint32_t flags) {
    if (!p->re->nodes) return;
    p->re->nodes[node].type = (uint8_t)type;
    p->re->nodes[node].flags |= (uint8_t)flags;
}

static void add_item(rz_regex_parser *p, item_list *list, uint32_t first, uint32_t last) {
    rz_regex *re = p->re;
    if (re->n_items == max_items) {
        unsupported(p, "so large a pattern");
        return;
    }
    if (re->items) {
        re->items[re->n_items] = (rz_regex_item){first, last, RZ_REGEX_NONE};
        if (list->last != RZ_REGEX_NONE) re->items[list->last].next = re->n_items;
    }
    if (list->first == RZ_REGEX_NONE) list->first = re->n_items;
    list->last = re->n_items++;
}

static uint32_t new_class(rz_regex_parser *p, item_list list, uint32_t both, bool negated) {
    rz_regex *re = p->re;
    if (re->n_classes == max_classes) {
        unsupported(p, "so large a pattern");
        return 0;
    }
    if (re->classes) {
        re->classes[re->n_classes] =
            (rz_regex_class){.items = list.first, .both = both, .negated = negated, .fold = p->fold};
    }
    return re->n_classes++;
}

static uint32_t class_of(rz_regex_parser *p, uint32_t first, uint32_t last, bool negated) {
    item_list list = {RZ_REGEX_NONE, RZ_REGEX_NONE};
    add_item(p, &list, first, last);
    return new_class(p, list, RZ_REGEX_NONE, negated);
}

/* ---- characters ---------------------------------------------------------------------------- */

static uint32_t hex_value(int c) {
    if (c >= '0' && c <= '9') return (uint32_t)c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? (uint32_t)c - 'a' + 10 : 16;
}

static uint32_t read_hex(rz_regex_parser *p, uint32_t most) {
    uint32_t v = 0, digits = 0;
    while (digits < most && p->at < p->n && hex_value(p->p[p->at]) < 16) {
        v = v << 4 | hex_value(p->p[p->at++]);
        digits++;
    }
    if (digits == 0 || v > 0x10ffff) malformed(p, "an escape that is no character");
    return v;
}

/* A character as it stands. */
static uint32_t read_literal(rz_regex_parser *p) {
    uint32_t bytes = 1, c = RZ_UC_INVALID;
    if (p->at < p->n) c = rz_utf8_decode(p->p + p->at, p->n - p->at, &bytes);
    if (c == RZ_UC_INVALID) {
        malformed(p, "a character that is missing or no UTF-8");
        return 0;
    }
    p->at += bytes;
    return c;
}

/* The character of an escape, p standing behind the backslash. */
static uint32_t read_escape(rz_regex_parser *p) {
    static const char names[] = "ntrfvae", values[] = "\n\t\r\f\v\a\033";
    int c = peek(p);
    const char *name = c > 0 ? strchr(names, c) : NULL;
    if (name) {
        p->at++;
        return (uint8_t)values[name - names];
    }
    if (skip(p, "x{")) {
        uint32_t v = read_hex(p, 6);
        if (!skip(p, "}")) malformed(p, "an unfinished escape");
        return v;
    }
    if (skip(p, "x")) return read_hex(p, 2);
    if (skip(p, "u")) return read_hex(p, 4);
    if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z')) {
        unsupported(p, "an escape");
        return 0;
    }
    return read_literal(p);
}

static bool class_escape(int c) { return c > 0 && strchr("dDsSwWhHpP", c); }

/* \d \s \w \h \p{..} and their complements, p standing at the letter: adds an item. */
static void read_class_escape(rz_regex_parser *p, item_list *list, bool bracketed) {
    int c = peek(p);
    uint32_t first, last = !bracketed;
    bool negated = c >= 'A' && c <= 'Z';
    p->at++;
    switch (c | 32) {
    case 'p':
        if (!rz_regex_property(p->p, p->n, &p->at, &negated, &first, &last)) {
            unsupported(p, "a property");
            return;
        }
        break;
    case 'd': first = RZ_RE_ITEM_KINDS, last = 1u << RZ_UC_ND; break;
    case 's': first = RZ_RE_ITEM_KINDS, last = RZ_RE_KINDS_SPACE; break;
    case 'w': first = RZ_RE_ITEM_WORD; break;
    default: first = RZ_RE_ITEM_HEX; break;
    }
    add_item(p, list, first | (negated ? RZ_RE_ITEM_NEGATED : 0), last);
}

/* ---- classes ------------------------------------------------------------------------------- */

/* [:name:], p standing at it; false if it is none. */
static bool read_posix(rz_regex_parser *p, item_list *list) {
    size_t at = p->at + 2;
    bool negated = at < p->n && p->p[at] == '^';
    uint32_t first, last;
    at += negated;
    size_t end = at;
    while (end < p->n && p->p[end] >= 'a' && p->p[end] <= 'z') end++;
    if (!at_text(p, "[:") || end + 1 >= p->n || p->p[end] != ':' || p->p[end + 1] != ']') return false;
    if (!rz_regex_named(p->p + at, end - at, &first, &last)) {
        unsupported(p, "a property");
        return true;
    }
    add_item(p, list, first | (negated ? RZ_RE_ITEM_NEGATED : 0), last);
    p->at = end + 2;
    return true;
}

static uint32_t read_member(rz_regex_parser *p) {
    if (!skip(p, "\\")) return read_literal(p);
    if (skip(p, "b")) return '\b';
    return read_escape(p);
}

/* A character or a range of them. */
static void read_range(rz_regex_parser *p, item_list *list) {
    uint32_t first = read_member(p), last = first;
    if (!p->failed && peek(p) == '-' && p->at + 1 < p->n) {
        const uint8_t *after = p->p + p->at + 1;
        bool escape = *after == '\\' && p->at + 2 < p->n && class_escape(after[1]);
        if (*after != ']' && *after != '[' && !escape && !at_text(p, "-&&")) {
            p->at++;
            last = read_member(p);
        }
    }
    if (last < first) malformed(p, "a range that ends before it starts");
    add_item(p, list, first, last);
}

static uint32_t read_class(rz_regex_parser *p);

/* Members up to ']', which stays. */
static uint32_t read_members(rz_regex_parser *p, bool negated) {
    item_list list = {RZ_REGEX_NONE, RZ_REGEX_NONE};
    uint32_t both = RZ_REGEX_NONE;
    for (bool first = true; !p->failed; first = false) {
        int c = peek(p);
        if (c < 0) malformed(p, "a class without its ']'");
        if (c < 0 || (c == ']' && !first)) break;
        if (skip(p, "&&")) {
            if (!enter(p)) break;
            both = read_members(p, false);
            p->depth--;
            break;
        }
        if (c == '[') {
            if (!read_posix(p, &list)) {
                uint32_t nested = read_class(p);
                add_item(p, &list, RZ_RE_ITEM_CLASS, nested);
            }
        } else if (c == '\\' && p->at + 1 < p->n && class_escape(p->p[p->at + 1])) {
            p->at++;
            read_class_escape(p, &list, true);
        } else {
            read_range(p, &list);
        }
    }
    return new_class(p, list, both, negated);
}

/* [...], p standing at the bracket. */
static uint32_t read_class(rz_regex_parser *p) {
    if (!enter(p)) return 0;
    p->at++;
    bool negated = skip(p, "^");
    uint32_t class = read_members(p, negated);
    if (!skip(p, "]")) malformed(p, "a class without its ']'");
    p->depth--;
    return class;
}

/* ---- atoms --------------------------------------------------------------------------------- */

typedef struct {
    uint32_t low, high; /* high 0xffff: no limit */
    uint32_t flags;     /* RZ_RE_LAZY, RZ_RE_POSSESSIVE */
} quantifier;

static bool read_count(rz_regex_parser *p, uint32_t *count) {
    size_t start = p->at;
    *count = 0;
    while (p->at < p->n && p->p[p->at] >= '0' && p->p[p->at] <= '9' && *count <= max_count) {
        *count = *count * 10 + (p->p[p->at++] - '0');
    }
    return p->at > start;
}

/* {n} {n,} {,m} {n,m}; false, and nothing read, for anything else. */
static bool read_braces(rz_regex_parser *p, quantifier *q) {
    size_t start = p->at++;
    bool low = read_count(p, &q->low), comma = skip(p, ","), high = comma && read_count(p, &q->high);
    if (!comma) q->high = q->low;
    if (comma && !high) q->high = 0xffff;
    if ((low || high) && skip(p, "}")) {
        if (q->low > max_count || (q->high > max_count && q->high != 0xffff)) {
            unsupported(p, "a count above 1000");
        }
        if (q->high < q->low) malformed(p, "a count that ends before it starts");
        return true;
    }
    p->at = start;
    return false;
}

static bool read_quantifier(rz_regex_parser *p, quantifier *q) {
    *q = (quantifier){1, 1, 0};
    int c = peek(p);
    bool braces = c == '{' && read_braces(p, q);
    if (c == '*') *q = (quantifier){0, 0xffff, 0};
    if (c == '+') *q = (quantifier){1, 0xffff, 0};
    if (c == '?') *q = (quantifier){0, 1, 0};
    if (c == '*' || c == '+' || c == '?') {
        p->at++;
    } else if (!braces) {
        return false;
    }
    if (skip(p, "?")) q->flags = RZ_RE_LAZY;
    if (!braces && !q->flags && skip(p, "+")) q->flags = RZ_RE_POSSESSIVE;
    c = peek(p);
    if (c == '*' || c == '+' || c == '?') unsupported(p, "a quantifier of a quantifier");
    return true;
}

/* One character or class: *class is its class, or RZ_REGEX_NONE and *c the character. */
static bool read_single(rz_regex_parser *p, uint32_t *class, uint32_t *c) {
    int next = peek(p);
    *class = RZ_REGEX_NONE;
    *c = 0;
    if (next == '[') {
        *class = read_class(p);
    } else if (skip(p, ".")) {
        *class = class_of(p, '\n', '\n', true);
    } else if (next == '\\') {
        p->at++;
        if (class_escape(peek(p))) {
            item_list list = {RZ_REGEX_NONE, RZ_REGEX_NONE};
            read_class_escape(p, &list, false);
            *class = new_class(p, list, RZ_REGEX_NONE, false);
        } else {
            *c = read_escape(p);
        }
    } else if (next < 0 || strchr("()|*+?^$", next)) {
        return false;
    } else {
        *c = read_literal(p);
    }
    return true;
}

static part read_alternatives(rz_regex_parser *p);

/* The single character within (?= (?! (?<= (?<!, up to its ')'; false, and nothing read, for more. */
static bool read_peek(rz_regex_parser *p, uint32_t flags, part *out) {
    rz_regex_parser before = *p;
    uint32_t items = p->re->n_items, classes = p->re->n_classes, class, c;
    if (read_single(p, &class, &c) && !p->failed && skip(p, ")")) {
        if (class == RZ_REGEX_NONE) class = class_of(p, c, c, false);
        uint32_t node = emit(p, RZ_RE_PEEK, class);
        set_type(p, node, RZ_RE_PEEK, flags);
        *out = (part){node, node, true};
        return true;
    }
    if (p->failed) return true;
    *p = before;
    p->re->n_items = items;
    p->re->n_classes = classes;
    return false;
}

/* (?= and its kin, p standing behind the group's opening. */
static part read_look(rz_regex_parser *p, uint32_t flags) {
    part out = {0, 0, true};
    if (read_peek(p, flags, &out) || p->failed) return out;
    if (flags & RZ_RE_BEHIND) {
        unsupported(p, "a look-behind of more than one character");
        return out;
    }
    bool inside = p->inside;
    uint32_t look = emit(p, RZ_RE_LOOK, 0);
    set_type(p, look, RZ_RE_LOOK, flags);
    p->inside = true;
    part body = read_alternatives(p);
    uint32_t end = emit(p, RZ_RE_END, look);
    link_to(p, body.last, end);
    p->inside = inside;
    if (!skip(p, ")")) malformed(p, "a group without its ')'");
    return (part){look, look, true};
}

/* One copy of a group's body with the node that repeats it. */
static part read_copy(rz_regex_parser *p, size_t start, bool fold) {
    bool outer = p->fold;
    uint32_t wrap = emit(p, RZ_RE_ONCE, 0);
    p->at = start;
    p->fold = fold;
    part body = read_alternatives(p);
    p->fold = outer;
    uint32_t end = emit(p, RZ_RE_END, wrap);
    link_to(p, body.last, end);
    if (!skip(p, ")")) malformed(p, "a group without its ')'");
    return (part){wrap, wrap, body.empty};
}

/* The type of copy i of a group that is repeated. */
static enum rz_regex_type copy_type(const quantifier *q, uint32_t i, uint32_t copies) {
    if (q->high == 0) return RZ_RE_NEVER;
    if (q->high == 0xffff && i + 1 == copies) return q->low ? RZ_RE_MORE : RZ_RE_ANY;
    return i < q->low ? RZ_RE_ONCE : RZ_RE_MAYBE;
}

/* A group whose body starts here; (?: and the like have been read. */
static part read_group(rz_regex_parser *p, bool fold) {
    size_t start = p->at;
    quantifier q;
    part whole = read_copy(p, start, fold);
    if (p->failed || !read_quantifier(p, &q) || p->failed) return whole;
    if (q.flags & RZ_RE_POSSESSIVE) unsupported(p, "a possessive group");
    if (q.high == 0xffff && whole.empty) unsupported(p, "repeating a group that may be empty");
    uint32_t copies = q.high == 0xffff ? q.low : q.high;
    size_t end = p->at;
    if (copies == 0) copies = 1;
    set_type(p, whole.first, copy_type(&q, 0, copies), q.flags);
    for (uint32_t i = 1; i < copies && !p->failed; i++) {
        part copy = read_copy(p, start, fold);
        set_type(p, copy.first, copy_type(&q, i, copies), q.flags);
        link_to(p, whole.last, copy.first);
        whole.last = copy.last;
    }
    p->at = end;
    whole.empty |= q.low == 0;
    return whole;
}

/* What stands behind "(?", up to the body; false for flags that hold for the rest of the group. */
static part read_parenthesis(rz_regex_parser *p) {
    part out = {0, 0, true};
    bool fold = p->fold;
    if (!enter(p)) return out;
    p->at++;
    if (skip(p, "?=")) {
        out = read_look(p, 0);
    } else if (skip(p, "?!")) {
        out = read_look(p, RZ_RE_NOT);
    } else if (skip(p, "?<=")) {
        out = read_look(p, RZ_RE_BEHIND);
    } else if (skip(p, "?<!")) {
        out = read_look(p, RZ_RE_BEHIND | RZ_RE_NOT);
    } else if (skip(p, "?i)") || skip(p, "?-i)")) {
        p->fold = p->p[p->at - 3] != '-';
        out.first = out.last = emit(p, RZ_RE_EMPTY, 0);
    } else if (skip(p, "?:")) {
        out = read_group(p, fold);
    } else if (skip(p, "?i:")) {
        out = read_group(p, true);
    } else if (skip(p, "?-i:")) {
        out = read_group(p, false);
    } else if (peek(p) == '?' || peek(p) == '*') {
        unsupported(p, "a kind of group");
    } else {
        out = read_group(p, fold);
    }
    p->depth--;
    return out;
}

/* ^ $ \A \z \Z \b \B: emits a node; false if it is none of them. */
static bool read_anchor(rz_regex_parser *p, part *out) {
    int c = peek(p);
    if (c == '\\' && p->at + 1 < p->n && strchr("AzZbB", p->p[p->at + 1]) && p->p[p->at + 1]) {
        c = p->p[++p->at];
    } else if (c != '^' && c != '$') {
        return false;
    }
    p->at++;
    uint32_t node = emit(p, RZ_RE_ANCHOR, (uint32_t)c);
    *out = (part){node, node, true};
    return true;
}

static part read_atom(rz_regex_parser *p) {
    part out = {0, 0, false};
    uint32_t class, c;
    quantifier q;
    if (p->re->flags & RZ_REGEX_LITERAL) {
        out.first = out.last = emit(p, RZ_RE_CHAR, read_literal(p));
        return out;
    }
    if (peek(p) == '(') return read_parenthesis(p);
    if (read_anchor(p, &out)) return out;
    if (!read_single(p, &class, &c)) {
        malformed(p, "a quantifier of nothing");
        return out;
    }
    if (p->failed) return out;
    bool repeated = read_quantifier(p, &q);
    if (!repeated && class == RZ_REGEX_NONE) {
        out.first = out.last = emit(p, RZ_RE_CHAR, p->fold ? rz_uc_lower(c) : c);
        if (p->fold) set_type(p, out.first, RZ_RE_CHAR, RZ_RE_FOLD);
        return out;
    }
    if (class == RZ_REGEX_NONE) class = class_of(p, c, c, false);
    out.first = out.last = emit(p, repeated ? RZ_RE_LOOP : RZ_RE_CLASS, class);
    set_type(p, out.first, repeated ? RZ_RE_LOOP : RZ_RE_CLASS, q.flags);
    if (p->re->nodes && !p->failed) {
        p->re->nodes[out.first].low = (uint16_t)q.low;
        p->re->nodes[out.first].high = (uint16_t)q.high;
    }
    out.empty = q.low == 0;
    return out;
}

/* Alternatives up to ')' or the end of the pattern. */
static part read_alternatives(rz_regex_parser *p) {
    bool fold = p->fold, literal = p->re->flags & RZ_REGEX_LITERAL;
    uint32_t alt = emit(p, RZ_RE_ALT, 0), branch = RZ_REGEX_NONE;
    part out = {alt, alt, false};
    do {
        uint32_t this_branch = emit(p, RZ_RE_BRANCH, RZ_REGEX_NONE), last = this_branch;
        bool empty = true;
        if (p->re->nodes) p->re->nodes[branch == RZ_REGEX_NONE ? alt : branch].a = this_branch;
        branch = this_branch;
        while (!p->failed && p->at < p->n && (literal || (peek(p) != '|' && peek(p) != ')'))) {
            part atom = read_atom(p);
            link_to(p, last, atom.first);
            last = atom.last;
            empty &= atom.empty;
        }
        uint32_t end = emit(p, RZ_RE_END, alt);
        link_to(p, last, end);
        out.empty |= empty;
    } while (!p->failed && !literal && skip(p, "|"));
    p->fold = fold;
    return out;
}

int rz_regex_parse(rz_regex_parser *p) {
    if (p->n > 1u << 16) return unsupported(p, "so large a pattern");
    part all = read_alternatives(p);
    uint32_t accept = emit(p, RZ_RE_ACCEPT, 0);
    link_to(p, all.last, accept);
    if (!p->failed && p->at < p->n) malformed(p, "a ')' without its group");
    return p->failed;
}
