/*
 * Paths: joining and taking apart; with os/folders.h, looking and making folders. Errors are the
 * caller's to name; the program links this file too.
 */
#ifndef GN_BASE_PATH_H
#define GN_BASE_PATH_H

#include "os/folders.h"

/* Writes "folder/name"; an empty name leaves the folder, an empty folder the name. False when it
 * does not fit. */
bool gn_path_join(char path[GN_PATH_BYTES], const char *folder, const char *name);

/* The part after the last slash. */
const char *gn_path_name(const char *path);

/* The ending of the file's name with its dot (".txt"), "" when it has none. A name that only begins
 * with a dot has none. */
const char *gn_path_extension(const char *path);

#endif
