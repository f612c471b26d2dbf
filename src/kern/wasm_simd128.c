/* wasm_simd128.c: the kernel table for fixed-width WebAssembly SIMD. */
#include "simd_wasm.h"

#include "tile.inc.c"
#include "unpack.inc.c"
#include "panel.inc.c"
#include "matmul.inc.c"
#include "matmul_q5_q6.inc.c"
#include "matmul_q8.inc.c"
#include "blocks.inc.c"
#include "vec.inc.c"
#include "attend.inc.c"

#define TABLE      rz_kern_simd128
#define TABLE_NAME "simd128"
#include "table.inc.c"
