/* Rows of epochs, and the CSV file made of them (keras/src/callbacks/csv_logger.py). */
#include "run/history.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"

#include <string.h>

struct gn_history *gn_history_create(void)
{
    return gn_calloc(1, sizeof(struct gn_history), "the history");
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

void gn_history_append(struct gn_history *history, const struct gn_epoch *row)
{
    GN_ASSERT(history->n < history->capacity);
    history->rows[history->n++] = *row;
}

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

static void append_text(struct gn_file_writer *writer, const char *text)
{
    (void)gn_file_append(writer, text, strlen(text));
}

static void append_cell(struct gn_file_writer *writer, double value)
{
    char text[GN_NUMBER_TEXT];
    append_text(writer, ",");
    append_text(writer, gn_decimal_text(value, text));
}

gn_status gn_history_write_csv(const struct gn_history *history, const char *path)
{
    struct gn_file_writer *writer = gn_file_begin(path, "history", 0);
    if (writer == NULL)
        return gn_last_status();
    /* All rows of a run have a validation or none has. */
    const bool validates = history->n > 0 && history->rows[0].has_validation;
    const bool has_ema = validates && history->rows[0].has_ema;
    append_text(writer, "epoch,accuracy,loss");
    append_text(writer, !validates ? "\r\n"
                        : has_ema  ? ",val_accuracy,val_ema_accuracy,val_ema_loss,val_loss\r\n"
                                   : ",val_accuracy,val_loss\r\n");
    for (int i = 0; i < history->n; i++) {
        const struct gn_epoch *row = &history->rows[i];
        char number[16];
        (void)snprintf(number, sizeof number, "%d", row->epoch - 1);
        append_text(writer, number);
        append_cell(writer, row->accuracy);
        append_cell(writer, row->loss);
        if (validates)
            append_cell(writer, row->val_accuracy);
        if (has_ema) {
            append_cell(writer, row->val_ema_accuracy);
            append_cell(writer, row->val_ema_loss);
        }
        if (validates)
            append_cell(writer, row->val_loss);
        append_text(writer, "\r\n");
    }
    return gn_file_commit(writer, NULL);
}
