/*
 * googlenet train, the first half: its options, what they must not contradict, and the objects of
 * the run. train_fit.c does the rest.
 */
#define _XOPEN_SOURCE 700 /* realpath */

#include "cli/train.h"

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/recipes.h"
#include "cli/report.h"
#include "cli/run_folder.h"
#include "cli/signals.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const train_schedule_names[] = { "constant", "step",      "polynomial",
                                             "cosine",   "one-cycle", NULL };

static const struct train defaults = {
    .epochs = 5,
    .batch = 128,
    .limit_train = TRAIN_NO_LIMIT,
    .limit_val = TRAIN_NO_LIMIT,
    .lr = TRAIN_NO_REAL,
    .weight_decay = TRAIN_NO_REAL,
    .adam_eps = 1e-7,
    .val_fraction = 0.1,
    .step_epochs = 10,
    .step_factor = 0.1,
    .power = 1.0,
    .rise = 0.2,
    .accumulate = 1,
    .short_side = TRAIN_NO_SIDE,
};

#define AT(member) offsetof(struct train, member)

/* clang-format off */
static const struct cli_option options[] = {
    CLI_HEADING("Recipes"),
    { .name = "recipe", .kind = CLI_TEXT, .value = "NAME", .traits = CLI_SAVED,
      .offset = AT(recipe), .help = "a set of flags under one name; flags given beside it win" },
    { .name = "list-recipes", .kind = CLI_FLAG, .offset = AT(list_recipes),
      .help = "list the recipes with their flags and stop" },
    CLI_HEADING("Data"),
    { .name = "data", .kind = CLI_TEXT, .value = "D", .traits = CLI_SAVED | CLI_ANEW,
      .offset = AT(data), .help = "folder (IDX, CIFAR, pictures by class), list.txt, or a known name" },
    CLI_PLACE_ROWS(struct train),
    { .name = "limit-train", .kind = CLI_COUNT, .value = "N", .traits = CLI_SAVED,
      .offset = AT(limit_train), .low = 1, .high = CLI_LARGEST_COUNT, .standard = "all",
      .help = "only the first N training samples" },
    { .name = "limit-val", .kind = CLI_COUNT, .value = "N", .traits = CLI_SAVED,
      .offset = AT(limit_val), .low = 0, .high = CLI_LARGEST_COUNT, .standard = "all",
      .help = "only the first N test samples; 0: no validation" },
    { .name = "shuffle", .kind = CLI_SHUFFLE, .value = "S", .traits = CLI_SAVED,
      .offset = AT(shuffle), .standard = "full",
      .help = "full, none, or window:N as tf.data (the notebook: window:1000)" },
    { .name = "on-bad-image", .kind = CLI_CHOICE, .value = "WHAT", .traits = CLI_SAVED,
      .offset = AT(on_bad_image), .choices = cli_bad_image_names, .standard = "stop",
      .help = "stop or skip, for sets of picture files" },
    { .name = "scaled-decode", .kind = CLI_FLAG, .traits = CLI_SAVED, .offset = AT(scaled_decode),
      .help = "decode JPEGs at 1/2, 1/4 or 1/8 of their size where twice the network's remains:"
              " faster, other pixels" },
    { .name = "val-fraction", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED,
      .offset = AT(val_fraction), .low = 0, .high = 1, .standard = "0.1",
      .help = "part for validation, for sets of picture files without test images" },
    { .name = "augment", .kind = CLI_TEXT, .value = "LIST", .traits = CLI_SAVED,
      .offset = AT(augment), .standard = "none",
      .help = "of mirror, shift:N, crop, rotate:DEG, brightness:X, contrast:X, saturation:X, erase:P,"
              " mixup:A, cutmix:A, trivial-augment" },
    { .name = "short-side", .kind = CLI_INT, .value = "N", .traits = CLI_SAVED,
      .offset = AT(short_side), .low = 0, .high = 16384, .standard = "the model's",
      .help = "resize the shorter side to N, then cut the middle out; 0: to the input's size" },
    { .name = "normalize", .kind = CLI_TEXT, .value = "M/S", .traits = CLI_SAVED,
      .offset = AT(normalize), .standard = "the model's",
      .help = "of value/255: mean and deviation, \"0.5/0.25\", one or one for each of red, green,"
              " blue; imagenet; none" },
    CLI_HEADING("Training"),
    { .name = "model", .kind = CLI_TEXT, .value = "MODEL", .traits = CLI_SAVED,
      .offset = AT(model), .standard = "googlenet",
      .help = "preset, or a model file to start from its weights" },
    { .name = "epochs", .kind = CLI_INT, .value = "N", .traits = CLI_SAVED | CLI_ANEW,
      .offset = AT(epochs), .low = 1, .high = CLI_LARGEST_INT, .standard = "5",
      .help = "passes over the training samples" },
    { .name = "batch", .kind = CLI_INT, .value = "N", .traits = CLI_SAVED, .offset = AT(batch),
      .low = 1, .high = CLI_LARGEST_INT, .standard = "128", .help = "samples of a step" },
    { .name = "lr", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED, .offset = AT(lr),
      .low = 0, .high = CLI_LARGEST_FLOAT, .standard = "0.05, adamw 0.001",
      .help = "learning rate" },
    { .name = "optimizer", .kind = CLI_CHOICE, .value = "NAME", .traits = CLI_SAVED,
      .offset = AT(optimizer), .choices = cli_optimizer_names, .standard = "sgd",
      .help = "sgd or adamw" },
    CLI_ALGORITHM_ROW(struct train),
    { .name = "momentum", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED,
      .offset = AT(momentum), .low = 0, .high = 1, .standard = "0", .help = "of sgd" },
    { .name = "nesterov", .kind = CLI_FLAG, .traits = CLI_SAVED, .offset = AT(nesterov),
      .help = "Nesterov's form of the momentum" },
    { .name = "weight-decay", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED,
      .offset = AT(weight_decay), .low = 0, .high = CLI_LARGEST_FLOAT,
      .standard = "0, adamw 0.004", .help = "w -= lr*X*w before the update" },
    { .name = "decay-all", .kind = CLI_FLAG, .traits = CLI_SAVED, .offset = AT(decay_all),
      .help = "decay biases too, not only kernels" },
    { .name = "no-decay", .kind = CLI_LIST, .value = "PATTERN", .traits = CLI_SAVED,
      .offset = AT(no_decay), .help = "tensors that do not decay, such as dense or *.p1_1.weight" },
    { .name = "adam-eps", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED,
      .offset = AT(adam_eps), .low = 1e-30, .high = CLI_LARGEST_FLOAT, .standard = "1e-7",
      .help = "epsilon of adamw" },
    { .name = "clip-norm", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED,
      .offset = AT(clip_norm), .low = 0, .high = CLI_LARGEST_FLOAT, .standard = "0: any length",
      .help = "shortens the gradient of all tensors together to length X" },
    { .name = "accumulate", .kind = CLI_INT, .value = "N", .traits = CLI_SAVED,
      .offset = AT(accumulate), .low = 1, .high = 65536, .standard = "1",
      .help = "a step has the mean gradient of N batches" },
    { .name = "label-smoothing", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED,
      .offset = AT(label_smoothing), .low = 0, .high = 0.999999, .standard = "0",
      .help = "part of the target that all classes share, in the training loss" },
    { .name = "ema", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED, .offset = AT(ema),
      .low = 0, .high = 0.9999999, .standard = "0: none",
      .help = "keep an average of the weights that decays by X a step; validated, too" },
    { .name = "seed", .kind = CLI_SEED, .value = "N", .traits = CLI_SAVED, .offset = AT(seed),
      .standard = "0", .help = "of the weights and of the order of samples" },
    { .name = "max-steps", .kind = CLI_COUNT, .value = "N", .traits = CLI_SAVED | CLI_ANEW,
      .offset = AT(max_steps), .low = 1, .high = CLI_LARGEST_COUNT, .standard = "no limit",
      .help = "end after N steps, counted from the beginning of the run" },
    { .name = "max-time", .kind = CLI_DURATION, .value = "T", .traits = CLI_SAVED | CLI_ANEW,
      .offset = AT(max_time), .low = 1, .high = 1e9, .standard = "no limit",
      .help = "end behind the step in which so much time is over: 90s, 15m, 1.5h" },
    { .name = "early-stop", .kind = CLI_INT, .value = "N", .traits = CLI_SAVED,
      .offset = AT(early_stop), .low = 1, .high = CLI_LARGEST_INT, .standard = "never",
      .help = "end after N epochs without a new best" },
    CLI_THREADS_ROW(struct train),
    CLI_HEADING("Fine-tuning (a pattern names tensors: dense, b1.*, *.bias)"),
    { .name = "freeze", .kind = CLI_LIST, .value = "PATTERN", .traits = CLI_SAVED,
      .offset = AT(freeze), .help = "tensors that keep their values; a batch norm's statistics, too" },
    { .name = "lr-scale", .kind = CLI_LIST, .value = "PATTERN=X", .traits = CLI_SAVED,
      .offset = AT(lr_scale), .help = "a factor of the learning rate for some tensors" },
    CLI_HEADING("Schedule of the learning rate"),
    { .name = "schedule", .kind = CLI_CHOICE, .value = "NAME", .traits = CLI_SAVED,
      .offset = AT(schedule), .choices = train_schedule_names, .standard = "constant",
      .help = "constant, step, polynomial, cosine or one-cycle" },
    { .name = "lr-min", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED, .offset = AT(lr_min),
      .low = 0, .high = CLI_LARGEST_FLOAT, .standard = "0",
      .help = "polynomial, cosine, one-cycle: the rate at the end" },
    { .name = "step-epochs", .kind = CLI_INT, .value = "N", .traits = CLI_SAVED,
      .offset = AT(step_epochs), .low = 1, .high = CLI_LARGEST_INT, .standard = "10",
      .help = "step: the rate changes every N epochs" },
    { .name = "step-factor", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED,
      .offset = AT(step_factor), .low = 1e-6, .high = 1e6, .standard = "0.1",
      .help = "step: by this factor" },
    { .name = "power", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED, .offset = AT(power),
      .low = 1e-3, .high = 1e3, .standard = "1", .help = "polynomial: its exponent" },
    { .name = "rise", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED, .offset = AT(rise),
      .low = 1e-6, .high = 0.999999, .standard = "0.2",
      .help = "one-cycle: part of the run in which the rate rises" },
    { .name = "warmup-steps", .kind = CLI_COUNT, .value = "N", .traits = CLI_SAVED,
      .offset = AT(warmup_steps), .low = 0, .high = CLI_LARGEST_COUNT, .standard = "0",
      .help = "before the schedule the rate rises in a line over N steps" },
    { .name = "warmup-epochs", .kind = CLI_REAL, .value = "X", .traits = CLI_SAVED,
      .offset = AT(warmup_epochs), .low = 0, .high = 1e6, .standard = "0",
      .help = "the same over X epochs" },
    { .name = "plateau", .kind = CLI_PLATEAU, .value = "F:N", .traits = CLI_SAVED,
      .offset = AT(plateau), .standard = "never",
      .help = "the rate times F when val_loss has not fallen for N epochs" },
    CLI_HEADING("Run"),
    { .name = "out", .kind = CLI_TEXT, .value = "DIR", .offset = AT(out),
      .standard = "runs/<n>-<preset>-<data>", .help = "folder of the run's files" },
    { .name = "overwrite", .kind = CLI_FLAG, .offset = AT(overwrite),
      .help = "replace a run that the folder holds" },
    { .name = "resume", .kind = CLI_TEXT, .value = "DIR", .offset = AT(resume),
      .help = "go on with the run in DIR, with its options" },
    { .name = "log-steps", .kind = CLI_COUNT, .value = "N", .traits = CLI_SAVED,
      .offset = AT(log_steps), .low = 0, .high = CLI_LARGEST_COUNT, .standard = "0: none",
      .help = "a record in history.jsonl every N steps" },
    { .name = "checkpoint-steps", .kind = CLI_COUNT, .value = "N", .traits = CLI_SAVED,
      .offset = AT(checkpoint_steps), .low = 0, .high = CLI_LARGEST_COUNT,
      .standard = "0: each epoch", .help = "a checkpoint every N steps, too" },
    { .name = "dry-run", .kind = CLI_FLAG, .offset = AT(dry_run),
      .help = "say what would happen and stop" },
    CLI_NET_ROWS(struct train),
    CLI_COMMON_ROWS(struct train),
};
/* clang-format on */

/* Options of the first run may not change in the middle of it. */
static int check_resume_flags(const struct cli_args *args)
{
    for (int i = 0; i < args->command->n_options; i++) {
        const struct cli_option *option = &args->command->options[i];
        const bool is_fixed = (option->traits & CLI_SAVED) && !(option->traits & CLI_ANEW);
        const bool is_folder =
            strcmp(option->name, "out") == 0 || strcmp(option->name, "overwrite") == 0;
        if (!args->given[i] || !(is_fixed || is_folder))
            continue;
        const int code = cli_fail(CLI_USAGE, "--%s cannot be given with --resume", option->name);
        cli_hint(
            "the run keeps its options; only --epochs, --max-steps, --max-time, --threads, --data "
            "and --data-dir may be given anew");
        return code;
    }
    return 0;
}

/* What the table cannot say about single values; also fills in defaults that depend on others. */
static int check_options(struct train *given)
{
    const bool is_adamw = given->optimizer == GN_ADAMW;
    if (!given->data)
        return cli_fail(CLI_USAGE, "train: --data is missing (a folder or the name of a set)");
    if (is_adamw && (given->momentum > 0.0 || given->nesterov))
        return cli_fail(CLI_USAGE, "--momentum and --nesterov belong to --optimizer sgd, "
                                   "adamw was given");
    if (given->nesterov && given->momentum <= 0.0)
        return cli_fail(CLI_USAGE, "--nesterov needs a --momentum above 0");
    if (given->augment && gn_check_augment(given->augment) != GN_OK)
        return cli_fail_library();
    if (given->momentum >= 1.0)
        return cli_fail(CLI_USAGE, "--momentum: %g is out of range (0 to below 1)",
                        given->momentum);
    if (given->warmup_steps > 0 && given->warmup_epochs > 0.0)
        return cli_fail(CLI_USAGE, "--warmup-steps and --warmup-epochs exclude each other");
    if (given->schedule == GN_SCHEDULE_ONE_CYCLE &&
        (given->warmup_steps > 0 || given->warmup_epochs > 0.0))
        return cli_fail(CLI_USAGE, "--schedule one-cycle has its own warm-up: give --rise instead");
    if (given->limit_val == 0 && (given->early_stop > 0 || given->plateau.patience > 0))
        return cli_fail(CLI_USAGE, "--%s needs validation, --limit-val 0 was given",
                        given->early_stop > 0 ? "early-stop" : "plateau");
    if (given->lr < 0.0)
        given->lr = is_adamw ? 0.001 : 0.05;
    if (given->weight_decay < 0.0)
        given->weight_decay = is_adamw ? 0.004 : 0.0;
    return 0;
}

static bool can_be_loaded(const char *path)
{
    gn_net *net = gn_load(path, .aux = true);
    gn_free_net(net);
    gn_clear_error();
    return net != NULL;
}

/* The checkpoint that describes the network of a run: the newest, unless only the one before it is
 * whole. Which of them the run goes on from, and why, is for the library to say. */
static char *describing_checkpoint(const char *folder)
{
    char *newest = cli_format("%s/checkpoint.safetensors", folder);
    char *previous = cli_format("%s/checkpoint.previous.safetensors", folder);
    const bool falls_back = !can_be_loaded(newest) && can_be_loaded(previous);
    free(falls_back ? newest : previous);
    return falls_back ? previous : newest;
}

static int open_net(struct train_run *run, const json_t *config)
{
    struct train *given = run->given;
    int code = 0;
    /* A resumed network is built from its saved shape; the checkpoint brings the weights, and the
     * description of a network that came from a text file. */
    char *described = NULL;
    if (config && given->net.preset && cli_is_net_file(given->net.preset)) {
        described = describing_checkpoint(given->resume);
        given->net.preset = NULL;
    }
    run->net = cli_open_model(config ? described : given->model, &given->net, given->seed, &code);
    free(described);
    if (!run->net)
        return code;
    code = train_set_pixels(run->net, given);
    if (code)
        return code;
    if (config && cli_restore_labels(run->net, config) != GN_OK)
        return cli_fail_library();
    if (gn_net_describe(run->net, &run->net_info) != GN_OK)
        return cli_fail_library();
    return 0;
}

static gn_dataset *begin_split(const struct train *given, gn_split split, int classes)
{
    struct cli_place place = given->place;
    place.val_fraction = given->val_fraction;
    place.has_fraction = true;
    place.seed = given->seed;
    place.on_bad_image = given->on_bad_image;
    place.scaled_decode = given->scaled_decode;
    return cli_begin_data(given->data, split, classes, 0, &place);
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
    const bool is_undivided = run->train_info.divided && given->val_fraction <= 0.0;
    const bool validates = given->limit_val != 0 && !is_undivided;
    if (!validates)
        return 0;
    run->validation = begin_split(given, GN_TEST, run->net_info.classes);
    if (!run->validation) {
        (void)gn_dataset_wait(run->train);
        return cli_fail_library();
    }
    return gn_dataset_describe(run->validation, &run->validation_info) == GN_OK
               ? 0
               : cli_fail_library();
}

/* The end of reading, for who does not train. */
static int finish_data(const struct train_run *run)
{
    const bool is_good = gn_dataset_wait(run->train) == GN_OK &&
                         (!run->validation || gn_dataset_wait(run->validation) == GN_OK);
    return is_good ? 0 : cli_fail_library();
}

/* Channels and classes come from the data: for a preset both, for a model file the classes, which
 * may ask for a new last layer. A resumed run has its own, and a label beyond its classes is an
 * error of the data. Images are still being read at the end of this. */
static int open_net_and_data(struct train_run *run, const json_t *config)
{
    struct train *given = run->given;
    const bool is_preset = !given->model || cli_is_preset(given->model);
    int code = 0;
    if (config) {
        code = open_net(run, config);
        if (!code)
            code = begin_training_split(run, run->net_info.classes);
    } else {
        code = given->model ? cli_check_model(given->model) : 0;
        if (!code)
            code = begin_training_split(run, given->net.classes);
        if (code)
            return code;
        if (!given->net.classes)
            given->net.classes = run->train_info.classes;
        if (!given->net.channels && is_preset)
            given->net.channels = run->train_info.channels;
        given->net.new_head = true;
        /* Pictures are large: without antialiasing most of their pixels would be ignored. */
        if (is_preset && !given->net.resize && run->train_info.height == 0)
            given->net.resize = GN_RESIZE_PIL_BILINEAR;
        /* A model file may be damaged, too: of both errors that of the data is told. */
        if (!is_preset && gn_dataset_wait(run->train) != GN_OK)
            return cli_fail_library();
        code = open_net(run, config);
    }
    return code ? code : begin_validation_split(run);
}

/* What config.json shall hold: the network as it is, and paths that mean the same from elsewhere.
 * The texts live until free_run. */
static void settle_options(struct train_run *run, char **data_path)
{
    struct train *given = run->given;
    struct stat status;
    given->net = (struct cli_net){
        .preset = run->net_info.preset,
        .size = run->net_info.size_h,
        .channels = run->net_info.channels,
        .classes = run->net_info.classes,
        .resize = (int)(run->net_info.resize ? run->net_info.resize : GN_RESIZE_TF1_LEGACY),
        .aux = true,
    };
    if (stat(given->data, &status) == 0)
        *data_path = realpath(given->data, NULL);
    if (*data_path)
        given->data = *data_path;
}

static int make_folder(struct train_run *run)
{
    const struct train *given = run->given;
    if (!given->out && !given->resume)
        return cli_make_run_folder(&run->folder, run->net_info.preset, run->train_info.name,
                                   &run->folders_made);
    run->folder = cli_format("%s", given->resume ? given->resume : given->out);
    return given->resume ? 0 : cli_make_folder(run->folder, &run->folders_made);
}

static int train(struct train_run *run, const json_t *config)
{
    const struct train *given = run->given;
    char *data_path = NULL;
    int code = open_net_and_data(run, config);
    if (code)
        return code;
    settle_options(run, &data_path);
    if (given->dry_run) {
        code = finish_data(run);
        char *folder = given->out || given->resume
                           ? cli_format("%s", given->out ? given->out : given->resume)
                           : cli_next_run_folder(run->net_info.preset, run->train_info.name);
        if (!code)
            train_announce(run, folder);
        free(folder);
    } else {
        code = make_folder(run);
        if (!code)
            code = train_fit(run);
        /* A run that never began leaves no empty folder behind. */
        if (code && run->folder)
            cli_unmake_folder(run->folder, run->folders_made);
    }
    free(data_path);
    return code;
}

static int run(struct cli_args *args)
{
    struct train_run state = { .args = args, .given = args->values };
    struct train *given = state.given;
    json_t *config = NULL;
    int code = 0;
    cli_catch_interrupts();
    if (given->list_recipes) {
        recipe_list(given->common.json);
        return CLI_DONE;
    }
    if (given->recipe && !given->resume) {
        code = recipe_apply(args, given->recipe);
        if (code)
            return code;
    }
    given->net.aux = true;
    if (given->resume) {
        code = check_resume_flags(args);
        if (!code)
            code = cli_check_old_run(given->resume);
        if (!code) {
            config = cli_load_config(given->resume);
            code = config ? cli_restore_options(args, given->resume, config) : CLI_DATA;
        }
    } else if (given->out) {
        code = cli_check_new_run(given->out, given->overwrite);
    }
    if (!code)
        code = check_options(given);
    if (!code)
        code = train(&state, config);
    gn_close_dataset(state.train);
    gn_close_dataset(state.validation);
    gn_free_net(state.net);
    free(state.folder);
    json_decref(config);
    return code;
}

const struct cli_command cli_train = {
    .name = "train",
    .usage = "--data D [flags]",
    .summary = "train a network on a data set",
    .examples = "  googlenet train --data fashion-mnist\n"
                "  googlenet train --recipe fashion-mnist-fast --max-time 15m\n"
                "  googlenet train --data fashion-mnist --epochs 1 --limit-train 6000 --out quick\n"
                "  googlenet train --data folder/ --model model.safetensors --lr 0.01"
                " --freeze b1,b2\n"
                "  googlenet train --resume runs/1-googlenet-fashion-mnist --epochs 10\n",
    .argument = "nothing",
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct train),
    .run = run,
};
