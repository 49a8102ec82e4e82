/*
 * googlenet import: a model of another program becomes a model file of ours.
 */
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/shared.h"

struct import {
    struct cli_common common;
    int size, width, resize;
    const char *model, *labels, *preprocess, *prototxt, *mean;
    bool no_transform_input;
};

static const struct import defaults = { 0 };

static const struct gn_option options[] = {
    CLI_HEADING("Network"),
    { .name = "size",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct import, size),
      .low = 1,
      .high = CLI_LARGEST_INT,
      .standard = "the file's",
      .help = "height and width of the input" },
    { .name = "width",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct import, width),
      .low = 1,
      .high = CLI_LARGEST_INT,
      .standard = "the size",
      .help = "width of the input, where it is not square" },
    { .name = "resize",
      .kind = GN_OPTION_CHOICE,
      .value = "RULE",
      .offset = offsetof(struct import, resize),
      .choice = gn_resize_name,
      .low = GN_RESIZE_TF1_LEGACY,
      .standard = "the file's, half-pixel",
      .help = "tf1-legacy, half-pixel or pil-bilinear" },
    { .name = "model",
      .kind = GN_OPTION_TEXT,
      .value = "MODEL",
      .offset = offsetof(struct import, model),
      .help = "the network of a file that holds weights alone: a preset or a .net file" },
    { .name = "labels",
      .kind = GN_OPTION_TEXT,
      .value = "FILE",
      .offset = offsetof(struct import, labels),
      .help = "names of the classes, one a line" },
    { .name = "preprocess",
      .kind = GN_OPTION_TEXT,
      .value = "WHAT",
      .offset = offsetof(struct import, preprocess),
      .standard = "the file's",
      .help = "from a picture to numbers: as a preset does, or steps as JSON" },
    CLI_CAFFE_ROWS(struct import),
    { .name = "no-transform-input",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct import, no_transform_input),
      .help = "torchvision: the model was made with transform_input=False" },
    CLI_COMMON_ROWS(struct import),
};

static void print_done(const struct import *given, const gn_net *net, const char *path,
                       const char *note)
{
    struct gn_net_info info = { 0 };
    char name[256];
    (void)gn_net_describe(net, &info);
    if (given->common.json) {
        json_t *root = json_object();
        json_object_set_new(root, "file", cli_json_text(path));
        json_object_set_new(root, "params", json_integer((json_int_t)info.params));
        json_object_set_new(root, "note", cli_json_text(note));
        cli_print_json(root);
        return;
    }
    printf("%s\n", gn_printable(name, sizeof name, path));
    cli_note("network   %dx%dx%d, %d classes, %llu parameters", info.size_h, info.size_w,
             info.channels, info.classes, (unsigned long long)info.params);
    cli_note("note      %s", note);
}

static int run(struct cli_args *args)
{
    const struct import *given = args->values;
    static char note[4096], table[1 << 16];
    gn_net *net =
        gn_import(args->arguments[0], .size = given->size, .width = given->width,
                  .resize = (gn_resize)given->resize, .note = note, .note_size = sizeof note,
                  .model = given->model, .labels = given->labels, .preprocess = given->preprocess,
                  .prototxt = given->prototxt, .mean = given->mean,
                  .no_transform_input = given->no_transform_input, .table = table,
                  .table_size = sizeof table);
    if (!net) {
        const int failed = cli_fail_library();
        if (*table && !given->common.quiet)
            fputs(table, stderr);
        return failed;
    }
    int code = CLI_DONE;
    if (gn_export(net, args->arguments[1]) != GN_OK)
        code = cli_fail_library();
    else
        print_done(given, net, args->arguments[1], note);
    gn_free_net(net);
    return code;
}

const struct cli_command cli_import = {
    .name = "import",
    .usage = "FILE OUT [flags]",
    .summary = "read another program's model into a model file",
    .examples =
        "  googlenet import theirs.onnx model.safetensors\n"
        "  googlenet import torchvision.safetensors model.safetensors --labels names.txt\n"
        "  googlenet import theirs.keras model.safetensors   # also .h5, and .index of TensorFlow\n"
        "  googlenet import arrays.npz model.safetensors --model my.net\n"
        "  googlenet train --model model.safetensors --data DIR\n",
    .argument = "FILE and OUT",
    .min_arguments = 2,
    .max_arguments = 2,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct import),
    .run = run,
};
