/*
 * table.inc.c: the table of one instruction set; TABLE and TABLE_NAME are set by the including file. One that has wider
 * tiles for codes (amx.c) sets CODES_TILE, too, and CODES(f), which leads to their products.
 */
#ifndef CODES_TILE
#define CODES_TILE TILE
#define CODES(f)   SHARED(f)
#define BYTES(f)   f
#else
#define BYTES(f)   CODES(f)
#endif
const rz_kern TABLE = {
    .name = TABLE_NAME,
    .nr = NR,
    .tile = CODES_TILE,
    .tile_small = TILE,
    .flip = W8_BIAS,
    .act_i16 = XK_BYTES == 8,
    .kv_i16 = KV_I16,
    .act_q8 = SHARED(act_q8),
    .matmul = {MATMUL_FLOATS(SHARED), MATMUL_SHARED(CODES), MATMUL_BYTES(BYTES)},
    .key_product = matmul_q8_0,
    .rmsnorm = SHARED(rmsnorm),
    .silu_mul = SHARED(silu_mul),
    .activate = SHARED(activate),
    .layernorm = SHARED(layernorm),
    .attend = SHARED(attend),
};
