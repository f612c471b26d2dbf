/* tok.c: special tokens, the merge loop both algorithms share, and decoding; see tok.h. */
#include "tok.h"

#include "err.h"
#include "unicode.h"

enum { none = UINT32_MAX };

/* ---- merging ------------------------------------------------------------------------------- */

/* Best first; of equals the leftmost. */
static bool pair_before(const rz_tok_pair *a, const rz_tok_pair *b) {
    return a->order != b->order ? a->order < b->order : a->left < b->left;
}

void rz_tok_heap_push(rz_tok_scratch *s, rz_tok_pair pair) {
    uint32_t i = s->n_heap++;
    while (i > 0 && pair_before(&pair, &s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = pair;
}

rz_tok_pair rz_tok_heap_pop(rz_tok_scratch *s) {
    rz_tok_pair best = s->heap[0], last = s->heap[--s->n_heap];
    uint32_t i = 0, child;
    while ((child = 2 * i + 1) < s->n_heap) {
        if (child + 1 < s->n_heap && pair_before(&s->heap[child + 1], &s->heap[child])) child++;
        if (!pair_before(&s->heap[child], &last)) break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return best;
}

void rz_tok_link(rz_tok_scratch *s, uint32_t i, uint32_t at, uint32_t len, uint32_t id) {
    s->symbols[i] = (rz_tok_symbol){i ? i - 1 : none, none, at, len, id};
    if (i) s->symbols[i - 1].next = i;
}

static void push_pair(const rz_vocab *v, rz_tok_scratch *s, const uint8_t *text, uint32_t left,
                      uint32_t right, rz_tok_find_pair *find) {
    if (left == none || right == none) return;
    rz_tok_pair pair = {.left = left, .right = right,
                        .len = s->symbols[left].len + s->symbols[right].len};
    if (find(v, s, text, &pair)) rz_tok_heap_push(s, pair);
}

void rz_tok_merge_all(const rz_vocab *v, rz_tok_scratch *s, const uint8_t *text, uint32_t n_symbols,
                      rz_tok_find_pair *find) {
    s->n_heap = 0;
    for (uint32_t i = 1; i < n_symbols; i++) push_pair(v, s, text, i - 1, i, find);
    while (s->n_heap) {
        rz_tok_pair pair = rz_tok_heap_pop(s);
        rz_tok_symbol *left = &s->symbols[pair.left], *right = &s->symbols[pair.right];
        if (!left->len || !right->len || left->len + right->len != pair.len) continue;
        left->len = pair.len;
        left->id = pair.id;
        left->next = right->next;
        right->len = 0;
        if (right->next != none) s->symbols[right->next].prev = pair.left;
        push_pair(v, s, text, left->prev, pair.left, find);
        push_pair(v, s, text, pair.left, left->next, find);
    }
}

int rz_tok_no_byte(const rz_vocab *v, uint8_t byte, rz_tok_out *out, rz_err *err) {
    if (v->unknown == RZ_NO_TOKEN) {
        return rz_err_set(err, RZ_E_VALUE, "the vocabulary has no token for byte 0x%x", byte);
    }
    rz_tok_put(out, v->unknown);
    return RZ_OK;
}

/* ---- encoding ------------------------------------------------------------------------------ */

/* Pieces of the scratch block, in a fixed order; see rz_arena. */
static rz_tok_scratch layout_scratch(rz_arena *a, size_t text_bytes) {
    uint64_t room = (uint64_t)text_bytes + 1;
    rz_tok_scratch s = {0};
    s.symbols = rz_arena_take(a, room, sizeof *s.symbols);
    s.heap = rz_arena_take(a, 2 * room, sizeof *s.heap);
    s.text = rz_arena_take(a, 3 * room, 1);
    return s;
}

size_t rz_tok_scratch_bytes(size_t text_bytes) {
    rz_arena a = {0};
    layout_scratch(&a, text_bytes);
    /* symbols are counted in 32 bits */
    return a.overflow || text_bytes > UINT32_MAX / 4 ? SIZE_MAX : (size_t)a.used;
}

/* The special token at text[0..n), the longest one, or RZ_NO_TOKEN. Control tokens count only when
 * the caller wants them parsed; user-defined ones always. */
static uint32_t special_at(const rz_vocab *v, const uint8_t *text, size_t n, bool parse,
                           uint32_t *len) {
    if (!v->special_first[text[0]]) return RZ_NO_TOKEN;
    for (uint32_t i = 0; i < v->n_special; i++) {
        uint32_t id = v->special[i];
        const uint8_t *special = rz_vocab_text(v, id, len);
        if (special[0] != text[0] || *len > n || memcmp(special, text, *len) != 0) continue;
        if (parse || rz_vocab_type(v, id) == RZ_TOKEN_USER) return id;
    }
    return RZ_NO_TOKEN;
}

static int encode_plain(const rz_vocab *v, const uint8_t *text, size_t n, bool first,
                        rz_tok_scratch *s, rz_tok_out *out, rz_err *err) {
    if (n == 0) return RZ_OK;
    if (v->kind == RZ_VOCAB_SPM) return rz_tok_spm(v, text, n, first, s, out, err);
    return rz_tok_bpe(v, text, n, s, out, err);
}

int rz_tok_encode(const rz_vocab *v, const uint8_t *text, size_t n, uint32_t flags, void *scratch,
                  rz_tok_out *out, rz_err *err) {
    rz_arena arena = {.base = scratch};
    rz_tok_scratch s = layout_scratch(&arena, n);
    bool first = true;
    size_t start = 0;
    int result = RZ_OK;
    if (flags & RZ_TOK_SPECIAL && v->add_bos) rz_tok_put(out, v->bos);
    for (size_t at = 0; at < n && result == RZ_OK;) {
        uint32_t len = 0, id = special_at(v, text + at, n - at, flags & RZ_TOK_PARSE, &len);
        if (id == RZ_NO_TOKEN) {
            at++;
            continue;
        }
        result = encode_plain(v, text + start, at - start, first, &s, out, err);
        rz_tok_put(out, id);
        at += len;
        start = at;
        first = true;
    }
    if (result == RZ_OK && start < n) {
        result = encode_plain(v, text + start, n - start, first, &s, out, err);
    }
    if (flags & RZ_TOK_SPECIAL && v->add_eos) rz_tok_put(out, v->eos);
    return result;
}

/* ---- decoding ------------------------------------------------------------------------------ */

static size_t copy_text(const uint8_t *text, uint32_t len, uint8_t *out) {
    memcpy(out, text, len);
    return len;
}

/* U+2581 becomes a space. */
static size_t spm_text(const uint8_t *text, uint32_t len, uint8_t *out) {
    size_t n = 0;
    for (uint32_t i = 0; i < len;) {
        if (len - i >= 3 && memcmp(text + i, "\xe2\x96\x81", 3) == 0) {
            out[n++] = ' ';
            i += 3;
        } else {
            out[n++] = text[i++];
        }
    }
    return n;
}

/* Characters become the bytes they stand for; others stay. */
static size_t bpe_text(const uint8_t *text, uint32_t len, uint8_t *out) {
    size_t n = 0;
    for (uint32_t i = 0, bytes; i < len; i += bytes) {
        int byte = rz_byte_of_char(rz_utf8_decode(text + i, len - i, &bytes));
        if (byte >= 0) {
            out[n++] = (uint8_t)byte;
        } else {
            n += copy_text(text + i, bytes, out + n);
        }
    }
    return n;
}

static int hex_digit(uint8_t c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "<0xAB>" becomes the byte; a byte token with another text is its text. */
static size_t byte_text(const uint8_t *text, uint32_t len, uint8_t *out) {
    if (len == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>') {
        int high = hex_digit(text[3]), low = hex_digit(text[4]);
        if (high >= 0 && low >= 0) {
            out[0] = (uint8_t)(high << 4 | low);
            return 1;
        }
    }
    return copy_text(text, len, out);
}

size_t rz_tok_piece(const rz_vocab *v, uint32_t id, uint32_t flags, uint8_t *out) {
    uint32_t len;
    const uint8_t *text = rz_vocab_text(v, id, &len);
    switch (rz_vocab_type(v, id)) {
    case RZ_TOKEN_UNKNOWN:
    case RZ_TOKEN_CONTROL: return flags & RZ_TOK_SPECIAL ? copy_text(text, len, out) : 0;
    case RZ_TOKEN_USER: return copy_text(text, len, out);
    case RZ_TOKEN_BYTE: return byte_text(text, len, out);
    default: return v->kind == RZ_VOCAB_SPM ? spm_text(text, len, out) : bpe_text(text, len, out);
    }
}
