/* labels: quick
 *
 * The watchdog's thresholds, from both sides: how far a loss or a gradient must jump, how near to guessing
 * and how long a loss must stand, how many channels must be dead, and for how long it is silent after a
 * warning. */
#include "support/check.h"
#include "support/tiny.h"
#include "train/watchdog.h"

#include <math.h>

enum { EPOCH = 50 };

static struct gn_watchdog *watchdog;
static double guessing;

static int setup(void **state)
{
    (void)tiny_open(state);
    guessing = log(TINY_CLASSES);
    watchdog = gn_watchdog_create(tiny.net, NULL, EPOCH);
    return watchdog == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    gn_watchdog_free(watchdog);
    return tiny_close(state);
}

/* Whether a step is told; `stuck`: as standing still, otherwise as a jump. */
static bool told(struct gn_watch *watch, uint64_t step, double loss, double norm, bool stuck)
{
    struct gn_finding_text findings[2];
    gn_watchdog_step(watchdog, watch, step, loss, norm, findings);
    return findings[stuck ? 1 : 0].text[0] != '\0';
}

/* The state after `steps` steps of the same loss and norm, none of which is told. */
static struct gn_watch after(uint64_t steps, double loss, double norm)
{
    struct gn_watch watch = { 0 };
    for (uint64_t step = 1; step <= steps; step++)
        assert_false(told(&watch, step, loss, norm, false));
    return watch;
}

static bool jump_is_told(uint64_t steps, double loss, double norm, double next_loss,
                         double next_norm)
{
    struct gn_watch watch = after(steps, loss, norm);
    return told(&watch, steps + 1, next_loss, next_norm, false);
}

static void a_loss_jumps_at_four_times_its_mean(void **state)
{
    (void)state;
    assert_false(jump_is_told(30, 1, 1, 3.99, 1));
    assert_true(jump_is_told(30, 1, 1, 4.01, 1));
    /* Below that of guessing nothing is wrong. */
    assert_false(jump_is_told(30, 0.01, 1, guessing * 0.99, 1));
    assert_true(jump_is_told(30, 0.01, 1, guessing * 1.01, 1));
}

static void a_gradient_jumps_at_a_hundred_times_its_mean(void **state)
{
    (void)state;
    assert_false(jump_is_told(30, 1, 0.5, 1, 49.9));
    assert_true(jump_is_told(30, 1, 0.5, 1, 50.1));
    assert_false(jump_is_told(30, 1, 0, 1, 1)); /* of nothing there is no multiple */
}

static void the_first_twenty_steps_are_not_judged(void **state)
{
    (void)state;
    assert_false(jump_is_told(19, 1, 1, 100, 1));
    assert_true(jump_is_told(20, 1, 1, 100, 1));
}

static void a_jump_is_told_once_an_epoch(void **state)
{
    (void)state;
    struct gn_watch watch = after(30, 1, 1);
    assert_true(told(&watch, 31, 1e6, 1, false));
    for (uint64_t step = 32; step < 31 + EPOCH; step++)
        assert_false(told(&watch, step, 1e9 * (double)step, 1, false));
    assert_true(told(&watch, 31 + EPOCH, 1e14, 1, false));
}

/* The mean takes a twentieth of each new value. */
static void means_run_over_about_twenty_steps(void **state)
{
    (void)state;
    struct gn_watch watch = after(1, 2, 4);
    assert_true(fabs(watch.loss - 2) < 1e-15 && fabs(watch.norm - 4) < 1e-15);
    assert_false(told(&watch, 2, 3, 8, false));
    assert_true(fabs(watch.loss - 2.05) < 1e-12 && fabs(watch.norm - 4.2) < 1e-12);
}

static void standing_still_is_told_after_three_hundred_steps(void **state)
{
    (void)state;
    static const struct {
        double loss;
        bool is_guessing;
    } cases[] = { { 0.991, true }, { 1.009, true }, { 0.989, false }, { 1.011, false } };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct gn_watch watch = { 0 };
        for (uint64_t step = 1; step <= 700; step++)
            assert_int_equal(told(&watch, step, cases[c].loss * guessing, 1, true),
                             cases[c].is_guessing && step == 300);
    }
    /* A loss that left begins anew. */
    struct gn_watch watch = { 0 };
    for (uint64_t step = 1; step <= 200; step++)
        assert_false(told(&watch, step, guessing, 1, true));
    while (watch.loss > 0.98 * guessing)
        assert_false(told(&watch, 201, 0.5 * guessing, 1, true));
    for (uint64_t step = 202; step <= 450; step++)
        assert_false(told(&watch, step, guessing, 1, true));
}

/* A net that gives zeros: its loss is that of guessing as long as the rate is nothing. */
static gn_net *guessing_net(void)
{
    gn_net *net = tiny_net();
    struct gn_tensor_info t;
    for (int i = 0; gn_net_tensor(net, i, &t) == GN_OK; i++)
        if (strncmp(t.name, "dense", 5) == 0)
            memset(t.values, 0, t.count * sizeof(float));
    gn_clear_error();
    return net;
}

/* Its counters are part of the checkpoint: of a run in pieces they are those of the whole one. */
static void what_it_counts_survives_an_interruption(void **state)
{
    (void)state;
    struct gn_fit_options o = tiny_options("whole");
    o.lr = 1e-7;
    (void)tiny_train(guessing_net(), o);
    o.out = "pieces";
    o.max_steps = 17;
    (void)tiny_train(guessing_net(), o);
    o.max_steps = 0;
    o.resume = true;
    (void)tiny_train(guessing_net(), o);
    tiny_same_runs("whole", "pieces");
}

/* ---- Dead ReLUs ---- */

/* A layer of 20 channels, of which so many are alive in the steps of an epoch (-1: none, and none of
 * the second layer's 4 either). */
static bool dead_is_told(int alive, int steps, const char *freeze, struct gn_finding_text *finding)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_conv_relu(g, gn_input(g, 8, 8, 1), 20, .kernel = 3, .name = "first");
    x = gn_conv_relu(g, x, 4, .kernel = 3, .name = "second");
    gn_net *net = gn_compile(g, gn_dense(g, gn_global_avg_pool(g, x), 3, "dense"), 1);
    struct gn_watchdog *own = gn_watchdog_create(net, freeze, EPOCH);
    float grads[4096] = { 0 };
    assert_non_null(own);
    assert_true(net->graph->n_floats <= 4096);
    for (int i = 0; i < net->graph->n_tensors; i++) {
        const struct gn_tensor *t = &net->graph->tensors[i];
        for (size_t k = 0; strstr(t->name, "bias") != NULL && k < t->count; k++)
            if (strcmp(t->name, "first.bias") == 0    ? (int)k < alive
                : strcmp(t->name, "second.bias") == 0 ? alive >= 0
                                                      : true)
                grads[t->offset + k] = k % 2 == 0 ? 1e-20F : -1e-20F;
    }
    for (int step = 0; step < steps; step++)
        gn_watchdog_note(own, grads);
    gn_watchdog_epoch(own, 1, finding);
    const bool is_told = finding->text[0] != '\0';
    /* Told once a run, and an epoch counts by itself. */
    for (int step = 0; is_told && step < steps; step++)
        gn_watchdog_note(own, grads);
    struct gn_finding_text again;
    gn_watchdog_epoch(own, 2, &again);
    assert_true(again.text[0] == '\0');
    gn_watchdog_free(own);
    gn_free_net(net);
    return is_told;
}

static void a_layer_is_dead_when_nine_tenths_of_it_are(void **state)
{
    (void)state;
    struct gn_finding_text finding;
    assert_false(dead_is_told(2, 10, NULL, &finding)); /* 18 of 20 are exactly nine tenths */
    assert_true(dead_is_told(1, 10, NULL, &finding));
    assert_non_null(strstr(finding.text, "first: 19 of 20 channels"));
    assert_non_null(strstr(finding.text, "epoch 1"));
    assert_false(dead_is_told(0, 9, NULL, &finding)); /* too few steps to say */
    assert_true(dead_is_told(0, 10, NULL, &finding));
    assert_null(strstr(finding.text, "other layer"));
    assert_true(dead_is_told(-1, 10, NULL, &finding));
    assert_non_null(strstr(finding.text, "all of 1 other layer)"));
    assert_false(dead_is_told(0, 10, "first", &finding)); /* a frozen bias has no gradient */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_jumps_at_four_times_its_mean),
        cmocka_unit_test(a_gradient_jumps_at_a_hundred_times_its_mean),
        cmocka_unit_test(the_first_twenty_steps_are_not_judged),
        cmocka_unit_test(a_jump_is_told_once_an_epoch),
        cmocka_unit_test(means_run_over_about_twenty_steps),
        cmocka_unit_test(standing_still_is_told_after_three_hundred_steps),
        cmocka_unit_test(what_it_counts_survives_an_interruption),
        cmocka_unit_test(a_layer_is_dead_when_nine_tenths_of_it_are),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
