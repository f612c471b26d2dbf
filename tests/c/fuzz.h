/*
 * fuzz.h: what a fuzz target offers beside libFuzzer's entry point: inputs to begin with. replay.c
 * runs the same targets in normal builds over these, over mutations of them and over files.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "host.h"

/* libFuzzer's entry: aborts on a broken promise, else returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The i-th input to begin with, to be freed; bytes is NULL past the last one. */
host_file fuzz_seed(int i);

#endif
