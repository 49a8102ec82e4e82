/* labels: quick
 *
 * What gn_fit refuses before it touches anything: options and data that make no sense, and what cannot fit
 * in memory. */
#include "base/threads.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <math.h>

static void refuses_options_that_make_no_sense(void **state)
{
    (void)state;
    static const struct {
        struct gn_fit_options options;
        const char *part;
    } cases[] = {
        { { .epochs = -1 }, "epochs is -1" },
        { { .batch = -5 }, "batch is -5" },
        { { .threads = -1 }, "threads is -1" },
        { { .threads = 100000 }, "threads is 100000" },
        { { .window = -1 }, "window is -1" },
        { { .lr = -0.1 }, "lr is -0.1" },
        { { .lr = (double)NAN }, "lr is" },
        { { .lr = (double)INFINITY }, "lr is inf" },
        { { .lr = 0.1, .zero_lr = true }, "zero_lr" },
        { { .momentum = 1 }, "momentum is 1" },
        { { .momentum = -0.5 }, "momentum is -0.5" },
        { { .nesterov = true }, ".nesterov needs a .momentum" },
        { { .optimizer = GN_ADAMW, .momentum = 0.9 }, "belong to sgd" },
        { { .momentum = 0.9, .no_momentum = true }, "no_momentum" },
        { { .optimizer = GN_LARS, .no_momentum = true, .nesterov = true }, ".nesterov needs" },
        { { .lars_trust = (double)NAN }, "lars_trust" },
        { { .muon_others = -1 }, "muon_others" },
        { { .lookahead_steps = -1 }, "lookahead_steps is -1" },
        { { .lookahead_steps = 5 }, "lookahead_share is 0; both must be above 0" },
        { { .lookahead_share = 0.5 }, "both must be above 0" },
        { { .lookahead_steps = 5, .lookahead_share = 1.5 }, "lookahead_share is 1.5, more than 1" },
        { { .lookahead_steps = 5, .lookahead_share = (double)NAN }, "lookahead_share" },
        { { .weight_decay = -1 }, "weight_decay is -1" },
        { { .weight_decay = 1, .no_weight_decay = true }, "no_weight_decay" },
        { { .adam_eps = (double)NAN }, "adam_eps" },
        { { .bn_group = GN_BN_GRAIN },
          ".bn_group is grain, but the network has no batch normalisation" },
        { { .bn_group = (gn_bn_group)2 }, "bn_group number 2" },
        { { .resume = true }, ".resume needs the folder" },
        { { .resume = true, .overwrite = true, .out = "x" }, "exclude each other" },
        { { .resize = (gn_resize)9 }, "rule number 9" },
        { { .shuffle = (gn_shuffle)7 }, "shuffle number 7" },
        { { .optimizer = (gn_optimizer)7 }, "optimizer number 7" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gn_fit_options options = cases[i].options;
        options.train = tiny.train;
        tiny_run_fails(options, GN_STATUS_BAD_ARGUMENT, cases[i].part);
        assert_false(test_exists("x"));
    }
}

static void refuses_data_that_do_not_fit(void **state)
{
    (void)state;
    struct gn_fit_options options = tiny_options(NULL);
    gn_dataset *other = gn_open_dataset("data", .split = GN_TRAIN, .size = 20);
    assert_non_null(other);
    options.train = other;
    tiny_run_fails(options, GN_STATUS_BAD_SHAPE, "opened for size 20, the network takes 12x12");
    gn_close_dataset(other);
    other = gn_open_dataset("data", .split = GN_TRAIN, .classes = 7);
    assert_non_null(other);
    options.train = other;
    tiny_run_fails(options, GN_STATUS_BAD_SHAPE, "7 classes, the network tells 3 apart");
    gn_close_dataset(other);
    other = gn_open_dataset("data", .split = GN_TEST, .resize = GN_RESIZE_HALF_PIXEL);
    assert_non_null(other);
    options = tiny_options(NULL);
    options.resize = GN_RESIZE_TF1_LEGACY;
    options.validation = other;
    tiny_run_fails(options, GN_STATUS_BAD_ARGUMENT, "tf1-legacy and half-pixel are both asked for");
    gn_close_dataset(other);
    gn_clear_error();
    assert_null(gn_fit_with(NULL, &options));
    check_error(GN_STATUS_BAD_ARGUMENT, "no network is given");
    assert_null(gn_fit_with(tiny.net, NULL));
    check_error(GN_STATUS_BAD_ARGUMENT, "no training data is given");
}

static void refuses_what_cannot_fit_in_memory(void **state)
{
    (void)state;
    struct gn_fit_options options = tiny_options("too-large");
    options.batch = 2000000000;
    tiny_run_fails(options, GN_STATUS_NO_MEMORY, "training with batch 2000000000 at 12x12 needs");
    assert_false(test_exists("too-large"));
    assert_true(gn_memory_estimate(tiny.net, 8, true) > gn_memory_estimate(tiny.net, 8, false));
    assert_true(gn_memory_estimate(tiny.net, 64, true) > gn_memory_estimate(tiny.net, 8, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_options_that_make_no_sense),
        cmocka_unit_test(refuses_data_that_do_not_fit),
        cmocka_unit_test(refuses_what_cannot_fit_in_memory),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
