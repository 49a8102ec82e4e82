/* What tests in C use of POSIX and Windows calls otherwise: included into each of them there (tests/CMakeLists.txt). */
#ifndef GN_TESTS_WINDOWS_COMPAT_H
#define GN_TESTS_WINDOWS_COMPAT_H

#include <direct.h>
#include <io.h>
#include <stdlib.h>

#define mkdir(path, mode)  _mkdir(path)
#define lstat(path, about) stat(path, about)

static inline int setenv(const char *name, const char *value, int overwrite)
{
    return overwrite == 0 && getenv(name) != NULL ? 0 : _putenv_s(name, value);
}

static inline int unsetenv(const char *name)
{
    return _putenv_s(name, "");
}

static inline char *mkdtemp(char *pattern)
{
    return _mktemp(pattern) != NULL && _mkdir(pattern) == 0 ? pattern : NULL;
}

#endif
