#include "base/path.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool gn_path_join(char path[GN_PATH_BYTES], const char *folder, const char *name)
{
    const bool both = folder[0] != '\0' && name[0] != '\0';
    const int n = snprintf(path, GN_PATH_BYTES, "%s%s%s", folder, both ? "/" : "", name);
    return n > 0 && n < GN_PATH_BYTES;
}

const char *gn_path_name(const char *path)
{
#if defined(_WIN32)
    const char *separators = "/\\:";
#else
    const char *separators = "/";
#endif
    const char *name = path;
    for (size_t n = strcspn(name, separators); name[n] != '\0'; n = strcspn(name, separators))
        name += n + 1;
    return name;
}

const char *gn_path_extension(const char *path)
{
    const char *name = gn_path_name(path), *dot = strrchr(name, '.');
    return dot == NULL || dot == name ? "" : dot;
}
