/* wasm_relaxed_shared.c: the kernels of relaxed SIMD for which the byte dot products of all engines are the same:
 * none, or of numbers below 128. */
#define RELAXED_DOT DOT_S8
#include "simd_wasm.h"
#include "wasm_relaxed.h"

#define SHARED_FN
#include "tile.inc.c"
#include "unpack.inc.c"
#include "panel.inc.c"
#include "matmul.inc.c"
#include "matmul_q5_q6.inc.c"
#include "vec.inc.c"
#include "attend.inc.c"
