/* streams.c: the product with one token, for all tables; see kern.h. */
#include "kern.h"

/* Groups read by turns. Hardware fetches ahead in each of them; in one alone it keeps fewer reads under way. */
enum { STREAMS = 4 };

void rz_multiply_streams(const rz_mat *w, uint32_t g0, uint32_t g1, const uint8_t *act, uint32_t act_bytes, float *y,
                         rz_piece_fn *piece) {
    memset(y + (size_t)g0 * w->nr, 0, (size_t)(g1 - g0) * w->nr * sizeof *y);
    while (g0 < g1) {
        const uint32_t streams = rz_min_u32(STREAMS, g1 - g0), apart = (g1 - g0) / streams;
        for (const uint32_t end = g0 + apart; g0 < end; g0++) {
            for (uint32_t k = 0; k < w->cols; k += RZ_BLOCK_MAX) {
                const uint8_t *cells = w->data + w->group_bytes * k / w->cols, *x = act + k / 32 * act_bytes;
                const uint32_t cols = rz_min_u32(RZ_BLOCK_MAX, w->cols - k);
                for (uint32_t s = 0, g = g0; s < streams; s++, g += apart) {
                    piece(cells + w->group_bytes * g, x, cols, y + (size_t)g * w->nr);
                }
            }
        }
        g0 += apart * (streams - 1);
    }
}
