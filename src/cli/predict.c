/*
 * googlenet predict: classes of pictures, of all pictures of folders and of the images in IDX files,
 * as text or as one JSON object a line.
 */
#include "base/path.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/images.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <stdlib.h>

enum { IMAGES_AT_ONCE = 64 };

struct predict {
    struct cli_common common;
    struct cli_net net;
    int top, threads, algorithm, weights;
    uint64_t limit; /* of each file; 0: all */
    bool logits;
    int on_bad_image; /* gn_bad_image */
};

static const struct predict defaults = { .top = 5 };

static const struct gn_option options[] = {
    CLI_HEADING("Answer"),
    { .name = "top",
      .kind = GN_OPTION_INT,
      .value = "K",
      .offset = offsetof(struct predict, top),
      .low = 1,
      .high = CLI_LARGEST_INT,
      .standard = "5",
      .help = "the K most probable classes" },
    { .name = "logits",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct predict, logits),
      .help = "also the network's values before the softmax" },
    { .name = "limit",
      .kind = GN_OPTION_COUNT,
      .value = "N",
      .offset = offsetof(struct predict, limit),
      .low = 1,
      .high = CLI_LARGEST_COUNT,
      .standard = "all",
      .help = "only the first N images of a file or folder" },
    { .name = "on-bad-image",
      .kind = GN_OPTION_CHOICE,
      .value = "WHAT",
      .offset = offsetof(struct predict, on_bad_image),
      .choice = gn_bad_image_name,
      .standard = "stop",
      .help = "stop or skip, for pictures that cannot be read" },
    CLI_ALGORITHM_ROW(struct predict),
    CLI_WEIGHTS_ROW(struct predict),
    CLI_THREADS_ROW(struct predict),
    CLI_NET_ROWS(struct predict),
    CLI_COMMON_ROWS(struct predict),
};

/* The call, and the set of images that is being answered. */
struct job {
    const struct predict *given;
    gn_net *net;
    gn_pack *pack; /* of all sets */
    struct cli_answer answer;
    const char *path; /* the set's first argument */
    bool folder;
    const gn_dataset *images;
    uint64_t left_out; /* pictures that cannot be read, with --on-bad-image skip */
    int code;
};

static void print_answer(const struct job *job, uint64_t index, const float *logits)
{
    const bool is_picture = gn_dataset_file(job->images, index) != NULL;
    char *file = cli_image_file(job->images, job->path, job->folder, &index);
    if (job->given->common.json) {
        cli_print_json(cli_answer_json(&job->answer, file, index, logits));
    } else {
        char *name = is_picture ? cli_format("%s", file)
                                : cli_format("%s[%llu]", file, (unsigned long long)index);
        cli_answer_text(&job->answer, stdout, name, logits);
        free(name);
    }
    free(file);
}

/* A network with such a weight has no answers at all. */
static int fail_not_finite(const struct job *job, uint64_t index)
{
    const char *tensor = gn_net_not_finite(job->net);
    char *file = cli_image_file(job->images, job->path, job->folder, &index);
    const int code =
        tensor ? cli_fail(CLI_FAILED,
                          "%s: the answer is not a number: the model's tensor %s has a value that "
                          "is not finite",
                          file, tensor)
               : cli_fail(CLI_FAILED, "%s: the answer is not a number", file);
    free(file);
    return code;
}

/* What the library's last error, or the message of a picture that cannot be read, means: an exit code
 * that ends the call, or 0 after it was left out. */
static int leave_out(struct job *job, const char *message)
{
    if (job->given->on_bad_image != GN_BAD_SKIP)
        return message ? cli_fail_message(CLI_DATA, message) : cli_fail_library();
    if (!message && gn_error_status() != GN_STATUS_BAD_DATA)
        return cli_fail_library();
    char *text = cli_format("left out: %s", message ? message : gn_error_message());
    cli_warn_library(text);
    free(text);
    job->left_out++;
    return CLI_DONE;
}

static int take_answer(const struct gn_answer *answer, void *user)
{
    struct job *job = user;
    if (!answer->logits) {
        job->code = leave_out(job, answer->message);
    } else if (!cli_answer_is_finite(&job->answer, answer->logits)) {
        job->code = fail_not_finite(job, answer->index);
    } else {
        print_answer(job, answer->index, answer->logits);
        job->code = ferror(stdout) ? CLI_UNREAD : CLI_DONE;
    }
    return job->code;
}

/* Answers the images of one set. */
static int answer_set(struct job *job)
{
    struct gn_dataset_info info;
    if (gn_dataset_describe(job->images, &info) != GN_OK)
        return cli_fail_library();
    cli_note_unused(&info);
    uint64_t samples = info.samples;
    cli_note_unread(&info, info.name);
    if ((job->folder || info.height > 0) && job->given->limit && job->given->limit < samples)
        samples = job->given->limit;
    if (samples == 0)
        return CLI_DONE;
    const struct gn_predict_options images = { .data = job->images, .n = samples };
    gn_predictor *predictor = gn_predictor_create_with(
        job->net, &(struct gn_predictor_options){
                      .batch = samples < IMAGES_AT_ONCE ? (int)samples : IMAGES_AT_ONCE,
                      .algorithm = (gn_algorithm)job->given->algorithm,
                      .weights = (gn_weights)job->given->weights,
                      .threads = job->given->threads,
                      .pack = job->pack,
                  });
    job->code = CLI_DONE;
    if (!predictor)
        job->code = cli_fail_library();
    else if (gn_predictor_each(predictor, &images, take_answer, job) != GN_OK && !job->code)
        job->code = cli_fail_library();
    gn_predictor_free(predictor);
    return job->code;
}

/* Answers the first of n arguments, or as many as are one set. */
static int answer_files(struct job *job, const char *const *paths, size_t n, size_t *taken)
{
    *taken = 1;
    gn_dataset *images = gn_open_image_files(paths, n, job->given->limit, taken);
    if (!images)
        return leave_out(job, NULL);
    job->path = paths[0];
    job->images = images;
    job->folder = gn_path_is_folder(paths[0]);
    const int code = answer_set(job);
    gn_close_dataset(images);
    return code;
}

static int run(struct cli_args *args)
{
    const struct predict *given = args->values;
    struct job job = { .given = given };
    int code = 0;
    job.net = cli_open_model(args->arguments[0], &given->net, 0, &code);
    if (!job.net)
        return code;
    if (cli_voice.verbose)
        cli_note_machine(given->threads);
    if (cli_is_preset(args->arguments[0]))
        cli_note("network   %s is a preset: its weights are fresh, not trained",
                 args->arguments[0]);
    job.pack = gn_pack_create(job.net);
    if (!job.pack || !cli_answer_begin(&job.answer, job.net, given->top, given->logits))
        code = cli_fail_library();
    for (size_t i = 1, taken, n = (size_t)args->n_arguments; i < n && code == CLI_DONE; i += taken)
        code = answer_files(&job, (const char *const *)args->arguments + i, n - i, &taken);
    cli_answer_end(&job.answer);
    gn_pack_free(job.pack);
    gn_free_net(job.net);
    return code == CLI_DONE && job.left_out > 0 ? CLI_DATA : code;
}

const struct cli_command cli_predict = {
    .name = "predict",
    .usage = "MODEL FILE... [flags]",
    .summary = "name the classes of images",
    .examples = "  googlenet predict best.safetensors cat.jpg dog.png\n"
                "  googlenet predict best.safetensors pictures/ --json --on-bad-image skip\n"
                "  googlenet predict best.safetensors t10k-images-idx3-ubyte.gz --limit 3\n"
                "  googlenet predict best.safetensors images.idx --top 1 --json --logits\n",
    .argument = "MODEL or FILE",
    .min_arguments = 2,
    .max_arguments = INT32_MAX,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct predict),
    .run = run,
};
