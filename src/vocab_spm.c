/*
 * vocab_spm.c: a vocabulary from a SentencePiece model (tokenizer.model), a protocol buffer; see
 * vocab.h. Input is hostile. It is walked once to count and once to fill the arena.
 * Source: sentencepiece_model.proto (Kudo and Richardson 2018) and the protocol buffer encoding.
 */
#include "err.h"
#include "read.h"
#include "vocab.h"

enum { max_tokens = (1 << 24) - 2 };

/* A field of a message: a number, or bytes. */
typedef struct {
    uint32_t number;
    uint64_t value; /* varint or 4 bytes; of bytes their count */
    const uint8_t *bytes;
} field;

static uint64_t read_varint(rz_reader *r) {
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64; shift += 7) {
        uint8_t byte = rz_read_u8(r);
        value |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128)) return value;
    }
    r->short_read = true;
    return 0;
}

/* The next field; false at the end or at a mistake (r->short_read). */
static bool next_field(rz_reader *r, field *f) {
    if (r->short_read || rz_read_left(r) == 0) return false;
    const uint64_t key = read_varint(r);
    *f = (field){.number = (uint32_t)(key >> 3)};
    switch (key & 7) {
    case 0: f->value = read_varint(r); break;
    case 1: f->value = rz_read_u64(r); break;
    case 2:
        f->value = read_varint(r);
        f->bytes = rz_read_bytes(r, f->value);
        break;
    case 5: f->value = rz_read_u32(r); break;
    default: r->short_read = true;
    }
    return !r->short_read;
}

static rz_reader open_field(const field *f) {
    return (rz_reader){.p = f->bytes, .n = f->bytes ? (size_t)f->value : 0};
}

/* One piece: its text, score and type. */
typedef struct {
    rz_span text;
    float score;
    uint32_t type;
} piece;

static piece read_piece(const field *message) {
    rz_reader r = open_field(message);
    piece p = {.type = RZ_TOKEN_NORMAL};
    field f;
    while (next_field(&r, &f)) {
        if (f.number == 1 && f.bytes) p.text = (rz_span){f.bytes, (size_t)f.value};
        if (f.number == 2) p.score = rz_f32_from_bits((uint32_t)f.value);
        if (f.number == 3 && f.value >= 1 && f.value <= 6) p.type = (uint32_t)f.value;
    }
    return p;
}

/* What is said besides the pieces. */
typedef struct {
    bool bpe, byte_fallback, suffix, prefix, merge, escape;
    rz_span map;
    uint32_t unknown, bos, eos;
} settings;

static uint32_t id_of(const field *f) { return f->value < max_tokens ? (uint32_t)f->value : RZ_NO_TOKEN; }

static void read_trainer(const field *message, settings *s, uint64_t *model_type) {
    rz_reader r = open_field(message);
    field f;
    while (next_field(&r, &f)) {
        switch (f.number) {
        case 3: *model_type = f.value; break;
        case 24: s->suffix = f.value != 0; break;
        case 35: s->byte_fallback = f.value != 0; break;
        case 40: s->unknown = id_of(&f); break;
        case 41: s->bos = id_of(&f); break;
        case 42: s->eos = id_of(&f); break;
        default: break;
        }
    }
}

static void read_normalizer(const field *message, settings *s) {
    rz_reader r = open_field(message);
    field f;
    while (next_field(&r, &f)) {
        if (f.number == 2 && f.bytes) s->map = (rz_span){f.bytes, (size_t)f.value};
        if (f.number == 3) s->prefix = f.value != 0;
        if (f.number == 4) s->merge = f.value != 0;
        if (f.number == 5) s->escape = f.value != 0;
    }
}

static rz_reader open_model(const rz_vocab *v) {
    return (rz_reader){.p = v->source.json.p, .n = v->source.json.n};
}

static settings read_settings(const rz_vocab *v, uint64_t *model_type) {
    rz_reader r = open_model(v);
    settings s = {.prefix = true, .merge = true, .escape = true, .unknown = 0, .bos = 1, .eos = 2};
    field f;
    *model_type = 1;
    while (next_field(&r, &f)) {
        if (f.number == 2) read_trainer(&f, &s, model_type);
        if (f.number == 3) read_normalizer(&f, &s);
    }
    s.bpe = *model_type == 2;
    return s;
}

static int malformed(const char *what, rz_err *err) {
    return rz_err_set(err, RZ_E_FORMAT, "tokenizer.model: %s", what);
}

int rz_vocab_from_spm(rz_vocab *v, const void *model, size_t bytes, rz_err *err) {
    rz_arena measure = {0};
    uint64_t model_type;
    *v = (rz_vocab){.bos = RZ_NO_TOKEN, .eos = RZ_NO_TOKEN, .sep = RZ_NO_TOKEN, .unknown = RZ_NO_TOKEN,
                    .source = {.spm = true, .json = rz_json_open(model, bytes)}};
    rz_reader r = open_model(v);
    field f;
    while (next_field(&r, &f)) {
        if (f.number != 1) continue;
        if (v->n == max_tokens) return malformed("it has too many tokens", err);
        v->source.text_bytes += 8 + read_piece(&f).text.n;
        v->n_special += rz_vocab_special_type((enum rz_token_type)read_piece(&f).type);
        v->n++;
    }
    if (r.short_read) return malformed("it is no SentencePiece model", err);
    if (v->n == 0) return malformed("it has no tokens", err);
    const settings s = read_settings(v, &model_type);
    rz_charsmap map;
    if (!rz_charsmap_open(&map, s.map.p, s.map.n)) return malformed("its character map cannot be read", err);
    if (model_type != 1 && model_type != 2) {
        return rz_err_set(err, RZ_E_UNSUPPORTED,
                          "tokenizer.model: only Unigram and BPE are supported, not model type %u",
                          (unsigned)model_type);
    }
    v->kind = s.bpe ? RZ_VOCAB_SPM : RZ_VOCAB_UGM;
    v->n_model = v->n;
    v->flags = RZ_VOCAB_MARKS | RZ_VOCAB_FUSE_UNKNOWN | RZ_VOCAB_FLOAT;
    v->unknown_text = (rz_span){(const uint8_t *)" \xe2\x81\x87 ", 5};
    if (s.byte_fallback) v->flags |= RZ_VOCAB_BYTE_FALLBACK;
    if (s.prefix) v->flags |= RZ_VOCAB_STRIP_FIRST;
    v->unknown = s.unknown < v->n ? s.unknown : RZ_NO_TOKEN;
    v->bos = s.bos < v->n ? s.bos : RZ_NO_TOKEN;
    v->eos = s.eos < v->n ? s.eos : RZ_NO_TOKEN;
    return rz_vocab_spm_layout(v, &measure, err);
}

int rz_vocab_spm_layout(rz_vocab *v, rz_arena *arena, rz_err *err) {
    uint64_t model_type;
    const settings s = read_settings(v, &model_type);
    (void)err;
    v->types = rz_arena_take(arena, v->n, 4);
    v->scores = rz_arena_take(arena, v->n, 4);
    v->source.texts = rz_arena_take(arena, v->source.text_bytes, 1);
    uint32_t flags = s.prefix ? (s.suffix ? RZ_NORM_SUFFIX : RZ_NORM_PREFIX) : 0u;
    if (s.merge) flags |= RZ_NORM_MERGE;
    if (s.escape) flags |= RZ_NORM_MARK;
    rz_norm_step *step = rz_norm_add(&v->norm, RZ_NORM_SPM, flags);
    uint8_t *map = rz_arena_take(arena, s.map.n, 1);
    if (!map || !s.map.n) return RZ_OK;
    memcpy(map, s.map.p, s.map.n);
    rz_charsmap_open(&step->map, map, s.map.n);
    return RZ_OK;
}

void rz_vocab_spm_texts(rz_vocab *v) {
    uint8_t *to = v->source.texts, *types = (uint8_t *)(uintptr_t)v->types,
            *scores = (uint8_t *)(uintptr_t)v->scores;
    rz_reader r = open_model(v);
    field f;
    for (uint32_t id = 0; next_field(&r, &f);) {
        if (f.number != 1) continue;
        const piece p = read_piece(&f);
        const uint64_t n = p.text.n;
        memcpy(to, &n, sizeof n);
        if (n) memcpy(to + 8, p.text.p, p.text.n);
        v->text[id] = to + 8;
        to += 8 + n;
        rz_store_u32(types + 4 * (size_t)id, p.type);
        rz_store_u32(scores + 4 * (size_t)id, rz_bits_from_f32(p.score));
        id++;
    }
}

void rz_vocab_spm_finish(rz_vocab *v) {
    uint32_t n = 0, len;
    for (uint32_t id = 0; id < v->n; id++) {
        const uint8_t *text = rz_vocab_text(v, id, &len);
        if (len == 0 || !rz_vocab_is_special(v, id)) continue;
        v->special[n] = (rz_special){id, 0};
        rz_trie_add(&v->special_trie, text, len, n++);
        v->any_special = true;
    }
    v->n_special = n;
}
