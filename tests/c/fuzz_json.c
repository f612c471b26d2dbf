/*
 * fuzz_json.c: any bytes as JSON. A walk that takes every value by its type and one that skips agree on
 * what is JSON, and nothing is written past the length that was measured.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/json.h"
#include "fuzz.h"

static void must(bool holds) {
    if (!holds) abort();
}

static void take_string(rz_json *j) {
    rz_json_text text;
    if (!rz_json_string(j, &text)) return;
    size_t n = rz_json_unescape(text, NULL);
    uint8_t *out = malloc(n ? n : 1);
    must(n <= text.n && rz_json_unescape(text, out) == n);
    free(out);
}

/* Bounded by the reader's own limit of nesting. */
static void take_value(rz_json *j) {
    rz_json_text key;
    switch (rz_json_peek(j)) {
    case RZ_JSON_OBJECT:
        if (!rz_json_enter(j, RZ_JSON_OBJECT)) return;
        while (rz_json_next_key(j, &key)) take_value(j);
        break;
    case RZ_JSON_ARRAY:
        if (!rz_json_enter(j, RZ_JSON_ARRAY)) return;
        while (rz_json_next(j)) take_value(j);
        break;
    case RZ_JSON_STRING: take_string(j); break;
    case RZ_JSON_NUMBER: rz_json_number(j); break;
    case RZ_JSON_BOOL: rz_json_bool(j); break;
    default: rz_json_skip(j); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1); /* an end that sanitizers see */
    if (size) memcpy(copy, data, size);
    rz_json walked = rz_json_open(copy, size), skipped = walked;
    take_value(&walked);
    rz_json_skip(&skipped);
    must(rz_json_done(&walked) == rz_json_done(&skipped));
    must(walked.at <= size && skipped.at <= size);
    free(copy);
    return 0;
}

host_file fuzz_seed(int i) {
    static const char *const seeds[] = {
        "{\"model_type\":\"llama\",\"hidden_size\":32,\"rope_scaling\":{\"factor\":8.0e0,\"x\":[1,2.5,-3E-2]}}",
        "[[],{},\"\",0,-1.5e+10,true,false,null,[[[[1]]]]]",
        "{\"a\\\"b\":\"\\u00e9\\ud83d\\ude00\\n\\\\\",\"c\":{\"d\":{\"e\":[]}}}",
        " { \"k\" : [ 1 , 2 ] } ", "\"\\ud800\"", "123456789012345678901234567890.5e-300",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}",
    };
    if (i >= (int)(sizeof seeds / sizeof seeds[0])) return (host_file){NULL, 0};
    host_file file = {malloc(strlen(seeds[i])), strlen(seeds[i])};
    memcpy(file.bytes, seeds[i], file.n);
    return file;
}
