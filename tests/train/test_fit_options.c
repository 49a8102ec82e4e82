/* labels: quick isa
 * timeout: 300
 *
 * Runs with schedules, averages, accumulation, limits and frozen tensors: the same bytes for any
 * number of threads and after an interruption, and what each option promises. */
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Options with as much state as possible. */
static struct gn_fit_options full_options(const char *out)
{
    struct gn_fit_options o = tiny_options(out);
    o.momentum = 0.9;
    o.nesterov = true;
    o.weight_decay = 0.001;
    o.no_decay = "dense";
    o.schedule = GN_SCHEDULE_ONE_CYCLE;
    o.ema = 0.9;
    o.clip_norm = 0.5;
    o.accumulate = 3;
    o.label_smoothing = 0.1;
    o.lr_scale = "b1.*=0.5";
    o.plateau_factor = 0.5;
    o.plateau_patience = 1;
    return o;
}

static void same_bytes_after_every_interruption(void **state)
{
    (void)state;
    (void)tiny_run(full_options("full"));
    for (uint64_t step = 1; step < 12; step += 2) {
        struct gn_fit_options o = full_options("full-cut");
        o.overwrite = true;
        o.threads = 3;
        o.max_steps = step;
        (void)tiny_run(o);
        o.overwrite = false;
        o.resume = true;
        o.max_steps = 0;
        o.threads = 2;
        (void)tiny_run(o);
        tiny_same_runs("full", "full-cut");
        tiny_same_file("full", "full-cut", "ema.safetensors");
    }
}

static void every_option_changes_the_weights(void **state)
{
    (void)state;
    enum { N = 13 };
    struct gn_fit_options o[N];
    uint32_t hashes[N];
    for (int i = 0; i < N; i++)
        o[i] = tiny_options(NULL);
    o[1].schedule = GN_SCHEDULE_COSINE;
    o[2].schedule = GN_SCHEDULE_POLYNOMIAL;
    o[3].schedule = GN_SCHEDULE_POLYNOMIAL;
    o[3].power = 2;
    o[4].schedule = GN_SCHEDULE_ONE_CYCLE;
    o[5].schedule = GN_SCHEDULE_STEP;
    o[5].step_epochs = 1;
    o[6].warmup_steps = 5;
    o[7].warmup_epochs = 1;
    o[8].clip_norm = 0.01;
    o[9].accumulate = 2;
    o[10].label_smoothing = 0.2;
    o[11].freeze = "b1";
    o[12].lr_scale = "dense=0.1";
    for (int i = 0; i < N; i++) {
        hashes[i] = tiny_run(o[i]);
        for (int j = 0; j < i; j++)
            if (hashes[i] == hashes[j])
                fail_msg("options %d and %d give the same weights", i, j);
    }
    struct gn_fit_options same = tiny_options(NULL);
    same.ema = 0.9;
    same.early_stop = 100;
    same.max_seconds = 1e6;
    assert_int_equal(tiny_run(same), hashes[0]);
}

/* Two batches of n are one batch of 2n, up to the rounding of sums. */
static void accumulation_equals_a_larger_batch(void **state)
{
    (void)state;
    struct gn_fit_options o = tiny_options("batch-16");
    o.batch = 16;
    o.shuffle = GN_SHUFFLE_NONE;
    o.epochs = 1;
    (void)tiny_run(o);
    o.out = "batch-2x8";
    o.batch = 8;
    o.accumulate = 2;
    (void)tiny_run(o);
    gn_net *a = tiny_net(), *b = tiny_net();
    struct gn_tensor_info ta, tb;
    assert_int_equal(gn_load_weights(a, "batch-16/model.safetensors"), GN_OK);
    assert_int_equal(gn_load_weights(b, "batch-2x8/model.safetensors"), GN_OK);
    for (int i = 0; gn_net_tensor(a, i, &ta) == GN_OK && gn_net_tensor(b, i, &tb) == GN_OK; i++)
        for (size_t k = 0; k < ta.count; k++)
            assert_true(fabsf(ta.values[k] - tb.values[k]) < 2e-6F);
    gn_free_net(a);
    gn_free_net(b);
    gn_clear_error();
}

/* The averaged weights are validated, saved, and the best when they are better. */
static void the_average_is_validated_and_saved(void **state)
{
    (void)state;
    struct gn_fit_options o = tiny_options("average");
    o.ema = 0.95;
    gn_net *net = tiny_net();
    gn_history *history = gn_fit_with(net, &o);
    assert_non_null(history);
    struct gn_epoch row, best = { 0 };
    double best_accuracy = -1;
    for (int i = 0; i < gn_history_epochs(history); i++) {
        assert_int_equal(gn_history_epoch(history, i, &row), GN_OK);
        const double better =
            fmax(row.val_accuracy, gn_metric_value(&row.metrics, "val_ema_accuracy"));
        if (better > best_accuracy) {
            best_accuracy = better;
            best = row;
        }
    }
    struct gn_score score;
    assert_int_equal(gn_load_weights(net, "average/ema.safetensors"), GN_OK);
    assert_int_equal(gn_evaluate(net, &score, tiny.test), GN_OK);
    assert_true(fabs(score.loss - gn_metric_value(&row.metrics, "val_ema_loss")) < 1e-9);
    assert_int_equal(gn_load_weights(net, "average/best.safetensors"), GN_OK);
    assert_int_equal(gn_evaluate(net, &score, tiny.test), GN_OK);
    assert_true(fabs(score.accuracy - best_accuracy) < 1e-9 && best.epoch > 0);
    size_t n;
    char *csv = (char *)test_read_file("average/history.csv", &n);
    assert_non_null(
        strstr(csv, "epoch,accuracy,loss,val_accuracy,val_ema_accuracy,val_ema_loss,val_loss,"
                    "grad_norm,lr\r\n"));
    free(csv);
    gn_free_history(history);
    gn_free_net(net);
}

static void frozen_tensors_keep_their_bits(void **state)
{
    (void)state;
    static const char *const lists[] = { "b1", "b1,b2.inception.p3_*", "*.weight", "dense" };
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        gn_net *fresh = tiny_net(), *net = tiny_net();
        struct gn_fit_options o = tiny_options(NULL);
        o.freeze = lists[l];
        o.weight_decay = 0.01;
        gn_free_history(gn_fit_with(net, &o));
        struct gn_tensor_info a, b;
        int moved = 0;
        for (int i = 0; gn_net_tensor(net, i, &a) == GN_OK; i++) {
            assert_int_equal(gn_net_tensor(fresh, i, &b), GN_OK);
            const bool is_frozen = (l < 2 && strncmp(a.name, "b1", 2) == 0) ||
                                   (l == 1 && strncmp(a.name, "b2.inception.p3_", 16) == 0) ||
                                   (l == 2 && strstr(a.name, ".weight") != NULL) ||
                                   (l == 3 && strncmp(a.name, "dense", 5) == 0);
            const bool is_same = memcmp(a.values, b.values, a.count * sizeof(float)) == 0;
            if (is_frozen != is_same)
                fail_msg("%s with freeze %s: %s", a.name, lists[l], is_same ? "same" : "moved");
            moved += !is_same;
        }
        assert_true(moved > 0);
        gn_clear_error();
        gn_free_net(fresh);
        gn_free_net(net);
    }
}

/* Frozen tensors leave the gradients of all others as they are: after one step the others stand
 * where they stand without frozen ones, up to the rounding of sums in another order. */
static void freezing_changes_no_other_gradient(void **state)
{
    (void)state;
    static const char *const lists[] = { "b1", "b2.inception.p1_1", "*.bias", "b1,b2", "dense" };
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        struct gn_fit_options o = tiny_options(NULL);
        gn_net *all = tiny_net(), *some = tiny_net(), *fresh = tiny_net();
        struct gn_tensor_info a, b, c;
        o.max_steps = 1;
        gn_free_history(gn_fit_with(all, &o));
        o.freeze = lists[l];
        gn_free_history(gn_fit_with(some, &o));
        for (int i = 0; gn_net_tensor(all, i, &a) == GN_OK; i++) {
            assert_int_equal(gn_net_tensor(some, i, &b), GN_OK);
            assert_int_equal(gn_net_tensor(fresh, i, &c), GN_OK);
            if (memcmp(b.values, c.values, b.count * sizeof(float)) == 0)
                continue;
            for (size_t k = 0; k < a.count; k++)
                assert_true(fabsf(a.values[k] - b.values[k]) < 1e-6F);
        }
        gn_clear_error();
        gn_free_net(all);
        gn_free_net(some);
        gn_free_net(fresh);
    }
}

/* One of two ends of a network trains alone: the other's loss has no gradient to hand on. */
static void the_answer_or_a_head_may_be_frozen(void **state)
{
    (void)state;
    static const char *const lists[] = { "b1,dense", "b1,aux" };
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        gn_graph *g = gn_graph_create();
        gn_stage(g, "b1");
        gn_node x = gn_conv_relu(g, gn_input(g, TINY_SIZE, TINY_SIZE, 1), 8, .kernel = 3);
        x = gn_global_avg_pool(g, x);
        gn_stage(g, NULL);
        gn_head(g, gn_dense(g, x, TINY_CLASSES, "aux"), 0.3, "aux");
        gn_net *net = gn_compile(g, gn_dense(g, x, TINY_CLASSES, "dense"), 5);
        struct gn_fit_options o = tiny_options(NULL);
        o.freeze = lists[l];
        gn_history *history = gn_fit_with(net, &o);
        if (history == NULL)
            fail_msg("%s", gn_error_message());
        gn_free_history(history);
        gn_free_net(net);
    }
}

/* ---- What ends a run ---- */

static int epochs_of(struct gn_fit_options o)
{
    gn_net *net = tiny_net();
    gn_history *history = gn_fit_with(net, &o);
    if (history == NULL)
        fail_msg("%s", gn_error_message());
    const int n = gn_history_epochs(history);
    gn_free_history(history);
    gn_free_net(net);
    return n;
}

/* A rate of zero: the first epoch stays the best. */
static void a_run_without_progress_stops_early(void **state)
{
    (void)state;
    struct gn_fit_options o = tiny_options("early");
    o.lr = 0;
    o.zero_lr = true;
    o.epochs = 20;
    o.early_stop = 3;
    assert_int_equal(epochs_of(o), 4);
    o.resume = true;
    assert_int_equal(epochs_of(o), 4);
}

static void time_ends_a_run_with_all_its_files(void **state)
{
    (void)state;
    struct gn_fit_options o = tiny_options("timed");
    o.max_seconds = 1e-6;
    assert_int_equal(epochs_of(o), 1);
    assert_true(test_exists("timed/checkpoint.safetensors"));
    assert_true(test_exists("timed/best.safetensors") && test_exists("timed/history.csv"));
    o.max_seconds = 0;
    o.resume = true;
    assert_int_equal(epochs_of(o), TINY_EPOCHS);
    (void)tiny_run(tiny_options("untimed"));
    tiny_same_runs("untimed", "timed");
}

struct rates {
    int n;
    double at[TINY_EPOCHS * TINY_STEPS];
};

static void note_rate(const struct gn_event *event, void *user)
{
    struct rates *rates = user;
    if (event->kind == GN_EVENT_STEP)
        rates->at[rates->n++] = event->lr;
}

static void a_plateau_lowers_the_rate(void **state)
{
    (void)state;
    struct rates rates = { 0 };
    struct gn_fit_options o = tiny_options(NULL);
    o.lr = 1e-9; /* the loss falls by less than 1e-4 */
    o.plateau_factor = 0.25;
    o.plateau_patience = 1;
    o.on_event = note_rate;
    o.user = &rates;
    (void)tiny_run(o);
    assert_int_equal(rates.n, TINY_EPOCHS * TINY_STEPS);
    assert_true(rates.at[0] == 1e-9 && rates.at[2 * TINY_STEPS - 1] == 1e-9);
    assert_true(rates.at[2 * TINY_STEPS] == 0.25e-9);
}

static volatile int save_now;

static void copy_file(const char *from, const char *to)
{
    size_t n;
    uint8_t *bytes = test_read_file(from, &n);
    test_write_file(to, bytes, n);
    free(bytes);
}

static void ask_for_a_save(const struct gn_event *event, void *user)
{
    int *steps = user;
    if (event->kind == GN_EVENT_STEP && ++*steps == 2)
        save_now = 1;
    if (event->kind == GN_EVENT_STEP && *steps == 4) {
        assert_int_equal(save_now, 0);
        copy_file("asked/checkpoint.safetensors", "asked-checkpoint");
    }
}

/* A checkpoint on request goes on to the same end. */
static void a_checkpoint_can_be_asked_for(void **state)
{
    (void)state;
    int steps = 0;
    struct gn_fit_options o = tiny_options("asked");
    o.save = &save_now;
    o.on_event = ask_for_a_save;
    o.user = &steps;
    const uint32_t hash = tiny_run(o);
    o = tiny_options("asked");
    copy_file("asked-checkpoint", "asked/checkpoint.safetensors");
    o.resume = true;
    assert_int_equal(tiny_run(o), hash);
}

/* ---- Warnings ---- */

struct warnings {
    int n;
    char last[1024];
};

static void note_warning(const struct gn_event *event, void *user)
{
    struct warnings *w = user;
    if (event->kind != GN_EVENT_WARNING)
        return;
    w->n++;
    (void)snprintf(w->last, sizeof w->last, "%s", event->message);
}

static void a_network_that_does_not_learn_is_told_once(void **state)
{
    (void)state;
    struct warnings w = { 0 };
    struct gn_fit_options o = tiny_options(NULL);
    gn_net *net = tiny_net();
    struct gn_tensor_info t;
    /* Logits of zero: the loss is ln 3 until the rate lets it go. */
    for (int i = 0; gn_net_tensor(net, i, &t) == GN_OK; i++)
        if (strncmp(t.name, "dense", 5) == 0)
            memset(t.values, 0, t.count * sizeof(float));
    gn_clear_error();
    o.epochs = 40;
    o.lr = 1e-7;
    o.on_event = note_warning;
    o.user = &w;
    gn_free_history(gn_fit_with(net, &o));
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, "within 1% of guessing (ln 3"));
    assert_non_null(strstr(w.last, "lr-find"));
    gn_free_net(net);
}

static void dead_relus_are_told_with_their_layer(void **state)
{
    (void)state;
    struct warnings w = { 0 };
    struct gn_fit_options o = tiny_options(NULL);
    gn_net *net = tiny_net();
    struct gn_tensor_info t;
    for (int i = 0; gn_net_tensor(net, i, &t) == GN_OK; i++)
        for (size_t k = 0; strcmp(t.name, "b2.inception.p1_1.bias") == 0 && k < t.count; k++)
            t.values[k] = -1000;
    gn_clear_error();
    o.on_event = note_warning;
    o.user = &w;
    gn_free_history(gn_fit_with(net, &o));
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, "b2.inception.p1_1: 4 of 4 channels"));
    gn_free_net(net);
}

static void a_jump_of_the_loss_is_told(void **state)
{
    (void)state;
    struct warnings w = { 0 };
    struct gn_fit_options o = tiny_options(NULL);
    o.epochs = 10;
    o.lr = 1;
    o.schedule = GN_SCHEDULE_STEP;
    o.step_epochs = 5;
    o.step_factor = 60; /* the rate jumps to 60 */
    o.on_event = note_warning;
    o.user = &w;
    gn_net *net = tiny_net();
    gn_free_history(gn_fit_with(net, &o));
    assert_true(w.n >= 1);
    gn_clear_error();
    gn_free_net(net);
}

/* ---- Options that make no sense ---- */

static void wrong_options_are_refused(void **state)
{
    (void)state;
#define REFUSED(part, ...)                                                                         \
    do {                                                                                           \
        struct gn_fit_options o = tiny_options(NULL);                                              \
        __VA_ARGS__;                                                                               \
        tiny_run_fails(o, GN_STATUS_BAD_ARGUMENT, part);                                           \
    } while (0)
    REFUSED("schedule number 9", o.schedule = (gn_schedule)9);
    REFUSED("lr_min", o.lr_min = -1);
    REFUSED("power", o.power = (double)NAN);
    REFUSED("rise", o.rise = 1);
    REFUSED("step_epochs", o.step_epochs = -1);
    REFUSED("give one of them", o.warmup_steps = 1, o.warmup_epochs = 1);
    REFUSED("its own rise", o.schedule = GN_SCHEDULE_ONE_CYCLE, o.warmup_steps = 1);
    REFUSED("both are needed", o.plateau_patience = 1);
    REFUSED("both are needed", o.plateau_factor = 0.5);
    REFUSED("plateau_factor", o.plateau_factor = 1, o.plateau_patience = 1);
    REFUSED("needs validation", o.early_stop = 1, o.validation = NULL);
    REFUSED("early_stop", o.early_stop = -1);
    REFUSED("max_seconds", o.max_seconds = -1);
    REFUSED("clip_norm", o.clip_norm = -1);
    REFUSED("accumulate", o.accumulate = -1);
    REFUSED("accumulate", o.accumulate = 65537);
    REFUSED("label_smoothing", o.label_smoothing = 1);
    REFUSED("ema", o.ema = 1);
    REFUSED("nearest name is dense.weight", o.freeze = "dense.weigth");
    REFUSED("nothing is left to train", o.freeze = "*");
    REFUSED("needs a factor", o.lr_scale = "dense");
    REFUSED(".no_decay", o.no_decay = "nowhere");
#undef REFUSED
}

static void a_resumed_run_keeps_its_options(void **state)
{
    (void)state;
    struct gn_fit_options o = full_options("kept");
    o.max_steps = 2;
    (void)tiny_run(o);
    o.resume = true;
    o.ema = 0.8;
    tiny_run_fails(o, GN_STATUS_BAD_ARGUMENT, "ema");
    o.ema = 0.9;
    o.lr_scale = NULL;
    tiny_run_fails(o, GN_STATUS_BAD_ARGUMENT, "lr_scale");
    o.lr_scale = "b1.*=0.5";
    (void)tiny_run(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_after_every_interruption),
        cmocka_unit_test(every_option_changes_the_weights),
        cmocka_unit_test(accumulation_equals_a_larger_batch),
        cmocka_unit_test(the_average_is_validated_and_saved),
        cmocka_unit_test(frozen_tensors_keep_their_bits),
        cmocka_unit_test(freezing_changes_no_other_gradient),
        cmocka_unit_test(the_answer_or_a_head_may_be_frozen),
        cmocka_unit_test(a_run_without_progress_stops_early),
        cmocka_unit_test(time_ends_a_run_with_all_its_files),
        cmocka_unit_test(a_plateau_lowers_the_rate),
        cmocka_unit_test(a_checkpoint_can_be_asked_for),
        cmocka_unit_test(a_network_that_does_not_learn_is_told_once),
        cmocka_unit_test(dead_relus_are_told_with_their_layer),
        cmocka_unit_test(a_jump_of_the_loss_is_told),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_resumed_run_keeps_its_options),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
