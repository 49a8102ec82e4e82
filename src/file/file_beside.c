/* Opening a file that another file names, without being led elsewhere. */
#include "file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

gn_status gn_file_open_beside(struct gn_file *file, const char *path, const char *name,
                              const char *kind, gn_status bad)
{
    char text[GN_PATH_TEXT], folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t n = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    *file = (struct gn_file){ .path = path, .kind = kind, .bad = bad, .fd = -1 };
    (void)gn_printable(text, sizeof text, name);
    if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0 || n + 2 > sizeof folder)
        GN_FAIL(bad, "%s: %s: is not the plain name of a file in the same folder", text, kind);
    memcpy(folder, path, n);
    memcpy(folder + n, ".", 2);
    /* Without O_NONBLOCK a pipe that nobody writes to would hold the open for ever. */
    const int place = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    const int fd =
        place < 0 ? -1
                  : openat(place, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    const int number = errno;
    if (place >= 0)
        (void)close(place);
    errno = number;
    return gn_file_examine(file, fd, text, 1);
}
