/*
 * googlenet eval: loss and accuracy of a model over a split of a data set.
 */
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/shared.h"
#include "cli/signals.h"

#include <math.h>
#include <string.h>

struct eval {
    struct cli_common common;
    struct cli_net net;
    struct cli_place place;
    const char *data;
    int split; /* gn_split */
    uint64_t limit;
    int batch, threads, algorithm;
};

static const struct eval defaults = { .split = GN_TEST,
                                      .place = { .val_fraction = 0.1, .has_fraction = true } };

static const struct gn_option options[] = {
    CLI_HEADING("Data"),
    { .name = "data",
      .kind = GN_OPTION_TEXT,
      .value = "D",
      .offset = offsetof(struct eval, data),
      .help = "folder (IDX, CIFAR or pictures by class), list (.txt), or a known set's name" },
    { .name = "split",
      .kind = GN_OPTION_CHOICE,
      .value = "S",
      .offset = offsetof(struct eval, split),
      .choice = cli_split_name,
      .standard = "test",
      .help = "train or test" },
    { .name = "limit",
      .kind = GN_OPTION_COUNT,
      .value = "N",
      .offset = offsetof(struct eval, limit),
      .low = 1,
      .high = CLI_LARGEST_COUNT,
      .standard = "all",
      .help = "only the first N samples" },
    CLI_PLACE_ROWS(struct eval),
    { .name = "val-fraction",
      .kind = GN_OPTION_REAL,
      .value = "X",
      .offset = offsetof(struct eval, place.val_fraction),
      .low = 0,
      .high = 1,
      .standard = "0.1",
      .help = "part for testing, of pictures without test pictures; 1: all" },
    { .name = "seed",
      .kind = GN_OPTION_SEED,
      .value = "N",
      .offset = offsetof(struct eval, place.seed),
      .standard = "0",
      .help = "of the choice of that part: the training's" },
    { .name = "on-bad-image",
      .kind = GN_OPTION_CHOICE,
      .value = "WHAT",
      .offset = offsetof(struct eval, place.on_bad_image),
      .choice = gn_bad_image_name,
      .standard = "stop",
      .help = "stop or skip, for pictures that cannot be read" },
    { .name = "scaled-decode",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct eval, place.scaled_decode),
      .help = "decode large JPEGs at a part of their size: as in the training" },
    CLI_HEADING("Computation"),
    { .name = "batch",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct eval, batch),
      .low = 1,
      .high = CLI_LARGEST_INT,
      .standard = "128",
      .help = "samples computed at once" },
    CLI_ALGORITHM_ROW(struct eval),
    CLI_THREADS_ROW(struct eval),
    CLI_NET_ROWS(struct eval),
    CLI_COMMON_ROWS(struct eval),
};

static void print_score(const struct gn_score *score, const struct gn_dataset_info *data,
                        const struct eval *given)
{
    double low = 0.0, high = 1.0;
    cli_interval(score->correct, score->samples, &low, &high);
    const double rate = score->seconds > 0.0 ? (double)score->samples / score->seconds : 0.0;
    if (!given->common.json) {
        printf("samples   %llu (%s, %s)\n", (unsigned long long)score->samples, data->name,
               cli_split_names[given->split]);
        if (isfinite(score->loss))
            printf("loss      %.4f\n", score->loss);
        else
            printf("loss      not finite\n");
        printf("accuracy  %.4f (%llu correct; 95%% interval %.4f to %.4f)\n", score->accuracy,
               (unsigned long long)score->correct, low, high);
        printf("time      %.2f s, %.0f images/s\n", score->seconds, rate);
        return;
    }
    json_t *root = json_object();
    json_object_set_new(root, "samples", json_integer((json_int_t)score->samples));
    json_object_set_new(root, "loss", cli_json_real(score->loss));
    json_object_set_new(root, "accuracy", cli_json_real(score->accuracy));
    json_object_set_new(root, "correct", json_integer((json_int_t)score->correct));
    json_object_set_new(root, "accuracy_low", cli_json_rounded(low, 6));
    json_object_set_new(root, "accuracy_high", cli_json_rounded(high, 6));
    json_object_set_new(root, "data", cli_json_text(data->name));
    json_object_set_new(root, "split", cli_json_text(cli_split_names[given->split]));
    json_object_set_new(root, "seconds", cli_json_rounded(score->seconds, 4));
    json_object_set_new(root, "images_per_second", cli_json_rounded(rate, 1));
    cli_print_json(root);
}

static int evaluate(gn_net *net, const struct gn_net_info *of, gn_dataset *data,
                    const struct eval *given)
{
    struct gn_score score;
    struct gn_dataset_info info;
    char what[64];
    if (gn_dataset_describe(data, &info) != GN_OK)
        return cli_fail_library();
    cli_note("data      %s, %llu %s %s, from %s", info.name, (unsigned long long)info.samples,
             cli_split_names[given->split], cli_what_images(what, &info), info.path);
    if (of->labels && !info.labels)
        cli_warn("%s does not name its classes: they are those of the model by their numbers",
                 info.name);
    if (!of->labels && info.labels)
        cli_warn("the model does not name its classes: those of %s are numbered in the order of "
                 "their names",
                 info.name);
    /* The first samples of a set, which a limit takes, may well be of some classes only. */
    if (!given->limit)
        cli_warn_classes(data, 0, of->labels, cli_split_names[given->split]);
    cli_note_machine(given->threads);
    cli_stop_gently();
    const struct gn_evaluate_options options_of_run = {
        .data = data,
        .limit = given->limit,
        .batch = given->batch,
        .threads = given->threads,
        .algorithm = (gn_algorithm)given->algorithm,
        .stop = &cli_stop,
    };
    if (gn_evaluate_with(net, &score, &options_of_run) != GN_OK)
        return cli_fail_library();
    print_score(&score, &info, given);
    return CLI_DONE;
}

static int run(struct cli_args *args)
{
    struct eval *given = args->values;
    struct gn_net_info info;
    int code = 0;
    cli_catch_interrupts();
    if (!given->data)
        return cli_fail(CLI_USAGE, "eval: --data is missing (a folder or the name of a set)");
    gn_net *net = cli_open_model(args->arguments[0], &given->net, 0, &code);
    if (!net)
        return code;
    if (cli_is_preset(args->arguments[0]))
        cli_note("network   %s is a preset: its weights are fresh, not trained",
                 args->arguments[0]);
    gn_dataset *data = NULL;
    if (gn_net_describe(net, &info) != GN_OK)
        code = cli_fail_library();
    else
        given->place.labels = info.labels;
    if (!code)
        data = cli_open_data(given->data, (gn_split)given->split, info.classes, given->limit,
                             &given->place, &code);
    if (data)
        code = evaluate(net, &info, data, given);
    gn_close_dataset(data);
    gn_free_net(net);
    return code;
}

const struct cli_command cli_eval = {
    .name = "eval",
    .usage = "MODEL --data D [flags]",
    .summary = "measure loss and accuracy of a model on a data set",
    .examples = "  googlenet eval runs/1-googlenet-fashion-mnist/best.safetensors"
                " --data fashion-mnist\n"
                "  googlenet eval model.safetensors --data folder/ --split train --limit 1000"
                " --json\n",
    .argument = "MODEL",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct eval),
    .run = run,
};
