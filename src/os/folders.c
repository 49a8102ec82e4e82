/* What lies at a path, making folders, and files that are written. */
#define _GNU_SOURCE /* locks of an open file instead of a process */
#include "os/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#include <sys/file.h>
#endif

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

/* ---- Files that are written ---- */

#if defined(__APPLE__)
int64_t gn_system_changed(const struct stat *about)
{
    return (int64_t)about->st_ctimespec.tv_sec * 1000000000 + about->st_ctimespec.tv_nsec;
}

bool gn_system_program(char *path, size_t size)
{
    uint32_t room = (uint32_t)size;
    return _NSGetExecutablePath(path, &room) == 0;
}

/* fsync hands the bytes to the drive, which may keep them; a file system without the stronger call has only that. */
int gn_system_sync(int file)
{
    return fcntl(file, F_FULLFSYNC) == 0 ? 0 : fsync(file);
}

int gn_system_sync_data(int file)
{
    return gn_system_sync(file);
}

int gn_system_lock(int file)
{
    return flock(file, LOCK_EX | LOCK_NB);
}

bool gn_system_is_locked(int file)
{
    if (flock(file, LOCK_SH | LOCK_NB) != 0)
        return errno == EWOULDBLOCK;
    (void)flock(file, LOCK_UN);
    return false;
}
#else
int64_t gn_system_changed(const struct stat *about)
{
    return (int64_t)about->st_ctim.tv_sec * 1000000000 + about->st_ctim.tv_nsec;
}

bool gn_system_program(char *path, size_t size)
{
    const ssize_t n = readlink("/proc/self/exe", path, size - 1);
    path[n > 0 ? n : 0] = '\0';
    return n > 0;
}

int gn_system_sync(int file)
{
    return fsync(file);
}

int gn_system_sync_data(int file)
{
    return fdatasync(file);
}

int gn_system_lock(int file)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    return fcntl(file, F_OFD_SETLK, &whole);
}

bool gn_system_is_locked(int file)
{
    struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
    return fcntl(file, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}
#endif
