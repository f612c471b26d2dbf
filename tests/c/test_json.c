/* test_json.c: the JSON reader: values, strings, numbers, nesting, and what is not JSON. */
#include <math.h>

#include "../../src/json.h"
#include "check.h"

static bool valid(const char *text) {
    rz_json j = rz_json_open(text, strlen(text));
    rz_json_skip(&j);
    return rz_json_done(&j);
}

static void accepted(void) {
    static const char *const texts[] = {
        "{}", "[]", "null", " true ", "false", "0", "-0", "1e5", "1.25E-3", "\"\"", "[1,2,[3]]",
        "{\"a\":{\"b\":[]},\"c\":null}", "\t[\n1 ,\r2 ]", "\"\\u00e9\\n\\\\\"", "[[[[]]]]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) CHECK(valid(texts[i]), "%s", texts[i]);
}

static void rejected(void) {
    static const char *const texts[] = {
        "", "{", "[", "]", "{]", "[}", "[1,]", "{\"a\":1,}", "{,}", "[,1]", "{\"a\"}", "{\"a\":}", "{a:1}",
        "01", "1.", ".5", "+1", "1e", "-", "tru", "nul", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "1 2",
        "[1 2]", "{\"a\":1 \"b\":2}", "'a'", "NaN", "Infinity", "[1]]", "//", "{\"a\":1}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) CHECK(!valid(texts[i]), "%s", texts[i]);
}

static void nesting(void) {
    char text[2 * RZ_JSON_DEPTH + 8];
    for (int depth = RZ_JSON_DEPTH - 1; depth <= RZ_JSON_DEPTH + 2; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = 0;
        CHECK(valid(text) == (depth <= RZ_JSON_DEPTH), "depth %d", depth);
    }
}

static void number(const char *text, double want) {
    rz_json j = rz_json_open(text, strlen(text));
    double got = rz_json_number(&j);
    CHECK(rz_json_done(&j) && (got == want || fabs(got - want) <= 1e-15 * fabs(want)), "%s: %.17g", text, got);
}

static void numbers(void) {
    static const char *const texts[] = {"0", "-1", "10000.0", "1e-05", "1e-12", "0.1", "123456789012345678",
                                        "9007199254740993", "1e300", "2.5e-7", "100e-2",
                                        "0.000000000000000000000012", "12345678901234567890123"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) number(texts[i], strtod(texts[i], NULL));
    number("1e-999", 0);
    rz_json j = rz_json_open("1e999", 5);
    CHECK(isinf(rz_json_number(&j)), "infinite");
}

static void strings(void) {
    static const struct {
        const char *json, *text;
    } cases[] = {{"\"abc\"", "abc"}, {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
                 {"\"\\u0041\\u00e9\\u20ac\"", "A\xc3\xa9\xe2\x82\xac"},
                 {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
                 {"\"\\ud83d!\\ude00\"", "\xef\xbf\xbd!\xef\xbf\xbd"},
                 {"\"\xc3\xa9\"", "\xc3\xa9"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rz_json j = rz_json_open(cases[i].json, strlen(cases[i].json));
        rz_json_text t;
        uint8_t out[64];
        CHECK(rz_json_string(&j, &t) && rz_json_done(&j), "%s", cases[i].json);
        size_t n = rz_json_unescape(t, out);
        CHECK(n == rz_json_unescape(t, NULL) && n <= t.n, "length of %s", cases[i].json);
        CHECK(n == strlen(cases[i].text) && memcmp(out, cases[i].text, n) == 0, "%s", cases[i].json);
    }
}

static void walks(void) {
    const char *text = "{\"a\": [1, 2, 3], \"b\": {\"x\": true}, \"c\": \"t\"}";
    rz_json j = rz_json_open(text, strlen(text));
    rz_json_text key;
    double sum = 0;
    CHECK(rz_json_enter(&j, RZ_JSON_OBJECT) && rz_json_next_key(&j, &key) && rz_json_is(key, "a"), "a");
    CHECK(rz_json_enter(&j, RZ_JSON_ARRAY), "array");
    while (rz_json_next(&j)) sum += rz_json_number(&j);
    CHECK(sum == 6, "sum %g", sum);
    CHECK(rz_json_next_key(&j, &key) && rz_json_is(key, "b"), "b");
    CHECK(rz_json_peek(&j) == RZ_JSON_OBJECT, "peek");
    rz_json_skip(&j);
    CHECK(rz_json_next_key(&j, &key) && rz_json_is(key, "c") && rz_json_string(&j, &key) && rz_json_is(key, "t"), "c");
    CHECK(!rz_json_next_key(&j, &key) && rz_json_done(&j), "end");
    j = rz_json_open(text, strlen(text));
    CHECK(rz_json_number(&j) == 0 && j.bad && !rz_json_done(&j), "another type");
    CHECK(!rz_json_enter(&j, RZ_JSON_OBJECT) && !rz_json_next(&j), "stays bad");
}

int main(void) {
    TEST(accepted);
    TEST(rejected);
    TEST(nesting);
    TEST(numbers);
    TEST(strings);
    TEST(walks);
    return check_summary("test_json");
}
