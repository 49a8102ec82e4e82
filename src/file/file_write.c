/*
 * Replacing a file atomically: a temporary file in the same folder, fsync, rename, fsync of the
 * folder. Every system call that can fail goes through a gate where a test can make it fail.
 */
#include "file/crc32c.h"
#include "file/file.h"
#include "base/memory.h"
#include "os/files.h"
#include "os/folders.h"
#include "os/os.h"
#include "base/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

struct gn_file_writer {
    char *path;
    const char *base; /* the name within `path` */
    const char *kind;
    char text[GN_PATH_TEXT];   /* `path` for messages */
    char temp[GN_ENTRY_BYTES]; /* name of the temporary file */
    struct gn_place place;     /* the folder */
    int fd;                    /* -1: closed */
    uint64_t bytes;            /* written */
    uint32_t crc;              /* of these */
    int error;                 /* errno of the first failed write, 0: none */
};

/* ---- The gate ---- */

static atomic_uint_fast64_t calls, countdown; /* countdown 0: off */
static atomic_int failing_call, failing_number;

void gn_file_fail_after(enum gn_file_call call, uint64_t k, int number)
{
    atomic_store(&failing_call, (int)call);
    atomic_store(&failing_number, number);
    atomic_store(&countdown, call == GN_FILE_CALL_NONE ? 0 : k);
}

uint64_t gn_file_calls(void)
{
    return atomic_load(&calls);
}

/* True when this call must fail; errno is set. */
static bool must_fail(enum gn_file_call call)
{
    atomic_fetch_add(&calls, 1);
    const uint64_t left = atomic_load(&countdown);
    const int chosen = atomic_load(&failing_call);
    if (left == 0 || (chosen != (int)call && chosen != GN_FILE_CALL_ANY))
        return false;
    atomic_store(&countdown, left - 1);
    errno = atomic_load(&failing_number);
    return left == 1;
}

static int64_t write_some(int fd, const void *data, size_t n)
{
    if (must_fail(GN_FILE_CALL_WRITE)) {
        if (errno != 0)
            return -1;
        n = (n + 1) / 2;
    }
    return gn_system_write(fd, data, n);
}

static int new_file(const struct gn_file_writer *writer)
{
    return must_fail(GN_FILE_CALL_OPEN) ? -1 : gn_place_new_file(&writer->place, writer->temp);
}

static int open_written(const struct gn_file_writer *writer)
{
    return must_fail(GN_FILE_CALL_OPEN) ? -1 : gn_place_open_file(&writer->place, writer->temp);
}

static int sync_file(int fd)
{
    return must_fail(GN_FILE_CALL_FSYNC) ? -1 : gn_system_sync(fd);
}

static int sync_folder(const struct gn_place *place)
{
    return must_fail(GN_FILE_CALL_FSYNC) ? -1 : gn_place_sync(place);
}

/* The descriptor is gone afterwards, whatever is returned. */
static int close_file(int fd)
{
    const bool fails = must_fail(GN_FILE_CALL_CLOSE);
    const int number = errno;
    const int result = gn_system_close(fd);
    if (fails) {
        errno = number;
        return -1;
    }
    return result != 0 && errno != EINTR ? -1 : 0;
}

static int link_in(const struct gn_place *place, const char *from, const char *to)
{
    return must_fail(GN_FILE_CALL_LINK) ? -1 : gn_place_link(place, from, to);
}

static int rename_in(const struct gn_place *place, const char *from, const char *to)
{
    return must_fail(GN_FILE_CALL_RENAME) ? -1 : gn_place_rename(place, from, to);
}

/* ---- Beginning ---- */

/* The one sentence for a save that the system refused, from errno. */
static gn_status cannot_save(const struct gn_file_writer *writer, const char *doing, int number)
{
    char reason[GN_ERRNO_TEXT];
    GN_FAIL(GN_STATUS_IO, "%s: %s: cannot save (%s at byte %" PRIu64 "): %s", writer->text,
            writer->kind, doing, writer->bytes, gn_errno_text(number, reason));
}

/* Opens the folder of `path` and sets the name within it. */
static gn_status open_folder(struct gn_file_writer *writer)
{
    const char *found = gn_path_slash(writer->path);
    char *slash = found == NULL ? NULL : writer->path + (found - writer->path);
    const char separator = slash == NULL ? '/' : *slash;
    writer->base = slash == NULL ? writer->path : slash + 1;
    if (writer->base[0] == '\0')
        GN_FAIL(GN_STATUS_IO, "%s: %s: cannot save, this is a folder and no file name",
                writer->text, writer->kind);
    const char *folder = slash == NULL ? "." : slash == writer->path ? "/" : writer->path;
    if (slash != NULL && slash != writer->path)
        *slash = '\0';
    const bool is_open = gn_place_open(&writer->place, folder) == 0;
    const int number = errno;
    char text[GN_PATH_TEXT], reason[GN_ERRNO_TEXT];
    (void)gn_printable(text, sizeof text, folder);
    if (slash != NULL && slash != writer->path)
        *slash = separator;
    if (!is_open)
        GN_FAIL(GN_STATUS_IO, "%s: %s: cannot save, the folder \"%s\" cannot be opened: %s",
                writer->text, writer->kind, text, gn_errno_text(number, reason));
    return GN_OK;
}

/* A folder, pipe or device under the final name would be replaced by the rename. */
static gn_status check_target(const struct gn_file_writer *writer)
{
    const char *other = gn_place_other(&writer->place, writer->base);
    if (other != NULL)
        GN_FAIL(GN_STATUS_IO, "%s: %s: cannot save, this name belongs to %s", writer->text,
                writer->kind, other);
    return GN_OK;
}

/* A tenth more than the file needs must be free. Some file systems do not say. */
static gn_status check_space(const struct gn_file_writer *writer, uint64_t bytes)
{
    const double needed = (double)bytes * 1.1;
    double available;
    if (bytes == 0 || !gn_place_space(&writer->place, &available) || needed <= available)
        return GN_OK;
    char reason[GN_ERRNO_TEXT], need[GN_NUMBER_TEXT], free_bytes[GN_NUMBER_TEXT];
    GN_FAIL(GN_STATUS_IO, "%s: %s: cannot save (needs %s, %s free): %s", writer->text, writer->kind,
            gn_bytes_text((uint64_t)needed, need), gn_bytes_text((uint64_t)available, free_bytes),
            gn_errno_text(ENOSPC, reason));
}

static gn_status open_temporary(struct gn_file_writer *writer)
{
    const int length = snprintf(writer->temp, sizeof writer->temp, "%s.tmp.%ld", writer->base,
                                gn_system_process());
    if (length < 0 || (size_t)length >= sizeof writer->temp)
        return cannot_save(writer, "naming the temporary file", ENAMETOOLONG);
    writer->fd = new_file(writer);
    /* A dead process with the number of this one left it: usual in containers. */
    if (writer->fd < 0 && errno == EEXIST && gn_place_remove(&writer->place, writer->temp) == 0)
        writer->fd = new_file(writer);
    if (writer->fd >= 0)
        return GN_OK;
    const int number = errno;
    writer->temp[0] = '\0'; /* not ours to remove */
    return cannot_save(writer, "creating the file", number);
}

struct gn_file_writer *gn_file_begin(const char *path, const char *kind, uint64_t bytes)
{
    struct gn_file_writer *writer = gn_calloc(1, sizeof *writer, "saving a file");
    if (writer == NULL)
        return NULL;
    writer->place.folder = writer->fd = -1;
    writer->kind = kind;
    (void)gn_printable(writer->text, sizeof writer->text, path);
    writer->path = gn_strdup(path);
    if (writer->path == NULL || open_folder(writer) != GN_OK || check_target(writer) != GN_OK ||
        check_space(writer, bytes) != GN_OK || open_temporary(writer) != GN_OK) {
        gn_file_abort(writer);
        return NULL;
    }
    return writer;
}

/* ---- Writing ---- */

gn_status gn_file_append(struct gn_file_writer *writer, const void *data, size_t n)
{
    const char *bytes = data;
    for (size_t done = 0; done < n && writer->error == 0;) {
        const int64_t wrote = write_some(writer->fd, bytes + done, n - done);
        if (wrote < 0) {
            writer->error = errno == EINTR ? 0 : errno;
            continue;
        }
        writer->crc = gn_crc32c(writer->crc, bytes + done, (size_t)wrote);
        writer->bytes += (uint64_t)wrote;
        done += (size_t)wrote;
    }
    return writer->error == 0 ? GN_OK : cannot_save(writer, "writing", writer->error);
}

/* Compares what can be read back with what was written. */
static gn_status verify_temporary(const struct gn_file_writer *writer)
{
    enum { CHUNK = 1 << 18 };
    uint8_t *chunk = gn_alloc(CHUNK, "verifying a saved file");
    if (chunk == NULL)
        return gn_last_status();
    const int fd = open_written(writer);
    int64_t got = fd < 0 ? -1 : 1;
    uint64_t bytes = 0;
    uint32_t crc = 0;
    while (got > 0 || (fd >= 0 && got < 0 && errno == EINTR)) {
        got = gn_system_read(fd, chunk, CHUNK);
        if (got > 0) {
            crc = gn_crc32c(crc, chunk, (size_t)got);
            bytes += (uint64_t)got;
        }
    }
    const int number = errno;
    gn_free(chunk);
    if (fd >= 0)
        (void)gn_system_close(fd);
    if (got < 0)
        return cannot_save(writer, "reading back", number);
    if (bytes != writer->bytes || crc != writer->crc)
        GN_FAIL(GN_STATUS_IO,
                "%s: %s: cannot save, the disk returns other bytes than were written (%" PRIu64
                " bytes with CRC32C %08" PRIx32 ", written %" PRIu64 " with %08" PRIx32 ")",
                writer->text, writer->kind, bytes, crc, writer->bytes, writer->crc);
    return GN_OK;
}

/* ---- Committing ---- */

/* Gives the new file its name and the old one the name `previous`, so that at every instant two
 * different generations lie on the disk. Without an old file there is nothing to keep. */
static gn_status exchange_keeping(const struct gn_file_writer *writer, const char *previous)
{
    const struct gn_place *place = &writer->place;
    char link[GN_ENTRY_BYTES];
    const int length = snprintf(link, sizeof link, "%s.tmp.%ld", previous, gn_system_process());
    if (length < 0 || (size_t)length >= sizeof link)
        return cannot_save(writer, "naming the file to keep", ENAMETOOLONG);
    (void)gn_place_remove(place, link);
    if (link_in(place, writer->base, link) == 0) {
        int number = rename_in(place, writer->temp, writer->base) == 0 ? 0 : errno;
        if (number == 0 && rename_in(place, link, previous) != 0)
            number = errno;
        /* Still there after an error, or when both were names of one file already. */
        (void)gn_place_remove(place, link);
        return number == 0 ? GN_OK : cannot_save(writer, "renaming", number);
    }
    if (errno != ENOENT) {
        /* A file system without hard links: for a moment only `previous` is there. */
        if (rename_in(place, writer->base, previous) != 0)
            return cannot_save(writer, "keeping the file of before", errno);
        if (rename_in(place, writer->temp, writer->base) == 0)
            return GN_OK;
        const int number = errno;
        (void)gn_place_rename(place, previous, writer->base);
        return cannot_save(writer, "renaming", number);
    }
    return rename_in(place, writer->temp, writer->base) == 0
               ? GN_OK
               : cannot_save(writer, "renaming", errno);
}

static gn_status commit(struct gn_file_writer *writer, const char *previous)
{
    if (writer->error != 0)
        return cannot_save(writer, "writing", writer->error);
    /* After a failed fsync the kernel may have dropped the pages: a second call would lie. */
    if (sync_file(writer->fd) != 0)
        return cannot_save(writer, "fsync", errno);
    const int fd = writer->fd;
    writer->fd = -1;
    if (close_file(fd) != 0)
        return cannot_save(writer, "closing", errno);
    GN_TRY(verify_temporary(writer));
    if (previous != NULL)
        GN_TRY(exchange_keeping(writer, previous));
    else if (rename_in(&writer->place, writer->temp, writer->base) != 0)
        return cannot_save(writer, "renaming", errno);
    writer->temp[0] = '\0';
    /* Some file systems cannot sync a folder and say EINVAL. */
    if (sync_folder(&writer->place) != 0 && errno != EINVAL)
        return cannot_save(writer, "fsync of the folder", errno);
    return GN_OK;
}

gn_status gn_file_commit(struct gn_file_writer *writer, const char *keep_previous)
{
    if (writer == NULL)
        return gn_last_status();
    const char *slash = keep_previous == NULL ? NULL : gn_path_slash(keep_previous);
    const gn_status status = commit(writer, slash == NULL ? keep_previous : slash + 1);
    gn_file_abort(writer);
    return status;
}

void gn_file_abort(struct gn_file_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->fd >= 0)
        (void)gn_system_close(writer->fd);
    if (writer->temp[0] != '\0') /* made, so the folder is open */
        (void)gn_place_remove(&writer->place, writer->temp);
    gn_place_close(&writer->place);
    gn_free(writer->path);
    gn_free(writer);
}

gn_status gn_file_write(const char *path, const char *kind, const void *data, size_t n,
                        const char *keep_previous)
{
    struct gn_file_writer *writer = gn_file_begin(path, kind, n);
    if (writer == NULL)
        return gn_last_status();
    (void)gn_file_append(writer, data, n);
    return gn_file_commit(writer, keep_previous);
}

gn_status gn_write_file(const char *path, const void *data, size_t n)
{
    if (path == NULL || (data == NULL && n > 0))
        return gn_fail(GN_STATUS_BAD_ARGUMENT, "a file to write needs a path and bytes");
    return gn_file_write(path, "file", data, n, NULL);
}
