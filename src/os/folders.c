/* What lies at a path, and making folders. */
#include "os/folders.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

bool gn_path_exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

bool gn_path_is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

int gn_make_folders(const char *path, int *made)
{
    char part[GN_PATH_BYTES];
    int failed = 0, count = 0; /* why the first part that could not be made could not */
    if (strlen(path) >= sizeof part)
        return ENAMETOOLONG;
    /* Above a folder that is there may lie one in which nothing can be made: only the whole counts. */
    for (size_t n = 1; path[0] != '\0'; n++) {
        if (path[n] != '/' && path[n] != '\0')
            continue;
        memcpy(part, path, n);
        part[n] = '\0';
        if (mkdir(part, 0777) == 0)
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
