/* Line by line; an epoch that is there twice counts as its last record says. */
#include "run/history_read.h"

#include "base/memory.h"
#include "file/file.h"
#include "file/json.h"
#include "run/run_folder.h"

#include <string.h>

enum { LONGEST_FILE = 1 << 30, LINE_BYTES = 8192, MOST_EPOCHS = 10000000 };

struct lines {
    struct gn_history *history;
    void (*on_step)(void *user, uint64_t step, const struct gn_metrics *metrics);
    void *user;
};

static void take_metrics(json_t *record, struct gn_metrics *metrics)
{
    const char *name;
    json_t *value;
    *metrics = (struct gn_metrics){ .n = 0 };
    json_object_foreach(record, name, value)
    {
        const bool is_time = strcmp(name, "seconds") == 0 || strcmp(name, "images_per_second") == 0;
        if (json_is_number(value) && strcmp(name, "epoch") != 0 && strcmp(name, "step") != 0)
            gn_metrics_add(metrics, name, json_number_value(value), is_time);
    }
}

static gn_status add_row(struct gn_history *history, json_int_t epoch, json_t *record)
{
    struct gn_metrics metrics;
    if (epoch < 1 || epoch > MOST_EPOCHS)
        return GN_OK;
    while (history->n > 0 && history->rows[history->n - 1].epoch >= epoch)
        history->n--;
    take_metrics(record, &metrics);
    if (history->n == history->capacity)
        GN_TRY(gn_history_reserve(history, 2 * history->n + 16));
    gn_history_append(history, (int)epoch, &metrics);
    return GN_OK;
}

static gn_status take_line(struct lines *lines, const char *line, size_t n)
{
    json_t *record;
    GN_TRY(gn_json_load(line, n, &record, NULL));
    const json_t *epoch = json_object_get(record, "epoch"), *step = json_object_get(record, "step");
    gn_status status = GN_OK;
    if (json_is_integer(epoch)) {
        status = add_row(lines->history, json_integer_value(epoch), record);
    } else if (json_is_integer(step) && json_integer_value(step) > 0 && lines->on_step != NULL) {
        struct gn_metrics metrics;
        take_metrics(record, &metrics);
        lines->on_step(lines->user, (uint64_t)json_integer_value(step), &metrics);
    }
    json_decref(record);
    return status;
}

static gn_status take_lines(struct lines *lines, const struct gn_bytes *file)
{
    const char *at = (const char *)file->data, *end = at + file->size, *newline;
    for (; at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL; at = newline + 1)
        if (newline - at < LINE_BYTES)
            GN_TRY(take_line(lines, at, (size_t)(newline - at)));
    return GN_OK;
}

static void find_best(struct gn_history *history)
{
    for (int i = 0; i < history->n; i++)
        if (history->best < 0 ||
            gn_epoch_is_better(&history->rows[i], &history->rows[history->best]))
            history->best = i;
}

struct gn_history *gn_history_of_run(const char *run,
                                     void (*on_step)(void *user, uint64_t step,
                                                     const struct gn_metrics *metrics),
                                     void *user)
{
    char path[GN_RUN_PATH];
    struct gn_bytes file = { .data = NULL };
    (void)snprintf(path, sizeof path, "%s/history.jsonl", run);
    if (gn_file_read(path, "history", GN_STATUS_BAD_DATA, LONGEST_FILE, &file) != GN_OK)
        return NULL;
    struct lines lines = { gn_history_create(), on_step, user };
    gn_status status = lines.history == NULL ? gn_last_status() : take_lines(&lines, &file);
    gn_free(file.data);
    if (status != GN_OK) {
        gn_free_history(lines.history);
        return NULL;
    }
    find_best(lines.history);
    return lines.history;
}

gn_history *gn_read_history(const char *run)
{
    if (run == NULL) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "history: no folder of a run is given");
        return NULL;
    }
    return gn_history_of_run(run, NULL, NULL);
}
