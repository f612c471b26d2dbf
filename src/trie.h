/*
 * trie.h: byte strings by their prefixes: which keys does a text begin with?
 *
 * Nodes stand only where keys end or part (at most two per key), edges are hashed by node and first
 * byte. Labels point into the keys, which must outlive the trie. Keys and texts are any bytes.
 */
#ifndef RZ_TRIE_H
#define RZ_TRIE_H

#include "arena.h"

typedef struct {
    const uint8_t *label; /* bytes of the edge that leads here */
    uint32_t len;
    uint32_t value; /* of the key that ends here, or RZ_NO_TOKEN */
} rz_trie_node;

typedef struct {
    rz_trie_node *nodes; /* [n_nodes] */
    uint32_t (*slots)[2]; /* [mask + 1] parent and child; child 0: free */
    uint32_t n_nodes, mask;
    uint32_t root[256]; /* child of node 0 by first byte; 0: none */
} rz_trie;

/* A place on an edge: `left` bytes above its lower node. */
typedef struct {
    uint32_t node, left;
} rz_trie_at;

/* Room for so many keys. */
void rz_trie_layout(rz_trie *t, rz_arena *arena, uint32_t keys);
void rz_trie_clear(rz_trie *t); /* an empty trie; call it before the first rz_trie_add */
/* Adds a key of at least one byte; a later equal one replaces the value. */
void rz_trie_add(rz_trie *t, const uint8_t *key, uint32_t len, uint32_t value);

uint32_t rz_trie_child(const rz_trie *t, uint32_t node, uint8_t byte);

/* Goes on by one byte; false if no key does. */
static inline bool rz_trie_step(const rz_trie *t, rz_trie_at *at, uint8_t byte) {
    if (at->left) {
        const rz_trie_node *n = &t->nodes[at->node];
        if (n->label[n->len - at->left] != byte) return false;
        at->left--;
        return true;
    }
    uint32_t child = at->node ? rz_trie_child(t, at->node, byte) : t->root[byte];
    if (!child) return false;
    *at = (rz_trie_at){child, t->nodes[child].len - 1};
    return true;
}

/* Value of the key that ends here, or RZ_NO_TOKEN. */
static inline uint32_t rz_trie_value(const rz_trie *t, rz_trie_at at) {
    return at.left ? RZ_NO_TOKEN : t->nodes[at.node].value;
}

/* Length of the longest key that text[0..n) begins with, going on from `at`; 0 if there is none. */
static inline size_t rz_trie_longest(const rz_trie *t, rz_trie_at at, const uint8_t *text, size_t n,
                                     uint32_t *value) {
    size_t longest = 0;
    for (size_t i = 0; i < n && rz_trie_step(t, &at, text[i]); i++) {
        uint32_t v = rz_trie_value(t, at);
        if (v != RZ_NO_TOKEN) {
            longest = i + 1;
            *value = v;
        }
    }
    return longest;
}

#endif
