#include "base/library.h"

#include "os/library.h"

#include <string.h>

enum { LONGEST_NAME = 64 };

static void *open_first(const char *names)
{
    char name[LONGEST_NAME];
    void *handle = NULL;
    while (handle == NULL && *names != '\0') {
        const size_t n = strcspn(names, " ");
        if (n < sizeof name) {
            memcpy(name, names, n);
            name[n] = '\0';
            handle = gn_system_load(name);
        }
        names += n + strspn(names + n, " ");
    }
    return handle;
}

bool gn_library_load(const char *names, const struct gn_library_function *functions, void *table)
{
    void *handle = open_first(names);
    if (handle == NULL)
        return false;
    for (; functions->name != NULL; functions++) {
        void *address = gn_system_function(handle, functions->name);
        if (address == NULL) {
            gn_system_unload(handle);
            return false;
        }
        memcpy((char *)table + functions->offset, &address, sizeof address);
    }
    return true;
}
