#include "os/library.h"

#include <string.h>
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* From the program's folder or the system's, never from the one that the user happens to be in. */
void *gn_system_load(const char *name)
{
    return LoadLibraryExA(name, NULL, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
}

void *gn_system_function(void *library, const char *name)
{
    const FARPROC found = GetProcAddress(library, name);
    void *address;
    memcpy(&address, &found, sizeof address);
    return address;
}

void gn_system_unload(void *library)
{
    (void)FreeLibrary(library);
}
