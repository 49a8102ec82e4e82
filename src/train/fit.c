/*
 * The training loop: batches in the order that (seed, epoch) gives, gradient, update, validation
 * after each epoch. Everything that decides about the next step is in gn_training, which a
 * checkpoint saves whole; so a run may stop behind any step and go on with the same bits.
 */
#include "train/fit.h"

#include "base/memory.h"
#include "base/threads.h"

#include <math.h>

/* ---- Reports ---- */

void gn_fit_report(struct gn_fit *fit, gn_event_kind kind)
{
    const struct gn_fit_options *o = &fit->t.settings.options;
    fit->event.kind = kind;
    if (o->on_event != NULL)
        o->on_event(&fit->event, o->user);
}

void gn_fit_warn(struct gn_fit *fit, const char *advice)
{
    if (advice != NULL)
        gn_hint("%s", advice);
    fit->event.message = gn_error_message();
    gn_fit_report(fit, GN_EVENT_WARNING);
    fit->event.message = NULL;
    gn_clear_error();
}

void gn_fit_fill_event(struct gn_fit *fit)
{
    const struct gn_progress *p = &fit->t.progress;
    struct gn_event *e = &fit->event;
    const double n = p->samples > 0 ? (double)p->samples : 1;
    e->epoch = (int)p->epoch + 1;
    e->step = p->batch;
    e->total_step = p->step;
    e->samples = p->samples;
    e->loss = p->loss_sum / n;
    e->accuracy = (double)p->correct / n;
    e->seconds = gn_seconds() - fit->epoch_began;
}

static void report_start(struct gn_fit *fit)
{
    const struct gn_settings *s = &fit->t.settings;
    char text[256];
    int used = snprintf(text, sizeof text, "%s on %llu samples, %llu steps an epoch, %d epochs",
                        fit->t.progress.step > 0 ? "training goes on" : "training",
                        (unsigned long long)s->n_train, (unsigned long long)fit->n_batches,
                        s->options.epochs);
    if (s->n_val > 0)
        used += snprintf(text + used, sizeof text - (size_t)used, ", validation on %llu samples",
                         (unsigned long long)s->n_val);
    if (fit->t.progress.step > 0)
        (void)snprintf(text + used, sizeof text - (size_t)used, ", from step %llu",
                       (unsigned long long)fit->t.progress.step);
    gn_fit_fill_event(fit);
    fit->event.epochs = s->options.epochs;
    fit->event.steps = fit->n_batches;
    fit->event.lr = s->options.lr;
    fit->event.message = text;
    gn_fit_report(fit, GN_EVENT_START);
    fit->event.message = NULL;
}

/* ---- One step ---- */

gn_status gn_fit_diverged(const struct gn_fit *fit, const char *what)
{
    const struct gn_progress *p = &fit->t.progress;
    const double lr = fit->t.settings.options.lr;
    (void)gn_fail(GN_STATUS_DIVERGED,
                  "training: %s at step %llu (epoch %llu, step %llu of %llu, lr %g)", what,
                  (unsigned long long)p->step, (unsigned long long)p->epoch + 1,
                  (unsigned long long)p->batch, (unsigned long long)fit->n_batches, lr);
    gn_hint("lower the learning rate, for example to %g; the files saved before are kept",
            lr > 1 ? 0.05 : lr / 10);
    return GN_STATUS_DIVERGED;
}

static gn_status train_step(struct gn_fit *fit)
{
    struct gn_progress *p = &fit->t.progress;
    struct gn_net *net = fit->t.net;
    struct gn_batch batch;
    GN_TRY(gn_loader_next(fit->loader, &batch));
    if (batch.n == 0)
        GN_FAIL(GN_STATUS_INTERNAL, "training: the loader ended at batch %llu of %llu",
                (unsigned long long)p->batch, (unsigned long long)fit->n_batches);
    double loss_sum = 0;
    int correct = 0;
    GN_TRY(gn_plan_gradients(fit->plan, batch.images, batch.labels, batch.n, fit->grads, &loss_sum,
                             &correct));
    p->step++;
    p->batch++;
    if (!isfinite(loss_sum))
        return gn_fit_diverged(fit, isnan(loss_sum) ? "the loss is not a number"
                                                    : "the loss is infinite");
    if (!gn_updater_finite(fit->t.updater, fit->grads))
        return gn_fit_diverged(fit, "a gradient is not finite");
    gn_updater_step(fit->t.updater, net->params, fit->grads, p->step);
    gn_plan_params_changed(fit->plan);
    p->samples += (uint64_t)batch.n;
    p->correct += (uint64_t)correct;
    p->loss_sum += loss_sum;
    fit->event.step_loss = loss_sum / batch.n;
    gn_files_step(fit, fit->event.step_loss);
    gn_fit_fill_event(fit);
    gn_fit_report(fit, GN_EVENT_STEP);
    return GN_OK;
}

/* ---- The run ---- */

static bool wants_stop(const struct gn_fit *fit)
{
    const volatile int *stop = fit->t.settings.options.stop;
    return stop != NULL && *stop != 0;
}

/* The rest of the running epoch. *ended: max_steps is reached. */
static gn_status run_epoch(struct gn_fit *fit, bool *ended)
{
    struct gn_progress *p = &fit->t.progress;
    const uint64_t checkpoint_steps = fit->t.settings.options.checkpoint_steps;
    fit->epoch_began = gn_seconds();
    if (p->batch < fit->n_batches)
        GN_TRY(gn_loader_start(fit->loader, p->epoch, p->batch));
    while (p->batch < fit->n_batches) {
        if (wants_stop(fit))
            return gn_fit_stop_here(fit);
        if (gn_fit_reached_limit(fit)) {
            *ended = true;
            return p->batch == 0 ? GN_OK : gn_fit_cut_epoch(fit);
        }
        GN_TRY(train_step(fit));
        if (checkpoint_steps != 0 && p->step % checkpoint_steps == 0 && p->batch < fit->n_batches)
            GN_TRY(gn_files_checkpoint(fit));
    }
    return wants_stop(fit) ? gn_fit_stop_here(fit) : gn_fit_finish_epoch(fit);
}

static gn_status run(struct gn_fit *fit)
{
    const uint64_t epochs = (uint64_t)fit->t.settings.options.epochs;
    bool ended = false;
    report_start(fit);
    GN_TRY(gn_files_begin(fit));
    while (!ended && fit->t.progress.epoch < epochs)
        GN_TRY(run_epoch(fit, &ended));
    return GN_OK;
}

/* Everything but the net and the files. */
static gn_status create_parts(struct gn_fit *fit)
{
    struct gn_net *net = fit->t.net;
    const struct gn_settings *s = &fit->t.settings;
    const struct gn_fit_options *o = &s->options;
    const struct gn_plan_options plan_options = {
        .train = true, .batch = o->batch, .threads = o->threads, .algorithm = o->algorithm
    };
    struct gn_loader_options loader =
        gn_loader_for(net, o->train, o->limit_train, o->batch, s->rule);
    loader.shuffle = o->shuffle;
    loader.window = o->window;
    loader.seed = o->seed;
    fit->plan = gn_plan_create(net, &plan_options);
    if (fit->plan == NULL)
        return gn_last_status();
    fit->loader = gn_loader_create(&loader);
    if (fit->loader == NULL)
        return gn_last_status();
    if (s->n_val > 0) {
        const struct gn_loader_options validation =
            gn_loader_for(net, o->validation, o->limit_val, o->batch, s->rule);
        fit->validation = gn_loader_create(&validation);
        if (fit->validation == NULL)
            return gn_last_status();
    }
    fit->grads = gn_calloc(net->graph->n_floats, sizeof(float), "gradients");
    fit->logits = gn_calloc((size_t)o->batch * (size_t)net->classes, sizeof(float), "logits");
    if (fit->grads == NULL || fit->logits == NULL)
        return gn_last_status();
    fit->n_batches = gn_loader_batches(fit->loader);
    return GN_OK;
}

static gn_status fit_net(struct gn_fit *fit, const struct gn_fit_options *options)
{
    struct gn_net *net = fit->t.net;
    struct gn_settings *s = &fit->t.settings;
    GN_TRY(gn_settings_resolve(net, options, s));
    char what[96];
    (void)snprintf(what, sizeof what, "training with batch %d at %dx%d", s->options.batch,
                   net->input.h, net->input.w);
    GN_TRY(gn_check_memory(gn_settings_memory(net, s), what));
    GN_TRY(gn_files_open(fit));
    const struct gn_dataset *data = options->train;
    if (data->label_names != NULL && data->classes == net->classes &&
        gn_net_set_labels(net, data->label_names, data->classes) != 0)
        return gn_last_status();
    net->resize = s->rule;
    fit->t.history = gn_history_create();
    fit->t.updater = gn_updater_create(net->graph, &s->optimizer);
    if (fit->t.history == NULL || fit->t.updater == NULL)
        return gn_last_status();
    GN_TRY(gn_files_resume(fit));
    GN_TRY(create_parts(fit));
    return run(fit);
}

static void free_parts(struct gn_fit *fit)
{
    gn_files_close(fit);
    if (fit->loader != NULL)
        gn_loader_free(fit->loader);
    if (fit->validation != NULL)
        gn_loader_free(fit->validation);
    if (fit->plan != NULL)
        gn_plan_free(fit->plan);
    gn_updater_free(fit->t.updater);
    gn_free(fit->grads);
    gn_free(fit->logits);
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
    const unsigned state = gn_float_enter();
    const gn_status status = fit_net(fit, options);
    gn_float_leave(state);
    gn_history *history = fit->t.history;
    free_parts(fit);
    gn_free(fit);
    if (status != GN_OK) {
        gn_free_history(history);
        return NULL;
    }
    return history;
}
