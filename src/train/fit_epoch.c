/* How an epoch of a training run ends: validation, the best so far, files, reports. */
#include "train/fit.h"

#include "base/number.h"
#include "base/threads.h"
#include "infer/evaluate.h"

#include <math.h>

static void report_validation(void *user, uint64_t batch, const struct gn_score *so_far)
{
    struct gn_fit *fit = user;
    fit->reporter.event.step = batch;
    fit->reporter.event.steps = gn_loader_batches(fit->validation);
    fit->reporter.event.has_validation = true;
    fit->reporter.event.val_loss = so_far->loss;
    fit->reporter.event.val_accuracy = so_far->accuracy;
    fit->reporter.event.seconds = gn_seconds() - fit->epoch_began;
    gn_report(&fit->reporter, GN_EVENT_VALIDATE);
    fit->reporter.event.steps = fit->t.settings.epoch_steps;
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

static gn_status save_here(struct gn_fit *fit)
{
    const struct gn_save save = { .best = fit->t.progress.best_epoch == 0,
                                  .partial = true,
                                  .last = true };
    GN_TRY(check_finite(fit));
    return gn_files_save(&fit->files, &save);
}

gn_status gn_fit_stop_for_data(struct gn_fit *fit)
{
    struct gn_kept_error fault;
    gn_keep_error(&fault);
    const gn_status status = save_here(fit);
    if (status != GN_OK)
        gn_report_error(&fit->reporter, "the checkpoint of before is intact");
    gn_restore_error(&fault);
    gn_hint("gn_check_data_sets lists every picture that cannot be read, .on_bad_image = "
            "GN_BAD_SKIP leaves them out");
    if (status == GN_OK && fit->files.folder != NULL)
        gn_hint("everything is saved; resume the run in %s after the repair, or with that option",
                gn_run_folder_name(fit->files.folder));
    return fault.status;
}

gn_status gn_fit_look_ahead(struct gn_fit *fit)
{
    const struct gn_fit_options *o = &fit->t.settings.options;
    struct gn_batch batch = { .all = 1 };
    if (fit->validation == NULL || o->validation->pixels != NULL || fit->t.progress.epoch > 0)
        return GN_OK;
    gn_status status = gn_loader_start(fit->validation, 0, 0);
    while (status == GN_OK && batch.all + batch.left_out > 0) {
        bool stops;
        GN_TRY(gn_fit_stop_is_asked(fit, &stops));
        if (stops)
            return gn_fit_stop_here(fit);
        status = gn_loader_next(fit->validation, &batch);
    }
    if (status == GN_STATUS_BAD_DATA)
        return gn_fit_stop_for_data(fit);
    GN_TRY(status);
    GN_TRY(gn_files_begun(&fit->files));
    gn_bad_images_report(&fit->files.bad, fit->files.folder, &fit->reporter);
    return GN_OK;
}

gn_status gn_fit_stop_here(struct gn_fit *fit)
{
    const struct gn_progress *p = &fit->t.progress;
    GN_TRY(save_here(fit));
    (void)gn_fail(GN_STATUS_STOPPED,
                  "training: stopped on request at step %llu (epoch %llu, step %llu of %llu)",
                  (unsigned long long)p->step, (unsigned long long)p->epoch + 1,
                  (unsigned long long)p->batch, (unsigned long long)fit->t.settings.epoch_steps);
    if (fit->files.folder != NULL)
        gn_hint("everything is saved; resume the run in %s to go on",
                gn_run_folder_name(fit->files.folder));
    return GN_STATUS_STOPPED;
}

/* Exchanges the weights with their average. */
static void swap_ema(struct gn_fit *fit)
{
    if (gn_updater_swap_ema(fit->t.updater, fit->t.net->params))
        gn_plan_params_changed(fit->plan);
}

static void observe_answers(void *user, const struct gn_batch *batch, const float *logits)
{
    const struct gn_fit *fit = user;
    gn_observer_batch(fit->observer, batch, logits);
}

/* By a plan of inference, which packs the weights as they are now; the training plan, whose memory it
 * computes in, packs its own again. */
static gn_status validate(struct gn_fit *fit, bool observed, struct gn_score *score)
{
    const bool shows = observed && fit->observer != NULL;
    if (shows)
        gn_observer_begin(fit->observer);
    const struct gn_scoring scoring = { .plan = fit->validator,
                                        .loader = fit->validation,
                                        .logits = fit->logits,
                                        .classes = fit->t.net->classes,
                                        .ranks = fit->t.settings.options.ranks,
                                        .on_answers = shows ? observe_answers : NULL,
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
static gn_status validate_both(struct gn_fit *fit, struct gn_score scores[2])
{
    GN_TRY(validate(fit, true, &scores[0]));
    if (fit->t.settings.options.ema <= 0)
        return GN_OK;
    swap_ema(fit);
    const gn_status status = validate(fit, false, &scores[1]);
    swap_ema(fit);
    return status;
}

/* The row of the running epoch, validation included, becomes the history's last one. */
static gn_status close_epoch(struct gn_fit *fit)
{
    const struct gn_progress *p = &fit->t.progress;
    struct gn_score scores[2];
    struct gn_metrics metrics;
    struct gn_epoch_facts facts = { .graph = fit->t.net->graph,
                                    .means = p->means,
                                    .samples = p->samples,
                                    .correct = p->correct,
                                    .loss_sum = p->loss_sum,
                                    .lr = gn_fit_last_rate(fit),
                                    .trained = p->samples - fit->first_samples,
                                    .training_seconds = gn_seconds() - fit->epoch_began };
    GN_TRY(check_finite(fit));
    if (fit->validation != NULL) {
        const gn_status status = validate_both(fit, scores);
        if (status == GN_STATUS_STOPPED)
            return gn_fit_stop_here(fit); /* a resumed run validates this epoch anew */
        if (status == GN_STATUS_BAD_DATA)
            return gn_fit_stop_for_data(fit);
        GN_TRY(status);
        facts.validation = &scores[0];
        facts.averaged = fit->t.settings.options.ema > 0 ? &scores[1] : NULL;
    }
    GN_TRY(gn_observer_epoch(fit->observer, (int)p->epoch + 1, fit->t.net->params,
                             gn_train_step_grads(fit->step), gn_sinks_board(&fit->files.sinks)));
    facts.seconds = gn_seconds() - fit->epoch_began;
    gn_epoch_metrics(&facts, &metrics);
    gn_fit_fill_event(fit);
    GN_TRY(gn_history_reserve(fit->t.history, fit->t.history->n + 1));
    gn_history_append(fit->t.history, (int)p->epoch + 1, &metrics);
    return GN_OK;
}

/* After the save: the best epoch is one whose weights could be saved. */
static void report_epoch(struct gn_fit *fit, const struct gn_epoch *row)
{
    struct gn_event *e = &fit->reporter.event;
    e->epoch = row->epoch;
    e->has_validation = row->has_validation;
    e->val_loss = row->val_loss;
    e->val_accuracy = row->val_accuracy;
    e->seconds = row->seconds;
    e->is_best = fit->t.history->best == fit->t.history->n - 1;
    e->metrics = &row->metrics;
    gn_report(&fit->reporter, GN_EVENT_EPOCH);
    e->is_best = false;
    e->has_validation = false;
}

static bool is_best(const struct gn_fit *fit, const struct gn_epoch *row)
{
    const uint64_t best = fit->t.progress.best_epoch;
    return best == 0 || gn_epoch_is_better(row, &fit->t.history->rows[best - 1]);
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

/* Whether no save follows this one, which makes `best` the best epoch or does not. */
static bool is_last(struct gn_fit *fit, bool best)
{
    struct gn_progress *p = &fit->t.progress;
    const uint64_t before = p->best_epoch;
    if (best)
        p->best_epoch = p->epoch;
    const enum gn_verdict verdict = gn_fit_verdict(fit);
    p->best_epoch = before;
    return p->epoch >= (uint64_t)fit->t.settings.options.epochs ||
           (verdict != GN_GO_ON && verdict != GN_END_REQUESTED);
}

gn_status gn_fit_finish_epoch(struct gn_fit *fit)
{
    struct gn_progress *p = &fit->t.progress;
    struct gn_finding_text finding;
    GN_TRY(close_epoch(fit));
    const struct gn_epoch *row = &fit->t.history->rows[fit->t.history->n - 1];
    gn_watchdog_epoch(fit->watchdog, p->epoch + 1, &finding);
    gn_fit_report_finding(fit, &finding);
    watch_plateau(fit, row);
    p->epoch++;
    gn_progress_begin_epoch(p);
    const bool best = is_best(fit, row);
    const struct gn_save save = { .row = row, .best = best, .last = is_last(fit, best) };
    GN_TRY(gn_files_save(&fit->files, &save));
    report_epoch(fit, row);
    return GN_OK;
}

gn_status gn_fit_cut_epoch(struct gn_fit *fit)
{
    GN_TRY(close_epoch(fit));
    const struct gn_epoch *row = &fit->t.history->rows[fit->t.history->n - 1];
    const struct gn_save save = {
        .row = row, .best = is_best(fit, row), .partial = true, .last = true
    };
    GN_TRY(gn_files_save(&fit->files, &save));
    report_epoch(fit, row);
    return GN_OK;
}

/* ---- What may not be as it was meant ---- */

/* Validation and prediction normalise by the running statistics, which a short run hardly moves away
 * from what they began with. */
static void warn_of_statistics(struct gn_fit *fit)
{
    static const double most_left = 0.1;
    const struct gn_fit_options *o = &fit->t.settings.options;
    const double own = gn_graph_momentum(fit->t.net->graph);
    const double momentum = o->bn_momentum > 0 ? o->bn_momentum : own;
    const uint64_t planned = (uint64_t)o->epochs * fit->t.settings.epoch_steps;
    const uint64_t steps = o->max_steps != 0 && o->max_steps < planned ? o->max_steps : planned;
    const double left = pow(momentum, (double)steps);
    if (!(own > 0) || fit->t.progress.step > 0 || left <= most_left || o->zero_lr)
        return;
    char hint[96];
    gn_format(hint, sizeof hint, "take more steps, or .bn_momentum = %.2f",
              floor(100 * pow(most_left, 1 / (double)steps)) / 100);
    gn_report_warning(&fit->reporter, hint,
                      "batch normalisation: after the %llu steps of this run %.0f%% of its running "
                      "statistics are still what they began with, and validation and prediction go "
                      "by them",
                      (unsigned long long)steps, 100 * left);
}

/* A batch of fewer grains than processes. */
static void warn_of_grains(struct gn_fit *fit)
{
    const struct gn_fit_options *o = &fit->t.settings.options;
    const int grain = gn_plan_grain(fit->plan), grains = (o->batch + grain - 1) / grain;
    const int size = gn_ranks_size(o->ranks);
    char hint[64];
    if (grains >= size)
        return;
    gn_format(hint, sizeof hint, ".grain = %d, which gives other bits",
              o->batch / size > 0 ? o->batch / size : 1);
    gn_report_warning(
        &fit->reporter, hint,
        "a batch of %d is %d grain%s of %d images: %d of %d processes %s nothing to do", o->batch,
        grains, grains == 1 ? "" : "s", grain, size - grains, size,
        size - grains == 1 ? "has" : "have");
}

void gn_fit_warn(struct gn_fit *fit)
{
    warn_of_statistics(fit);
    warn_of_grains(fit);
}
