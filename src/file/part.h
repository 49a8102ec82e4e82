/* Files that belong to the library and lie beside it: programs and plugins that hold what it does not link. */
#ifndef GN_FILE_PART_H
#define GN_FILE_PART_H

#include "base/path.h"

/* Where the part of that name is: what the environment variable says (NULL: none), next to the running
 * program, above it (tests), below its prefix, or where the library was installed. False: nowhere. */
bool gn_find_part(char path[GN_PATH_BYTES], const char *name, const char *variable);

#endif
