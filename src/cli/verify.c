/*
 * googlenet verify: is a file whole, and do two models of any format give the same answers?
 */
#include "base/number.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/shared.h"

struct verify {
    struct cli_common common;
    struct cli_place place;
    const char *data, *model, *prototxt, *mean;
    int split, size, width, threads;
    uint64_t limit, seed;
    double tolerance;
    bool layers;
};

static const struct verify defaults = { .split = GN_TEST, .tolerance = 1e-4 };

static const struct gn_option options[] = {
    CLI_HEADING("Comparison"),
    { .name = "tol",
      .kind = GN_OPTION_REAL,
      .value = "X",
      .offset = offsetof(struct verify, tolerance),
      .low = 0,
      .high = CLI_LARGEST_FLOAT,
      .standard = "1e-4",
      .help = "largest difference of two logits, as a share of the largest logit" },
    { .name = "layers",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct verify, layers),
      .help = "find the first layer whose outputs part" },
    { .name = "model",
      .kind = GN_OPTION_TEXT,
      .value = "MODEL",
      .offset = offsetof(struct verify, model),
      .help = "the network of a file that holds weights alone: a preset or a .net file" },
    { .name = "size",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct verify, size),
      .low = 1,
      .high = CLI_LARGEST_INT,
      .standard = "the file's",
      .help = "height and width of the input" },
    { .name = "width",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct verify, width),
      .low = 1,
      .high = CLI_LARGEST_INT,
      .standard = "the size",
      .help = "width of the input, where it is not square" },
    CLI_CAFFE_ROWS(struct verify),
    CLI_THREADS_ROW(struct verify),
    CLI_HEADING("Data"),
    { .name = "data",
      .kind = GN_OPTION_TEXT,
      .value = "D",
      .offset = offsetof(struct verify, data),
      .standard = "noise",
      .help = "folder, list (.txt) or a known set's name" },
    { .name = "split",
      .kind = GN_OPTION_CHOICE,
      .value = "S",
      .offset = offsetof(struct verify, split),
      .choice = cli_split_name,
      .standard = "test",
      .help = "train, val or test" },
    { .name = "limit",
      .kind = GN_OPTION_COUNT,
      .value = "N",
      .offset = offsetof(struct verify, limit),
      .low = 1,
      .high = CLI_LARGEST_COUNT,
      .standard = "all, 64 of noise",
      .help = "only so many images" },
    { .name = "seed",
      .kind = GN_OPTION_SEED,
      .value = "N",
      .offset = offsetof(struct verify, seed),
      .standard = "0",
      .help = "of the noise" },
    CLI_PLACE_ROWS(struct verify),
    CLI_COMMON_ROWS(struct verify),
};

/* A model of any format. NULL after the fault was named. */
static gn_net *open_any(const char *word, const struct verify *given, int *code)
{
    static char note[4096], table[1 << 16];
    gn_net *net = NULL;
    *code = cli_check_model(word);
    if (*code)
        return NULL;
    if (cli_is_preset(word))
        net = gn_preset(word, .size = given->size, .width = given->width);
    else
        net = gn_import(word, .size = given->size, .width = given->width, .model = given->model,
                        .prototxt = given->prototxt, .mean = given->mean, .note = note,
                        .note_size = sizeof note, .table = table, .table_size = sizeof table);
    if (!net) {
        *code = cli_fail_library();
        if (!cli_is_preset(word) && *table && !given->common.quiet)
            fputs(table, stderr);
    }
    return net;
}

static void print_json(const struct verify *given, const struct gn_comparison *r)
{
    json_t *root = json_object();
    json_object_set_new(root, "images", json_integer((json_int_t)r->images));
    json_object_set_new(root, "max_abs", cli_json_real(r->max_abs));
    json_object_set_new(root, "mean_abs", cli_json_real(r->mean_abs));
    json_object_set_new(root, "largest_logit", cli_json_real(r->largest));
    json_object_set_new(root, "top1_agreement", cli_json_real(r->top1_agreement));
    json_object_set_new(root, "first_layer",
                        r->first_layer[0] ? cli_json_text(r->first_layer) : json_null());
    if (given->layers) {
        json_object_set_new(root, "layer_max_abs",
                            r->first_layer[0] ? cli_json_real(r->layer_max_abs) : json_null());
        json_object_set_new(root, "layer_largest",
                            r->first_layer[0] ? cli_json_real(r->layer_largest) : json_null());
    }
    json_object_set_new(root, "same_preprocess", json_boolean(r->same_preprocess));
    json_object_set_new(root, "within", json_boolean(r->within));
    cli_print_json(root);
}

static void print_text(const struct verify *given, const struct gn_comparison *r)
{
    char a[GN_NUMBER_TEXT], b[GN_NUMBER_TEXT];
    cli_line("images      %llu%s", (unsigned long long)r->images, given->data ? "" : " of noise");
    cli_line("largest     difference %s, of the largest logit %s", gn_digits_text(r->max_abs, 3, a),
             gn_digits_text(r->largest, 3, b));
    cli_line("mean        difference %s", gn_digits_text(r->mean_abs, 3, a));
    cli_line("top-1       the same class for %s%% of the images",
             gn_digits_text(100 * r->top1_agreement, 5, a));
    cli_line("pictures    %s", r->same_preprocess ? "become numbers in the same way"
                                                  : "become numbers in different ways");
    if (given->layers && !r->first_layer[0])
        cli_line("layers      none parts");
    else if (given->layers && r->layer_largest == 0 && r->layer_max_abs == 0)
        cli_line("layers      from %s on the outputs differ in shape", r->first_layer);
    else if (given->layers)
        cli_line("layers      from %s on: %s of %s", r->first_layer,
                 gn_digits_text(r->layer_max_abs, 3, a), gn_digits_text(r->layer_largest, 3, b));
    if (r->within)
        cli_line("equal within the tolerance");
}

static int compare(const struct verify *given, gn_net *a, gn_net *b)
{
    struct gn_comparison result;
    struct gn_net_info info;
    char a_text[GN_NUMBER_TEXT], b_text[GN_NUMBER_TEXT];
    int code = 0;
    gn_dataset *data = NULL;
    if (gn_net_describe(a, &info) != GN_OK)
        return cli_fail_library();
    if (given->data) {
        data = cli_open_data(given->data, (gn_split)given->split, info.classes, given->limit,
                             &given->place, &code);
        if (!data)
            return code;
    }
    if (gn_compare(a, b, &result, given->limit, .data = data, .seed = given->seed,
                   .tolerance = given->tolerance, .zero_tolerance = given->tolerance == 0,
                   .layers = given->layers, .threads = given->threads) != GN_OK) {
        code = cli_fail_library();
    } else {
        if (given->common.json)
            print_json(given, &result);
        else
            print_text(given, &result);
        if (!result.same_preprocess && !given->common.quiet)
            cli_warn("the two models make numbers of pictures in different ways: googlenet summary "
                     "--json shows both");
        if (!result.within)
            code = cli_fail(CLI_FAILED,
                            "the answers are not equal: logits differ by up to %s, the largest is "
                            "%s",
                            gn_digits_text(result.max_abs, 3, a_text),
                            gn_digits_text(result.largest, 3, b_text));
    }
    gn_close_dataset(data);
    return code;
}

static void print_whole(const struct verify *given, const gn_net *net, const char *path)
{
    struct gn_net_info info = { 0 };
    (void)gn_net_describe(net, &info);
    if (given->common.json) {
        json_t *root = json_object();
        json_object_set_new(root, "file", cli_json_text(path));
        json_object_set_new(root, "params", json_integer((json_int_t)info.params));
        json_object_set_new(root, "whole", json_true());
        cli_print_json(root);
        return;
    }
    cli_line("%s is whole: %llu parameters, checksums and shapes are right", path,
             (unsigned long long)info.params);
}

static int run(struct cli_args *args)
{
    const struct verify *given = args->values;
    int code = 0;
    gn_net *a = open_any(args->arguments[0], given, &code), *b = NULL;
    if (!a)
        return code;
    if (args->n_arguments > 1) {
        b = open_any(args->arguments[1], given, &code);
        if (b)
            code = compare(given, a, b);
    } else {
        const char *tensor = gn_net_not_finite(a);
        if (tensor)
            code = cli_fail(CLI_MODEL, "%s: tensor \"%s\" is NaN or infinite", args->arguments[0],
                            tensor);
        else
            print_whole(given, a, args->arguments[0]);
    }
    gn_free_net(b);
    gn_free_net(a);
    return code;
}

const struct cli_command cli_verify = {
    .name = "verify",
    .usage = "A [B] [flags]",
    .summary = "check that a model file is whole, or that two models give the same answers",
    .examples = "  googlenet verify best.safetensors\n"
                "  googlenet verify best.safetensors best.onnx\n"
                "  googlenet verify theirs.onnx mine.safetensors --data fashion-mnist --limit 1000 "
                "--layers\n"
                "  googlenet verify bvlc.caffemodel mine.safetensors --prototxt deploy.prototxt\n",
    .argument = "A and B",
    .min_arguments = 1,
    .max_arguments = 2,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct verify),
    .run = run,
};
