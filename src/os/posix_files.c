/* Paths, folders and files that are written: Linux and other systems with POSIX. */
#define _GNU_SOURCE /* locks of an open file instead of a process */
#include "os/files.h"
#include "os/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#include <sys/file.h>
#endif

/* ---- What lies at a path ---- */

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

bool gn_path_is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static int64_t nanoseconds(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

bool gn_path_examine(const char *path, struct gn_path_facts *facts)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return false;
    facts->size = (uint64_t)about.st_size;
#if defined(__APPLE__)
    facts->written = nanoseconds(&about.st_mtimespec);
    facts->changed = nanoseconds(&about.st_ctimespec);
#else
    facts->written = nanoseconds(&about.st_mtim);
    facts->changed = nanoseconds(&about.st_ctim);
#endif
    return true;
}

uint64_t gn_path_number(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 ? (uint64_t)about.st_ino : 0;
}

bool gn_is_slash(char c)
{
    return c == '/';
}

char *gn_full_path(const char *path)
{
    return realpath(path, NULL);
}

bool gn_cache_folder(char path[GN_PATH_BYTES])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (cache != NULL && cache[0] == '/') /* a relative one is invalid by that standard */
        n = snprintf(path, GN_PATH_BYTES, "%s", cache);
    else if (home != NULL && home[0] == '/')
        n = snprintf(path, GN_PATH_BYTES, "%s/.cache", home);
    return n > 0 && n < GN_PATH_BYTES;
}

const char *gn_folder_variable(char path[GN_PATH_BYTES], const char *name)
{
    const char *text = getenv(name);
    const int n = snprintf(path, GN_PATH_BYTES, "%s", text == NULL ? "" : text);
    if (n < 0 || n >= GN_PATH_BYTES)
        path[0] = '\0';
    return path;
}

/* ---- Listing ---- */

struct gn_listing {
    DIR *folder;
};

struct gn_listing *gn_list_folder(const char *path)
{
    struct gn_listing *listing = malloc(sizeof *listing);
    if (listing == NULL)
        return NULL;
    listing->folder = opendir(path);
    if (listing->folder == NULL) {
        free(listing);
        return NULL;
    }
    return listing;
}

const char *gn_list_next(struct gn_listing *listing)
{
    const struct dirent *entry = readdir(listing->folder);
    return entry == NULL ? NULL : entry->d_name;
}

void gn_list_end(struct gn_listing *listing)
{
    if (listing == NULL)
        return;
    (void)closedir(listing->folder);
    free(listing);
}

/* ---- Open files ---- */

int gn_system_open_own(const char *path, enum gn_open how)
{
    static const int flags[] = {
        [GN_OPEN_READ] = O_RDONLY | O_NONBLOCK | O_NOCTTY,
        [GN_OPEN_WRITE] = O_WRONLY,
        [GN_OPEN_APPEND] = O_WRONLY | O_APPEND,
        [GN_OPEN_MAKE] = O_RDWR | O_CREAT | O_NONBLOCK,
    };
    return open(path, flags[how] | O_CLOEXEC | O_NOFOLLOW, 0666);
}

FILE *gn_system_open_text(const char *path)
{
    return fopen(path, "r");
}

int64_t gn_system_read(int file, void *buffer, size_t n)
{
    return read(file, buffer, n);
}

int64_t gn_system_write(int file, const void *data, size_t n)
{
    return write(file, data, n);
}

int64_t gn_system_write_at(int file, const void *data, size_t n, uint64_t offset)
{
    return pwrite(file, data, n, (off_t)offset);
}

int gn_system_empty(int file)
{
    return ftruncate(file, 0);
}

#if defined(__APPLE__)
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

/* ---- By path ---- */

int gn_system_remove(const char *path)
{
    return unlink(path);
}

int gn_system_remove_folder(const char *path)
{
    return rmdir(path);
}

int gn_system_make_folder(const char *path)
{
    return mkdir(path, 0777);
}

int gn_system_rename(const char *from, const char *to)
{
    return rename(from, to);
}

int gn_system_link(const char *from, const char *to)
{
    return link(from, to);
}

/* ---- The folder of a file that is replaced ---- */

int gn_place_open(struct gn_place *place, const char *folder)
{
    place->path = NULL;
    place->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return place->folder < 0 ? -1 : 0;
}

void gn_place_close(struct gn_place *place)
{
    if (place->folder >= 0)
        (void)close(place->folder);
    place->folder = -1;
}

int gn_place_new_file(const struct gn_place *place, const char *name)
{
    return openat(place->folder, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
}

int gn_place_open_file(const struct gn_place *place, const char *name)
{
    return openat(place->folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
}

int gn_place_remove(const struct gn_place *place, const char *name)
{
    return unlinkat(place->folder, name, 0);
}

int gn_place_rename(const struct gn_place *place, const char *from, const char *to)
{
    return renameat(place->folder, from, place->folder, to);
}

int gn_place_link(const struct gn_place *place, const char *from, const char *to)
{
    return linkat(place->folder, from, place->folder, to, 0);
}

int gn_place_sync(const struct gn_place *place)
{
    return gn_system_sync(place->folder);
}

const char *gn_place_other(const struct gn_place *place, const char *name)
{
    struct stat about;
    if (fstatat(place->folder, name, &about, 0) != 0 || S_ISREG(about.st_mode))
        return NULL;
    return S_ISDIR(about.st_mode) ? "a folder" : "a pipe or device";
}

bool gn_place_space(const struct gn_place *place, double *bytes)
{
    struct statvfs about;
    if (fstatvfs(place->folder, &about) != 0 || about.f_blocks == 0)
        return false;
    const double blocks = (double)(geteuid() == 0 ? about.f_bfree : about.f_bavail);
    *bytes = blocks * (double)about.f_frsize;
    return true;
}

/* ---- Memory that is written like a file ---- */

bool gn_memory_stream_begin(struct gn_memory_stream *stream)
{
    stream->text = NULL;
    stream->n = 0;
    stream->file = open_memstream(&stream->text, &stream->n);
    return stream->file != NULL;
}

char *gn_memory_stream_end(struct gn_memory_stream *stream, size_t *n)
{
    const bool is_whole = ferror(stream->file) == 0;
    if (fclose(stream->file) != 0 || !is_whole) {
        free(stream->text);
        return NULL;
    }
    if (n != NULL)
        *n = stream->n;
    return stream->text;
}

/* ---- Who writes ---- */

long gn_system_process(void)
{
    return (long)getpid();
}

void gn_system_host(char *name, size_t size)
{
    name[0] = '\0';
    (void)gethostname(name, size - 1);
    name[size - 1] = '\0';
}
