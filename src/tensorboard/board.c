/* Two event files and who belongs into which. */
#include "tensorboard/board.h"

#include "base/memory.h"
#include "base/path.h"
#include "file/file.h"
#include "tensorboard/events.h"
#include "tensorboard/values.h"

#include <string.h>
#include <time.h>

enum { TRAIN, VALIDATION, N_FILES, STEPS_A_SAVE = 256 };

static const char *const folders[N_FILES] = { "train", "validation" };
static const char val[] = "val_";
enum { VAL = sizeof val - 1 };

struct gn_board {
    char *path;
    struct gn_events *files[N_FILES];
    struct gn_pb values[N_FILES]; /* of the next epoch */
    int kept[N_FILES];            /* epochs that a resumed run's files had */
    bool used[N_FILES];           /* others are not made */
    int steps;                    /* added since the last save */
};

struct gn_board *gn_board_create(const char *path)
{
    struct gn_board *board = gn_calloc(1, sizeof *board, "TensorBoard's files");
    if (board == NULL)
        return NULL;
    board->path = gn_strdup(path);
    bool ok = board->path != NULL;
    for (int i = 0; ok && i < N_FILES; i++) {
        char file[4096 + 64];
        (void)snprintf(file, sizeof file, "%s/%s/%s", path, folders[i], GN_BOARD_FILE);
        board->files[i] = gn_events_create(file);
        ok = board->files[i] != NULL;
    }
    if (ok)
        return board;
    gn_board_close(board);
    return NULL;
}

void gn_board_close(struct gn_board *board)
{
    if (board == NULL)
        return;
    for (int i = 0; i < N_FILES; i++) {
        gn_events_close(board->files[i]);
        gn_free(board->values[i].bytes);
    }
    gn_free(board->path);
    gn_free(board);
}

struct gn_pb *gn_board_values(struct gn_board *board, bool validation)
{
    return &board->values[validation ? VALIDATION : TRAIN];
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

gn_status gn_board_add(struct gn_board *board, const struct gn_epoch *row, double time)
{
    gn_status status = GN_OK;
    for (int i = 0; i < row->metrics.n; i++) {
        const struct gn_metric *metric = &row->metrics.list[i];
        const bool validates = strncmp(metric->name, val, VAL) == 0 && metric->name[VAL] != '\0';
        gn_value_scalar(&board->values[validates ? VALIDATION : TRAIN],
                        metric->name + (validates ? VAL : 0), metric->value);
    }
    for (int i = 0; i < N_FILES; i++) {
        struct gn_pb *values = &board->values[i];
        const bool is_new = row->epoch > board->kept[i];
        const bool has = values->size > 0 || values->failed;
        board->used[i] = board->used[i] || has;
        if (is_new && has && status == GN_OK)
            status = gn_events_add(board->files[i], time, (uint64_t)row->epoch, values);
        gn_free(values->bytes);
        *values = (struct gn_pb){ 0 };
    }
    return status;
}

gn_status gn_board_add_step(struct gn_board *board, uint64_t step, const struct gn_metrics *metrics,
                            double time)
{
    struct gn_pb values = { 0 };
    for (int i = 0; i < metrics->n; i++) {
        char tag[sizeof GN_STEP_TAG + GN_METRIC_NAME];
        (void)snprintf(tag, sizeof tag, "%s%s", GN_STEP_TAG, metrics->list[i].name);
        gn_value_scalar(&values, tag, metrics->list[i].value);
    }
    const gn_status status = values.size == 0 && !values.failed
                                 ? GN_OK
                                 : gn_events_add(board->files[TRAIN], time, step, &values);
    gn_free(values.bytes);
    board->used[TRAIN] = true;
    return status;
}

gn_status gn_board_resume(struct gn_board *board, uint64_t step, const struct gn_history *history)
{
    gn_status status = GN_OK;
    for (int i = 0; i < N_FILES; i++) {
        const gn_status one = gn_events_resume(board->files[i], step, history->n, &board->kept[i]);
        status = one != GN_OK ? one : status;
    }
    for (int i = 0; i < history->n && (status == GN_OK || status == GN_STATUS_IO); i++) {
        const gn_status added = gn_board_add(board, &history->rows[i], now());
        status = added != GN_OK ? added : status;
    }
    for (int i = 0; i < N_FILES; i++)
        board->kept[i] = history->n;
    return status;
}

gn_status gn_board_save(struct gn_board *board)
{
    board->steps = 0;
    for (int i = 0; i < N_FILES; i++) {
        char folder[4096 + 64], text[GN_PATH_TEXT], why[GN_ERRNO_TEXT];
        (void)snprintf(folder, sizeof folder, "%s/%s", board->path, folders[i]);
        if (!board->used[i])
            continue;
        const int number = gn_make_folders(folder, NULL);
        if (number != 0)
            GN_FAIL(GN_STATUS_IO, "%s: events: cannot make the folder: %s",
                    gn_printable(text, sizeof text, folder), gn_errno_text(number, why));
        GN_TRY(gn_events_save(board->files[i]));
    }
    return GN_OK;
}

gn_status gn_board_step(struct gn_board *board, uint64_t step, const struct gn_metrics *metrics)
{
    GN_TRY(gn_board_add_step(board, step, metrics, now()));
    return ++board->steps >= STEPS_A_SAVE ? gn_board_save(board) : GN_OK;
}

gn_status gn_board_epoch(struct gn_board *board, const struct gn_epoch *row)
{
    const gn_status status = gn_board_add(board, row, now());
    const gn_status saved = gn_board_save(board);
    return status != GN_OK ? status : saved;
}
