/*
 * Files that are written: opening and writing, locks, what is on the disk; and the folder of a file that is replaced.
 * -1, or NULL, says that something failed, and errno why. Paths are UTF-8 on Windows. posix_files.c and
 * windows_files.c.
 */
#ifndef GN_OS_FILES_H
#define GN_OS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- Open files; gn_system_close and gn_system_read_at are in os.h ---- */

/* GN_OPEN_READ and GN_OPEN_MAKE (which reads and writes, and makes a file that is missing) wait for nobody at the
 * other end of a pipe. */
enum gn_open { GN_OPEN_READ, GN_OPEN_WRITE, GN_OPEN_APPEND, GN_OPEN_MAKE };

/* Opens what lies at the path itself: a link is refused (ELOOP). No child process gets it. */
int gn_system_open_own(const char *path, enum gn_open how);

/* For a program that reads lines. */
FILE *gn_system_open_text(const char *path);

/* How many bytes; reading, 0: the end. */
int64_t gn_system_read(int file, void *buffer, size_t n);
int64_t gn_system_write(int file, const void *data, size_t n);
int64_t gn_system_write_at(int file, const void *data, size_t n, uint64_t offset);

/* Makes it empty. */
int gn_system_empty(int file);

/* Waits until the file, or its bytes and their number, are on the disk. */
int gn_system_sync(int file);
int gn_system_sync_data(int file);

/* Locks an open file, whole, for as long as it or a copy of it in a child process is open: EAGAIN or EACCES when another
 * one has the lock. Whether somebody has it; asking takes none (macOS, Windows: for a moment). */
int gn_system_lock(int file);
bool gn_system_is_locked(int file);

/* ---- By path ---- */

int gn_system_remove(const char *path);
int gn_system_remove_folder(const char *path);
int gn_system_make_folder(const char *path);
int gn_system_rename(const char *from, const char *to); /* over what has the name */
int gn_system_link(const char *from, const char *to);   /* a second name */

/* ---- The folder of a file that is replaced: names in it ---- */

struct gn_place {
    int folder; /* a descriptor: moving the folder moves the place; -1: closed */
    char *path; /* where the system has no such descriptors */
};

int gn_place_open(struct gn_place *place, const char *folder);
void gn_place_close(struct gn_place *place);
int gn_place_new_file(const struct gn_place *place, const char *name);  /* to be written; EEXIST */
int gn_place_open_file(const struct gn_place *place, const char *name); /* as GN_OPEN_READ */
int gn_place_remove(const struct gn_place *place, const char *name);
int gn_place_rename(const struct gn_place *place, const char *from, const char *to);
int gn_place_link(const struct gn_place *place, const char *from, const char *to);
int gn_place_sync(const struct gn_place *place);

/* What has the name if that is no regular file: "a folder"; otherwise NULL. */
const char *gn_place_other(const struct gn_place *place, const char *name);

/* Bytes that this process may still write there; false: the system does not say. */
bool gn_place_space(const struct gn_place *place, double *bytes);

/* ---- Memory that is written like a file ---- */

struct gn_memory_stream {
    FILE *file;
    char *text;
    size_t n;
};

/* False: no memory. */
bool gn_memory_stream_begin(struct gn_memory_stream *stream);

/* What was written, a NUL after it, to be freed with free(); *n (may be NULL) bytes. NULL: no memory, now or before. */
char *gn_memory_stream_end(struct gn_memory_stream *stream, size_t *n);

/* ---- Who writes ---- */

/* The number of this process, and the name of this machine, "" where it has none. */
long gn_system_process(void);
void gn_system_host(char *name, size_t size);

#endif
