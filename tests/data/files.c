/* Makes the data sets that the tests of this folder open. */
#include "data/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static void require(bool condition, const char *what)
{
    if (!condition) {
        perror(what);
        abort();
    }
}

void bytes_add(struct bytes *b, const void *data, size_t n)
{
    b->data = realloc(b->data, b->size + n + 1);
    require(b->data != NULL, "memory for a test");
    if (n > 0)
        memcpy(b->data + b->size, data, n);
    b->size += n;
}

void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){ .size = 0 };
}

struct bytes idx_bytes(int type, int rank, const uint32_t *dims, const uint8_t *elements, size_t n)
{
    struct bytes b = { .size = 0 };
    const uint8_t magic[4] = { 0, 0, (uint8_t)type, (uint8_t)rank };
    bytes_add(&b, magic, sizeof magic);
    for (int i = 0; i < rank; i++) {
        const uint32_t d = dims[i];
        const uint8_t big_endian[4] = { (uint8_t)(d >> 24), (uint8_t)(d >> 16), (uint8_t)(d >> 8),
                                        (uint8_t)d };
        bytes_add(&b, big_endian, sizeof big_endian);
    }
    bytes_add(&b, elements, n);
    return b;
}

struct bytes gzip_bytes(const struct bytes *plain)
{
    z_stream z = { .next_in = plain->data, .avail_in = (uInt)plain->size };
    require(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
    const size_t room = deflateBound(&z, (uLong)plain->size);
    struct bytes b = { .data = malloc(room) };
    require(b.data != NULL, "memory for a test");
    z.next_out = b.data;
    z.avail_out = (uInt)room;
    require(deflate(&z, Z_FINISH) == Z_STREAM_END, "deflate");
    b.size = room - z.avail_out;
    (void)deflateEnd(&z);
    return b;
}

uint8_t pixel_value(uint64_t i)
{
    return (uint8_t)((i * 2654435761U) >> 13);
}

void make_folder(char path[PATH_BYTES])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(path, PATH_BYTES, "%s/data.XXXXXX", base != NULL ? base : "/tmp");
    require(mkdtemp(path) != NULL, path);
}

void remove_folder(const char *path)
{
    DIR *list = opendir(path);
    if (list == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(list)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char inner[2 * PATH_BYTES];
        (void)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        struct stat about;
        if (lstat(inner, &about) == 0 && S_ISDIR(about.st_mode))
            remove_folder(inner);
        else
            (void)unlink(inner);
    }
    (void)closedir(list);
    (void)rmdir(path);
}

void write_bytes(const char *folder, const char *name, const struct bytes *b)
{
    char path[2 * PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    require(f != NULL, path);
    require(b->size == 0 || fwrite(b->data, 1, b->size, f) == b->size, path);
    require(fclose(f) == 0, path);
}

void remove_file(const char *folder, const char *name)
{
    char path[2 * PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

/* Writes `b` under the name, packed or not, and frees it. */
static void write_one(const char *folder, const char *name, struct bytes *b, bool packed)
{
    char full[64];
    (void)snprintf(full, sizeof full, "%s%s", name, packed ? ".gz" : "");
    if (packed) {
        struct bytes gz = gzip_bytes(b);
        write_bytes(folder, full, &gz);
        bytes_free(&gz);
    } else {
        write_bytes(folder, full, b);
    }
    bytes_free(b);
}

void write_split(const char *folder, bool train, const struct shape *shape, bool packed)
{
    const size_t image = (size_t)shape->height * shape->width * shape->channels;
    const size_t bytes = shape->n * image;
    uint8_t *pixels = malloc(bytes + 1), *labels = malloc(shape->n + (size_t)1);
    require(pixels != NULL && labels != NULL, "memory for a test");
    for (size_t i = 0; i < bytes; i++)
        pixels[i] = pixel_value(i);
    for (uint32_t i = 0; i < shape->n; i++)
        labels[i] = (uint8_t)(i % (uint32_t)shape->classes);
    const uint32_t dims[4] = { shape->n, shape->height, shape->width, shape->channels };
    struct bytes b = idx_bytes(8, shape->channels == 1 ? 3 : 4, dims, pixels, bytes);
    write_one(folder, train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte", &b, packed);
    b = idx_bytes(8, 1, dims, labels, shape->n);
    write_one(folder, train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte", &b, packed);
    free(pixels);
    free(labels);
}
