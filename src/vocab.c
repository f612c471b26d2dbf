/* vocab.c: the tables of a vocabulary; see vocab.h. What is in them was checked where it was read. */
#include "vocab.h"

#include "unicode.h"

/* ---- memory -------------------------------------------------------------------------------- */

/* A power of two that leaves at least a third of the slots free. */
static uint32_t table_size(uint32_t n) {
    uint32_t size = 16;
    while (size / 3 * 2 < n) size *= 2;
    return size;
}

void rz_vocab_layout(rz_vocab *v, rz_arena *arena) {
    if (v->kind == RZ_VOCAB_NONE) return;
    v->text = rz_arena_take(arena, v->n, sizeof *v->text);
    v->special = rz_arena_take(arena, v->n_special, sizeof *v->special);
    v->slot_mask = table_size(v->n) - 1;
    v->slots = rz_arena_take(arena, v->slot_mask + (uint64_t)1, sizeof *v->slots);
    if (v->n_merges) {
        v->merge_mask = table_size(v->n_merges) - 1;
        v->merge_slots = rz_arena_take(arena, v->merge_mask + (uint64_t)1, sizeof *v->merge_slots);
    }
    if (v->kind == RZ_VOCAB_WPM || v->kind == RZ_VOCAB_UGM) rz_trie_layout(&v->trie, arena, v->n);
    rz_trie_layout(&v->special_trie, arena, v->n_special);
    rz_trie_layout(&v->normal_trie, arena, v->n_special);
    v->norm.n = v->pre.n = 0;
    /* the plan has tried it: no error is left */
    if (v->source.gguf) {
        rz_vocab_gguf_layout(v, arena, NULL);
    } else if (v->source.spm) {
        rz_vocab_spm_layout(v, arena, NULL);
    } else {
        rz_vocab_json_layout(v, arena, NULL);
    }
}

/* ---- texts --------------------------------------------------------------------------------- */

static uint32_t hash_text(const uint8_t *p, size_t n) {
    const uint64_t k = 0x9e3779b97f4a7c15u;
    uint64_t h = n * k;
    for (; n >= 8; p += 8, n -= 8) h = ((h ^ rz_load_u64(p)) * k) ^ (h >> 29);
    uint64_t tail = 0;
    for (size_t i = 0; i < n; i++) tail |= (uint64_t)p[i] << 8 * i;
    h = (h ^ tail) * k;
    h = (h ^ h >> 32) * k;
    return (uint32_t)(h >> 32);
}

static bool slot_holds(const rz_vocab *v, uint32_t slot, uint32_t hash, const uint8_t *text,
                       size_t len) {
    if ((slot ^ hash) >> 24) return false;
    uint32_t have;
    const uint8_t *other = rz_vocab_text(v, (slot & 0xffffff) - 1, &have);
    return have == len && memcmp(other, text, len) == 0;
}

uint32_t rz_vocab_find(const rz_vocab *v, const uint8_t *text, size_t len) {
    uint32_t hash = hash_text(text, len);
    for (uint32_t i = hash & v->slot_mask; v->slots[i]; i = (i + 1) & v->slot_mask) {
        if (slot_holds(v, v->slots[i], hash, text, len)) return (v->slots[i] & 0xffffff) - 1;
    }
    return RZ_NO_TOKEN;
}

static void insert_token(rz_vocab *v, uint32_t id) {
    uint32_t len;
    const uint8_t *text = rz_vocab_text(v, id, &len);
    uint32_t hash = hash_text(text, len), i = hash & v->slot_mask;
    while (v->slots[i] && !slot_holds(v, v->slots[i], hash, text, len)) i = (i + 1) & v->slot_mask;
    v->slots[i] = (hash & 0xff000000u) | (id + 1);
    if (len > v->longest) v->longest = len;
}

static uint32_t hash_pair(uint32_t left, uint32_t right) {
    uint64_t h = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 15);
}

const rz_merge *rz_vocab_merge(const rz_vocab *v, uint32_t left, uint32_t right) {
    uint32_t i = hash_pair(left, right) & v->merge_mask;
    for (; v->merge_slots[i].left != RZ_NO_TOKEN; i = (i + 1) & v->merge_mask) {
        const rz_merge *m = &v->merge_slots[i];
        if (m->left == left && m->right == right) return m;
    }
    return NULL;
}

void rz_vocab_add_merge(rz_vocab *v, rz_span left, rz_span right, uint32_t rank) {
    uint8_t joined[2048];
    if (left.n + right.n > sizeof joined) return;
    memcpy(joined, left.p, left.n);
    memcpy(joined + left.n, right.p, right.n);
    uint32_t l = rz_vocab_find(v, left.p, left.n), r = rz_vocab_find(v, right.p, right.n);
    uint32_t id = rz_vocab_find(v, joined, left.n + right.n);
    if (l == RZ_NO_TOKEN || r == RZ_NO_TOKEN || id == RZ_NO_TOKEN) return;
    uint32_t i = hash_pair(l, r) & v->merge_mask;
    for (; v->merge_slots[i].left != RZ_NO_TOKEN; i = (i + 1) & v->merge_mask) {
        if (v->merge_slots[i].left == l && v->merge_slots[i].right == r) return;
    }
    v->merge_slots[i] = (rz_merge){l, r, rank, id};
}

static void find_byte_tokens(rz_vocab *v) {
    for (int b = 0; b < 256; b++) {
        const char *hex = "0123456789ABCDEF";
        const uint8_t name[6] = {'<', '0', 'x', (uint8_t)hex[b >> 4], (uint8_t)hex[b & 15], '>'};
        const uint8_t plain = (uint8_t)b;
        uint8_t utf8[4];
        if (v->flags & RZ_VOCAB_BYTES) {
            v->byte_token[b] = rz_vocab_find(v, utf8, rz_utf8_encode(rz_char_of_byte(plain), utf8));
            continue;
        }
        v->byte_token[b] = rz_vocab_find(v, name, sizeof name);
        if (v->byte_token[b] == RZ_NO_TOKEN && v->kind == RZ_VOCAB_SPM) {
            v->byte_token[b] = rz_vocab_find(v, &plain, 1);
        }
    }
}

/* ---- ends ---------------------------------------------------------------------------------- */

void rz_vocab_add_end(rz_vocab *v, uint32_t id) {
    if (id >= v->n || rz_vocab_is_end(v, id) || v->n_end == RZ_VOCAB_ENDS) return;
    v->end[v->n_end++] = id;
}

/* A control or user-defined token with that text. */
static uint32_t named(const rz_vocab *v, const char *name) {
    uint32_t id = rz_vocab_find(v, (const uint8_t *)name, strlen(name));
    return id != RZ_NO_TOKEN && rz_vocab_is_special(v, id) ? id : RZ_NO_TOKEN;
}

/* Ends of text and of turn by the names that models in use give them. */
static void find_end_tokens(rz_vocab *v) {
    static const char *const names[] = {
        "<|eot_id|>",  "<|im_end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>", "<EOT>",
        "_<EOT>",      "[EOT]",      "[EOS]",         "<|end_of_text|>", "<|return|>", "<|call|>",
        "<|calls|>",   "<|flush|>",  "<end_of_utterance>", "<turn|>",  "[e~[",
        ("<\xef\xbd\x9c" "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>"),
    };
    rz_vocab_add_end(v, v->eos);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        rz_vocab_add_end(v, named(v, names[i]));
    }
    /* in the harmony format <|end|> closes one message of several */
    bool call = named(v, "<|call|>") != RZ_NO_TOKEN || named(v, "<|calls|>") != RZ_NO_TOKEN;
    bool more = named(v, "<|return|>") != RZ_NO_TOKEN || named(v, "<|flush|>") != RZ_NO_TOKEN;
    if (!(call && more)) rz_vocab_add_end(v, named(v, "<|end|>"));
}

bool rz_vocab_is_end(const rz_vocab *v, uint32_t id) {
    for (uint32_t i = 0; i < v->n_end; i++) {
        if (v->end[i] == id) return true;
    }
    return false;
}

/* ---- building ------------------------------------------------------------------------------ */

/* What Unigram and WordPiece look texts up in, and the score of what is not in there. */
static void build_trie(rz_vocab *v) {
    double least = 0;
    bool any = false;
    rz_trie_clear(&v->trie);
    for (uint32_t id = 0; id < v->n_model; id++) {
        uint32_t len;
        const uint8_t *text = rz_vocab_text(v, id, &len);
        enum rz_token_type type = rz_vocab_type(v, id);
        bool normal = type == RZ_TOKEN_NORMAL;
        if (v->kind == RZ_VOCAB_UGM && v->flags & RZ_VOCAB_FLOAT) {
            if (!normal && type != RZ_TOKEN_USER && type != RZ_TOKEN_UNUSED) len = 0;
        } else {
            normal = true;
        }
        if (len) rz_trie_add(&v->trie, text, len, id);
        if (!normal || (any && rz_vocab_score(v, id) >= least)) continue;
        least = rz_vocab_score(v, id);
        any = true;
    }
    v->unknown_score = v->flags & RZ_VOCAB_FLOAT ? (double)((float)least - 10.0f) : least - 10.0;
}

static void around(uint32_t *list, uint32_t *n, uint32_t id, bool wanted) {
    if (wanted && id != RZ_NO_TOKEN && *n < RZ_VOCAB_AROUND) list[(*n)++] = id;
}

void rz_vocab_build(rz_vocab *v) {
    const bool gguf = v->source.gguf != NULL;
    if (v->kind == RZ_VOCAB_NONE) return;
    memset(v->slots, 0, (v->slot_mask + (size_t)1) * sizeof *v->slots);
    if (v->n_merges) {
        memset(v->merge_slots, 0xff, (v->merge_mask + (size_t)1) * sizeof *v->merge_slots);
    }
    rz_trie_clear(&v->special_trie);
    rz_trie_clear(&v->normal_trie);
    if (gguf) {
        rz_vocab_gguf_texts(v);
    } else if (v->source.spm) {
        rz_vocab_spm_texts(v);
    } else {
        rz_vocab_json_texts(v);
    }
    for (uint32_t id = 0; id < v->n; id++) insert_token(v, id);
    rz_norm_measure(&v->norm);
    if (gguf) {
        rz_vocab_gguf_finish(v);
        around(v->before, &v->n_before, v->bos, v->add_bos);
        around(v->after, &v->n_after, v->kind == RZ_VOCAB_WPM ? v->sep : v->eos, v->add_eos);
    } else if (v->source.spm) {
        rz_vocab_spm_finish(v);
    } else {
        rz_vocab_json_finish(v);
    }
    find_byte_tokens(v);
    find_end_tokens(v);
    if (v->kind == RZ_VOCAB_WPM || v->kind == RZ_VOCAB_UGM) build_trie(v);
    v->source = (rz_vocab_source){0};
}
