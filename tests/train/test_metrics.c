/* labels: quick
 *
 * Metrics: the same figures in events, history, history.jsonl and history.csv; in a resumed run; which
 * epoch is the best; and what a run gets over leaves the caller's error alone. */
#include "run/history.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A net with an auxiliary head. */
static gn_net *headed_net(void)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_conv_relu(g, gn_input(g, TINY_SIZE, TINY_SIZE, 1), 6, .kernel = 3, .stride = 2,
                             .name = "conv");
    x = gn_avg_pool(g, x, 2);
    gn_head(g, gn_dense(g, x, TINY_CLASSES, "side"), 0.3, "aux1");
    x = gn_dense(g, gn_dropout(g, x, 0.2, "drop"), TINY_CLASSES, "dense");
    gn_net *net = gn_compile(g, x, 5);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

struct seen {
    double norm_sum, last_lr;
    int steps, epochs;
    struct gn_metrics epoch;
};

static void see(const struct gn_event *event, void *user)
{
    struct seen *seen = user;
    assert_non_null(event->metrics);
    if (event->kind == GN_EVENT_STEP && event->epoch == 1) {
        seen->norm_sum += gn_metric_value(event->metrics, "grad_norm");
        assert_true(fabs(gn_metric_value(event->metrics, "loss") - event->step_loss) < 1e-12);
        seen->last_lr = gn_metric_value(event->metrics, "lr");
        seen->steps++;
    }
    if (event->kind == GN_EVENT_EPOCH && event->epoch == 1)
        seen->epoch = *event->metrics;
}

static const char *const names[] = { "loss",         "accuracy",          "val_loss",
                                     "val_accuracy", "val_ema_loss",      "val_ema_accuracy",
                                     "lr",           "aux1_loss",         "aux1_accuracy",
                                     "grad_norm",    "images_per_second", "seconds" };
enum { N_NAMES = sizeof names / sizeof names[0] };

static struct gn_fit_options metric_options(const char *out)
{
    struct gn_fit_options o = tiny_options(out);
    o.epochs = 2;
    o.ema = 0.9;
    o.schedule = GN_SCHEDULE_COSINE;
    return o;
}

static void every_sink_has_every_metric(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    struct gn_fit_options o = metric_options("sinks");
    o.on_event = see;
    o.user = &seen;
    gn_net *net = headed_net();
    gn_history *history = gn_fit_with(net, &o);
    assert_non_null(history);
    struct gn_epoch row;
    assert_int_equal(gn_history_epoch(history, 0, &row), GN_OK);
    assert_int_equal(row.metrics.n, N_NAMES);
    size_t n;
    char *jsonl = (char *)test_read_file("sinks/history.jsonl", &n), key[64];
    char *epoch = strstr(jsonl, "{\"epoch\":1");
    assert_non_null(epoch);
    *strchr(epoch, '\n') = '\0';
    for (int i = 0; i < N_NAMES; i++) {
        const double value = gn_metric_value(&row.metrics, names[i]);
        assert_string_equal(row.metrics.list[i].name, names[i]);
        assert_true(fabs(value - gn_metric_value(&seen.epoch, names[i])) <= 0 && value > 0);
        (void)snprintf(key, sizeof key, "\"%s\":", names[i]);
        const char *at = strstr(epoch, key);
        assert_non_null(at);
        assert_true(fabs(strtod(at + strlen(key), NULL) - value) < 1e-5 * value + 1e-6);
    }
    assert_int_equal(seen.steps, TINY_STEPS);
    assert_true(fabs(seen.norm_sum / TINY_STEPS - gn_metric_value(&row.metrics, "grad_norm")) <
                1e-9);
    assert_true(fabs(seen.last_lr - gn_metric_value(&row.metrics, "lr")) < 1e-15);
    assert_true(gn_metric_value(&row.metrics, "aux1_accuracy") <= 1);
    assert_non_null(strstr(jsonl, "{\"step\":1,\"loss\":"));
    assert_non_null(strstr(jsonl, "\"grad_norm\":"));
    free(jsonl);
    /* Equal runs have an equal table: it is without times. */
    char *csv = (char *)test_read_file("sinks/history.csv", &n);
    static const char head[] = "epoch,accuracy,loss,val_accuracy,val_ema_accuracy,val_ema_loss,"
                               "val_loss,aux1_accuracy,aux1_loss,grad_norm,lr\r\n0,";
    assert_memory_equal(csv, head, strlen(head));
    free(csv);
    gn_free_history(history);
    gn_free_net(net);
}

static void a_resumed_run_reports_the_same_metrics(void **state)
{
    (void)state;
    struct gn_fit_options o = metric_options("cut");
    o.max_steps = 5;
    for (int i = 0; i < 3; i++) { /* within the first epoch, within the second, to the end */
        gn_net *net = headed_net();
        gn_history *history = gn_fit_with(net, &o);
        if (history == NULL)
            fail_msg("%s", gn_error_message());
        gn_free_history(history);
        gn_free_net(net);
        o.resume = true;
        o.max_steps = i == 0 ? TINY_STEPS + 4 : 0;
    }
    tiny_same_runs("sinks", "cut");
}

/* ---- The best epoch ---- */

static struct gn_epoch row_of(double accuracy, double loss, double ema_accuracy, double ema_loss)
{
    struct gn_epoch row = { .has_validation = true, .val_accuracy = accuracy, .val_loss = loss };
    gn_metrics_add(&row.metrics, "val_ema_accuracy", ema_accuracy, false);
    gn_metrics_add(&row.metrics, "val_ema_loss", ema_loss, false);
    return row;
}

static void of_equal_accuracies_the_lower_loss_is_better(void **state)
{
    (void)state;
    const double none = (double)NAN;
    const struct gn_epoch base = row_of(0.5, 1, none, none), lower = row_of(0.5, 0.9, none, none);
    const struct gn_epoch higher = row_of(0.6, 2, none, none), averaged = row_of(0.1, 9, 0.5, 0.8);
    assert_true(gn_epoch_is_better(&lower, &base) && !gn_epoch_is_better(&base, &lower));
    assert_false(gn_epoch_is_better(&base, &base)); /* the earlier one stays */
    assert_true(gn_epoch_is_better(&higher, &lower) && !gn_epoch_is_better(&lower, &higher));
    assert_true(gn_epoch_is_better(&averaged, &lower) && !gn_epoch_is_better(&averaged, &higher));
    const struct gn_epoch equal = row_of(0.5, 1, 0.5, 1), flat = row_of(0.5, 1, 0.5, 0.5);
    assert_false(gn_epoch_standing(&equal).averaged);
    assert_true(gn_epoch_standing(&flat).averaged);
}

/* The last epoch's rate is so small that its accuracy equals that of the one before. */
static void the_history_says_which_epoch_was_best(void **state)
{
    (void)state;
    struct gn_fit_options o = tiny_options("best");
    gn_net *net = tiny_net();
    o.epochs = 6;
    o.schedule = GN_SCHEDULE_STEP;
    o.step_epochs = 2;
    o.step_factor = 1e-3;
    gn_history *history = gn_fit_with(net, &o);
    assert_non_null(history);
    int best = 0;
    struct gn_epoch a, b;
    for (int i = 1; i < o.epochs; i++) {
        assert_int_equal(gn_history_epoch(history, i, &a), GN_OK);
        assert_int_equal(gn_history_epoch(history, best, &b), GN_OK);
        const bool equal = fabs(a.val_accuracy - b.val_accuracy) <= 0;
        if (a.val_accuracy > b.val_accuracy || (equal && a.val_loss < b.val_loss))
            best = i;
    }
    assert_int_equal(gn_history_best(history), best);
    assert_int_equal(gn_history_epoch(history, best, &b), GN_OK);
    /* A resumed run, which has nothing left to do, knows it too. */
    gn_net *other = tiny_net();
    o.resume = true;
    gn_history *resumed = gn_fit_with(other, &o);
    assert_int_equal(gn_history_best(resumed), best);
    gn_free_history(resumed);
    gn_free_net(other);
    struct gn_score score;
    assert_int_equal(gn_load_weights(net, "best/best.safetensors"), GN_OK);
    assert_int_equal(gn_evaluate(net, &score, tiny.test), GN_OK);
    assert_true(fabs(score.loss - b.val_loss) < 1e-9);
    gn_free_history(history);
    gn_free_net(net);
    assert_int_equal(gn_history_best(NULL), -1);
}

/* ---- Errors that a run gets over ---- */

static void count_warnings(const struct gn_event *event, void *user)
{
    if (event->kind == GN_EVENT_WARNING) {
        ++*(int *)user;
        assert_non_null(strstr(event->message, "history.csv"));
        assert_non_null(strstr(event->message, "\n  hint: "));
        /* The last attempt at the end of the run succeeds. */
        assert_int_equal(rename("warned/history.csv", "aside"), 0);
    }
}

static void a_warning_leaves_the_error_of_the_caller(void **state)
{
    (void)state;
    int warnings = 0;
    struct gn_fit_options o = tiny_options("warned");
    o.on_event = count_warnings;
    o.user = &warnings;
    assert_int_equal(mkdir("warned", 0777), 0);
    assert_int_equal(mkdir("warned/history.csv", 0777), 0);
    assert_int_equal(mkdir("warned/history.csv/full", 0777), 0);
    o.overwrite = false;
    gn_net *net = tiny_net();
    assert_int_equal(rename("warned/history.csv", "aside"), 0);
    o.max_steps = 3;
    gn_free_history(gn_fit_with(net, &o));
    assert_int_equal(remove("warned/history.csv"), 0);
    assert_int_equal(rename("aside", "warned/history.csv"), 0);
    o.max_steps = 6;
    o.resume = true;
    (void)gn_fail(GN_STATUS_BAD_SHAPE, "an error of before");
    gn_hint("and what helps");
    gn_history *history = gn_fit_with(net, &o);
    assert_non_null(history);
    assert_int_equal(warnings, 1);
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_SHAPE);
    assert_string_equal(gn_error_message(), "an error of before\n  hint: and what helps");
    gn_clear_error();
    gn_free_history(history);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sink_has_every_metric),
        cmocka_unit_test(a_resumed_run_reports_the_same_metrics),
        cmocka_unit_test(of_equal_accuracies_the_lower_loss_is_better),
        cmocka_unit_test(the_history_says_which_epoch_was_best),
        cmocka_unit_test(a_warning_leaves_the_error_of_the_caller),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
