/* Libraries that a running program loads. posix_library.c and windows_library.c. */
#ifndef GN_OS_LIBRARY_H
#define GN_OS_LIBRARY_H

/* NULL: there is none of that name, or none that can be loaded. */
void *gn_system_load(const char *name);

/* The address of a function in it, NULL: it has none of that name. */
void *gn_system_function(void *library, const char *name);

void gn_system_unload(void *library);

#endif
