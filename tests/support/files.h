/* Small files of tests, made and looked at without the library. Failures end the test. */
#ifndef GN_TESTS_FILES_H
#define GN_TESTS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Creates or replaces `path` with n bytes. */
void test_write_file(const char *path, const void *data, size_t n);

/* All bytes of `path`, to be freed with free(); a NUL follows them. */
uint8_t *test_read_file(const char *path, size_t *n);

bool test_exists(const char *path);

/* Whether `path` holds exactly these bytes. */
bool test_file_is(const char *path, const void *data, size_t n);

/* Names in a folder, without "." and "..". */
int test_count_entries(const char *folder);

#endif
