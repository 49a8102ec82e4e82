/* labels: quick
 *
 * The rate of every step of whole runs: schedules in epochs and shares of the run, with accumulation,
 * and what a plateau makes of it by Keras' rule, restated on the losses of the run. */
#include "support/check.h"
#include "support/tiny.h"

#include <math.h>

enum { STEPS = 6, EPOCHS = 5, ALL = EPOCHS * STEPS, MOST = 200 };

struct rates {
    double at[MOST];
    int n;
};

static void note_rate(const struct gn_event *event, void *user)
{
    struct rates *rates = user;
    if (event->kind != GN_EVENT_STEP)
        return;
    assert_true(rates->n < MOST);
    rates->at[rates->n++] = event->lr;
}

/* Steps of two batches: six an epoch. */
static struct gn_fit_options options_for(struct rates *rates)
{
    struct gn_fit_options o = tiny_options(NULL);
    *rates = (struct rates){ .n = 0 };
    o.accumulate = 2;
    o.epochs = EPOCHS;
    o.lr = 0.01;
    o.on_event = note_rate;
    o.user = rates;
    return o;
}

static void are_rates(const struct rates *rates, double (*wanted)(int step))
{
    assert_int_equal(rates->n, ALL);
    for (int k = 0; k < ALL; k++)
        if (!(fabs(rates->at[k] - wanted(k)) < 1e-12))
            fail_msg("step %d: %.12g instead of %.12g", k, rates->at[k], wanted(k));
}

static double by_steps(int k)
{
    return 0.01 * pow(0.5, k / (2 * STEPS)); /* every two epochs */
}

static double warmed_up(int k)
{
    const int rise = 9; /* an epoch and a half */
    return 0.01 * (k < rise ? (k + 1) / (rise + 1.0) : 1);
}

static double one_cycle(int k)
{
    const int rise = 8; /* a quarter of 30, rounded */
    return k < rise ? 0.01 * (k + 1) / (rise + 1.0)
                    : 0.009 * (1 - (double)(k - rise) / (ALL - rise)) + 0.001;
}

static double warm_cosine(int k)
{
    const int rise = 4;
    return k < rise ? 0.01 * (k + 1) / (rise + 1.0)
                    : 0.005 * (1 + cos(3.14159265358979323846 * (k - rise) / (ALL - rise)));
}

static void schedules_count_steps_epochs_and_the_run(void **state)
{
    (void)state;
    struct rates rates;
    struct gn_fit_options o = options_for(&rates);
    o.schedule = GN_SCHEDULE_STEP;
    o.step_epochs = 2;
    o.step_factor = 0.5;
    (void)tiny_run(o);
    are_rates(&rates, by_steps);
    o = options_for(&rates);
    o.warmup_epochs = 1.5;
    (void)tiny_run(o);
    are_rates(&rates, warmed_up);
    o = options_for(&rates);
    o.schedule = GN_SCHEDULE_ONE_CYCLE;
    o.rise = 0.25;
    o.lr_min = 0.001;
    (void)tiny_run(o);
    are_rates(&rates, one_cycle);
    o = options_for(&rates);
    o.schedule = GN_SCHEDULE_COSINE;
    o.warmup_steps = 4;
    (void)tiny_run(o);
    are_rates(&rates, warm_cosine);
}

/* A fall of more than 1e-4 below the lowest loss so far counts; after `patience` epochs without one the
 * rate falls and counting begins anew. */
static void a_plateau_is_that_of_keras(void **state)
{
    (void)state;
    enum { MANY = 24, PATIENCE = 2 };
    static const double starts[] = { 1e-9, 1e-3, 0.3 };
    int small_falls = 0, falls = 0, cuts = 0;
    for (size_t c = 0; c < sizeof starts / sizeof starts[0]; c++) {
        struct rates rates;
        struct gn_fit_options o = options_for(&rates);
        gn_net *net = tiny_net();
        double lowest = HUGE_VAL, factor = 1;
        int wait = 0;
        o.epochs = MANY;
        o.lr = starts[c];
        o.plateau_patience = PATIENCE;
        o.plateau_factor = 0.5;
        gn_history *history = gn_fit_with(net, &o);
        assert_non_null(history);
        for (int epoch = 0; epoch < MANY; epoch++) {
            struct gn_epoch row;
            assert_int_equal(gn_history_epoch(history, epoch, &row), GN_OK);
            for (int k = epoch * STEPS; k < (epoch + 1) * STEPS; k++)
                if (!(fabs(rates.at[k] / (starts[c] * factor) - 1) < 1e-12))
                    fail_msg("from %g, epoch %d: %g instead of %g", starts[c], epoch, rates.at[k],
                             starts[c] * factor);
            const double fall = lowest - row.val_loss;
            small_falls += fall > 2e-4 && fall < 8e-3;
            falls += fall > 8e-3;
            if (fall > 1e-4) {
                lowest = row.val_loss;
                wait = 0;
            } else if (++wait >= PATIENCE) {
                factor *= 0.5;
                wait = 0;
                cuts++;
            }
        }
        gn_free_history(history);
        gn_free_net(net);
    }
    assert_true(small_falls > 3 && falls > 3 && cuts > 5); /* the runs show all of it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_count_steps_epochs_and_the_run),
        cmocka_unit_test(a_plateau_is_that_of_keras),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
