/*
 * googlenet explain: pictures of what an answer rests on, one PNG an image.
 */
#include "base/path.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/images.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <stdlib.h>
#include <string.h>

struct explain {
    struct cli_common common;
    struct cli_net net;
    const char *layer, *out;
    uint64_t limit;
    int top, window, stride, threads;
    bool no_occlusion, maps, filters;
};

static const struct explain defaults = { .top = 3, .limit = 16, .out = "explain" };

/* clang-format off */
static const struct gn_option options[] = {
    CLI_HEADING("Explanation"),
    { .name = "out", .kind = GN_OPTION_TEXT, .value = "DIR", .offset = offsetof(struct explain, out),
      .standard = "explain", .help = "the folder of the PNG files, made if it is missing" },
    { .name = "top", .kind = GN_OPTION_INT, .value = "K", .offset = offsetof(struct explain, top),
      .low = 1, .high = 100, .standard = "3", .help = "explain the K most probable classes" },
    { .name = "layer", .kind = GN_OPTION_TEXT, .value = "NAME", .offset = offsetof(struct explain, layer),
      .standard = "the last one that is a map",
      .help = "the layer whose maps Grad-CAM weighs; `summary` lists them" },
    { .name = "no-occlusion", .kind = GN_OPTION_SWITCH, .offset = offsetof(struct explain, no_occlusion),
      .help = "only Grad-CAM, which is much faster" },
    { .name = "window", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(struct explain, window),
      .low = 1, .high = CLI_LARGEST_INT, .standard = "a quarter of the side",
      .help = "side of the square that covers a part of the input" },
    { .name = "stride", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(struct explain, stride),
      .low = 1, .high = CLI_LARGEST_INT, .standard = "a quarter of the window",
      .help = "from one square to the next" },
    { .name = "maps", .kind = GN_OPTION_SWITCH, .offset = offsetof(struct explain, maps),
      .help = "also a sheet of the layer's maps for each image" },
    { .name = "filters", .kind = GN_OPTION_SWITCH, .offset = offsetof(struct explain, filters),
      .help = "also a sheet of the filters of the first convolution, DIR/filters.png" },
    { .name = "limit", .kind = GN_OPTION_COUNT, .value = "N", .offset = offsetof(struct explain, limit),
      .low = 1, .high = CLI_LARGEST_COUNT, .standard = "16",
      .help = "only the first N images of a file or folder" },
    CLI_THREADS_ROW(struct explain),
    CLI_NET_ROWS(struct explain),
    CLI_COMMON_ROWS(struct explain),
};
/* clang-format on */

struct job {
    const struct explain *given;
    gn_net *net;
    gn_explainer *explainer;
    struct gn_explainer_info info;
    gn_preprocessor *preprocessor;
    gn_predictor *predictor;
    struct cli_answer answer;
    struct cli_images images;
    float *input, *logits;
    uint64_t number; /* of the image, from 1 */
};

/* "0001-cat-maps.png" in the folder: of the image's name what no program takes for anything else. */
static char *path_of(const struct job *job, const char *name, const char *kind)
{
    char safe[64];
    size_t n = 0;
    const char *base = gn_path_name(name),
               *end = base + strlen(base) - strlen(gn_path_extension(base));
    for (; base < end && n < sizeof safe - 1; base++) {
        const bool plain = (*base >= 'a' && *base <= 'z') || (*base >= 'A' && *base <= 'Z') ||
                           (*base >= '0' && *base <= '9');
        safe[n++] = plain ? *base : '_';
    }
    safe[n] = '\0';
    return cli_format("%s/%04llu-%s%s.png", job->given->out, (unsigned long long)job->number, safe,
                      kind);
}

/* The sheets of one image, whose answer is known. */
static int draw(struct job *job, const struct gn_image *image, const char *name, const char *sheet,
                const char *maps)
{
    const int n = job->answer.top;
    int *classes = cli_calloc((size_t)n, sizeof *classes);
    const int found = gn_top_classes(job->logits, job->answer.info.classes, n, classes);
    const struct gn_explain_sheet options_of_sheet = { .image = image,
                                                       .title = name,
                                                       .classes = classes,
                                                       .n = found,
                                                       .no_occlusion = job->given->no_occlusion };
    gn_status status = gn_draw_explanation(job->explainer, &options_of_sheet, sheet);
    if (status == GN_OK && job->given->maps)
        status = gn_draw_maps(job->explainer, image, 0, maps);
    free(classes);
    return status == GN_OK ? CLI_DONE : cli_fail_library();
}

static void report(struct job *job, const struct cli_image_set *set, uint64_t index,
                   const char *sheet, const char *maps)
{
    char *name = cli_image_name(set, index);
    char *file = cli_image_file(set->images, set->path, set->folder, &index);
    if (job->given->common.json) {
        json_t *root = cli_answer_json(&job->answer, file, index, job->logits);
        json_object_set_new(root, "layer", cli_json_text(job->info.layer));
        json_object_set_new(root, "picture", cli_json_text(sheet));
        if (job->given->maps)
            json_object_set_new(root, "maps", cli_json_text(maps));
        cli_print_json(root);
    } else {
        cli_answer_text(&job->answer, stdout, name, job->logits);
        cli_line("  %s%s%s", sheet, job->given->maps ? ", " : "", job->given->maps ? maps : "");
    }
    free(name);
    free(file);
}

static int explain_image(struct job *job, const struct cli_image_set *set, uint64_t index)
{
    struct gn_image image = { 0 };
    if (gn_dataset_picture(set->images, index, &image) != GN_OK)
        return cli_fail_library();
    job->number++;
    char *name = cli_image_name(set, index);
    char *sheet = path_of(job, name, ""), *maps = path_of(job, name, "-maps");
    int code = CLI_DONE;
    if (gn_preprocess(job->preprocessor, &image, 0, job->input) != GN_OK ||
        gn_predictor_run(job->predictor, job->logits,
                         &(struct gn_predict_options){ .inputs = job->input, .n = 1 }) != GN_OK)
        code = cli_fail_library();
    if (!code && !cli_answer_is_finite(&job->answer, job->logits))
        code = cli_fail(CLI_FAILED, "%s: the answer is not a number", name);
    if (!code)
        code = draw(job, &image, name, sheet, maps);
    if (!code)
        report(job, set, index, sheet, maps);
    free(name);
    free(sheet);
    free(maps);
    gn_free_image(&image);
    return code;
}

static int begin(struct job *job)
{
    const struct explain *given = job->given;
    struct gn_net_info net;
    if (gn_net_describe(job->net, &net) != GN_OK)
        return cli_fail_library();
    const int top = given->top < net.classes ? given->top : net.classes;
    const struct gn_explainer_options wanted = { .layer = given->layer,
                                                 .classes = top,
                                                 .window = given->window,
                                                 .stride = given->stride,
                                                 .threads = given->threads };
    job->explainer = gn_explainer_create_with(job->net, &wanted);
    if (!job->explainer || gn_explainer_describe(job->explainer, &job->info) != GN_OK)
        return cli_fail_library();
    job->preprocessor = gn_preprocessor_create_with(job->net, NULL);
    job->predictor = gn_predictor_create_with(
        job->net, &(struct gn_predictor_options){ .threads = given->threads });
    if (!job->preprocessor || !job->predictor ||
        !cli_answer_begin(&job->answer, job->net, top, false))
        return cli_fail_library();
    job->input = cli_calloc((size_t)net.size_h * (size_t)net.size_w,
                            (size_t)net.channels * sizeof *job->input);
    job->logits = cli_calloc((size_t)net.classes, sizeof *job->logits);
    if (gn_make_folders(given->out, NULL) != 0)
        return cli_fail(CLI_ENVIRONMENT, "%s: the folder cannot be made (choose another --out)",
                        given->out);
    return CLI_DONE;
}

static int draw_filters(const struct job *job)
{
    char *path = cli_format("%s/filters.png", job->given->out);
    const int code = gn_draw_filters(job->net, path) == GN_OK ? CLI_DONE : cli_fail_library();
    if (!code && !job->given->common.json)
        cli_line("filters of the first convolution: %s", path);
    free(path);
    return code;
}

static int run(struct cli_args *args)
{
    struct job job = { .given = args->values };
    int code = 0;
    job.net = cli_open_model(args->arguments[0], &job.given->net, 0, &code);
    if (!job.net)
        return code;
    if (cli_is_preset(args->arguments[0]))
        cli_note("network   %s is a preset: its weights are fresh, not trained",
                 args->arguments[0]);
    code = begin(&job);
    if (!code)
        code = cli_open_images(&job.images, (const char *const *)args->arguments + 1,
                               (size_t)args->n_arguments - 1, job.given->limit);
    if (!code && job.given->filters)
        code = draw_filters(&job);
    for (size_t i = 0; i < job.images.n && !code; i++)
        for (uint64_t k = 0; k < job.images.sets[i].samples && !code; k++)
            code = explain_image(&job, &job.images.sets[i], k);
    cli_close_images(&job.images);
    cli_answer_end(&job.answer);
    gn_preprocessor_free(job.preprocessor);
    gn_predictor_free(job.predictor);
    gn_explainer_free(job.explainer);
    free(job.input);
    free(job.logits);
    gn_free_net(job.net);
    return code;
}

const struct cli_command cli_explain = {
    .name = "explain",
    .usage = "MODEL FILE... [--out DIR] [flags]",
    .summary = "draw where an image speaks for its classes (Grad-CAM, occlusion)",
    .examples = "  googlenet explain best.safetensors cat.jpg\n"
                "  googlenet explain best.safetensors pictures/ --top 1 --layer b4.inception4e\n"
                "  googlenet explain best.safetensors cat.jpg --maps --filters --json\n",
    .argument = "MODEL or FILE",
    .min_arguments = 2,
    .max_arguments = INT32_MAX,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct explain),
    .run = run,
};
