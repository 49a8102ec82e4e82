/*
 * googlenet features: the values of a layer for images, as an array for other programs.
 */
#include "cli/commands.h"
#include "cli/images.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <stdlib.h>

enum { IMAGES_AT_ONCE = 64 };

struct features {
    struct cli_common common;
    struct cli_net net;
    const char *layer, *out;
    uint64_t limit;
    int threads;
};

static const struct features defaults;

/* clang-format off */
static const struct gn_option options[] = {
    CLI_HEADING("Features"),
    { .name = "layer", .kind = GN_OPTION_TEXT, .value = "NAME", .offset = offsetof(struct features, layer),
      .standard = "what the last dense layer reads",
      .help = "the layer whose values are written; `summary` lists them" },
    { .name = "out", .kind = GN_OPTION_TEXT, .value = "FILE", .offset = offsetof(struct features, out),
      .help = "where to write them: NAME.npy (NumPy) or NAME.csv" },
    { .name = "limit", .kind = GN_OPTION_COUNT, .value = "N", .offset = offsetof(struct features, limit),
      .low = 1, .high = CLI_LARGEST_COUNT, .standard = "all",
      .help = "only the first N images of a file or folder" },
    CLI_THREADS_ROW(struct features),
    CLI_NET_ROWS(struct features),
    CLI_COMMON_ROWS(struct features),
};
/* clang-format on */

struct job {
    const struct features *given;
    gn_net *net;
    gn_pack *pack;
    struct cli_images images;
    const struct cli_image_set *set;
    const char *layer;
    gn_features *file;
    int code;
};

static int take_answer(const struct gn_answer *answer, void *user)
{
    struct job *job = user;
    if (!answer->logits) {
        job->code = cli_fail_message(CLI_DATA, answer->message);
        return 1;
    }
    uint64_t index = answer->index;
    char *name = cli_image_file(job->set->images, job->set->path, job->set->folder, &index);
    if (gn_features_add(job->file, name, index, answer->logits) != GN_OK)
        job->code = cli_fail_library();
    free(name);
    return job->code;
}

static int answer_set(struct job *job)
{
    const uint64_t n = job->set->samples;
    if (n == 0)
        return CLI_DONE;
    gn_predictor *predictor = gn_predictor_create_with(
        job->net, &(struct gn_predictor_options){
                      .batch = n < IMAGES_AT_ONCE ? (int)n : IMAGES_AT_ONCE,
                      .threads = job->given->threads,
                      .pack = job->pack,
                      .layer = job->layer,
                  });
    const struct gn_predict_options images = { .data = job->set->images, .n = n };
    if (!predictor ||
        (gn_predictor_each(predictor, &images, take_answer, job) != GN_OK && !job->code))
        job->code = cli_fail_library();
    gn_predictor_free(predictor);
    return job->code;
}

static void report(const struct job *job, const struct gn_layer_info *layer, size_t values)
{
    if (!job->given->common.json) {
        cli_line("%s: %llu rows of %zu values of %s", job->given->out,
                 (unsigned long long)job->images.samples, values, layer->name);
        return;
    }
    json_t *shape = json_array();
    for (int i = 0; i < layer->rank; i++)
        json_array_append_new(shape, json_integer(layer->shape[i]));
    json_t *root = json_object();
    json_object_set_new(root, "file", cli_json_text(job->given->out));
    json_object_set_new(root, "layer", cli_json_text(layer->name));
    json_object_set_new(root, "shape", shape);
    json_object_set_new(root, "rows", json_integer((json_int_t)job->images.samples));
    json_object_set_new(root, "values", json_integer((json_int_t)values));
    cli_print_json(root);
}

static int write_features(struct job *job, struct cli_args *args)
{
    const size_t n = (size_t)args->n_arguments - 1;
    struct gn_layer_info layer;
    size_t values;
    if (gn_find_layer(job->net, job->given->layer, &layer, &values) != GN_OK)
        return cli_fail_library();
    job->layer = layer.name;
    int code = cli_open_images(&job->images, (const char *const *)args->arguments + 1, n,
                               job->given->limit);
    if (code)
        return code;
    job->file = gn_features_begin(job->given->out, job->images.samples, values);
    job->pack = gn_pack_create(job->net);
    if (!job->file || !job->pack)
        job->code = cli_fail_library();
    for (size_t i = 0; i < job->images.n && !job->code; i++) {
        job->set = &job->images.sets[i];
        code = answer_set(job);
    }
    const bool keep = job->code == CLI_DONE;
    if (gn_features_end(job->file, keep) != GN_OK && keep)
        return cli_fail_library();
    if (keep)
        report(job, &layer, values);
    return job->code;
}

static int run(struct cli_args *args)
{
    struct job job = { .given = args->values };
    int code = 0;
    if (!job.given->out)
        return cli_fail(CLI_USAGE, "features: --out is missing (--out x.npy or --out x.csv)");
    job.net = cli_open_model(args->arguments[0], &job.given->net, 0, &code);
    if (!job.net)
        return code;
    code = write_features(&job, args);
    cli_close_images(&job.images);
    gn_pack_free(job.pack);
    gn_free_net(job.net);
    return code;
}

const struct cli_command cli_features = {
    .name = "features",
    .usage = "MODEL FILE... --out FILE [flags]",
    .summary = "write the values of a layer for images as .npy or .csv",
    .examples = "  googlenet features best.safetensors pictures/ --out x.npy\n"
                "  googlenet features best.safetensors a.jpg b.jpg --layer b4.inception4a "
                "--out x.csv\n",
    .argument = "MODEL or FILE",
    .min_arguments = 2,
    .max_arguments = INT32_MAX,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct features),
    .run = run,
};
