#include "base/library.h"

#include <dlfcn.h>
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
            handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
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
        /* POSIX lets the address of a function come as one of an object (dlsym, "Application usage"). */
        void *address = dlsym(handle, functions->name);
        if (address == NULL) {
            (void)dlclose(handle);
            return false;
        }
        memcpy((char *)table + functions->offset, &address, sizeof address);
    }
    return true;
}
