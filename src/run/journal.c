/*
 * Records are written one by one, so a run that is killed leaves all of them and at most one torn line.
 * A resumed run repeats the steps after its checkpoint; their records are cut off first, so that the
 * file looks as if nothing had happened.
 *
 * What was not made durable yet is kept in memory: after a write or fsync that failed nobody knows what
 * the file holds, so the next record brings a new file, whole, in its place.
 */
#include "run/journal.h"

#include "file/file.h"
#include "file/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "os/files.h"
#include "os/folders.h"
#include "os/os.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum {
    LINE_BYTES = 8192,  /* no record of ours is half as long; longer lines are not ours */
    UNSYNCED = 1 << 18, /* bytes that are made durable without waiting for an epoch's end; room for
                              them is there from the beginning, a step allocates nothing */
    LONGEST_PAUSE = 64, /* step records between two attempts to write a file that cannot be */
    LONGEST_FILE = 1 << 30 /* of a run to resume */
};

struct gn_journal {
    char *path;
    char text[GN_PATH_TEXT]; /* `path` for messages */
    int fd;                  /* -1: the next record writes the file anew */
    uint64_t durable;        /* bytes of the file that are */
    char *tail;              /* the records after these */
    size_t n, room, written; /* bytes of `tail`, and how many of them were written */
    int pause, left;         /* step records that wait for the next attempt; how many still */
};

static gn_status io_error(const struct gn_journal *journal, const char *what)
{
    char text[GN_ERRNO_TEXT];
    GN_FAIL(GN_STATUS_IO, "%s: history: cannot %s: %s", journal->text, what,
            gn_errno_text(errno, text));
}

struct gn_journal *gn_journal_create(const char *path)
{
    struct gn_journal *journal = gn_calloc(1, sizeof *journal, "the history file");
    if (journal == NULL)
        return NULL;
    journal->fd = -1;
    (void)gn_printable(journal->text, sizeof journal->text, path);
    journal->path = gn_strdup(path);
    journal->room = UNSYNCED + LINE_BYTES;
    journal->tail = gn_alloc(journal->room, "the history's records");
    if (journal->path == NULL || journal->tail == NULL) {
        gn_journal_close(journal);
        return NULL;
    }
    return journal;
}

static void close_file(struct gn_journal *journal)
{
    if (journal->fd >= 0)
        (void)gn_system_close(journal->fd);
    journal->fd = -1;
}

void gn_journal_close(struct gn_journal *journal)
{
    if (journal == NULL)
        return;
    close_file(journal);
    gn_free(journal->path);
    gn_free(journal->tail);
    gn_free(journal);
}

/* ---- Records ---- */

static gn_status append(struct gn_journal *journal, const char *text, size_t n)
{
    if (journal->room - journal->n < n) {
        const size_t room = 2 * (journal->n + n);
        char *grown = gn_realloc(journal->tail, room, "the history's records");
        if (grown == NULL)
            return gn_last_status();
        journal->tail = grown;
        journal->room = room;
    }
    memcpy(journal->tail + journal->n, text, n);
    journal->n += n;
    return GN_OK;
}

/* {"step":7,"loss":0.5}; microseconds are finer than any clock matters here. */
static gn_status append_record(struct gn_journal *journal, const char *kind, uint64_t number,
                               const struct gn_metrics *metrics)
{
    char line[LINE_BYTES], text[GN_NUMBER_TEXT], key[6 * GN_METRIC_NAME + 2];
    int used = snprintf(line, sizeof line, "{\"%s\":%llu", kind, (unsigned long long)number);
    for (int i = 0; i < metrics->n; i++) {
        const struct gn_metric *m = &metrics->list[i];
        json_t *name = json_string(m->name);
        const size_t n = name == NULL ? 0 : gn_json_write(name, key, sizeof key, JSON_ENCODE_ANY);
        json_decref(name);
        if (n == 0 || n > sizeof key)
            GN_FAIL(GN_STATUS_NO_MEMORY, "%s: history: no memory for a record", journal->text);
        used += snprintf(line + used, sizeof line - (size_t)used, ",%.*s:%s", (int)n, key,
                         m->is_time ? gn_fixed_text(m->value, 6, text)
                                    : gn_decimal_text(m->value, text));
        if ((size_t)used > sizeof line - 4)
            GN_FAIL(GN_STATUS_INTERNAL, "%s: history: a record of %d metrics is too long",
                    journal->text, metrics->n);
    }
    line[used++] = '}';
    line[used++] = '\n';
    return append(journal, line, (size_t)used);
}

/* ---- The file ---- */

static void settle(struct gn_journal *journal)
{
    journal->durable += journal->n;
    journal->n = journal->written = 0;
}

/* What is durable of the old file. A file that somebody took away cannot be copied. */
static gn_status copy_durable(const struct gn_journal *journal, struct gn_file_writer *writer)
{
    uint64_t left = journal->durable;
    const int fd = left == 0 ? -1 : gn_system_open_own(journal->path, GN_OPEN_READ);
    if (fd < 0)
        return left == 0 || errno == ENOENT ? GN_OK : io_error(journal, "read");
    int64_t got = 1;
    int number = 0;
    while (left > 0 && got > 0) {
        char bytes[LINE_BYTES];
        got = gn_system_read(fd, bytes, left < sizeof bytes ? (size_t)left : sizeof bytes);
        number = errno;
        if (got > 0) {
            (void)gn_file_append(writer, bytes, (size_t)got);
            left -= (uint64_t)got;
        }
    }
    (void)gn_system_close(fd);
    errno = number;
    return got < 0 ? io_error(journal, "read") : GN_OK;
}

/* A new file takes the place of the old one, or of a link to something that is not ours. */
static gn_status write_anew(struct gn_journal *journal)
{
    struct gn_file_writer *writer = gn_file_begin(journal->path, "history", 0);
    if (writer == NULL)
        return gn_last_status();
    if (copy_durable(journal, writer) != GN_OK) {
        gn_file_abort(writer);
        return gn_last_status();
    }
    (void)gn_file_append(writer, journal->tail, journal->n);
    GN_TRY(gn_file_commit(writer, NULL));
    settle(journal);
    journal->fd = gn_system_open_own(journal->path, GN_OPEN_APPEND);
    return journal->fd < 0 ? io_error(journal, "open") : GN_OK;
}

static gn_status write_rest(struct gn_journal *journal, bool sync)
{
    while (journal->written < journal->n) {
        const int64_t wrote = gn_system_write(journal->fd, journal->tail + journal->written,
                                              journal->n - journal->written);
        if (wrote < 0 && errno != EINTR)
            return io_error(journal, "write");
        journal->written += wrote > 0 ? (size_t)wrote : 0;
    }
    if (sync) {
        if (gn_system_sync_data(journal->fd) != 0)
            return io_error(journal, "write");
        settle(journal);
    }
    return GN_OK;
}

static gn_status save(struct gn_journal *journal, bool sync)
{
    const gn_status status =
        journal->fd < 0 ? write_anew(journal) : write_rest(journal, sync || journal->n > UNSYNCED);
    if (status == GN_OK) {
        journal->pause = journal->left = 0;
        return GN_OK;
    }
    close_file(journal);
    journal->left = journal->pause;
    journal->pause = journal->pause == 0              ? 1
                     : journal->pause < LONGEST_PAUSE ? 2 * journal->pause
                                                      : LONGEST_PAUSE;
    return status;
}

gn_status gn_journal_save(struct gn_journal *journal)
{
    return save(journal, true);
}

gn_status gn_journal_step(struct gn_journal *journal, uint64_t step,
                          const struct gn_metrics *metrics)
{
    GN_TRY(append_record(journal, "step", step, metrics));
    if (journal->left > 0) { /* a disk that is full would be asked at every step */
        journal->left--;
        GN_FAIL(GN_STATUS_IO, "%s: history: step %llu waits to be written", journal->text,
                (unsigned long long)step);
    }
    return save(journal, false);
}

gn_status gn_journal_epoch(struct gn_journal *journal, const struct gn_epoch *row)
{
    GN_TRY(append_record(journal, "epoch", (uint64_t)row->epoch, &row->metrics));
    return save(journal, true);
}

/* ---- Resuming ---- */

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

/* Records of epochs that the file lacks, up to `last`: a checkpoint knows them. */
static gn_status append_epochs(struct gn_journal *journal, const struct gn_history *history,
                               struct kept *kept, int last)
{
    for (; kept->epoch < last; kept->epoch++)
        GN_TRY(append_record(journal, "epoch", (uint64_t)history->rows[kept->epoch].epoch,
                             &history->rows[kept->epoch].metrics));
    return GN_OK;
}

/* Keeps a line that is a record of the run up to the restored point. */
static gn_status keep_line(struct gn_journal *journal, const char *line, size_t n,
                           uint64_t last_step, struct gn_history *history, struct kept *kept)
{
    json_t *record;
    GN_TRY(gn_json_load(line, n, &record, NULL));
    const json_t *step = json_object_get(record, "step"), *epoch = json_object_get(record, "epoch");
    gn_status status = GN_OK;
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
            status = append_epochs(journal, history, kept, (int)value - 1);
            kept->epoch = (int)value;
            restore_times(record, history, (int)value - 1);
        }
    }
    json_decref(record);
    return status == GN_OK && keep ? append(journal, line, n) : status;
}

static gn_status keep_lines(struct gn_journal *journal, const struct gn_bytes *old, uint64_t step,
                            struct gn_history *history)
{
    struct kept kept = { 0 };
    const char *at = (const char *)old->data, *end = at + old->size, *newline;
    for (; at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL; at = newline + 1)
        if (newline - at < LINE_BYTES)
            GN_TRY(keep_line(journal, at, (size_t)(newline + 1 - at), step, history, &kept));
    return append_epochs(journal, history, &kept, history->n);
}

gn_status gn_journal_resume(struct gn_journal *journal, uint64_t step, struct gn_history *history)
{
    struct gn_bytes old = { .data = NULL };
    gn_status status = GN_OK;
    if (gn_path_exists(journal->path))
        status = gn_file_read(journal->path, "history", GN_STATUS_IO, LONGEST_FILE, &old);
    const gn_status kept = keep_lines(journal, &old, step, history);
    gn_free(old.data);
    return status != GN_OK ? status : kept;
}
