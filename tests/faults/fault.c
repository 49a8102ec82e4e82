/*
 * Loaded before the program (LD_PRELOAD): fails the k-th call of one kind that the program, its
 * library or jansson makes.
 *
 *   GN_FAULT=KIND:K[:ERRNO]  KIND is a name of the table below; K 0: none fails; ERRNO a number, or
 *                            "kill": the process is killed there
 *   GN_FAULT_COUNT=FILE      gets the number of such calls when the process ends
 *
 * Calls of other libraries (cairo, libjpeg, the C library itself) are let through: what they do without
 * memory is not ours to test.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long count;
static long at = -1; /* -1: not read yet */
static int error_number = EIO;
static bool kills;
static char kind[32];

static void read_settings(void)
{
    const char *text = getenv("GN_FAULT");
    at = 0;
    if (text == NULL)
        return;
    const size_t n = strcspn(text, ":");
    if (n >= sizeof kind || text[n] == '\0')
        return;
    memcpy(kind, text, n);
    char *end;
    at = strtol(text + n + 1, &end, 10);
    kills = strcmp(end, ":kill") == 0;
    if (*end == ':')
        error_number = (int)strtol(end + 1, NULL, 10);
}

static bool is_ours(const void *caller)
{
    Dl_info info;
    if (dladdr(caller, &info) == 0 || info.dli_fname == NULL)
        return false;
    const char *slash = strrchr(info.dli_fname, '/');
    const char *name = slash == NULL ? info.dli_fname : slash + 1;
    return strncmp(name, "googlenet", 9) == 0 || strncmp(name, "libgooglenet", 12) == 0 ||
           strncmp(name, "libjansson", 10) == 0;
}

/* Whether this call of `what` is the one that fails. */
static bool fails(const char *what, const void *caller)
{
    if (at < 0)
        read_settings();
    if (strcmp(what, kind) != 0 || !is_ours(caller))
        return false;
    if (atomic_fetch_add(&count, 1) + 1 != at)
        return false;
    if (kills)
        (void)raise(SIGKILL);
    errno = error_number;
    return true;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("GN_FAULT_COUNT");
    char text[32];
    if (path == NULL)
        return;
    const int n = snprintf(text, sizeof text, "%ld\n", atomic_load(&count));
    int (*real_open)(const char *, int, ...) =
        (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    const int fd = real_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd >= 0 && write(fd, text, (size_t)n) != n)
        _exit(99);
}

/* One wrapper: TYPE name(PARAMETERS), which fails with FAILURE. */
#define WRAP(what, type, name, parameters, arguments, failure)                                     \
    type name parameters;                                                                          \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        if (real == NULL)                                                                          \
            real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                                    \
        return fails(what, __builtin_return_address(0)) ? failure : real arguments;                \
    }

WRAP("read", ssize_t, read, (int fd, void *to, size_t n), (fd, to, n), -1)
WRAP("read", ssize_t, pread, (int fd, void *to, size_t n, off_t from), (fd, to, n, from), -1)
WRAP("write", ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n), -1)
WRAP("write", ssize_t, pwrite, (int fd, const void *from, size_t n, off_t to), (fd, from, n, to),
     -1)
WRAP("sync", int, fsync, (int fd), (fd), -1)
WRAP("sync", int, fdatasync, (int fd), (fd), -1)
WRAP("rename", int, rename, (const char *from, const char *to), (from, to), -1)
WRAP("rename", int, link, (const char *from, const char *to), (from, to), -1)
WRAP("rename", int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to),
     -1)
WRAP("rename", int, linkat, (int a, const char *from, int b, const char *to, int flags),
     (a, from, b, to, flags), -1)
WRAP("unlink", int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), -1)
WRAP("unlink", int, rmdir, (const char *path), (path), -1)
WRAP("mkdir", int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
WRAP("unlink", int, unlink, (const char *path), (path), -1)
WRAP("truncate", int, ftruncate, (int fd, off_t n), (fd, n), -1)
WRAP("stat", int, stat, (const char *path, struct stat *info), (path, info), -1)
WRAP("stat", int, fstat, (int fd, struct stat *info), (fd, info), -1)
WRAP("stat", int, fstatat, (int fd, const char *path, struct stat *info, int flags),
     (fd, path, info, flags), -1)
WRAP("stat", int, access, (const char *path, int mode), (path, mode), -1)
WRAP("folder", DIR *, opendir, (const char *path), (path), NULL)
WRAP("stdio", int, fflush, (FILE * file), (file), EOF)
WRAP("stdio", FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
WRAP("stdio", FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL)
WRAP("stdio", size_t, fwrite, (const void *from, size_t size, size_t n, FILE *file),
     (from, size, n, file), 0)
WRAP("stdio", int, fputs, (const char *text, FILE *file), (text, file), EOF)
WRAP("stdio", int, fclose, (FILE * file), (file), EOF)
WRAP("close", int, close, (int fd), (fd), -1)

int open(const char *path, int flags, ...);
int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    va_list list;
    va_start(list, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
    va_end(list);
    if (real == NULL)
        real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    return fails("open", __builtin_return_address(0)) ? -1 : real(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...);
int openat(int folder, const char *path, int flags, ...)
{
    static int (*real)(int, const char *, int, ...);
    va_list list;
    va_start(list, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
    va_end(list);
    if (real == NULL)
        real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
    return fails("open", __builtin_return_address(0)) ? -1 : real(folder, path, flags, mode);
}

/* The C library's own allocator by another name: dlsym allocates. */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

/* Blocks of 32, 64, 128... bytes are always given to jansson: one of them is the buffer of the text that
 * is read, where it (2.14) ignores a failure, goes on without the character and may abort. */
static bool is_text_buffer(size_t n, const void *caller)
{
    Dl_info info;
    return n >= 32 && (n & (n - 1)) == 0 && dladdr(caller, &info) != 0 && info.dli_fname != NULL &&
           strstr(info.dli_fname, "libjansson") != NULL;
}

void *malloc(size_t n)
{
    if (is_text_buffer(n, __builtin_return_address(0)))
        return __libc_malloc(n);
    return fails("memory", __builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails("memory", __builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails("memory", __builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}
