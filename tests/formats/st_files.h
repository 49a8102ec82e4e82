/* Hand-made safetensors files of tests: any header text before any number of data bytes. */
#ifndef GN_TESTS_ST_FILES_H
#define GN_TESTS_ST_FILES_H

#include <stddef.h>

/* Writes the length, `json` and n data bytes 0, 1, 2, ... to `path`. */
void st_make(const char *path, const char *json, size_t n);

/* The same with the digits of the header's checksum set: `json` must begin as our files do. */
void st_make_ours(const char *path, const char *json, size_t n);

/* Opening `path` fails with BAD_MODEL and a sentence that has `part`. */
void st_refused(const char *path, const char *part);

#endif
