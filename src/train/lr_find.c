/*
 * The sweep over learning rates: training steps on the batches of a run, with a rate that grows
 * by a constant factor. The rate to use is where the loss falls fastest (lr_suggest.c), well below
 * the one from which it rises.
 */
#include "base/memory.h"
#include "base/threads.h"
#include "train/lr_suggest.h"
#include "train/report.h"
#include "train/step.h"

#include <math.h>
#include <string.h>

enum { DEFAULT_STEPS = 100, FEWEST_STEPS = 10, MOST_STEPS = 1000000 };

/* The smoothed loss of fewer steps is that of single batches. */
enum { SETTLED_STEPS = 10 };

static const double DEFAULT_FROM = 1e-5, DEFAULT_TO = 1;

/* Share of the past in the smoothed loss; rise that ends the sweep. */
static const double PAST = 0.9, END_RISE = 4;

struct sweep {
    struct gn_net *net;
    struct gn_settings settings;
    double from, to;
    int steps;
    struct gn_plan *plan;
    struct gn_loader *loader;
    struct gn_updater *updater;
    struct gn_train_step *step;
    float *saved; /* the weights of before */
    struct gn_lr_sweep *result;
};

static gn_status check_options(const struct sweep *s)
{
    if (!(s->from > 0) || !(s->to > s->from) || isinf(s->to))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "lr-find: rates from %g to %g; the first must be above 0 and below the second",
                s->from, s->to);
    if (s->steps < FEWEST_STEPS || s->steps > MOST_STEPS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "lr-find: %d steps; %d to %d are possible", s->steps,
                FEWEST_STEPS, MOST_STEPS);
    return GN_OK;
}

static gn_status create_parts(struct sweep *s)
{
    const size_t floats = s->net->graph->n_floats;
    s->saved = gn_calloc(floats, sizeof(float), "the weights of before");
    s->result->points =
        gn_calloc((size_t)s->steps, sizeof *s->result->points, "the points of the sweep");
    if (s->saved == NULL || s->result->points == NULL)
        return gn_last_status();
    memcpy(s->saved, s->net->params, floats * sizeof(float));
    s->plan = gn_train_plan(s->net, &s->settings);
    s->loader = s->plan == NULL ? NULL : gn_train_loader(s->net, &s->settings, s->plan);
    s->updater =
        s->loader == NULL ? NULL : gn_updater_create(s->net->graph, &s->settings.optimizer);
    s->step = s->updater == NULL
                  ? NULL
                  : gn_train_step_for(s->net, &s->settings, s->plan, s->loader, s->updater);
    return s->step == NULL ? gn_last_status() : GN_OK;
}

/* The gradients of the next step, from as many epochs as the sweep needs. Steps of which no picture can
 * be read are passed over. */
static gn_status gradients(const struct sweep *s, int i, uint64_t *epoch, struct gn_step_sums *sums)
{
    for (int ends = 0; ends < 2;) {
        GN_TRY(gn_train_step_gradients(s->step, (uint64_t)i, sums));
        if (sums->samples > 0)
            return GN_OK;
        if (sums->batches > 0)
            continue;
        ends++;
        GN_TRY(gn_loader_start(s->loader, ++*epoch, 0));
    }
    GN_FAIL(GN_STATUS_BAD_DATA, "lr-find: no sample of a whole epoch can be read");
}

/* One step at point i; *loss is the mean over its samples, before the update. */
static gn_status step(const struct sweep *s, int i, uint64_t *epoch, double *loss)
{
    struct gn_step_sums sums;
    const double lr = s->from * pow(s->to / s->from, (double)i / (s->steps - 1));
    GN_TRY(gradients(s, i, epoch, &sums));
    *loss = sums.loss / (double)sums.samples;
    s->result->points[i].lr = lr;
    if (!isfinite(sums.norm) || !isfinite(*loss))
        *loss = HUGE_VAL;
    else
        gn_train_step_update(s->step, lr);
    return GN_OK;
}

static gn_status run(const struct sweep *s)
{
    const volatile int *stop = s->settings.options.stop;
    struct gn_lr_sweep *r = s->result;
    struct gn_reporter reporter = { .on_event = s->settings.options.on_event,
                                    .user = s->settings.options.user };
    double mean = 0, weight = 0, lowest = HUGE_VAL;
    uint64_t epoch = 0;
    GN_TRY(gn_loader_start(s->loader, 0, 0));
    for (int i = 0; i < s->steps; i++) {
        double loss = 0;
        if (stop != NULL && *stop != 0)
            GN_FAIL(GN_STATUS_STOPPED, "lr-find: stopped on request after %d steps", i);
        GN_TRY(step(s, i, &epoch, &loss));
        mean = PAST * mean + (1 - PAST) * loss;
        weight = PAST * weight + (1 - PAST);
        r->ended_early = !isfinite(loss) || mean / weight > END_RISE * lowest;
        if (r->ended_early)
            return GN_OK;
        r->points[i].loss = loss;
        r->points[i].smoothed = mean / weight;
        r->n = i + 1;
        if (i + 1 >= SETTLED_STEPS)
            lowest = fmin(lowest, mean / weight);
        reporter.event = (struct gn_event){ .epoch = 1,
                                            .epochs = 1,
                                            .step = (uint64_t)i + 1,
                                            .steps = (uint64_t)s->steps,
                                            .total_step = (uint64_t)i + 1,
                                            .loss = mean / weight,
                                            .step_loss = loss,
                                            .lr = r->points[i].lr };
        gn_report(&reporter, GN_EVENT_STEP);
    }
    return GN_OK;
}

static void free_parts(struct sweep *s)
{
    if (s->step != NULL)
        memcpy(s->net->params, s->saved, s->net->graph->n_floats * sizeof(float));
    if (s->loader != NULL)
        gn_loader_free(s->loader);
    if (s->plan != NULL)
        gn_plan_free(s->plan);
    gn_train_step_free(s->step);
    gn_updater_free(s->updater);
    gn_free(s->saved);
}

static gn_status find(struct sweep *s, const struct gn_lr_find_options *o)
{
    s->from = o->from > 0 || o->from < 0 ? o->from : DEFAULT_FROM;
    s->to = o->to > 0 || o->to < 0 ? o->to : DEFAULT_TO;
    s->steps = o->steps != 0 ? o->steps : DEFAULT_STEPS;
    GN_TRY(check_options(s));
    GN_TRY(gn_settings_resolve(s->net, &o->fit, &s->settings));
    GN_TRY(gn_check_memory(gn_settings_memory(s->net, &s->settings), "the sweep"));
    GN_TRY(create_parts(s));
    return run(s);
}

gn_status gn_lr_find(gn_net *net, struct gn_lr_sweep *sweep,
                     const struct gn_lr_find_options *options)
{
    if (net == NULL || sweep == NULL || options == NULL || options->fit.train == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "lr-find: no %s is given",
                          net == NULL     ? "network"
                          : sweep == NULL ? "place for the sweep"
                                          : "training data");
        return gn_last_status();
    }
    *sweep = (struct gn_lr_sweep){ 0 };
    struct sweep s = { .net = net, .result = sweep };
    const unsigned state = gn_float_enter();
    const gn_status status = find(&s, options);
    free_parts(&s);
    gn_float_leave(state);
    if (status == GN_OK)
        sweep->suggestion = gn_lr_suggest(sweep->points, sweep->n, s.steps);
    else
        gn_free_lr_sweep(sweep);
    return status;
}

void gn_free_lr_sweep(struct gn_lr_sweep *sweep)
{
    if (sweep == NULL)
        return;
    gn_free(sweep->points);
    *sweep = (struct gn_lr_sweep){ 0 };
}
