/*
 * googlenet nearest: which images of a collection are most like one image, by the cosine between the
 * values of a layer.
 */
#include "base/number.h"
#include "cli/commands.h"
#include "cli/images.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <stdlib.h>
#include <string.h>

enum { IMAGES_AT_ONCE = 64 };

struct nearest {
    struct cli_common common;
    struct cli_net net;
    const char *layer;
    uint64_t limit, index;
    int top, threads;
};

static const struct nearest defaults = { .top = 5 };

/* clang-format off */
static const struct gn_option options[] = {
    CLI_HEADING("Search"),
    { .name = "top", .kind = GN_OPTION_INT, .value = "K", .offset = offsetof(struct nearest, top),
      .low = 1, .high = 1000000, .standard = "5", .help = "the K most similar images" },
    { .name = "layer", .kind = GN_OPTION_TEXT, .value = "NAME", .offset = offsetof(struct nearest, layer),
      .standard = "what the last dense layer reads", .help = "the layer whose values are compared" },
    { .name = "index", .kind = GN_OPTION_COUNT, .value = "I", .offset = offsetof(struct nearest, index),
      .low = 0, .high = CLI_LARGEST_COUNT, .standard = "0",
      .help = "the number of the image in the first FILE, from 0, if that is an IDX file or a folder" },
    { .name = "limit", .kind = GN_OPTION_COUNT, .value = "N", .offset = offsetof(struct nearest, limit),
      .low = 1, .high = CLI_LARGEST_COUNT, .standard = "all",
      .help = "only the first N images of each file or folder that is searched" },
    CLI_THREADS_ROW(struct nearest),
    CLI_NET_ROWS(struct nearest),
    CLI_COMMON_ROWS(struct nearest),
};
/* clang-format on */

struct found {
    char *file;
    uint64_t index;
    char *name;
    double cosine;
};

struct job {
    const struct nearest *given;
    gn_net *net;
    gn_pack *pack;
    const char *layer;
    size_t values;
    float *query;
    char *query_file; /* the image itself is not counted */
    uint64_t query_index;
    struct cli_images searched;
    const struct cli_image_set *set;
    struct found *found; /* most similar first */
    int n;
    int code;
};

/* Keeps the K best; of equals the earlier one stays before. */
static void keep(struct job *job, struct found found)
{
    int at = job->n;
    while (at > 0 && job->found[at - 1].cosine < found.cosine)
        at--;
    if (at == job->given->top) {
        free(found.file);
        free(found.name);
        return;
    }
    if (job->n == job->given->top) {
        free(job->found[job->n - 1].file);
        free(job->found[job->n - 1].name);
        job->n--;
    }
    memmove(job->found + at + 1, job->found + at, (size_t)(job->n - at) * sizeof found);
    job->found[at] = found;
    job->n++;
}

static int take_answer(const struct gn_answer *answer, void *user)
{
    struct job *job = user;
    if (!answer->logits) {
        job->code = cli_fail_message(CLI_DATA, answer->message);
        return 1;
    }
    struct found found = { .index = answer->index };
    found.file = cli_image_file(job->set->images, job->set->path, job->set->folder, &found.index);
    found.name = cli_image_name(job->set, answer->index);
    found.cosine = gn_cosine(job->query, answer->logits, job->values);
    if (strcmp(found.file, job->query_file) == 0 && found.index == job->query_index) {
        free(found.file);
        free(found.name);
        return 0;
    }
    keep(job, found);
    return 0;
}

static gn_predictor *predictor_of(const struct job *job, uint64_t n)
{
    return gn_predictor_create_with(job->net,
                                    &(struct gn_predictor_options){
                                        .batch = n < IMAGES_AT_ONCE ? (int)n : IMAGES_AT_ONCE,
                                        .threads = job->given->threads,
                                        .pack = job->pack,
                                        .layer = job->layer,
                                    });
}

/* The values of the image that is asked for. */
static int look_at_query(struct job *job, const char *path)
{
    struct cli_images query = { 0 };
    const uint64_t wanted = job->given->index;
    int code = cli_open_images(&query, &path, 1, wanted + 1);
    if (!code && wanted >= query.samples)
        code = cli_fail(CLI_USAGE, "%s: --index %llu, but it holds %llu images", path,
                        (unsigned long long)wanted, (unsigned long long)query.samples);
    if (!code) {
        gn_predictor *predictor = predictor_of(job, 1);
        const struct gn_predict_options one = { .data = query.sets->images,
                                                .first = wanted,
                                                .n = 1 };
        if (!predictor || gn_predictor_run(predictor, job->query, &one) != GN_OK)
            code = cli_fail_library();
        gn_predictor_free(predictor);
        job->query_index = wanted;
        job->query_file =
            cli_image_file(query.sets->images, path, query.sets->folder, &job->query_index);
    }
    cli_close_images(&query);
    return code;
}

static int search(struct job *job)
{
    for (size_t i = 0; i < job->searched.n && !job->code; i++) {
        job->set = &job->searched.sets[i];
        if (job->set->samples == 0)
            continue;
        const struct gn_predict_options images = { .data = job->set->images,
                                                   .n = job->set->samples };
        gn_predictor *predictor = predictor_of(job, job->set->samples);
        if (!predictor ||
            (gn_predictor_each(predictor, &images, take_answer, job) != GN_OK && !job->code))
            job->code = cli_fail_library();
        gn_predictor_free(predictor);
    }
    return job->code;
}

static void report(const struct job *job)
{
    json_t *list = json_array();
    for (int i = 0; i < job->n; i++) {
        const struct found *f = &job->found[i];
        if (!job->given->common.json) {
            cli_line("%7.4f  %s", f->cosine, f->name);
            continue;
        }
        json_t *row = json_object();
        json_object_set_new(row, "file", cli_json_text(f->file));
        json_object_set_new(row, "index", json_integer((json_int_t)f->index));
        json_object_set_new(row, "cosine", cli_json_real(f->cosine));
        json_array_append_new(list, row);
    }
    if (!job->given->common.json) {
        json_decref(list);
        return;
    }
    json_t *root = json_object();
    json_object_set_new(root, "file", cli_json_text(job->query_file));
    json_object_set_new(root, "index", json_integer((json_int_t)job->query_index));
    json_object_set_new(root, "nearest", list);
    cli_print_json(root);
}

static int answer(struct job *job, struct cli_args *args)
{
    struct gn_layer_info layer;
    if (gn_find_layer(job->net, job->given->layer, &layer, &job->values) != GN_OK)
        return cli_fail_library();
    job->layer = layer.name;
    job->query = cli_calloc(job->values, sizeof *job->query);
    job->pack = gn_pack_create(job->net);
    if (!job->pack)
        return cli_fail_library();
    int code = look_at_query(job, args->arguments[1]);
    if (!code)
        code = cli_open_images(&job->searched, (const char *const *)args->arguments + 2,
                               (size_t)args->n_arguments - 2, job->given->limit);
    job->found = cli_calloc((size_t)job->given->top + 1, sizeof *job->found);
    if (!code)
        code = search(job);
    if (!code)
        report(job);
    return code;
}

static int run(struct cli_args *args)
{
    struct job job = { .given = args->values };
    int code = 0;
    job.net = cli_open_model(args->arguments[0], &job.given->net, 0, &code);
    if (!job.net)
        return code;
    code = answer(&job, args);
    for (int i = 0; i < job.n; i++) {
        free(job.found[i].file);
        free(job.found[i].name);
    }
    free(job.found);
    free(job.query);
    free(job.query_file);
    cli_close_images(&job.searched);
    gn_pack_free(job.pack);
    gn_free_net(job.net);
    return code;
}

const struct cli_command cli_nearest = {
    .name = "nearest",
    .usage = "MODEL FILE WHERE... [flags]",
    .summary = "find the images that are most like one image",
    .examples = "  googlenet nearest best.safetensors cat.jpg pictures/\n"
                "  googlenet nearest best.safetensors t10k-images-idx3-ubyte.gz "
                "t10k-images-idx3-ubyte.gz --index 7\n",
    .argument = "MODEL, FILE or WHERE",
    .min_arguments = 3,
    .max_arguments = INT32_MAX,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct nearest),
    .run = run,
};
