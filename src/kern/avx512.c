/* avx512.c: the kernel table for AVX-512 (F, BW, DQ, VL) + VNNI. */
#include "simd_avx512.h"

#include "tile.inc.c"
#include "unpack.inc.c"
#include "panel.inc.c"
#include "matmul.inc.c"
#include "matmul_q5_q6.inc.c"
#include "matmul_q8.inc.c"
#include "blocks.inc.c"
#include "vec.inc.c"
#include "attend.inc.c"

#define TABLE      rz_kern_avx512
#define TABLE_NAME "avx512"
#include "table.inc.c"
