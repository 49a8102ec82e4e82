#include "os/library.h"

#include <dlfcn.h>

void *gn_system_load(const char *name)
{
    return dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

/* POSIX lets the address of a function come as one of an object (dlsym, "Application usage"). */
void *gn_system_function(void *library, const char *name)
{
    return dlsym(library, name);
}

void gn_system_unload(void *library)
{
    (void)dlclose(library);
}
