/*
 * replay.c: runs a fuzz target in a normal build: over its own inputs, over mutations of them, and
 * over every file of the folders named on the command line (relative to the fixtures). A target
 * that breaks a promise aborts. `--write FOLDER` writes the inputs out, for libFuzzer to begin
 * with.
 */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>

#include "check.h"
#include "fuzz.h"
#include "random.h"

static unsigned runs;

static void run(const uint8_t *bytes, size_t n) {
    runs++;
    CHECK(LLVMFuzzerTestOneInput(bytes, n) == 0, "%zu bytes", n);
}

static void own_inputs(void) {
    host_file seed;
    int i = 0;
    for (; (seed = fuzz_seed(i)).bytes; i++) {
        run(seed.bytes, seed.n);
        free(seed.bytes);
    }
    CHECK(i > 5, "only %d inputs", i);
}

/* Most changes in the first 4 KB, where headers are: a byte, a number of 8 bytes, a cut. */
static size_t mutate(random_state *r, uint8_t *bytes, size_t n) {
    const uint32_t reach = random_below(r, 4) && n > 4096 ? 4096 : (uint32_t)n;
    for (uint32_t changes = 1 + random_below(r, 4); changes && n > 8; changes--) {
        uint8_t *p = bytes + random_below(r, reach < n ? reach : (uint32_t)n);
        switch (random_below(r, 5)) {
        case 0:
            *p ^= (uint8_t)(1u << random_below(r, 8));
            break;
        case 1:
            *p = (uint8_t)random_u64(r);
            break;
        case 2:
            *p = random_below(r, 2) ? 0xff : 0;
            break;
        case 3:
            if (p + 8 <= bytes + n) random_bytes(r, p, 8);
            break;
        default:
            if (random_below(r, 8) == 0) n = (size_t)(p - bytes);
            break;
        }
    }
    return n;
}

static void mutated_inputs(int rounds) {
    random_state r = {2024};
    host_file seed;
    for (int i = 0; (seed = fuzz_seed(i)).bytes; i++) {
        uint8_t *copy = malloc(seed.n);
        for (int round = 0; round < rounds; round++) {
            memcpy(copy, seed.bytes, seed.n);
            run(copy, mutate(&r, copy, seed.n));
        }
        free(copy);
        free(seed.bytes);
    }
}

static void folder(const char *fixture_dir, const char *name) {
    char path[1024];
    unsigned before = runs;
    snprintf(path, sizeof path, "%s/%s", fixture_dir, name);
    DIR *d = opendir(path);
    CHECK(d != NULL, "no folder %s", path);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s/%s", fixture_dir, name, e->d_name);
        if (e->d_name[0] == '.') continue;
        host_file file = host_read(path);
        if (file.bytes) run(file.bytes, file.n);
        free(file.bytes);
    }
    if (d) closedir(d);
    CHECK(runs > before, "nothing in %s", name);
}

static int write_inputs(const char *dir) {
    host_file seed;
    for (int i = 0; (seed = fuzz_seed(i)).bytes; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/seed%d", dir, i);
        FILE *f = fopen(path, "wb");
        bool written = f && fwrite(seed.bytes, 1, seed.n, f) == seed.n;
        if (f && fclose(f)) written = false;
        if (!written) {
            printf("cannot write %s\n", path);
            return 1;
        }
        free(seed.bytes);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) return write_inputs(argv[2]);
    TEST(own_inputs);
    TEST(mutated_inputs, 300);
    const char *dir = argc > 1 ? fixtures("fuzz targets over malformed files") : NULL;
    for (int i = 1; dir && i < argc; i++) TEST(folder, dir, argv[i]);
    printf("%u inputs\n", runs);
    const char *name = strrchr(argv[0], '/');
    return check_summary(name ? name + 1 : argv[0]);
}
