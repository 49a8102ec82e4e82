/* Inside of src/os: what the files for Windows share. */
#ifndef GN_OS_WINDOWS_H
#define GN_OS_WINDOWS_H

#include <stddef.h>
#include <wchar.h>

enum { GN_PATH_UNITS = 32768 }; /* of UTF-16: the longest path there is */

/* UTF-8 as the system's functions want it, to be freed with free(). NULL, and errno: no memory, or no file can have
 * that name. */
wchar_t *gn_wide(const char *text);

/* And back: false when it does not fit. */
_Bool gn_narrow(char *text, size_t size, const wchar_t *wide);

/* Sets errno by what the system's last function said; -1. */
int gn_windows_failed(void);

/* A file of the C library with these rights (GENERIC_READ), made or not (OPEN_EXISTING), which others may read,
 * rename and remove meanwhile. `mode`: _O_RDONLY. */
int gn_windows_open(const wchar_t *path, unsigned long rights, unsigned long making, int mode);

#endif
