/* The folder of a file that is replaced, and memory that is written like a file: Windows. */
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

/* A place is the folder's path; that of the current one is empty, so that "C:name" stays what it is. */
int gn_place_open(struct gn_place *place, const char *folder)
{
    place->folder = -1;
    place->path = NULL;
    if (!gn_path_is_folder(folder)) {
        if (gn_path_exists(folder))
            errno = ENOTDIR;
        return -1;
    }
    place->path = strdup(strcmp(folder, ".") == 0 ? "" : folder);
    return place->path == NULL ? -1 : 0;
}

void gn_place_close(struct gn_place *place)
{
    free(place->path);
    place->path = NULL;
}

/* To be freed with free(); NULL: errno says why. */
static char *path_of(const struct gn_place *place, const char *name)
{
    const size_t n = strlen(place->path), m = strlen(name);
    const size_t slash = n > 0 && !gn_is_slash(place->path[n - 1]) ? 1 : 0;
    char *path = malloc(n + slash + m + 1);
    if (path == NULL)
        return NULL;
    memcpy(path, place->path, n);
    if (slash > 0)
        path[n] = '/';
    memcpy(path + n + slash, name, m + 1);
    return path;
}

int gn_place_new_file(const struct gn_place *place, const char *name)
{
    char *path = path_of(place, name);
    wchar_t *wide = path == NULL ? NULL : gn_wide(path);
    const int file =
        wide == NULL ? -1 : gn_windows_open(wide, GENERIC_WRITE, CREATE_NEW, _O_WRONLY);
    free(wide);
    free(path);
    return file;
}

int gn_place_open_file(const struct gn_place *place, const char *name)
{
    char *path = path_of(place, name);
    const int file = path == NULL ? -1 : gn_system_open_own(path, GN_OPEN_READ);
    free(path);
    return file;
}

int gn_place_remove(const struct gn_place *place, const char *name)
{
    char *path = path_of(place, name);
    const int result = path == NULL ? -1 : gn_system_remove(path);
    free(path);
    return result;
}

static int with_both(int (*call)(const char *from, const char *to), const struct gn_place *place,
                     const char *from, const char *to)
{
    char *a = path_of(place, from), *b = a == NULL ? NULL : path_of(place, to);
    const int result = b == NULL ? -1 : call(a, b);
    free(a);
    free(b);
    return result;
}

int gn_place_rename(const struct gn_place *place, const char *from, const char *to)
{
    return with_both(gn_system_rename, place, from, to);
}

int gn_place_link(const struct gn_place *place, const char *from, const char *to)
{
    return with_both(gn_system_link, place, from, to);
}

/* Names are on the disk when the call that changed them returns (MOVEFILE_WRITE_THROUGH). */
int gn_place_sync(const struct gn_place *place)
{
    (void)place;
    return 0;
}

const char *gn_place_other(const struct gn_place *place, const char *name)
{
    char *path = path_of(place, name);
    const bool is_other = path != NULL && gn_path_exists(path) && !gn_path_is_file(path);
    const bool is_folder = is_other && gn_path_is_folder(path);
    free(path);
    return is_folder ? "a folder" : is_other ? "a pipe or device" : NULL;
}

bool gn_place_space(const struct gn_place *place, double *bytes)
{
    ULARGE_INTEGER available;
    wchar_t *wide = gn_wide(place->path[0] == '\0' ? "." : place->path);
    const bool known = wide != NULL && GetDiskFreeSpaceExW(wide, &available, NULL, NULL) != 0;
    free(wide);
    if (known)
        *bytes = (double)available.QuadPart;
    return known;
}

/* ---- Memory that is written like a file: a temporary file that most of the time never reaches the disk ---- */

bool gn_memory_stream_begin(struct gn_memory_stream *stream)
{
    wchar_t folder[MAX_PATH + 1], path[MAX_PATH + 1];
    *stream = (struct gn_memory_stream){ 0 };
    if (GetTempPathW(MAX_PATH, folder) == 0 || GetTempFileNameW(folder, L"gn", 0, path) == 0)
        return false;
    const HANDLE handle = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                                      FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    const int file = handle == INVALID_HANDLE_VALUE
                         ? -1
                         : _open_osfhandle((intptr_t)handle, _O_RDWR | _O_BINARY | _O_NOINHERIT);
    if (file < 0 && handle != INVALID_HANDLE_VALUE)
        (void)CloseHandle(handle);
    stream->file = file < 0 ? NULL : _fdopen(file, "w+b");
    if (file >= 0 && stream->file == NULL)
        (void)_close(file);
    return stream->file != NULL;
}

char *gn_memory_stream_end(struct gn_memory_stream *stream, size_t *n)
{
    const long size =
        fflush(stream->file) == 0 && ferror(stream->file) == 0 ? ftell(stream->file) : -1;
    char *text = size < 0 ? NULL : malloc((size_t)size + 1);
    if (text != NULL) {
        rewind(stream->file);
        text[fread(text, 1, (size_t)size, stream->file)] = '\0';
        if (ferror(stream->file) != 0) {
            free(text);
            text = NULL;
        }
    }
    (void)fclose(stream->file);
    if (text != NULL && n != NULL)
        *n = (size_t)size;
    return text;
}
