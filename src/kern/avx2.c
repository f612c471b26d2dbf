/* avx2.c: the kernel table for AVX2 + FMA + F16C. */
#include "simd_avx2.h"

#include "tile.inc.c"
#include "unpack.inc.c"
#include "panel.inc.c"
#include "matmul.inc.c"
#include "matmul_q5_q6.inc.c"
#include "matmul_q8.inc.c"
#include "blocks.inc.c"
#include "vec.inc.c"
#include "attend.inc.c"

#define TABLE      rz_kern_avx2
#define TABLE_NAME "avx2"
#include "table.inc.c"
