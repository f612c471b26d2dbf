/*
 * unicode_forms_wasm.c: composition and decomposition by the host, whose String.prototype.normalize has
 * the tables that would be a ninth of the module.
 */
#include "unicode.h"

/* Code points of c's decomposition to out, at most RZ_UC_MAX_DECOMPOSED; returns their number. */
__attribute__((import_module("env"), import_name("decompose"))) uint32_t
rz_host_decompose(uint32_t c, uint32_t compatible, uint32_t *out);
/* What two code points compose to, or 0. */
__attribute__((import_module("env"), import_name("compose"))) uint32_t
rz_host_compose(uint32_t first, uint32_t second);

uint32_t rz_uc_decompose(uint32_t c, bool compatible, uint32_t out[RZ_UC_MAX_DECOMPOSED]) {
    if (rz_uc_class(c) & RZ_UC_DECOMPOSES || c - 0xac00 < 11172) {
        return rz_host_decompose(c, compatible, out);
    }
    out[0] = c;
    return 1;
}

uint32_t rz_uc_compose(uint32_t first, uint32_t second) { return rz_host_compose(first, second); }
