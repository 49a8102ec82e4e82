/* What lies at a path, and making folders. */
#ifndef GN_OS_FOLDERS_H
#define GN_OS_FOLDERS_H

#include <stdbool.h>

enum { GN_PATH_BYTES = 4096 };

bool gn_path_exists(const char *path);
bool gn_path_is_folder(const char *path);

/* Makes the folder and those above it that are missing; *made (may be NULL) counts them. Returns 0
 * or the errno of what failed; ENOTDIR when something else has the name. */
int gn_make_folders(const char *path, int *made);

#endif
