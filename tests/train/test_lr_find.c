/* labels: quick
 *
 * The sweep over learning rates: rates, weights put back, the suggestion, what a step of it is, an
 * early end, the picture and bad options. */
#include "base/threads.h"
#include "support/check.h"
#include "support/files.h"
#include "draw/curves.h"
#include "support/tiny.h"

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

/* ---- A problem whose curvature is known: softmax of a linear function ---- */

enum { MAP = TINY_SIZE / 2, FEATURES = MAP * MAP, SWEEP_STEPS = 120 };
static const double MEAN_PIXEL = 0.353;

/* Of means of 2x2 pixels, without what all pixels share. */
static gn_net *linear_net(uint64_t seed)
{
    gn_graph *g = gn_graph_create();
    const gn_node x = gn_avg_pool(g, gn_input(g, TINY_SIZE, TINY_SIZE, 1), 2);
    gn_net *net = gn_compile(g, gn_dense(g, x, TINY_CLASSES, "dense"), seed);
    assert_non_null(net);
    assert_int_equal(gn_net_set_pixels(net, &(struct gn_pixel_options){ .normalise = true,
                                                                        .mean = { MEAN_PIXEL },
                                                                        .deviation = { 1 } }),
                     GN_OK);
    return net;
}

static void make_features(int sample, double x[FEATURES + 1])
{
    uint8_t pixels[TINY_SIZE * TINY_SIZE];
    assert_int_equal(gn_dataset_sample(tiny.train, (uint64_t)sample, pixels, NULL), GN_OK);
    for (int k = 0; k < FEATURES; k++) {
        const uint8_t *p = pixels + k / MAP * 2 * TINY_SIZE + k % MAP * 2;
        const int sum = p[0] + p[1] + p[TINY_SIZE] + p[TINY_SIZE + 1];
        x[k] = sum / (4 * 255.0) - MEAN_PIXEL;
    }
    x[FEATURES] = 1; /* of the bias */
}

/* The rate from which gradient descent can diverge: 2 over the largest curvature, and that of a softmax
 * is at most half of the largest eigenvalue of the features' second moments (by power iteration). */
static double largest_stable_rate(void)
{
    static double x[TINY_TRAIN][FEATURES + 1];
    double v[FEATURES + 1], u[TINY_TRAIN], eigenvalue = 0;
    for (int i = 0; i < TINY_TRAIN; i++)
        make_features(i, x[i]);
    for (int k = 0; k <= FEATURES; k++)
        v[k] = 1 + k % 3;
    for (int round = 0; round < 200; round++) {
        double squares = 0;
        for (int i = 0; i < TINY_TRAIN; i++) {
            u[i] = 0;
            for (int k = 0; k <= FEATURES; k++)
                u[i] += x[i][k] * v[k];
        }
        for (int k = 0; k <= FEATURES; k++) {
            v[k] = 0;
            for (int i = 0; i < TINY_TRAIN; i++)
                v[k] += x[i][k] * u[i] / TINY_TRAIN;
            squares += v[k] * v[k];
        }
        eigenvalue = sqrt(squares);
        for (int k = 0; k <= FEATURES; k++)
            v[k] /= eigenvalue;
    }
    return 2 / (eigenvalue / 2);
}

/* Mean loss of the last of as many full steps as the sweep has, all at one rate. */
static double loss_after_training(double lr)
{
    gn_net *net = linear_net(0);
    struct gn_epoch last;
    struct gn_fit_options o = tiny_options(NULL);
    o.batch = TINY_TRAIN;
    o.epochs = SWEEP_STEPS;
    o.lr = lr;
    gn_history *history = gn_fit_with(net, &o);
    assert_non_null(history);
    assert_int_equal(gn_history_epoch(history, o.epochs - 1, &last), GN_OK);
    gn_free_history(history);
    gn_free_net(net);
    return last.loss;
}

/* Rates at which as many steps take the loss to a tenth of guessing's, and that are stable. */
static void the_suggestion_lies_in_the_known_range_of_a_linear_net(void **state)
{
    (void)state;
    const double highest = largest_stable_rate(), guessing = log(TINY_CLASSES);
    assert_true(loss_after_training(highest / 1000) > guessing / 2); /* there is a lower end */
    for (int batch = TINY_BATCH; batch <= TINY_TRAIN; batch += TINY_TRAIN - TINY_BATCH)
        for (uint64_t seed = 0; seed < 3; seed++) {
            struct gn_lr_find_options o = { .fit = tiny_options(NULL) };
            struct gn_lr_sweep sweep;
            gn_net *net = linear_net(seed);
            o.fit.batch = batch;
            o.fit.seed = seed;
            o.from = 1e-4;
            o.to = 100;
            o.steps = SWEEP_STEPS;
            assert_int_equal(gn_lr_find(net, &sweep, &o), GN_OK);
            const double lr = sweep.suggestion;
            if (!(lr < highest && lr > 0 && loss_after_training(lr) < guessing / 10))
                fail_msg("batch %d, seed %d: %g is suggested; %g is the highest stable rate", batch,
                         (int)seed, lr, highest);
            gn_free_lr_sweep(&sweep);
            gn_free_net(net);
        }
}

/* ---- A real set ---- */

static gn_net *small_net(const struct gn_dataset_info *data, uint64_t seed)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_input(g, data->height, data->width, 1);
    x = gn_conv_relu(g, x, 8, .kernel = 3, .stride = 2, .name = "conv");
    x = gn_dense(g, gn_max_pool(g, x, 3, .stride = 2), data->classes, "dense");
    return gn_compile(g, x, seed);
}

/* Fashion-MNIST where the distribution's package is installed, else the made images. */
static void suggestions_of_three_seeds_are_near_each_other(void **state)
{
    (void)state;
    const bool is_real = test_exists("/usr/share/datasets/fashion-mnist");
    gn_dataset *data = is_real ? gn_open_dataset("/usr/share/datasets/fashion-mnist", .limit = 5000)
                               : gn_open_dataset("data");
    struct gn_dataset_info info;
    double lowest = HUGE_VAL, highest = 0;
    assert_int_equal(gn_dataset_describe(data, &info), GN_OK);
    for (uint64_t seed = 0; seed < 3; seed++) {
        gn_net *net = small_net(&info, seed);
        struct gn_lr_sweep sweep;
        struct gn_lr_find_options o = { .fit = tiny_options(NULL), .from = 1e-4, .to = 10 };
        o.fit.train = data;
        o.fit.validation = NULL;
        o.fit.batch = 16;
        o.fit.momentum = 0.9;
        o.fit.seed = seed;
        assert_int_equal(gn_lr_find(net, &sweep, &o), GN_OK);
        lowest = fmin(lowest, sweep.suggestion);
        highest = fmax(highest, sweep.suggestion);
        gn_free_lr_sweep(&sweep);
        gn_free_net(net);
    }
    print_message("%s: %.3g to %.3g are suggested\n", info.name, lowest, highest);
    assert_true(lowest > 0 && highest < 3 * lowest);
    gn_close_dataset(data);
}

/* ---- What a step of the sweep is ---- */

static gn_net *dropout_net(void)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_avg_pool(g, gn_input(g, TINY_SIZE, TINY_SIZE, 1), 2);
    return gn_compile(g, gn_dense(g, gn_dropout(g, x, 0.5, "drop"), TINY_CLASSES, "dense"), 0);
}

/* Losses of a sweep with rates that change nothing. */
static void still_losses(gn_net *net, struct gn_lr_find_options o, double losses[10])
{
    struct gn_lr_sweep sweep;
    o.fit.validation = NULL;
    o.fit.shuffle = GN_SHUFFLE_NONE;
    o.from = 1e-12;
    o.to = 1e-11;
    o.steps = 10;
    assert_int_equal(gn_lr_find(net, &sweep, &o), GN_OK);
    assert_int_equal(sweep.n, 10);
    for (int i = 0; i < 10; i++)
        losses[i] = sweep.points[i].loss;
    gn_free_lr_sweep(&sweep);
}

static void every_step_of_the_sweep_has_draws_of_its_own(void **state)
{
    (void)state;
    struct gn_lr_find_options o = { .fit = tiny_options(NULL) };
    double with[10], without[10];
    gn_net *dropout = dropout_net(), *plain = linear_net(0);
    o.fit.batch = TINY_TRAIN;
    still_losses(dropout, o, with);
    still_losses(plain, o, without);
    for (int i = 1; i < 10; i++) {
        assert_true(fabs(with[i] - with[i - 1]) > 1e-6);
        assert_true(fabs(without[i] - without[i - 1]) < 1e-6);
    }
    gn_free_net(dropout);
    gn_free_net(plain);
}

static void the_sweep_augments_mixes_and_accumulates_as_training_does(void **state)
{
    (void)state;
    static const char *const lists[] = { "shift:3", "mixup" };
    struct gn_lr_find_options o = { .fit = tiny_options(NULL) };
    double plain[10], other[10];
    gn_net *net = linear_net(0);
    o.fit.batch = TINY_TRAIN / 2;
    still_losses(net, o, plain);
    assert_true(fabs(plain[0] - plain[1]) > 1e-6); /* two halves of the set, */
    o.fit.accumulate = 2;
    still_losses(net, o, other);
    assert_true(fabs(other[0] - (plain[0] + plain[1]) / 2) < 1e-6); /* then both together */
    assert_true(fabs(other[0] - other[1]) < 1e-6);
    o.fit.accumulate = 1;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        o.fit.augment = lists[i];
        still_losses(net, o, other);
        assert_true(fabs(other[0] - plain[0]) > 1e-6); /* changed, */
        assert_true(fabs(other[2] - other[0]) > 1e-6); /* in the next epoch otherwise */
    }
    gn_free_net(net);
}

static void a_sweep_goes_from_1e_5_to_1_in_100_steps(void **state)
{
    (void)state;
    struct gn_lr_find_options o = { .fit = tiny_options(NULL) };
    struct gn_lr_sweep sweep;
    gn_net *net = tiny_net();
    assert_int_equal(gn_lr_find(net, &sweep, &o), GN_OK);
    assert_int_equal(sweep.n, 100);
    for (int i = 0; i < sweep.n; i++)
        assert_true(fabs(sweep.points[i].lr / pow(10, -5 + 5.0 * i / 99) - 1) < 1e-12);
    gn_free_lr_sweep(&sweep);
    gn_free_net(net);
}

/* The smoothed loss is a mean that keeps nine tenths of the past, without the zero it begins with; four
 * times its lowest value since step 10 ends the sweep. */
static void a_loss_of_four_times_its_lowest_ends_the_sweep(void **state)
{
    (void)state;
    struct gn_lr_find_options o = { .fit = tiny_options(NULL), .from = 1e-2, .to = 1 };
    o.fit.weight_decay = 10; /* above a rate of 0.2 weights turn round and grow */
    struct gn_lr_sweep sweep;
    gn_net *net = linear_net(0);
    assert_int_equal(gn_lr_find(net, &sweep, &o), GN_OK);
    assert_true(sweep.ended_early && sweep.n > 20);
    double mean = 0, weight = 0, lowest = HUGE_VAL, highest = 0;
    for (int i = 0; i < sweep.n; i++) {
        mean = 0.9 * mean + 0.1 * sweep.points[i].loss;
        weight = 0.9 * weight + 0.1;
        assert_true(fabs(sweep.points[i].smoothed - mean / weight) < 1e-9 * mean / weight);
        assert_true(mean / weight <= 4 * lowest);
        highest = fmax(highest, mean / weight / lowest);
        if (i >= 9)
            lowest = fmin(lowest, mean / weight);
    }
    assert_true(highest > 2); /* it was near */
    gn_free_lr_sweep(&sweep);
    gn_free_net(net);
}

static void noise_alone_gives_no_suggestion(void **state)
{
    (void)state;
    struct gn_lr_find_options o = sweep_options();
    gn_net *net = tiny_net();
    o.fit.batch = 2;
    o.from = 1e-12;
    o.to = 1e-11;
    for (o.fit.seed = 0; o.fit.seed < 10; o.fit.seed++) {
        struct gn_lr_sweep sweep;
        assert_int_equal(gn_lr_find(net, &sweep, &o), GN_OK);
        assert_true(sweep.suggestion <= 0);
        gn_free_lr_sweep(&sweep);
    }
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
        cmocka_unit_test(the_suggestion_lies_in_the_known_range_of_a_linear_net),
        cmocka_unit_test(suggestions_of_three_seeds_are_near_each_other),
        cmocka_unit_test(every_step_of_the_sweep_has_draws_of_its_own),
        cmocka_unit_test(the_sweep_augments_mixes_and_accumulates_as_training_does),
        cmocka_unit_test(a_sweep_goes_from_1e_5_to_1_in_100_steps),
        cmocka_unit_test(a_loss_of_four_times_its_lowest_ends_the_sweep),
        cmocka_unit_test(noise_alone_gives_no_suggestion),
        cmocka_unit_test(no_fall_gives_no_suggestion),
        cmocka_unit_test(the_sweep_is_drawn),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
