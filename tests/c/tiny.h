/*
 * tiny.h: small random Llama models as GGUF files in memory, and places in them to patch.
 *
 * Weights are random blocks of the type asked for, scaled so that activations stay near 1.
 */
#ifndef TINY_H
#define TINY_H

#include <stdbool.h>

#include "gguf_writer.h"
#include "random.h"

typedef struct {
    uint32_t n_layer, n_embd, n_ff, n_head, n_head_kv, n_vocab;
    uint32_t head_dim;   /* 0: n_embd / n_head */
    uint32_t rope_dim;   /* 0: head_dim */
    uint32_t dtype;      /* of the matrices, RZ_DT_* */
    bool tied;           /* no output.weight */
    bool biases;         /* of q, k, v and the attention's output */
    bool rope_factors;   /* rope_freqs.weight */
    float rope_scale;    /* linear RoPE scaling; 0: none */
    bool vocabulary;     /* a SentencePiece vocabulary: see tiny_vocabulary() */
    float weight_scale;  /* multiplies all matrices; 0: 1 */
    const char *without; /* a tensor to leave out */
    uint64_t seed;
} tiny_spec;

/* 1 layer, 32 wide, 4 heads sharing 2 key heads, 40 tokens, F32. */
tiny_spec tiny_default(void);
host_file tiny_model(const tiny_spec *spec);

/* Tokens of tiny_vocabulary(): <unk> <s> </s>, 256 bytes, then words that "hello world" merges to.
 */
enum { TINY_VOCABULARY = 3 + 256 + 22 };
void tiny_vocabulary(gguf_writer *w);
/* A byte-level BPE vocabulary of 256 bytes, some merges and a control and a user-defined token. */
void tiny_bpe_vocabulary(gguf_writer *w);

/* n weights of a type as random blocks; values are about `scale` in size. */
void tiny_weights(random_state *r, uint32_t dtype, uint8_t *out, size_t n, float scale);

/* Line of a tensor in the file, behind its name: n_dims, dims, type, offset. NULL: not there. */
uint8_t *tiny_tensor_line(host_file file, const char *name);
/* First byte of its data, and of a metadata value. */
uint8_t *tiny_tensor_data(host_file file, const char *name);
uint8_t *tiny_value(host_file file, const char *key);

#endif
