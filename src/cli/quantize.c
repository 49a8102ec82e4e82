/*
 * googlenet quantize: a trained model as one that computes in 8 bits, unless it answers too much worse.
 */
#include "base/path.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/shared.h"
#include "cli/signals.h"

#include <string.h>

struct quantize {
    struct cli_common common;
    struct cli_net net;
    struct cli_place place;
    const char *data;
    int split; /* gn_split: what is measured on */
    uint64_t limit, images, seed;
    double max_drop;
    int batch, threads;
};

static const struct quantize defaults = {
    .split = GN_TEST,
    .images = 512,
    .max_drop = 1,
    .place = { .val_fraction = 0.1, .has_fraction = true },
};

/* clang-format off */
static const struct gn_option options[] = {
    CLI_HEADING("Data"),
    { .name = "data", .kind = GN_OPTION_TEXT, .value = "D", .offset = offsetof(struct quantize, data),
      .help = "folder (IDX, CIFAR or pictures by class), list (.txt), or a known set's name" },
    { .name = "images", .kind = GN_OPTION_COUNT, .value = "N", .offset = offsetof(struct quantize, images),
      .low = 1, .high = CLI_LARGEST_COUNT, .standard = "512",
      .help = "training samples from which the ranges of values are taken" },
    { .name = "seed", .kind = GN_OPTION_SEED, .value = "N", .offset = offsetof(struct quantize, seed),
      .standard = "0", .help = "of the choice of these" },
    { .name = "split", .kind = GN_OPTION_CHOICE, .value = "S", .offset = offsetof(struct quantize, split),
      .choice = cli_split_name, .standard = "test", .help = "what both are measured on: train, val or test" },
    { .name = "limit", .kind = GN_OPTION_COUNT, .value = "N", .offset = offsetof(struct quantize, limit),
      .low = 1, .high = CLI_LARGEST_COUNT, .standard = "all", .help = "only its first N samples" },
    CLI_PLACE_ROWS(struct quantize),
    CLI_HEADING("Result"),
    { .name = "max-drop", .kind = GN_OPTION_REAL, .value = "POINTS", .offset = offsetof(struct quantize, max_drop),
      .low = 0, .high = 100, .standard = "1",
      .help = "write nothing (1) if more percentage points of accuracy are lost" },
    CLI_HEADING("Computation"),
    { .name = "batch", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(struct quantize, batch),
      .low = 1, .high = CLI_LARGEST_INT, .standard = "128", .help = "samples computed at once" },
    CLI_THREADS_ROW(struct quantize),
    CLI_NET_ROWS(struct quantize),
    CLI_COMMON_ROWS(struct quantize),
};
/* clang-format on */

/* Both networks on the same samples. */
struct measured {
    struct gn_score before, after;
    struct gn_quantize_info info;
};

static double drop_of(const struct measured *m)
{
    return 100 * (m->before.accuracy - m->after.accuracy);
}

static int measure(gn_net *net, gn_dataset *data, const struct quantize *given,
                   struct gn_score *score)
{
    return gn_evaluate(net, score, data, .limit = given->limit, .batch = given->batch,
                       .threads = given->threads, .stop = &cli_stop) == GN_OK
               ? CLI_DONE
               : cli_fail_library();
}

static void print_done(const struct quantize *given, const struct measured *m, const char *path)
{
    if (given->common.json) {
        json_t *root = json_object();
        json_object_set_new(root, "file", cli_json_text(path));
        json_object_set_new(root, "images", json_integer((json_int_t)given->images));
        json_object_set_new(root, "convolutions", json_integer(m->info.convolutions));
        json_object_set_new(root, "int8", json_integer(m->info.int8));
        json_object_set_new(root, "samples", json_integer((json_int_t)m->before.samples));
        json_object_set_new(root, "accuracy_before", cli_json_rounded(m->before.accuracy, 6));
        json_object_set_new(root, "accuracy_after", cli_json_rounded(m->after.accuracy, 6));
        json_object_set_new(root, "drop", cli_json_rounded(drop_of(m), 4));
        json_object_set_new(root, "loss_before", cli_json_rounded(m->before.loss, 6));
        json_object_set_new(root, "loss_after", cli_json_rounded(m->after.loss, 6));
        cli_print_json(root);
        return;
    }
    char name[256];
    cli_line("before   accuracy %.4f, loss %.4f", m->before.accuracy, m->before.loss);
    cli_line("after    accuracy %.4f, loss %.4f, %.2f points lost", m->after.accuracy,
             m->after.loss, drop_of(m));
    cli_line("%s", gn_printable(name, sizeof name, path));
}

/* Without VNNI, 8 bits are twice as many multiplications a second, and Winograd's method saves more of them. */
static void note_speed(void)
{
    struct gn_system_info system;
    if (gn_system_describe(&system) == GN_OK && strstr(system.cpu_features, "avx2") &&
        !strstr(system.cpu_features, "vnni"))
        cli_note("speed     this processor has no VNNI: large batches take longer than with the "
                 "float32 model, "
                 "single images do not");
}

static int write_model(const gn_net *made, const struct quantize *given, const struct measured *m,
                       const char *path)
{
    if (drop_of(m) > given->max_drop)
        return cli_fail(CLI_FAILED,
                        "%s: not written, because accuracy falls from %.4f to %.4f, by %.2f points "
                        "(--max-drop %g)",
                        path, m->before.accuracy, m->after.accuracy, drop_of(m), given->max_drop);
    if (gn_save(made, path) != GN_OK)
        return cli_fail_library();
    print_done(given, m, path);
    note_speed();
    return CLI_DONE;
}

static gn_net *quantize(const gn_net *net, const struct quantize *given, int classes,
                        struct measured *m, int *code)
{
    gn_dataset *data = cli_open_data(given->data, GN_TRAIN, classes, 0, &given->place, code);
    if (!data)
        return NULL;
    cli_note("ranges    from %llu training samples", (unsigned long long)given->images);
    gn_net *made = gn_quantize(net, data, .images = given->images, .seed = given->seed,
                               .threads = given->threads, .info = &m->info);
    gn_close_dataset(data);
    if (!made)
        *code = cli_fail_library();
    else
        cli_note("int8      %d of %d convolutions", m->info.int8, m->info.convolutions);
    return made;
}

static int run_net(gn_net *net, struct quantize *given, const char *path)
{
    struct gn_net_info info;
    struct measured m = { .before = { 0 } };
    int code = 0;
    if (gn_net_describe(net, &info) != GN_OK)
        return cli_fail_library();
    given->place.labels = info.labels;
    gn_dataset *data = cli_open_data(given->data, (gn_split)given->split, info.classes,
                                     given->limit, &given->place, &code);
    if (!data)
        return code;
    cli_note_machine(given->threads);
    gn_net *made = quantize(net, given, info.classes, &m, &code);
    if (made)
        code = measure(net, data, given, &m.before);
    if (made && !code)
        code = measure(made, data, given, &m.after);
    if (made && !code)
        code = write_model(made, given, &m, path);
    gn_free_net(made);
    gn_close_dataset(data);
    return code;
}

static int run(struct cli_args *args)
{
    struct quantize *given = args->values;
    const char *path = args->arguments[1];
    int code = 0;
    if (!given->data)
        return cli_fail(CLI_USAGE, "quantize: --data is missing (a folder or the name of a set)");
    if (strcmp(gn_path_extension(path), ".safetensors") != 0)
        return cli_fail(CLI_USAGE, "quantize: %s: the name of a model file ends in .safetensors",
                        path);
    cli_catch_interrupts();
    gn_net *net = cli_open_model(args->arguments[0], &given->net, 0, &code);
    if (!net)
        return code;
    if (cli_is_preset(args->arguments[0]))
        cli_warn("%s is a preset: its weights are fresh, not trained", args->arguments[0]);
    cli_stop_gently();
    code = run_net(net, given, path);
    gn_free_net(net);
    return code;
}

const struct cli_command cli_quantize = {
    .name = "quantize",
    .usage = "MODEL OUT --data D [flags]",
    .summary = "make a model that computes in 8 bits, and measure what that costs",
    .examples = "  googlenet quantize best.safetensors int8.safetensors --data fashion-mnist\n"
                "  googlenet quantize best.safetensors int8.safetensors --data folder/"
                " --max-drop 0.3\n"
                "  googlenet bench int8.safetensors --batch 1\n"
                "  googlenet export int8.safetensors int8.c\n",
    .argument = "MODEL and OUT",
    .min_arguments = 2,
    .max_arguments = 2,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct quantize),
    .run = run,
};
