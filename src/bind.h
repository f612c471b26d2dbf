/*
 * bind.h: which tensor of a file is which field of a model.
 *
 * A slot is a field of rz_layer or rz_model with its shape. A route says which slots a tensor fills:
 * one as a rule, several where a file fuses matrices. gguf names are routed here, those of Hugging
 * Face in hf_names.c.
 */
#ifndef RZ_BIND_H
#define RZ_BIND_H

#include "model.h"

enum rz_slot_kind { RZ_SLOT_NORM, RZ_SLOT_LINEAR, RZ_SLOT_EXPERTS, RZ_SLOT_MATRIX, RZ_SLOT_VECTOR };

typedef struct {
    const char *name;       /* as in GGUF, without "blk.N." and ".weight" */
    uint16_t at;            /* offset of the field in rz_layer or rz_model */
    uint8_t kind;           /* enum rz_slot_kind */
    uint8_t rows, cols;     /* dimensions: enum dim of bind.c */
    uint32_t need, need_bias; /* RZ_NEED_* of which one makes it mandatory; see arch.h, bind.c */
} rz_slot;

enum { RZ_MODEL_LAYER = UINT32_MAX }; /* the "layer" of slots of the model itself */

/* How the rows of a tensor are dealt out to the slots of its route. */
enum rz_route_pattern {
    RZ_ROUTE_WHOLE,    /* all to one slot */
    RZ_ROUTE_CONCAT,   /* all of the first, then all of the second ... */
    RZ_ROUTE_HEADS,    /* head by head: its q, k, v rows */
    RZ_ROUTE_GROUPS,   /* key head by key head: the q rows of its group, its k, its v rows */
    RZ_ROUTE_ALTERNATE /* row by row */
};

typedef struct {
    uint32_t layer;      /* or RZ_MODEL_LAYER */
    const rz_slot *slots[RZ_TARGETS_MAX];
    uint32_t n_slots;
    bool bias;           /* the biases of the slots */
    uint8_t pattern;     /* enum rz_route_pattern */
    int32_t expert;      /* the tensor is that expert's alone; -1: not so */
    bool transposed;     /* matrix [in][out] */
    uint8_t plane;       /* enum rz_plane: one of the two tensors that hold MXFP4 blocks */
    float add;           /* added to every element (norms stored as w - 1) */
} rz_route;

/* A slot by its name among those of a layer or of the model; NULL if there is none. */
const rz_slot *rz_slot_find(bool of_layer, const char *name, size_t len);

/* A tensor as bind.c wants it, from whatever format: dims[0] is the row length. */
typedef struct {
    const char *name;
    uint32_t name_len, part, dtype;
    uint64_t dims[4];
    uint64_t offset, bytes;
    rz_route route;
    bool ignored;
} rz_tensor;

/* Routes the tensors by their GGUF names; RZ_E_SHAPE for one that belongs nowhere. */
int rz_route_gguf(rz_tensor *tensors, uint32_t n, const rz_arch *arch, const rz_config *c,
                  rz_err *err);

/* What bind.c writes into messages about the tensors of a Hugging Face model. */
typedef struct rz_hf_names {
    const struct rz_hf_model *model;
    const char *prefix; /* of layers */
    size_t prefix_len;
} rz_hf_names;

/* The list of tensors of a model, checked, and the places they get. */
typedef struct {
    const rz_arch *arch;
    const rz_config *config;
    const rz_kern *kern;
    rz_tensor *tensors;
    uint32_t n_tensors;
    uint32_t quantize;       /* RZ_DT_* that float matrices become, or RZ_DT_COUNT */
    uint32_t needs;          /* RZ_NEED_* beyond those of the architecture */
    const struct rz_hf_names *hf; /* NULL: names and shapes in messages are those of GGUF */
    struct rz_bound *bound;  /* [n_bound] what was found for every slot of the model and its layers */
    uint32_t n_bound;
    const rz_allocator *allocator;
    rz_err *err;
} rz_binder;

/* Checks shapes and types, that nothing is there twice and nothing missing. rz_bind_free is due. */
int rz_bind_check(rz_binder *b);
void rz_bind_free(rz_binder *b);

/* Takes memory for every slot that was found; fields of m are set where the arena has memory. False
 * if a matrix does not fit. */
bool rz_bind_layout(const rz_binder *b, rz_model *m, rz_arena *a);

/* One job per tensor that is used, for a model that was laid out. Returns their number; jobs may be
 * NULL to count. */
uint32_t rz_bind_jobs(const rz_binder *b, rz_model *m, rz_load_job *jobs);

#endif
