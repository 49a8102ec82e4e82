/* Opening a file that another file names, without being led elsewhere. */
#include "file/file.h"

#include "os/files.h"
#include "os/folders.h"

#include <errno.h>
#include <string.h>

gn_status gn_file_open_beside(struct gn_file *file, const char *path, const char *name,
                              const char *kind, gn_status bad)
{
    char text[GN_PATH_TEXT], folder[GN_PATH_BYTES];
    const char *slash = gn_path_slash(path);
    const size_t n = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    *file = (struct gn_file){ .path = path, .kind = kind, .bad = bad, .fd = -1 };
    (void)gn_printable(text, sizeof text, name);
    if (name[0] == '\0' || gn_path_slash(name) != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0 || n + 2 > sizeof folder)
        GN_FAIL(bad, "%s: %s: is not the plain name of a file in the same folder", text, kind);
    memcpy(folder, path, n);
    memcpy(folder + n, ".", 2);
    struct gn_place place;
    const int fd = gn_place_open(&place, folder) != 0 ? -1 : gn_place_open_file(&place, name);
    const int number = errno;
    gn_place_close(&place);
    errno = number;
    return gn_file_examine(file, fd, text, 1);
}
