/*
 * The training loop: batches in the order that (seed, epoch) gives, gradient, update, validation
 * after each epoch. Everything that decides about the next step is in gn_training, which a
 * checkpoint saves whole; so a run may stop after any step and go on with the same bits.
 */
#include "train/fit.h"

#include "train/fit_whiten.h"
#include "train/train_text.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/task.h"
#include "base/threads.h"

#include <math.h>

/* ---- Reports ---- */

void gn_fit_fill_event(struct gn_fit *fit)
{
    const struct gn_progress *p = &fit->t.progress;
    struct gn_event *e = &fit->reporter.event;
    const double n = p->samples > 0 ? (double)p->samples : 1;
    e->epoch = (int)p->epoch + 1;
    e->step = p->batch;
    e->total_step = p->step;
    e->samples = p->samples;
    e->loss = p->loss_sum / n;
    e->accuracy = (double)p->correct / n;
    e->seconds = gn_seconds() - fit->epoch_began;
}

double gn_fit_last_rate(const struct gn_fit *fit)
{
    const uint64_t step = fit->t.progress.step;
    return fit->t.progress.rate_factor *
           gn_schedule_rate(&fit->t.settings.schedule, step > 0 ? step - 1 : 0);
}

void gn_fit_report_finding(struct gn_fit *fit, const struct gn_finding_text *finding)
{
    if (finding->text[0] != '\0')
        gn_report_warning(&fit->reporter, finding->advice, "%s", finding->text);
}

static void report_start(struct gn_fit *fit)
{
    const struct gn_settings *s = &fit->t.settings;
    char text[256];
    int used = snprintf(text, sizeof text, "%s on %llu samples, %llu steps an epoch, %d epochs",
                        fit->t.progress.step > 0 ? "training goes on" : "training",
                        (unsigned long long)s->n_train,
                        (unsigned long long)fit->t.settings.epoch_steps, s->options.epochs);
    if (s->n_val > 0)
        used += snprintf(text + used, sizeof text - (size_t)used, ", validation on %llu samples",
                         (unsigned long long)s->n_val);
    if (fit->t.progress.step > 0)
        (void)snprintf(text + used, sizeof text - (size_t)used, ", from step %llu",
                       (unsigned long long)fit->t.progress.step);
    gn_fit_fill_event(fit);
    fit->reporter.event.epochs = s->options.epochs;
    fit->reporter.event.steps = fit->t.settings.epoch_steps;
    fit->reporter.event.lr = gn_schedule_rate(&s->schedule, fit->t.progress.step);
    gn_report_message(&fit->reporter, GN_EVENT_START, text);
}

/* ---- One step ---- */

gn_status gn_fit_diverged(const struct gn_fit *fit, const char *what)
{
    const struct gn_progress *p = &fit->t.progress;
    const double lr = fit->reporter.event.lr;
    (void)gn_fail(
        GN_STATUS_DIVERGED, "training: %s at step %llu (epoch %llu, step %llu of %llu, lr %g)",
        what, (unsigned long long)p->step, (unsigned long long)p->epoch + 1,
        (unsigned long long)p->batch, (unsigned long long)fit->t.settings.epoch_steps, lr);
    gn_hint("lower the learning rate, for example to %g; the files saved before are kept",
            lr > 1 ? 0.05 : lr / 10);
    return GN_STATUS_DIVERGED;
}

/* What the step has shown, before its update. */
static gn_status look_at_step(struct gn_fit *fit, const struct gn_step_sums *sums)
{
    struct gn_progress *p = &fit->t.progress;
    struct gn_finding_text findings[2];
    if (!isfinite(sums->loss))
        return gn_fit_diverged(fit, isnan(sums->loss) ? "the loss is not a number"
                                                      : "the loss is infinite");
    if (!isfinite(sums->norm))
        return gn_fit_diverged(fit, "a gradient is not finite");
    gn_watchdog_step(fit->watchdog, &p->watch, p->step, fit->reporter.event.step_loss, sums->norm,
                     findings);
    for (int i = 0; i < 2; i++)
        gn_fit_report_finding(fit, &findings[i]);
    gn_watchdog_note(fit->watchdog, gn_train_step_grads(fit->step));
    return GN_OK;
}

/* Whether the step that is being done is the last one before the end of an epoch, or of the run. */
static bool ends_epoch(const struct gn_fit *fit)
{
    const uint64_t most = fit->t.settings.options.max_steps;
    const struct gn_progress *p = &fit->t.progress;
    return p->batch == fit->t.settings.epoch_steps || (most != 0 && p->step >= most);
}

static gn_status train_step(struct gn_fit *fit)
{
    struct gn_progress *p = &fit->t.progress;
    struct gn_event *e = &fit->reporter.event;
    struct gn_step_sums sums;
    struct gn_metrics metrics;
    e->lr = p->rate_factor * gn_schedule_rate(&fit->t.settings.schedule, p->step);
    const gn_status status = gn_train_step_gradients(fit->step, p->step, &sums);
    fit->data_status = status == GN_STATUS_BAD_DATA ? status : GN_OK;
    if (fit->data_status != GN_OK)
        return GN_OK; /* the verdict ends the run */
    GN_TRY(status);
    GN_TRY(gn_files_begun(&fit->files));
    if (sums.batches == 0)
        GN_FAIL(GN_STATUS_INTERNAL, "training: the loader ended in step %llu of %llu",
                (unsigned long long)p->batch + 1, (unsigned long long)fit->t.settings.epoch_steps);
    p->step++;
    p->batch++;
    if (sums.samples == 0)
        return GN_OK;
    e->step_loss = sums.loss / (double)sums.samples;
    GN_TRY(look_at_step(fit, &sums));
    if (fit->observer != NULL && ends_epoch(fit))
        gn_observer_before(fit->observer, (int)p->epoch + 1, fit->t.net->params);
    gn_train_step_update(fit->step, e->lr);
    p->samples += sums.samples;
    p->correct += sums.correct;
    p->loss_sum += sums.loss;
    gn_means_add(fit->t.net->graph, p->means, &sums);
    gn_step_metrics(fit->t.net->graph, &sums, e->lr, &metrics);
    gn_files_step(&fit->files, &metrics);
    gn_fit_fill_event(fit);
    e->metrics = &metrics;
    gn_report(&fit->reporter, GN_EVENT_STEP);
    return GN_OK;
}

/* ---- The run ---- */

/* What the caller of a rank can ask for between two steps; only rank 0 looks at the clock. */
enum { ASKS_STOP = 1, ASKS_SAVE = 2, IS_LATE = 4 };

static gn_status ask_ranks(struct gn_fit *fit, uint32_t *flags)
{
    const struct gn_fit_options *o = &fit->t.settings.options;
    /* At least one step, so that the files of a run are there. */
    const bool is_late = o->max_seconds > 0 && fit->t.progress.step > fit->first_step &&
                         gn_seconds() - fit->began >= o->max_seconds;
    *flags = 0;
    if (o->stop != NULL && *o->stop != 0)
        *flags |= ASKS_STOP;
    if (is_late && gn_ranks_rank(o->ranks) == 0)
        *flags |= IS_LATE;
    if (o->save != NULL && *o->save != 0) {
        *flags |= ASKS_SAVE;
        *o->save = 0;
    }
    GN_TRY(gn_ranks_any(o->ranks, flags));
    fit->save_asked |= (*flags & ASKS_SAVE) != 0;
    return GN_OK;
}

gn_status gn_fit_stop_is_asked(struct gn_fit *fit, bool *asked)
{
    uint32_t flags;
    GN_TRY(ask_ranks(fit, &flags));
    *asked = (flags & ASKS_STOP) != 0;
    return GN_OK;
}

enum gn_verdict gn_fit_verdict(struct gn_fit *fit)
{
    const struct gn_fit_options *o = &fit->t.settings.options;
    const struct gn_progress *p = &fit->t.progress;
    const uint64_t patience = (uint64_t)o->early_stop;
    uint32_t flags;
    if (fit->data_status != GN_OK)
        return GN_END_BAD_DATA;
    fit->lost = ask_ranks(fit, &flags);
    if (fit->lost != GN_OK)
        return GN_END_LOST;
    if ((flags & ASKS_STOP) != 0)
        return GN_END_REQUESTED;
    if ((o->max_steps != 0 && p->step >= o->max_steps) || (flags & IS_LATE) != 0)
        return GN_END_LIMIT;
    if (patience != 0 && p->best_epoch != 0 && p->epoch >= p->best_epoch + patience)
        return GN_END_STALLED;
    return GN_GO_ON;
}

/* Whether a checkpoint is due after this step; the last step of an epoch leaves one anyway. */
static bool wants_checkpoint(struct gn_fit *fit)
{
    const struct gn_progress *p = &fit->t.progress;
    const struct gn_fit_options *o = &fit->t.settings.options;
    const bool asked = fit->save_asked;
    fit->save_asked = false;
    const bool due = o->checkpoint_steps != 0 && p->step % o->checkpoint_steps == 0;
    return (asked || due) && p->batch < fit->t.settings.epoch_steps;
}

static const double STANDARD_TIMEOUT = 300; /* seconds */

/* A rank is lost when it has not answered for as long as many steps. */
static void at_step(struct gn_fit *fit)
{
    enum { STEPS = 20 };
    const struct gn_fit_options *o = &fit->t.settings.options;
    const double asked = o->rank_timeout > 0 ? o->rank_timeout : STANDARD_TIMEOUT;
    const double steps = STEPS * gn_recent_median(&fit->paces);
    gn_ranks_at(o->ranks, fit->t.progress.step + 1, steps > asked ? steps : asked);
    fit->step_began = gn_seconds();
}

/* Whether all ranks have the same weights. */
static gn_status compare_weights(const struct gn_fit *fit)
{
    enum { STEPS = 100 };
    gn_ranks *ranks = fit->t.settings.options.ranks;
    uint32_t hashes[GN_MOST_RANKS];
    if (gn_ranks_size(ranks) == 1 || fit->t.progress.step % STEPS != 0)
        return GN_OK;
    hashes[gn_ranks_rank(ranks)] = gn_net_hash(fit->t.net);
    GN_TRY(gn_ranks_share_equal(ranks, hashes, sizeof *hashes));
    for (int r = 1; r < gn_ranks_size(ranks); r++)
        if (hashes[r] != hashes[0])
            GN_FAIL(GN_STATUS_INTERNAL,
                    "training: rank %d has other weights than rank 0 after step %llu", r,
                    (unsigned long long)fit->t.progress.step);
    return GN_OK;
}

/* The rest of the running epoch. *ended: the run is over. */
static gn_status run_epoch(struct gn_fit *fit, bool *ended)
{
    struct gn_progress *p = &fit->t.progress;
    const uint64_t n_steps = fit->t.settings.epoch_steps;
    enum gn_verdict verdict = gn_fit_verdict(fit);
    fit->epoch_began = gn_seconds();
    fit->first_samples = p->samples;
    if (p->batch < n_steps)
        GN_TRY(gn_loader_start(fit->loader, p->epoch,
                               p->batch * (uint64_t)fit->t.settings.options.accumulate));
    for (; p->batch < n_steps && verdict == GN_GO_ON; verdict = gn_fit_verdict(fit)) {
        at_step(fit);
        GN_TRY(train_step(fit));
        gn_recent_add(&fit->paces, gn_seconds() - fit->step_began);
        GN_TRY(compare_weights(fit));
        if (fit->data_status == GN_OK && wants_checkpoint(fit))
            GN_TRY(gn_files_checkpoint(&fit->files));
    }
    if (verdict == GN_END_LOST)
        return fit->lost;
    if (verdict == GN_END_BAD_DATA)
        return gn_fit_stop_for_data(fit);
    if (verdict == GN_END_REQUESTED)
        return gn_fit_stop_here(fit);
    if (p->batch == n_steps)
        return gn_fit_finish_epoch(fit);
    *ended = true;
    return p->batch == 0 ? GN_OK : gn_fit_cut_epoch(fit);
}

static gn_status run(struct gn_fit *fit)
{
    const uint64_t epochs = (uint64_t)fit->t.settings.options.epochs;
    bool ended = false;
    fit->began = gn_seconds();
    fit->first_step = fit->t.progress.step;
    GN_TRY(gn_train_compare_ranks(&fit->t));
    report_start(fit);
    gn_fit_warn(fit);
    GN_TRY(gn_files_begin(&fit->files));
    GN_TRY(gn_fit_look_ahead(fit));
    while (!ended && fit->t.progress.epoch < epochs)
        GN_TRY(run_epoch(fit, &ended));
    return gn_files_finish(&fit->files);
}

/* What the first step needs besides images, made concurrently with reading them. */
struct ahead {
    struct gn_plan *plan;
    atomic_bool enough; /* the images are there */
};

static gn_status prepare(void *argument)
{
    struct ahead *ahead = argument;
    gn_plan_prepare(ahead->plan, &ahead->enough);
    return GN_OK;
}

/* Of errors in both sets that of the first is told. The set for validation, the smaller one, is
 * waited for first, so that those who read it and who prepare do not both take time from the thread
 * that unpacks the other. */
static gn_status wait_for_images(struct gn_fit *fit)
{
    const struct gn_fit_options *o = &fit->t.settings.options;
    struct ahead ahead = { .plan = fit->plan };
    struct gn_task task = { .runs = false };
    if (o->validation != NULL && gn_dataset_wait(o->validation) != GN_OK) {
        GN_TRY(gn_dataset_wait(o->train));
        return gn_dataset_wait(o->validation); /* the same error again */
    }
    /* The weights of a resumed run come later, from its folder. */
    if (o->train->coming != NULL && !o->resume)
        gn_task_start(&task, prepare, &ahead);
    const gn_status status = gn_dataset_wait(o->train);
    atomic_store(&ahead.enough, true);
    gn_task_wait(&task);
    return status;
}

static gn_status create_observer(struct gn_fit *fit)
{
    const struct gn_fit_options *o = &fit->t.settings.options;
    uint32_t wanted =
        o->out != NULL && o->tensorboard; /* ranks that write nothing have no folder */
    GN_TRY(gn_ranks_any(o->ranks, &wanted));
    if (wanted == 0)
        return GN_OK;
    const struct gn_observer_options observes = { .epochs = o->epochs,
                                                  .images = (double)fit->t.settings.n_train,
                                                  .histograms = o->histograms,
                                                  .ranks = o->ranks,
                                                  .freeze = fit->t.settings.freeze,
                                                  .threads = o->threads };
    fit->observer = gn_observer_create(fit->t.net, &observes);
    return fit->observer == NULL ? gn_last_status() : GN_OK;
}

/* Everything but the net, the plan and the files. */
static gn_status create_parts(struct gn_fit *fit)
{
    struct gn_net *net = fit->t.net;
    const struct gn_settings *s = &fit->t.settings;
    const struct gn_fit_options *o = &s->options;
    fit->loader = gn_train_loader(net, s, fit->plan);
    if (fit->loader == NULL)
        return gn_last_status();
    if (s->n_val > 0) {
        struct gn_loader_options validation = gn_loader_for(
            net, o->validation, o->limit_val, o->batch * gn_ranks_size(o->ranks), s->rule);
        validation.ranks = o->ranks; /* each takes a batch */
        validation.grain = o->batch;
        validation.equal = true;
        validation.pictures = s->pictures->states[1];
        validation.pictures_changed = &s->pictures->changed;
        fit->validation = gn_loader_create(&validation);
        const struct gn_plan_options validator = { .batch = o->batch,
                                                   .threads = o->threads,
                                                   .algorithm = o->algorithm,
                                                   .validates = true,
                                                   .norm_grains = o->bn_group == GN_BN_GRAIN,
                                                   .lender = fit->plan };
        fit->validator = gn_plan_create(net, &validator);
        if (fit->validation == NULL || fit->validator == NULL)
            return gn_last_status();
    }
    fit->step = gn_train_step_for(net, s, fit->plan, fit->loader, fit->t.updater);
    fit->logits = gn_calloc((size_t)o->batch * (size_t)net->classes, sizeof(float), "logits");
    if (fit->step == NULL || fit->logits == NULL)
        return gn_last_status();
    fit->watchdog = gn_watchdog_create(net, s->freeze, s->epoch_steps);
    if (fit->watchdog == NULL)
        return gn_last_status();
    fit->files.bad.loaders[0] = fit->loader;
    fit->files.bad.loaders[1] = fit->validation;
    return create_observer(fit);
}

static gn_status fit_net(struct gn_fit *fit, const struct gn_fit_options *options)
{
    struct gn_net *net = fit->t.net;
    struct gn_settings *s = &fit->t.settings;
    struct gn_run_pictures *pictures = &fit->files.pictures;
    GN_TRY(gn_pictures_open(pictures, options->train,
                            options->no_validation ? NULL : options->validation,
                            options->resume ? options->out : NULL, &fit->reporter));
    GN_TRY(gn_settings_resolve(net, options, s));
    s->pictures = pictures;
    char what[96];
    (void)snprintf(what, sizeof what, "training with batch %d at %dx%d", s->options.batch,
                   net->input.h, net->input.w);
    GN_TRY(gn_check_memory(gn_settings_memory(net, s), what));
    if (s->options.class_weights != NULL) {
        fit->class_weights = gn_calloc((size_t)net->classes, sizeof(float), "class weights");
        if (fit->class_weights == NULL)
            return gn_last_status();
        s->class_weights = fit->class_weights;
    }
    if (s->options.whiten) {
        fit->freeze = gn_fit_whiten_freeze(net, s);
        if (fit->freeze == NULL)
            return gn_last_status();
    }
    GN_TRY(gn_train_deal(net, s));
    fit->plan = gn_train_plan(net, s);
    if (fit->plan == NULL)
        return gn_last_status();
    GN_TRY(wait_for_images(fit));
    if (fit->class_weights != NULL)
        GN_TRY(gn_class_weights(options->train, s->n_train, s->options.class_weights, net->classes,
                                fit->class_weights));
    GN_TRY(
        gn_files_open(&fit->files)); /* only now: nothing is changed for data that cannot be used */
    const struct gn_dataset *data = options->train;
    if (data->label_names != NULL && data->classes == net->classes &&
        gn_net_set_labels(net, data->label_names, data->classes) != 0)
        return gn_last_status();
    net->resize = s->rule;
    net->resize_is_given = true;
    fit->t.history = gn_history_create();
    fit->t.updater = gn_updater_create(net->graph, &s->optimizer);
    if (fit->t.history == NULL || fit->t.updater == NULL)
        return gn_last_status();
    fit->t.progress = gn_progress_begin;
    if (s->options.whiten && !s->options.resume) {
        GN_TRY(gn_fit_whiten(net, s));
        gn_plan_params_changed(fit->plan);
    }
    gn_updater_begin(fit->t.updater, net->params);
    GN_TRY(gn_files_resume(&fit->files));
    GN_TRY(create_parts(fit));
    return run(fit);
}

static void free_parts(struct gn_fit *fit)
{
    /* Threads of the loaders look at the list of the run's pictures until they end. */
    if (fit->loader != NULL)
        gn_loader_free(fit->loader);
    if (fit->validation != NULL)
        gn_loader_free(fit->validation);
    gn_files_close(&fit->files);
    gn_plan_free(fit->validator);
    gn_plan_free(fit->plan);
    gn_updater_free(fit->t.updater);
    gn_train_step_free(fit->step);
    gn_watchdog_free(fit->watchdog);
    gn_observer_free(fit->observer);
    gn_free(fit->class_weights);
    gn_free(fit->freeze);
    gn_free(fit->logits);
}

static void say_asked(void *user, const char *sentence)
{
    struct gn_fit *fit = user;
    gn_report_warning(&fit->reporter, NULL, "%s", sentence);
}

gn_history *gn_fit_with(gn_net *net, const struct gn_fit_options *options)
{
    if (net == NULL || options == NULL || options->train == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "fit: no %s is given",
                          net == NULL ? "network" : "training data");
        return NULL;
    }
    struct gn_fit *fit = gn_calloc(1, sizeof *fit, "the training run");
    if (fit == NULL)
        return NULL;
    fit->t.net = net;
    fit->reporter.on_event = gn_ranks_rank(options->ranks) == 0 ? options->on_event : NULL;
    fit->reporter.user = options->user;
    fit->files.training = &fit->t;
    fit->files.reporter = &fit->reporter;
    struct gn_kept_error before; /* what a run gets over must not replace the caller's own */
    gn_keep_error(&before);
    /* Until the first step, when somebody may be reading pictures, it is the usual one at least. */
    gn_ranks_at(options->ranks, 0,
                options->rank_timeout > STANDARD_TIMEOUT ? options->rank_timeout
                                                         : STANDARD_TIMEOUT);
    gn_ranks_on_stop(options->ranks, options->stop, say_asked, fit);
    const unsigned state = gn_float_enter();
    const gn_status status = fit_net(fit, options);
    gn_ranks_on_stop(options->ranks, NULL, NULL, NULL);
    gn_float_leave(state);
    gn_files_result(&fit->files, status);
    if (status != GN_OK)
        gn_ranks_fail(options->ranks, status, gn_error_message());
    gn_history *history = fit->t.history;
    free_parts(fit);
    gn_free(fit);
    if (status != GN_OK) {
        gn_free_history(history);
        return NULL;
    }
    gn_restore_error(&before);
    return history;
}
