/*
 * Loaded before the program (LD_PRELOAD): no library whose name begins with GN_HIDE can be opened while
 * the program runs, as on a machine that lacks it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

void *dlopen(const char *name, int flags)
{
    static void *(*real)(const char *, int);
    const char *hidden = getenv("GN_HIDE");
    if (real == NULL) {
        void *address = dlsym(RTLD_NEXT, "dlopen");
        memcpy(&real, &address, sizeof real);
    }
    if (name != NULL && hidden != NULL && strncmp(name, hidden, strlen(hidden)) == 0)
        return NULL;
    return real(name, flags);
}
