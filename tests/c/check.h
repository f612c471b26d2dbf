/*
 * check.h: a few macros for the C tests. A test program counts what it checked and ends with one
 * line
 * "<name>: N passed, M failed", which tools/test.mjs adds up; its exit status is 0 if M is 0.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks_passed, checks_failed;

/* One named test: `run` is a function that uses CHECK. A test passes if all its checks do. */
#define TEST(run, ...)                                                                             \
    do {                                                                                           \
        int before = checks_bad;                                                                   \
        run(__VA_ARGS__);                                                                          \
        if (checks_bad == before) {                                                                \
            checks_passed++;                                                                       \
        } else {                                                                                   \
            checks_failed++;                                                                       \
            printf("FAILED %s(%s)\n", #run, #__VA_ARGS__);                                         \
        }                                                                                          \
    } while (0)

static int checks_bad;

/* CHECK(condition, "format", ...): the message is printed when the condition does not hold. */
#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            checks_bad++;                                                                          \
            if (checks_bad <= 20) {                                                                \
                printf("%s:%d: %s: ", __FILE__, __LINE__, #condition);                             \
                printf(__VA_ARGS__);                                                               \
                printf("\n");                                                                      \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static inline int check_summary(const char *name) {
    printf("%s: %d passed, %d failed\n", name, checks_passed, checks_failed);
    return checks_failed != 0;
}

/* The folder of the fixtures, or NULL with a line that says what is not run. */
static inline const char *fixtures(const char *what) {
    const char *dir = getenv("REALIZAR_FIXTURES");
    char probe[1024];
    if (!dir) dir = "../shared/fixtures";
    snprintf(probe, sizeof probe, "%s/README.md", dir);
    FILE *f = fopen(probe, "rb");
    if (f) {
        fclose(f);
        return dir;
    }
    printf("NOT RUN: %s (no fixtures in %s; set REALIZAR_FIXTURES)\n", what, dir);
    return NULL;
}

#endif
