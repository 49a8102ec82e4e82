/*
 * What was not written yet is kept in memory, and the bytes in the file are counted: a write that
 * failed is repeated at the same place.
 */
#include "tensorboard/events.h"

#include "base/memory.h"
#include "file/crc32c.h"
#include "file/file.h"
#include "file/protobuf_read.h"
#include "os/files.h"
#include "os/folders.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
    EVENT_TIME = 1,
    EVENT_STEP,
    EVENT_VERSION,
    EVENT_SUMMARY = 5,
    SUMMARY_VALUE = 1,
    VALUE_TAG = 1
};
enum { HEAD_BYTES = 12, TAIL_BYTES = 4, LONGEST_FILE = 1 << 30 };

struct gn_events {
    char *path;
    char text[GN_PATH_TEXT]; /* `path` for messages */
    int fd;                  /* -1: the file begins with the next save */
    uint64_t size;           /* bytes in the file */
    struct gn_pb pending;    /* the bytes after these */
};

/* ---- Frames ---- */

static void little_endian(uint64_t value, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static void append_frame(struct gn_pb *out, const uint8_t *data, size_t n)
{
    uint8_t head[HEAD_BYTES], tail[TAIL_BYTES];
    little_endian(n, 8, head);
    little_endian(gn_crc32c_masked(gn_crc32c(0, head, 8)), 4, head + 8);
    little_endian(gn_crc32c_masked(gn_crc32c(0, data, n)), 4, tail);
    gn_pb_append(out, head, HEAD_BYTES);
    gn_pb_append(out, data, n);
    gn_pb_append(out, tail, TAIL_BYTES);
}

/* The data of the next frame; false at the end, and where the bytes are no frame. */
static bool next_frame(struct gn_reader *r, struct gn_pb_slice *data)
{
    const uint8_t *length;
    uint64_t n;
    uint32_t sum;
    if (!gn_rd_bytes(r, 8, &length) || !gn_rd_le32(r, &sum) ||
        sum != gn_crc32c_masked(gn_crc32c(0, length, 8)))
        return false;
    struct gn_reader head;
    gn_rd_init(&head, length, 8);
    if (!gn_rd_le64(&head, &n) || !gn_rd_bytes(r, n, &data->bytes) || !gn_rd_le32(r, &sum))
        return false;
    data->n = (size_t)n;
    return sum == gn_crc32c_masked(gn_crc32c(0, data->bytes, data->n));
}

/* ---- A file of before ---- */

/* The field `number` of a message, as a slice; without bytes when it has none. */
static struct gn_pb_slice part_of(struct gn_pb_slice message, int number)
{
    struct gn_reader r = gn_pb_message(message);
    struct gn_pb_field field;
    bool bad = false;
    while (gn_pb_next(&r, &field, &bad))
        if (field.number == number && field.is_slice)
            return field.slice;
    return (struct gn_pb_slice){ 0 };
}

static uint64_t step_of(struct gn_pb_slice event)
{
    struct gn_reader r = gn_pb_message(event);
    struct gn_pb_field field;
    bool bad = false;
    while (gn_pb_next(&r, &field, &bad))
        if (field.number == EVENT_STEP && !field.is_slice)
            return field.value;
    return 0;
}

static void keep_frames(struct gn_events *events, struct gn_reader *r, uint64_t step, int epochs,
                        int *kept)
{
    static const char of_steps[] = GN_STEP_TAG;
    struct gn_pb_slice event;
    uint64_t last_step = 0;
    while (next_frame(r, &event)) {
        const struct gn_pb_slice summary = part_of(event, EVENT_SUMMARY);
        const struct gn_pb_slice tag = part_of(part_of(summary, SUMMARY_VALUE), VALUE_TAG);
        const uint64_t at = step_of(event);
        if (tag.n >= sizeof of_steps && memcmp(tag.bytes, of_steps, sizeof of_steps - 1) == 0) {
            if (at <= last_step || at > step)
                continue;
            last_step = at;
        } else {
            if (tag.n == 0 || at <= (uint64_t)*kept || at > (uint64_t)epochs)
                continue;
            *kept = (int)at;
        }
        append_frame(&events->pending, event.bytes, event.n);
    }
}

gn_status gn_events_resume(struct gn_events *events, uint64_t step, int epochs, int *kept)
{
    struct gn_bytes old = { .data = NULL };
    struct gn_reader r;
    *kept = 0;
    if (!gn_path_exists(events->path))
        return GN_OK;
    GN_TRY(gn_file_read(events->path, "events", GN_STATUS_IO, LONGEST_FILE, &old));
    gn_rd_init(&r, old.data, old.size);
    keep_frames(events, &r, step, epochs, kept);
    gn_free(old.data);
    if (events->pending.failed)
        GN_FAIL(GN_STATUS_NO_MEMORY, "%s: events: no memory for the records", events->text);
    return GN_OK;
}

/* ---- The file ---- */

static void append_event(struct gn_events *events, struct gn_pb *event)
{
    append_frame(&events->pending, event->bytes, event->size);
    events->pending.failed = events->pending.failed || event->failed;
    gn_free(event->bytes);
}

struct gn_events *gn_events_create(const char *path)
{
    struct gn_events *events = gn_calloc(1, sizeof *events, "an event file");
    if (events == NULL)
        return NULL;
    events->fd = -1;
    (void)gn_printable(events->text, sizeof events->text, path);
    events->path = gn_strdup(path);
    struct gn_pb event = { 0 };
    gn_pb_double(&event, EVENT_TIME, (double)time(NULL));
    gn_pb_text(&event, EVENT_VERSION, "brain.Event:2");
    append_event(events, &event);
    if (events->path == NULL || events->pending.failed) {
        gn_events_close(events);
        return NULL;
    }
    return events;
}

gn_status gn_events_add(struct gn_events *events, double time, uint64_t step,
                        const struct gn_pb *values)
{
    struct gn_pb event = { .failed = values->failed };
    gn_pb_double(&event, EVENT_TIME, time);
    gn_pb_int(&event, EVENT_STEP, (int64_t)step);
    uint8_t *summary = gn_pb_bytes(&event, EVENT_SUMMARY, values->size);
    if (summary != NULL && values->size > 0)
        memcpy(summary, values->bytes, values->size);
    const size_t before = events->pending.size;
    append_event(events, &event);
    if (!events->pending.failed)
        return GN_OK;
    events->pending.failed = false; /* without the record that there was no memory for */
    events->pending.size = before;
    GN_FAIL(GN_STATUS_NO_MEMORY, "%s: events: no memory for a record", events->text);
}

static gn_status io_error(const struct gn_events *events, const char *what)
{
    char text[GN_ERRNO_TEXT];
    GN_FAIL(GN_STATUS_IO, "%s: events: cannot %s: %s", events->text, what,
            gn_errno_text(errno, text));
}

static void settle(struct gn_events *events)
{
    events->size += events->pending.size;
    gn_free(events->pending.bytes);
    events->pending = (struct gn_pb){ 0 };
}

static gn_status begin_file(struct gn_events *events)
{
    GN_TRY(
        gn_file_write(events->path, "events", events->pending.bytes, events->pending.size, NULL));
    events->fd = gn_system_open_own(events->path, GN_OPEN_WRITE);
    if (events->fd < 0)
        return io_error(events, "open it again");
    settle(events);
    return GN_OK;
}

gn_status gn_events_save(struct gn_events *events)
{
    if (events->fd < 0)
        return begin_file(events);
    for (size_t done = 0; done < events->pending.size;) {
        const int64_t n = gn_system_write_at(events->fd, events->pending.bytes + done,
                                             events->pending.size - done, events->size + done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return io_error(events, "write");
        done += (size_t)n;
    }
    settle(events);
    return GN_OK;
}

void gn_events_close(struct gn_events *events)
{
    if (events == NULL)
        return;
    if (events->fd >= 0)
        (void)gn_system_close(events->fd);
    gn_free(events->pending.bytes);
    gn_free(events->path);
    gn_free(events);
}
