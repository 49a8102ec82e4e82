/*
 * googlenet predict: classes of pictures, of all pictures of folders and of the images in IDX files,
 * as text or as one JSON object a line.
 */
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { IMAGES_AT_ONCE = 64 };

struct predict {
    struct cli_common common;
    struct cli_net net;
    int top, threads;
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
    CLI_THREADS_ROW(struct predict),
    CLI_NET_ROWS(struct predict),
    CLI_COMMON_ROWS(struct predict),
};

/* One file being answered, with room for a batch of its images. */
struct answer {
    const struct predict *given;
    gn_net *net;
    struct gn_net_info info;
    const char *file; /* as it was named: an IDX file, a picture or a folder */
    const gn_dataset *images;
    bool folder;
    float *logits;         /* IMAGES_AT_ONCE * classes */
    double *probabilities; /* classes */
    int *order;            /* classes, by falling probability */
};

/* Softmax in double, and the classes by falling probability; of equals the lower class first. */
static void rank_classes(struct answer *answer, const float *logits)
{
    const int classes = answer->info.classes;
    const int top = answer->given->top < classes ? answer->given->top : classes;
    double largest = (double)logits[0], sum = 0.0;
    for (int i = 1; i < classes; i++)
        largest = (double)logits[i] > largest ? (double)logits[i] : largest;
    for (int i = 0; i < classes; i++)
        sum += answer->probabilities[i] = exp((double)logits[i] - largest);
    for (int i = 0; i < classes; i++) {
        answer->probabilities[i] /= sum;
        answer->order[i] = i;
    }
    for (int k = 0; k < top; k++) {
        int best = k;
        for (int i = k + 1; i < classes; i++) {
            const float a = logits[answer->order[i]], b = logits[answer->order[best]];
            if (a > b || (!(a < b) && answer->order[i] < answer->order[best]))
                best = i;
        }
        const int swapped = answer->order[k];
        answer->order[k] = answer->order[best];
        answer->order[best] = swapped;
    }
}

/* The class's name, or its number where the model knows no names. */
static const char *class_name(const struct answer *answer, int class, char *buffer, size_t size)
{
    if (answer->info.labels)
        return answer->info.labels[class];
    snprintf(buffer, size, "%d", class);
    return buffer;
}

/* The file that image `index` is in, and its number there, which is what *index becomes. Free with
 * free(). */
static char *file_of(const struct answer *answer, uint64_t *index)
{
    const char *picture = gn_dataset_file(answer->images, *index);
    size_t n = strlen(answer->file);
    if (!answer->folder || !picture)
        return cli_format("%s", answer->file);
    *index = 0;
    while (n > 1 && answer->file[n - 1] == '/')
        n--;
    return cli_format("%.*s/%s", (int)n, answer->file, picture);
}

static void print_json_line(const struct answer *answer, uint64_t index, const float *logits)
{
    const int classes = answer->info.classes;
    json_t *line = json_object(), *top = json_array();
    char *file = file_of(answer, &index);
    json_object_set_new(line, "file", cli_json_text(file));
    free(file);
    json_object_set_new(line, "index", json_integer((json_int_t)index));
    for (int k = 0; k < answer->given->top && k < classes; k++) {
        char name[16];
        const int class = answer->order[k];
        json_t *entry = json_object();
        json_object_set_new(entry, "label",
                            cli_json_text(class_name(answer, class, name, sizeof name)));
        json_object_set_new(entry, "index", json_integer(class));
        json_object_set_new(entry, "probability",
                            cli_json_float((float)answer->probabilities[class]));
        json_array_append_new(top, entry);
    }
    json_object_set_new(line, "top", top);
    if (answer->given->logits) {
        json_t *values = json_array();
        for (int i = 0; i < classes; i++)
            json_array_append_new(values, cli_json_float(logits[i]));
        json_object_set_new(line, "logits", values);
    }
    cli_print_json(line);
}

static void print_text_line(const struct answer *answer, uint64_t index, const float *logits)
{
    const int classes = answer->info.classes;
    const bool is_picture = gn_dataset_file(answer->images, index) != NULL;
    char *file = file_of(answer, &index);
    if (is_picture)
        printf("%s:", file);
    else
        printf("%s[%llu]:", file, (unsigned long long)index);
    free(file);
    for (int k = 0; k < answer->given->top && k < classes; k++) {
        char name[16];
        const int class = answer->order[k];
        printf("%s %s %.4f", k ? "," : "", class_name(answer, class, name, sizeof name),
               answer->probabilities[class]);
    }
    if (answer->given->logits) {
        printf("; logits");
        for (int i = 0; i < classes; i++)
            printf(" %.9g", (double)logits[i]);
    }
    putchar('\n');
}

/* Answers images first..first+n-1 of the file. A picture that cannot be read ends it, or with `skip`
 * is left out: then the others are answered one by one. */
static int answer_batch(struct answer *answer, uint64_t first, int n)
{
    const struct gn_predict_options options_of_run = {
        .data = answer->images,
        .first = first,
        .n = (uint64_t)n,
        .threads = answer->given->threads,
    };
    const bool skips = answer->given->on_bad_image == GN_BAD_SKIP;
    if (gn_predict_with(answer->net, answer->logits, &options_of_run) != GN_OK) {
        int code = CLI_DONE;
        if (!skips || gn_error_status() != GN_STATUS_BAD_DATA)
            return cli_fail_library();
        if (n == 1)
            cli_warn("left out: %s", gn_error_message());
        for (int i = 0; i < n && n > 1 && code == CLI_DONE; i++)
            code = answer_batch(answer, first + (uint64_t)i, 1);
        return code;
    }
    for (int i = 0; i < n; i++) {
        const float *logits = answer->logits + (size_t)i * (size_t)answer->info.classes;
        rank_classes(answer, logits);
        if (answer->given->common.json)
            print_json_line(answer, first + (uint64_t)i, logits);
        else
            print_text_line(answer, first + (uint64_t)i, logits);
    }
    /* Nobody reads on: a closed pipe ends the work. */
    return ferror(stdout) ? CLI_ENVIRONMENT : CLI_DONE;
}

static int answer_file(struct answer *answer, const char *path)
{
    struct gn_dataset_info info;
    struct stat status;
    int code = CLI_DONE;
    gn_dataset *images = gn_open_images(path);
    if (!images)
        return cli_fail_library();
    if (gn_dataset_describe(images, &info) != GN_OK)
        code = cli_fail_library();
    uint64_t samples = code ? 0 : info.samples;
    if (answer->given->limit && answer->given->limit < samples)
        samples = answer->given->limit;
    answer->file = path;
    answer->images = images;
    answer->folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    for (uint64_t first = 0; first < samples && code == CLI_DONE; first += IMAGES_AT_ONCE) {
        const uint64_t left = samples - first;
        code = answer_batch(answer, first, left < IMAGES_AT_ONCE ? (int)left : IMAGES_AT_ONCE);
    }
    gn_close_dataset(images);
    return code;
}

static int run(struct cli_args *args)
{
    const struct predict *given = args->values;
    struct answer answer = { .given = given };
    int code = 0;
    answer.net = cli_open_model(args->arguments[0], &given->net, 0, &code);
    if (!answer.net)
        return code;
    if (gn_net_describe(answer.net, &answer.info) != GN_OK)
        code = cli_fail_library();
    const size_t classes = code ? 1 : (size_t)answer.info.classes;
    answer.logits = cli_calloc(classes * IMAGES_AT_ONCE, sizeof *answer.logits);
    answer.probabilities = cli_calloc(classes, sizeof *answer.probabilities);
    answer.order = cli_calloc(classes, sizeof *answer.order);
    if (cli_voice.verbose)
        cli_note_machine(given->threads);
    if (cli_is_preset(args->arguments[0]))
        cli_note("network   %s is a preset: its weights are fresh, not trained",
                 args->arguments[0]);
    for (int i = 1; i < args->n_arguments && code == 0; i++)
        code = answer_file(&answer, args->arguments[i]);
    free(answer.logits);
    free(answer.probabilities);
    free(answer.order);
    gn_free_net(answer.net);
    return code;
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
