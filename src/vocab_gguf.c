/* vocab_gguf.c: a vocabulary from GGUF metadata; see vocab.h. Input is hostile: gguf.c checked the
 * counts, everything else is checked here. What goes without saying is as in llama.cpp. */
#include "err.h"
#include "vocab.h"

enum { max_tokens = (1 << 24) - 2 };

static const rz_span space_mark = {(const uint8_t *)"\xe2\x96\x81", 3};

/* ---- reading metadata ---------------------------------------------------------------------- */

/* An array of `type` with `count` elements, or NULL. */
static const rz_gguf_kv *find_array(const rz_gguf *g, const char *key, uint32_t type) {
    const rz_gguf_kv *kv = rz_gguf_find(g, key);
    return kv && kv->type == RZ_GGUF_ARRAY && kv->array_type == type ? kv : NULL;
}

static bool is_text(const rz_gguf_kv *kv, const char *text) {
    return kv && kv->type == RZ_GGUF_STRING && kv->count == strlen(text) &&
           memcmp(kv->value, text, strlen(text)) == 0;
}

static uint32_t find_id(const rz_vocab *v, const rz_gguf *g, const char *key, uint32_t otherwise) {
    const rz_gguf_kv *kv = rz_gguf_find(g, key);
    double id = otherwise;
    if (kv) rz_gguf_number(kv, &id);
    return id >= 0 && id < v->n ? (uint32_t)id : RZ_NO_TOKEN;
}

static bool find_flag(const rz_gguf *g, const char *key, bool otherwise) {
    const rz_gguf_kv *kv = rz_gguf_find(g, key);
    double value;
    return kv && rz_gguf_number(kv, &value) ? value != 0 : otherwise;
}

static int plan_kind(rz_vocab *v, const rz_gguf *g, rz_err *err) {
    static const struct {
        const char *name;
        enum rz_vocab_kind kind;
    } kinds[] = {{"none", RZ_VOCAB_NONE}, {"no_vocab", RZ_VOCAB_NONE}, {"llama", RZ_VOCAB_SPM},
                 {"gpt2", RZ_VOCAB_BPE},  {"gemma4", RZ_VOCAB_BPE},    {"bert", RZ_VOCAB_WPM},
                 {"t5", RZ_VOCAB_UGM}};
    const rz_gguf_kv *model = rz_gguf_find(g, "tokenizer.ggml.model");
    v->kind = RZ_VOCAB_NONE;
    if (!model) return RZ_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!is_text(model, kinds[i].name)) continue;
        v->kind = kinds[i].kind;
        return RZ_OK;
    }
    if (model->type != RZ_GGUF_STRING) {
        return rz_err_set(err, RZ_E_FORMAT, "tokenizer.ggml.model is not a string");
    }
    return rz_err_set(err, RZ_E_UNSUPPORTED,
                      "tokenizer '%.*s' is not supported; 'llama' (SentencePiece BPE), 'gpt2' "
                      "(byte-level BPE), 'bert' (WordPiece) and 't5' (Unigram) are",
                      (int)model->count, (const char *)model->value);
}

/* The rules by which BPE splits words. A kind without a name here is treated like the default one,
 * and the model says so (RZ_VOCAB_UNKNOWN_KIND). */
static void plan_pretokenizer(rz_vocab *v, const rz_gguf *g) {
    static const char gemma[] = "gemma4";
    const rz_gguf_kv *pre = rz_gguf_find(g, "tokenizer.ggml.pre");
    const char *name = pre && pre->type == RZ_GGUF_STRING ? (const char *)pre->value : "";
    size_t n = *name ? (size_t)pre->count : 0;
    if (is_text(rz_gguf_find(g, "tokenizer.ggml.model"), gemma)) {
        name = gemma;
        n = strlen(gemma);
    }
    bool known = rz_pre_find_kind(name, n, &v->source.pre, &v->source.kind_flags);
    uint32_t kind = v->source.kind_flags;
    if (!known) v->flags |= RZ_VOCAB_UNKNOWN_KIND;
    v->flags |= kind & RZ_KIND_RAW ? RZ_VOCAB_BYTE_FALLBACK : RZ_VOCAB_BYTES;
    if (kind & RZ_KIND_IGNORE_MERGES) v->flags |= RZ_VOCAB_IGNORE_MERGES;
    if (kind & RZ_KIND_NEWLINES) v->flags |= RZ_VOCAB_NEWLINES;
    if (kind & RZ_KIND_ESCAPE) v->flags |= RZ_VOCAB_MARKS;
}

/* Checks that arrays have as many elements as there are tokens. */
static int plan_arrays(rz_vocab *v, const rz_gguf *g, rz_err *err) {
    const rz_gguf_kv *tokens = find_array(g, "tokenizer.ggml.tokens", RZ_GGUF_STRING);
    const rz_gguf_kv *scores = find_array(g, "tokenizer.ggml.scores", RZ_GGUF_F32);
    const rz_gguf_kv *types = find_array(g, "tokenizer.ggml.token_type", RZ_GGUF_I32);
    const rz_gguf_kv *merges = find_array(g, "tokenizer.ggml.merges", RZ_GGUF_STRING);
    if (!types) types = find_array(g, "tokenizer.ggml.token_type", RZ_GGUF_U32);
    if (!tokens || tokens->count == 0) {
        return rz_err_set(err, RZ_E_FORMAT, "the file names a tokenizer but has no list of tokens");
    }
    if (tokens->count > max_tokens) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, "a vocabulary of %llu tokens is too large",
                          (unsigned long long)tokens->count);
    }
    if ((scores && scores->count != tokens->count) || (types && types->count != tokens->count)) {
        return rz_err_set(err, RZ_E_FORMAT,
                          "the vocabulary has %llu tokens but another number of scores or types",
                          (unsigned long long)tokens->count);
    }
    if (v->kind == RZ_VOCAB_SPM && !scores) {
        return rz_err_set(err, RZ_E_FORMAT, "the vocabulary has no scores to merge by");
    }
    if (v->kind == RZ_VOCAB_BPE && (!merges || merges->count > UINT32_MAX / 4)) {
        return rz_err_set(err, RZ_E_FORMAT, "the vocabulary has no usable list of merges");
    }
    v->n = v->n_model = (uint32_t)tokens->count;
    v->scores = scores ? scores->value : NULL;
    v->types = types ? types->value : NULL;
    v->n_merges = v->kind == RZ_VOCAB_BPE ? (uint32_t)merges->count : 0;
    return RZ_OK;
}

/* Special tokens and what is added, by the kind of vocabulary and then by the file. */
static void plan_special(rz_vocab *v, const rz_gguf *g) {
    const enum rz_vocab_kind kind = v->kind;
    const uint32_t flags = kind == RZ_VOCAB_BPE ? v->source.kind_flags : 0;
    const bool spm = kind == RZ_VOCAB_SPM, wpm = kind == RZ_VOCAB_WPM, ugm = kind == RZ_VOCAB_UGM;
    v->bos = find_id(v, g, "tokenizer.ggml.bos_token_id", spm ? 1 : wpm ? 101 : RZ_NO_TOKEN);
    v->eos = find_id(v, g, "tokenizer.ggml.eos_token_id", spm ? 2 : ugm ? 1 : RZ_NO_TOKEN);
    const uint32_t unknown = spm ? 0 : wpm ? 100 : ugm ? 2 : RZ_NO_TOKEN;
    if (kind != RZ_VOCAB_BPE) v->unknown = find_id(v, g, "tokenizer.ggml.unknown_token_id", unknown);
    v->sep = find_id(v, g, "tokenizer.ggml.seperator_token_id", wpm ? 102 : RZ_NO_TOKEN);
    if (wpm && v->bos == RZ_NO_TOKEN) v->bos = find_id(v, g, "tokenizer.ggml.cls_token_id", RZ_NO_TOKEN);
    v->add_bos = wpm || find_flag(g, "tokenizer.ggml.add_bos_token", spm || flags & RZ_KIND_ADD_BOS);
    v->add_eos = wpm || find_flag(g, "tokenizer.ggml.add_eos_token", ugm);
    v->add_bos = v->add_bos && v->bos != RZ_NO_TOKEN;
    v->add_eos = v->add_eos && (wpm ? v->sep : v->eos) != RZ_NO_TOKEN;
    for (uint32_t i = 0; i < v->n; i++) v->n_special += rz_vocab_is_special(v, i);
}

static void plan_spaces(rz_vocab *v, const rz_gguf *g) {
    if (v->kind == RZ_VOCAB_SPM || v->kind == RZ_VOCAB_UGM) {
        v->flags |= RZ_VOCAB_MARKS;
        const bool prefix = find_flag(g, "tokenizer.ggml.add_space_prefix", v->kind == RZ_VOCAB_SPM);
        if (prefix) v->flags |= RZ_VOCAB_STRIP_FIRST;
    }
    if (v->kind == RZ_VOCAB_SPM) v->flags |= RZ_VOCAB_BYTE_FALLBACK;
    if (v->kind == RZ_VOCAB_UGM) v->flags |= RZ_VOCAB_FLOAT | RZ_VOCAB_FUSE_UNKNOWN;
    if (v->kind == RZ_VOCAB_WPM) {
        v->flags |= RZ_VOCAB_MARKS | RZ_VOCAB_STRIP_FIRST | RZ_VOCAB_CLEAN;
        v->first = space_mark;
    }
}

static int plan_charsmap(const rz_gguf *g, rz_err *err) {
    const rz_gguf_kv *kv = rz_gguf_find(g, "tokenizer.ggml.precompiled_charsmap");
    rz_charsmap map;
    if (!kv) return RZ_OK;
    bool bytes = kv->type == RZ_GGUF_ARRAY &&
                 (kv->array_type == RZ_GGUF_U8 || kv->array_type == RZ_GGUF_I8);
    if (bytes && rz_charsmap_open(&map, kv->value, (size_t)kv->count)) return RZ_OK;
    return rz_err_set(err, RZ_E_FORMAT, "tokenizer.ggml.precompiled_charsmap is not a character map");
}

int rz_vocab_plan(rz_vocab *v, const rz_gguf *g, rz_err *err) {
    rz_arena measure = {0};
    *v = (rz_vocab){.bos = RZ_NO_TOKEN, .eos = RZ_NO_TOKEN, .sep = RZ_NO_TOKEN, .unknown = RZ_NO_TOKEN,
                    .source = {.gguf = g}};
    int result = plan_kind(v, g, err);
    if (result || v->kind == RZ_VOCAB_NONE) return result;
    if (v->kind == RZ_VOCAB_BPE) plan_pretokenizer(v, g);
    result = plan_arrays(v, g, err);
    if (result == RZ_OK) result = plan_charsmap(g, err);
    if (result) return result;
    plan_special(v, g);
    plan_spaces(v, g);
    return rz_vocab_gguf_layout(v, &measure, err);
}

/* ---- memory -------------------------------------------------------------------------------- */

static void add_ugm_step(rz_vocab *v) {
    const rz_gguf *g = v->source.gguf;
    const bool prefix = find_flag(g, "tokenizer.ggml.add_space_prefix", false);
    const bool suffix = find_flag(g, "tokenizer.ggml.treat_whitespace_as_suffix", false);
    const rz_gguf_kv *kv = rz_gguf_find(g, "tokenizer.ggml.precompiled_charsmap");
    uint32_t flags = prefix ? (suffix ? RZ_NORM_SUFFIX : RZ_NORM_PREFIX) : 0;
    if (find_flag(g, "tokenizer.ggml.remove_extra_whitespaces", false)) flags |= RZ_NORM_MERGE;
    if (find_flag(g, "tokenizer.ggml.escape_whitespaces", true)) flags |= RZ_NORM_MARK;
    rz_norm_step *s = rz_norm_add(&v->norm, RZ_NORM_UGM, flags);
    if (kv) rz_charsmap_open(&s->map, kv->value, (size_t)kv->count);
}

int rz_vocab_gguf_layout(rz_vocab *v, rz_arena *arena, rz_err *err) {
    const rz_gguf *g = v->source.gguf;
    v->norm.n = v->pre.n = 0;
    switch (v->kind) {
    case RZ_VOCAB_BPE:
        if (v->source.kind_flags & RZ_KIND_ESCAPE) rz_norm_add(&v->norm, RZ_NORM_ESCAPE, 0);
        return rz_pre_add_kind(&v->pre, v->source.pre, arena, err);
    case RZ_VOCAB_SPM:
        rz_norm_add(&v->norm, RZ_NORM_ESCAPE, v->flags & RZ_VOCAB_STRIP_FIRST ? RZ_NORM_PREFIX : 0);
        break;
    case RZ_VOCAB_UGM: add_ugm_step(v); break;
    default: { /* WordPiece: one step writes words with a space behind each, the next parts them */
        const bool lower = find_flag(g, "tokenizer.ggml.normalizer.lowercase", true);
        const bool accents = find_flag(g, "tokenizer.ggml.normalizer.strip_accents", lower);
        rz_norm_add(&v->norm, RZ_NORM_WPM,
                    (lower ? RZ_NORM_LOWERCASE : 0u) | (accents ? RZ_NORM_ACCENTS : 0u));
        const rz_span space = {(const uint8_t *)" ", 1};
        return rz_pre_add_split(&v->pre, space, RZ_REGEX_LITERAL, RZ_PRE_REMOVED, arena, err);
    }
    }
    return RZ_OK;
}

/* ---- building ------------------------------------------------------------------------------ */

void rz_vocab_gguf_texts(rz_vocab *v) {
    const uint8_t *cursor = rz_gguf_find(v->source.gguf, "tokenizer.ggml.tokens")->value;
    for (uint32_t id = 0; id < v->n; id++) {
        uint32_t len;
        v->text[id] = (const uint8_t *)rz_gguf_next_string(&cursor, &len);
    }
}

/* "left right", separated by the first space behind the first character. A merge of or into a text
 * that is no token can never lead to one and is left out. */
static void add_merges(rz_vocab *v) {
    if (!v->n_merges) return;
    const uint8_t *cursor = rz_gguf_find(v->source.gguf, "tokenizer.ggml.merges")->value;
    for (uint32_t rank = 0; rank < v->n_merges; rank++) {
        uint32_t len;
        const uint8_t *text = (const uint8_t *)rz_gguf_next_string(&cursor, &len);
        const uint8_t *space = len > 1 ? memchr(text + 1, ' ', len - 1) : NULL;
        if (!space) continue;
        const rz_span left = {text, (size_t)(space - text)};
        const rz_span right = {space + 1, len - left.n - 1};
        rz_vocab_add_merge(v, left, right, rank);
    }
}

static bool contains(const rz_gguf_kv *kv, const char *part) {
    const size_t n = strlen(part);
    if (!kv || kv->type != RZ_GGUF_STRING) return false;
    for (size_t at = 0; at + n <= kv->count; at++) {
        size_t i = 0;
        while (i < n && (kv->value[at + i] | 32) == part[i]) i++;
        if (i == n) return true;
    }
    return false;
}

/* Tokens that take the white space beside them: files do not say so, llama.cpp knows these. */
static uint32_t strips(const rz_gguf *g, const uint8_t *text, uint32_t len) {
    static const char *const plain[] = {"<unk>", "<s>", "<|endoftext|>"};
    const rz_gguf_kv *pre = rz_gguf_find(g, "tokenizer.ggml.pre"), *name = rz_gguf_find(g, "general.name");
    if (contains(pre, "jina-v2-")) {
        return len == 6 && !memcmp(text, "<mask>", 6) ? RZ_SPECIAL_LSTRIP : 0;
    }
    if (!contains(name, "phi-3") && !contains(name, "phi3")) return 0;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (len == strlen(plain[i]) && !memcmp(text, plain[i], len)) return 0;
    }
    return RZ_SPECIAL_RSTRIP;
}

static void add_special(rz_vocab *v) {
    uint32_t n = 0, len;
    for (uint32_t id = 0; id < v->n; id++) {
        if (!rz_vocab_is_special(v, id)) continue;
        const uint8_t *text = rz_vocab_text(v, id, &len);
        if (len == 0) continue;
        v->special[n] = (rz_special){id, strips(v->source.gguf, text, len)};
        rz_trie_add(&v->special_trie, text, len, n++);
        v->any_special = true;
    }
    v->n_special = n;
}

void rz_vocab_gguf_finish(rz_vocab *v) {
    add_merges(v);
    add_special(v);
    rz_vocab_add_end(v, v->eos);
    rz_vocab_add_end(v, find_id(v, v->source.gguf, "tokenizer.ggml.eot_token_id", RZ_NO_TOKEN));
    rz_vocab_add_end(v, find_id(v, v->source.gguf, "tokenizer.ggml.eom_token_id", RZ_NO_TOKEN));
}

void rz_vocab_use_ids(rz_vocab *v, const rz_gguf *g, uint32_t n_ids) {
    const uint32_t n = v->n;
    v->n = n_ids;
    if (v->bos == RZ_NO_TOKEN) v->bos = find_id(v, g, "tokenizer.ggml.bos_token_id", RZ_NO_TOKEN);
    if (v->eos == RZ_NO_TOKEN) v->eos = find_id(v, g, "tokenizer.ggml.eos_token_id", RZ_NO_TOKEN);
    rz_vocab_add_end(v, find_id(v, g, "tokenizer.ggml.eos_token_id", RZ_NO_TOKEN));
    rz_vocab_add_end(v, find_id(v, g, "tokenizer.ggml.eot_token_id", RZ_NO_TOKEN));
    rz_vocab_add_end(v, find_id(v, g, "tokenizer.ggml.eom_token_id", RZ_NO_TOKEN));
    v->n = n;
}
