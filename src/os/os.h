/*
 * What operating systems do differently, each thing as one function, as far as a library that only predicts needs
 * it (cmake/Prediction.cmake); files that are written: files.h, paths and folders: folders.h. posix.c is for Linux, and
 * for macOS, for which it was compiled and never run; windows.c for Windows, run under Wine. Nothing here needs more than the system's C library, so the program links it, too.
 */
#ifndef GN_OS_OS_H
#define GN_OS_OS_H

#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

/* ---- The locale of a thread ---- */

#if defined(_WIN32)
typedef struct gn_locale {
    int of_thread; /* whether the thread had a locale of its own */
    char numbers[128];
} gn_locale;
#else
typedef locale_t gn_locale;
#endif

/* Between the two calls this thread prints and reads numbers as the C locale does, whatever
 * locale setlocale() has set; the other threads are not touched. gn_locale_leave takes what
 * gn_locale_enter returned. */
gn_locale gn_locale_enter(void);
void gn_locale_leave(gn_locale before);

/* ---- Errors ---- */

/* The system's words for an errno value; false where it has none. */
bool gn_system_errno_text(int number, char *buffer, size_t size);

/* ---- Files that are read; failures are in errno ---- */

/* Opens without waiting for anybody at the other end of a pipe; no child process gets it. -1: failed. The path
 * is UTF-8 on Windows. */
int gn_system_open(const char *path);
int gn_system_close(int file); /* 0, or -1: bytes may be lost; it is closed in each case */

struct gn_system_file {
    const char *other; /* what it is if it is not a regular file: "a folder"; otherwise NULL */
    uint64_t size, names;
};
bool gn_system_examine(int file, struct gn_system_file *about);

/* Up to n bytes at `offset`, which fits into 63 bits: how many, 0 at the end, -1: failed. Threads may read
 * the same file. */
int64_t gn_system_read_at(int file, void *buffer, size_t n, uint64_t offset);

/* ---- Memory ---- */

/* Bytes that the machine has and the process may map; UINT64_MAX: unknown. */
uint64_t gn_system_memory(void);

/* The most that this process has had in memory, in bytes; 0: unknown. */
uint64_t gn_system_peak_memory(void);

/* Whether groups of processes can have limits (base/cgroup.h). */
#if defined(__linux__)
#define GN_CONTROL_GROUPS 1
#else
#define GN_CONTROL_GROUPS 0
#endif

/* A hint that this block should lie in large pages. */
void gn_system_large_pages(void *p, size_t bytes);

/* ---- Threads ---- */

enum { GN_PROCESSOR_BYTES = 128 };

/* How many processors the process may run on, at least 1, and which, a bit for each; none where the system does
 * not say. */
int gn_system_processors(unsigned char bits[GN_PROCESSOR_BYTES]);

/* Starts a thread that no signal interrupts: a handler is for the caller's threads. 0 or an errno value. */
int gn_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* Calls these around every fork() of the process; no system without fork() has any to call. */
void gn_system_at_fork(void (*before)(void), void (*parent)(void), void (*child)(void));

/* Whether idle threads are ended when the library is unloaded. Windows forbids to wait for them there: a
 * library that has started one stays in the process. */
#if defined(_WIN32)
#define GN_THREADS_END 0
#else
#define GN_THREADS_END 1
#endif

#endif
