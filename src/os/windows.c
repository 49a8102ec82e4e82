/* What operating systems do differently: Windows. Compiled with mingw-w64. */
#include "os/os.h"
#include "os/windows.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <string.h>
#include <sys/stat.h>
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#define PSAPI_VERSION 2 /* in the library that every program has */
#include <psapi.h>

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

wchar_t *gn_wide(const char *text)
{
    const int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    if (n <= 0 || n > GN_PATH_UNITS) {
        errno = strlen(text) >= GN_PATH_UNITS ? ENAMETOOLONG : ENOENT; /* no file has such a name */
        return NULL;
    }
    wchar_t *wide = malloc(sizeof *wide * (size_t)n);
    if (wide == NULL)
        errno = ENOMEM;
    else
        (void)MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, n);
    return wide;
}

bool gn_narrow(char *text, size_t size, const wchar_t *wide)
{
    return WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, (int)size, NULL, NULL) > 0;
}

int gn_windows_failed(void)
{
    static const struct {
        DWORD said;
        int number;
    } known[] = {
        { ERROR_FILE_NOT_FOUND, ENOENT },      { ERROR_PATH_NOT_FOUND, ENOENT },
        { ERROR_INVALID_NAME, ENOENT },        { ERROR_BAD_NETPATH, ENOENT },
        { ERROR_INVALID_DRIVE, ENOENT },       { ERROR_ACCESS_DENIED, EACCES },
        { ERROR_SHARING_VIOLATION, EACCES },   { ERROR_LOCK_VIOLATION, EACCES },
        { ERROR_WRITE_PROTECT, EROFS },        { ERROR_FILE_EXISTS, EEXIST },
        { ERROR_ALREADY_EXISTS, EEXIST },      { ERROR_DIR_NOT_EMPTY, ENOTEMPTY },
        { ERROR_DIRECTORY, ENOTDIR },          { ERROR_DISK_FULL, ENOSPC },
        { ERROR_HANDLE_DISK_FULL, ENOSPC },    { ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG },
        { ERROR_NOT_ENOUGH_MEMORY, ENOMEM },   { ERROR_OUTOFMEMORY, ENOMEM },
        { ERROR_TOO_MANY_OPEN_FILES, EMFILE }, { ERROR_NOT_SUPPORTED, ENOSYS },
        { ERROR_INVALID_FUNCTION, ENOSYS },    { ERROR_TOO_MANY_LINKS, EMLINK }
    };
    const DWORD said = GetLastError();
    errno = EIO;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].said == said)
            errno = known[i].number;
    return -1;
}

int gn_windows_open(const wchar_t *path, unsigned long rights, unsigned long making, int mode)
{
    const HANDLE handle = CreateFileW(
        path, rights, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
        making, /* which opens folders, too */
        rights == GENERIC_READ ? FILE_FLAG_BACKUP_SEMANTICS : FILE_ATTRIBUTE_NORMAL, NULL);
    if (handle == INVALID_HANDLE_VALUE) {
        const DWORD said = GetLastError(), about = GetFileAttributesW(path);
        SetLastError(said);
        (void)gn_windows_failed();
        if (about != INVALID_FILE_ATTRIBUTES && (about & FILE_ATTRIBUTE_DIRECTORY) != 0)
            errno = EISDIR; /* the system says that it is forbidden */
        return -1;
    }
    const int file = _open_osfhandle((intptr_t)handle, mode | _O_BINARY | _O_NOINHERIT);
    if (file < 0)
        (void)CloseHandle(handle);
    return file;
}

int gn_system_open(const char *path)
{
    wchar_t *wide = gn_wide(path);
    if (wide == NULL)
        return -1;
    const int file = gn_windows_open(wide, GENERIC_READ, OPEN_EXISTING, _O_RDONLY);
    free(wide);
    return file;
}

int gn_system_close(int file)
{
    return _close(file);
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
    about->other = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? "a folder" : NULL;
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

uint64_t gn_system_peak_memory(void)
{
    PROCESS_MEMORY_COUNTERS found = { .cb = sizeof found };
    return GetProcessMemoryInfo(GetCurrentProcess(), &found, sizeof found)
               ? found.PeakWorkingSetSize
               : 0;
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
