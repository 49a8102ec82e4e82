/* What lies at a path, making folders, and files that are written: locks, and what is on the disk. */
#ifndef GN_OS_FOLDERS_H
#define GN_OS_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stat;

enum { GN_PATH_BYTES = 4096 };

bool gn_path_exists(const char *path);
bool gn_path_is_folder(const char *path);

/* Makes the folder and those above it that are missing; *made (may be NULL) counts them. Returns 0
 * or the errno of what failed; ENOTDIR when something else has the name. */
int gn_make_folders(const char *path, int *made);

/* Nanoseconds since 1970 of the last change of a file or of what is said about it. */
int64_t gn_system_changed(const struct stat *about);

/* The file of the running program. False: unknown. */
bool gn_system_program(char *path, size_t size);

/* Waits until the file, or its bytes and their number, are on the disk. 0, or -1 and errno. */
int gn_system_sync(int file);
int gn_system_sync_data(int file);

/* Locks an open file, whole, for as long as it or a copy of it in a child process is open: 0, or -1 and errno, EAGAIN or
 * EACCES when another one has the lock. Whether somebody has it; asking takes none (macOS: for a moment). */
int gn_system_lock(int file);
bool gn_system_is_locked(int file);

#endif
