/*
 * The way in for libFuzzer: GN_FUZZ_TARGET names the target. With GN_FUZZ_SEEDS=FOLDER its seeds are
 * written there first, from where the fuzzer takes them. tools/fuzz.sh sets both.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "support/files.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct fuzz_target *chosen;
static int seeds;

static void keep(const void *bytes, size_t n)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/seed-%02d", getenv("GN_FUZZ_SEEDS"), seeds++);
    test_write_file(path, bytes, n);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    const char *name = getenv("GN_FUZZ_TARGET");
    chosen = name == NULL ? NULL : fuzz_find(name);
    if (chosen == NULL) {
        (void)fprintf(stderr, "GN_FUZZ_TARGET must be one of\n");
        for (int i = 0; fuzz_target(i) != NULL; i++)
            (void)fprintf(stderr, "%s\n", fuzz_target(i)->name);
        exit(2);
    }
    fuzz_seed = keep;
    if (getenv("GN_FUZZ_SEEDS") != NULL)
        fuzz_each_seed(chosen);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    chosen->run(chosen, bytes, n);
    return 0;
}
