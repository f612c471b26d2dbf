/*
 * test_err.c: the formatter of error sentences (src/err.c): every conversion, cutting, what happens
 * to control characters and to bytes that are no UTF-8, and that nothing is written past the text.
 */
#include <limits.h>

#include "../../src/err.h"
#include "check.h"

#define SAYS(want, ...)                                                                            \
    do {                                                                                           \
        rz_err e_;                                                                                 \
        int code_ = rz_err_set(&e_, RZ_E_FORMAT, __VA_ARGS__);                                     \
        CHECK(code_ == RZ_E_FORMAT && e_.code == RZ_E_FORMAT, "codes %d, %d", code_, e_.code);     \
        CHECK(strcmp(e_.text, (want)) == 0, "'%s' instead of '%s'", e_.text, (want));              \
    } while (0)

static void conversions(void) {
    SAYS("", "%s", "");
    SAYS("plain", "plain");
    SAYS("a b c", "a %s c", "b");
    SAYS("<abc>", "<%.*s>", 3, "abcdef");
    SAYS("<>", "<%.*s>", 0, "abcdef");
    SAYS("<>", "<%.*s>", -1, "abcdef");
    SAYS("0 -1 2147483647 -2147483648", "%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
    SAYS("0 7 4294967295", "%u %u %u", 0u, 7u, UINT_MAX);
    SAYS("0 ff deadbeef", "%x %x %x", 0u, 0xffu, 0xdeadbeefu);
    SAYS("0 18446744073709551615", "%llu %llu", 0ull, ULLONG_MAX);
    SAYS("0 18446744073709551615", "%zu %zu", (size_t)0, SIZE_MAX);
    SAYS("100%", "%d%%", 100);
    SAYS("7 x y 8", "%d %s %.*s %d", 7, "x", 1, "yz", 8);
}

static void percent_at_the_end(void) {
    /* not a literal: compilers rightly refuse it */
    int (*set)(rz_err *, int, const char *, ...) = rz_err_set;
    rz_err e;
    set(&e, RZ_E_ARG, "50%");
    CHECK(strcmp(e.text, "50%") == 0, "'%s'", e.text);
}

static void long_strings(void) {
    char text[200], want[200];
    memset(text, 'a', sizeof text);
    text[80] = 0;
    SAYS(text, "%s", text); /* 80 bytes are not long */
    text[80] = 'a';
    text[81] = 0;
    memset(want, 'a', 80);
    strcpy(want + 80, "...");
    SAYS(want, "%s", text);
    SAYS(want, "%.*s", 81, text);

    /* a character of n bytes that begins `before` bytes before the cut stays whole or goes */
    static const char *const characters[] = {"\xc3\xa9", "\xe2\x96\x81", "\xf0\x9f\x98\x80"};
    for (int i = 0; i < 3; i++) {
        const int n = i + 2;
        for (int before = 1; before <= n; before++) {
            memset(text, 'b', sizeof text);
            memcpy(text + 80 - before, characters[i], (size_t)n);
            text[120] = 0;
            int kept = before == n ? 80 : 80 - before;
            memcpy(want, text, (size_t)kept);
            strcpy(want + kept, "...");
            SAYS(want, "%s", text);
        }
    }
}

static void control_characters(void) {
    SAYS("a?b?c?d", "%s",
         "a\nb\tc\x7f"
         "d");
    SAYS("a?b", "%.*s", 3, "a\0b");
    SAYS("line\nbreak", "line\nbreak"); /* of the format itself: ours, not the file's */
}

/* The text of an rz_err is UTF-8, whatever a file calls its tensors. */
static void not_utf8(void) {
    SAYS("a?b", "%s",
         "a\xff"
         "b");
    SAYS("?", "%s", "\xc3");
    SAYS("??", "%s", "\xe2\x96");
    SAYS("??z", "%s", "\xc0\xafz");
    SAYS("???", "%s", "\xed\xa0\x80"); /* a surrogate */
    SAYS("\xc3\xa9\xe2\x96\x81\xf0\x9f\x98\x80", "%s", "\xc3\xa9\xe2\x96\x81\xf0\x9f\x98\x80");
    char text[101], want[101];
    memset(text, '\x80', 100);
    text[100] = 0;
    strcpy(want, "...");
    SAYS(want, "%s", text); /* no character begins there: nothing to show */
}

static void whole_text(void) {
    struct {
        rz_err e;
        char guard[16];
    } s;
    char part[81], want[400] = "";
    memset(part, 'x', 80);
    part[80] = 0;
    memset(&s, '#', sizeof s);
    rz_err_set(&s.e, RZ_E_ARG, "%s%s%s%s%s", part, part, part, part, part);
    for (int i = 0; i < 319; i++) strcat(want, "x");
    CHECK(strcmp(s.e.text, want) == 0, "%zu bytes", strlen(s.e.text));
    for (int i = 0; i < 16; i++) CHECK(s.guard[i] == '#', "byte %d past the end is written", i);

    /* cut inside a character: the character goes */
    for (int before = 1; before <= 3; before++) {
        char last[8] = "\xf0\x9f\x98\x80!";
        rz_err_set(&s.e, RZ_E_ARG, "%s%s%s%.*s%s", part, part, part, 79 - before, part, last);
        want[319 - before] = 0;
        CHECK(strcmp(s.e.text, want) == 0, "cut %d bytes into a character: %zu bytes", before,
              strlen(s.e.text));
    }
}

static void no_object(void) {
    CHECK(rz_err_set(NULL, RZ_E_MEMORY, "%s %d", "text", 1) == RZ_E_MEMORY, "without an object");
}

int main(void) {
    TEST(conversions);
    TEST(percent_at_the_end);
    TEST(long_strings);
    TEST(control_characters);
    TEST(not_utf8);
    TEST(whole_text);
    TEST(no_object);
    return check_summary("test_err");
}
