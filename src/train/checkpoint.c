/*
 * Tensors of a checkpoint: the weights under their own names, the optimiser's arrays below
 * "train/<array>/", and "train/history" (float64, a row an epoch; the names of its columns are the
 * list gn.history, NaN is what a row does not have). What is no tensor is JSON in the metadata.
 */
#include "os/folders.h"
#include "train/checkpoint.h"

#include "base/memory.h"
#include "base/task.h"
#include "formats/model.h"
#include "train/train_text.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { MAX_ARRAYS = 5, N_TEXTS = 6 };

static const char *const HISTORY = "train/history";

/* ---- Writing ---- */

/* Everything that must live until the file is written. */
struct gn_checkpoint {
    char path[GN_RUN_PATH], previous[GN_RUN_PATH];
    struct gn_task task;
    int n_tensors;
    struct gn_st_tensor *tensors;
    char *names;
    double *history;
    struct gn_st_text texts[N_TEXTS];
    char *values[N_TEXTS];
};

static void checkpoint_free(struct gn_checkpoint *c)
{
    gn_free(c->tensors);
    gn_free(c->names);
    gn_free(c->history);
    for (int i = 0; i < N_TEXTS; i++)
        gn_free(c->values[i]);
    gn_free(c);
}

/* The rows as a tensor; none when no epoch is finished. */
static gn_status add_history(struct gn_checkpoint *c, const struct gn_training *t)
{
    const char *names[GN_MOST_METRICS];
    const uint64_t rows = t->progress.epoch;
    const size_t columns = (size_t)gn_history_names(t->history, (int)rows, names);
    if (rows == 0)
        return GN_OK;
    c->history = gn_calloc((size_t)(rows * columns), sizeof(double), "the checkpoint's history");
    if (c->history == NULL)
        return gn_last_status();
    for (uint64_t i = 0; i < rows; i++)
        for (size_t k = 0; k < columns; k++)
            c->history[i * columns + k] = gn_metric_value(&t->history->rows[i].metrics, names[k]);
    c->tensors[c->n_tensors++] = (struct gn_st_tensor){ .name = HISTORY,
                                                        .dtype = GN_F64,
                                                        .rank = 2,
                                                        .shape = { rows, columns },
                                                        .count = rows * columns,
                                                        .data = c->history };
    return GN_OK;
}

static gn_status build(struct gn_checkpoint *c, const struct gn_training *t)
{
    static const char *const keys[N_TEXTS] = { "gn.model", "gn.graph", "gn.train",
                                               "gn.data",  "gn.build", "gn.history" };
    const int per_array = t->net->graph->n_tensors;
    const size_t most = MAX_ARRAYS * (size_t)per_array;
    c->tensors = gn_calloc(most + 1, sizeof *c->tensors, "the checkpoint's tensors");
    c->names = gn_calloc(most, GN_ST_NAME_BYTES, "the checkpoint's names");
    if (c->tensors == NULL || c->names == NULL)
        return gn_last_status();
    const float *values = t->net->params;
    const char *prefix = "";
    for (int i = 0; values != NULL; i++) {
        gn_model_tensors(t->net, values, prefix, c->names + (size_t)c->n_tensors * GN_ST_NAME_BYTES,
                         c->tensors + c->n_tensors);
        c->n_tensors += per_array;
        values = gn_updater_state(t->updater, i, &prefix);
    }
    GN_TRY(add_history(c, t));
    c->values[0] = gn_model_metadata(t->net);
    c->values[1] = gn_graph_text(t->net->graph, (gn_node){ t->net->output });
    c->values[2] = gn_train_text(t);
    c->values[3] = gn_data_text(&t->settings);
    c->values[4] = gn_build_text();
    c->values[5] = gn_history_text(t->history, (int)t->progress.epoch);
    for (int i = 0; i < N_TEXTS; i++) {
        if (c->values[i] == NULL)
            return gn_last_status();
        c->texts[i] = (struct gn_st_text){ .key = keys[i], .value = c->values[i] };
    }
    return GN_OK;
}

static gn_status write_file(void *argument)
{
    const struct gn_checkpoint *c = argument;
    return gn_st_write(c->path, c->tensors, c->n_tensors, c->texts, N_TEXTS, c->previous);
}

struct gn_checkpoint *gn_checkpoint_begin(const struct gn_training *training,
                                          const struct gn_run_folder *folder)
{
    struct gn_checkpoint *c = gn_calloc(1, sizeof *c, "a checkpoint");
    if (c == NULL)
        return NULL;
    gn_run_file(folder, "checkpoint.safetensors", c->path);
    gn_run_file(folder, "checkpoint.previous.safetensors", c->previous);
    if (build(c, training) != GN_OK) {
        checkpoint_free(c);
        return NULL;
    }
    gn_task_start(&c->task, write_file, c);
    return c;
}

gn_status gn_checkpoint_end(struct gn_checkpoint *checkpoint)
{
    if (checkpoint == NULL)
        return gn_last_status();
    const gn_status status = gn_task_join(&checkpoint->task);
    checkpoint_free(checkpoint);
    return status;
}

void gn_checkpoint_drop(struct gn_checkpoint *checkpoint)
{
    if (checkpoint == NULL)
        return;
    gn_task_wait(&checkpoint->task);
    checkpoint_free(checkpoint);
}

gn_status gn_checkpoint_write(const struct gn_training *training,
                              const struct gn_run_folder *folder)
{
    return gn_checkpoint_end(gn_checkpoint_begin(training, folder));
}

/* ---- Reading ---- */

/* A generation that was read and checked, not yet put into place. */
struct generation {
    struct gn_st_file *file;
    const char *path;
    struct gn_progress progress;
    struct gn_metrics columns; /* names of the history's */
};

static gn_status check_history(const struct generation *g)
{
    const struct gn_st_tensor *tensor = gn_st_find(g->file, HISTORY);
    const uint64_t rows = g->progress.epoch, columns = (uint64_t)g->columns.n;
    if (tensor == NULL ? rows != 0
                       : tensor->dtype != GN_F64 || tensor->rank != 2 || tensor->shape[0] != rows ||
                             tensor->shape[1] != columns)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: checkpoint: tensor \"%s\" is not float64 [%llu,%llu], a row for each of %llu "
                "finished epochs",
                g->path, HISTORY, (unsigned long long)rows, (unsigned long long)columns,
                (unsigned long long)rows);
    return GN_OK;
}

static gn_status open_generation(const struct gn_training *t, struct generation *g)
{
    g->file = gn_st_open(g->path);
    if (g->file == NULL)
        return gn_last_status();
    if (!gn_st_is_ours(g->file))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: checkpoint: has no checksums and no training state; a run cannot go on from "
                "it",
                g->path);
    GN_TRY(gn_model_check_file(t->net, g->file, g->path));
    GN_TRY(gn_data_text_check(gn_st_metadata(g->file, "gn.data"), g->path, &t->settings));
    GN_TRY(gn_train_text_read(gn_st_metadata(g->file, "gn.train"), g->path, t, &g->progress));
    GN_TRY(gn_history_text_read(gn_st_metadata(g->file, "gn.history"), g->path, t, &g->columns));
    return check_history(g);
}

static gn_status restore_history(struct gn_training *t, const struct generation *g)
{
    const int rows = (int)g->progress.epoch;
    GN_TRY(gn_history_reserve(t->history, rows));
    t->history->n = 0;
    const struct gn_st_tensor *tensor = gn_st_find(g->file, HISTORY);
    const size_t columns = (size_t)g->columns.n;
    const char *data = rows == 0 ? NULL : tensor->data;
    for (int i = 0; i < rows; i++) {
        struct gn_metrics metrics = { .n = 0 };
        for (size_t k = 0; k < columns; k++) {
            double value;
            memcpy(&value, data + ((size_t)i * columns + k) * sizeof value, sizeof value);
            gn_metrics_add(&metrics, g->columns.list[k].name, value, false);
        }
        gn_history_append(t->history, i + 1, &metrics);
    }
    t->history->best = (int)g->progress.best_epoch - 1;
    return GN_OK;
}

/* Weights go through an array aside, so that a bad file leaves the net alone. */
static gn_status restore(struct gn_training *t, const struct generation *g)
{
    const size_t n = t->net->graph->n_floats;
    float *params = gn_calloc(n, sizeof *params, "the checkpoint's weights");
    gn_status status = params == NULL ? gn_last_status() : GN_OK;
    if (status == GN_OK)
        status = gn_model_read_tensors(t->net, g->file, g->path, "", params);
    const char *prefix;
    float *state = gn_updater_state(t->updater, 0, &prefix);
    for (int i = 1; status == GN_OK && state != NULL; i++) {
        status = gn_model_read_tensors(t->net, g->file, g->path, prefix, state);
        state = gn_updater_state(t->updater, i, &prefix);
    }
    if (status == GN_OK)
        status = restore_history(t, g);
    /* A run that began with a model file has that file's preprocessing, which no option tells. */
    if (status == GN_OK)
        status = gn_model_read_pixels(t->net, g->file, g->path);
    if (status == GN_OK) {
        memcpy(t->net->params, params, n * sizeof *params);
        t->progress = g->progress;
    }
    gn_free(params);
    return status;
}

gn_status gn_checkpoint_read(struct gn_training *training, const struct gn_run_folder *folder,
                             char *note, size_t note_size)
{
    char paths[2][GN_RUN_PATH];
    struct generation found[2] = {
        { .path = gn_run_file(folder, "checkpoint.safetensors", paths[0]) },
        { .path = gn_run_file(folder, "checkpoint.previous.safetensors", paths[1]) },
    };
    bool whole[2] = { false, false };
    char fault[512] = "";
    gn_status status = GN_OK;
    note[0] = '\0';
    for (int i = 0; i < 2; i++) {
        if (!gn_path_exists(found[i].path))
            continue;
        const gn_status opened = open_generation(training, &found[i]);
        whole[i] = opened == GN_OK;
        /* The first fault is the one to report: that of the newest file. */
        if (opened != GN_OK && fault[0] == '\0') {
            (void)snprintf(fault, sizeof fault, "%s", gn_error_message());
            status = opened;
        }
    }
    /* Only damage is a reason to look at the older file; other options or data are not. */
    const bool damaged = status == GN_OK || status == GN_STATUS_BAD_MODEL;
    const int newest = whole[1] && (!whole[0] || found[1].progress.step > found[0].progress.step);
    if (damaged && whole[newest]) {
        status = restore(training, &found[newest]);
        if (status == GN_OK)
            status = gn_build_text_compare(gn_st_metadata(found[newest].file, "gn.build"),
                                           found[newest].path, note, note_size);
        if (status == GN_OK && note[0] == '\0' && newest == 1)
            (void)snprintf(note, note_size, "%s\n  hint: using %s (step %llu)", fault, paths[1],
                           (unsigned long long)found[1].progress.step);
    } else {
        status = gn_fail(status == GN_OK ? GN_STATUS_BAD_DATA : status, "%s",
                         fault[0] != '\0' ? fault : "the checkpoint has disappeared");
    }
    for (int i = 0; i < 2; i++)
        gn_st_close(found[i].file);
    return status;
}
