/* What operating systems do differently: Windows, for a library that only predicts. Compiled with mingw-w64. */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <string.h>
#include <sys/stat.h>
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* ---- The locale of a thread ---- */

gn_locale gn_locale_enter(void)
{
    gn_locale before = { .of_thread = _configthreadlocale(_ENABLE_PER_THREAD_LOCALE) };
    const char *name = setlocale(LC_NUMERIC, NULL);
    if (name != NULL && strlen(name) < sizeof before.numbers)
        memcpy(before.numbers, name, strlen(name) + 1);
    (void)setlocale(LC_NUMERIC, "C");
    return before;
}

void gn_locale_leave(gn_locale before)
{
    if (before.numbers[0] != '\0')
        (void)setlocale(LC_NUMERIC, before.numbers);
    (void)_configthreadlocale(before.of_thread);
}

/* ---- Errors ---- */

bool gn_system_errno_text(int number, char *buffer, size_t size)
{
    return strerror_s(buffer, size, number) == 0;
}

/* ---- Files ---- */

enum { PATH_UNITS = 32768 }; /* of UTF-16: the longest path there is */

int gn_system_open(const char *path)
{
    wchar_t *wide = malloc(sizeof *wide * PATH_UNITS);
    if (wide == NULL) {
        errno = ENOMEM;
        return -1;
    }
    int file = -1;
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, PATH_UNITS) == 0) {
        errno = strlen(path) >= PATH_UNITS ? ENAMETOOLONG : ENOENT; /* no file has such a name */
    } else {
        const DWORD about = GetFileAttributesW(wide);
        if (about != INVALID_FILE_ATTRIBUTES && (about & FILE_ATTRIBUTE_DIRECTORY) != 0)
            errno = EISDIR; /* _wopen would say that it is forbidden */
        else
            file = _wopen(wide, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
    }
    free(wide);
    return file;
}

void gn_system_close(int file)
{
    (void)_close(file);
}

static HANDLE handle_of(int file)
{
    return (HANDLE)_get_osfhandle(file);
}

bool gn_system_examine(int file, struct gn_system_file *about)
{
    BY_HANDLE_FILE_INFORMATION found;
    const DWORD type = GetFileType(handle_of(file));
    *about = (struct gn_system_file){ .other = type == FILE_TYPE_CHAR   ? "a character device"
                                               : type == FILE_TYPE_PIPE ? "a pipe"
                                                                        : "something else" };
    if (type != FILE_TYPE_DISK)
        return true;
    if (!GetFileInformationByHandle(handle_of(file), &found)) {
        errno = EIO;
        return false;
    }
    about->other = NULL;
    about->size = (uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow;
    about->names = found.nNumberOfLinks;
    return true;
}

int64_t gn_system_read_at(int file, void *buffer, size_t n, uint64_t offset)
{
    enum { MOST = 1 << 30 };
    OVERLAPPED at = { .Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32) };
    DWORD got = 0;
    if (ReadFile(handle_of(file), buffer, (DWORD)(n < MOST ? n : MOST), &got, &at))
        return (int64_t)got;
    if (GetLastError() == ERROR_HANDLE_EOF)
        return 0;
    errno = EIO;
    return -1;
}

/* ---- Memory ---- */

uint64_t gn_system_memory(void)
{
    MEMORYSTATUSEX found = { .dwLength = sizeof found };
    if (!GlobalMemoryStatusEx(&found))
        return UINT64_MAX;
    return found.ullTotalPhys < found.ullTotalVirtual ? found.ullTotalPhys : found.ullTotalVirtual;
}

void gn_system_large_pages(void *p, size_t bytes)
{
    (void)p; /* they need a privilege that programs do not have */
    (void)bytes;
}

/* ---- Threads ---- */

/* Of the process's group of at most 64 processors. */
int gn_system_processors(unsigned char bits[GN_PROCESSOR_BYTES])
{
    DWORD_PTR own = 0, all = 0;
    int n = 0;
    memset(bits, 0, GN_PROCESSOR_BYTES);
    if (!GetProcessAffinityMask(GetCurrentProcess(), &own, &all))
        return 1;
    for (size_t i = 0; i < 8 * sizeof own; i++) {
        if ((own >> i & 1) == 0)
            continue;
        bits[i / 8] |= (unsigned char)(1U << i % 8);
        n++;
    }
    return n < 1 ? 1 : n;
}

static pthread_once_t stay_once = PTHREAD_ONCE_INIT;

/* A thread must not outlive its code. */
static void stay(void)
{
    HMODULE module;
    (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                             (const wchar_t *)(const void *)&stay_once, &module);
}

int gn_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    (void)pthread_once(&stay_once, stay);
    return pthread_create(thread, NULL, run, argument);
}

void gn_system_at_fork(void (*before)(void), void (*parent)(void), void (*child)(void))
{
    (void)before;
    (void)parent;
    (void)child;
}
