/* Rows of epochs, and the CSV file made of them (keras/src/callbacks/csv_logger.py). */
#include "run/history.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct gn_history *gn_history_create(void)
{
    struct gn_history *history = gn_calloc(1, sizeof *history, "the history");
    if (history != NULL)
        history->best = -1;
    return history;
}

void gn_free_history(gn_history *history)
{
    if (history == NULL)
        return;
    gn_free(history->rows);
    gn_free(history);
}

gn_status gn_history_reserve(struct gn_history *history, int n)
{
    if (n <= history->capacity)
        return GN_OK;
    struct gn_epoch *rows =
        gn_realloc(history->rows, (size_t)n * sizeof *rows, "the history's rows");
    if (rows == NULL)
        return gn_last_status();
    history->rows = rows;
    history->capacity = n;
    return GN_OK;
}

/* The fields of a row that callers find without the list. */
static void fill_fields(struct gn_epoch *row)
{
    const struct gn_metrics *m = &row->metrics;
    const double val_loss = gn_metric_value(m, "val_loss"), seconds = gn_metric_value(m, "seconds");
    row->loss = gn_metric_value(m, "loss");
    row->accuracy = gn_metric_value(m, "accuracy");
    row->has_validation = !isnan(val_loss);
    row->val_loss = row->has_validation ? val_loss : 0;
    row->val_accuracy = row->has_validation ? gn_metric_value(m, "val_accuracy") : 0;
    row->seconds = isnan(seconds) ? 0 : seconds;
}

void gn_history_append(struct gn_history *history, int epoch, const struct gn_metrics *metrics)
{
    GN_ASSERT(history->n < history->capacity);
    struct gn_epoch *row = &history->rows[history->n++];
    *row = (struct gn_epoch){ .epoch = epoch, .metrics = *metrics };
    fill_fields(row);
}

void gn_history_add(struct gn_history *history, int row, const char *name, double value,
                    bool is_time)
{
    gn_metrics_add(&history->rows[row].metrics, name, value, is_time);
    fill_fields(&history->rows[row]);
}

/* ---- The best epoch ---- */

static bool is_better(struct gn_standing a, struct gn_standing b)
{
    return a.accuracy > b.accuracy || (a.accuracy >= b.accuracy && a.loss < b.loss);
}

struct gn_standing gn_epoch_standing(const struct gn_epoch *row)
{
    const struct gn_standing raw = { row->val_accuracy, row->val_loss, false };
    const struct gn_standing averaged = { gn_metric_value(&row->metrics, "val_ema_accuracy"),
                                          gn_metric_value(&row->metrics, "val_ema_loss"), true };
    return is_better(averaged, raw) ? averaged : raw; /* what is not a number is not better */
}

bool gn_epoch_is_better(const struct gn_epoch *row, const struct gn_epoch *than)
{
    return !row->has_validation || is_better(gn_epoch_standing(row), gn_epoch_standing(than));
}

int gn_history_best(const gn_history *history)
{
    return history == NULL ? -1 : history->best;
}

/* ---- Reading ---- */

int gn_history_epochs(const gn_history *history)
{
    return history == NULL ? 0 : history->n;
}

gn_status gn_history_epoch(const gn_history *history, int i, struct gn_epoch *epoch)
{
    if (history == NULL)
        return gn_last_status();
    if (epoch == NULL || i < 0 || i >= history->n)
        return gn_fail(GN_STATUS_BAD_ARGUMENT, "history: there is no row %d, it has %d", i,
                       history->n);
    *epoch = history->rows[i];
    return GN_OK;
}

/* ---- The table ---- */

int gn_history_names(const struct gn_history *history, int rows, const char *names[GN_MOST_METRICS])
{
    int n = 0;
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < history->rows[i].metrics.n; k++) {
            const struct gn_metric *metric = &history->rows[i].metrics.list[k];
            int at = 0;
            while (at < n && strcmp(names[at], metric->name) != 0)
                at++;
            if (at == n && !metric->is_time && n < GN_MOST_METRICS)
                names[n++] = metric->name;
        }
    return n;
}

static void append_text(struct gn_file_writer *writer, const char *text)
{
    (void)gn_file_append(writer, text, strlen(text));
}

static void append_row(struct gn_file_writer *writer, const struct gn_epoch *row,
                       const char *const *names, int n)
{
    char text[GN_NUMBER_TEXT];
    (void)snprintf(text, sizeof text, "%d", row->epoch - 1);
    append_text(writer, text);
    for (int k = 0; k < n; k++) {
        const double value = gn_metric_value(&row->metrics, names[k]);
        append_text(writer, ",");
        append_text(writer, isnan(value) ? "NA" : gn_decimal_text(value, text));
    }
    append_text(writer, "\r\n");
}

/* What Keras' logger writes comes first, so that its columns keep their places. */
static bool is_of_keras(const char *name)
{
    return strcmp(name, "accuracy") == 0 || strcmp(name, "loss") == 0 ||
           strncmp(name, "val_", 4) == 0;
}

static int by_name(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    const int later = (int)is_of_keras(y) - (int)is_of_keras(x);
    return later != 0 ? later : strcmp(x, y);
}

gn_status gn_history_write_csv(const struct gn_history *history, const char *path)
{
    const char *names[GN_MOST_METRICS];
    struct gn_file_writer *writer = gn_file_begin(path, "history", 0);
    if (writer == NULL)
        return gn_last_status();
    const int n = gn_history_names(history, history->n, names);
    qsort(names, (size_t)n, sizeof names[0], by_name);
    append_text(writer, "epoch");
    for (int k = 0; k < n; k++) {
        append_text(writer, ",");
        append_text(writer, names[k]);
    }
    append_text(writer, "\r\n");
    for (int i = 0; i < history->n; i++)
        append_row(writer, &history->rows[i], names, n);
    return gn_file_commit(writer, NULL);
}
