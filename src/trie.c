/* trie.c: see trie.h. */
#include "trie.h"

static uint32_t hash_edge(uint32_t node, uint8_t byte) {
    uint64_t h = ((uint64_t)node << 8 | byte) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

void rz_trie_layout(rz_trie *t, rz_arena *arena, uint32_t keys) {
    uint64_t edges = 2 * (uint64_t)keys, size = 16;
    while (size / 3 * 2 < edges) size *= 2;
    t->mask = (uint32_t)(size - 1);
    t->nodes = rz_arena_take(arena, edges + 1, sizeof *t->nodes);
    t->slots = rz_arena_take(arena, size, sizeof *t->slots);
}

void rz_trie_clear(rz_trie *t) {
    memset(t->slots, 0, (t->mask + (size_t)1) * sizeof *t->slots);
    memset(t->root, 0, sizeof t->root);
    t->nodes[0] = (rz_trie_node){.value = RZ_NO_TOKEN};
    t->n_nodes = 1;
}

/* The slot of an edge, or the free one where it belongs. */
static uint32_t slot_of(const rz_trie *t, uint32_t node, uint8_t byte) {
    uint32_t i = hash_edge(node, byte) & t->mask;
    for (; t->slots[i][1]; i = (i + 1) & t->mask) {
        if (t->slots[i][0] == node && t->nodes[t->slots[i][1]].label[0] == byte) break;
    }
    return i;
}

uint32_t rz_trie_child(const rz_trie *t, uint32_t node, uint8_t byte) {
    return t->slots[slot_of(t, node, byte)][1];
}

static void set_child(rz_trie *t, uint32_t node, uint8_t byte, uint32_t child) {
    uint32_t i = slot_of(t, node, byte);
    t->slots[i][0] = node;
    t->slots[i][1] = child;
    if (node == 0) t->root[byte] = child;
}

static uint32_t new_node(rz_trie *t, const uint8_t *label, uint32_t len, uint32_t value) {
    t->nodes[t->n_nodes] = (rz_trie_node){label, len, value};
    return t->n_nodes++;
}

void rz_trie_add(rz_trie *t, const uint8_t *key, uint32_t len, uint32_t value) {
    uint32_t node = 0;
    while (len) {
        uint32_t child = rz_trie_child(t, node, key[0]), same = 1;
        if (!child) {
            child = new_node(t, key, len, RZ_NO_TOKEN);
            set_child(t, node, key[0], child);
        }
        rz_trie_node *c = &t->nodes[child];
        while (same < len && same < c->len && key[same] == c->label[same]) same++;
        if (same < c->len) { /* part the edge: a new node above the child */
            uint32_t upper = new_node(t, c->label, same, RZ_NO_TOKEN);
            set_child(t, node, key[0], upper);
            c->label += same;
            c->len -= same;
            set_child(t, upper, c->label[0], child);
            child = upper;
        }
        node = child;
        key += same;
        len -= same;
    }
    t->nodes[node].value = value;
}
