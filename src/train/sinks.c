/*
 * A stream gets record after record; it is given up after its first error, since a gap in it would be
 * worse than an end. The other files are replaced whole; of their failures in a row the first is
 * reported. Neither stops a run.
 */
#include "train/sinks.h"

#include "draw/curves.h"
#include "run/journal.h"

static void *open_journal(const char *path, bool resume, uint64_t step, struct gn_history *history)
{
    return resume ? gn_journal_resume(path, step, history) : gn_journal_create(path);
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
    void *(*open)(const char *path, bool resume, uint64_t step, struct gn_history *history);
    gn_status (*step)(void *stream, uint64_t step, const struct gn_metrics *metrics);
    gn_status (*epoch)(void *stream, const struct gn_epoch *row);
    void (*close)(void *stream);
    /* Of a file that is replaced: */
    gn_status (*replace)(const struct gn_history *history, const char *title, const char *path);
} table[GN_SINKS] = {
    { "history.jsonl", open_journal, journal_step, journal_epoch, close_journal, NULL },
    { .file = "history.csv", .replace = write_table },
    { .file = "curves.svg", .replace = draw_curves },
};

void gn_sinks_begin(struct gn_sinks *sinks, bool resume, uint64_t step)
{
    char path[GN_RUN_PATH];
    for (int i = 0; i < GN_SINKS; i++) {
        if (sinks->folder == NULL || table[i].open == NULL)
            continue;
        gn_run_file(sinks->folder, table[i].file, path);
        sinks->states[i].stream = table[i].open(path, resume, step, sinks->history);
        if (sinks->states[i].stream != NULL)
            continue;
        char advice[96];
        (void)snprintf(advice, sizeof advice, "training goes on without %s", table[i].file);
        gn_report_error(sinks->reporter, advice);
    }
}

static void close_stream(struct gn_sinks *sinks, int i)
{
    if (sinks->states[i].stream != NULL)
        table[i].close(sinks->states[i].stream);
    sinks->states[i].stream = NULL;
}

static void check_stream(struct gn_sinks *sinks, int i, gn_status status)
{
    if (status == GN_OK)
        return;
    gn_report_error(sinks->reporter, "training goes on, further records are dropped");
    close_stream(sinks, i);
}

void gn_sinks_step(struct gn_sinks *sinks, uint64_t step, const struct gn_metrics *metrics)
{
    for (int i = 0; i < GN_SINKS; i++)
        if (sinks->states[i].stream != NULL)
            check_stream(sinks, i, table[i].step(sinks->states[i].stream, step, metrics));
}

static void replace_file(struct gn_sinks *sinks, int i)
{
    char path[GN_RUN_PATH];
    gn_run_file(sinks->folder, table[i].file, path);
    const gn_status status = table[i].replace(sinks->history, sinks->title, path);
    if (status != GN_OK && !sinks->states[i].failed)
        gn_report_error(sinks->reporter, "training goes on, another attempt follows");
    sinks->states[i].failed = status != GN_OK;
    gn_clear_error();
}

void gn_sinks_epoch(struct gn_sinks *sinks, const struct gn_epoch *row)
{
    for (int i = 0; i < GN_SINKS; i++) {
        if (sinks->folder != NULL && table[i].replace != NULL)
            replace_file(sinks, i);
        else if (row != NULL && sinks->states[i].stream != NULL)
            check_stream(sinks, i, table[i].epoch(sinks->states[i].stream, row));
    }
}

void gn_sinks_close(struct gn_sinks *sinks)
{
    for (int i = 0; i < GN_SINKS; i++)
        close_stream(sinks, i);
}
