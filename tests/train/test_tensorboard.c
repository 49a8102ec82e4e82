/* labels: quick
 *
 * TensorBoard's files of a run: every metric of every epoch and step, histograms that count every value,
 * pictures; no step twice in a run that was killed and resumed; and no bit of the training changes. */
#include "draw/curves.h"
#include "support/check.h"
#include "support/event_file.h"
#include "support/files.h"
#include "support/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define EVENTS "events.out.tfevents.googlenet"
#define TRAIN  "/tensorboard/train/" EVENTS
#define VAL    "/tensorboard/validation/" EVENTS

static struct event_file read_of(const char *run, const char *part)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s%s", run, part);
    return event_file_read(path);
}

static struct gn_fit_options board_options(const char *out)
{
    struct gn_fit_options o = tiny_options(out);
    o.histograms = true;
    o.ema = 0.9;
    return o;
}

static gn_history *fit(struct gn_fit_options *o)
{
    gn_net *net = tiny_net();
    gn_history *history = gn_fit_with(net, o);
    if (history == NULL)
        fail_msg("%s", gn_error_message());
    gn_free_net(net);
    return history;
}

/* As float32, which is what TensorBoard keeps. */
static void has(const struct event_file *file, const char *tag, uint64_t step, double value)
{
    const struct event_value *v = event_find(file, tag, step);
    if (v == NULL)
        fail_msg("no %s at %llu", tag, (unsigned long long)step);
    const float wanted = (float)value;
    assert_memory_equal(&v->scalar, &wanted, sizeof wanted);
}

static void check_rows(const char *run, const gn_history *history)
{
    struct event_file train = read_of(run, TRAIN), val = read_of(run, VAL);
    for (int i = 0; i < gn_history_epochs(history); i++) {
        struct gn_epoch row;
        assert_int_equal(gn_history_epoch(history, i, &row), GN_OK);
        for (int k = 0; k < row.metrics.n; k++) {
            const struct gn_metric *m = &row.metrics.list[k];
            const bool validates = strncmp(m->name, "val_", 4) == 0;
            if (!m->is_time) /* the journal rounds times */
                has(validates ? &val : &train, m->name + (validates ? 4 : 0), (uint64_t)row.epoch,
                    m->value);
        }
    }
    for (uint64_t step = 1; step <= TINY_STEPS * TINY_EPOCHS; step++)
        assert_non_null(event_find(&train, "step/loss", step));
    assert_null(event_find(&train, "step/loss", TINY_STEPS * TINY_EPOCHS + 1));
    assert_null(event_find(&train, "loss", TINY_EPOCHS + 1));
    free(train.values);
    free(val.values);
}

static void every_value_is_in_the_files(void **state)
{
    (void)state;
    struct gn_fit_options o = board_options("whole");
    gn_history *history = fit(&o);
    check_rows("whole", history);
    gn_free_history(history);
}

static void histograms_count_every_value(void **state)
{
    (void)state;
    struct event_file train = read_of("whole", TRAIN);
    static const char *const kinds[] = { "weights", "gradients", "updates" };
    for (int epoch = 1; epoch <= TINY_EPOCHS; epoch++)
        for (int i = 0; i < 3; i++) {
            char tag[64];
            (void)snprintf(tag, sizeof tag, "%s/dense.weight", kinds[i]);
            const struct event_value *v = event_find(&train, tag, (uint64_t)epoch);
            assert_non_null(v);
            assert_int_equal(v->kind, EVENT_HISTOGRAM);
            assert_true(v->low < v->high && fabs(v->n - v->counted) < 0.5 && v->n > 0);
            if (i < 2)
                assert_true(fabs(v->n / TINY_CLASSES - round(v->n / TINY_CLASSES)) < 1e-9);
            else /* a step of sgd moves a weight by a small part of itself */
                assert_true(v->low > -12 && v->high < 3);
        }
    free(train.values);
}

static void pictures_show_the_answers(void **state)
{
    (void)state;
    if (!gn_curves_available())
        skip();
    struct event_file val = read_of("whole", VAL);
    const struct event_value *v = event_find(&val, "confusion", TINY_EPOCHS);
    assert_non_null(v);
    assert_int_equal(v->kind, EVENT_IMAGE);
    assert_true(v->width >= 240 && v->height > 100);
    free(val.values);
}

static void a_resumed_run_has_every_step_once(void **state)
{
    (void)state;
    struct gn_fit_options o = board_options("cut");
    o.max_steps = 5;
    for (int i = 0; i < 4;
         i++) { /* within the first epoch, the second, after the end, to the end */
        gn_free_history(fit(&o));
        o.resume = true;
        o.max_steps = i == 0 ? TINY_STEPS + 4 : i == 1 ? 2 * TINY_STEPS + 1 : 0;
        if (i == 1) { /* killed while it wrote */
            assert_int_equal(truncate("cut" TRAIN, 2000), 0);
            assert_int_equal(truncate("cut" VAL, 50), 0);
        }
        if (i == 2) {
            size_t n;
            uint8_t *bytes = test_read_file("cut" TRAIN, &n);
            bytes[n / 2] ^= 1;
            test_write_file("cut" TRAIN, bytes, n);
            free(bytes);
        }
    }
    gn_history *history = fit(&o);
    struct event_file train = read_of("cut", TRAIN), val = read_of("cut", VAL);
    for (int i = 0; i < TINY_EPOCHS; i++) {
        struct gn_epoch row;
        assert_int_equal(gn_history_epoch(history, i, &row), GN_OK);
        has(&train, "loss", (uint64_t)i + 1, row.loss);
        has(&val, "accuracy", (uint64_t)i + 1, row.val_accuracy);
    }
    free(train.values);
    free(val.values);
    gn_free_history(history);
    tiny_same_runs("whole", "cut");
}

/* Cut within an epoch, with intact files: the same values as a run in one piece, to the last one. */
static void a_cleanly_resumed_run_has_the_same_values(void **state)
{
    (void)state;
    struct gn_fit_options o = board_options("clean");
    o.max_steps = TINY_STEPS + 5;
    gn_free_history(fit(&o));
    o.max_steps = 0;
    o.resume = true;
    gn_free_history(fit(&o));
    struct event_file a = read_of("whole", TRAIN), b = read_of("clean", TRAIN);
    assert_int_equal(a.n, b.n);
    for (int i = 0; i < a.n; i++) {
        assert_string_equal(a.values[i].tag, b.values[i].tag);
        assert_int_equal(a.values[i].step, b.values[i].step);
        if (strstr(a.values[i].tag, "second") == NULL)
            assert_memory_equal(&a.values[i].scalar, &b.values[i].scalar, sizeof(float));
        assert_true(fabs(a.values[i].counted - b.values[i].counted) < 0.5);
    }
    free(a.values);
    free(b.values);
}

static void the_training_is_the_same_without_it(void **state)
{
    (void)state;
    struct gn_fit_options o = board_options("plain");
    o.histograms = false;
    gn_free_history(fit(&o));
    tiny_same_file("whole", "plain", "model.safetensors");
    tiny_same_file("whole", "plain", "best.safetensors");
    tiny_same_file("whole", "plain", "checkpoint.safetensors");
    assert_false(test_exists("plain/tensorboard"));
    /* A resumed run may begin with it, from what the history has. */
    o.tensorboard = o.resume = true;
    gn_history *history = fit(&o);
    struct event_file val = read_of("plain", VAL);
    struct gn_epoch row;
    assert_int_equal(gn_history_epoch(history, 0, &row), GN_OK);
    has(&val, "loss", 1, row.val_loss);
    free(val.values);
    gn_free_history(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_in_the_files),
        cmocka_unit_test(histograms_count_every_value),
        cmocka_unit_test(pictures_show_the_answers),
        cmocka_unit_test(a_resumed_run_has_every_step_once),
        cmocka_unit_test(a_cleanly_resumed_run_has_the_same_values),
        cmocka_unit_test(the_training_is_the_same_without_it),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
