/*
 * googlenet eval: what a model answers over a split of a data set, or two models on the same one.
 */
#include "cli/eval.h"

#include "cli/commands.h"
#include "cli/ranks.h"
#include "cli/report.h"
#include "cli/signals.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_eval_flags defaults = {
    .split = GN_TEST, .top = 5, .place = { .val_fraction = 0.1, .has_fraction = true }
};

static const struct gn_option options[] = {
    CLI_HEADING("Data"),
    { .name = "data",
      .kind = GN_OPTION_TEXT,
      .value = "D",
      .offset = offsetof(struct cli_eval_flags, data),
      .help = "folder (IDX, CIFAR or pictures by class), list (.txt), or a known set's name" },
    { .name = "split",
      .kind = GN_OPTION_CHOICE,
      .value = "S",
      .offset = offsetof(struct cli_eval_flags, split),
      .choice = cli_split_name,
      .standard = "test",
      .help = "train, val or test" },
    { .name = "limit",
      .kind = GN_OPTION_COUNT,
      .value = "N",
      .offset = offsetof(struct cli_eval_flags, limit),
      .low = 1,
      .high = CLI_LARGEST_COUNT,
      .standard = "all",
      .help = "only the first N samples" },
    { .name = "fold",
      .kind = GN_OPTION_TEXT,
      .value = "K/N",
      .offset = offsetof(struct cli_eval_flags, fold),
      .help = "the training samples that train --fold K/N holds back, as --split val" },
    { .name = "limit-train",
      .kind = GN_OPTION_COUNT,
      .value = "N",
      .offset = offsetof(struct cli_eval_flags, limit_train),
      .low = 1,
      .high = CLI_LARGEST_COUNT,
      .standard = "all",
      .help = "with --fold: of the first N training samples, as in the training" },
    CLI_PLACE_ROWS(struct cli_eval_flags),
    { .name = "val-fraction",
      .kind = GN_OPTION_REAL,
      .value = "X",
      .offset = offsetof(struct cli_eval_flags, place.val_fraction),
      .low = 0,
      .high = 1,
      .standard = "0.1",
      .help = "part for testing, of pictures without test pictures; 1: all" },
    { .name = "seed",
      .kind = GN_OPTION_SEED,
      .value = "N",
      .offset = offsetof(struct cli_eval_flags, place.seed),
      .standard = "0",
      .help = "of the choice of that part: the training's" },
    { .name = "on-bad-image",
      .kind = GN_OPTION_CHOICE,
      .value = "WHAT",
      .offset = offsetof(struct cli_eval_flags, place.on_bad_image),
      .choice = gn_bad_image_name,
      .standard = "stop",
      .help = "stop or skip, for pictures that cannot be read" },
    { .name = "scaled-decode",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct cli_eval_flags, place.scaled_decode),
      .help = "decode large JPEGs at a part of their size: as in the training" },
    CLI_HEADING("Results"),
    { .name = "top",
      .kind = GN_OPTION_INT,
      .value = "K",
      .offset = offsetof(struct cli_eval_flags, top),
      .low = 1,
      .high = CLI_LARGEST_INT,
      .standard = "5",
      .help = "also how often the class is among the K most probable ones" },
    { .name = "predictions",
      .kind = GN_OPTION_TEXT,
      .value = "FILE",
      .offset = offsetof(struct cli_eval_flags, predictions),
      .help = "write every answer to FILE (.csv or .jsonl)" },
    { .name = "report",
      .kind = GN_OPTION_TEXT,
      .value = "DIR",
      .offset = offsetof(struct cli_eval_flags, report),
      .help = "write DIR/index.html: figures, confusions, calibration, mistakes" },
    { .name = "require",
      .kind = GN_OPTION_TEXT,
      .value = "NAME=X",
      .offset = offsetof(struct cli_eval_flags, require),
      .help = "exit 1 if a figure is below X: top1, topK, macro_f1, ... (a list)" },
    CLI_HEADING("Computation"),
    { .name = "tta",
      .kind = GN_OPTION_CHOICE,
      .value = "VIEWS",
      .offset = offsetof(struct cli_eval_flags, tta),
      .choice = gn_tta_name,
      .standard = "none",
      .help = "mean answer over mirror, mirror+shift or ten-crop views" },
    { .name = "batch",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct cli_eval_flags, batch),
      .low = 1,
      .high = CLI_LARGEST_INT,
      .standard = "128",
      .help = "samples computed at once" },
    CLI_ALGORITHM_ROW(struct cli_eval_flags),
    CLI_WEIGHTS_ROW(struct cli_eval_flags),
    CLI_THREADS_ROW(struct cli_eval_flags),
    CLI_NET_ROWS(struct cli_eval_flags),
    CLI_COMMON_ROWS(struct cli_eval_flags),
};

/* ---- Progress: a line that is redrawn on a terminal, a plain one every 30 s elsewhere ---- */

struct watch {
    double begin, shown;
    bool open;
};

static void show(void *user, const struct gn_score *so_far, uint64_t samples)
{
    struct watch *watch = user;
    const double now = cli_seconds(), every = cli_voice.terminal ? 0.2 : 30.0;
    if (cli_voice.quiet || now - watch->shown < every)
        return;
    char left[24];
    const double rate = (double)so_far->samples / (now - watch->begin);
    const char *eta = cli_duration(left, (double)(samples - so_far->samples) / rate);
    if (cli_voice.terminal)
        fprintf(stderr, "\r%llu/%llu images, ETA %s\033[K", (unsigned long long)so_far->samples,
                (unsigned long long)samples, eta);
    else
        cli_note("%llu/%llu images, ETA %s", (unsigned long long)so_far->samples,
                 (unsigned long long)samples, eta);
    watch->shown = now;
    watch->open = cli_voice.terminal;
}

/* ---- One model ---- */

static void warn_of_names(const struct gn_net_info *of, const gn_dataset *data,
                          const struct gn_dataset_info *info, const struct cli_eval_flags *flags)
{
    if (of->labels && !info->labels)
        cli_warn("%s does not name its classes: they are those of the model by their numbers",
                 info->name);
    if (!of->labels && info->labels)
        cli_warn("the model does not name its classes: those of %s are numbered in the order of "
                 "their names",
                 info->name);
    /* The first samples of a set, which a limit takes, may well be of some classes only. */
    if (!flags->limit)
        cli_warn_classes(data, 0, of->labels, cli_split_names[flags->split]);
}

static int evaluate(gn_net *net, const struct gn_net_info *of, gn_dataset *data,
                    const struct cli_eval_flags *flags, struct cli_evaluated *found)
{
    char what[64];
    const struct gn_dataset_info *info = &found->data;
    if (gn_dataset_describe(data, &found->data) != GN_OK)
        return cli_fail_library();
    cli_note("data      %s, %llu %s %s, from %s", info->name, (unsigned long long)info->samples,
             cli_split_names[flags->split], cli_what_images(what, info), info->path);
    cli_note_unread(info, cli_split_names[flags->split]);
    if (flags->fold && flags->split == GN_VAL)
        cli_note(
            "fold      %s of the training samples, which a run of this fold has not trained with",
            flags->fold);
    warn_of_names(of, data, info, flags);
    cli_note_machine(flags->threads || !flags->ranks ? flags->threads
                                                     : gn_ranks_threads(flags->ranks));
    if (flags->ranks)
        cli_note("processes %s", gn_ranks_describe(flags->ranks));
    cli_stop_gently();
    struct watch watch = { .begin = cli_seconds(), .shown = cli_seconds() };
    const struct gn_evaluate_options options_of_run = {
        .data = data,
        .limit = flags->limit,
        .batch = flags->batch,
        .threads = flags->threads,
        .algorithm = (gn_algorithm)flags->algorithm,
        .weights = (gn_weights)flags->weights,
        .stop = &cli_stop,
        .evaluation = found->evaluation,
        .tta = (gn_tta)flags->tta,
        .on_batch = show,
        .user = &watch,
        .ranks = flags->ranks,
    };
    const gn_status status = gn_evaluate_with(net, &found->score, &options_of_run);
    if (watch.open)
        fputs("\r\033[K", stderr);
    if (status != GN_OK || gn_evaluation_figures(found->evaluation, &found->figures) != GN_OK)
        return cli_fail_library();
    return 0;
}

/* A fold is divided from all training samples; the limit is of what is held back. */
static bool reads_all(const struct cli_eval_flags *flags)
{
    return flags->place.folds > 0 && flags->split != GN_TEST;
}

/* Opens model and data, evaluates, and leaves the data open for the files. */
static int evaluate_model(const char *word, struct cli_eval_flags *flags,
                          struct cli_evaluated *found)
{
    struct gn_net_info info;
    int code = 0;
    found->model = word;
    found->evaluation = gn_evaluation_create();
    if (!found->evaluation)
        return cli_fail_library();
    gn_net *net = cli_open_model(word, &flags->net, 0, &code);
    if (!net)
        return code;
    if (cli_is_preset(word))
        cli_note("network   %s is a preset: its weights are fresh, not trained", word);
    if (gn_net_describe(net, &info) != GN_OK)
        code = cli_fail_library();
    else
        flags->place.labels = info.labels;
    /* Rank 0 opens the data first, which may have to be fetched. */
    if (cli_ranks_silent(flags->ranks))
        code = cli_ranks_meet(flags->ranks, code);
    if (!code)
        found->set = cli_open_data(flags->data, (gn_split)flags->split, info.classes,
                                   reads_all(flags) ? flags->limit_train : flags->limit,
                                   &flags->place, &code);
    if (!cli_ranks_silent(flags->ranks))
        code = cli_ranks_meet(flags->ranks, code);
    flags->place.labels = NULL; /* the net's */
    if (!code && found->set)
        code = evaluate(net, &info, found->set, flags, found);
    gn_free_net(net);
    return code;
}

static int write_files(const struct cli_eval_flags *flags, const struct cli_evaluated *found)
{
    if (cli_ranks_silent(flags->ranks))
        return 0;
    if (flags->predictions &&
        gn_write_predictions(found->evaluation, found->set, flags->predictions) != GN_OK)
        return cli_fail_library();
    if (flags->report &&
        gn_write_report(found->evaluation, .data = found->set, .folder = flags->report,
                        .model = found->model, .split = cli_split_names[flags->split],
                        .tta = (gn_tta)flags->tta) != GN_OK)
        return cli_fail_library();
    if (flags->predictions)
        cli_note("answers   %s", flags->predictions);
    if (flags->report)
        cli_note("report    %s/index.html", flags->report);
    return 0;
}

/* Whether the flags go together: 0, or the exit code after the fault was named. */
static int check_flags(const struct cli_args *args)
{
    struct cli_eval_flags *flags = args->values;
    if (!flags->data)
        return cli_fail(CLI_USAGE, "eval: --data is missing (a folder or the name of a set)");
    if (args->n_arguments == 2 && (flags->predictions || flags->report || flags->require))
        return cli_fail(CLI_USAGE, "eval: --predictions, --report and --require are for one model");
    if (!cli_requirements_make_sense(flags->require))
        return CLI_USAGE;
    if (flags->fold && !cli_given(args, "split"))
        flags->split = GN_VAL;
    return cli_read_fold(flags->fold, &flags->place);
}

static int run_models(struct cli_args *args)
{
    struct cli_eval_flags *flags = args->values;
    struct cli_evaluated found[2] = { { 0 } };
    int code = 0;
    for (int i = 0; i < args->n_arguments && !code; i++)
        code = evaluate_model(args->arguments[i], flags, &found[i]);
    if (!code && args->n_arguments == 2)
        code = cli_print_pair(flags, found);
    else if (!code)
        code = write_files(flags, found);
    if (!code && args->n_arguments == 1)
        code = cli_print_evaluation(flags, found);
    for (int i = 0; i < 2; i++) {
        gn_evaluation_free(found[i].evaluation);
        gn_close_dataset(found[i].set);
    }
    return code;
}

static int run(struct cli_args *args)
{
    char *made[2] = { NULL, NULL };
    struct cli_eval_flags *flags = args->values;
    cli_catch_interrupts();
    int code = cli_ranks_join(&flags->ranks);
    if (!code)
        code = cli_eval_runs(args, made);
    if (!code)
        code = check_flags(args);
    if (!code)
        code = run_models(args);
    code = cli_ranks_end(&flags->ranks, code);
    free(made[0]);
    free(made[1]);
    return code;
}

const struct cli_command cli_eval = {
    .name = "eval",
    .is_joint = true,
    .usage = "MODEL|RUN [OTHER] --data D [flags]",
    .summary = "measure a model on a data set, or compare two",
    .examples = "  googlenet eval runs/1-googlenet-fashion-mnist/best.safetensors"
                " --data fashion-mnist\n"
                "  googlenet eval model.safetensors --data folder/ --split train --limit 1000"
                " --json\n"
                "  googlenet eval model.safetensors --data folder/ --report report"
                " --require top1=0.93\n"
                "  googlenet eval folds/fold-2    (a run's best weights, on what it held back)\n"
                "  googlenet eval old.safetensors new.safetensors --data folder/\n",
    .argument = "MODEL",
    .min_arguments = 1,
    .max_arguments = 2,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct cli_eval_flags),
    .run = run,
};
