/* vnni.c: the kernel table for AVX2 + FMA + F16C + AVX-VNNI. */
#include "simd_vnni.h"

#include "tile.inc.c"
#include "unpack.inc.c"
#include "panel.inc.c"
#include "matmul.inc.c"
#include "matmul_q5_q6.inc.c"
#include "matmul_q8.inc.c"
#include "blocks.inc.c"
#include "vec.inc.c"
#include "attend.inc.c"

#define TABLE      rz_kern_vnni
#define TABLE_NAME "avxvnni"
#include "table.inc.c"
