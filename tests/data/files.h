/* Small data sets on disk, good and bad, for the tests of this folder. */
#ifndef TESTS_DATA_FILES_H
#define TESTS_DATA_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PATH_BYTES = 1024 };

/* A growing piece of memory; free with bytes_free. */
struct bytes {
    uint8_t *data;
    size_t size;
};
void bytes_add(struct bytes *b, const void *data, size_t n);
void bytes_free(struct bytes *b);

/* An IDX file: magic, the dimensions as given (true or not), then n elements. */
struct bytes idx_bytes(int type, int rank, const uint32_t *dims, const uint8_t *elements, size_t n);

/* The same bytes as one gzip member. */
struct bytes gzip_bytes(const struct bytes *plain);

/* Element i of every made-up image: a formula, so tests can compare. */
uint8_t pixel_value(uint64_t i);

/* A new empty folder below $TMPDIR or /tmp; `path` gets its name. */
void make_folder(char path[PATH_BYTES]);

/* Removes the folder and all in it. */
void remove_folder(const char *path);

void write_bytes(const char *folder, const char *name, const struct bytes *b);
void remove_file(const char *folder, const char *name);

/* Writes one split of a data set with n samples of height*width*channels pixels by formula and
 * labels i % classes; rank 3 when channels is 1. `packed`: as .gz files. */
struct shape {
    uint32_t n, height, width, channels;
    int classes;
};
void write_split(const char *folder, bool train, const struct shape *shape, bool packed);

#endif
