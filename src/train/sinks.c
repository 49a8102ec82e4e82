/*
 * A stream gets record after record, a table is replaced whole. Neither stops a run: of failures in a
 * row the first is reported, each record tries again, and so does the end of the run, which is then the
 * first to fail.
 */
#include "train/sinks.h"

#include "draw/curves.h"
#include "run/journal.h"
#include "tensorboard/board.h"

#include <string.h>

static void *open_journal(const char *path)
{
    return gn_journal_create(path);
}

static gn_status resume_journal(void *stream, uint64_t step, struct gn_history *history)
{
    return gn_journal_resume(stream, step, history);
}

static gn_status save_journal(void *stream)
{
    return gn_journal_save(stream);
}

static gn_status journal_step(void *stream, uint64_t step, const struct gn_metrics *metrics)
{
    return gn_journal_step(stream, step, metrics);
}

static gn_status journal_epoch(void *stream, const struct gn_epoch *row)
{
    return gn_journal_epoch(stream, row);
}

static void close_journal(void *stream)
{
    gn_journal_close(stream);
}

static void *open_board(const char *path)
{
    return gn_board_create(path);
}

static gn_status resume_board(void *stream, uint64_t step, struct gn_history *history)
{
    return gn_board_resume(stream, step, history);
}

static gn_status save_board(void *stream)
{
    return gn_board_save(stream);
}

static gn_status board_step(void *stream, uint64_t step, const struct gn_metrics *metrics)
{
    return gn_board_step(stream, step, metrics);
}

static gn_status board_epoch(void *stream, const struct gn_epoch *row)
{
    return gn_board_epoch(stream, row);
}

static void close_board(void *stream)
{
    gn_board_close(stream);
}

static gn_status write_table(const struct gn_history *history, const char *title, const char *path)
{
    (void)title;
    return gn_history_write_csv(history, path);
}

static gn_status draw_curves(const struct gn_history *history, const char *title, const char *path)
{
    return gn_curves_available() ? gn_curves_write(history, title, path) : GN_OK;
}

static const struct {
    const char *file;
    /* Of a stream: */
    void *(*open)(const char *path);
    gn_status (*resume)(void *stream, uint64_t step, struct gn_history *history);
    gn_status (*save)(void *stream);
    gn_status (*step)(void *stream, uint64_t step, const struct gn_metrics *metrics);
    gn_status (*epoch)(void *stream, const struct gn_epoch *row);
    void (*close)(void *stream);
    /* Of a file that is replaced: */
    gn_status (*replace)(const struct gn_history *history, const char *title, const char *path);
} table[GN_SINKS] = {
    { "history.jsonl", open_journal, resume_journal, save_journal, journal_step, journal_epoch,
      close_journal, NULL },
    [GN_SINK_BOARD] = { "tensorboard", open_board, resume_board, save_board, board_step,
                        board_epoch, close_board, NULL },
    { .file = "history.csv", .replace = write_table },
    { .file = "curves.svg", .replace = draw_curves },
};

/* What came of writing file i. */
static void note(struct gn_sinks *sinks, int i, gn_status status)
{
    if (status != GN_OK && !sinks->states[i].failed)
        gn_report_error(sinks->reporter, "training goes on, another attempt follows");
    sinks->states[i].failed = status != GN_OK;
    gn_clear_error();
}

static void close_stream(struct gn_sinks *sinks, int i)
{
    if (sinks->states[i].stream != NULL)
        table[i].close(sinks->states[i].stream);
    sinks->states[i].stream = NULL;
}

static gn_status begin_stream(struct gn_sinks *sinks, int i, bool resume, uint64_t step)
{
    char path[GN_RUN_PATH];
    void *stream = table[i].open(gn_run_file(sinks->folder, table[i].file, path));
    if (stream == NULL)
        return gn_last_status();
    sinks->states[i].stream = stream;
    const gn_status status = resume ? table[i].resume(stream, step, sinks->history) : GN_OK;
    if (status == GN_STATUS_IO)
        gn_report_error(sinks->reporter,
                        "its records of steps are lost, those of epochs are written again");
    else if (status != GN_OK) {
        close_stream(sinks, i); /* it has only a part of the records */
        return status;
    }
    return table[i].save(stream);
}

void gn_sinks_begin(struct gn_sinks *sinks, bool resume, uint64_t step)
{
    for (int i = 0; i < GN_SINKS; i++)
        if (sinks->folder != NULL && table[i].open != NULL &&
            (i != GN_SINK_BOARD || sinks->tensorboard))
            note(sinks, i, begin_stream(sinks, i, resume, step));
}

struct gn_board *gn_sinks_board(const struct gn_sinks *sinks)
{
    return sinks->states[GN_SINK_BOARD].stream;
}

void gn_sinks_step(struct gn_sinks *sinks, uint64_t step, const struct gn_metrics *metrics)
{
    for (int i = 0; i < GN_SINKS; i++)
        if (sinks->states[i].stream != NULL)
            note(sinks, i, table[i].step(sinks->states[i].stream, step, metrics));
}

static gn_status replace_file(const struct gn_sinks *sinks, int i)
{
    char path[GN_RUN_PATH];
    gn_run_file(sinks->folder, table[i].file, path);
    return table[i].replace(sinks->history, sinks->title, path);
}

void gn_sinks_epoch(struct gn_sinks *sinks, const struct gn_epoch *row)
{
    for (int i = 0; i < GN_SINKS; i++) {
        if (sinks->folder != NULL && table[i].replace != NULL)
            note(sinks, i, replace_file(sinks, i));
        else if (row != NULL && sinks->states[i].stream != NULL)
            note(sinks, i, table[i].epoch(sinks->states[i].stream, row));
    }
}

gn_status gn_sinks_finish(struct gn_sinks *sinks)
{
    for (int i = 0; i < GN_SINKS; i++) {
        struct gn_sink_state *state = &sinks->states[i];
        if (!state->failed)
            continue;
        if (table[i].replace != NULL)
            GN_TRY(replace_file(sinks, i));
        else if (state->stream != NULL)
            GN_TRY(table[i].save(state->stream));
        else
            GN_FAIL(GN_STATUS_NO_MEMORY, "no memory for %s", table[i].file);
        state->failed = false;
    }
    return GN_OK;
}

void gn_sinks_rewrite(struct gn_sinks *sinks, const char *file)
{
    for (int i = 0; i < GN_SINKS; i++)
        if (table[i].replace != NULL && strcmp(table[i].file, file) == 0)
            note(sinks, i, replace_file(sinks, i));
}

void gn_sinks_close(struct gn_sinks *sinks)
{
    for (int i = 0; i < GN_SINKS; i++)
        close_stream(sinks, i);
}
