/* hf_files.c: which file of a Hugging Face model is which; finding values in them. See hf.h. */
#include "err.h"
#include "hf.h"

/* ---- JSON values --------------------------------------------------------------------------- */

/* The next word of a list separated by spaces. */
static size_t word_length(const char *words) {
    size_t n = 0;
    while (words[n] && words[n] != ' ') n++;
    return n;
}

enum found { ABSENT, IS_NULL, FOUND };

static enum found find_key(rz_json_text object, const char *name, size_t len, rz_json *value) {
    rz_json j = rz_json_open(object.p, object.n);
    rz_json_text key;
    enum found found = ABSENT;
    if (!object.p || !rz_json_enter(&j, RZ_JSON_OBJECT)) return ABSENT;
    while (rz_json_next_key(&j, &key)) {
        if (key.n == len && memcmp(key.p, name, len) == 0) {
            found = rz_json_peek(&j) == RZ_JSON_NULL ? IS_NULL : FOUND;
            *value = j;
        }
        rz_json_skip(&j);
    }
    return found;
}

bool rz_hf_find(rz_json_text object, const char *keys, rz_json *value) {
    while (*keys) {
        size_t len = word_length(keys);
        if (find_key(object, keys, len, value) == FOUND) return true;
        keys += keys[len] ? len + 1 : len;
    }
    return false;
}

bool rz_hf_null(rz_json_text object, const char *key) {
    rz_json value;
    return find_key(object, key, strlen(key), &value) == IS_NULL;
}

rz_json_text rz_hf_object(rz_json_text object, const char *keys) {
    rz_json value;
    if (!rz_hf_find(object, keys, &value) || rz_json_peek(&value) != RZ_JSON_OBJECT) {
        return (rz_json_text){NULL, 0};
    }
    size_t start = value.at;
    rz_json_skip(&value);
    return (rz_json_text){value.p + start, value.at - start};
}

/* ---- files --------------------------------------------------------------------------------- */

int rz_hf_detect(const rz_load_part *parts, uint32_t n_parts, bool *is_hf, rz_err *err) {
    uint32_t n_gguf = 0;
    for (uint32_t i = 0; i < n_parts; i++) n_gguf += parts[i].kind == RZ_PART_GGUF;
    *is_hf = n_gguf == 0;
    if (n_gguf == 0 || n_gguf == n_parts) return RZ_OK;
    return rz_err_set(err, RZ_E_FORMAT, "a model is GGUF files or safetensors with config.json, not "
                                        "a mixture of both");
}

/* Keys that tell the files apart; one of a group is enough. */
enum { INDEX = 1, TOKENIZER = 2, TYPE = 4, SIZES = 8, POOLING = 16, TOK_CONFIG = 32, TEMPLATE = 64,
       GENERATION = 128 };
static const struct {
    const char *key;
    uint32_t group;
} marks[] = {
    {"weight_map", INDEX},          {"model_type", TYPE},           {"num_hidden_layers", SIZES},
    {"n_layer", SIZES},             {"n_layers", SIZES},            {"text_config", SIZES},
    {"architectures", SIZES},       {"word_embedding_dimension", POOLING},
    {"tokenizer_class", TOK_CONFIG}, {"added_tokens_decoder", TOK_CONFIG},
    {"model_max_length", TOK_CONFIG}, {"chat_template", TEMPLATE},  {"eos_token_id", GENERATION},
    {"bos_token_id", GENERATION},   {"pad_token_id", GENERATION},   {"_from_model_config", GENERATION},
    {"transformers_version", GENERATION}, {"max_length", GENERATION}, {"max_new_tokens", GENERATION},
    {"do_sample", GENERATION},      {"temperature", GENERATION},
};

/* Groups of the keys of a file, in one walk: tokenizer.json may have 30 MB. */
static uint32_t groups_of(rz_json_text file) {
    rz_json j = rz_json_open(file.p, file.n);
    rz_json_text key;
    uint32_t groups = 0;
    if (!rz_json_enter(&j, RZ_JSON_OBJECT)) return 0;
    while (rz_json_next_key(&j, &key)) {
        if (rz_json_is(key, "model") && rz_json_peek(&j) == RZ_JSON_OBJECT) groups |= TOKENIZER;
        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
            if (rz_json_is(key, marks[i].key)) groups |= marks[i].group;
        }
        rz_json_skip(&j);
    }
    return groups;
}

/* The place of a file, NULL for one that belongs to no model. */
static rz_json_text *place_of(rz_hf_files *files, uint32_t groups) {
    if (groups & TOKENIZER) return &files->tokenizer;
    if (groups & TYPE && groups & SIZES) return &files->config;
    if (groups & POOLING) return &files->pooling;
    if (groups & TOK_CONFIG) return &files->tokenizer_config;
    if (groups & TEMPLATE) return &files->template;
    return groups & GENERATION ? &files->generation : NULL;
}

int rz_hf_files_find(rz_hf_files *files, const rz_load_part *parts, uint32_t n_parts, rz_err *err) {
    memset(files, 0, sizeof *files);
    for (uint32_t i = 0; i < n_parts; i++) {
        rz_json_text file = {parts[i].bytes, (size_t)parts[i].have};
        if (parts[i].kind != RZ_PART_JSON) continue;
        uint32_t groups = groups_of(file);
        if (groups & INDEX) continue; /* says in which file a tensor is: the files say so themselves */
        rz_json_text *place = place_of(files, groups);
        if (!place) {
            return rz_err_set(err, RZ_E_FORMAT, "file %u is JSON, but none of the files that a model "
                                                "consists of (config.json, tokenizer.json ...)",
                              i + 1);
        }
        if (place->p) {
            return rz_err_set(err, RZ_E_FORMAT, "file %u is of a kind that was there before: one model "
                                                "at a time can be loaded",
                              i + 1);
        }
        *place = file;
    }
    if (files->config.p) return RZ_OK;
    return rz_err_set(err, RZ_E_FORMAT, "there is no config.json: safetensors files do not say what "
                                        "model they are");
}
