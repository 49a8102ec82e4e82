/* Opening and reading files; what is not a regular file is named for what it is. */
#include "base/file.h"

#include "base/memory.h"
#include "base/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *gn_errno_text(int number, char buffer[GN_ERRNO_TEXT])
{
    if (strerror_r(number, buffer, GN_ERRNO_TEXT) != 0)
        (void)snprintf(buffer, GN_ERRNO_TEXT, "system error %d", number);
    return buffer;
}

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

static const char *kind_of_file(mode_t mode)
{
    return S_ISDIR(mode)    ? "a folder"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
           : S_ISCHR(mode)  ? "a character device"
           : S_ISBLK(mode)  ? "a block device"
                            : "something else";
}

gn_status gn_file_open(const char *path, const char *kind, gn_status bad, int *fd, uint64_t *size)
{
    char name[GN_PATH_TEXT], reason[GN_ERRNO_TEXT];
    (void)gn_printable(name, sizeof name, path);
    /* Without O_NONBLOCK a pipe that nobody writes to would hold the open for ever. */
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0 && errno == ENOENT)
        GN_FAIL(bad, "%s: %s: there is no such file", name, kind);
    if (file < 0)
        GN_FAIL(is_fault_of_path(errno) ? bad : GN_STATUS_IO, "%s: %s: cannot be opened: %s", name,
                kind, gn_errno_text(errno, reason));
    struct stat about;
    if (fstat(file, &about) != 0) {
        const int number = errno;
        (void)close(file);
        GN_FAIL(GN_STATUS_IO, "%s: %s: cannot be examined: %s", name, kind,
                gn_errno_text(number, reason));
    }
    if (!S_ISREG(about.st_mode) || about.st_size < 0) {
        (void)close(file);
        GN_FAIL(bad, "%s: %s: is %s, not a file", name, kind, kind_of_file(about.st_mode));
    }
    *fd = file;
    *size = (uint64_t)about.st_size;
    return GN_OK;
}

gn_status gn_file_pread(int fd, const char *path, const char *kind, gn_status bad, void *buffer,
                        size_t n, uint64_t offset)
{
    char name[GN_PATH_TEXT], reason[GN_ERRNO_TEXT];
    uint64_t end;
    if (!gn_add_u64(offset, n, &end) || end > INT64_MAX)
        GN_FAIL(bad, "%s: %s: the wanted bytes lie beyond any file at byte %" PRIu64,
                gn_printable(name, sizeof name, path), kind, offset);
    for (size_t done = 0; done < n;) {
        const ssize_t got = pread(fd, (char *)buffer + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            GN_FAIL(GN_STATUS_IO, "%s: %s: cannot be read: %s at byte %" PRIu64,
                    gn_printable(name, sizeof name, path), kind, gn_errno_text(errno, reason),
                    offset + done);
        if (got == 0)
            GN_FAIL(bad, "%s: %s: ends too early (%zu bytes more were expected) at byte %" PRIu64,
                    gn_printable(name, sizeof name, path), kind, n - done, offset + done);
        done += (size_t)got;
    }
    return GN_OK;
}

gn_status gn_file_read(const char *path, const char *kind, gn_status bad, uint64_t limit,
                       struct gn_bytes *bytes)
{
    char name[GN_PATH_TEXT];
    int fd;
    uint64_t size;
    GN_TRY(gn_file_open(path, kind, bad, &fd, &size));
    size_t wanted = 0;
    gn_status status = GN_OK;
    uint8_t *data = NULL;
    if (size > limit || !gn_to_size(size, &wanted)) {
        status = gn_fail(bad, "%s: %s: too large (%" PRIu64 " bytes, limit %" PRIu64 ")",
                         gn_printable(name, sizeof name, path), kind, size, limit);
    } else {
        data = gn_alloc(wanted, "the bytes of a file");
        status =
            data == NULL ? gn_last_status() : gn_file_pread(fd, path, kind, bad, data, wanted, 0);
    }
    (void)close(fd);
    if (status != GN_OK) {
        gn_free(data);
        return status;
    }
    bytes->data = data;
    bytes->size = wanted;
    return GN_OK;
}
