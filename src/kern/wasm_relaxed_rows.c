/* wasm_relaxed_rows.c: the kernels of relaxed SIMD that do not use the byte dot product. */
#define RELAXED_DOT DOT_S8
#include "simd_wasm.h"

#include "wasm_relaxed.h"

#define ROWS_FN
#include "vec.inc.c"
#include "attend.inc.c"
