/*
 * Every target with its seeds, with what each of them becomes when it is cut off or a byte of it is
 * changed, and with inputs that once broke something (seeds/NAME): what libFuzzer does for hours,
 * for a second, with any compiler.
 *
 * labels: quick
 * timeout: 240
 */
#include "fuzz.h"
#include "support/check.h"

#include "base/random.h"

enum { MOST_CUTS = 200, MOST_CHANGES = 600, LARGE = 1 << 16 };

static const struct fuzz_target *running;

/* A copy of exactly n bytes, so that a sanitizer sees a read after them. */
static void give(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    if (n > 0)
        memcpy(copy, bytes, n);
    running->run(running, copy, n);
    free(copy);
}

static void vary(const void *seed, size_t n)
{
    static const uint8_t values[] = { 0x00, 0xff, 0x7f, 0x80, 0x01, '"', '0', '\n' };
    const int divisor = running->divisor > 0 ? running->divisor : 1;
    const size_t cuts = (size_t)(MOST_CUTS / divisor), changes = (size_t)(MOST_CHANGES / divisor);
    uint8_t *bytes = malloc(n + 1);
    assert_non_null(bytes);
    if (n > 0)
        memcpy(bytes, seed, n);
    give(bytes, n);
    for (size_t i = 0; i < cuts && n > 0 && n <= LARGE; i++)
        give(bytes, n <= cuts ? i % n : gn_random_below(n, GN_RANDOM_TEST, 1, i, n));
    for (size_t i = 0; i < changes && n > 0 && n <= LARGE; i++) {
        /* Headers come first, so half of the changes are within 64 bytes. */
        const size_t span = i % 2 != 0 && n > 64 ? 64 : n;
        const size_t at = gn_random_below(n, GN_RANDOM_TEST, 2, i, span);
        const uint8_t before = bytes[at];
        const uint64_t draw = gn_random_below(n, GN_RANDOM_TEST, 3, i, 16);
        bytes[at] = draw < 8 ? values[draw] : (uint8_t)(before ^ 1U << (draw - 8));
        give(bytes, n);
        bytes[at] = before;
    }
    free(bytes);
}

static void takes_any_bytes(void **state)
{
    running = *state;
    fuzz_seed = vary;
    fuzz_taken = 0;
    give((const uint8_t *)"", 0);
    fuzz_each_seed(running);
    if (fuzz_taken == 0 && !running->absent)
        fail_msg("%s: nothing was read to its end: its seeds are none", running->name);
}

int main(void)
{
    enum { MOST = 64 };
    static struct CMUnitTest tests[MOST];
    int n = 0;
    for (const struct fuzz_target *t; n < MOST && (t = fuzz_target(n)) != NULL; n++)
        tests[n] = (struct CMUnitTest){ .name = t->name,
                                        .test_func = takes_any_bytes,
                                        .initial_state = (void *)(uintptr_t)t };
    return _cmocka_run_group_tests("replay", tests, (size_t)n, NULL, NULL);
}
