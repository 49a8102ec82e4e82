/* Opening and reading files; what is not a regular file is named for what it is. */
#include "file/file.h"

#include "base/memory.h"
#include "os/os.h"
#include "file/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Whether the path, not the machine, is to blame. */
static bool is_fault_of_path(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EACCES:
    case EPERM:
    case ENXIO: /* a socket */
    case ENODEV:
    case EISDIR:
        return true;
    default:
        return false;
    }
}

gn_status gn_file_examine(struct gn_file *file, int fd, const char *name, uint64_t names)
{
    char reason[GN_ERRNO_TEXT];
    const char *kind = file->kind;
    if (fd < 0 && errno == ENOENT)
        GN_FAIL(file->bad, "%s: %s: there is no such file", name, kind);
    if (fd < 0)
        GN_FAIL(is_fault_of_path(errno) ? file->bad : GN_STATUS_IO, "%s: %s: cannot be opened: %s",
                name, kind, gn_errno_text(errno, reason));
    struct gn_system_file about;
    if (!gn_system_examine(fd, &about)) {
        const int number = errno;
        (void)gn_system_close(fd);
        GN_FAIL(GN_STATUS_IO, "%s: %s: cannot be examined: %s", name, kind,
                gn_errno_text(number, reason));
    }
    if (about.other != NULL || about.names > names) {
        (void)gn_system_close(fd);
        if (about.other != NULL)
            GN_FAIL(file->bad, "%s: %s: is %s, not a file", name, kind, about.other);
        GN_FAIL(file->bad, "%s: %s: is a file of several names (hard links)", name, kind);
    }
    file->size = about.size;
    file->fd = fd;
    return GN_OK;
}

gn_status gn_file_open(struct gn_file *file, const char *path, const char *kind, gn_status bad)
{
    char name[GN_PATH_TEXT];
    *file = (struct gn_file){ .path = path, .kind = kind, .bad = bad, .fd = -1 };
    (void)gn_printable(name, sizeof name, path);
    return gn_file_examine(file, gn_system_open(path), name, UINT64_MAX);
}

void gn_file_of_bytes(struct gn_file *file, const void *bytes, size_t n, const char *name,
                      const char *kind, gn_status bad)
{
    *file = (struct gn_file){
        .path = name, .kind = kind, .bad = bad, .size = n, .fd = -1, .bytes = bytes
    };
}

void gn_file_close(struct gn_file *file)
{
    if (file->fd >= 0)
        (void)gn_system_close(file->fd);
    file->fd = -1;
}

/* As pread(2) for either kind of file; the end of the bytes that are wanted fits. */
static int64_t read_at(const struct gn_file *file, void *buffer, size_t n, uint64_t offset)
{
    struct gn_reader reader;
    const uint8_t *bytes;
    if (file->fd >= 0)
        return gn_system_read_at(file->fd, buffer, n, offset);
    gn_rd_init(&reader, file->bytes, (size_t)file->size);
    if (!gn_rd_seek(&reader, offset))
        return 0;
    const size_t taken = n < gn_rd_left(&reader) ? n : gn_rd_left(&reader);
    if (taken > 0 && gn_rd_bytes(&reader, taken, &bytes))
        memcpy(buffer, bytes, taken);
    return (int64_t)taken;
}

gn_status gn_file_pread(const struct gn_file *file, void *buffer, size_t n, uint64_t offset)
{
    char name[GN_PATH_TEXT], reason[GN_ERRNO_TEXT];
    const char *kind = file->kind;
    uint64_t end;
    (void)gn_printable(name, sizeof name, file->path);
    if (!gn_add_u64(offset, n, &end) || end > INT64_MAX)
        GN_FAIL(file->bad, "%s: %s: the wanted bytes lie beyond any file at byte %" PRIu64, name,
                kind, offset);
    for (size_t done = 0; done < n;) {
        const int64_t got = read_at(file, (char *)buffer + done, n - done, offset + done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            GN_FAIL(GN_STATUS_IO, "%s: %s: cannot be read: %s at byte %" PRIu64, name, kind,
                    gn_errno_text(errno, reason), offset + done);
        if (got == 0)
            GN_FAIL(file->bad,
                    "%s: %s: ends too early (%zu bytes more were expected) at byte %" PRIu64, name,
                    kind, n - done, offset + done);
        done += (size_t)got;
    }
    return GN_OK;
}

gn_status gn_file_read(const char *path, const char *kind, gn_status bad, uint64_t limit,
                       struct gn_bytes *bytes)
{
    char name[GN_PATH_TEXT];
    struct gn_file file;
    GN_TRY(gn_file_open(&file, path, kind, bad));
    size_t wanted = 0;
    gn_status status = GN_OK;
    uint8_t *data = NULL;
    if (file.size > limit || !gn_to_size(file.size, &wanted)) {
        status = gn_fail(bad, "%s: %s: too large (%" PRIu64 " bytes, limit %" PRIu64 ")",
                         gn_printable(name, sizeof name, path), kind, file.size, limit);
    } else {
        data = gn_alloc(wanted, "the bytes of a file");
        status = data == NULL ? gn_last_status() : gn_file_pread(&file, data, wanted, 0);
    }
    gn_file_close(&file);
    if (status != GN_OK) {
        gn_free(data);
        return status;
    }
    bytes->data = data;
    bytes->size = wanted;
    return GN_OK;
}
