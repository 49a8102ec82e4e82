/*
 * Paths: joining, looking, making folders. Errors are the caller's to name; the program links this
 * file too.
 */
#ifndef GN_BASE_PATH_H
#define GN_BASE_PATH_H

#include <stdbool.h>

enum { GN_PATH_BYTES = 4096 };

/* Writes "folder/name"; an empty name leaves the folder, an empty folder the name. False when it
 * does not fit. */
bool gn_path_join(char path[GN_PATH_BYTES], const char *folder, const char *name);

/* The part after the last slash. */
const char *gn_path_name(const char *path);

/* The ending of the file's name with its dot (".txt"), "" when it has none. A name that only begins
 * with a dot has none. */
const char *gn_path_extension(const char *path);

bool gn_path_exists(const char *path);
bool gn_path_is_folder(const char *path);

/* Makes the folder and those above it that are missing; *made (may be NULL) counts them. Returns 0
 * or the errno of what failed; ENOTDIR when something else has the name. */
int gn_make_folders(const char *path, int *made);

#endif
