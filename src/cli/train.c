/*
 * googlenet train, the first half: its options, what they must not contradict, and the objects of
 * the run. train_fit.c does the rest.
 */
#include "cli/train.h"

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/ranks.h"
#include "cli/recipes.h"
#include "cli/report.h"
#include "cli/run_folder.h"
#include "cli/signals.h"

#include <stdlib.h>
#include <string.h>

static const struct train defaults = {
    .place = { .val_fraction = 0.1, .has_fraction = true },
    .short_side = TRAIN_NO_SIDE,
    .reads_limited = true,
};

#define AT(member) offsetof(struct train, member)

/* clang-format off */
static const struct gn_option options[] = {
    CLI_HEADING("Recipes"),
    { .name = "recipe", .kind = GN_OPTION_TEXT, .value = "NAME", .traits = GN_OPTION_SAVED,
      .offset = AT(recipe), .help = "a named set of flags; flags that are given override it" },
    { .name = "list-recipes", .kind = GN_OPTION_SWITCH, .offset = AT(list_recipes),
      .help = "list the recipes with their flags and stop" },
    CLI_HEADING("Data"),
    { .name = "data", .kind = GN_OPTION_TEXT, .value = "D", .traits = GN_OPTION_SAVED | GN_OPTION_ANEW,
      .offset = AT(data), .help = "folder (IDX, CIFAR, pictures by class), list.txt, or a known name" },
    CLI_PLACE_ROWS(struct train),
    { .name = "on-bad-image", .kind = GN_OPTION_CHOICE, .value = "WHAT",
      .traits = GN_OPTION_SAVED | GN_OPTION_ANEW,
      .offset = AT(place.on_bad_image), .choice = gn_bad_image_name, .standard = "stop",
      .help = "stop or skip, for sets of picture files" },
    { .name = "scaled-decode", .kind = GN_OPTION_SWITCH, .traits = GN_OPTION_SAVED, .offset = AT(place.scaled_decode),
      .help = "decode JPEGs at 1/2, 1/4 or 1/8 of their size where twice the network's remains:"
              " faster, other pixels" },
    { .name = "val-fraction", .kind = GN_OPTION_REAL, .value = "X", .traits = GN_OPTION_SAVED,
      .offset = AT(place.val_fraction), .low = 0, .high = 1, .standard = "0.1",
      .help = "part for validation, for sets of picture files without test images" },
    { .name = "short-side", .kind = GN_OPTION_INT, .value = "N", .traits = GN_OPTION_SAVED,
      .offset = AT(short_side), .low = 0, .high = 16384, .standard = "the model's",
      .help = "resize the shorter side to N, then cut the middle out; 0: to the input's size" },
    { .name = "normalize", .kind = GN_OPTION_TEXT, .value = "M/S", .traits = GN_OPTION_SAVED,
      .offset = AT(normalize), .standard = "the model's",
      .help = "of value/255: mean and deviation, \"0.5/0.25\", one or one for each of red, green,"
              " blue; imagenet; none" },
    { .name = "fold", .kind = GN_OPTION_TEXT, .value = "K/N", .traits = GN_OPTION_SAVED,
      .offset = AT(fold), .help = "divide the training samples into N folds, validate by number K" },
    CLI_HEADING("Training"),
    { .name = "model", .kind = GN_OPTION_TEXT, .value = "MODEL", .traits = GN_OPTION_SAVED,
      .offset = AT(model), .standard = "googlenet",
      .help = "preset, or a model file to start from its weights" },
    CLI_HEADING("Fine-tuning"),
    CLI_HEADING("Schedule of the learning rate"),
    CLI_HEADING("Run"),
    { .name = "seeds", .kind = GN_OPTION_INT, .value = "N", .offset = AT(seeds), .low = 1, .high = 100,
      .help = "N runs with seeds from --seed on; mean, deviation and interval at the end" },
    { .name = "folds", .kind = GN_OPTION_INT, .value = "N", .offset = AT(folds), .low = 2, .high = 100,
      .help = "N runs, each validated by another N-th of the training samples" },
    { .name = "out", .kind = GN_OPTION_TEXT, .value = "DIR", .offset = AT(fit.out), .traits = CLI_NEW,
      .standard = "runs/<n>-<preset>-<data>", .help = "folder of the run's files" },
    { .name = "overwrite", .kind = GN_OPTION_SWITCH, .offset = AT(fit.overwrite), .traits = CLI_NEW,
      .help = "replace a run that the folder holds" },
    { .name = "resume", .kind = GN_OPTION_TEXT, .value = "DIR", .offset = AT(resume),
      .help = "go on with the run in DIR, with its options" },
    { .name = "or-start", .kind = GN_OPTION_SWITCH, .offset = AT(or_start),
      .help = "with --resume: start the run in DIR where there is none; one line for a batch job" },
    { .name = "processes", .kind = GN_OPTION_INT, .value = "N", .offset = AT(processes), .low = 1,
      .high = 64, .standard = "1", .help = "train with N processes; it changes no bit of a result" },
    { .name = "dry-run", .kind = GN_OPTION_SWITCH, .offset = AT(dry_run),
      .help = "say what would happen and stop" },
    CLI_NET_ROWS(struct train),
    CLI_COMMON_ROWS(struct train),
};
/* clang-format on */

static void hint_anew(const struct cli_table *table)
{
    char list[256] = "";
    for (int i = 0; i < table->n; i++) {
        const size_t used = strlen(list);
        if (table->rows[i].option->traits & GN_OPTION_ANEW)
            snprintf(list + used, sizeof list - used, "%s--%s", used ? ", " : "",
                     table->rows[i].option->name);
    }
    cli_hint("the run keeps its options; only these may be given again: %s", list);
}

/* Options of the first run may not change in the middle of it. */
static int check_resume_flags(const struct cli_args *args)
{
    for (int i = 0; i < args->table.n; i++) {
        const struct gn_option *option = args->table.rows[i].option;
        const bool is_fixed =
            (option->traits & GN_OPTION_SAVED) && !(option->traits & GN_OPTION_ANEW);
        if (!args->given[i] || !(is_fixed || (option->traits & CLI_NEW)))
            continue;
        cli_fail(CLI_USAGE, "--%s cannot be given with --resume", option->name);
        hint_anew(&args->table);
        return CLI_USAGE;
    }
    return 0;
}

/* --resume DIR --or-start, of which a batch job gives all flags at every start: which of both it is. */
static int choose_start(struct cli_args *args)
{
    struct train *given = args->values;
    if (!given->resume || given->fit.out)
        return cli_fail(CLI_USAGE, "--or-start goes with --resume DIR, and without --out");
    if (cli_holds_checkpoint(given->resume))
        return 0;
    given->fit.out = given->resume;
    given->resume = NULL;
    return 0;
}

/* Flags that are given again must be those of the run. */
static int check_same_flags(const struct cli_args *args, const json_t *config)
{
    json_t *now = cli_options_json(args);
    const json_t *then = json_object_get(config, "options");
    int code = 0;
    for (int i = 0; i < args->table.n && !code; i++) {
        const struct gn_option *option = args->table.rows[i].option;
        const bool is_fixed =
            (option->traits & GN_OPTION_SAVED) && !(option->traits & GN_OPTION_ANEW);
        const json_t *was = json_object_get(then, option->name);
        if (args->given[i] && is_fixed &&
            !(was && json_equal(json_object_get(now, option->name), was)))
            code = cli_fail(CLI_USAGE, "--%s is not what the run began with", option->name);
    }
    json_decref(now);
    return code;
}

/* The network of a run: that of its newest checkpoint or, where only the one before it is whole, of
 * that. Which of them the run goes on from, and why, is for the library to say. */
static gn_net *open_resumed(const char *folder)
{
    char *newest = cli_format("%s/checkpoint.safetensors", folder);
    char *previous = cli_format("%s/checkpoint.previous.safetensors", folder);
    gn_net *net = gn_load(newest, .aux = true);
    if (!net)
        net = gn_load(previous, .aux = true);
    if (!net)
        net = gn_load(newest, .aux = true); /* its fault is the one to name */
    else
        gn_clear_error();
    free(newest);
    free(previous);
    return net;
}

static int open_net(struct train_run *run, const json_t *config)
{
    struct train *given = run->given;
    int code = 0;
    run->net = config ? open_resumed(given->resume)
                      : cli_open_model(given->model, &given->net, given->fit.seed, &code);
    if (!run->net)
        return code ? code : cli_fail_library();
    code = train_set_pixels(run->net, given);
    if (code)
        return code;
    if (gn_net_describe(run->net, &run->net_info) != GN_OK)
        return cli_fail_library();
    return 0;
}

static gn_dataset *begin_split(const struct train *given, gn_split split, int classes)
{
    struct cli_place place = given->place;
    place.seed = given->fit.seed;
    const bool trains = split == GN_TRAIN || (split == GN_VAL && place.folds > 0);
    const uint64_t limit = trains ? given->fit.limit_train : given->fit.limit_val;
    return cli_begin_data(given->data, split, classes, given->reads_limited ? limit : 0, &place);
}

static int begin_training_split(struct train_run *run, int classes)
{
    run->train = begin_split(run->given, GN_TRAIN, classes);
    if (!run->train || gn_dataset_describe(run->train, &run->train_info) != GN_OK)
        return cli_fail_library();
    return 0;
}

/* The test images, if they are wanted. Of errors in both splits that of the first is told. */
static int begin_validation_split(struct train_run *run)
{
    const struct train *given = run->given;
    const bool is_undivided = run->train_info.divided && given->place.val_fraction <= 0.0;
    const bool validates = !given->fit.no_validation && !is_undivided;
    if (!validates)
        return 0;
    run->validation = begin_split(given, GN_VAL, run->net_info.classes);
    if (!run->validation) {
        (void)gn_dataset_wait(run->train);
        return cli_fail_library();
    }
    if (gn_dataset_describe(run->validation, &run->validation_info) != GN_OK)
        return cli_fail_library();
    /* Who is to choose the best epoch must not be who says how good it is. */
    if (!run->train_info.has_val || !run->train_info.has_test)
        return 0;
    run->test = begin_split(given, GN_TEST, run->net_info.classes);
    return run->test && gn_dataset_describe(run->test, &run->test_info) == GN_OK
               ? 0
               : cli_fail_library();
}

/* The end of reading, for callers that do not train. */
static int finish_data(const struct train_run *run)
{
    const bool is_good = gn_dataset_wait(run->train) == GN_OK &&
                         (!run->validation || gn_dataset_wait(run->validation) == GN_OK) &&
                         (!run->test || gn_dataset_wait(run->test) == GN_OK);
    return is_good ? 0 : cli_fail_library();
}

/* Pictures of fewer classes than --classes says are numbered by the names that the model knows. */
static int number_by_model(struct train_run *run)
{
    struct train *given = run->given;
    if (run->train_info.labels || !run->net_info.labels || run->train_info.height > 0)
        return 0;
    gn_close_dataset(run->train);
    given->place.labels = run->net_info.labels;
    return begin_training_split(run, run->net_info.classes);
}

static int open_data_then_net(struct train_run *run)
{
    struct train *given = run->given;
    const bool is_preset = !given->model || cli_is_preset(given->model);
    int code = begin_training_split(run, given->net.classes);
    if (code)
        return code;
    if (!given->net.classes)
        given->net.classes = run->train_info.classes;
    given->net.labels = run->train_info.labels;
    if (!given->net.channels && is_preset)
        given->net.channels = run->train_info.channels;
    /* A model file may be damaged, too: of both errors that of the data is told. */
    if (!is_preset && gn_dataset_wait(run->train) != GN_OK)
        return cli_fail_library();
    code = open_net(run, NULL);
    return code ? code : number_by_model(run);
}

/* Channels and classes come from the data: for a preset both, for a model file the classes, which
 * may ask for a new last layer. A resumed run has its own, and a label beyond its classes is an
 * error of the data. Images are still being read at the end of this. */
static int open_net_and_data(struct train_run *run, const json_t *config)
{
    struct train *given = run->given;
    int code = 0;
    if (config) {
        code = open_net(run, config);
        given->place.labels = run->net_info.labels;
        if (!code)
            code = begin_training_split(run, run->net_info.classes);
    } else {
        given->net.new_head = true;
        code = given->model ? cli_check_model(given->model) : 0;
        if (!code)
            code = open_data_then_net(run);
    }
    return code ? code : begin_validation_split(run);
}

static int make_folder(struct train_run *run)
{
    const struct train *given = run->given;
    if (cli_ranks_silent(run->given->fit.ranks)) {
        run->folder = given->resume ? cli_format("%s", given->resume) : NULL;
        return 0;
    }
    if (!given->fit.out && !given->resume)
        return cli_make_run_folder(&run->folder, run->net_info.preset, run->train_info.name,
                                   &run->folders_made);
    run->folder = cli_format("%s", given->resume ? given->resume : given->fit.out);
    return given->resume ? 0 : cli_make_folder(run->folder, &run->folders_made);
}

static int train(struct train_run *run, const json_t *config)
{
    struct train *given = run->given;
    int code =
        cli_ranks_silent(run->given->fit.ranks) ? cli_ranks_meet(run->given->fit.ranks, 0) : 0;
    if (!code)
        code = open_net_and_data(run, config);
    if (!cli_ranks_silent(run->given->fit.ranks) && given->fit.ranks) {
        code = code ? code : finish_data(run);
        code = cli_ranks_meet(run->given->fit.ranks, code);
    }
    if (code)
        return code;
    given->fit.train = run->train;
    given->fit.validation = run->validation;
    given->fit.no_validation = !run->validation;
    train_choose(run);
    if (given->dry_run) {
        code = finish_data(run);
        /* What the run would refuse; the options of one that goes on were those of its beginning. */
        if (!code && !given->resume && gn_fit_memory(run->net, &given->fit) == 0)
            code = cli_fail_library();
        char *folder = given->fit.out || given->resume
                           ? cli_format("%s", given->fit.out ? given->fit.out : given->resume)
                           : cli_next_run_folder(run->net_info.preset, run->train_info.name);
        if (!code)
            train_announce(run, folder);
        if (!code && given->common.json)
            train_print_plan(run, folder);
        free(folder);
    } else {
        code = make_folder(run);
        if (!code)
            code = train_fit(run);
        /* A run that never began leaves no empty folder. */
        if (code && run->folder && !cli_ranks_silent(run->given->fit.ranks))
            cli_unmake_folder(run->folder, run->folders_made);
    }
    return code;
}

/* Reads what is to be done, the configuration of a run to go on with among it. */
static int prepare(struct cli_args *args, json_t **config)
{
    struct train *given = args->values;
    int code = 0;
    if (given->recipe && !given->resume)
        code = recipe_apply(args, given->recipe);
    if (!code && given->recipe && given->fit.whiten && !cli_given(args, "whiten") && given->model &&
        !cli_is_preset(given->model)) {
        given->fit.whiten = false;
        cli_note("whiten    left out of the recipe: %s brings its own first filters", given->model);
    }
    given->net.aux = true;
    if (!code && given->or_start)
        code = choose_start(args);
    if (code)
        return code;
    if (given->resume) {
        code = given->or_start ? 0 : check_resume_flags(args);
        if (!code)
            code = cli_check_old_run(given->resume);
        if (!code) {
            *config = cli_load_config(given->resume, &code);
            if (*config)
                code = given->or_start ? check_same_flags(args, *config) : 0;
            if (*config && !code)
                code = cli_restore_options(args, given->resume, *config);
            given->reads_limited = *config && cli_reads_limited(*config);
        }
    } else if (given->fit.out && !cli_ranks_silent(given->fit.ranks)) {
        code = cli_check_new_run(given->fit.out, given->fit.overwrite);
    }
    if (!code && !given->data)
        code = cli_fail(CLI_USAGE, "train: --data is missing (a folder or the name of a set)");
    if (!code)
        code = train_read_weights(args);
    return code ? code : cli_read_fold(given->fold, &given->place);
}

/* The processes of a launcher, or those of --processes, are one run. */
static int join(const struct cli_args *args)
{
    struct train *given = args->values;
    if (!cli_given(args, "processes"))
        return given->dry_run ? 0 : cli_ranks_join(&given->fit.ranks);
    cli_ranks_part();
    return 0;
}

static int run(struct cli_args *args)
{
    struct train_run state = { .args = args, .given = args->values };
    struct train *given = state.given;
    json_t *config = NULL;
    cli_catch_interrupts();
    if (train_is_sweep(args))
        return train_sweep(args);
    if (given->list_recipes) {
        recipe_list(given->common.json);
        return CLI_DONE;
    }
    int code = join(args);
    if (!code)
        code = prepare(args, &config);
    state.free_epochs = given->fit.epochs == 0;
    state.free_batch = given->fit.batch == 0;
    state.free_momentum = !(given->fit.bn_momentum > 0) && !given->resume;
    if (!code && gn_fit_defaults(&given->fit) != GN_OK)
        code = cli_fail_library();
    if (!code && !given->dry_run)
        code = cli_ranks_fork(&given->fit.ranks, given->processes);
    if (!code)
        code = train(&state, config);
    code = cli_ranks_end(&given->fit.ranks, code);
    gn_close_dataset(state.train);
    gn_close_dataset(state.validation);
    gn_close_dataset(state.test);
    gn_free_net(state.net);
    free(state.folder);
    json_decref(config);
    return code;
}

const struct cli_command cli_train = {
    .name = "train",
    .is_joint = true,
    .usage = "--data D [flags]",
    .summary = "train a network on a data set",
    .examples = "  googlenet train --data fashion-mnist\n"
                "  googlenet train --recipe fashion-mnist-fast --max-time 15m\n"
                "  googlenet train --data fashion-mnist --epochs 1 --limit-train 6000 --out quick\n"
                "  googlenet train --data folder/ --model model.safetensors --lr 0.01"
                " --freeze b1,b2\n"
                "  googlenet train --data folder/ --seeds 5 --class-weights balanced --out five\n"
                "  googlenet train --resume runs/1-googlenet-fashion-mnist --epochs 10\n",
    .argument = "nothing",
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .fit = offsetof(struct train, fit),
    .defaults = &defaults,
    .values_size = sizeof(struct train),
    .run = run,
};
