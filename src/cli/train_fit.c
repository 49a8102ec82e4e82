/*
 * googlenet train, the second half: announces the run, trains, and prints what came out.
 */
#include "cli/train.h"

#include "cli/config.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/run_folder.h"
#include "cli/signals.h"

#include <stdlib.h>
#include <string.h>

/* What the callback of a training needs. */
struct watch {
    struct cli_progress progress;
    const struct train_run *run;
    bool announced, started;
    int config_code; /* of writing config.json */
};

static uint64_t steps_of_epoch(const struct train_run *run)
{
    uint64_t samples = run->train_info.samples;
    if (run->given->limit_train != TRAIN_NO_LIMIT && run->given->limit_train < samples)
        samples = run->given->limit_train;
    const uint64_t batch = (uint64_t)run->given->batch * (uint64_t)run->given->accumulate;
    return (samples + batch - 1) / batch;
}

static void announce_options(const struct train *given, const struct train_run *run)
{
    char shuffle[32] = "full", limit[48] = "", batches[24] = "";
    const unsigned long long steps = steps_of_epoch(run);
    if (given->shuffle.kind == GN_SHUFFLE_WINDOW)
        snprintf(shuffle, sizeof shuffle, "window:%d", given->shuffle.window);
    else if (given->shuffle.kind == GN_SHUFFLE_NONE)
        snprintf(shuffle, sizeof shuffle, "none");
    if (given->max_steps)
        snprintf(limit, sizeof limit, ", at most %llu steps in all",
                 (unsigned long long)given->max_steps);
    if (given->accumulate > 1)
        snprintf(batches, sizeof batches, "%d x ", given->accumulate);
    cli_note(
        "training  %d epoch%s of %llu step%s%s, batch %s%d, %s, lr %g%s%s, shuffle %s, seed %llu",
        given->epochs, given->epochs == 1 ? "" : "s", steps, steps == 1 ? "" : "s", limit, batches,
        given->batch, cli_optimizer_names[given->optimizer], given->lr, given->schedule ? " " : "",
        given->schedule ? train_schedule_names[given->schedule] : "", shuffle,
        (unsigned long long)given->seed);
}

void train_announce(const struct train_run *run, const char *folder)
{
    const struct train *given = run->given;
    const struct gn_dataset_info *data = &run->train_info;
    const struct gn_net_info *net = &run->net_info;
    struct gn_system_info system = { 0 };
    char needed[24], usable[24], what[64], test[48] = "no";
    const bool is_file = given->model && !cli_is_preset(given->model);
    if (cli_given(run->args, "val-fraction") && !data->divided)
        cli_warn("--val-fraction: not used, %s brings its own test images", data->name);
    if (run->validation)
        snprintf(test, sizeof test, "%llu", (unsigned long long)run->validation_info.samples);
    cli_note("data      %s: %llu training and %s test %s, %d classes, from %s", data->name,
             (unsigned long long)data->samples, test, cli_what_images(what, data), net->classes,
             data->path);
    cli_note("network   %s %dx%dx%d, %llu parameters, %s %s, resize %s", net->preset, net->size_h,
             net->size_w, net->channels, (unsigned long long)net->params,
             given->resume ? "weights from the checkpoint in"
             : is_file     ? "weights from"
                           : "fresh weights of the",
             given->resume ? given->resume
             : is_file     ? given->model
                           : "seed",
             cli_resize_name(net->resize));
    announce_options(given, run);
    cli_note_machine(given->threads);
    const uint64_t bytes = gn_memory_estimate(run->net, given->batch, true);
    /* What does not fit is refused by the library, with a sentence of its own. */
    if (gn_system_describe(&system) == GN_OK && bytes <= system.memory_bytes)
        cli_note("memory    about %s of %s", cli_bytes(needed, bytes),
                 cli_bytes(usable, system.memory_bytes));
    cli_note("output    %s", folder);
}

static void on_event(const struct gn_event *event, void *user)
{
    struct watch *watch = user;
    /* With the first event the data is there and nothing was wrong with it. */
    if (!watch->announced)
        train_announce(watch->run, watch->run->folder);
    watch->announced = true;
    if (event->kind == GN_EVENT_STEP) {
        watch->progress.asked = cli_status != 0;
        cli_status = 0;
    }
    cli_progress_event(&watch->progress, event);
    if (event->kind != GN_EVENT_START || watch->started)
        return;
    watch->started = true;
    /* Only now is the folder ours: the library has locked it and found it usable. Without its
     * options a run could not be resumed, so a failure ends it. */
    watch->config_code = cli_save_config(watch->run->folder, watch->run->args, watch->run->net);
    if (watch->config_code)
        cli_stop = 1;
}

static gn_history *fit(struct watch *watch)
{
    const struct train_run *run = watch->run;
    const struct train *given = run->given;
    const struct gn_fit_options options = {
        .train = run->train,
        .validation = run->validation,
        .epochs = given->epochs,
        .batch = given->batch,
        .lr = given->lr,
        .zero_lr = given->lr <= 0.0,
        .seed = given->seed,
        .shuffle = (gn_shuffle)given->shuffle.kind,
        .window = given->shuffle.window,
        .limit_train = given->limit_train == TRAIN_NO_LIMIT ? 0 : given->limit_train,
        .limit_val = given->limit_val == TRAIN_NO_LIMIT ? 0 : given->limit_val,
        .max_steps = given->max_steps,
        .optimizer = (gn_optimizer)given->optimizer,
        .momentum = given->momentum,
        .nesterov = given->nesterov,
        .weight_decay = given->weight_decay,
        .no_weight_decay = given->weight_decay <= 0.0,
        .decay_all = given->decay_all,
        .adam_eps = given->adam_eps,
        .algorithm = (gn_algorithm)given->algorithm,
        .threads = given->threads,
        .out = run->folder,
        .overwrite = given->overwrite,
        .resume = given->resume != NULL,
        .log_steps = given->log_steps,
        .checkpoint_steps = given->checkpoint_steps,
        .on_event = on_event,
        .user = watch,
        .stop = &cli_stop,
        .schedule = (gn_schedule)given->schedule,
        .lr_min = given->lr_min,
        .step_epochs = given->step_epochs,
        .step_factor = given->step_factor,
        .power = given->power,
        .rise = given->rise,
        .warmup_steps = given->warmup_steps,
        .warmup_epochs = given->warmup_epochs,
        .plateau_factor = given->plateau.factor,
        .plateau_patience = given->plateau.patience,
        .early_stop = given->early_stop,
        .max_seconds = given->max_time,
        .clip_norm = given->clip_norm,
        .accumulate = given->accumulate,
        .label_smoothing = given->label_smoothing,
        .ema = given->ema,
        .no_decay = given->no_decay.text,
        .freeze = given->freeze.text,
        .lr_scale = given->lr_scale.text,
        .save = &cli_save,
        .augment = given->augment,
    };
    return gn_fit_with(run->net, &options);
}

/* Of the raw and the averaged weights. */
static double better_accuracy(const struct gn_epoch *epoch)
{
    const bool averaged = epoch->has_ema && epoch->val_ema_accuracy > epoch->val_accuracy;
    return averaged ? epoch->val_ema_accuracy : epoch->val_accuracy;
}

/* The first epoch of the highest validation accuracy (lowest loss without validation). */
static struct gn_epoch best_epoch(const gn_history *history)
{
    struct gn_epoch best = { 0 }, epoch = { 0 };
    for (int i = 0; i < gn_history_epochs(history); i++) {
        if (gn_history_epoch(history, i, &epoch) != GN_OK)
            continue;
        const bool is_better = epoch.has_validation
                                   ? better_accuracy(&epoch) > better_accuracy(&best)
                                   : epoch.loss < best.loss;
        if (best.epoch == 0 || is_better)
            best = epoch;
    }
    return best;
}

static void print_result_json(const struct watch *watch, const struct gn_epoch *last,
                              const struct gn_epoch *best, const char *model, double seconds)
{
    const struct train_run *run = watch->run;
    json_t *root = json_object();
    json_object_set_new(root, "epochs", json_integer(last->epoch));
    json_object_set_new(root, "steps", json_integer((json_int_t)watch->progress.total_step));
    json_object_set_new(root, "loss", last->epoch ? cli_json_real(last->loss) : json_null());
    json_object_set_new(root, "accuracy",
                        last->epoch ? cli_json_real(last->accuracy) : json_null());
    if (last->has_validation) {
        json_object_set_new(root, "val_loss", cli_json_real(last->val_loss));
        json_object_set_new(root, "val_accuracy", cli_json_real(last->val_accuracy));
        json_object_set_new(root, "best_epoch", json_integer(best->epoch));
        json_object_set_new(root, "best_val_accuracy", cli_json_real(better_accuracy(best)));
    }
    if (last->has_ema) {
        json_object_set_new(root, "val_ema_loss", cli_json_real(last->val_ema_loss));
        json_object_set_new(root, "val_ema_accuracy", cli_json_real(last->val_ema_accuracy));
    }
    json_object_set_new(root, "seconds", cli_json_rounded(seconds, 3));
    json_object_set_new(root, "out", cli_json_text(run->folder));
    json_object_set_new(root, "model", cli_json_text(model));
    cli_print_json(root);
}

static void print_result(const struct watch *watch, const gn_history *history, double seconds)
{
    const struct train_run *run = watch->run;
    struct gn_epoch last = { 0 };
    const int epochs = gn_history_epochs(history);
    if (epochs > 0)
        gn_history_epoch(history, epochs - 1, &last);
    const struct gn_epoch best = best_epoch(history);
    char *model =
        cli_format("%s/%s.safetensors", run->folder, last.has_validation ? "best" : "model");
    char time[24];
    cli_duration(time, seconds);
    if (run->given->common.json)
        print_result_json(watch, &last, &best, model, seconds);
    else if (run->given->common.quiet)
        printf("%s\n", model);
    else if (last.has_validation)
        printf("test accuracy %.4f after epoch %d, best %.4f in epoch %d; took %s; model: %s\n",
               last.val_accuracy, last.epoch, better_accuracy(&best), best.epoch, time, model);
    else
        printf("training loss %.4f, accuracy %.4f after epoch %d; took %s; model: %s\n", last.loss,
               last.accuracy, last.epoch, time, model);
    free(model);
}

int train_fit(struct train_run *run)
{
    struct watch watch = { .run = run, .progress = { .max_steps = run->given->max_steps } };
    const double begin = cli_seconds();
    cli_stop_gently();
    cli_catch_requests();
    gn_history *history = fit(&watch);
    cli_progress_end(&watch.progress);
    if (watch.config_code) {
        gn_free_history(history);
        return watch.config_code;
    }
    if (!history) {
        if (gn_error_status() != GN_STATUS_STOPPED) {
            if (watch.started && !run->given->resume)
                cli_drop_unbegun_run(run->folder);
            return cli_fail_library();
        }
        /* Instead of the library's hint, the command that goes on. */
        const char *message = gn_error_message();
        cli_fail(CLI_INTERRUPTED, "%.*s", (int)strcspn(message, "\n"), message);
        cli_hint("googlenet train --resume %s goes on", run->folder);
        return CLI_INTERRUPTED;
    }
    print_result(&watch, history, cli_seconds() - begin);
    gn_free_history(history);
    return CLI_DONE;
}
