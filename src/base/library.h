/*
 * Libraries of the system that are loaded when something first needs them: linked, each would take a
 * millisecond or more of every start, whatever the program is to do.
 *
 *     #define FUNCTIONS(X) X(DGifOpen) X(DGifCloseFile)
 *     GN_LIBRARY(GN_GIF_SONAME, FUNCTIONS)
 *     ...
 *     if (load_library()) ... library.DGifOpen(...)
 */
#ifndef GN_BASE_LIBRARY_H
#define GN_BASE_LIBRARY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct gn_library_function {
    const char *name;
    size_t offset; /* of its pointer in the table */
};

/* Loads the first of these libraries (their names separated by spaces) that is there and fills the
 * table, which ends with a function without a name. False: none is there, or it lacks a function. */
bool gn_library_load(const char *names, const struct gn_library_function *functions, void *table);

#define GN_LIBRARY_POINTER(function) __typeof__(&function) function;
#define GN_LIBRARY_ENTRY(function)   { #function, offsetof(struct library, function) },

/* Declares `library`, a struct of pointers to these functions, and load_library(), which is to be called
 * before they are used, from any thread. */
#define GN_LIBRARY(NAMES, FUNCTIONS)                                                               \
    static struct library {                                                                        \
        FUNCTIONS(GN_LIBRARY_POINTER)                                                              \
    } library;                                                                                     \
    static bool library_is_there;                                                                  \
    static void load_once(void)                                                                    \
    {                                                                                              \
        static const struct gn_library_function functions[] = { FUNCTIONS(GN_LIBRARY_ENTRY){       \
            NULL, 0 } };                                                                           \
        library_is_there = gn_library_load(NAMES, functions, &library);                            \
    }                                                                                              \
    static bool load_library(void)                                                                 \
    {                                                                                              \
        static pthread_once_t once = PTHREAD_ONCE_INIT;                                            \
        return pthread_once(&once, load_once) == 0 && library_is_there;                            \
    }

#endif
