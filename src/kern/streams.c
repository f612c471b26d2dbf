/* streams.c: the product with one token, for all tables; see kern.h. */
#include "kern.h"

/* Places of memory read by turns, which is measured: Intel's processors read four places faster than one, AMD's one place
 * faster than any number. wasm, which cannot tell them apart, reads two. */
static uint32_t streams_here(void) {
#if defined(__x86_64__)
    return __builtin_cpu_is("amd") ? 1 : RZ_STREAMS;
#else
    return RZ_STREAMS;
#endif
}

void rz_multiply_streams(const rz_mat *w, uint32_t g0, uint32_t g1, const uint8_t *act, uint32_t act_bytes, float *y,
                         rz_strip_fn *strip) {
    memset(y + (size_t)g0 * w->nr, 0, (size_t)(g1 - g0) * w->nr * sizeof *y);
    while (g0 < g1) {
        const uint32_t streams = rz_min_u32(streams_here(), g1 - g0), apart = (g1 - g0) / streams;
        for (const uint32_t end = g0 + apart; g0 < end; g0++) {
            for (uint32_t k = 0; k < w->cols; k += RZ_BLOCK_MAX) {
                strip(&(rz_strip){.cell = w->data + g0 * w->group_bytes + w->group_bytes * k / w->cols,
                                  .act = act + k / 32 * act_bytes,
                                  .cols = rz_min_u32(RZ_BLOCK_MAX, w->cols - k),
                                  .n = streams,
                                  .apart = apart * w->group_bytes,
                                  .y = y + (size_t)g0 * w->nr,
                                  .y_apart = (size_t)apart * w->nr});
            }
        }
        g0 += apart * (streams - 1);
    }
}
