/* labels: quick
 *
 * The sweep over learning rates: rates, weights put back, the suggestion, an early end, the picture
 * and bad options. */
#include "base/threads.h"
#include "support/check.h"
#include "support/files.h"
#include "draw/curves.h"
#include "train/tiny.h"

#include <math.h>
#include <stdlib.h>

static struct gn_lr_find_options sweep_options(void)
{
    struct gn_lr_find_options o = { .fit = tiny_options(NULL) };
    o.fit.momentum = 0.9;
    o.from = 1e-3;
    o.to = 10;
    o.steps = 120;
    return o;
}

static void the_rate_grows_and_the_weights_come_back(void **state)
{
    (void)state;
    struct gn_lr_find_options o = sweep_options();
    struct gn_lr_sweep sweep, again;
    gn_net *net = tiny_net();
    const uint32_t before = gn_net_hash(net);
    assert_int_equal(gn_lr_find(net, &sweep, &o), GN_OK);
    assert_int_equal(gn_net_hash(net), before);
    assert_true(sweep.n > 10 && sweep.n <= 120);
    assert_true(fabs(sweep.points[0].lr - 1e-3) < 1e-12);
    for (int i = 1; i < sweep.n; i++)
        assert_true(fabs(sweep.points[i].lr / sweep.points[i - 1].lr - pow(1e4, 1.0 / 119)) < 1e-9);
    assert_true(sweep.suggestion > 1e-3 && sweep.suggestion < sweep.points[sweep.n - 1].lr);
    o.fit.threads = 3;
    assert_int_equal(gn_lr_find(net, &again, &o), GN_OK);
    assert_int_equal(again.n, sweep.n);
    assert_memory_equal(again.points, sweep.points, (size_t)sweep.n * sizeof *sweep.points);
    gn_free_lr_sweep(&sweep);
    gn_free_lr_sweep(&again);
    assert_null(sweep.points);
    gn_free_net(net);
}

static void an_exploding_loss_ends_the_sweep(void **state)
{
    (void)state;
    struct gn_lr_find_options o = sweep_options();
    struct gn_lr_sweep sweep;
    gn_net *net = tiny_net();
    o.to = 1e20;
    assert_int_equal(gn_lr_find(net, &sweep, &o), GN_OK);
    assert_true(sweep.ended_early && sweep.n < 120);
    for (int i = 0; i < sweep.n; i++)
        assert_true(isfinite(sweep.points[i].loss) && isfinite(sweep.points[i].smoothed));
    gn_free_lr_sweep(&sweep);
    gn_free_net(net);
}

static void no_fall_gives_no_suggestion(void **state)
{
    (void)state;
    struct gn_lr_find_options o = sweep_options();
    struct gn_lr_sweep sweep;
    gn_net *net = tiny_net();
    o.fit.batch = 46;
    o.from = 1e-12;
    o.to = 1e-11;
    assert_int_equal(gn_lr_find(net, &sweep, &o), GN_OK);
    assert_true(sweep.suggestion <= 0 && !sweep.ended_early && sweep.n == 120);
    gn_free_lr_sweep(&sweep);
    gn_free_net(net);
}

static void the_sweep_is_drawn(void **state)
{
    (void)state;
    struct gn_lr_find_options o = sweep_options();
    struct gn_lr_sweep sweep;
    gn_net *net = tiny_net();
    assert_int_equal(gn_lr_find(net, &sweep, &o), GN_OK);
    if (gn_curves_available()) {
        size_t n;
        assert_int_equal(gn_lr_plot(&sweep, "sweep.svg"), GN_OK);
        assert_int_equal(gn_lr_plot(&sweep, "sweep.png"), GN_OK);
        char *svg = (char *)test_read_file("sweep.svg", &n);
        assert_non_null(strstr(svg, "<svg"));
        free(svg);
        uint8_t *png = test_read_file("sweep.png", &n);
        assert_memory_equal(png, "\x89PNG", 4);
        free(png);
        sweep.n = 1;
        assert_int_equal(gn_lr_plot(&sweep, "point.svg"), GN_OK);
        (void)gn_lr_plot(&sweep, "nowhere/sweep.svg");
        check_error(GN_STATUS_IO, "nowhere");
    } else {
        (void)gn_lr_plot(&sweep, "sweep.svg");
        check_error(GN_STATUS_UNSUPPORTED, "cairo");
    }
    gn_free_lr_sweep(&sweep);
    gn_free_net(net);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    struct gn_lr_sweep sweep;
    gn_net *net = tiny_net();
    static const struct {
        double from, to;
        int steps;
        const char *part;
    } bad[] = {
        { -1, 1, 60, "rates from -1" }, { 1, 0.5, 60, "rates from 1 to 0.5" },
        { 1e-4, HUGE_VAL, 60, "inf" },  { 1e-4, 1, 3, "3 steps" },
        { 1e-4, 1, -1, "-1 steps" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct gn_lr_find_options o = sweep_options();
        o.from = bad[i].from;
        o.to = bad[i].to;
        o.steps = bad[i].steps;
        (void)gn_lr_find(net, &sweep, &o);
        check_error(GN_STATUS_BAD_ARGUMENT, bad[i].part);
    }
    struct gn_lr_find_options o = sweep_options();
    o.fit.momentum = 2;
    (void)gn_lr_find(net, &sweep, &o);
    check_error(GN_STATUS_BAD_ARGUMENT, "momentum");
    (void)gn_lr_find(NULL, &sweep, &o);
    check_error(GN_STATUS_BAD_ARGUMENT, "network");
    (void)gn_lr_find(net, NULL, &o);
    check_error(GN_STATUS_BAD_ARGUMENT, "place");
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_grows_and_the_weights_come_back),
        cmocka_unit_test(an_exploding_loss_ends_the_sweep),
        cmocka_unit_test(no_fall_gives_no_suggestion),
        cmocka_unit_test(the_sweep_is_drawn),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
