/*
 * googlenet lr-find: a short sweep that shows which learning rate suits a network and its data.
 */
#include "base/number.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/run_folder.h"
#include "cli/shared.h"
#include "cli/signals.h"
#include "os/files.h"

#include <stdlib.h>
#include <string.h>

struct lr_find {
    struct cli_common common;
    struct cli_net net;
    struct cli_place place;
    const char *data, *model, *out;
    struct gn_lr_find_options sweep;
};

static const struct lr_find defaults = { .sweep = { .from = 1e-5, .to = 1.0, .steps = 100 } };

#define AT(member) offsetof(struct lr_find, member)

/* clang-format off */
static const struct gn_option options[] = {
    CLI_HEADING("Sweep"),
    { .name = "data", .kind = GN_OPTION_TEXT, .value = "D", .offset = AT(data),
      .help = "folder (IDX, CIFAR, pictures by class), list.txt, or a known name" },
    CLI_PLACE_ROWS(struct lr_find),
    { .name = "on-bad-image", .kind = GN_OPTION_CHOICE, .value = "WHAT", .offset = AT(place.on_bad_image),
      .choice = gn_bad_image_name, .standard = "stop",
      .help = "stop or skip, for sets of picture files" },
    { .name = "model", .kind = GN_OPTION_TEXT, .value = "MODEL", .offset = AT(model),
      .standard = "googlenet", .help = "preset, or a model file to start from its weights" },
    { .name = "from", .kind = GN_OPTION_REAL, .value = "X", .offset = AT(sweep.from), .low = 1e-30,
      .high = CLI_LARGEST_FLOAT, .standard = "1e-5", .help = "the first learning rate" },
    { .name = "to", .kind = GN_OPTION_REAL, .value = "X", .offset = AT(sweep.to), .low = 1e-30,
      .high = CLI_LARGEST_FLOAT, .standard = "1", .help = "the last one" },
    { .name = "steps", .kind = GN_OPTION_INT, .value = "N", .offset = AT(sweep.steps), .low = 10,
      .high = 1000000, .standard = "100", .help = "rates between them, a training step each" },
    { .name = "out", .kind = GN_OPTION_TEXT, .value = "DIR", .offset = AT(out),
      .help = "folder for lr-find.csv and lr-find.svg" },
    CLI_HEADING("Data"),
    CLI_HEADING("Training"),
    CLI_HEADING("Fine-tuning"),
    CLI_NET_ROWS(struct lr_find),
    CLI_COMMON_ROWS(struct lr_find),
};
/* clang-format on */

static int write_csv(const struct gn_lr_sweep *sweep, const char *path)
{
    struct gn_memory_stream stream;
    size_t size;
    if (!gn_memory_stream_begin(&stream))
        return cli_fail(CLI_ENVIRONMENT, "%s: out of memory", path);
    FILE *file = stream.file;
    fputs("step,lr,loss,smoothed\n", file);
    for (int i = 0; i < sweep->n; i++)
        gn_print(file, "%d,%.9g,%.9g,%.9g\n", i + 1, sweep->points[i].lr, sweep->points[i].loss,
                 sweep->points[i].smoothed);
    char *text = gn_memory_stream_end(&stream, &size);
    int code = 0;
    if (!text)
        code = cli_fail(CLI_ENVIRONMENT, "%s: out of memory", path);
    else if (gn_write_file(path, text, size) != GN_OK)
        code = cli_fail_library();
    free(text);
    return code;
}

static int write_files(const struct gn_lr_sweep *sweep, const char *folder)
{
    char *csv = cli_format("%s/lr-find.csv", folder), *svg = cli_format("%s/lr-find.svg", folder);
    struct gn_system_info system;
    int code = write_csv(sweep, csv);
    const bool draws = gn_system_describe(&system) == GN_OK && system.has_cairo;
    if (!code && draws && sweep->n > 0 && gn_lr_plot(sweep, svg) != GN_OK)
        code = cli_fail_library();
    if (!code)
        cli_note("output    %s%s%s", csv, draws ? " and " : "", draws ? svg : "");
    free(csv);
    free(svg);
    return code;
}

static void print_sweep(const struct gn_lr_sweep *sweep, bool json)
{
    const struct gn_lr_point none = { 0 };
    const struct gn_lr_point *last = sweep->n > 0 ? &sweep->points[sweep->n - 1] : &none;
    if (!json) {
        if (sweep->suggestion > 0)
            cli_line("suggested learning rate %.2g (the loss falls fastest there)",
                     sweep->suggestion);
        else
            cli_line("no suggestion: the loss does not fall between %g and %g",
                     sweep->n > 0 ? sweep->points[0].lr : 0.0, last->lr);
        if (sweep->ended_early)
            cli_line("the loss explodes above %.2g", last->lr);
        return;
    }
    json_t *root = json_object(), *points = json_array();
    for (int i = 0; i < sweep->n; i++) {
        json_t *point = json_object();
        json_object_set_new(point, "lr", cli_json_real(sweep->points[i].lr));
        json_object_set_new(point, "loss", cli_json_real(sweep->points[i].loss));
        json_object_set_new(point, "smoothed", cli_json_real(sweep->points[i].smoothed));
        json_array_append_new(points, point);
    }
    json_object_set_new(root, "suggestion",
                        sweep->suggestion > 0 ? cli_json_real(sweep->suggestion) : json_null());
    json_object_set_new(root, "ended_early", json_boolean(sweep->ended_early));
    json_object_set_new(root, "points", points);
    cli_print_json(root);
}

/* A line now and then. */
static void on_event(const struct gn_event *event, void *user)
{
    static const double pause = 5.0;
    double *last = user;
    if (event->step > 1 && cli_seconds() - *last < pause)
        return;
    *last = cli_seconds();
    cli_note("step %llu/%llu: lr %.3g, smoothed loss %.4f", (unsigned long long)event->step,
             (unsigned long long)event->steps, event->lr, event->loss);
}

static int sweep(gn_net *net, gn_dataset *data, struct lr_find *given)
{
    double last_line = 0.0;
    struct gn_lr_sweep result;
    struct gn_fit_options *fit = &given->sweep.fit;
    fit->train = data;
    fit->on_event = on_event;
    fit->user = &last_line;
    fit->stop = &cli_stop;
    cli_stop_gently();
    if (gn_lr_find(net, &result, &given->sweep) != GN_OK)
        return cli_fail_library();
    const int code = given->out ? write_files(&result, given->out) : 0;
    if (!code)
        print_sweep(&result, given->common.json);
    gn_free_lr_sweep(&result);
    return code;
}

static int run(struct cli_args *args)
{
    struct lr_find *given = args->values;
    struct gn_dataset_info info;
    int code = 0, made;
    cli_catch_interrupts();
    if (!given->data)
        return cli_fail(CLI_USAGE, "lr-find: --data is missing (a folder or the name of a set)");
    if (given->sweep.to <= given->sweep.from)
        return cli_fail(CLI_USAGE, "--to: %g is not above --from %g", given->sweep.to,
                        given->sweep.from);
    if (gn_fit_defaults(&given->sweep.fit) != GN_OK)
        return cli_fail_library();
    if (given->model)
        code = cli_check_model(given->model);
    if (!code && given->out)
        code = cli_make_folder(given->out, &made);
    gn_dataset *data =
        code ? NULL
             : cli_open_data(given->data, GN_TRAIN, given->net.classes, 0, &given->place, &code);
    if (!data)
        return code;
    gn_net *net = NULL;
    if (gn_dataset_describe(data, &info) != GN_OK) {
        code = cli_fail_library();
    } else {
        given->net.new_head = true;
        given->net.aux = true;
        given->net.classes = given->net.classes ? given->net.classes : info.classes;
        given->net.labels = info.labels;
        if (!given->net.channels && (!given->model || cli_is_preset(given->model)))
            given->net.channels = info.channels;
        net = cli_open_model(given->model, &given->net, given->sweep.fit.seed, &code);
    }
    if (net)
        code = sweep(net, data, given);
    gn_free_net(net);
    gn_close_dataset(data);
    return code;
}

const struct cli_command cli_lr_find = {
    .name = "lr-find",
    .usage = "--data D [flags]",
    .summary = "try learning rates in a short sweep and suggest one",
    .examples = "  googlenet lr-find --data fashion-mnist --out sweep\n"
                "  googlenet lr-find --data folder/ --model model.safetensors --momentum 0.9"
                " --to 0.5\n",
    .argument = "nothing",
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .fit = offsetof(struct lr_find, sweep.fit),
    .fit_traits = GN_OPTION_SWEEP,
    .defaults = &defaults,
    .values_size = sizeof(struct lr_find),
    .run = run,
};
