#include "file/part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef GN_LIBEXEC
#define GN_LIBEXEC "/usr/libexec/googlenet"
#endif

bool gn_find_part(char path[GN_PATH_BYTES], const char *name, const char *variable)
{
    static const char *const places[] = { "", "..", "../libexec/googlenet" };
    char own[GN_PATH_BYTES], folder[GN_PATH_BYTES];
    const char *given = variable == NULL ? NULL : getenv(variable);
    if (given != NULL && *given != '\0') {
        (void)snprintf(path, GN_PATH_BYTES, "%s", given);
        return gn_path_exists(path);
    }
    const char *last = gn_system_program(own, sizeof own) ? gn_path_slash(own) : NULL;
    if (last != NULL)
        own[last - own] = '\0';
    for (size_t i = 0; last != NULL && i < sizeof places / sizeof places[0]; i++) {
        if (gn_path_join(folder, own, places[i]) && gn_path_join(path, folder, name) &&
            gn_path_exists(path))
            return true;
    }
    return gn_path_join(path, GN_LIBEXEC, name) && gn_path_exists(path);
}
