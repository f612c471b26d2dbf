/* tok.c: from a text to words: special tokens, normalising, splitting; see tok.h. */
#include "tok.h"

#include "err.h"
#include "regex_parse.h"
#include "unicode.h"

/* ---- memory -------------------------------------------------------------------------------- */

/* Symbols of a word: its bytes or its characters. A space that was replaced by a character counts
 * once, if that character has a token. */
static uint64_t symbol_room(const rz_vocab *v, size_t n, size_t longest_word) {
    bool characters = !(v->flags & RZ_VOCAB_BYTES);
    for (uint32_t i = 0; i < v->norm.n && characters && v->kind == RZ_VOCAB_BPE; i++) {
        const rz_norm_step *s = &v->norm.step[i];
        if (s->type == RZ_NORM_REPLACE && rz_vocab_find(v, s->to.p, s->to.n) == RZ_NO_TOKEN) {
            characters = false;
        }
        if (s->type == RZ_NORM_ESCAPE) {
            characters = rz_vocab_find(v, (const uint8_t *)"\xe2\x96\x81", 3) != RZ_NO_TOKEN;
        }
    }
    for (uint32_t i = 0; i < v->pre.n && characters; i++) {
        enum rz_pre_type type = v->pre.step[i].type;
        if (type == RZ_PRE_METASPACE || type == RZ_PRE_SPACE) characters = false;
    }
    uint64_t chars = rz_norm_chars(&v->norm, n);
    return characters && chars < longest_word ? chars + 1 : longest_word + (uint64_t)1;
}

/* Pieces of the scratch block, in a fixed order; see rz_arena. */
static rz_tok_scratch layout_scratch(const rz_vocab *v, rz_arena *a, size_t n) {
    rz_tok_scratch s = {0};
    uint64_t room = rz_norm_room(&v->norm, n), work = rz_norm_work(&v->norm, n);
    if (room > SIZE_MAX / 8) a->overflow = true;
    if (a->overflow) return s;
    s.norm.size = (size_t)room;
    if (v->norm.n) s.norm.buffers[0] = rz_arena_take(a, room, 1);
    if (v->norm.n > 1) s.norm.buffers[1] = rz_arena_take(a, room, 1);
    s.norm.work = rz_arena_take(a, work, 1);
    rz_pretok_layout(&s.pretok, &v->pre, a, (size_t)room);
    if (v->kind == RZ_VOCAB_SPM || v->kind == RZ_VOCAB_BPE) {
        s.room = symbol_room(v, n, s.pretok.most);
        s.symbols = rz_arena_take(a, s.room, sizeof *s.symbols);
        s.heap = rz_arena_take(a, 2 * s.room, sizeof *s.heap);
    }
    if (v->kind == RZ_VOCAB_UGM) {
        s.best = rz_arena_take(a, s.pretok.most + (uint64_t)1, sizeof *s.best);
    }
    s.text = rz_arena_take(a, v->longest + (uint64_t)1, 1);
    if (v->kind == RZ_VOCAB_BPE) s.seen = rz_arena_take(a, RZ_TOK_SEEN, sizeof *s.seen);
    return s;
}

size_t rz_tok_scratch_bytes(const rz_vocab *v, size_t text_bytes) {
    rz_arena a = {0};
    if (text_bytes > UINT32_MAX / 4) return SIZE_MAX; /* places are counted in 32 bits */
    rz_tok_scratch s = layout_scratch(v, &a, text_bytes);
    return a.overflow || s.pretok.most > UINT32_MAX / 4 ? SIZE_MAX : (size_t)a.used;
}

/* ---- words --------------------------------------------------------------------------------- */

static int encode_word(const rz_vocab *v, rz_span word, rz_tok_scratch *s, rz_tok_out *out,
                       rz_err *err) {
    switch (v->kind) {
    case RZ_VOCAB_SPM: return rz_tok_spm(v, word, s, out, err);
    case RZ_VOCAB_BPE: return rz_tok_bpe(v, word, s, out, err);
    case RZ_VOCAB_WPM: return rz_tok_wpm(v, word, s, out, err);
    default: return rz_tok_ugm(v, word, s, out, err);
    }
}

/* What a call works with. */
typedef struct {
    const rz_vocab *v;
    rz_tok_scratch s;
    uint32_t flags;
    rz_tok_out *out;
    rz_err *err;
} call;

/* Normalised text. `first`: it stands at the start of everything. */
static int encode_words(call *c, rz_span text, bool first) {
    rz_span word;
    int result = RZ_OK;
    if (text.n == 0) return RZ_OK;
    if (c->v->pre.n == 0) return encode_word(c->v, text, &c->s, c->out, c->err);
    rz_pretok_begin(&c->s.pretok, text, first);
    while (result == RZ_OK && rz_pretok_next(&c->s.pretok, &word)) {
        result = encode_word(c->v, word, &c->s, c->out, c->err);
    }
    return result;
}

/* ---- special tokens ------------------------------------------------------------------------ */

static bool word_before(rz_span text, size_t at) {
    uint32_t bytes;
    if (at == 0) return false;
    uint32_t length = rz_utf8_last(text.p, at);
    return rz_regex_word(rz_utf8_decode(text.p + at - length, length, &bytes));
}

static bool word_behind(rz_span text, size_t at) {
    uint32_t bytes;
    return at < text.n && rz_regex_word(rz_utf8_decode(text.p + at, text.n - at, &bytes));
}

/* The longest special token at a place of the text, or NULL. Control tokens count only when the
 * caller wants them parsed; user-defined ones always. */
static const rz_special *special_at(const call *c, const rz_trie *trie, rz_span text, size_t at,
                                    size_t *len) {
    const rz_special *found = NULL;
    rz_trie_at place = {0, 0};
    for (size_t i = at; i < text.n && rz_trie_step(trie, &place, text.p[i]); i++) {
        uint32_t value = rz_trie_value(trie, place);
        if (value == RZ_NO_TOKEN) continue;
        const rz_special *special = &c->v->special[value];
        if (!(c->flags & RZ_TOK_PARSE) && rz_vocab_type(c->v, special->id) != RZ_TOKEN_USER) continue;
        found = special;
        *len = i + 1 - at;
    }
    if (found && found->flags & RZ_SPECIAL_WORD &&
        (word_before(text, at) || word_behind(text, at + *len))) {
        return NULL;
    }
    return found;
}

/* End of text[start..at) without the white space at its end. */
static size_t trim_right(rz_span text, size_t start, size_t at) {
    uint32_t bytes;
    while (at > start) {
        uint32_t length = rz_utf8_last(text.p + start, at - start);
        if (!rz_uc_space(rz_uc_class(rz_utf8_decode(text.p + at - length, length, &bytes)))) break;
        at -= length;
    }
    return at;
}

static size_t trim_left(rz_span text, size_t at) {
    uint32_t bytes;
    while (at < text.n && rz_uc_space(rz_uc_class(rz_utf8_decode(text.p + at, text.n - at, &bytes)))) {
        at += bytes;
    }
    return at;
}

typedef int stretch(call *c, rz_span text, bool first);

/* Hands the text between the special tokens of a trie to `next`. */
static int encode_between(call *c, const rz_trie *trie, bool any, rz_span text, bool first,
                          stretch *next) {
    size_t start = 0, len = 0;
    int result = RZ_OK;
    for (size_t at = 0; any && at < text.n && result == RZ_OK;) {
        const rz_special *special = trie->root[text.p[at]] ? special_at(c, trie, text, at, &len) : NULL;
        if (!special) {
            at++;
            continue;
        }
        size_t end = special->flags & RZ_SPECIAL_LSTRIP ? trim_right(text, start, at) : at;
        result = next(c, (rz_span){text.p + start, end - start}, first && start == 0);
        rz_tok_put(c->out, special->id);
        at += len;
        if (special->flags & RZ_SPECIAL_RSTRIP) at = trim_left(text, at);
        start = at;
    }
    if (result || start >= text.n) return result;
    return next(c, (rz_span){text.p + start, text.n - start}, first && start == 0);
}

static int encode_plain(call *c, rz_span text, bool first) {
    if (text.n == 0) return RZ_OK;
    if (!rz_norm_run(&c->v->norm, &first, &c->s.norm, &text)) {
        return rz_err_set(c->err, RZ_E_VALUE, "the normalised text is longer than the tokenizer says");
    }
    return encode_between(c, &c->v->normal_trie, c->v->any_normal, text, first, encode_words);
}

int rz_tok_encode(const rz_vocab *v, const uint8_t *text, size_t n, uint32_t flags, void *scratch,
                  rz_tok_out *out, rz_err *err) {
    rz_arena arena = {.base = scratch};
    call c = {v, layout_scratch(v, &arena, n), flags, out, err};
    bool special = flags & RZ_TOK_SPECIAL;
    if (c.s.seen) memset(c.s.seen, 0, RZ_TOK_SEEN * sizeof *c.s.seen);
    for (uint32_t i = 0; special && i < v->n_before; i++) rz_tok_put(out, v->before[i]);
    int result = encode_between(&c, &v->special_trie, v->any_special, (rz_span){text, n}, true,
                                encode_plain);
    for (uint32_t i = 0; special && i < v->n_after; i++) rz_tok_put(out, v->after[i]);
    return result;
}
