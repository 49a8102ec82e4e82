/* Integers are plain JSON numbers; other numbers are hexadecimal-float strings, which return exactly. */
#include "train/train_text.h"

#include "file/crc32c.h"
#include "file/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "gn_config.h"
#include "ops/kernels.h"
#include "train/options.h"

#include <float.h>
#include <string.h>

const struct gn_progress gn_progress_begin = { .rate_factor = 1, .plateau_loss = DBL_MAX };

/* Everything below 2^53 is exact for every JSON reader. */
static const json_int_t LARGEST_COUNT = (json_int_t)1 << 53;

static char *text_of(json_t *object)
{
    return gn_json_text(object, JSON_COMPACT, "the checkpoint's metadata");
}

/* What decides about bits; how long a run goes on does not. */
static json_t *options_object(const struct gn_settings *s)
{
    json_t *options = json_object();
    gn_options_record(&s->options, options);
    gn_json_set_text(options, "resize", gn_resize_name((int)s->rule));
    gn_json_set_count(options, "train_samples", s->n_train);
    gn_json_set_count(options, "validation_samples", s->n_val);
    return options;
}

void gn_progress_begin_epoch(struct gn_progress *progress)
{
    progress->batch = progress->samples = progress->correct = 0;
    progress->loss_sum = 0;
    memset(progress->means, 0, sizeof progress->means);
}

/* {"grad_norm":[sum,weight],...} */
static json_t *means_object(const struct gn_graph *graph, const struct gn_mean *means)
{
    char name[GN_METRIC_NAME], sum[GN_NUMBER_TEXT], weight[GN_NUMBER_TEXT];
    json_t *object = json_object();
    for (int i = 0; i < gn_means(graph); i++) {
        json_t *pair = json_array();
        gn_json_add(pair, json_string(gn_hex_text(means[i].sum, sum)));
        gn_json_add(pair, json_string(gn_hex_text(means[i].weight, weight)));
        gn_json_set(object, gn_mean_name(graph, i, name), pair);
    }
    return object;
}

char *gn_train_text(const struct gn_training *training)
{
    const struct gn_progress *p = &training->progress;
    json_t *object = json_object();
    gn_json_set_count(object, "step", p->step);
    gn_json_set_count(object, "epoch", p->epoch);
    gn_json_set_count(object, "batch", p->batch);
    gn_json_set_count(object, "samples", p->samples);
    gn_json_set_count(object, "correct", p->correct);
    gn_json_set_exact(object, "loss_sum", p->loss_sum);
    gn_json_set(object, "means", means_object(training->net->graph, p->means));
    gn_json_set_count(object, "best_epoch", p->best_epoch);
    gn_json_set_exact(object, "best_accuracy", p->best_accuracy);
    gn_json_set_exact(object, "rate_factor", p->rate_factor);
    gn_json_set_exact(object, "plateau_loss", p->plateau_loss);
    gn_json_set_count(object, "plateau_wait", p->plateau_wait);
    gn_json_set_exact(object, "watch_loss", p->watch.loss);
    gn_json_set_exact(object, "watch_norm", p->watch.norm);
    gn_json_set_count(object, "watch_stuck", p->watch.stuck);
    gn_json_set_count(object, "watch_alarm", p->watch.alarm);
    gn_json_set(object, "options", options_object(&training->settings));
    return text_of(object);
}

static json_t *data_object(const struct gn_dataset *data)
{
    if (data == NULL)
        return json_null();
    char crc[16];
    (void)snprintf(crc, sizeof crc, "%08lx", (unsigned long)data->fingerprint);
    json_t *object = json_object();
    gn_json_set_count(object, "samples", data->samples);
    gn_json_set_count(object, "height", (uint64_t)data->height);
    gn_json_set_count(object, "width", (uint64_t)data->width);
    gn_json_set_count(object, "channels", (uint64_t)data->channels);
    gn_json_set_count(object, "classes", (uint64_t)data->classes);
    gn_json_set_text(object, "crc32c", crc);
    return object;
}

char *gn_data_text(const struct gn_settings *settings)
{
    json_t *object = json_object();
    gn_json_set(object, "train", data_object(settings->options.train));
    gn_json_set(object, "validation", data_object(settings->options.validation));
    return text_of(object);
}

char *gn_build_text(void)
{
    const struct gn_kernel_set *kernels = gn_cpu_kernels();
    if (kernels == NULL)
        return NULL;
    json_t *object = json_object();
    gn_json_set_text(object, "version", GN_CONFIG_VERSION);
    gn_json_set_text(object, "compiler", GN_CONFIG_COMPILER);
    gn_json_set_text(object, "isa", kernels->isa);
    return text_of(object);
}

char *gn_history_text(const struct gn_history *history, int rows)
{
    const char *names[GN_MOST_METRICS];
    const int n = gn_history_names(history, rows, names);
    json_t *array = json_array();
    for (int i = 0; i < n; i++)
        gn_json_add(array, json_string(names[i]));
    return text_of(array);
}

/* ---- Reading ---- */

static json_t *parse(const char *text, const char *path, const char *key)
{
    json_t *object;
    if (gn_json_parse(text, &object) != GN_OK)
        return NULL;
    if (!json_is_object(object)) {
        (void)gn_fail(GN_STATUS_BAD_MODEL, "%s: checkpoint: %s", path,
                      text == NULL ? "has no training state (it is a model, not a checkpoint)"
                                   : "its metadata is no JSON object");
        gn_hint("key %s", key);
        json_decref(object);
        return NULL;
    }
    return object;
}

/* Counts that are missing or no count leave `ok` false. */
static uint64_t get_count(const json_t *object, const char *key, bool *ok)
{
    const json_t *value = json_object_get(object, key);
    const json_int_t count = json_integer_value(value);
    if (!json_is_integer(value) || count < 0 || count > LARGEST_COUNT) {
        *ok = false;
        return 0;
    }
    return (uint64_t)count;
}

static double get_real(const json_t *object, const char *key, bool *ok)
{
    const char *text = json_string_value(json_object_get(object, key));
    double value = 0;
    if (text == NULL || !gn_hex_parse(text, &value))
        *ok = false;
    return value;
}

/* Fields that came after the first version: an older checkpoint is read without them. */
static void get_later_fields(const json_t *object, struct gn_progress *p, bool *ok)
{
    p->rate_factor = gn_progress_begin.rate_factor;
    p->plateau_loss = gn_progress_begin.plateau_loss;
    if (json_object_get(object, "rate_factor") == NULL)
        return;
    p->rate_factor = get_real(object, "rate_factor", ok);
    p->plateau_loss = get_real(object, "plateau_loss", ok);
    p->plateau_wait = get_count(object, "plateau_wait", ok);
    p->watch.loss = get_real(object, "watch_loss", ok);
    p->watch.norm = get_real(object, "watch_norm", ok);
    p->watch.stuck = get_count(object, "watch_stuck", ok);
    p->watch.alarm = get_count(object, "watch_alarm", ok);
}

/* A mean that came later is missing in an older checkpoint and begins here. Version 0.1.0 had sums of
 * the heads' losses alone, by the head's number. */
static void get_means(const json_t *object, const struct gn_graph *graph, struct gn_progress *p,
                      bool *ok)
{
    const json_t *means = json_object_get(object, "means");
    char name[GN_METRIC_NAME];
    for (int i = 0; i < gn_means(graph); i++) {
        const json_t *pair = json_object_get(means, gn_mean_name(graph, i, name));
        const char *sum = json_string_value(json_array_get(pair, 0));
        const char *weight = json_string_value(json_array_get(pair, 1));
        if (pair != NULL &&
            (sum == NULL || weight == NULL || !gn_hex_parse(sum, &p->means[i].sum) ||
             !gn_hex_parse(weight, &p->means[i].weight)))
            *ok = false;
    }
    for (int i = 0; means == NULL && i < graph->n_heads; i++) {
        (void)snprintf(name, sizeof name, "head_%d_loss_sum", i);
        p->means[i] = (struct gn_mean){ get_real(object, name, ok), (double)p->samples };
    }
}

/* "64" or "sgd": a value of the options as a message shows it. */
static const char *shown(const json_t *value, char *buffer, size_t size)
{
    char text[GN_NUMBER_TEXT];
    double real;
    if (json_is_integer(value))
        (void)snprintf(buffer, size, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        (void)snprintf(buffer, size, "%s", json_is_true(value) ? "on" : "off");
    else if (!json_is_string(value))
        (void)snprintf(buffer, size, "none");
    else if (gn_hex_parse(json_string_value(value), &real))
        (void)snprintf(buffer, size, "%s", gn_decimal_text(real, text));
    else
        (void)gn_printable(buffer, size, json_string_value(value));
    return buffer;
}

static gn_status compare_options(json_t *saved, json_t *ours, const char *path)
{
    json_t *const both[] = { ours, saved };
    for (int i = 0; i < 2; i++) {
        const char *key;
        json_t *value;
        json_object_foreach(both[i], key, value)
        {
            const json_t *there = json_object_get(saved, key), *here = json_object_get(ours, key);
            if (json_equal(there, here))
                continue;
            char a[64], b[64], name[64];
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                          "%s: checkpoint: made with %s %s, this run has %s", path,
                          gn_printable(name, sizeof name, key), shown(there, a, sizeof a),
                          shown(here, b, sizeof b));
            gn_hint("a resumed run keeps the options it began with");
            return GN_STATUS_BAD_ARGUMENT;
        }
    }
    return GN_OK;
}

static gn_status check_progress(const struct gn_progress *p, const struct gn_settings *s,
                                const char *path)
{
    const uint64_t batch = s->step_samples, batches = s->epoch_steps;
    const uint64_t samples = p->batch * batch < s->n_train ? p->batch * batch : s->n_train;
    if (p->epoch > INT32_MAX || p->batch > batches || p->step != p->epoch * batches + p->batch ||
        p->samples > samples || p->correct > p->samples || p->best_epoch > p->epoch ||
        !(p->rate_factor >= 0) || p->rate_factor > 1)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: checkpoint: its position contradicts itself (step=%llu epoch=%llu "
                "batch=%llu samples=%llu, an epoch has %llu batches)",
                path, (unsigned long long)p->step, (unsigned long long)p->epoch,
                (unsigned long long)p->batch, (unsigned long long)p->samples,
                (unsigned long long)batches);
    return GN_OK;
}

gn_status gn_train_text_read(const char *text, const char *path, const struct gn_training *training,
                             struct gn_progress *progress)
{
    json_t *ours = options_object(&training->settings), *object = NULL;
    if (gn_json_made(ours, "the run's options") == GN_OK)
        object = parse(text, path, "gn.train");
    if (object == NULL) {
        json_decref(ours);
        return gn_last_status();
    }
    bool ok = true;
    *progress = (struct gn_progress){ .step = get_count(object, "step", &ok),
                                      .epoch = get_count(object, "epoch", &ok),
                                      .batch = get_count(object, "batch", &ok),
                                      .samples = get_count(object, "samples", &ok),
                                      .correct = get_count(object, "correct", &ok),
                                      .loss_sum = get_real(object, "loss_sum", &ok),
                                      .best_epoch = get_count(object, "best_epoch", &ok),
                                      .best_accuracy = get_real(object, "best_accuracy", &ok) };
    get_later_fields(object, progress, &ok);
    get_means(object, training->net->graph, progress, &ok);
    gn_status status = GN_OK;
    if (!ok || !json_is_object(json_object_get(object, "options")))
        status = gn_fail(GN_STATUS_BAD_MODEL,
                         "%s: checkpoint: a field of gn.train is missing or no number", path);
    if (status == GN_OK)
        status = compare_options(json_object_get(object, "options"), ours, path);
    if (status == GN_OK)
        status = check_progress(progress, &training->settings, path);
    json_decref(ours);
    json_decref(object);
    return status;
}

gn_status gn_history_text_read(const char *text, const char *path,
                               const struct gn_training *training, struct gn_metrics *columns)
{
    static const char *const first[] = { "loss",         "accuracy",     "val_loss",
                                         "val_accuracy", "val_ema_loss", "val_ema_accuracy" };
    const struct gn_settings *s = &training->settings;
    const int n_first = s->n_val == 0 ? 2 : s->options.ema > 0 ? 6 : 4;
    json_t *array;
    GN_TRY(gn_json_parse(text, &array));
    const size_t n = text == NULL ? (size_t)n_first : json_array_size(array);
    bool ok = text == NULL || (json_is_array(array) && n <= GN_MOST_METRICS);
    *columns = (struct gn_metrics){ .n = 0 };
    for (size_t i = 0; ok && i < n; i++) {
        const char *name = text == NULL ? first[i] : json_string_value(json_array_get(array, i));
        ok = name != NULL && strlen(name) < GN_METRIC_NAME;
        if (ok)
            gn_metrics_add(columns, name, 0, false);
    }
    json_decref(array);
    if (!ok)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: checkpoint: gn.history is not a list of at most %d names of metrics", path,
                (int)GN_MOST_METRICS);
    return GN_OK;
}

/* "60000 samples (crc32c 0123abcd)", "none". */
static void describe_data(const json_t *data, char *buffer, size_t size)
{
    char crc[16];
    const char *text = json_string_value(json_object_get(data, "crc32c"));
    if (text == NULL)
        (void)snprintf(buffer, size, "none");
    else
        (void)snprintf(buffer, size, "%lld samples of %lldx%lld (CRC32C %s)",
                       (long long)json_integer_value(json_object_get(data, "samples")),
                       (long long)json_integer_value(json_object_get(data, "height")),
                       (long long)json_integer_value(json_object_get(data, "width")),
                       gn_printable(crc, sizeof crc, text));
}

gn_status gn_data_text_check(const char *text, const char *path, const struct gn_settings *settings)
{
    static const char *const keys[] = { "train", "validation" };
    json_t *saved = parse(text, path, "gn.data");
    if (saved == NULL)
        return gn_last_status();
    json_t *ours[] = { data_object(settings->options.train),
                       data_object(settings->options.validation) };
    gn_status status = GN_OK;
    for (int i = 0; i < 2; i++)
        if (status == GN_OK)
            status = gn_json_made(ours[i], "the description of the data");
    for (int i = 0; i < 2; i++) {
        const json_t *there = json_object_get(saved, keys[i]);
        char a[96], b[96];
        if (status == GN_OK && !json_equal(there, ours[i])) {
            describe_data(there, a, sizeof a);
            describe_data(ours[i], b, sizeof b);
            status = gn_fail(GN_STATUS_BAD_DATA,
                             "%s: checkpoint: its %s data are %s, the data given now are %s; a run "
                             "goes on with the data it began with",
                             path, i == 0 ? "training" : "validation", a, b);
        }
        json_decref(ours[i]);
    }
    json_decref(saved);
    return status;
}

gn_status gn_build_text_compare(const char *text, const char *path, char *note, size_t note_size)
{
    char *ours = gn_build_text();
    if (ours == NULL)
        return gn_last_status();
    if (text == NULL || strcmp(text, ours) != 0) {
        char there[128], here[128];
        (void)snprintf(note, note_size,
                       "%s: checkpoint: written by another build (%s), this is %s; the bits of the "
                       "resumed run may differ",
                       path, gn_printable(there, sizeof there, text == NULL ? "unknown" : text),
                       gn_printable(here, sizeof here, ours));
    }
    gn_free(ours);
    return GN_OK;
}

/* ---- The same of several processes ---- */

static const char *const NAMES[] = { "build", "data", "options or progress", "weights" };
enum { N_NAMES = sizeof NAMES / sizeof NAMES[0] };

static gn_status hash_text(char *text, uint32_t *hash)
{
    if (text == NULL)
        return gn_last_status();
    *hash = gn_crc32c(0, text, strlen(text));
    gn_free(text);
    return GN_OK;
}

gn_status gn_train_compare_ranks(const struct gn_training *training)
{
    gn_ranks *ranks = training->settings.options.ranks;
    uint32_t all[GN_MOST_RANKS][N_NAMES];
    uint32_t *own = all[gn_ranks_rank(ranks)];
    if (gn_ranks_size(ranks) == 1)
        return GN_OK;
    GN_TRY(hash_text(gn_build_text(), &own[0]));
    GN_TRY(hash_text(gn_data_text(&training->settings), &own[1]));
    GN_TRY(hash_text(gn_train_text(training), &own[2]));
    own[3] = gn_net_hash(training->net);
    GN_TRY(gn_ranks_share_equal(ranks, all, sizeof all[0]));
    for (int r = 1; r < gn_ranks_size(ranks); r++)
        for (int i = 0; i < N_NAMES; i++)
            if (all[r][i] != all[0][i])
                GN_FAIL(GN_STATUS_NO_DEVICE, "training: rank %d has other %s than rank 0", r,
                        NAMES[i]);
    return GN_OK;
}
