/*
 * Records are appended and flushed one by one, so a run that is killed leaves all of them and at
 * most one torn line. A resumed run repeats the steps behind its checkpoint; their records are
 * cut off first, so that the file looks as if nothing had happened.
 */
#define _GNU_SOURCE
#include "run/journal.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* No record of ours is half as long; longer lines are not ours. */
enum { LINE_BYTES = 8192 };

struct gn_journal {
    FILE *file;
    char path[GN_PATH_TEXT];
};

static gn_status io_error(const char *path, const char *what)
{
    char text[GN_ERRNO_TEXT];
    GN_FAIL(GN_STATUS_IO, "%s: history: cannot %s: %s", path, what, gn_errno_text(errno, text));
}

static struct gn_journal *open_journal(const char *path, const char *mode)
{
    struct gn_journal *journal = gn_calloc(1, sizeof *journal, "the history file");
    if (journal == NULL)
        return NULL;
    (void)gn_printable(journal->path, sizeof journal->path, path);
    journal->file = fopen(path, mode);
    if (journal->file == NULL) {
        (void)io_error(journal->path, "open");
        gn_free(journal);
        return NULL;
    }
    return journal;
}

struct gn_journal *gn_journal_create(const char *path)
{
    return open_journal(path, "we");
}

void gn_journal_close(struct gn_journal *journal)
{
    if (journal == NULL)
        return;
    (void)fclose(journal->file);
    gn_free(journal);
}

static gn_status flush(struct gn_journal *journal)
{
    if (fflush(journal->file) != 0 || ferror(journal->file) != 0)
        return io_error(journal->path, "write");
    return GN_OK;
}

/* {"step":7,"loss":0.5}; microseconds are finer than any clock matters here. */
static gn_status write_record(struct gn_journal *journal, const char *kind, uint64_t number,
                              const struct gn_metrics *metrics)
{
    char text[GN_NUMBER_TEXT], key[6 * GN_METRIC_NAME + 2];
    (void)fprintf(journal->file, "{\"%s\":%llu", kind, (unsigned long long)number);
    for (int i = 0; i < metrics->n; i++) {
        const struct gn_metric *m = &metrics->list[i];
        json_t *name = json_string(m->name);
        const size_t n = name == NULL ? 0 : gn_json_write(name, key, sizeof key, JSON_ENCODE_ANY);
        json_decref(name);
        if (n == 0 || n > sizeof key)
            continue;
        (void)fprintf(journal->file, ",%.*s:%s", (int)n, key,
                      m->is_time ? gn_fixed_text(m->value, 6, text)
                                 : gn_decimal_text(m->value, text));
    }
    (void)fputs("}\n", journal->file);
    return flush(journal);
}

gn_status gn_journal_step(struct gn_journal *journal, uint64_t step,
                          const struct gn_metrics *metrics)
{
    return write_record(journal, "step", step, metrics);
}

gn_status gn_journal_epoch(struct gn_journal *journal, const struct gn_epoch *row)
{
    GN_TRY(write_record(journal, "epoch", (uint64_t)row->epoch, &row->metrics));
    if (fdatasync(fileno(journal->file)) != 0)
        return io_error(journal->path, "write");
    return GN_OK;
}

/* What was kept so far while an old file is filtered. */
struct kept {
    uint64_t step;
    int epoch;
};

/* What a record has and a checkpoint does not: times. */
static void restore_times(json_t *record, struct gn_history *history, int row)
{
    const char *name;
    json_t *value;
    json_object_foreach(record, name, value)
    {
        const double known = gn_metric_value(&history->rows[row].metrics, name);
        if (strcmp(name, "epoch") != 0 && json_is_number(value) && isnan(known))
            gn_history_add(history, row, name, json_number_value(value), true);
    }
}

/* Whether a line is a record that belongs to the run up to the restored point. */
static gn_status look_at_line(const char *line, uint64_t last_step, struct gn_history *history,
                              struct kept *kept, bool *belongs)
{
    json_t *record;
    GN_TRY(gn_json_parse(line, &record));
    const json_t *step = json_object_get(record, "step"), *epoch = json_object_get(record, "epoch");
    bool keep = false;
    if (json_is_integer(step)) {
        const json_int_t value = json_integer_value(step);
        keep = value > 0 && (uint64_t)value > kept->step && (uint64_t)value <= last_step;
        if (keep)
            kept->step = (uint64_t)value;
    } else if (json_is_integer(epoch)) {
        const json_int_t value = json_integer_value(epoch);
        keep = value > kept->epoch && value <= history->n;
        if (keep) {
            kept->epoch = (int)value;
            restore_times(record, history, (int)value - 1);
        }
    }
    json_decref(record);
    *belongs = keep;
    return GN_OK;
}

static gn_status cut_off(FILE *old, const char *path, uint64_t step, struct gn_history *history)
{
    struct gn_file_writer *writer = gn_file_begin(path, "history", 0);
    if (writer == NULL)
        return gn_last_status();
    struct kept kept = { 0 };
    char line[LINE_BYTES];
    bool inside_long_line = false;
    gn_status status = GN_OK;
    while (status == GN_OK && fgets(line, sizeof line, old) != NULL) {
        const bool whole = strchr(line, '\n') != NULL;
        bool belongs = false;
        if (whole && !inside_long_line)
            status = look_at_line(line, step, history, &kept, &belongs);
        if (belongs)
            (void)gn_file_append(writer, line, strlen(line));
        inside_long_line = !whole;
    }
    if (status == GN_OK)
        return gn_file_commit(writer, NULL);
    gn_file_abort(writer);
    return status;
}

struct gn_journal *gn_journal_resume(const char *path, uint64_t step, struct gn_history *history)
{
    if (access(path, F_OK) == 0) {
        int fd;
        uint64_t size;
        if (gn_file_open(path, "history", GN_STATUS_IO, &fd, &size) != GN_OK)
            return NULL;
        FILE *old = fdopen(fd, "r");
        if (old == NULL) {
            (void)close(fd);
            (void)io_error(path, "open");
            return NULL;
        }
        const gn_status status = cut_off(old, path, step, history);
        (void)fclose(old);
        if (status != GN_OK)
            return NULL;
    }
    return open_journal(path, "ae");
}
