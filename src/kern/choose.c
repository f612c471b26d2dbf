/*
 * choose.c: which kernel table runs here. Natively by cpuid and xgetbv (the processor has it, and the
 * operating system saves its registers; those of AMX it has to be asked for), in wasm by computing: a module that validated may still
 * hold relaxed instructions whose results its kernels are not written for.
 */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* syscall */
#endif
#include "kern.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Register sets that the operating system saves: bits of XCR0. */
enum { XCR_AVX = 0x06, XCR_AVX512 = 0xe6, XCR_TILES = 0x60000 };

static bool os_saves(uint32_t set) {
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & set) == set;
}

static bool has_avx2(void) {
    uint32_t a, b, c, d;
    const uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const uint32_t need = fma | osxsave | avx | f16c;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & need) != need || !os_saves(XCR_AVX)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 5);
}

static bool has_vnni(void) {
    uint32_t a, b, c, d;
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}

static bool has_avx512(void) {
    uint32_t a, b, c, d;
    const uint32_t f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31, vnni = 1u << 11;
    const uint32_t need = f | dq | bw | vl;
    if (!has_avx2() || !os_saves(XCR_AVX512)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & need) == need && (c & vnni);
}

/* Linux gives a process the tile registers when it asks. */
static bool os_grants_tiles(void) {
#if defined(__linux__)
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 }; /* of arch_prctl(2); a bit of XCR0 */
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
    return false;
#endif
}

static bool has_amx(void) {
    uint32_t a, b, c, d;
    const uint32_t tile = 1u << 24, bytes = 1u << 25, need = tile | bytes;
    return has_avx512() && os_saves(XCR_TILES) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & need) == need &&
           os_grants_tiles();
}
#endif

#if defined(__aarch64__)
#if defined(__linux__)
#include <sys/auxv.h>

static bool has_sdot(void) { return getauxval(AT_HWCAP) & 1u << 20; } /* HWCAP_ASIMDDP */
#else
static bool has_sdot(void) { return __ARM_FEATURE_DOTPROD; } /* Apple: every processor */
#endif
#endif

#if defined(__wasm_relaxed_simd__)
#include <wasm_simd128.h>

/* What a byte dot product of 4 lanes gives for each meaning of its second operand. */
static int32_t dot_model(const int8_t *x, const uint8_t *w, int meaning) {
    int32_t pair[2];
    for (int i = 0; i < 2; i++) {
        int32_t w0 = meaning == 1 ? (int8_t)w[2 * i] : w[2 * i];
        int32_t w1 = meaning == 1 ? (int8_t)w[2 * i + 1] : w[2 * i + 1];
        pair[i] = x[2 * i] * w0 + x[2 * i + 1] * w1;
        if (meaning == 2 && pair[i] > INT16_MAX) pair[i] = INT16_MAX;
        if (meaning == 2 && pair[i] < INT16_MIN) pair[i] = INT16_MIN;
    }
    return pair[0] + pair[1];
}

/* Values come through volatile so that they are computed at run time, not folded. */
static bool dot_means(int meaning) {
    static const int8_t xs[16] = {127, 127, -3, 5, -127, -127, 9, 100, 1, 2, 3, 4, -128, 0, 127, -1};
    static const uint8_t ws[16] = {255, 255, 200, 1, 255, 250, 128, 127, 1, 2, 3, 4, 255, 9, 0, 255};
    volatile int8_t x[16];
    volatile uint8_t w[16];
    for (int i = 0; i < 16; i++) x[i] = xs[i], w[i] = ws[i];
    v128_t sum = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(
        wasm_v128_load((const void *)x), wasm_v128_load((const void *)w), wasm_i32x4_splat(7));
    int32_t got[4];
    wasm_v128_store(got, sum);
    bool same = true;
    for (int i = 0; i < 4; i++) same &= got[i] == 7 + dot_model(xs + 4 * i, ws + 4 * i, meaning);
    return same;
}

/* (1 + e)^2 - (1 + 2 e) is e^2 when the product is not rounded, else 0. */
static bool madd_is_fused(void) {
    volatile float e = 0x1p-13f;
    v128_t a = wasm_f32x4_splat(1.0f + e), c = wasm_f32x4_splat(-(1.0f + 2.0f * e));
    return wasm_f32x4_extract_lane(wasm_f32x4_relaxed_madd(a, a, c), 0) == 0x1p-26f;
}

static const rz_kern *relaxed_table(void) {
    static const rz_kern *const tables[] = {&rz_kern_relaxed_u8, &rz_kern_relaxed_s8,
                                            &rz_kern_relaxed_sat};
    if (!madd_is_fused()) return NULL;
    for (int meaning = 0; meaning < 3; meaning++) {
        if (dot_means(meaning)) return tables[meaning];
    }
    return NULL;
}
#endif

/* Best first. */
static const rz_kern *usable_table(uint32_t flag) {
    switch (flag) {
#if defined(__x86_64__)
    case RZ_KERN_AMX: return has_amx() ? &rz_kern_amx : NULL;
    case RZ_KERN_AVX512: return has_avx512() ? &rz_kern_avx512 : NULL;
    case RZ_KERN_VNNI: return has_vnni() ? &rz_kern_vnni : NULL;
    case RZ_KERN_AVX2: return has_avx2() ? &rz_kern_avx2 : NULL;
#endif
#if defined(__aarch64__)
    case RZ_KERN_NEON_DOT: return has_sdot() ? &rz_kern_neon_dot : NULL;
    case RZ_KERN_NEON: return &rz_kern_neon;
#endif
#if defined(__wasm_relaxed_simd__)
    case RZ_KERN_RELAXED: return relaxed_table();
#elif defined(__wasm_simd128__)
    case RZ_KERN_SIMD128: return &rz_kern_simd128;
#endif
#if !defined(RZ_NO_SCALAR)
    case RZ_KERN_SCALAR: return &rz_kern_scalar;
#endif
    default: return NULL;
    }
}

static const uint32_t best_first[] = {RZ_KERN_AMX,      RZ_KERN_AVX512, RZ_KERN_VNNI,
                                      RZ_KERN_AVX2,     RZ_KERN_NEON_DOT, RZ_KERN_NEON,
                                      RZ_KERN_RELAXED,  RZ_KERN_SIMD128, RZ_KERN_SCALAR};
enum { n_tables = sizeof best_first / sizeof best_first[0] };

const rz_kern *rz_kern_choose(uint32_t mask, uint32_t *flag) {
    for (int i = 0; i < n_tables; i++) {
        if (mask && !(mask & best_first[i])) continue;
        const rz_kern *table = usable_table(best_first[i]);
        if (!table) continue;
        if (flag) *flag = best_first[i];
        return table;
    }
    return NULL;
}

uint32_t rz_kernels_usable(void) {
    uint32_t mask = 0;
    for (int i = 0; i < n_tables; i++) {
        if (usable_table(best_first[i])) mask |= best_first[i];
    }
    return mask;
}
