/* Paths, folders and files that are written: Windows. */
#include "os/files.h"
#include "os/folders.h"
#include "os/os.h"
#include "os/windows.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

enum { MOST = 1 << 30 }; /* bytes that one call moves */

/* ---- What lies at a path ---- */

static DWORD attributes_of(const char *path)
{
    wchar_t *wide = gn_wide(path);
    const DWORD about = wide == NULL ? INVALID_FILE_ATTRIBUTES : GetFileAttributesW(wide);
    if (wide != NULL && about == INVALID_FILE_ATTRIBUTES)
        (void)gn_windows_failed();
    free(wide);
    return about;
}

bool gn_path_exists(const char *path)
{
    return attributes_of(path) != INVALID_FILE_ATTRIBUTES;
}

bool gn_path_is_folder(const char *path)
{
    const DWORD about = attributes_of(path);
    return about != INVALID_FILE_ATTRIBUTES && (about & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

bool gn_path_is_file(const char *path)
{
    const DWORD about = attributes_of(path);
    return about != INVALID_FILE_ATTRIBUTES &&
           (about & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE)) == 0;
}

/* What the system knows of a file or folder, or of a link itself. */
static bool look(const char *path, bool at_link, BY_HANDLE_FILE_INFORMATION *found)
{
    wchar_t *wide = gn_wide(path);
    if (wide == NULL)
        return false;
    const HANDLE handle = CreateFileW(
        wide, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
        OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | (at_link ? FILE_FLAG_OPEN_REPARSE_POINT : 0),
        NULL);
    free(wide);
    const bool done =
        handle != INVALID_HANDLE_VALUE && GetFileInformationByHandle(handle, found) != 0;
    if (!done)
        (void)gn_windows_failed();
    if (handle != INVALID_HANDLE_VALUE)
        (void)CloseHandle(handle);
    return done;
}

/* The system counts tenths of microseconds since 1601. */
static int64_t nanoseconds(FILETIME t)
{
    const uint64_t ticks = (uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime;
    return ((int64_t)ticks - INT64_C(116444736000000000)) * 100;
}

bool gn_path_examine(const char *path, struct gn_path_facts *facts)
{
    BY_HANDLE_FILE_INFORMATION found;
    if (!look(path, false, &found))
        return false;
    facts->size = (uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow;
    facts->written = facts->changed = nanoseconds(found.ftLastWriteTime);
    return true;
}

uint64_t gn_path_number(const char *path)
{
    BY_HANDLE_FILE_INFORMATION found;
    if (!look(path, true, &found))
        return 0;
    const uint64_t number = (uint64_t)found.nFileIndexHigh << 32 | found.nFileIndexLow;
    return number == 0 ? 1 : number;
}

bool gn_is_slash(char c)
{
    return c == '/' || c == '\\';
}

/* UTF-8 with the separators that all systems have. */
static bool to_path(char *path, size_t size, const wchar_t *wide)
{
    if (!gn_narrow(path, size, wide))
        return false;
    for (char *c = path; *c != '\0'; c++)
        if (*c == '\\')
            *c = '/';
    return true;
}

char *gn_full_path(const char *path)
{
    wchar_t *wide = gn_path_exists(path) ? gn_wide(path) : NULL;
    wchar_t *whole = malloc(sizeof *whole * GN_PATH_UNITS);
    char *text = malloc(GN_PATH_BYTES);
    const DWORD n =
        wide == NULL || whole == NULL ? 0 : GetFullPathNameW(wide, GN_PATH_UNITS, whole, NULL);
    if (n == 0 || n >= GN_PATH_UNITS || text == NULL || !to_path(text, GN_PATH_BYTES, whole)) {
        free(text);
        text = NULL;
    }
    free(whole);
    free(wide);
    return text;
}

bool gn_system_program(char *path, size_t size)
{
    wchar_t *wide = malloc(sizeof *wide * GN_PATH_UNITS);
    const DWORD n = wide == NULL ? 0 : GetModuleFileNameW(NULL, wide, GN_PATH_UNITS);
    const bool known = n > 0 && n < GN_PATH_UNITS && to_path(path, size, wide);
    free(wide);
    return known;
}

const char *gn_folder_variable(char path[GN_PATH_BYTES], const char *name)
{
    wchar_t *wide = gn_wide(name);
    const wchar_t *text = wide == NULL ? NULL : _wgetenv(wide);
    if (text == NULL || !to_path(path, GN_PATH_BYTES, text))
        path[0] = '\0';
    free(wide);
    return path;
}

bool gn_cache_folder(char path[GN_PATH_BYTES])
{
    return gn_folder_variable(path, "XDG_CACHE_HOME")[0] != '\0' ||
           gn_folder_variable(path, "LOCALAPPDATA")[0] != '\0';
}

/* ---- Listing ---- */

struct gn_listing {
    HANDLE handle;
    bool is_first; /* of `found`, which was not handed out yet */
    WIN32_FIND_DATAW found;
    char name[4 * MAX_PATH];
};

struct gn_listing *gn_list_folder(const char *path)
{
    struct gn_listing *listing = malloc(sizeof *listing);
    const size_t n = strlen(path);
    char *pattern = malloc(n + 3);
    wchar_t *wide = NULL;
    if (listing != NULL && pattern != NULL) {
        memcpy(pattern, path, n);
        memcpy(pattern + n, "/*", 3);
        wide = gn_wide(pattern);
    }
    free(pattern);
    if (wide != NULL) {
        listing->is_first = true;
        listing->handle = FindFirstFileW(wide, &listing->found);
        free(wide);
        if (listing->handle != INVALID_HANDLE_VALUE)
            return listing;
        (void)gn_windows_failed();
    }
    free(listing);
    return NULL;
}

const char *gn_list_next(struct gn_listing *listing)
{
    const bool is_there = listing->is_first || FindNextFileW(listing->handle, &listing->found);
    listing->is_first = false;
    return is_there && gn_narrow(listing->name, sizeof listing->name, listing->found.cFileName)
               ? listing->name
               : NULL;
}

void gn_list_end(struct gn_listing *listing)
{
    if (listing == NULL)
        return;
    (void)FindClose(listing->handle);
    free(listing);
}

/* ---- Open files ---- */

static HANDLE handle_of(int file)
{
    return (HANDLE)_get_osfhandle(file);
}

static bool is_link(const wchar_t *path)
{
    WIN32_FIND_DATAW found;
    const HANDLE handle = FindFirstFileW(path, &found);
    if (handle == INVALID_HANDLE_VALUE)
        return false;
    (void)FindClose(handle);
    return (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
           (found.dwReserved0 == IO_REPARSE_TAG_SYMLINK ||
            found.dwReserved0 == IO_REPARSE_TAG_MOUNT_POINT);
}

int gn_system_open_own(const char *path, enum gn_open how)
{
    static const struct {
        DWORD rights, making;
        int mode;
    } ways[] = {
        [GN_OPEN_READ] = { GENERIC_READ, OPEN_EXISTING, _O_RDONLY },
        [GN_OPEN_WRITE] = { GENERIC_WRITE, OPEN_EXISTING, _O_WRONLY },
        [GN_OPEN_APPEND] = { GENERIC_WRITE, OPEN_EXISTING, _O_WRONLY | _O_APPEND },
        [GN_OPEN_MAKE] = { GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS, _O_RDWR },
    };
    wchar_t *wide = gn_wide(path);
    if (wide == NULL)
        return -1;
    const bool refused = is_link(wide);
    const int file =
        refused ? -1 : gn_windows_open(wide, ways[how].rights, ways[how].making, ways[how].mode);
    free(wide);
    if (refused)
        errno = ELOOP;
    return file;
}

FILE *gn_system_open_text(const char *path)
{
    const int file = gn_system_open(path);
    FILE *stream = file < 0 ? NULL : _fdopen(file, "rt");
    if (file >= 0 && stream == NULL)
        (void)_close(file);
    return stream;
}

int64_t gn_system_read(int file, void *buffer, size_t n)
{
    return _read(file, buffer, (unsigned int)(n < MOST ? n : MOST));
}

int64_t gn_system_write(int file, const void *data, size_t n)
{
    return _write(file, data, (unsigned int)(n < MOST ? n : MOST));
}

int64_t gn_system_write_at(int file, const void *data, size_t n, uint64_t offset)
{
    OVERLAPPED at = { .Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32) };
    DWORD wrote = 0;
    if (WriteFile(handle_of(file), data, (DWORD)(n < MOST ? n : MOST), &wrote, &at))
        return (int64_t)wrote;
    return gn_windows_failed();
}

int gn_system_empty(int file)
{
    return _chsize(file, 0);
}

int gn_system_sync(int file)
{
    return FlushFileBuffers(handle_of(file)) ? 0 : gn_windows_failed();
}

int gn_system_sync_data(int file)
{
    return gn_system_sync(file);
}

/* Nobody else could read bytes that are locked: it is one far behind the last. */
#define LOCK_AT                                                                                    \
    {                                                                                              \
        .OffsetHigh = 0x7fffffff                                                                   \
    }

int gn_system_lock(int file)
{
    OVERLAPPED at = LOCK_AT;
    return LockFileEx(handle_of(file), LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
                      &at)
               ? 0
               : gn_windows_failed();
}

bool gn_system_is_locked(int file)
{
    OVERLAPPED at = LOCK_AT;
    if (!LockFileEx(handle_of(file), LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at))
        return gn_windows_failed() != 0 && errno == EACCES;
    (void)UnlockFileEx(handle_of(file), 0, 1, 0, &at);
    return false;
}

/* ---- By path ---- */

static int remove_file(const wchar_t *path)
{
    return DeleteFileW(path) ? 0 : gn_windows_failed();
}

static int remove_folder(const wchar_t *path)
{
    return RemoveDirectoryW(path) ? 0 : gn_windows_failed();
}

/* A file in the place of a folder above: the system says only that the path is not there. */
static bool is_below_file(const wchar_t *path)
{
    wchar_t *above = wcsdup(path);
    bool found = false;
    for (size_t n = above == NULL ? 0 : wcslen(above); n > 0 && !found; n--) {
        if (above[n - 1] != L'/' && above[n - 1] != L'\\')
            continue;
        above[n - 1] = L'\0';
        const DWORD about = GetFileAttributesW(above);
        if (about == INVALID_FILE_ATTRIBUTES)
            continue;
        found = (about & FILE_ATTRIBUTE_DIRECTORY) == 0;
        break;
    }
    free(above);
    return found;
}

static int make_folder(const wchar_t *path)
{
    if (CreateDirectoryW(path, NULL))
        return 0;
    (void)gn_windows_failed();
    if (errno == ENOENT && is_below_file(path))
        errno = ENOTDIR;
    return -1;
}

/* Over what has the name. Programs that look at every new file (indexers, virus scanners) have it open for
 * a moment, in which the system refuses. */
static int rename_file(const wchar_t *from, const wchar_t *to)
{
    enum { TIMES = 20, MILLISECONDS = 50 };
    for (int i = 1;; i++) {
        if (MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
            return 0;
        const DWORD said = GetLastError(), about = GetFileAttributesW(to);
        const bool is_folder =
            about != INVALID_FILE_ATTRIBUTES && (about & FILE_ATTRIBUTE_DIRECTORY) != 0;
        SetLastError(said);
        if ((said != ERROR_ACCESS_DENIED && said != ERROR_SHARING_VIOLATION) || is_folder ||
            i == TIMES)
            return gn_windows_failed();
        Sleep(MILLISECONDS);
    }
}

static int link_file(const wchar_t *from, const wchar_t *to)
{
    return CreateHardLinkW(to, from, NULL) ? 0 : gn_windows_failed();
}

static int with_path(int (*call)(const wchar_t *path), const char *path)
{
    wchar_t *wide = gn_wide(path);
    const int result = wide == NULL ? -1 : call(wide);
    free(wide);
    return result;
}

static int with_paths(int (*call)(const wchar_t *from, const wchar_t *to), const char *from,
                      const char *to)
{
    wchar_t *a = gn_wide(from), *b = a == NULL ? NULL : gn_wide(to);
    const int result = b == NULL ? -1 : call(a, b);
    free(a);
    free(b);
    return result;
}

int gn_system_remove(const char *path)
{
    return with_path(remove_file, path);
}

int gn_system_remove_folder(const char *path)
{
    return with_path(remove_folder, path);
}

int gn_system_make_folder(const char *path)
{
    return with_path(make_folder, path);
}

int gn_system_rename(const char *from, const char *to)
{
    return with_paths(rename_file, from, to);
}

int gn_system_link(const char *from, const char *to)
{
    return with_paths(link_file, from, to);
}

/* ---- Who writes ---- */

long gn_system_process(void)
{
    return (long)GetCurrentProcessId();
}

void gn_system_host(char *name, size_t size)
{
    wchar_t wide[256];
    DWORD n = sizeof wide / sizeof wide[0];
    if (!GetComputerNameExW(ComputerNameDnsHostname, wide, &n) || !gn_narrow(name, size, wide))
        name[0] = '\0';
}
