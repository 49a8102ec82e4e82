/* Paths and folders: what is the same on every system. */
#include "os/folders.h"

#include "os/files.h"

#include <errno.h>
#include <string.h>

const char *gn_path_slash(const char *path)
{
    const char *last = NULL;
    for (; *path != '\0'; path++)
        if (gn_is_slash(*path))
            last = path;
    return last;
}

int gn_make_folders(const char *path, int *made)
{
    char part[GN_PATH_BYTES];
    int failed = 0, count = 0; /* why the first part that could not be made could not */
    if (strlen(path) >= sizeof part)
        return ENAMETOOLONG;
    /* Above a folder that is there may lie one in which nothing can be made: only the whole counts. */
    for (size_t n = 1; path[0] != '\0'; n++) {
        if (!gn_is_slash(path[n]) && path[n] != '\0')
            continue;
        memcpy(part, path, n);
        part[n] = '\0';
        if (gn_system_make_folder(part) == 0)
            count++;
        else if (errno != EEXIST && failed == 0)
            failed = errno;
        if (path[n] == '\0')
            break;
    }
    if (made != NULL)
        *made = count;
    if (gn_path_is_folder(path))
        return 0;
    return failed != 0 ? failed : ENOTDIR;
}
