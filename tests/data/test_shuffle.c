/*
 * The order of samples: permutations, the reach of the window, and how evenly the draws fall.
 *
 * labels: quick
 */
#include "data/order.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { MOST = 60000 };

static uint32_t order[MOST], other[MOST];

static void draw(uint32_t *to, uint32_t n, gn_shuffle shuffle, int window, uint64_t seed,
                 uint64_t epoch)
{
    assert_int_equal(gn_shuffle_order(to, n, shuffle, window, seed, epoch), GN_OK);
}

static void require_permutation(uint32_t n)
{
    static bool seen[MOST];
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(order[i] < n);
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
    }
}

static void every_order_is_a_permutation(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 1, 2, 3, 10, 999, 1000, 1001, 1128, MOST };
    static const int windows[] = { 1, 2, 10, 1000, 100000 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        draw(order, counts[i], GN_SHUFFLE_FULL, 0, 1, 2);
        require_permutation(counts[i]);
        draw(order, counts[i], GN_SHUFFLE_NONE, 0, 1, 2);
        for (uint32_t k = 0; k < counts[i]; k++)
            assert_int_equal(order[k], k);
        for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
            draw(order, counts[i], GN_SHUFFLE_WINDOW, windows[w], 1, 2);
            require_permutation(counts[i]);
        }
    }
}

static void the_order_is_a_function_of_seed_and_epoch(void **state)
{
    (void)state;
    for (int kind = GN_SHUFFLE_FULL; kind <= GN_SHUFFLE_WINDOW; kind++) {
        draw(order, MOST, (gn_shuffle)kind, 1000, 5, 3);
        draw(other, MOST, (gn_shuffle)kind, 1000, 5, 3);
        assert_memory_equal(order, other, sizeof order);
        draw(other, MOST, (gn_shuffle)kind, 1000, 5, 4);
        uint32_t equal = 0;
        for (uint32_t i = 0; i < MOST; i++)
            equal += order[i] == other[i];
        /* A full permutation leaves 1 place in common, a window some 60000/1000. */
        assert_true(equal < 200);
        draw(other, MOST, (gn_shuffle)kind, 1000, 6, 3);
        assert_true(memcmp(order, other, sizeof order) != 0);
    }
}

static void a_sample_moves_forward_by_less_than_the_window(void **state)
{
    (void)state;
    static const int windows[] = { 1, 2, 37, 1000 };
    for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
        uint32_t most = 0;
        draw(order, MOST, GN_SHUFFLE_WINDOW, windows[w], 9, 0);
        for (uint32_t i = 0; i < MOST; i++)
            if (order[i] > i)
                most = order[i] - i > most ? order[i] - i : most;
        assert_true(most <= (uint32_t)windows[w] - 1);
        /* It is reached, too: 60000 draws miss the last place with a chance of e^-60. */
        assert_int_equal(most, windows[w] - 1);
    }
}

static void the_notebooks_window_is_the_default(void **state)
{
    (void)state;
    draw(order, 5000, GN_SHUFFLE_WINDOW, 0, 1, 1);
    draw(other, 5000, GN_SHUFFLE_WINDOW, 1000, 1, 1);
    assert_memory_equal(order, other, 5000 * sizeof order[0]);
    draw(order, 5000, GN_SHUFFLE_WINDOW, 5000, 1, 1);
    draw(other, 5000, GN_SHUFFLE_FULL, 0, 1, 1);
    assert_memory_equal(order, other, 5000 * sizeof order[0]);
    assert_int_equal(gn_shuffle_order(order, 5, GN_SHUFFLE_WINDOW, -1, 1, 1),
                     GN_STATUS_BAD_ARGUMENT);
}

/* A sample stays more than d picks in the buffer with chance (1 - 1/window)^d. */
static void waiting_times_are_those_of_the_buffer(void **state)
{
    (void)state;
    enum { WINDOW = 1000 };
    uint32_t later[4] = { 0 };
    draw(order, MOST, GN_SHUFFLE_WINDOW, WINDOW, 3, 3);
    const uint32_t counted = MOST - 10 * WINDOW;
    for (uint32_t i = 0; i < MOST; i++) {
        const uint32_t sample = order[i];
        if (sample < WINDOW || sample >= WINDOW + counted)
            continue;
        /* It entered the buffer at pick sample-WINDOW+1. */
        const uint32_t waited = i - (sample - WINDOW + 1);
        for (uint32_t k = 0; k < 4; k++)
            later[k] += waited >= (k + 1) * WINDOW / 2;
    }
    static const double expected[] = { 0.6064, 0.3677, 0.2230, 0.1352 };
    for (int k = 0; k < 4; k++) {
        const double share = (double)later[k] / counted;
        assert_true(share > expected[k] - 0.012 && share < expected[k] + 0.012);
    }
}

/* All 24 orders of 4 samples come equally often (chi square, 23 degrees of freedom: below 60). */
static void full_shuffles_have_equal_chances(void **state)
{
    (void)state;
    enum { DRAWS = 24000 };
    uint32_t times[256] = { 0 };
    for (uint64_t epoch = 0; epoch < DRAWS; epoch++) {
        draw(order, 4, GN_SHUFFLE_FULL, 0, 77, epoch);
        times[order[0] | order[1] << 2 | order[2] << 4 | order[3] << 6]++;
    }
    double chi = 0;
    int kinds = 0;
    for (int i = 0; i < 256; i++)
        if (times[i] > 0) {
            const double d = (double)times[i] - DRAWS / 24.0;
            chi += d * d / (DRAWS / 24.0);
            kinds++;
        }
    assert_int_equal(kinds, 24);
    assert_true(chi < 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_is_a_permutation),
        cmocka_unit_test(the_order_is_a_function_of_seed_and_epoch),
        cmocka_unit_test(a_sample_moves_forward_by_less_than_the_window),
        cmocka_unit_test(the_notebooks_window_is_the_default),
        cmocka_unit_test(waiting_times_are_those_of_the_buffer),
        cmocka_unit_test(full_shuffles_have_equal_chances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
