/* wasm_relaxed_s8.c: the kernel table for relaxed SIMD with DOT_S8; see simd_wasm.h. */
#define RELAXED_DOT DOT_S8
#include "simd_wasm.h"
#include "wasm_relaxed.h"

#include "tile.inc.c"
#include "matmul_q8.inc.c"
#include "blocks.inc.c"

#define TABLE      rz_kern_relaxed_s8
#define TABLE_NAME "relaxed"
#include "table.inc.c"
