/*
 * predict.h: predictors: small models from a row of features to a few numbers.
 *
 * Three forms cover all kinds: layers (linear, logistic, MLP), nearest centroids (KMeans) and trees
 * (decision trees, forests). apr.c makes them from files. A predictor is one arena, and predicting
 * allocates nothing.
 */
#ifndef RZ_PREDICT_H
#define RZ_PREDICT_H

#include "arena.h"

typedef struct {
    float *w; /* [rows][cols] */
    float *b; /* [rows] or NULL */
    uint32_t rows, cols;
    uint32_t act; /* RZ_DENSE_* */
} rz_dense_layer;

#define RZ_LEAF UINT32_MAX

/* Nodes of a tree in preorder: the left child of node i is node i + 1. */
typedef struct {
    uint32_t feature; /* left if x[feature] <= value; RZ_LEAF: the tree says `value` */
    uint32_t right;   /* index of the right child, > i */
    float value;
} rz_tree_node;

enum rz_tree_vote { RZ_VOTE_MEAN, RZ_VOTE_MOST };

struct rz_predictor {
    const char *kind; /* "LogisticRegression" */
    uint32_t n_in, n_out;
    bool exact; /* rows have exactly n_in features; else at least */
    uint64_t n_params;

    rz_dense_layer *layers; /* [n_layers] */
    uint32_t n_layers;
    float *hidden[2]; /* [widest layer] each, where there are several layers */

    float *centroids; /* [n_centroids][n_in] */
    uint32_t n_centroids;

    rz_tree_node *nodes; /* [n_nodes] of all trees */
    uint32_t *roots;     /* [n_trees] indices into nodes */
    uint32_t n_nodes, n_trees;
    uint32_t *votes;     /* [n_classes] of forests that vote */
    uint32_t n_classes;
    enum rz_tree_vote vote;

    const rz_allocator *allocator;
    uint64_t arena_bytes; /* the predictor itself is the first piece */
};

/* Takes memory for everything that `p` has sizes for, in order; p may be on the stack to measure. */
void rz_predictor_layout(rz_predictor *p, rz_arena *a);

/* A predictor with the sizes of `plan` and memory behind every pointer, which the caller fills. */
int rz_predictor_create(rz_predictor **out, const rz_predictor *plan, rz_err *err);

/* Copies n floats from bytes of any alignment; false if one is not finite. */
bool rz_take_floats(float *to, const void *from, uint64_t n);

#endif
