/*
 * sample.c: see sample.h. Sources: top-k (Fan et al. 2018), top-p (Holtzman et al. 2020), min-p
 * (Nguyen et al. 2024), repetition penalty (Keskar et al. 2019), SplitMix64 (Steele et al. 2014).
 */
#include "sample.h"

#include "kern/fmath.h"

void rz_sample_reset(rz_sampler *s, const rz_sampling *options) {
    s->options = *options;
    s->random = options->seed;
}

/* Uniform in [0, 1), 53 bits. */
static double next_random(rz_sampler *s) {
    uint64_t z = s->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Index of the first largest logit, or RZ_NO_TOKEN. */
static uint32_t largest(const float *logits, uint32_t n) {
    uint32_t best = RZ_NO_TOKEN;
    float most = -__builtin_inff();
    for (uint32_t i = 0; i < n; i++) {
        if (logits[i] != logits[i]) return RZ_NO_TOKEN;
        if (logits[i] > most) {
            most = logits[i];
            best = i;
        }
    }
    return most < __builtin_inff() ? best : RZ_NO_TOKEN;
}

/* Larger first; of equals the smaller id. */
static bool before(const rz_candidate *a, const rz_candidate *b) {
    return a->value != b->value ? a->value > b->value : a->id < b->id;
}

/* Keeps the worst of the heap on top. */
static void sift_down(rz_candidate *heap, uint32_t i, uint32_t n) {
    rz_candidate moved = heap[i];
    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&heap[child], &heap[child + 1])) child++;
        if (!before(&moved, &heap[child])) break;
        heap[i] = heap[child];
    }
    heap[i] = moved;
}

/* The k best of n logits, best first. */
static void take_best(rz_candidate *heap, uint32_t k, const float *logits, uint32_t n) {
    for (uint32_t i = 0; i < k; i++) heap[i] = (rz_candidate){i, logits[i]};
    for (uint32_t i = k / 2; i-- > 0;) sift_down(heap, i, k);
    for (uint32_t i = k; i < n; i++) {
        rz_candidate c = {i, logits[i]};
        if (!before(&c, &heap[0])) continue;
        heap[0] = c;
        sift_down(heap, 0, k);
    }
    for (uint32_t end = k; end-- > 1;) {
        rz_candidate worst = heap[0];
        heap[0] = heap[end];
        heap[end] = worst;
        sift_down(heap, 0, end);
    }
}

/* How many of the sorted candidates top-p and min-p leave; at least one. */
static uint32_t cut_tail(const rz_sampling *o, const rz_candidate *c, uint32_t n) {
    if (o->top_p < 1) {
        float total = 0, sum = 0;
        for (uint32_t i = 0; i < n; i++) total += rz_expf(c[i].value - c[0].value);
        for (uint32_t i = 0; i < n; i++) {
            sum += rz_expf(c[i].value - c[0].value);
            if (sum >= o->top_p * total) {
                n = i + 1;
                break;
            }
        }
    }
    if (o->min_p > 0) {
        while (n > 1 && rz_expf(c[n - 1].value - c[0].value) < o->min_p) n--;
    }
    return n;
}

static uint32_t draw(rz_sampler *s, const float *logits, uint32_t n_vocab) {
    const rz_sampling *o = &s->options;
    uint32_t best = largest(logits, n_vocab);
    if (best == RZ_NO_TOKEN || o->temperature <= 0 || o->top_k == 1) return best;

    rz_candidate *c = s->sorted;
    uint32_t n = o->top_k && o->top_k < n_vocab ? o->top_k : n_vocab;
    take_best(c, n, logits, n_vocab);
    n = cut_tail(o, c, n);
    float sum = 0;
    for (uint32_t i = n; i-- > 0;) {
        c[i].value = rz_expf((c[i].value - c[0].value) / o->temperature);
        sum += c[i].value;
    }
    double left = next_random(s) * sum;
    for (uint32_t i = 0; i < n; i++) {
        left -= c[i].value;
        if (left < 0) return c[i].id;
    }
    return c[n - 1].id;
}

/* Each token of the window is penalised once, however often it occurs. */
uint32_t rz_sample(rz_sampler *s, float *logits, uint32_t n_vocab, const uint32_t *recent,
                   uint32_t n_recent) {
    const float penalty = s->options.repeat_penalty;
    uint32_t n = penalty == 1 ? 0 : rz_min_u32(n_recent, s->options.repeat_last);
    recent += n_recent - n;
    for (uint32_t i = 0; i < n; i++) s->kept[i] = logits[recent[i]];
    for (uint32_t i = 0; i < n; i++) {
        float x = s->kept[i];
        logits[recent[i]] = x > 0 ? x / penalty : x * penalty;
    }
    uint32_t id = draw(s, logits, n_vocab);
    for (uint32_t i = 0; i < n; i++) logits[recent[i]] = s->kept[i];
    return id;
}
