/*
 * Targets: each gives bytes that may be anything to one reader and requires what must hold whatever
 * they are. No target may crash, hang, leak or take memory out of proportion.
 *
 * The same table serves libFuzzer (entry.c) and an ordinary test (test_replay.c).
 */
#ifndef GN_TESTS_FUZZ_H
#define GN_TESTS_FUZZ_H

#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>

struct fuzz_target {
    const char *name;
    void (*run)(const struct fuzz_target *target, const uint8_t *bytes, size_t n);
    const char *word;         /* for both functions, where several targets share them */
    const char *const *texts; /* seeds that are text, NULL after the last; NULL: none */
    /* Gives more to fuzz_seed; NULL: none. Files are in seeds/NAME. */
    void (*make_seeds)(const struct fuzz_target *target);
    bool absent; /* this build lacks the library that reads it: everything is refused */
    int divisor; /* how much fewer inputs the replay makes of it: it is slow; 0: 1 */
};

/* All targets, a row without a name after the last. */
extern const struct fuzz_target fuzz_data_targets[], fuzz_model_targets[], fuzz_train_targets[],
    fuzz_picture_targets[], fuzz_text_targets[], fuzz_exchange_targets[], fuzz_serve_targets[],
    fuzz_foreign_targets[], fuzz_array_targets[];

/* The target with this name, or number i of all; NULL: none. */
const struct fuzz_target *fuzz_find(const char *name);
const struct fuzz_target *fuzz_target(int i);

/* What a broken promise ends with: a crash that the fuzzer keeps. */
#define FUZZ_REQUIRE(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s does not hold (last error: %s)\n", __FILE__,          \
                          __LINE__, #condition, gn_error_message());                               \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* How often something was read to its end: a target whose seeds are all refused tests little. */
extern unsigned fuzz_taken;

/* A call of the library that may fail, but not without a sentence; counts in fuzz_taken. */
void fuzz_told(gn_status status);

/* The bytes with a NUL after them; free with free(). */
char *fuzz_text(const uint8_t *bytes, size_t n);

/* The path of something below a folder of this process in memory (tmpfs, where there is one), valid
 * until the call after the next; the same for a folder that is made; for a file with that content. */
const char *fuzz_path(const char *name);
const char *fuzz_folder(const char *name);
const char *fuzz_file(const char *name, const void *bytes, size_t n);

/* Takes one seed of a target; set by who wants them. */
extern void (*fuzz_seed)(const void *bytes, size_t n);

/* Seeds of a target, all of them: its texts, what it makes, and its files. */
void fuzz_each_seed(const struct fuzz_target *target);

/* A network whose layers torchvision's has, too, but much smaller, as text. */
extern const char fuzz_tiny_net[];

/* Imports a file whose name ends with the target's `word`, for that network where the file does not say its own;
 * what is imported can be saved. */
void fuzz_import(const struct fuzz_target *target, const uint8_t *bytes, size_t n);

/* Makes a seed of the file at `path`. */
void fuzz_seed_file(const char *path);

#endif
