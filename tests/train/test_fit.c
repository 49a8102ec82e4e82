/* labels: quick isa
 *
 * What a training run computes: bits that depend on data, options and seed alone, limits, stops,
 * a loss that is no longer finite, and the choice of the best epoch. */
#include "base/memory.h"
#include "base/threads.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <math.h>
#include <stdlib.h>

/* ---- Bits ---- */

static void two_runs_leave_the_same_bytes(void **state)
{
    (void)state;
    const uint32_t a = tiny_run(tiny_options("twice-a"));
    const uint32_t b = tiny_run(tiny_options("twice-b"));
    assert_int_equal(a, b);
    tiny_same_runs("twice-a", "twice-b");
    tiny_same_file("twice-a", "twice-b", "checkpoint.previous.safetensors");
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    uint32_t first = 0;
    for (int threads = 1; threads <= 4; threads++) {
        char out[32];
        (void)snprintf(out, sizeof out, "threads-%d", threads);
        struct gn_fit_options options = tiny_options(out);
        options.threads = threads;
        const uint32_t hash = tiny_run(options);
        if (threads == 1)
            first = hash;
        assert_int_equal(hash, first);
        tiny_same_runs("threads-1", out);
    }
}

static void every_option_that_should_matter_does(void **state)
{
    (void)state;
    struct gn_fit_options options[12];
    for (size_t i = 0; i < 12; i++)
        options[i] = tiny_options(NULL);
    options[1].seed = 8;
    options[2].batch = 7;
    options[3].lr = 0.05;
    options[4].shuffle = GN_SHUFFLE_NONE;
    options[5].shuffle = GN_SHUFFLE_WINDOW;
    options[5].window = 10;
    options[6].momentum = 0.9;
    options[7].momentum = 0.9;
    options[7].nesterov = true;
    options[8].weight_decay = 0.01;
    options[9].optimizer = GN_ADAMW;
    options[10].limit_train = 80;
    options[11].optimizer = GN_LARS;
    options[11].lr = 0;
    uint32_t hashes[12];
    for (size_t i = 0; i < 12; i++) {
        hashes[i] = tiny_run(options[i]);
        for (size_t j = 0; j < i; j++)
            if (hashes[i] == hashes[j])
                fail_msg("options %zu and %zu give the same weights", i, j);
    }
    struct gn_fit_options same = tiny_options(NULL);
    same.validation = NULL;
    same.log_steps = 0;
    assert_int_equal(tiny_run(same), hashes[0]);
}

static void a_rate_of_zero_leaves_the_weights(void **state)
{
    (void)state;
    gn_net *fresh = tiny_net();
    struct gn_fit_options options = tiny_options(NULL);
    options.lr = 0;
    options.zero_lr = true;
    assert_int_equal(tiny_run(options), gn_net_hash(fresh));
    options.optimizer = GN_ADAMW;
    assert_int_equal(tiny_run(options), gn_net_hash(fresh));
    options.optimizer = GN_LARS;
    assert_int_equal(tiny_run(options), gn_net_hash(fresh));
    gn_free_net(fresh);
}

/* ---- Reports ---- */

struct seen {
    int starts, steps, validations, epochs, warnings, best;
    struct gn_event first_step, last_step, last_epoch;
    uint64_t allocations; /* at the last step */
    bool allocated_in_a_step;
};

static void see(const struct gn_event *event, void *user)
{
    struct seen *seen = user;
    switch (event->kind) {
    case GN_EVENT_START:
        seen->starts++;
        assert_non_null(event->message);
        break;
    case GN_EVENT_STEP:
        if (seen->steps++ == 0)
            seen->first_step = *event;
        else if (event->step > 1 && gn_alloc_count() != seen->allocations)
            seen->allocated_in_a_step = true;
        seen->last_step = *event;
        break;
    case GN_EVENT_VALIDATE:
        seen->validations++;
        break;
    case GN_EVENT_EPOCH:
        seen->epochs++;
        if (event->is_best)
            seen->best = event->epoch;
        seen->last_epoch = *event;
        break;
    case GN_EVENT_WARNING:
        seen->warnings++;
        print_message("warning: %s\n", event->message);
        break;
    }
    seen->allocations = gn_alloc_count();
}

static void reports_what_happens(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    struct gn_fit_options options = tiny_options("reports");
    options.on_event = see;
    options.user = &seen;
    gn_net *net = tiny_net();
    gn_history *history = gn_fit_with(net, &options);
    assert_non_null(history);
    assert_int_equal(seen.starts, 1);
    assert_int_equal(seen.steps, TINY_EPOCHS * TINY_STEPS);
    assert_int_equal(seen.validations, TINY_EPOCHS * (TINY_TEST / TINY_BATCH));
    assert_int_equal(seen.epochs, TINY_EPOCHS);
    assert_int_equal(seen.warnings, 0);
    assert_int_equal(seen.last_step.total_step, TINY_EPOCHS * TINY_STEPS);
    assert_int_equal(seen.last_step.samples, TINY_TRAIN);
    assert_int_equal(seen.last_step.steps, TINY_STEPS);
    assert_int_equal(seen.last_epoch.epochs, TINY_EPOCHS);
    /* Glorot weights know nothing yet. */
    assert_true(fabs(seen.first_step.step_loss - log(TINY_CLASSES)) < 0.2 * log(TINY_CLASSES));
    assert_int_equal(gn_history_epochs(history), TINY_EPOCHS);
    struct gn_epoch row;
    assert_int_equal(gn_history_epoch(history, TINY_EPOCHS - 1, &row), 0);
    assert_true(row.loss == seen.last_epoch.loss && row.val_loss == seen.last_epoch.val_loss);
    assert_int_not_equal(gn_history_epoch(history, TINY_EPOCHS, &row), 0);
    check_error(GN_STATUS_BAD_ARGUMENT, "there is no row 3, it has 3");
    gn_free_history(history);
    gn_free_net(net);
}

static void allocates_nothing_in_a_step(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    struct gn_fit_options options = tiny_options("allocations");
    options.on_event = see;
    options.user = &seen;
    (void)tiny_run(options);
    assert_false(seen.allocated_in_a_step);
}

/* The loss of an epoch weighs every sample alike, the short last batch too. */
static void losses_are_means_over_samples(void **state)
{
    (void)state;
    struct gn_fit_options options = tiny_options(NULL);
    struct seen seen = { 0 };
    options.on_event = see;
    options.user = &seen;
    options.lr = 0;
    options.zero_lr = true;
    options.validation = tiny.train;
    options.epochs = 1;
    (void)tiny_run(options);
    /* With frozen weights training and validation see the same loss. */
    assert_true(fabs(seen.last_epoch.loss - seen.last_epoch.val_loss) < 1e-6);
    assert_true(seen.last_epoch.accuracy == seen.last_epoch.val_accuracy);
    const double first = seen.last_epoch.loss;
    options.batch = 50;
    (void)tiny_run(options);
    assert_true(fabs(seen.last_epoch.loss - first) < 1e-6);
}

/* ---- Learning ---- */

static void overfits_a_small_set(void **state)
{
    (void)state;
    struct gn_fit_options options = tiny_options(NULL);
    struct seen seen = { 0 };
    options.on_event = see;
    options.user = &seen;
    options.validation = NULL;
    options.epochs = 60;
    options.momentum = 0.9;
    options.lr = 0.05;
    options.limit_train = 64;
    (void)tiny_run(options);
    assert_true(seen.last_epoch.accuracy >= 1);
    assert_true(seen.last_epoch.loss < 0.1);
    assert_false(seen.last_epoch.has_validation);
}

/* ---- Limits and stops ---- */

static void limits_cut_the_data(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    struct gn_fit_options options = tiny_options(NULL);
    options.on_event = see;
    options.user = &seen;
    options.limit_train = 20;
    options.limit_val = 9;
    options.epochs = 1;
    (void)tiny_run(options);
    assert_int_equal(seen.steps, 3);
    assert_int_equal(seen.last_step.samples, 20);
    assert_int_equal(seen.validations, 2);
}

static void max_steps_leaves_all_files(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    struct gn_fit_options options = tiny_options("max-steps");
    options.on_event = see;
    options.user = &seen;
    options.max_steps = 5;
    gn_net *net = tiny_net();
    gn_history *history = gn_fit_with(net, &options);
    assert_non_null(history);
    assert_int_equal(seen.steps, 5);
    assert_int_equal(gn_history_epochs(history), 1);
    struct gn_epoch row;
    assert_int_equal(gn_history_epoch(history, 0, &row), 0);
    assert_true(row.has_validation);
    static const char *const names[] = { "model.safetensors", "best.safetensors",
                                         "checkpoint.safetensors", "history.csv", "history.jsonl" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "max-steps/%s", names[i]);
        assert_true(test_exists(path));
    }
    gn_net *loaded = tiny_net();
    assert_int_equal(gn_load_weights(loaded, "max-steps/model.safetensors"), 0);
    assert_int_equal(gn_net_hash(loaded), gn_net_hash(net));
    gn_free_net(loaded);
    gn_free_history(history);
    gn_free_net(net);
}

struct stopper {
    volatile int stop;
    gn_event_kind kind;
    uint64_t total_step;
};

static void stop_when(const struct gn_event *event, void *user)
{
    struct stopper *stopper = user;
    if (event->kind == stopper->kind && event->total_step == stopper->total_step)
        stopper->stop = 1;
}

static void stops_cleanly_and_goes_on(void **state)
{
    (void)state;
    (void)tiny_run(tiny_options("stop-straight"));
    static const struct stopper when[] = {
        { 0, GN_EVENT_START, 0 },
        { 0, GN_EVENT_STEP, 1 },
        { 0, GN_EVENT_STEP, 7 },
        { 0, GN_EVENT_STEP, TINY_STEPS },
        { 0, GN_EVENT_VALIDATE, TINY_STEPS },
        { 0, GN_EVENT_EPOCH, 2 * TINY_STEPS },
        { 0, GN_EVENT_STEP, 3 * TINY_STEPS },
    };
    for (size_t i = 0; i < sizeof when / sizeof when[0]; i++) {
        struct stopper stopper = when[i];
        char out[32];
        (void)snprintf(out, sizeof out, "stop-%zu", i);
        struct gn_fit_options options = tiny_options(out);
        options.on_event = stop_when;
        options.user = &stopper;
        options.stop = &stopper.stop;
        tiny_run_fails(options, GN_STATUS_STOPPED, "stopped on request at step");
        options = tiny_options(out);
        options.resume = true;
        (void)tiny_run(options);
        tiny_same_runs("stop-straight", out);
    }
}

/* ---- Divergence ---- */

static void a_rate_too_high_ends_the_run_and_keeps_the_files(void **state)
{
    (void)state;
    struct gn_fit_options options = tiny_options("diverge");
    options.lr = 1e20;
    tiny_run_fails(options, GN_STATUS_DIVERGED, "(epoch 1, step");
    /* The state before the first step is still there and whole. */
    gn_net *fresh = tiny_net(), *loaded = tiny_net();
    assert_false(test_exists("diverge/model.safetensors"));
    assert_int_equal(gn_load_weights(loaded, "diverge/checkpoint.safetensors"), 0);
    assert_int_equal(gn_net_hash(loaded), gn_net_hash(fresh));
    gn_free_net(fresh);
    gn_free_net(loaded);
}

/* Weights that overflow in an epoch's very last update are seen before they are saved. */
static void weights_that_are_not_finite_are_never_saved(void **state)
{
    (void)state;
    struct gn_fit_options options = tiny_options("overflow");
    options.lr = 3e38;
    options.epochs = 1;
    options.max_steps = 1;
    options.weight_decay = 10;
    tiny_run_fails(options, GN_STATUS_DIVERGED, "is not finite");
    assert_false(test_exists("overflow/model.safetensors"));
    assert_false(test_exists("overflow/best.safetensors"));
}

/* ---- The best epoch ---- */

static void the_earliest_of_equal_epochs_is_the_best(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    struct gn_fit_options options = tiny_options("best");
    options.on_event = see;
    options.user = &seen;
    options.lr = 0;
    options.zero_lr = true; /* all epochs are equal */
    (void)tiny_run(options);
    assert_int_equal(seen.best, 1);
}

struct best_copy {
    double accuracy, loss;
    uint32_t hash;
    gn_net *net;
};

static void remember_best(const struct gn_event *event, void *user)
{
    struct best_copy *best = user;
    if (event->kind != GN_EVENT_EPOCH)
        return;
    const bool equal = event->val_accuracy >= best->accuracy && event->val_loss < best->loss;
    assert_int_equal(event->is_best, event->val_accuracy > best->accuracy || equal);
    if (event->is_best) {
        best->loss = event->val_loss;
        best->accuracy = event->val_accuracy;
        best->hash = gn_net_hash(best->net);
    }
}

static void best_holds_the_weights_of_the_best_epoch(void **state)
{
    (void)state;
    gn_net *net = tiny_net(), *loaded = tiny_net();
    struct best_copy best = { -1, 0, 0, net };
    struct gn_fit_options options = tiny_options("best-weights");
    options.on_event = remember_best;
    options.user = &best;
    options.epochs = 8;
    options.lr = 0.6; /* high enough for accuracies that go up and down */
    gn_history *history = gn_fit_with(net, &options);
    assert_non_null(history);
    assert_int_equal(gn_load_weights(loaded, "best-weights/best.safetensors"), 0);
    assert_int_equal(gn_net_hash(loaded), best.hash);
    assert_int_equal(gn_load_weights(loaded, "best-weights/model.safetensors"), 0);
    assert_int_equal(gn_net_hash(loaded), gn_net_hash(net));
    gn_free_history(history);
    gn_free_net(net);
    gn_free_net(loaded);
}

/* ---- The net after a run ---- */

static void keeps_labels_and_resize_rule_in_the_net(void **state)
{
    (void)state;
    struct gn_fit_options options = tiny_options(NULL);
    options.resize = GN_RESIZE_HALF_PIXEL;
    options.max_steps = 1;
    gn_net *net = tiny_net();
    gn_free_history(gn_fit_with(net, &options));
    struct gn_net_info info;
    assert_int_equal(gn_net_describe(net, &info), 0);
    assert_int_equal(info.resize, GN_RESIZE_HALF_PIXEL);
    gn_free_net(net);
}

/* Validation computes in the memory of the training plan, which must not show. */
static void validation_changes_no_weight(void **state)
{
    (void)state;
    struct gn_fit_options options = tiny_options(NULL);
    const uint32_t with = tiny_run(options);
    gn_net *net = tiny_net();
    options.train = tiny.train;
    options.validation = NULL;
    gn_history *history = gn_fit_with(net, &options);
    assert_non_null(history);
    assert_int_equal(gn_net_hash(net), with);
    gn_free_history(history);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validation_changes_no_weight),
        cmocka_unit_test(two_runs_leave_the_same_bytes),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(every_option_that_should_matter_does),
        cmocka_unit_test(a_rate_of_zero_leaves_the_weights),
        cmocka_unit_test(reports_what_happens),
        cmocka_unit_test(allocates_nothing_in_a_step),
        cmocka_unit_test(losses_are_means_over_samples),
        cmocka_unit_test(overfits_a_small_set),
        cmocka_unit_test(limits_cut_the_data),
        cmocka_unit_test(max_steps_leaves_all_files),
        cmocka_unit_test(stops_cleanly_and_goes_on),
        cmocka_unit_test(a_rate_too_high_ends_the_run_and_keeps_the_files),
        cmocka_unit_test(weights_that_are_not_finite_are_never_saved),
        cmocka_unit_test(the_earliest_of_equal_epochs_is_the_best),
        cmocka_unit_test(best_holds_the_weights_of_the_best_epoch),
        cmocka_unit_test(keeps_labels_and_resize_rule_in_the_net),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
