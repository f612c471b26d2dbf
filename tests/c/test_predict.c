/*
 * test_predict.c: predictors (src/predict.c) and the .apr files they come from (src/apr.c): every
 * kind by hand-computed results, the published sample, damage of every byte, refusals in words.
 */
#include <math.h>

#include "apr_file.h"
#include "budget.h"
#include "check.h"

static rz_predictor *opened(host_file file) {
    rz_predictor *p = NULL;
    rz_err err = {0};
    int result = rz_predictor_apr(file.bytes, file.n, NULL, &p, &err);
    CHECK(result == RZ_OK, "%s", err.text);
    return p;
}

static float predict(const rz_predictor *p, float a, float b, float c) {
    const float x[3] = {a, b, c};
    float out = NAN;
    rz_predict(p, x, &out);
    return out;
}

static void every_kind(void) {
    static const struct {
        const char *kind;
        uint32_t n_in, exact;
        float x[3], out;
    } cases[APR_KINDS] = {
        {"LinearRegression", 2, 1, {2, 3}, -2.75f},
        {"Ridge", 2, 1, {2, 3}, -2.75f},
        {"Lasso", 2, 1, {0, 0}, 0.25f},
        {"ElasticNet", 2, 1, {4, 1}, 4.25f},
        {"LogisticRegression", 2, 1, {2, 3}, 0.060086650f},
        {"DecisionTreeClassifier", 3, 0, {0.6f, 0, 0}, 7},
        {"DecisionTreeRegressor", 3, 0, {0.5f, 9, 1.1f}, 2.5f},
        {"RandomForestClassifier", 3, 0, {1, 0, 0}, 1},
        {"RandomForestRegressor", 3, 0, {1, 0, 0}, 2.0f / 3},
        {"KMeans", 2, 1, {3, 2.4f}, 1},
    };
    for (int i = 0; i < APR_KINDS; i++) {
        host_file file = apr_file((enum apr_kind)i);
        rz_predictor *p = opened(file);
        free(file.bytes); /* not needed any more */
        if (!p) continue;
        rz_predictor_info info;
        rz_predictor_info_get(p, &info);
        CHECK(strcmp(rz_predictor_kind(p), cases[i].kind) == 0, "%s", rz_predictor_kind(p));
        CHECK(info.n_in == cases[i].n_in && info.n_out == 1 && info.exact == cases[i].exact,
              "%s: %u features, %u outputs", cases[i].kind, info.n_in, info.n_out);
        float out = predict(p, cases[i].x[0], cases[i].x[1], cases[i].x[2]);
        CHECK(out == cases[i].out, "%s: %.9g", cases[i].kind, (double)out);
        rz_predictor_close(&p);
        CHECK(p == NULL, "a handle was left");
    }
}

static void trees_take_every_branch(void) {
    host_file file = apr_file(APR_TREE_CLASSIFIER);
    rz_predictor *p = opened(file);
    if (p) {
        CHECK(predict(p, 0.5f, 0, 1) == 0 && predict(p, 0.5f, 0, 1.5f) == 1, "left");
        CHECK(predict(p, 1, 0, 0) == 7 && predict(p, NAN, 0, 0) == 7, "right");
    }
    rz_predictor_close(&p);
    free(file.bytes);
    file = apr_file(APR_FOREST_CLASSIFIER);
    p = opened(file);
    if (p) CHECK(predict(p, 0, 0, 0) == 2 && predict(p, 0, 0, 2) == 0, "votes: 2 2 0, 1 0 0");
    rz_predictor_close(&p);
    free(file.bytes);
}

/* A tree as deep as it has nodes: nothing recurses. */
static void deep_tree(void) {
    const size_t depth = 200000, bytes = 1 + depth * 16 + (depth + 1) * 20 + 1;
    unsigned char *payload = calloc(1, bytes), *at = payload + 1;
    payload[0] = 1;
    at += depth * 16; /* tag 0, feature 0, threshold 0 */
    for (size_t i = 0; i <= depth; i++, at += 20) {
        at[0] = 1;
        at[4] = i == 0; /* the leftmost leaf is class 1 */
    }
    host_file file = apr_wrap(3, payload, bytes);
    rz_predictor *p = opened(file);
    if (p) CHECK(predict(p, 0, 0, 0) == 1 && predict(p, 1, 0, 0) == 0, "deep tree");
    rz_predictor_close(&p);
    free(file.bytes), free(payload);
}

static void sample(void) {
    const char *dir = fixtures("the published .apr sample");
    char path[1024];
    if (!dir) return;
    snprintf(path, sizeof path, "%s/apr/mnist_784x2.apr", dir);
    host_file file = host_read(path);
    rz_predictor *p = opened(file);
    if (p) {
        static float x[784];
        float out[3];
        rz_predict(p, x, &out[0]);
        for (int i = 0; i < 784; i++) x[i] = 0.5f;
        rz_predict(p, x, &out[1]);
        for (int i = 0; i < 784; i++) x[i] = (float)(i % 256) / 255;
        rz_predict(p, x, &out[2]);
        CHECK(fabsf(out[0] - 0.502792716f) < 2e-7f && fabsf(out[1] - 0.900174558f) < 2e-7f &&
                  fabsf(out[2] - 0.897106f) < 1e-6f,
              "%.9g %.9g %.9g", (double)out[0], (double)out[1], (double)out[2]);
    }
    rz_predictor_close(&p);
    free(file.bytes);
}

static void layers(void) {
    static const float w0[] = {1, -1, 2, 0.5f, -1, 3}, b0[] = {0, -1, 0.5f}, w1[] = {1, 2, -1};
    const rz_dense net[] = {{3, 2, RZ_DENSE_RELU, w0, b0}, {1, 3, RZ_DENSE_LINEAR, w1, NULL}};
    rz_predictor *p;
    rz_err err;
    CHECK(rz_predictor_dense(net, 2, NULL, &p, &err) == RZ_OK, "%s", err.text);
    /* relu(-1) = 0, relu(2 + 1 - 1) = 2, relu(-1 + 6 + 0.5) = 5.5 */
    CHECK(predict(p, 1, 2, 0) == 4 - 5.5f, "%g", (double)predict(p, 1, 2, 0));
    CHECK(strcmp(rz_predictor_kind(p), "MLP") == 0, "%s", rz_predictor_kind(p));
    rz_predictor_close(&p);
    const rz_dense last[] = {{1, 3, RZ_DENSE_TANH, w1, NULL}};
    CHECK(rz_predictor_dense(last, 1, NULL, &p, &err) == RZ_OK, "%s", err.text);
    CHECK(fabsf(predict(p, 0.1f, 0.2f, 0.3f) - tanhf(0.2f)) < 1e-7f, "tanh");
    CHECK(predict(p, 1e9f, 0, 0) == 1 && predict(p, -1e9f, 0, 0) == -1, "tanh far away");
    rz_predictor_close(&p);
}

/* Features of any size come out as a number, infinity or NaN. */
static void huge_features(void) {
    host_file file = apr_file(APR_LOGISTIC);
    rz_predictor *p = opened(file);
    if (p) {
        CHECK(predict(p, 1e38f, 0, 0) == 1 && predict(p, 0, 1e38f, 0) == 0, "far away");
        CHECK(isnan(predict(p, INFINITY, INFINITY, 0)) && isnan(predict(p, NAN, 0, 0)), "no number");
    }
    rz_predictor_close(&p);
    free(file.bytes);
}

/* All lengths of rows: the tail of a product counts once. */
static void every_width(void) {
    static float w[70], x[70];
    for (int i = 0; i < 70; i++) w[i] = (float)(i % 7) - 3, x[i] = (float)(i % 5) + 1;
    for (uint32_t n = 1; n <= 70; n++) {
        const rz_dense one = {1, n, RZ_DENSE_LINEAR, w, NULL};
        rz_predictor *p;
        float out, want = 0;
        if (rz_predictor_dense(&one, 1, NULL, &p, NULL) < 0) continue;
        rz_predict(p, x, &out);
        for (uint32_t i = 0; i < n; i++) want += w[i] * x[i];
        CHECK(out == want, "%u features: %g, not %g", n, (double)out, (double)want);
        rz_predictor_close(&p);
    }
}

static void refused(host_file file, int code, const char *text) {
    rz_predictor *p = NULL;
    rz_err err = {0};
    int result = rz_predictor_apr(file.bytes, file.n, NULL, &p, &err);
    CHECK(result == code && p == NULL && strcmp(err.text, text) == 0, "%d: %s", result, err.text);
    rz_predictor_close(&p);
}

static void changed(size_t at, unsigned char value, int code, const char *text) {
    host_file file = apr_file(APR_LOGISTIC);
    file.bytes[at] = value;
    apr_seal(file);
    refused(file, code, text);
    free(file.bytes);
}

static void refusals(void) {
    refused((host_file){(unsigned char *)"GGUF", 4}, RZ_E_FORMAT,
            "not an .apr file of version 1: it does not start with APRN");
    refused((host_file){(unsigned char *)"APRN\1\0", 6}, RZ_E_TRUNCATED,
            ".apr: 6 bytes are too few for a header");
    changed(4, 2, RZ_E_UNSUPPORTED, ".apr: version 2 is not supported, only 1");
    changed(20, 1, RZ_E_UNSUPPORTED, ".apr: the payload is compressed with zstd: decompress it first");
    changed(20, 3, RZ_E_UNSUPPORTED, ".apr: the payload is compressed with lz4: decompress it first");
    changed(21, 1, RZ_E_UNSUPPORTED, ".apr: the file is encrypted");
    changed(6, 0x10, RZ_E_UNSUPPORTED,
            ".apr: a model of type NgramLM (10) cannot predict here; linear and logistic regressions, "
            "decision trees, random forests and KMeans can");
    changed(6, 6, RZ_E_FORMAT, ".apr: the payload is no KMeans");
    changed(33, 0, RZ_E_FORMAT, ".apr: the payload is no LogisticRegression");
    changed(40, 0x7f, RZ_E_FORMAT, ".apr: the payload is no LogisticRegression");
    changed(8, 200, RZ_E_TRUNCATED, ".apr: the header speaks of 273 bytes, the file has 74");
    const unsigned char untrained[21] = {0};
    host_file file = apr_wrap(2, untrained, sizeof untrained);
    refused(file, RZ_E_VALUE, ".apr: this LogisticRegression was never trained");
    free(file.bytes);
    file = apr_file(APR_LINEAR);
    memset(file.bytes + 42, 0xff, 4);
    apr_seal(file);
    refused(file, RZ_E_VALUE, ".apr: this LinearRegression holds NaN or infinity");
    free(file.bytes);
    file = apr_wrap(2, untrained, sizeof untrained);
    const uint32_t lengths[2] = {10, (uint32_t)file.n - 42}; /* at bytes 10 and 14 */
    memcpy(file.bytes + 10, lengths, 8);
    refused(file, RZ_E_UNSUPPORTED,
            ".apr: this file has the layout of realizar 0.3, which only that version read");
    free(file.bytes);
}

/* A flipped bit is found by the checksum, a cut by the lengths, whatever the kind. */
static void damage(void) {
    for (int kind = 0; kind < APR_KINDS; kind++) {
        host_file file = apr_file((enum apr_kind)kind);
        rz_predictor *p;
        for (size_t i = 0; i < file.n * 8; i++) {
            file.bytes[i / 8] ^= (unsigned char)(1 << i % 8);
            CHECK(rz_predictor_apr(file.bytes, file.n, NULL, &p, NULL) < 0, "bit %zu", i);
            file.bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        }
        for (size_t n = 0; n < file.n; n++) {
            CHECK(rz_predictor_apr(file.bytes, n, NULL, &p, NULL) < 0, "%zu bytes", n);
        }
        free(file.bytes);
    }
}

static void no_memory(void) {
    host_file file = apr_file(APR_FOREST_CLASSIFIER);
    budget b;
    rz_predictor *p;
    rz_err err;
    budget_open(&b);
    b.fail_at = 1;
    CHECK(rz_predictor_apr(file.bytes, file.n, &b.allocator, &p, &err) == RZ_E_MEMORY &&
              strcmp(err.text, "no memory for a predictor of 1 MB") == 0,
          "%s", err.text);
    CHECK(rz_predictor_apr(file.bytes, file.n, &b.allocator, &p, &err) == RZ_OK, "%s", err.text);
    rz_predictor_info info;
    rz_predictor_info_get(p, &info);
    CHECK(info.memory_bytes == b.now && b.calls == 2, "%zu bytes", b.now);
    rz_predictor_close(&p);
    CHECK(b.now == 0 && b.wrong_frees == 0, "left behind");
    free(file.bytes);
}

static void bad_layers(void) {
    static const float w[4] = {1, 2, 3, NAN};
    const rz_dense two[] = {{1, 2, 0, w, NULL}, {1, 2, 0, w, NULL}}, none = {0, 2, 0, w, NULL},
                   act = {1, 2, 9, w, NULL}, nan = {1, 4, 0, w, NULL};
    rz_predictor *p;
    rz_err err;
    CHECK(rz_predictor_dense(two, 2, NULL, &p, &err) == RZ_E_SHAPE &&
              strcmp(err.text, "layer 1 takes 2 numbers, the one before gives 1") == 0, "%s", err.text);
    CHECK(rz_predictor_dense(two, 0, NULL, &p, &err) == RZ_E_ARG, "%s", err.text);
    CHECK(rz_predictor_dense(&none, 1, NULL, &p, &err) == RZ_E_SHAPE, "%s", err.text);
    CHECK(rz_predictor_dense(&act, 1, NULL, &p, &err) == RZ_E_ARG, "%s", err.text);
    CHECK(rz_predictor_dense(&nan, 1, NULL, &p, &err) == RZ_E_VALUE && p == NULL, "%s", err.text);
}

int main(void) {
    TEST(every_kind);
    TEST(trees_take_every_branch);
    TEST(deep_tree);
    TEST(sample);
    TEST(layers);
    TEST(every_width);
    TEST(huge_features);
    TEST(refusals);
    TEST(damage);
    TEST(no_memory);
    TEST(bad_layers);
    return check_summary("test_predict");
}
