/* table.inc.c: the table of one instruction set; TABLE and TABLE_NAME are set by the including file. */
const rz_kern TABLE = {
    .name = TABLE_NAME,
    .nr = NR,
    .tile = TILE,
    .flip = W8_BIAS,
    .act_i16 = XK_BYTES == 8,
    .kv_i16 = KV_I16,
    .act_q8 = SHARED(act_q8),
    .matmul = {MATMUL_SHARED(SHARED), MATMUL_BYTES},
    .rmsnorm = SHARED(rmsnorm),
    .silu_mul = SHARED(silu_mul),
    .activate = SHARED(activate),
    .layernorm = SHARED(layernorm),
    .attend = SHARED(attend),
};
