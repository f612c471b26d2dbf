/*
 * vocab_json.c: a vocabulary from a Hugging Face tokenizer.json and tokenizer_config.json; see
 * vocab.h. Input is hostile: it is read once to check and count, and again to fill the arena.
 */
#include "vocab_json.h"

#include "err.h"

enum { max_tokens = (1 << 24) - 2 };

/* ---- members ------------------------------------------------------------------------------- */

bool rz_json_member(rz_json j, const char *key, rz_json *value) {
    rz_json_text name;
    bool found = false;
    if (rz_json_peek(&j) != RZ_JSON_OBJECT || !rz_json_enter(&j, RZ_JSON_OBJECT)) return false;
    while (rz_json_next_key(&j, &name)) {
        if (rz_json_is(name, key)) {
            *value = j;
            found = true;
        }
        rz_json_skip(&j);
    }
    return found && !j.bad;
}

bool rz_json_member_bool(rz_json j, const char *key, bool otherwise) {
    rz_json value;
    if (!rz_json_member(j, key, &value) || rz_json_peek(&value) != RZ_JSON_BOOL) return otherwise;
    return rz_json_bool(&value);
}

bool rz_json_member_text(rz_json j, const char *key, rz_json_text *text) {
    rz_json value;
    if (!rz_json_member(j, key, &value) || rz_json_peek(&value) != RZ_JSON_STRING) return false;
    return rz_json_string(&value, text);
}

bool rz_json_type_is(rz_json j, const char *name) {
    rz_json_text type;
    return rz_json_member_text(j, "type", &type) && rz_json_is(type, name);
}

rz_span rz_json_keep(rz_json_text text, rz_arena *arena) {
    rz_span kept = {NULL, rz_json_unescape(text, NULL)};
    uint8_t *p = rz_arena_take(arena, kept.n, 1);
    if (p) rz_json_unescape(text, p);
    kept.p = p;
    return kept;
}

static int malformed(const char *what, rz_err *err) {
    return rz_err_set(err, RZ_E_FORMAT, "tokenizer.json: %s", what);
}

/* ---- lists of tokens ----------------------------------------------------------------------- */

/* Walks over "vocab": an object of texts and ids, or for Unigram an array of [text, score]. */
typedef struct {
    rz_json at;
    rz_json_text text;
    double id, score;
    bool array;
} token_walk;

static token_walk walk_vocab(const rz_vocab *v) {
    token_walk w = {.at = v->source.vocab, .id = -1};
    w.array = rz_json_peek(&w.at) == RZ_JSON_ARRAY;
    rz_json_enter(&w.at, w.array ? RZ_JSON_ARRAY : RZ_JSON_OBJECT);
    return w;
}

static bool next_token(token_walk *w) {
    if (!w->array) {
        if (!rz_json_next_key(&w->at, &w->text)) return false;
        w->id = rz_json_number(&w->at);
        return !w->at.bad;
    }
    if (!rz_json_next(&w->at) || !rz_json_enter(&w->at, RZ_JSON_ARRAY)) return false;
    w->id++;
    if (!rz_json_next(&w->at) || !rz_json_string(&w->at, &w->text)) return false;
    if (!rz_json_next(&w->at)) return w->at.bad = true, false;
    w->score = rz_json_number(&w->at);
    if (rz_json_next(&w->at)) w->at.bad = true;
    return !w->at.bad;
}

/* One entry of "added_tokens". */
typedef struct {
    rz_json_text content;
    double id;
    bool special;
    uint32_t flags;
} added_token;

static bool read_added(rz_json j, added_token *out) {
    rz_json id;
    *out = (added_token){.id = -1};
    if (!rz_json_member_text(j, "content", &out->content) || !rz_json_member(j, "id", &id)) return false;
    out->id = rz_json_number(&id);
    out->special = rz_json_member_bool(j, "special", false);
    out->flags = (rz_json_member_bool(j, "lstrip", false) ? RZ_SPECIAL_LSTRIP : 0u) |
                 (rz_json_member_bool(j, "rstrip", false) ? RZ_SPECIAL_RSTRIP : 0u) |
                 (rz_json_member_bool(j, "single_word", false) ? RZ_SPECIAL_WORD : 0u) |
                 (rz_json_member_bool(j, "normalized", !out->special) ? RZ_SPECIAL_NORMALIZED : 0u);
    return !id.bad;
}

/* ---- counting ------------------------------------------------------------------------------ */

static bool is_id(double id) { return id >= 0 && id < max_tokens && id == (double)(uint32_t)id; }

/* Takes a token into account; false if its id cannot be one. */
static bool count_token(rz_vocab *v, double id, rz_json_text text) {
    if (!is_id(id)) return false;
    if ((uint32_t)id >= v->n) v->n = (uint32_t)id + 1;
    v->source.text_bytes += 8 + rz_json_unescape(text, NULL);
    return true;
}

static int plan_tokens(rz_vocab *v, rz_err *err) {
    uint64_t count = 0;
    token_walk w = walk_vocab(v);
    for (; next_token(&w); count++) {
        if (!count_token(v, w.id, w.text)) return malformed("a token has an id that cannot be one", err);
    }
    if (w.at.bad) return malformed("the list of tokens cannot be read", err);
    v->n_model = v->n;
    rz_json list = v->source.added;
    if (rz_json_peek(&list) == RZ_JSON_ARRAY) rz_json_enter(&list, RZ_JSON_ARRAY);
    while (list.n && rz_json_next(&list)) {
        added_token added;
        if (!read_added(list, &added) || !count_token(v, added.id, added.content)) {
            return malformed("an added token has no content or no id", err);
        }
        if (added.flags & RZ_SPECIAL_NORMALIZED) v->source.normal_bytes += 3 * added.content.n + 16;
        rz_json_skip(&list);
        v->n_special++;
        count++;
    }
    if (list.bad) return malformed("the list of added tokens cannot be read", err);
    if (v->n == 0) return malformed("it has no tokens", err);
    if (v->n > 4 * count + 1024) {
        return rz_err_set(err, RZ_E_FORMAT, "tokenizer.json: a token has id %u, but there are only %llu",
                          v->n - 1, (unsigned long long)count);
    }
    return RZ_OK;
}

/* Merges are "left right" or ["left", "right"]. */
static bool next_merge(rz_json *list, rz_json_text *left, rz_json_text *right) {
    if (!rz_json_next(list)) return false;
    if (rz_json_peek(list) == RZ_JSON_ARRAY) {
        if (!rz_json_enter(list, RZ_JSON_ARRAY)) return false;
        bool both = rz_json_next(list) && rz_json_string(list, left) && rz_json_next(list) &&
                    rz_json_string(list, right);
        if (!both || rz_json_next(list)) list->bad = true;
        return !list->bad;
    }
    if (!rz_json_string(list, left)) return false;
    const uint8_t *space = left->n > 1 ? memchr(left->p + 1, ' ', left->n - 1) : NULL;
    if (!space) return list->bad = true, false;
    *right = (rz_json_text){space + 1, left->n - (size_t)(space - left->p) - 1};
    left->n = (size_t)(space - left->p);
    return true;
}

static int plan_merges(rz_vocab *v, rz_err *err) {
    rz_json list = v->source.merges;
    rz_json_text left, right;
    if (!list.n || !rz_json_enter(&list, RZ_JSON_ARRAY)) return malformed("BPE has no list of merges", err);
    while (next_merge(&list, &left, &right)) v->n_merges++;
    return list.bad ? malformed("the list of merges cannot be read", err) : RZ_OK;
}

/* ---- the model ----------------------------------------------------------------------------- */

/* What the model is; files of old versions do not say it. */
static int plan_kind(rz_vocab *v, rz_json model, rz_err *err) {
    rz_json_text type = {NULL, 0};
    rz_json member = v->source.vocab;
    bool named = rz_json_member_text(model, "type", &type);
    if (rz_json_is(type, "BPE") || (!named && v->source.merges.n)) {
        v->kind = RZ_VOCAB_BPE;
    } else if (rz_json_is(type, "Unigram") || (!named && rz_json_peek(&member) == RZ_JSON_ARRAY)) {
        v->kind = RZ_VOCAB_UGM;
    } else if (rz_json_is(type, "WordPiece") || !named) {
        v->kind = RZ_VOCAB_WPM;
    } else {
        return rz_err_set(err, RZ_E_UNSUPPORTED, "tokenizer.json: model '%.*s' is not supported",
                          type.n < 64 ? (int)type.n : 64, (const char *)type.p);
    }
    bool array = rz_json_peek(&member) == RZ_JSON_ARRAY;
    if (array != (v->kind == RZ_VOCAB_UGM)) return malformed("the list of tokens cannot be read", err);
    return RZ_OK;
}

static bool has_text(rz_json model, const char *key) {
    rz_json_text text;
    return rz_json_member_text(model, key, &text) && text.n > 0;
}

static int plan_model(rz_vocab *v, rz_json model, rz_err *err) {
    rz_json member;
    int result = plan_kind(v, model, err);
    if (result) return result;
    if (rz_json_member_bool(model, "byte_fallback", false)) v->flags |= RZ_VOCAB_BYTE_FALLBACK;
    if (rz_json_member_bool(model, "ignore_merges", false)) v->flags |= RZ_VOCAB_IGNORE_MERGES;
    bool fuse = v->kind == RZ_VOCAB_UGM || rz_json_member_bool(model, "fuse_unk", false);
    if (fuse) v->flags |= RZ_VOCAB_FUSE_UNKNOWN;
    if (v->kind == RZ_VOCAB_BPE && (has_text(model, "continuing_subword_prefix") ||
                                    has_text(model, "end_of_word_suffix"))) {
        return rz_err_set(err, RZ_E_UNSUPPORTED,
                          "tokenizer.json: BPE with a prefix or suffix of words is not supported");
    }
    if (v->kind == RZ_VOCAB_WPM) {
        v->most_chars = 100;
        if (rz_json_member(model, "max_input_chars_per_word", &member)) {
            double most = rz_json_number(&member);
            if (most >= 1 && most < 1e9) v->most_chars = (uint32_t)most;
        }
    }
    result = plan_tokens(v, err);
    if (result == RZ_OK && v->kind == RZ_VOCAB_BPE) result = plan_merges(v, err);
    if (result == RZ_OK && rz_json_member(model, "unk_id", &member) &&
        rz_json_peek(&member) == RZ_JSON_NUMBER) {
        double id = rz_json_number(&member);
        if (!is_id(id) || id >= v->n) return malformed("unk_id is no token", err);
        v->unknown = (uint32_t)id;
    }
    return result;
}

/* ---- what is put around -------------------------------------------------------------------- */

static int put_around(rz_vocab *v, bool before, double id, rz_err *err) {
    uint32_t *n = before ? &v->n_before : &v->n_after;
    if (!is_id(id) || id >= v->n) return malformed("the post-processor names a token that does not exist", err);
    if (*n == RZ_VOCAB_AROUND) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, "tokenizer.json: so many tokens around a text are not supported");
    }
    (before ? v->before : v->after)[(*n)++] = (uint32_t)id;
    return RZ_OK;
}

/* The ids of a special token of a template. */
static int put_named(rz_vocab *v, rz_json j, rz_json_text name, bool before, rz_err *err) {
    rz_json tokens, ids;
    rz_json_text key;
    int result = RZ_OK;
    if (!rz_json_member(j, "special_tokens", &tokens) || !rz_json_enter(&tokens, RZ_JSON_OBJECT)) {
        return malformed("a template has no special tokens", err);
    }
    while (rz_json_next_key(&tokens, &key)) {
        bool same = key.n == name.n && memcmp(key.p, name.p, key.n) == 0;
        if (same && rz_json_member(tokens, "ids", &ids) && rz_json_enter(&ids, RZ_JSON_ARRAY)) {
            while (result == RZ_OK && rz_json_next(&ids)) result = put_around(v, before, rz_json_number(&ids), err);
            return result;
        }
        rz_json_skip(&tokens);
    }
    return malformed("a template names a special token that it does not have", err);
}

static int read_template(rz_vocab *v, rz_json j, rz_err *err) {
    rz_json list, member;
    rz_json_text name;
    bool before = true;
    int result = RZ_OK;
    if (!rz_json_member(j, "single", &list) || !rz_json_enter(&list, RZ_JSON_ARRAY)) {
        return malformed("a template has no form for a single text", err);
    }
    while (result == RZ_OK && rz_json_next(&list)) {
        if (rz_json_member(list, "SpecialToken", &member)) {
            if (!rz_json_member_text(member, "id", &name)) return malformed("a template names no token", err);
            result = put_named(v, j, name, before, err);
        } else {
            before = false;
        }
        rz_json_skip(&list);
    }
    return result;
}

/* BERT's and RoBERTa's: "cls" and "sep", each [text, id]. */
static int read_pair(rz_vocab *v, rz_json j, const char *key, bool before, rz_err *err) {
    rz_json pair;
    rz_json_text text;
    bool whole = rz_json_member(j, key, &pair) && rz_json_enter(&pair, RZ_JSON_ARRAY) &&
                 rz_json_next(&pair) && rz_json_string(&pair, &text) && rz_json_next(&pair);
    return whole ? put_around(v, before, rz_json_number(&pair), err) : malformed("the post-processor has no tokens", err);
}

static int read_post(rz_vocab *v, rz_json j, rz_err *err) {
    rz_json list;
    rz_json_text type = {NULL, 0};
    int result = RZ_OK;
    if (rz_json_peek(&j) != RZ_JSON_OBJECT || rz_json_type_is(j, "ByteLevel")) return RZ_OK;
    if (rz_json_type_is(j, "TemplateProcessing")) return read_template(v, j, err);
    if (rz_json_type_is(j, "BertProcessing") || rz_json_type_is(j, "RobertaProcessing")) {
        result = read_pair(v, j, "cls", true, err);
        return result ? result : read_pair(v, j, "sep", false, err);
    }
    if (rz_json_type_is(j, "Sequence") && rz_json_member(j, "processors", &list) &&
        rz_json_enter(&list, RZ_JSON_ARRAY)) {
        while (result == RZ_OK && rz_json_next(&list)) {
            result = read_post(v, list, err);
            rz_json_skip(&list);
        }
        return result;
    }
    rz_json_member_text(j, "type", &type);
    return rz_err_set(err, RZ_E_UNSUPPORTED, "tokenizer.json: post-processor '%.*s' is not supported",
                      type.n < 64 ? (int)type.n : 64, (const char *)type.p);
}

/* ---- the plan ------------------------------------------------------------------------------ */

static int find_parts(rz_vocab *v, rz_json j, rz_json *model, rz_err *err) {
    rz_vocab_source *s = &v->source;
    rz_json check = j;
    rz_json_skip(&check);
    if (!rz_json_done(&check)) {
        return rz_err_set(err, RZ_E_FORMAT, "tokenizer.json: it is no JSON from byte %zu on", check.at);
    }
    if (!rz_json_member(j, "model", model)) return malformed("it has no model", err);
    if (!rz_json_member(*model, "vocab", &s->vocab)) return malformed("the model has no list of tokens", err);
    rz_json_member(*model, "merges", &s->merges);
    rz_json_member(*model, "unk_token", &s->unk_token);
    rz_json_member(j, "added_tokens", &s->added);
    rz_json_member(j, "normalizer", &s->normalizer);
    rz_json_member(j, "pre_tokenizer", &s->pre_tokenizer);
    rz_json_member(j, "post_processor", &s->post_processor);
    rz_json_member(j, "decoder", &s->decoder);
    return RZ_OK;
}

int rz_vocab_from_json(rz_vocab *v, const char *tokenizer_json, size_t bytes,
                       const char *tokenizer_config_json, size_t config_bytes, rz_err *err) {
    rz_arena measure = {0};
    rz_json model, check;
    *v = (rz_vocab){.bos = RZ_NO_TOKEN, .eos = RZ_NO_TOKEN, .sep = RZ_NO_TOKEN, .unknown = RZ_NO_TOKEN,
                    .doubles = true};
    int result = find_parts(v, rz_json_open(tokenizer_json, bytes), &model, err);
    if (result == RZ_OK && tokenizer_config_json) {
        v->source.config = check = rz_json_open(tokenizer_config_json, config_bytes);
        rz_json_skip(&check);
        if (!rz_json_done(&check)) {
            result = rz_err_set(err, RZ_E_FORMAT, "tokenizer_config.json: it is no JSON from byte %zu on", check.at);
        }
    }
    if (result == RZ_OK) result = plan_model(v, model, err);
    if (result == RZ_OK) result = read_post(v, v->source.post_processor, err);
    if (result == RZ_OK) result = rz_vocab_read_decoder(v, err);
    if (result == RZ_OK) result = rz_vocab_json_layout(v, &measure, err);
    if (result) v->kind = RZ_VOCAB_NONE;
    return result;
}

/* ---- memory -------------------------------------------------------------------------------- */

enum { longest_added = 128, longest_normal = 1024 };

/* To find added tokens in normalised text their own texts are normalised. */
static void layout_rooms(rz_vocab *v, rz_arena *arena) {
    rz_norm_rooms *r = &v->source.rooms;
    if (!v->source.normal_bytes || !v->norm.n) return;
    v->source.normal = rz_arena_take(arena, v->source.normal_bytes, 1);
    r->size = longest_normal;
    r->buffers[0] = rz_arena_take(arena, r->size, 1);
    r->buffers[1] = rz_arena_take(arena, r->size, 1);
    r->work = rz_arena_take(arena, rz_norm_work(&v->norm, r->size), 1);
}

int rz_vocab_json_layout(rz_vocab *v, rz_arena *arena, rz_err *err) {
    static const rz_span continuing = {(const uint8_t *)"##", 2};
    v->norm.n = v->pre.n = 0;
    v->flags &= ~(uint32_t)RZ_VOCAB_BYTES; /* set by the steps, and changes those behind */
    v->types = rz_arena_take(arena, v->n, 4);
    if (v->kind == RZ_VOCAB_UGM) v->scores = rz_arena_take(arena, v->n, 8);
    v->source.texts = rz_arena_take(arena, v->source.text_bytes, 1);
    if (v->kind == RZ_VOCAB_WPM) v->next = continuing;
    int result = rz_vocab_add_normalizers(v, arena, err);
    if (result == RZ_OK) result = rz_vocab_add_pre_tokenizers(v, arena, err);
    if (result) return result;
    layout_rooms(v, arena);
    bool bytes = (v->flags & RZ_VOCAB_BYTES) != 0;
    if (bytes && v->kind != RZ_VOCAB_BPE) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, "tokenizer.json: byte-level text goes with BPE alone");
    }
    return RZ_OK;
}

/* ---- texts --------------------------------------------------------------------------------- */

static void set_type(const rz_vocab *v, uint32_t id, enum rz_token_type type) {
    rz_store_u32((uint8_t *)(uintptr_t)v->types + 4 * (size_t)id, (uint32_t)type);
}

/* Writes a text and its length to the next place. */
static void set_text(rz_vocab *v, uint32_t id, rz_json_text text, uint8_t **to) {
    uint8_t *p = *to;
    const uint64_t n = rz_json_unescape(text, p + 8);
    memcpy(p, &n, sizeof n);
    v->text[id] = p + 8;
    *to = p + 8 + n;
}

static bool is_byte_name(const rz_vocab *v, uint32_t id) {
    uint32_t len;
    const uint8_t *text = rz_vocab_text(v, id, &len);
    return len == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>';
}

void rz_vocab_json_texts(rz_vocab *v) {
    static const uint64_t empty[2];
    uint8_t *to = v->source.texts;
    for (uint32_t id = 0; id < v->n; id++) {
        v->text[id] = (const uint8_t *)(empty + 1);
        set_type(v, id, RZ_TOKEN_UNUSED);
    }
    if (v->scores) memset((uint8_t *)(uintptr_t)v->scores, 0, 8 * (size_t)v->n);
    for (token_walk w = walk_vocab(v); next_token(&w);) {
        const uint32_t id = (uint32_t)w.id;
        set_text(v, id, w.text, &to);
        bool byte = v->source.byte_names && is_byte_name(v, id);
        set_type(v, id, byte ? RZ_TOKEN_BYTE : RZ_TOKEN_NORMAL);
        if (v->scores) memcpy((uint8_t *)(uintptr_t)v->scores + 8 * (size_t)id, &w.score, 8);
    }
    rz_json list = v->source.added;
    if (list.n) rz_json_enter(&list, RZ_JSON_ARRAY);
    while (list.n && rz_json_next(&list)) {
        added_token added;
        read_added(list, &added);
        set_text(v, (uint32_t)added.id, added.content, &to);
        set_type(v, (uint32_t)added.id, added.special ? RZ_TOKEN_CONTROL : RZ_TOKEN_USER);
        rz_json_skip(&list);
    }
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void add_merges(rz_vocab *v) {
    rz_json list = v->source.merges;
    rz_json_text left, right;
    uint8_t a[1024], b[1024];
    if (!v->n_merges || !rz_json_enter(&list, RZ_JSON_ARRAY)) return;
    for (uint32_t rank = 0; next_merge(&list, &left, &right); rank++) {
        if (left.n > sizeof a || right.n > sizeof b) continue;
        const rz_span first = {a, rz_json_unescape(left, a)}, second = {b, rz_json_unescape(right, b)};
        rz_vocab_add_merge(v, first, second, rank);
    }
}

/* Looked for in the text as it is, or in the normalised text as that writes it. */
static void add_special(rz_vocab *v, uint32_t index) {
    const rz_special *special = &v->special[index];
    uint32_t len;
    const uint8_t *text = rz_vocab_text(v, special->id, &len);
    rz_span key = {text, len};
    bool first = true;
    if (len == 0) return;
    if (!(special->flags & RZ_SPECIAL_NORMALIZED)) {
        rz_trie_add(&v->special_trie, text, len, index);
        v->any_special = true;
        return;
    }
    v->any_normal = true;
    if (!v->norm.n || len > longest_added || !rz_norm_run(&v->norm, &first, &v->source.rooms, &key) ||
        key.n == 0 || key.n > v->source.normal_bytes) {
        rz_trie_add(&v->normal_trie, text, len, index);
        return;
    }
    memcpy(v->source.normal, key.p, key.n);
    rz_trie_add(&v->normal_trie, v->source.normal, (uint32_t)key.n, index);
    v->source.normal += key.n;
    v->source.normal_bytes -= key.n;
}

static void add_specials(rz_vocab *v) {
    rz_json list = v->source.added;
    uint32_t n = 0;
    if (!list.n) return;
    rz_json_enter(&list, RZ_JSON_ARRAY);
    while (rz_json_next(&list)) {
        added_token added;
        read_added(list, &added);
        v->special[n] = (rz_special){(uint32_t)added.id, added.flags};
        add_special(v, n++);
        rz_json_skip(&list);
    }
}

/* The token that a string, or an object with "content", names. */
static uint32_t find_named(const rz_vocab *v, rz_json j, const char *key) {
    rz_json value;
    rz_json_text text;
    uint8_t bytes[256];
    if (key && !rz_json_member(j, key, &j)) return RZ_NO_TOKEN;
    value = j;
    enum rz_json_type type = value.n ? rz_json_peek(&value) : RZ_JSON_BAD;
    bool found = type == RZ_JSON_STRING   ? rz_json_string(&value, &text)
                 : type == RZ_JSON_OBJECT ? rz_json_member_text(value, "content", &text)
                                          : false;
    if (!found || text.n > sizeof bytes) return RZ_NO_TOKEN;
    return rz_vocab_find(v, bytes, rz_json_unescape(text, bytes));
}

/* What tokenizer_config.json says of BOS and EOS; without it they are what is put around a text. */
static void read_config(rz_vocab *v) {
    const rz_json config = v->source.config;
    v->bos = v->n_before ? v->before[0] : RZ_NO_TOKEN;
    v->eos = v->n_after ? v->after[v->n_after - 1] : RZ_NO_TOKEN;
    if (config.n) {
        uint32_t bos = find_named(v, config, "bos_token"), eos = find_named(v, config, "eos_token");
        if (bos != RZ_NO_TOKEN) v->bos = bos;
        if (eos != RZ_NO_TOKEN) v->eos = eos;
        bool has_bos = v->n_before == 1 && v->before[0] == v->bos;
        bool wants_bos = rz_json_member_bool(config, "add_bos_token", has_bos);
        if (wants_bos && v->n_before == 0 && v->bos != RZ_NO_TOKEN) v->before[v->n_before++] = v->bos;
        if (!wants_bos && has_bos) v->n_before = 0;
        bool wants_eos = rz_json_member_bool(config, "add_eos_token", false);
        if (wants_eos && v->n_after == 0 && v->eos != RZ_NO_TOKEN) v->after[v->n_after++] = v->eos;
    }
    v->add_bos = v->n_before && v->before[0] == v->bos;
    v->add_eos = v->n_after && v->after[v->n_after - 1] == v->eos;
}

void rz_vocab_json_finish(rz_vocab *v) {
    add_merges(v);
    add_specials(v);
    uint32_t unknown = find_named(v, v->source.unk_token, NULL);
    if (unknown != RZ_NO_TOKEN) v->unknown = unknown;
    read_config(v);
}
