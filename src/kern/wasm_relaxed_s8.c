/* wasm_relaxed_s8.c: the kernel table for relaxed SIMD with DOT_S8; see simd_wasm.h. */
#define RELAXED_DOT DOT_S8
#include "simd_wasm.h"

#include "matmul.inc.c"
#include "blocks.inc.c"
#include "wasm_relaxed.h"

#define TABLE      rz_kern_relaxed_s8
#define TABLE_NAME "relaxed"
#include "table.inc.c"
