/*
 * tiny_hf.h: small random Hugging Face models in memory: a config.json and a safetensors file.
 */
#ifndef TINY_HF_H
#define TINY_HF_H

#include "gguf_writer.h"
#include "random.h"

/* Builds a safetensors file; tensors follow each other in the order they are added. */
typedef struct {
    byte_buffer header, data;
    random_state random;
} st_writer;

void st_open(st_writer *w, uint64_t seed);
/* A tensor of type "F32", "F16", "BF16" or "U8" with random contents; dims end with 0. */
void st_tensor(st_writer *w, const char *name, const char *type, const uint32_t *dims);
/* An entry of the header as text, and so many bytes of data. */
void st_raw(st_writer *w, const char *entry, size_t bytes);
host_file st_close(st_writer *w);
/* A safetensors file from a header as text and n bytes of data. */
host_file st_file(const char *header, size_t n);

typedef struct {
    host_file config, weights; /* to be freed; bytes NULL: there is no such model */
} tiny_hf;

enum { TINY_LLAMA, TINY_GPT2, TINY_BLOOM, TINY_MIXTRAL, TINY_GPT_OSS, TINY_PHI3, TINY_BERT, TINY_GEMMA3,
       TINY_KINDS };

/* The i-th kind of model, 32 wide. */
tiny_hf tiny_hf_model(int kind);
void tiny_hf_free(tiny_hf *m);

host_file text_file(const char *text);

#endif
