/* vocab.c: see vocab.h. Input is hostile: counts were checked by gguf.c, everything else is here. */
#include "vocab.h"

#include "err.h"
#include "unicode.h"

enum { max_tokens = (1 << 24) - 2 };

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
    const rz_gguf_kv *model = rz_gguf_find(g, "tokenizer.ggml.model");
    if (!model || is_text(model, "none") || is_text(model, "no_vocab")) {
        v->kind = RZ_VOCAB_NONE;
    } else if (is_text(model, "llama")) {
        v->kind = RZ_VOCAB_SPM;
    } else if (is_text(model, "gpt2")) {
        v->kind = RZ_VOCAB_BPE;
    } else if (model->type == RZ_GGUF_STRING) {
        return rz_err_set(err, RZ_E_UNSUPPORTED,
                          "tokenizer '%.*s' is not supported; SentencePiece BPE ('llama') and "
                          "byte-level BPE ('gpt2') are",
                          (int)model->count, (const char *)model->value);
    } else {
        return rz_err_set(err, RZ_E_FORMAT, "tokenizer.ggml.model is not a string");
    }
    return RZ_OK;
}

/* The pre-tokenizers that split like GPT-2's. */
static int plan_pretokenizer(const rz_gguf *g, rz_err *err) {
    static const char *const kinds[] = {"gpt-2", "phi-2", "mpt", "olmo", "jais"};
    const rz_gguf_kv *pre = rz_gguf_find(g, "tokenizer.ggml.pre");
    if (!pre) return RZ_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (is_text(pre, kinds[i])) return RZ_OK;
    }
    return rz_err_set(err, RZ_E_UNSUPPORTED, "pre-tokenizer '%.*s' is not supported yet",
                      pre->type == RZ_GGUF_STRING ? (int)pre->count : 0, (const char *)pre->value);
}

/* Points at arrays that have as many elements as there are tokens. */
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
    v->n = (uint32_t)tokens->count;
    v->tokens = tokens->value;
    v->scores = scores ? scores->value : NULL;
    v->types = types ? types->value : NULL;
    v->merges = v->kind == RZ_VOCAB_BPE ? merges->value : NULL;
    v->n_merges = v->merges ? (uint32_t)merges->count : 0;
    return RZ_OK;
}

static bool is_special(const rz_vocab *v, uint32_t id) {
    enum rz_token_type type = rz_vocab_type(v, id);
    return type == RZ_TOKEN_CONTROL || type == RZ_TOKEN_USER || type == RZ_TOKEN_UNKNOWN;
}

int rz_vocab_plan(rz_vocab *v, const rz_gguf *g, rz_err *err) {
    *v = (rz_vocab){.bos = RZ_NO_TOKEN, .eos = RZ_NO_TOKEN, .unknown = RZ_NO_TOKEN};
    int result = plan_kind(v, g, err);
    if (result || v->kind == RZ_VOCAB_NONE) return result;
    result = plan_arrays(v, g, err);
    if (result) return result;
    if (v->kind == RZ_VOCAB_BPE) {
        result = plan_pretokenizer(g, err);
        if (result) return result;
    }
    bool spm = v->kind == RZ_VOCAB_SPM;
    v->bos = find_id(v, g, "tokenizer.ggml.bos_token_id", spm ? 1 : RZ_NO_TOKEN);
    v->eos = find_id(v, g, "tokenizer.ggml.eos_token_id", spm ? 2 : RZ_NO_TOKEN);
    v->unknown = find_id(v, g, "tokenizer.ggml.unknown_token_id", spm ? 0 : RZ_NO_TOKEN);
    v->add_bos = find_flag(g, "tokenizer.ggml.add_bos_token", spm) && v->bos != RZ_NO_TOKEN;
    v->add_eos = find_flag(g, "tokenizer.ggml.add_eos_token", false) && v->eos != RZ_NO_TOKEN;
    v->add_space_prefix = find_flag(g, "tokenizer.ggml.add_space_prefix", spm);
    for (uint32_t i = 0; i < v->n; i++) v->n_special += is_special(v, i);
    return RZ_OK;
}

/* ---- tables -------------------------------------------------------------------------------- */

/* A power of two that leaves at least a third of the slots free. */
static uint32_t table_size(uint32_t n) {
    uint32_t size = 16;
    while (size / 3 * 2 < n) size *= 2;
    return size;
}

void rz_vocab_layout(rz_vocab *v, rz_arena *arena) {
    v->text = rz_arena_take(arena, v->n, sizeof *v->text);
    v->special = rz_arena_take(arena, v->n_special, sizeof *v->special);
    if (v->n) {
        v->slot_mask = table_size(v->n) - 1;
        v->slots = rz_arena_take(arena, v->slot_mask + 1, sizeof *v->slots);
    }
    if (v->n_merges) {
        v->merge_mask = table_size(v->n_merges) - 1;
        v->merge_slots = rz_arena_take(arena, v->merge_mask + 1, sizeof *v->merge_slots);
    }
}

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

/* "left right", separated by the first space behind the first character. A merge of or into a text
 * that is no token can never lead to one and is left out. */
static void insert_merge(rz_vocab *v, const uint8_t *text, uint32_t len, uint32_t rank) {
    const uint8_t *space = len > 1 ? memchr(text + 1, ' ', len - 1) : NULL;
    uint8_t joined[2048];
    if (!space || len > sizeof joined) return;
    size_t left_len = (size_t)(space - text), right_len = len - left_len - 1;
    memcpy(joined, text, left_len);
    memcpy(joined + left_len, space + 1, right_len);
    uint32_t left = rz_vocab_find(v, text, left_len), right = rz_vocab_find(v, space + 1, right_len);
    uint32_t id = rz_vocab_find(v, joined, len - 1);
    if (left == RZ_NO_TOKEN || right == RZ_NO_TOKEN || id == RZ_NO_TOKEN) return;
    uint32_t i = hash_pair(left, right) & v->merge_mask;
    for (; v->merge_slots[i].left != RZ_NO_TOKEN; i = (i + 1) & v->merge_mask) {
        if (v->merge_slots[i].left == left && v->merge_slots[i].right == right) return;
    }
    v->merge_slots[i] = (rz_merge){left, right, rank, id};
}

int rz_byte_of_char(uint32_t c) {
    if ((c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xac) || (c >= 0xae && c <= 0xff)) {
        return (int)c;
    }
    if (c >= 0x100 && c < 0x121) return (int)(c - 0x100);        /* 0x00..0x20 */
    if (c >= 0x121 && c < 0x143) return (int)(c - 0x121 + 0x7f); /* 0x7f..0xa0 */
    return c == 0x143 ? 0xad : -1;
}

static void find_byte_tokens(rz_vocab *v) {
    for (int b = 0; b < 256; b++) v->byte_token[b] = RZ_NO_TOKEN;
    if (v->kind == RZ_VOCAB_BPE) {
        for (uint32_t c = 0x21; c <= 0x143; c++) {
            uint8_t utf8[4];
            int b = rz_byte_of_char(c);
            if (b >= 0) v->byte_token[b] = rz_vocab_find(v, utf8, rz_utf8_encode(c, utf8));
        }
        return;
    }
    for (int b = 0; b < 256; b++) {
        const char *hex = "0123456789ABCDEF";
        const uint8_t name[6] = {'<', '0', 'x', (uint8_t)hex[b >> 4], (uint8_t)hex[b & 15], '>'};
        const uint8_t plain = (uint8_t)b;
        v->byte_token[b] = rz_vocab_find(v, name, sizeof name);
        if (v->byte_token[b] == RZ_NO_TOKEN) v->byte_token[b] = rz_vocab_find(v, &plain, 1);
    }
}

static void find_special_tokens(rz_vocab *v) {
    uint32_t n = 0, len, other_len;
    for (uint32_t id = 0; id < v->n; id++) {
        const uint8_t *text = rz_vocab_text(v, id, &len);
        if (!is_special(v, id) || len == 0) continue;
        v->special_first[text[0]] = 1;
        v->special[n++] = id;
    }
    v->n_special = n;
    /* shell sort by length, longest first */
    for (uint32_t gap = n / 2; gap; gap /= 2) {
        for (uint32_t i = gap; i < n; i++) {
            uint32_t id = v->special[i], j = i;
            rz_vocab_text(v, id, &len);
            for (; j >= gap; j -= gap) {
                rz_vocab_text(v, v->special[j - gap], &other_len);
                if (other_len >= len) break;
                v->special[j] = v->special[j - gap];
            }
            v->special[j] = id;
        }
    }
}

static void add_end(rz_vocab *v, uint32_t id) {
    if (id == RZ_NO_TOKEN || rz_vocab_is_end(v, id)) return;
    if (v->n_end < sizeof v->end / sizeof v->end[0]) v->end[v->n_end++] = id;
}

static void find_end_ids(rz_vocab *v, const rz_gguf *g) {
    add_end(v, v->eos);
    add_end(v, find_id(v, g, "tokenizer.ggml.eot_token_id", RZ_NO_TOKEN));
    add_end(v, find_id(v, g, "tokenizer.ggml.eom_token_id", RZ_NO_TOKEN));
}

void rz_vocab_ids_only(rz_vocab *v, const rz_gguf *g, uint32_t n_ids) {
    const uint32_t n = v->n;
    v->n = n_ids;
    v->bos = find_id(v, g, "tokenizer.ggml.bos_token_id", RZ_NO_TOKEN);
    v->eos = find_id(v, g, "tokenizer.ggml.eos_token_id", RZ_NO_TOKEN);
    find_end_ids(v, g);
    v->n = n;
}

/* Ends of text and of turn, by id and by the names that models in use give them. */
static void find_end_tokens(rz_vocab *v, const rz_gguf *g) {
    static const char *const names[] = {
        "<|eot_id|>", "<|im_end|>",  "<|end|>",         "<end_of_turn>", "<|endoftext|>",
        "<|eom_id|>", "<EOT>",       "<|end_of_text|>", "<|return|>",    "<|call|>",
    };
    find_end_ids(v, g);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint32_t id = rz_vocab_find(v, (const uint8_t *)names[i], strlen(names[i]));
        if (id != RZ_NO_TOKEN && is_special(v, id)) add_end(v, id);
    }
}

bool rz_vocab_is_end(const rz_vocab *v, uint32_t id) {
    for (uint32_t i = 0; i < v->n_end; i++) {
        if (v->end[i] == id) return true;
    }
    return false;
}

void rz_vocab_build(rz_vocab *v, const rz_gguf *g) {
    if (v->kind == RZ_VOCAB_NONE) return;
    const uint8_t *cursor = v->tokens;
    uint32_t len;
    memset(v->slots, 0, (v->slot_mask + (size_t)1) * sizeof *v->slots);
    for (uint32_t id = 0; id < v->n; id++) {
        v->text[id] = (const uint8_t *)rz_gguf_next_string(&cursor, &len);
    }
    for (uint32_t id = 0; id < v->n; id++) insert_token(v, id);
    if (v->n_merges) {
        memset(v->merge_slots, 0xff, (v->merge_mask + (size_t)1) * sizeof *v->merge_slots);
        cursor = v->merges;
        for (uint32_t rank = 0; rank < v->n_merges; rank++) {
            const uint8_t *text = (const uint8_t *)rz_gguf_next_string(&cursor, &len);
            insert_merge(v, text, len, rank);
        }
    }
    find_byte_tokens(v);
    find_special_tokens(v);
    find_end_tokens(v, g);
}
