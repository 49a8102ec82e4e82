/*
 * googlenet export: a model in another program's format.
 */
#include "base/path.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <string.h>

struct export
{
    struct cli_common common;
    struct cli_net net;
    int opset;
    bool softmax, embed_preprocessing, keep_norm, f16;
    const char *names, *keras_block, *name;
};

static const struct export defaults = { 0 };

static const struct gn_option options[] = {
    CLI_HEADING("ONNX, C"),
    { .name = "softmax",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct export, softmax),
      .help = "probabilities instead of logits" },
    CLI_HEADING("ONNX"),
    { .name = "opset",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct export, opset),
      .low = 9,
      .high = 21,
      .standard = "13",
      .help = "version of the operators" },
    { .name = "embed-preprocessing",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct export, embed_preprocessing),
      .help = "take bytes of pictures (NHWC): resize, crop and scaling lie in the graph" },
    { .name = "keep-norm",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct export, keep_norm),
      .help = "normalisations as layers of their own, not in the weights before them" },
    { .name = "f16",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct export, f16),
      .help = "weights and arithmetic in float16" },
    CLI_HEADING("safetensors"),
    { .name = "names",
      .kind = GN_OPTION_TEXT,
      .value = "WHOSE",
      .offset = offsetof(struct export, names),
      .help = "torchvision: tensors under its names and in its orders" },
    CLI_HEADING("Keras (.weights.h5, .h5, .keras)"),
    { .name = "keras-block",
      .kind = GN_OPTION_TEXT,
      .value = "FORM",
      .offset = offsetof(struct export, keras_block),
      .standard = "layer",
      .help = "the Inception block is a subclassed layer or model" },
    CLI_HEADING("C"),
    { .name = "name",
      .kind = GN_OPTION_TEXT,
      .value = "NAME",
      .offset = offsetof(struct export, name),
      .standard = "the file's",
      .help = "what the names of functions begin with" },
    CLI_NET_ROWS(struct export),
    CLI_COMMON_ROWS(struct export),
};

static void print_done(const struct export *given, const gn_net *net, const char *path)
{
    static char steps[8192];
    struct gn_net_info info = { 0 };
    if (gn_net_describe(net, &info) != GN_OK ||
        gn_net_preprocess(net, steps, sizeof steps) != GN_OK)
        *steps = '\0';
    if (given->common.json) {
        json_t *root = json_object();
        json_object_set_new(root, "file", cli_json_text(path));
        json_object_set_new(root, "preprocess", cli_json_text(steps));
        json_object_set_new(root, "embedded",
                            given->embed_preprocessing ? json_true() : json_false());
        cli_print_json(root);
        return;
    }
    char name[256];
    printf("%s\n", gn_printable(name, sizeof name, path));
    if (given->embed_preprocessing)
        cli_note("input     bytes of pictures, NHWC; the graph prepares them");
    else
        cli_note("input     the caller prepares pictures: %s", steps);
}

static int run(struct cli_args *args)
{
    const struct export *given = args->values;
    const char *path = args->arguments[1];
    int code = 0;
    struct cli_net wanted = given->net;
    /* Weights for training; other files are for prediction. */
    wanted.aux = given->names != NULL || strcmp(gn_path_extension(path), ".npz") == 0;
    gn_net *net = cli_open_model(args->arguments[0], &wanted, 0, &code);
    if (!net)
        return code;
    if (gn_export(net, path, .opset = given->opset, .softmax = given->softmax,
                  .embed_preprocessing = given->embed_preprocessing, .keep_norm = given->keep_norm,
                  .f16 = given->f16, .names = given->names, .keras_block = given->keras_block,
                  .name = given->name) != GN_OK)
        code = cli_fail_library();
    else
        print_done(given, net, path);
    if (!code && cli_is_preset(args->arguments[0]))
        cli_warn("%s is a preset: its weights are fresh, not trained", args->arguments[0]);
    gn_free_net(net);
    return code;
}

const struct cli_command cli_export = {
    .name = "export",
    .usage = "MODEL OUT [flags]",
    .summary = "write a model in another program's format",
    .examples = "  googlenet export best.safetensors best.onnx\n"
                "  googlenet export best.safetensors best.onnx --embed-preprocessing --softmax\n"
                "  googlenet export best.safetensors theirs.safetensors --names torchvision\n"
                "  googlenet export best.safetensors best.keras   # and best.py; also .weights.h5\n"
                "  googlenet export best.safetensors best.npz\n"
                "  googlenet export best.safetensors best.c   # cc -std=c99 -c best.c\n"
                "  googlenet export int8.safetensors int8.c   # weights of 8 bits, see quantize\n",
    .argument = "MODEL and OUT",
    .min_arguments = 2,
    .max_arguments = 2,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct export),
    .run = run,
};
