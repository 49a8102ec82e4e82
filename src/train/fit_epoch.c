/* How an epoch of a training run ends: validation, the best so far, files, reports. */
#include "train/fit.h"

#include "base/threads.h"
#include "train/evaluate.h"

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
    fit->event.steps = fit->n_batches;
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
                  (unsigned long long)p->batch, (unsigned long long)fit->n_batches);
    if (fit->files.folder != NULL)
        gn_hint("everything is saved; resume the run in %s to go on",
                gn_run_folder_name(fit->files.folder));
    return GN_STATUS_STOPPED;
}

/* The row of the running epoch, validation included. */
static gn_status close_epoch(struct gn_fit *fit, struct gn_epoch *row)
{
    const struct gn_progress *p = &fit->t.progress;
    *row = (struct gn_epoch){ .epoch = (int)p->epoch + 1,
                              .loss = p->loss_sum / (double)p->samples,
                              .accuracy = (double)p->correct / (double)p->samples };
    GN_TRY(check_finite(fit));
    if (fit->validation != NULL) {
        const struct gn_scoring scoring = { .plan = fit->plan,
                                            .loader = fit->validation,
                                            .logits = fit->logits,
                                            .classes = fit->t.net->classes,
                                            .stop = fit->t.settings.options.stop,
                                            .on_batch = report_validation,
                                            .user = fit };
        struct gn_score score;
        const gn_status status = gn_score_all(&scoring, &score);
        if (status == GN_STATUS_STOPPED)
            return gn_fit_stop_here(fit); /* a resumed run validates this epoch anew */
        GN_TRY(status);
        if (!isfinite(score.loss))
            return gn_fit_diverged(fit, "the validation loss is not finite after the update");
        row->has_validation = true;
        row->val_loss = score.loss;
        row->val_accuracy = score.accuracy;
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
    e->seconds = row->seconds;
    e->is_best = best;
    gn_fit_report(fit, GN_EVENT_EPOCH);
    e->is_best = false;
    e->has_validation = false;
}

bool gn_fit_reached_limit(const struct gn_fit *fit)
{
    const uint64_t most = fit->t.settings.options.max_steps;
    return most != 0 && fit->t.progress.step >= most;
}

/* The best weights are those of the highest validation accuracy, the earliest of equals; without
 * validation the latest. */
static bool is_best(const struct gn_fit *fit, const struct gn_epoch *row)
{
    const struct gn_progress *p = &fit->t.progress;
    return p->best_epoch == 0 || !row->has_validation || row->val_accuracy > p->best_accuracy;
}

gn_status gn_fit_finish_epoch(struct gn_fit *fit)
{
    struct gn_progress *p = &fit->t.progress;
    struct gn_epoch row;
    GN_TRY(close_epoch(fit, &row));
    gn_fit_fill_event(fit);
    GN_TRY(gn_history_reserve(fit->t.history, fit->t.history->n + 1));
    gn_history_append(fit->t.history, &row);
    *p = (struct gn_progress){ .step = p->step,
                               .epoch = p->epoch + 1,
                               .best_epoch = p->best_epoch,
                               .best_accuracy = p->best_accuracy };
    const struct gn_save save = { .row = &row,
                                  .best = is_best(fit, &row),
                                  .last = p->epoch >= (uint64_t)fit->t.settings.options.epochs ||
                                          gn_fit_reached_limit(fit) };
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
