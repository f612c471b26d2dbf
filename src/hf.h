/*
 * hf.h: models as Hugging Face ships them: config.json and its companions beside safetensors.
 *
 * Four steps, each in a file of its own: which JSON file is which (hf_files.c), config.json to a
 * configuration (hf_config.c), tensor names to slots (hf_names.c), and a GGUF header that says the
 * same as all of them (hf_meta.c), so that everything behind sees one kind of metadata. Input is
 * hostile; the JSON was checked to be well formed when it was read.
 * Source: the configuration classes and modules of huggingface/transformers.
 */
#ifndef RZ_HF_H
#define RZ_HF_H

#include "bind.h"
#include "json.h"

/* The text files of a model; p NULL: not there. Told apart by their keys, not by their names. */
typedef struct {
    rz_json_text config;           /* config.json */
    rz_json_text generation;       /* generation_config.json */
    rz_json_text tokenizer;        /* tokenizer.json */
    rz_json_text tokenizer_config; /* tokenizer_config.json */
    rz_json_text template;         /* chat_template.json: {"chat_template": "..."} */
    rz_json_text pooling;          /* 1_Pooling/config.json of sentence-transformers */
} rz_hf_files;

/* Whether the parts are such a model: no GGUF among them. RZ_E_FORMAT for a mixture. */
int rz_hf_detect(const rz_load_part *parts, uint32_t n_parts, bool *is_hf, rz_err *err);

/* Sorts the JSON parts. RZ_E_FORMAT for one that is none of these, or two of a kind. */
int rz_hf_files_find(rz_hf_files *files, const rz_load_part *parts, uint32_t n_parts, rz_err *err);

/* ---- JSON values --------------------------------------------------------------------------- */

/* A cursor before the value of the first of the keys (separated by spaces) that the object has with
 * a value other than null; of equal keys the last. False: none. */
bool rz_hf_find(rz_json_text object, const char *keys, rz_json *value);
/* Whether the object has the key with the value null, which is not the same as not to have it. */
bool rz_hf_null(rz_json_text object, const char *key);
/* An object below a key as a text of its own; p NULL: there is none. */
rz_json_text rz_hf_object(rz_json_text object, const char *keys);

/* ---- config.json --------------------------------------------------------------------------- */

enum { RZ_HF_FACTORS_MAX = 256 }; /* pairs of a head of 512 dimensions */

typedef struct rz_hf_model {
    const rz_arch *arch;
    rz_config config;
    uint32_t needs; /* RZ_NEED_*: tensors that this configuration asks for beyond its architecture */
    bool tied;      /* the output matrix is token_embd, whatever the files hold */
    uint32_t n_factors; /* of LongRoPE: rope.dim / 2, or 0 */
    float long_factors[RZ_HF_FACTORS_MAX], short_factors[RZ_HF_FACTORS_MAX];
} rz_hf_model;

/* RZ_E_UNSUPPORTED for what this engine does not compute, RZ_E_FORMAT for unusable values. */
int rz_hf_config(rz_hf_model *hf, const rz_hf_files *files, rz_err *err);

/* ---- tensors ------------------------------------------------------------------------------- */

/* Fills routes, shapes and types of the tensors, whose names are those of Hugging Face: tensors[i] is
 * sources[i], or, where that is NULL, a tensor of the header that rz_hf_meta wrote. *names becomes what rz_hf_name needs. */
int rz_hf_route(rz_tensor *tensors, const rz_st_tensor *const *sources, uint32_t n,
                const rz_hf_model *hf, rz_hf_names *names, rz_err *err);

/* Name of the tensor that fills a slot, as these files have it; writes at most `room` bytes. */
void rz_hf_name(const rz_hf_names *names, uint32_t layer, const rz_slot *slot, const char *suffix,
                char *out, size_t room);

/* ---- metadata ------------------------------------------------------------------------------ */

/* A GGUF header with the metadata of the model and the factors of LongRoPE as tensors, in a block of
 * the allocator; it becomes `part`, parsed. */
int rz_hf_meta(rz_load_part *part, const rz_hf_model *hf, const rz_hf_files *files,
               const rz_allocator *allocator, rz_err *err);

#endif
