/*
 * googlenet-hdf5 read|write: the one program that uses libhdf5, which malformed files can break. It gets the
 * bytes on stdin and gives others on stdout; before it looks at the first one it gives up the right to open
 * files, to reach the network and to use more than its share of memory and time.
 */
#include "hdf5/hdf5.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECONDS = 60 };
#define INPUT_LIMIT (UINT64_C(4) << 30)

void gn_hdf5_fail(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    gn_print_sentence(text, sizeof text, format, args);
    va_end(args);
    (void)fprintf(stderr, "%s\n", text);
    (void)fflush(stderr);
    _exit(1);
}

void gn_hdf5_put(const void *data, size_t n)
{
    const char *at = data;
    while (n > 0) {
        const ssize_t written = write(STDOUT_FILENO, at, n);
        if (written <= 0)
            gn_hdf5_fail("the answer cannot be written");
        at += written;
        n -= (size_t)written;
    }
}

/* All of stdin, whose size comes first. */
static void take(struct gn_bytes *bytes)
{
    uint64_t size = 0;
    size_t at = 0;
    if (read(STDIN_FILENO, &size, sizeof size) != sizeof size || size > INPUT_LIMIT)
        gn_hdf5_fail("no size came first");
    bytes->size = (size_t)size;
    bytes->data = gn_alloc(bytes->size, "the input");
    if (bytes->data == NULL)
        gn_hdf5_fail("no memory for %llu bytes", (unsigned long long)size);
    while (at < bytes->size) {
        const ssize_t n = read(STDIN_FILENO, bytes->data + at, bytes->size - at);
        if (n <= 0)
            gn_hdf5_fail("the input ended early");
        at += (size_t)n;
    }
}

int main(int argc, char **argv)
{
    struct gn_bytes bytes;
    const bool reads = argc == 2 && strcmp(argv[1], "read") == 0;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        unsigned major, minor, release;
        (void)H5get_libversion(&major, &minor, &release);
        (void)printf("libhdf5 %u.%u.%u\n", major, minor, release);
        return 0;
    }
    if (!reads && (argc != 2 || strcmp(argv[1], "write") != 0)) {
        (void)fputs("usage: googlenet-hdf5 read|write, a part of googlenet\n", stderr);
        return 2;
    }
    take(&bytes);
    gn_hdf5_close_doors(4 * (uint64_t)bytes.size + (UINT64_C(512) << 20), SECONDS);
    if (H5open() < 0 || H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0 || H5PLset_loading_state(0) < 0)
        gn_hdf5_fail("libhdf5 does not start");
    if (reads)
        gn_hdf5_read(&bytes);
    else
        gn_hdf5_write(&bytes);
    _exit(0); /* libhdf5 has nothing to close: all was in memory */
}
