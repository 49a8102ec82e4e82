/*
 * googlenet train, the second half: announces the run, trains, and prints what came out.
 */
#include "cli/train.h"

#include "base/number.h"
#include "cli/card.h"
#include "cli/config.h"
#include "cli/progress.h"
#include "cli/ranks.h"
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
};

/* The value of an option of the training as it would be typed. */
static const char *typed(const struct train_run *run, const char *name, char buffer[32])
{
    const struct cli_table *table = &run->args->table;
    const int i = cli_find_option(table, name);
    if (i < 0 || gn_option_text(table->rows[i].option, &run->given->fit, buffer, 32) != GN_OK)
        buffer[0] = '\0';
    return buffer;
}

static void announce_options(const struct train_run *run)
{
    const struct gn_fit_options *fit = &run->given->fit;
    char limit[48] = "", batches[24] = "", a[32], b[32], c[32];
    const unsigned long long steps = train_epoch_steps(run, fit->batch);
    const char *chosen = run->free_epochs && run->free_batch ? " (epochs and batch as suit so many)"
                         : run->free_epochs                  ? " (epochs as suit so many)"
                         : run->free_batch                   ? " (batch as suits so many)"
                                                             : "";
    if (fit->max_steps)
        snprintf(limit, sizeof limit, ", at most %llu steps in all",
                 (unsigned long long)fit->max_steps);
    if (fit->accumulate > 1)
        snprintf(batches, sizeof batches, "%d x ", fit->accumulate);
    cli_note(
        "training  %d epoch%s of %llu step%s%s, batch %s%d, %s, lr %g%s%s, shuffle %s, seed %llu%s",
        fit->epochs, fit->epochs == 1 ? "" : "s", steps, steps == 1 ? "" : "s", limit, batches,
        fit->batch, typed(run, "optimizer", a), fit->lr, fit->schedule ? " " : "",
        fit->schedule ? typed(run, "schedule", b) : "", typed(run, "shuffle", c),
        (unsigned long long)fit->seed, chosen);
    if (fit->whiten && !run->given->resume)
        cli_note("whiten    the first convolution's filters, from patches of at most 5000 training "
                 "images; "
                 "they keep these values");
    train_note_choice(run);
}

/* What the samples do not teach, and what they teach under a number alone. */
static void warn_classes(const struct train_run *run)
{
    const struct gn_fit_options *fit = &run->given->fit;
    struct gn_net_info net; /* anew: a training gives the network the names of the data */
    if (gn_net_describe(run->net, &net) != GN_OK)
        return;
    const char *const *names = net.labels ? net.labels : run->train_info.labels;
    if (net.labels && !run->train_info.labels)
        cli_warn("%s does not name its classes: they are those of the model by their numbers",
                 run->train_info.name);
    cli_warn_classes(run->train, fit->limit_train, names, "training");
    if (run->validation)
        cli_warn_classes(run->validation, fit->limit_val, names, "validation");
}

/* The rule is the library's to choose. */
static const char *resize_of(const struct train_run *run)
{
    struct gn_fit_options fit = run->given->fit;
    fit.train = run->train;
    fit.validation = run->validation;
    return cli_resize_name(gn_fit_resize(run->net, &fit));
}

/* What each split is for, where that is not what the notebook does with its two. */
static void announce_splits(const struct train_run *run)
{
    const char *validation = strrchr(run->validation_info.path, '/');
    const char *test = strrchr(run->test_info.path, '/');
    if (run->given->fold) {
        cli_note(
            "splits    fold %s of the training samples chooses the best epoch, the test samples "
            "are measured once, at the end",
            run->given->fold);
        return;
    }
    cli_note("splits    %s/ chooses the best epoch, %s/ is measured once, at the end",
             validation ? validation + 1 : run->validation_info.path,
             test ? test + 1 : run->test_info.path);
}

static void announce_data(const struct train_run *run)
{
    const struct gn_dataset_info *data = &run->train_info;
    char what[64], counts[128];
    const unsigned long long train = data->samples, validation = run->validation_info.samples,
                             test = run->test_info.samples;
    if (run->given->fold && run->validation && !run->test)
        snprintf(counts, sizeof counts, "%llu training and, as fold %s, %llu validation", train,
                 run->given->fold, validation);
    else if (run->test)
        snprintf(counts, sizeof counts, "%llu training, %llu validation and %llu test", train,
                 validation, test);
    else if (run->validation)
        snprintf(counts, sizeof counts, "%llu training and %llu test", train, validation);
    else
        snprintf(counts, sizeof counts, "%llu training and no test", train);
    cli_note("data      %s: %s %s, %d classes, from %s", data->name, counts,
             cli_what_images(what, data), run->net_info.classes, data->path);
    if (run->test)
        announce_splits(run);
    cli_note_unused(data);
    if (run->validation && !data->divided)
        cli_note_unused(&run->validation_info);
    if (run->test)
        cli_note_unused(&run->test_info);
}

void train_announce(const struct train_run *run, const char *folder)
{
    const struct train *given = run->given;
    const struct gn_dataset_info *data = &run->train_info;
    const struct gn_net_info *net = &run->net_info;
    struct gn_system_info system = { 0 };
    char needed[GN_NUMBER_TEXT], usable[GN_NUMBER_TEXT];
    const bool is_file = given->model && !cli_is_preset(given->model);
    if (cli_given(run->args, "val-fraction") && !data->divided)
        cli_warn("--val-fraction: not used, %s brings its own test images", data->name);
    announce_data(run);
    if (!given->fold) { /* what is unread counts from the limit, a fold is less */
        cli_note_unread(data, "training");
        cli_note_unread(&run->validation_info, "test");
    }
    cli_note("network   %s %dx%dx%d, %llu parameters, %s %s, resize %s", net->preset, net->size_h,
             net->size_w, net->channels, (unsigned long long)net->params,
             given->resume ? "weights from the checkpoint in"
             : is_file     ? "weights from"
                           : "fresh weights of the",
             given->resume ? given->resume
             : is_file     ? given->model
                           : "seed",
             resize_of(run));
    warn_classes(run);
    announce_options(run);
    cli_note_machine(given->fit.threads || !given->fit.ranks ? given->fit.threads
                                                             : gn_ranks_threads(given->fit.ranks));
    if (given->fit.ranks)
        cli_note("processes %s", gn_ranks_describe(given->fit.ranks));
    const uint64_t bytes = gn_fit_memory(run->net, &given->fit);
    /* What does not fit is refused by the library, with a sentence of its own. */
    if (gn_system_describe(&system) == GN_OK && bytes > 0 && bytes <= system.memory_bytes)
        cli_note("memory    about %s of %s", gn_bytes_text(bytes, needed),
                 gn_bytes_text(system.memory_bytes, usable));
    cli_note("output    %s", folder);
}

void train_print_plan(const struct train_run *run, const char *folder)
{
    const struct gn_net_info *net = &run->net_info;
    json_t *root = json_object(), *network = json_object();
    const json_int_t validation = run->validation ? (json_int_t)run->validation_info.samples : 0;
    const json_int_t test = run->test ? (json_int_t)run->test_info.samples : validation;
    json_object_set_new(network, "preset", cli_json_text(net->preset));
    json_object_set_new(network, "input",
                        json_pack("[i,i,i]", net->size_h, net->size_w, net->channels));
    json_object_set_new(network, "classes", json_integer(net->classes));
    json_object_set_new(network, "params", json_integer((json_int_t)net->params));
    json_object_set_new(network, "resize", cli_json_text(resize_of(run)));
    json_object_set_new(root, "network", network);
    json_object_set_new(root, "samples", json_integer((json_int_t)run->train_info.samples));
    if (run->test)
        json_object_set_new(root, "validation_samples", json_integer(validation));
    json_object_set_new(root, "test_samples", json_integer(test));
    json_object_set_new(root, "steps_per_epoch",
                        json_integer((json_int_t)train_epoch_steps(run, run->given->fit.batch)));
    json_object_set_new(root, "memory_bytes",
                        json_integer((json_int_t)gn_fit_memory(run->net, &run->given->fit)));
    json_object_set_new(root, "out", cli_json_text(folder));
    json_object_set_new(root, "options", cli_options_json(run->args));
    cli_print_json(root);
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
    watch->started = watch->started || event->kind == GN_EVENT_START;
}

static gn_history *fit(struct watch *watch)
{
    const struct train_run *run = watch->run;
    struct gn_fit_options *options = &run->given->fit;
    char *config = cli_config_text(run->args, run->given->reads_limited);
    options->out = run->folder;
    options->resume = run->given->resume != NULL;
    options->on_event = on_event;
    options->user = watch;
    options->stop = &cli_stop;
    options->save = &cli_save;
    options->config = config;
    gn_history *history = gn_fit_with(run->net, options);
    free(config);
    return history;
}

/* Of the raw and the averaged weights. */
static double better_accuracy(const struct gn_epoch *epoch)
{
    const double averaged = gn_metric_value(&epoch->metrics, "val_ema_accuracy");
    return averaged > epoch->val_accuracy ? averaged : epoch->val_accuracy;
}

/* Every figure of the last epoch but its time, under its name. */
static void set_metrics(json_t *root, const struct gn_epoch *epoch)
{
    for (int i = 0; i < epoch->metrics.n; i++) {
        const struct gn_metric *metric = &epoch->metrics.list[i];
        if (!metric->is_time)
            json_object_set_new(root, metric->name, cli_json_real(metric->value));
    }
}

/* How a run ended. */
struct result {
    struct gn_epoch last, best;
    bool has_best;
    const struct gn_score *test; /* NULL: none */
    char *model;
    double seconds;
};

static void print_result_json(const struct watch *watch, const struct result *result)
{
    const struct train_run *run = watch->run;
    const struct gn_epoch *last = &result->last, *best = &result->best;
    json_t *root = json_object();
    json_object_set_new(root, "epochs", json_integer(last->epoch));
    json_object_set_new(root, "steps", json_integer((json_int_t)watch->progress.total_step));
    json_object_set_new(root, "loss", json_null()); /* of a run without a finished epoch */
    json_object_set_new(root, "accuracy", json_null());
    set_metrics(root, last);
    if (last->has_validation && best->epoch > 0) {
        json_object_set_new(root, "best_epoch", json_integer(best->epoch));
        json_object_set_new(root, "best_val_accuracy", cli_json_real(better_accuracy(best)));
    }
    if (run->test)
        json_object_set_new(root, "test", train_test_json(result->test));
    json_object_set_new(root, "seconds", cli_json_rounded(result->seconds, 3));
    json_object_set_new(root, "out", cli_json_text(run->folder));
    json_object_set_new(root, "model", cli_json_text(result->model));
    cli_print_json(root);
}

static void print_result(const struct watch *watch, const struct result *result)
{
    const struct train_run *run = watch->run;
    const struct gn_epoch *last = &result->last;
    const char *chooses = run->test ? "validation" : "test";
    char time[24], test[64] = "";
    cli_duration(time, result->seconds);
    if (result->test)
        gn_format(test, sizeof test, "; test accuracy %.4f", result->test->accuracy);
    if (run->given->is_part)
        cli_note("result    %s", run->folder);
    else if (run->given->common.json)
        print_result_json(watch, result);
    else if (run->given->common.quiet)
        cli_line("%s", result->model);
    else if (last->has_validation && !result->has_best)
        cli_line("%s accuracy %.4f after epoch %d; took %s; model: %s", chooses, last->val_accuracy,
                 last->epoch, time, result->model);
    else if (last->has_validation)
        cli_line("%s accuracy %.4f after epoch %d, best %.4f in epoch %d%s; took %s; model: %s",
                 chooses, last->val_accuracy, last->epoch, better_accuracy(&result->best),
                 result->best.epoch, test, time, result->model);
    else
        cli_line("training loss %.4f, accuracy %.4f after epoch %d; took %s; model: %s", last->loss,
                 last->accuracy, last->epoch, time, result->model);
}

/* Answers of the best model on the samples that chose it, where no others measure it. False: none. */
static bool answer_validation(const struct train_run *run, const char *model,
                              gn_evaluation *answers)
{
    const struct gn_fit_options *fit = &run->given->fit;
    struct gn_score score;
    gn_net *net = run->validation && answers ? gn_load(model) : NULL;
    const struct gn_evaluate_options options = { .data = run->validation,
                                                 .limit = fit->limit_val,
                                                 .batch = fit->batch,
                                                 .threads = fit->threads,
                                                 .algorithm = fit->algorithm,
                                                 .stop = &cli_stop,
                                                 .evaluation = answers };
    const bool done = net && gn_evaluate_with(net, &score, &options) == GN_OK;
    gn_clear_error(); /* the training itself is done */
    gn_free_net(net);
    return done;
}

static void write_card(const struct train_run *run, const gn_history *history,
                       const struct result *result, gn_evaluation *answers)
{
    struct card card = { .run = run,
                         .model = result->model,
                         .epoch = result->has_best ? result->best.epoch : result->last.epoch,
                         .epochs = result->last.epoch,
                         .samples = result->test ? "test" : "validation",
                         .chose = !result->test && result->has_best };
    double rates = 0;
    for (int i = 0; i < gn_history_epochs(history); i++) {
        struct gn_epoch row;
        if (gn_history_epoch(history, i, &row) != GN_OK)
            continue;
        const double rate = gn_metric_value(&row.metrics, "images_per_second");
        card.seconds += row.seconds;
        rates += rate > 0 ? rate / gn_history_epochs(history) : 0;
    }
    card.images_per_second = rates;
    if (result->last.epoch == 0)
        return;
    if (result->test || answer_validation(run, result->model, answers))
        card.answers = answers;
    cli_write_card(&card);
}

/* The training is done: what came out, and how good it is on samples that chose nothing. */
static int finish(const struct watch *watch, const gn_history *history, double began)
{
    const struct train_run *run = watch->run;
    gn_evaluation *answers = gn_evaluation_create();
    struct gn_score score;
    struct result result = { .model = NULL };
    int code = 0;
    if (gn_history_epochs(history) > 0)
        gn_history_epoch(history, gn_history_epochs(history) - 1, &result.last);
    if (gn_history_best(history) >= 0)
        gn_history_epoch(history, gn_history_best(history), &result.best);
    result.has_best = result.last.has_validation && gn_history_best(history) >= 0;
    result.model = cli_format("%s/%s.safetensors", run->folder, result.has_best ? "best" : "model");
    if (run->test && result.has_best) {
        code = train_test(run, result.model, result.best.epoch, &score, answers);
        result.test = code ? NULL : &score;
    }
    result.seconds = cli_seconds() - began;
    if (!code)
        write_card(run, history, &result, answers);
    print_result(watch, &result);
    gn_evaluation_free(answers);
    free(result.model);
    return code;
}

/* Instead of the library's hints, the commands that go on. */
static int explain(const struct watch *watch)
{
    const struct train_run *run = watch->run;
    const gn_status status = gn_error_status();
    /* What is wrong with the data after the start is wrong with a picture. */
    const bool picture = status == GN_STATUS_BAD_DATA && watch->started;
    if (status != GN_STATUS_STOPPED && !picture)
        return cli_fail_library();
    const char *message = gn_error_message();
    const int code = picture ? CLI_DATA : CLI_INTERRUPTED;
    cli_fail(code, "%.*s", (int)strcspn(message, "\n"), message);
    if (picture) {
        cli_hint("googlenet data check %s lists all that cannot be read, --on-bad-image skip "
                 "leaves them out",
                 run->given->data);
        cli_hint("googlenet train --resume %s goes on after the repair, or as it is with "
                 "--on-bad-image skip",
                 run->folder);
    } else {
        cli_hint("googlenet train --resume %s goes on", run->folder);
    }
    return code;
}

int train_fit(struct train_run *run)
{
    struct watch watch = { .run = run, .progress = { .max_steps = run->given->fit.max_steps } };
    const double begin = cli_seconds();
    cli_stop_gently();
    cli_catch_requests();
    gn_history *history = fit(&watch);
    cli_progress_end(&watch.progress);
    if (history && cli_ranks_silent(run->given->fit.ranks)) {
        gn_free_history(history);
        return 0;
    }
    if (!history)
        return explain(&watch);
    const int code = finish(&watch, history, begin);
    gn_free_history(history);
    return code;
}
