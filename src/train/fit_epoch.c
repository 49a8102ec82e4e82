/* How an epoch of a training run ends: validation, the best so far, files, reports. */
#include "train/fit.h"

#include "base/threads.h"
#include "infer/evaluate.h"

#include <math.h>

static void report_validation(void *user, uint64_t batch, const struct gn_score *so_far)
{
    struct gn_fit *fit = user;
    fit->event.step = batch;
    fit->event.steps = gn_loader_batches(fit->validation);
    fit->event.has_validation = true;
    fit->event.val_loss = so_far->loss;
    fit->event.val_accuracy = so_far->accuracy;
    fit->event.seconds = gn_seconds() - fit->epoch_began;
    gn_fit_report(fit, GN_EVENT_VALIDATE);
    fit->event.steps = fit->t.settings.epoch_steps;
}

/* Weights and optimiser state are saved only while they are numbers. */
static gn_status check_finite(struct gn_fit *fit)
{
    const char *prefix;
    const float *values = fit->t.net->params;
    for (int i = 0; values != NULL; i++) {
        if (!gn_updater_finite(fit->t.updater, values))
            return gn_fit_diverged(fit,
                                   i == 0 ? "a weight is not finite after the update"
                                          : "the optimiser's state is not finite after the update");
        values = gn_updater_state(fit->t.updater, i, &prefix);
    }
    return GN_OK;
}

gn_status gn_fit_stop_here(struct gn_fit *fit)
{
    const struct gn_progress *p = &fit->t.progress;
    GN_TRY(check_finite(fit));
    const struct gn_save save = { .best = p->best_epoch == 0, .partial = true, .last = true };
    GN_TRY(gn_files_save(fit, &save));
    (void)gn_fail(GN_STATUS_STOPPED,
                  "training: stopped on request at step %llu (epoch %llu, step %llu of %llu)",
                  (unsigned long long)p->step, (unsigned long long)p->epoch + 1,
                  (unsigned long long)p->batch, (unsigned long long)fit->t.settings.epoch_steps);
    if (fit->files.folder != NULL)
        gn_hint("everything is saved; resume the run in %s to go on",
                gn_run_folder_name(fit->files.folder));
    return GN_STATUS_STOPPED;
}

void gn_fit_swap_ema(struct gn_fit *fit)
{
    float *a = fit->t.net->params, *b = gn_updater_ema(fit->t.updater);
    for (size_t i = 0; b != NULL && i < fit->t.net->graph->n_floats; i++) {
        const float kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
    gn_plan_params_changed(fit->plan);
}

/* By a plan of inference, which packs the weights as they are now; the training plan, whose memory it
 * computes in, packs its own again. */
static gn_status validate(struct gn_fit *fit, struct gn_score *score)
{
    const struct gn_scoring scoring = { .plan = fit->validator,
                                        .loader = fit->validation,
                                        .logits = fit->logits,
                                        .classes = fit->t.net->classes,
                                        .stop = fit->t.settings.options.stop,
                                        .on_batch = report_validation,
                                        .user = fit };
    gn_plan_params_changed(fit->validator);
    const gn_status status = gn_score_all(&scoring, score);
    gn_plan_params_changed(fit->plan);
    GN_TRY(status);
    if (!isfinite(score->loss))
        return gn_fit_diverged(fit, "the validation loss is not finite after the update");
    return GN_OK;
}

/* The raw weights, then the averaged ones. */
static gn_status validate_both(struct gn_fit *fit, struct gn_epoch *row)
{
    struct gn_score score;
    GN_TRY(validate(fit, &score));
    row->has_validation = true;
    row->val_loss = score.loss;
    row->val_accuracy = score.accuracy;
    if (fit->t.settings.options.ema <= 0)
        return GN_OK;
    gn_fit_swap_ema(fit);
    const gn_status status = validate(fit, &score);
    gn_fit_swap_ema(fit);
    GN_TRY(status);
    row->has_ema = true;
    row->val_ema_loss = score.loss;
    row->val_ema_accuracy = score.accuracy;
    return GN_OK;
}

/* The row of the running epoch, validation included. */
static gn_status close_epoch(struct gn_fit *fit, struct gn_epoch *row)
{
    const struct gn_progress *p = &fit->t.progress;
    *row = (struct gn_epoch){ .epoch = (int)p->epoch + 1,
                              .loss = p->loss_sum / (double)p->samples,
                              .accuracy = (double)p->correct / (double)p->samples };
    gn_fit_row_heads(fit, row);
    GN_TRY(check_finite(fit));
    if (fit->validation != NULL) {
        const gn_status status = validate_both(fit, row);
        if (status == GN_STATUS_STOPPED)
            return gn_fit_stop_here(fit); /* a resumed run validates this epoch anew */
        GN_TRY(status);
    }
    row->seconds = gn_seconds() - fit->epoch_began;
    return GN_OK;
}

static void report_epoch(struct gn_fit *fit, const struct gn_epoch *row, bool best)
{
    struct gn_event *e = &fit->event;
    e->epoch = row->epoch;
    e->has_validation = row->has_validation;
    e->val_loss = row->val_loss;
    e->val_accuracy = row->val_accuracy;
    e->has_ema = row->has_ema;
    e->val_ema_loss = row->val_ema_loss;
    e->val_ema_accuracy = row->val_ema_accuracy;
    e->seconds = row->seconds;
    e->is_best = best;
    gn_fit_report(fit, GN_EVENT_EPOCH);
    e->is_best = false;
    e->has_validation = false;
    e->has_ema = false;
}

/* Whether the best epoch lies so far back that the run shall end. */
static bool has_stalled(const struct gn_fit *fit)
{
    const struct gn_progress *p = &fit->t.progress;
    const uint64_t patience = (uint64_t)fit->t.settings.options.early_stop;
    return patience != 0 && p->best_epoch != 0 && p->epoch >= p->best_epoch + patience;
}

/* Whether the steps or the time that the run may take are used up. */
static bool is_used_up(const struct gn_fit *fit)
{
    const struct gn_fit_options *o = &fit->t.settings.options;
    const uint64_t step = fit->t.progress.step;
    /* At least one step, so that the files of a run are there. */
    const bool is_late = step > fit->first_step && gn_seconds() - fit->began >= o->max_seconds;
    return (o->max_steps != 0 && step >= o->max_steps) || (o->max_seconds > 0 && is_late);
}

bool gn_fit_reached_limit(const struct gn_fit *fit)
{
    return is_used_up(fit) || has_stalled(fit);
}

/* The best weights are those of the highest validation accuracy, the earliest of equals; without
 * validation the latest. */
static bool is_best(const struct gn_fit *fit, const struct gn_epoch *row)
{
    const struct gn_progress *p = &fit->t.progress;
    return p->best_epoch == 0 || !row->has_validation || row->val_accuracy > p->best_accuracy ||
           (row->has_ema && row->val_ema_accuracy > p->best_accuracy);
}

/* keras/src/callbacks/reduce_lr_on_plateau.py, without a cool-down. */
static void watch_plateau(struct gn_fit *fit, const struct gn_epoch *row)
{
    static const double least_fall = 1e-4;
    struct gn_progress *p = &fit->t.progress;
    const struct gn_fit_options *o = &fit->t.settings.options;
    if (o->plateau_patience == 0)
        return;
    if (row->val_loss < p->plateau_loss - least_fall) {
        p->plateau_loss = row->val_loss;
        p->plateau_wait = 0;
    } else if (++p->plateau_wait >= (uint64_t)o->plateau_patience) {
        p->rate_factor *= o->plateau_factor;
        p->plateau_wait = 0;
    }
}

gn_status gn_fit_finish_epoch(struct gn_fit *fit)
{
    struct gn_progress *p = &fit->t.progress;
    struct gn_epoch row;
    GN_TRY(close_epoch(fit, &row));
    gn_watchdog_epoch(fit);
    gn_fit_fill_event(fit);
    GN_TRY(gn_history_reserve(fit->t.history, fit->t.history->n + 1));
    gn_history_append(fit->t.history, &row);
    watch_plateau(fit, &row);
    p->epoch++;
    p->batch = p->samples = p->correct = 0;
    p->loss_sum = 0;
    const bool best = is_best(fit, &row);
    const struct gn_save save = { .row = &row,
                                  .best = best,
                                  .last = p->epoch >= (uint64_t)fit->t.settings.options.epochs ||
                                          is_used_up(fit) || (!best && has_stalled(fit)) };
    GN_TRY(gn_files_save(fit, &save));
    report_epoch(fit, &row, save.best);
    return GN_OK;
}

gn_status gn_fit_cut_epoch(struct gn_fit *fit)
{
    struct gn_epoch row;
    GN_TRY(close_epoch(fit, &row));
    gn_fit_fill_event(fit);
    GN_TRY(gn_history_reserve(fit->t.history, fit->t.history->n + 1));
    gn_history_append(fit->t.history, &row);
    const struct gn_save save = {
        .row = &row, .best = is_best(fit, &row), .partial = true, .last = true
    };
    GN_TRY(gn_files_save(fit, &save));
    report_epoch(fit, &row, save.best);
    return GN_OK;
}
