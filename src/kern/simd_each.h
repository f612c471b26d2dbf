/*
 * simd_each.h: sums and largest lanes of several vectors at once, one after the other: for tables that gain nothing from
 * folding them together, as simd_avx512.h does.
 */
#ifndef RZ_SIMD_EACH_H
#define RZ_SIMD_EACH_H

/* Lane i is the sum of the lanes of v[i], for n vectors. */
static inline vf vf_sum_each(const vf *v, uint32_t n) {
    float sum[NR] = {0};
    for (uint32_t i = 0; i < n; i++) sum[i] = vf_sum(v[i]);
    return vf_load(sum);
}

/* Lane i is the largest lane of v[i]. */
static inline vf vf_largest_each(const vf *v, uint32_t n) {
    float largest[NR] = {0};
    for (uint32_t i = 0; i < n; i++) largest[i] = vf_largest(v[i]);
    return vf_load(largest);
}

#endif
