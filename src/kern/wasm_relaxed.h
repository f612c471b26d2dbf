/* wasm_relaxed.h: what does not depend on the meaning of the byte dot product, once for all tables. */
#ifndef RZ_WASM_RELAXED_H
#define RZ_WASM_RELAXED_H

#include "kern.h"

#define SHARED(f) rz_relaxed_##f

void rz_relaxed_act_q8(uint8_t *dst, const float *x, size_t ldx, uint32_t cols, uint32_t n, uint32_t t);
void rz_relaxed_rmsnorm(float *y, const float *x, const float *w, uint32_t n, float eps);
void rz_relaxed_silu_mul(float *y, const float *gate, const float *up, uint32_t n);
void rz_relaxed_activate(float *y, const float *x, uint32_t n, uint32_t kind);
void rz_relaxed_layernorm(float *y, const float *x, const float *w, const float *b, uint32_t n, float eps);
void rz_relaxed_attend(const rz_attn *a, uint32_t chunk);

const uint8_t *rz_relaxed_unpack_blocks(rz_panel *p, const rz_dtype *type, const uint8_t *block, uint32_t width);
void rz_relaxed_multiply_panels(const rz_mat *w, uint32_t g0, uint32_t g1, const rz_act *x, float *y, size_t ldy,
                                const rz_panel_kind *kind);

rz_matmul_fn rz_relaxed_matmul_f32, rz_relaxed_matmul_f16, rz_relaxed_matmul_bf16,
    rz_relaxed_matmul_q4_0, rz_relaxed_matmul_q4_1, rz_relaxed_matmul_q5_0, rz_relaxed_matmul_q5_1,
    rz_relaxed_matmul_q4_k, rz_relaxed_matmul_q5_k, rz_relaxed_matmul_q6_k, rz_relaxed_matmul_mxfp4;

#endif
