/* neon.c: the kernel table for Advanced SIMD of AArch64. */
#include "simd_neon.h"

#include "tile.inc.c"
#include "unpack.inc.c"
#include "panel.inc.c"
#include "matmul.inc.c"
#include "matmul_q5_q6.inc.c"
#include "matmul_q8.inc.c"
#include "blocks.inc.c"
#include "vec.inc.c"
#include "attend.inc.c"

#define TABLE      rz_kern_neon
#define TABLE_NAME "neon"
#include "table.inc.c"
