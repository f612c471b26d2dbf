/* table.inc.c: the table of one instruction set; TABLE and TABLE_NAME are set by the including file. */
const rz_kern TABLE = {
    .name = TABLE_NAME,
    .nr = NR,
    .tile = TILE,
    .flip = W8_BIAS,
    .act_i16 = XK_BYTES == 8,
    .act_q8 = ROWS(act_q8),
    .matmul = {[RZ_DT_F32] = matmul_f32,
               [RZ_DT_F16] = matmul_f16,
               [RZ_DT_BF16] = matmul_bf16,
               MATMUL_QUANTISED},
    .rmsnorm = ROWS(rmsnorm),
    .silu_mul = ROWS(silu_mul),
    .activate = ROWS(activate),
    .layernorm = ROWS(layernorm),
    .attend = ROWS(attend),
};
