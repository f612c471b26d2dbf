/*
 * tok_merge.c: the merge loop of both kinds of BPE; see tok.h.
 *
 * Each symbol knows what it would become with its right neighbour. Short words look through all of
 * them for the best pair; long ones keep a heap of (order, place), whose entries are stale where the
 * symbol knows better by now.
 */
#include "tok.h"

#include "err.h"

enum { none = UINT32_MAX, ways = 4, short_word = 24 };

void rz_tok_link(rz_tok_scratch *s, uint32_t i, uint32_t at, uint32_t len, uint32_t id) {
    s->symbols[i] = (rz_tok_symbol){i ? i - 1 : none, none, at, len, id, 0, RZ_NO_TOKEN};
    if (i) s->symbols[i - 1].next = i;
}

/* ---- the heap: smaller keys first ---------------------------------------------------------- */

static void heap_push(rz_tok_scratch *s, uint64_t key) {
    uint32_t i = s->n_heap++;
    while (i > 0 && key < s->heap[(i - 1) / ways]) {
        s->heap[i] = s->heap[(i - 1) / ways];
        i = (i - 1) / ways;
    }
    s->heap[i] = key;
}

static uint64_t heap_pop(rz_tok_scratch *s) {
    const uint64_t best = s->heap[0], last = s->heap[--s->n_heap];
    uint32_t i = 0, first;
    while ((first = ways * i + 1) < s->n_heap) {
        uint32_t child = first;
        for (uint32_t k = first + 1; k < first + ways && k < s->n_heap; k++) {
            if (s->heap[k] < s->heap[child]) child = k;
        }
        if (s->heap[child] >= last) break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return best;
}

/* ---- merging ------------------------------------------------------------------------------- */

/* What the symbol and its right neighbour become; false if nothing. */
static bool look_right(const rz_vocab *v, rz_tok_scratch *s, const uint8_t *text, uint32_t i,
                       rz_tok_find_pair *find) {
    rz_tok_symbol *left = &s->symbols[i];
    left->joined = RZ_NO_TOKEN;
    return left->next != none && find(v, text, left, &s->symbols[left->next]);
}

static void merge_right(rz_tok_scratch *s, uint32_t i) {
    rz_tok_symbol *left = &s->symbols[i], *right = &s->symbols[left->next];
    left->len += right->len;
    left->id = left->joined;
    left->next = right->next;
    right->len = 0;
    right->joined = RZ_NO_TOKEN;
    if (right->next != none) s->symbols[right->next].prev = i;
}

static void merge_short(const rz_vocab *v, rz_tok_scratch *s, const uint8_t *text, uint32_t n,
                        rz_tok_find_pair *find) {
    for (uint32_t i = 0; i < n; i++) look_right(v, s, text, i, find);
    for (;;) {
        uint32_t best = none;
        for (uint32_t i = 0; i != none; i = s->symbols[i].next) {
            if (s->symbols[i].joined == RZ_NO_TOKEN) continue;
            if (best == none || s->symbols[i].order < s->symbols[best].order) best = i;
        }
        if (best == none) return;
        merge_right(s, best);
        look_right(v, s, text, best, find);
        if (s->symbols[best].prev != none) look_right(v, s, text, s->symbols[best].prev, find);
    }
}

static void push_right(const rz_vocab *v, rz_tok_scratch *s, const uint8_t *text, uint32_t i,
                       rz_tok_find_pair *find) {
    if (i != none && look_right(v, s, text, i, find)) {
        heap_push(s, (uint64_t)s->symbols[i].order << 32 | i);
    }
}

void rz_tok_merge_all(const rz_vocab *v, rz_tok_scratch *s, const uint8_t *text, uint32_t n_symbols,
                      rz_tok_find_pair *find) {
    if (n_symbols <= short_word) {
        if (n_symbols > 1) merge_short(v, s, text, n_symbols, find);
        return;
    }
    s->n_heap = 0;
    for (uint32_t i = 0; i + 1 < n_symbols; i++) push_right(v, s, text, i, find);
    while (s->n_heap) {
        const uint64_t key = heap_pop(s);
        const uint32_t i = (uint32_t)key;
        const rz_tok_symbol *symbol = &s->symbols[i];
        if (symbol->joined == RZ_NO_TOKEN || symbol->order != key >> 32) continue;
        merge_right(s, i);
        push_right(v, s, text, symbol->prev, find);
        push_right(v, s, text, i, find);
    }
}

/* A byte that no token covers: its byte token, or the unknown one. */
int rz_tok_no_byte(const rz_vocab *v, uint8_t byte, rz_tok_out *out, rz_err *err) {
    uint32_t id = v->byte_token[byte];
    if (id == RZ_NO_TOKEN) id = v->unknown;
    if (id == RZ_NO_TOKEN) {
        return rz_err_set(err, RZ_E_VALUE, "the vocabulary has no token for byte 0x%x", byte);
    }
    rz_tok_put(out, id);
    return RZ_OK;
}
