/* What operating systems do differently: Linux and other systems with POSIX. */
#define _GNU_SOURCE
#include "os/os.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#include <sys/mman.h>
#endif

/* ---- The locale of a thread ---- */

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

/* Without memory it stays 0, for which uselocale() changes nothing. */
static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

gn_locale gn_locale_enter(void)
{
    (void)pthread_once(&c_locale_once, make_c_locale);
    return uselocale(c_locale);
}

void gn_locale_leave(gn_locale before)
{
    (void)uselocale(before);
}

/* ---- Errors ---- */

bool gn_system_errno_text(int number, char *buffer, size_t size)
{
#if defined(__GLIBC__) /* whose GNU version returns the text, which may be elsewhere */
    (void)snprintf(buffer, size, "%s", strerror_r(number, buffer, size));
    return true;
#else
    return strerror_r(number, buffer, size) == 0;
#endif
}

/* ---- Files ---- */

int gn_system_open(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

int gn_system_close(int file)
{
    return close(file);
}

static const char *other_kind(mode_t mode)
{
    return S_ISREG(mode)    ? NULL
           : S_ISDIR(mode)  ? "a folder"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
           : S_ISCHR(mode)  ? "a character device"
           : S_ISBLK(mode)  ? "a block device"
                            : "something else";
}

bool gn_system_examine(int file, struct gn_system_file *about)
{
    struct stat found;
    if (fstat(file, &found) != 0)
        return false;
    about->other = found.st_size < 0 ? "something else" : other_kind(found.st_mode);
    about->size = (uint64_t)found.st_size;
    about->names = (uint64_t)found.st_nlink;
    return true;
}

int64_t gn_system_read_at(int file, void *buffer, size_t n, uint64_t offset)
{
    return pread(file, buffer, n, (off_t)offset);
}

/* ---- Memory ---- */

uint64_t gn_system_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t most = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY &&
        (uint64_t)space.rlim_cur < most)
        most = (uint64_t)space.rlim_cur;
    return most;
}

uint64_t gn_system_peak_memory(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0 || usage.ru_maxrss < 0)
        return 0;
#if defined(__APPLE__) /* counts in bytes */
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}

void gn_system_large_pages(void *p, size_t bytes)
{
#if defined(MADV_HUGEPAGE)
    (void)madvise(p, bytes, MADV_HUGEPAGE);
#else
    (void)p;
    (void)bytes;
#endif
}

/* ---- Threads ---- */

int gn_system_processors(unsigned char bits[GN_PROCESSOR_BYTES])
{
    memset(bits, 0, GN_PROCESSOR_BYTES);
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    for (size_t i = 0; i < 8 * (size_t)GN_PROCESSOR_BYTES; i++)
        if (CPU_ISSET(i, &set))
            bits[i / 8] |= (unsigned char)(1U << i % 8);
    const int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n;
#else
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (int)n;
#endif
}

int gn_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(thread, NULL, run, argument);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

void gn_system_at_fork(void (*before)(void), void (*parent)(void), void (*child)(void))
{
    (void)pthread_atfork(before, parent, child);
}
