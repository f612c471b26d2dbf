/*
 * test_sample.c: logits to a token (src/sample.c): exact sets of candidates, expected frequencies,
 * the repetition penalty's values, what is not a number, and the ids that a seed gives for good.
 */
#include <math.h>

#include "../../src/sample.h"
#include "check.h"
#include "random.h"

enum { most_tokens = 64, most_recent = 1 << 20 };

typedef struct {
    rz_sampler s;
    rz_candidate sorted[most_tokens];
    float kept[most_recent];
} sampler;

static sampler *new_sampler(rz_sampling options) {
    sampler *s = calloc(1, sizeof *s);
    s->s.sorted = s->sorted;
    s->s.kept = s->kept;
    rz_sample_reset(&s->s, &options);
    return s;
}

static rz_sampling plain(float temperature) {
    return (rz_sampling){.temperature = temperature, .top_p = 1, .repeat_penalty = 1};
}

/* One draw from a copy of the logits. */
static uint32_t draw(sampler *s, const float *logits, uint32_t n) {
    float copy[most_tokens];
    memcpy(copy, logits, n * sizeof *logits);
    return rz_sample(&s->s, copy, n, NULL, 0);
}

/* ---- greedy ---------------------------------------------------------------------------------- */

static void greedy(void) {
    const float logits[6] = {1, 3, -2, 3, 3, 0}, falling[3] = {5, 4, 3}, negative[3] = {-9, -7, -8};
    const float masked[3] = {-INFINITY, -1e30f, -INFINITY};
    for (int t = 0; t > -3; t--) {
        sampler *s = new_sampler(plain((float)t));
        CHECK(draw(s, logits, 6) == 1, "the first of equals");
        CHECK(draw(s, falling, 3) == 0 && draw(s, negative, 3) == 1 && draw(s, masked, 3) == 1,
              "the largest");
        CHECK(draw(s, falling, 1) == 0, "one token");
        free(s);
    }
}

/* top_k = 1 is greedy at any temperature. */
static void top_1(void) {
    random_state r = {3};
    for (int i = 0; i < 500; i++) {
        float logits[most_tokens];
        rz_sampling o = plain(2);
        for (int j = 0; j < most_tokens; j++) logits[j] = floorf(random_float(&r) * 8);
        o.top_k = 1;
        o.seed = random_u64(&r);
        sampler *one = new_sampler(o), *best = new_sampler(plain(0));
        CHECK(draw(one, logits, most_tokens) == draw(best, logits, most_tokens), "round %d", i);
        free(one), free(best);
    }
}

/* ---- sets and frequencies -------------------------------------------------------------------- */

/* Draws 100,000 times: token i comes about weight[i] / sum times, within 5 standard deviations of a
 * binomial distribution (one in 1.7 million by chance; the seed is fixed), and never for weight 0.
 */
static void check_frequencies(const char *what, rz_sampling o, const float *logits,
                              const double *weight, uint32_t n) {
    enum { draws = 100000 };
    uint32_t hits[most_tokens] = {0};
    double sum = 0;
    o.seed = 42;
    sampler *s = new_sampler(o);
    for (int i = 0; i < draws; i++) {
        uint32_t id = draw(s, logits, n);
        CHECK(id < n, "%s: token %u", what, id);
        if (id < n) hits[id]++;
    }
    for (uint32_t i = 0; i < n; i++) sum += weight[i];
    for (uint32_t i = 0; i < n; i++) {
        double p = weight[i] / sum, sigma = sqrt(draws * p * (1 - p));
        CHECK(fabs(hits[i] - draws * p) <= 5 * sigma, "%s: token %u %u times, expected %g +- %g",
              what, i, hits[i], draws * p, sigma);
    }
    free(s);
}

/* Logits whose probabilities are .4 .3 .15 .1 .05, not in order. */
static const double shares[5] = {0.1, 0.4, 0.05, 0.3, 0.15};

static void fill_logits(float *logits) {
    for (int i = 0; i < 5; i++) logits[i] = (float)log(shares[i]) + 3;
}

static void temperatures(void) {
    static const float temperatures[] = {0.3f, 0.7f, 1, 2, 100};
    float logits[5];
    fill_logits(logits);
    for (int t = 0; t < 5; t++) {
        double weight[5];
        for (int i = 0; i < 5; i++) weight[i] = pow(shares[i], 1 / temperatures[t]);
        check_frequencies("temperature", plain(temperatures[t]), logits, weight, 5);
    }
}

static void only_the_best(void) {
    float logits[5];
    fill_logits(logits);
    for (uint32_t k = 0; k <= 6; k++) { /* 0, 5 and 6 keep all */
        static const int rank[5] = {3, 0, 4, 1, 2};
        double weight[5];
        rz_sampling o = plain(1);
        o.top_k = k;
        for (int i = 0; i < 5; i++) weight[i] = k == 0 || rank[i] < (int)k ? shares[i] : 0;
        check_frequencies("top_k", o, logits, weight, 5);
    }
}

/* Draws where every token whose share is at least `least` stays. */
static void check_cut(const char *what, rz_sampling o, double least) {
    float logits[5];
    double weight[5];
    fill_logits(logits);
    for (int i = 0; i < 5; i++) weight[i] = shares[i] >= least ? shares[i] : 0;
    check_frequencies(what, o, logits, weight, 5);
}

/* A probability, and the share of the least likely token that stays. */
typedef struct {
    float p;
    double least;
} cut;

/* The set whose mass first reaches p: .4, .7, .85, .95, 1. */
static void nucleus(void) {
    static const cut cases[] = {{-1, 0.4},     {0, 0.4},      {0.39f, 0.4}, {0.41f, 0.3},
                                {0.69f, 0.3},  {0.71f, 0.15}, {0.86f, 0.1}, {0.94f, 0.1},
                                {0.96f, 0.05}, {1, 0.05},     {2, 0.05}};
    rz_sampling o = plain(1);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        o.top_p = cases[c].p;
        check_cut("top_p", o, cases[c].least);
    }
}

/* Tokens below p times .4 go. */
static void minimum(void) {
    static const cut cases[] = {{0, 0.05},    {-1, 0.05},   {0.12f, 0.05}, {0.13f, 0.1}, {0.26f, 0.15},
                                {0.38f, 0.3}, {0.76f, 0.4}, {1, 0.4},      {2, 0.4}};
    rz_sampling o = plain(1);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        o.min_p = cases[c].p;
        check_cut("min_p", o, cases[c].least);
    }
}

/* Cuts come before the temperature: hot draws from a nucleus measured cold. */
static void in_order(void) {
    float logits[5];
    rz_sampling o = plain(100);
    double weight[5];
    fill_logits(logits);
    o.top_p = 0.6f;
    for (int i = 0; i < 5; i++) weight[i] = shares[i] >= 0.3 ? pow(shares[i], 0.01) : 0;
    check_frequencies("top_p before temperature", o, logits, weight, 5);
    o = plain(1); /* top_k first: .4 of what is left of the best three reaches .45 */
    o.top_k = 3;
    o.top_p = 0.45f;
    for (int i = 0; i < 5; i++) weight[i] = shares[i] >= 0.4 ? shares[i] : 0;
    check_frequencies("top_k before top_p", o, logits, weight, 5);
}

/* Equal logits: the candidates with the smaller ids stay. */
static void ties_at_the_cut(void) {
    const float logits[6] = {1, 1, 1, 1, 1, 1};
    const double weight[6] = {1, 1, 0, 0, 0, 0};
    rz_sampling o = plain(1);
    o.top_k = 2;
    check_frequencies("equal logits", o, logits, weight, 6);
}

static void hidden_tokens(void) {
    const float logits[4] = {-INFINITY, 0, -INFINITY, 0};
    const double weight[4] = {0, 1, 0, 1};
    check_frequencies("minus infinity", plain(1), logits, weight, 4);
    const float far[3] = {1e30f, -1e30f, -3e38f};
    const double first[3] = {1, 0, 0};
    check_frequencies("far apart", plain(1), far, first, 3);
}

/* The support again, over many seeds and one draw each. */
static void every_seed(void) {
    float logits[5];
    uint32_t hits[5] = {0};
    rz_sampling o = plain(1);
    fill_logits(logits);
    o.top_k = 4;
    o.min_p = 0.3f;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        o.seed = seed;
        sampler *s = new_sampler(o);
        uint32_t id = draw(s, logits, 5);
        if (id < 5) hits[id]++;
        free(s);
    }
    CHECK(hits[0] == 0 && hits[2] == 0, "tokens that were cut");
    CHECK(hits[1] + hits[3] + hits[4] == 20000, "all draws");
    /* .4 .3 .15 of .85, 5 standard deviations: 353 */
    CHECK(abs((int)hits[1] - 9412) < 353 && abs((int)hits[3] - 7059) < 353 &&
              abs((int)hits[4] - 3529) < 353,
          "%u %u %u", hits[1], hits[3], hits[4]);
}

/* ---- seeds ----------------------------------------------------------------------------------- */

/* A seed gives these ids on every host, for good: changing them breaks recorded conversations. The
 * ids were computed by a second implementation, in Python. */
static void recorded_ids(void) {
    static const uint32_t want[16] = {27, 18, 13, 18, 12, 4, 22, 18, 4, 26, 4, 4, 22, 18, 27, 9};
    float logits[32];
    rz_sampling o = {.temperature = 0.8f,
                     .top_k = 20,
                     .top_p = 0.95f,
                     .min_p = 0.02f,
                     .repeat_penalty = 1,
                     .seed = 1234567};
    for (int i = 0; i < 32; i++) logits[i] = (float)(i * 7 % 32) / 8;
    sampler *s = new_sampler(o), *again = new_sampler(o);
    uint32_t ids[16];
    for (int i = 0; i < 16; i++) ids[i] = draw(s, logits, 32);
    for (int i = 0; i < 16; i++) {
        CHECK(ids[i] == want[i], "draw %d is %u, recorded is %u", i, ids[i], want[i]);
        CHECK(draw(again, logits, 32) == ids[i], "draw %d again", i);
    }
    o.seed++;
    rz_sample_reset(&again->s, &o);
    bool other = false;
    for (int i = 0; i < 16; i++) other |= draw(again, logits, 32) != ids[i];
    CHECK(other, "another seed draws the same");
    free(s), free(again);
}

/* ---- repetition ------------------------------------------------------------------------------ */

/* Whether a token's penalised logit is `want`: it wins against a token behind it with that logit, and
 * loses against one with the next larger float. The logits stay as they are. */
static bool penalised(sampler *s, uint32_t token, float logit, float want, const uint32_t *recent,
                      uint32_t n_recent) {
    float logits[most_tokens];
    bool same = true;
    for (int larger = 0; larger < 2; larger++) {
        for (int i = 0; i < most_tokens; i++) logits[i] = -INFINITY;
        logits[token] = logit;
        logits[most_tokens - 1] = larger ? nextafterf(want, INFINITY) : want;
        same &= rz_sample(&s->s, logits, most_tokens, recent, n_recent) ==
                (larger ? most_tokens - 1 : token);
        same &= logits[token] == logit;
    }
    return same;
}

static void penalty_values(void) {
    float logits[6] = {2, -2, 0, 4, -4, 6};
    const uint32_t recent[6] = {5, 0, 1, 2, 0, 0};
    rz_sampling o = plain(0);
    o.repeat_penalty = 2;
    o.repeat_last = 5;
    sampler *s = new_sampler(o);
    CHECK(rz_sample(&s->s, logits, 6, recent, 6) == 5, "token 5 is outside the window");
    const float want[6] = {1, -4, 0, 4, -4, 6}; /* once each, however often they occur */
    for (uint32_t i = 0; i < 6; i++) CHECK(penalised(s, i, logits[i], want[i], recent, 6), "logit %u", i);
    o.repeat_last = 6;
    rz_sample_reset(&s->s, &o);
    CHECK(rz_sample(&s->s, logits, 6, recent, 6) == 3, "6 / 2 is less than 4");
    CHECK(penalised(s, 5, 6, 3, recent, 6), "token 5 is in the window");
    o.repeat_last = 100; /* more than there are */
    o.repeat_penalty = 0.5f;
    rz_sample_reset(&s->s, &o);
    CHECK(rz_sample(&s->s, logits, 6, recent, 1) == 5 && penalised(s, 5, 3, 6, recent, 1),
          "below 1 favours");
    const float untouched[6] = {2, -2, 0, 4, -4, 6};
    CHECK(memcmp(logits, untouched, sizeof logits) == 0, "the logits are the model's");
    free(s);
}

/* A window of a million tokens is no more than that many steps. */
static void long_window(void) {
    enum { n_recent = most_recent };
    uint32_t *recent = malloc(n_recent * sizeof *recent);
    float logits[most_tokens];
    rz_sampling o = plain(0);
    for (uint32_t i = 0; i < n_recent; i++) recent[i] = i % (most_tokens - 1);
    for (int i = 0; i < most_tokens; i++) logits[i] = (float)(i + 1);
    o.repeat_penalty = 4;
    o.repeat_last = n_recent;
    sampler *s = new_sampler(o);
    CHECK(rz_sample(&s->s, logits, most_tokens, recent, n_recent) == most_tokens - 1,
          "the free one");
    for (uint32_t i = 0; i < most_tokens - 1; i++) {
        CHECK(penalised(s, i, (float)(i + 1), (float)(i + 1) / 4, recent, n_recent), "logit %u", i);
    }
    for (int i = 0; i < most_tokens; i++) CHECK(logits[i] == (float)(i + 1), "logit %d", i);
    free(s), free(recent);
}

static void penalty_off(void) {
    float logits[3] = {1, 2, 3};
    const uint32_t recent[2] = {2, 1};
    rz_sampling o = plain(0);
    o.repeat_last = 2;
    sampler *s = new_sampler(o);
    CHECK(rz_sample(&s->s, logits, 3, recent, 2) == 2, "a penalty of 1 is none");
    o.repeat_last = 0;
    o.repeat_penalty = 9;
    rz_sample_reset(&s->s, &o);
    CHECK(rz_sample(&s->s, logits, 3, recent, 2) == 2, "no window");
    CHECK(logits[0] == 1 && logits[1] == 2 && logits[2] == 3, "untouched");
    free(s);
}

/* ---- not numbers ------------------------------------------------------------------------------
 */

static void not_numbers(void) {
    static const float temperatures[] = {0, 1};
    for (int t = 0; t < 2; t++) {
        sampler *s = new_sampler(plain(temperatures[t]));
        for (uint32_t at = 0; at < 5; at++) {
            float logits[5];
            fill_logits(logits);
            logits[at] = NAN;
            CHECK(draw(s, logits, 5) == RZ_NO_TOKEN, "NaN at %u", at);
            logits[at] = INFINITY;
            CHECK(draw(s, logits, 5) == RZ_NO_TOKEN, "infinity at %u", at);
            logits[at] = -INFINITY;
            CHECK(draw(s, logits, 5) < 5, "minus infinity at %u", at);
        }
        const float none[3] = {-INFINITY, -INFINITY, -INFINITY};
        CHECK(draw(s, none, 3) == RZ_NO_TOKEN, "all hidden");
        free(s);
    }
}

/* The smallest and largest temperatures that are allowed. */
static void extreme_temperatures(void) {
    float logits[5];
    fill_logits(logits);
    sampler *s = new_sampler(plain(0x1p-149f));
    for (int i = 0; i < 100; i++) CHECK(draw(s, logits, 5) == 1, "next to no temperature");
    free(s);
    const double weight[5] = {1, 1, 1, 1, 1};
    check_frequencies("a huge temperature", plain(3e38f), logits, weight, 5);
}

int main(void) {
    TEST(greedy);
    TEST(top_1);
    TEST(temperatures);
    TEST(only_the_best);
    TEST(nucleus);
    TEST(minimum);
    TEST(in_order);
    TEST(ties_at_the_cut);
    TEST(hidden_tokens);
    TEST(every_seed);
    TEST(recorded_ids);
    TEST(penalty_values);
    TEST(long_window);
    TEST(penalty_off);
    TEST(not_numbers);
    TEST(extreme_temperatures);
    return check_summary("test_sample");
}
