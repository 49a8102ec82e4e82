/* Small files of tests, made and looked at without the library. */
#include "support/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void require(bool good, const char *what, const char *path)
{
    if (good)
        return;
    (void)fprintf(stderr, "cannot %s %s\n", what, path);
    abort();
}

void test_write_file(const char *path, const void *data, size_t n)
{
    /* A truncated file would be flushed to the disk when it is closed: slow, thousands of times. */
    (void)remove(path);
    FILE *f = fopen(path, "wb");
    require(f != NULL, "create", path);
    require(fwrite(data, 1, n, f) == n, "write", path);
    require(fclose(f) == 0, "close", path);
}

uint8_t *test_read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    require(f != NULL, "open", path);
    require(fseek(f, 0, SEEK_END) == 0, "seek in", path);
    const long size = ftell(f);
    require(size >= 0, "measure", path);
    rewind(f);
    uint8_t *data = malloc((size_t)size + 1);
    require(data != NULL, "hold", path);
    require(fread(data, 1, (size_t)size, f) == (size_t)size, "read", path);
    require(fclose(f) == 0, "close", path);
    data[size] = 0;
    *n = (size_t)size;
    return data;
}

bool test_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool test_file_is(const char *path, const void *data, size_t n)
{
    if (!test_exists(path))
        return false;
    size_t size;
    uint8_t *held = test_read_file(path, &size);
    const bool same = size == n && memcmp(held, data, n) == 0;
    free(held);
    return same;
}

int test_count_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    require(dir != NULL, "list", folder);
    int n = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(dir);
    return n;
}
