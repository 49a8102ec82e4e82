/*
 * CIFAR-10 and CIFAR-100 as published in binary: records of one label (CIFAR-100: the coarse one,
 * then the fine one, which is used) and three planes of 32x32 bytes, red, green, blue.
 */
#include "data/open.h"

#include "file/file.h"
#include "base/memory.h"
#include "file/gzip.h"

#include <string.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, PIXELS = 3 * PLANE, LABEL_TEXT = 1 << 16 };

struct cifar {
    const char *inner; /* folder of the archive */
    const char *files[2][6];
    uint64_t records; /* of a training file */
    int label_bytes, classes;
    const char *names; /* file of the classes' names, a line each */
};

static const struct cifar kinds[] = {
    [GN_CIFAR_10] = { .inner = "cifar-10-batches-bin",
                      .files = { { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                   "data_batch_4.bin", "data_batch_5.bin", NULL },
                                 { "test_batch.bin", NULL } },
                      .records = 10000,
                      .label_bytes = 1,
                      .classes = 10,
                      .names = "batches.meta.txt" },
    [GN_CIFAR_100] = { .inner = "cifar-100-binary",
                       .files = { { "train.bin", NULL }, { "test.bin", NULL } },
                       .records = 50000,
                       .label_bytes = 2,
                       .classes = 100,
                       .names = "fine_label_names.txt" },
};

static bool holds_file(const char *folder, const char *name)
{
    char path[GN_PATH_BYTES];
    return gn_path_join(path, folder, name) && gn_path_is_file(path);
}

static bool holds_both(const char *folder, const struct cifar *c)
{
    return holds_file(folder, c->files[0][0]) && holds_file(folder, c->files[1][0]);
}

enum gn_cifar gn_cifar_find(const char *folder, char inner[GN_PATH_BYTES])
{
    for (enum gn_cifar kind = GN_CIFAR_10; kind <= GN_CIFAR_100; kind++) {
        const struct cifar *c = &kinds[kind];
        if (gn_path_join(inner, folder, "") && holds_both(inner, c))
            return kind;
        if (gn_path_join(inner, folder, c->inner) && holds_both(inner, c))
            return kind;
    }
    return GN_CIFAR_NONE;
}

/* Planes to pixels. */
static void interleave(uint8_t *pixels, const uint8_t *planes)
{
    for (size_t i = 0; i < PLANE; i++)
        for (size_t c = 0; c < 3; c++)
            pixels[3 * i + c] = planes[c * PLANE + i];
}

/* Appends the records of one file to the set, which has room for them. */
static gn_status read_records(struct gn_dataset *data, const struct cifar *c, const char *path,
                              struct gn_stream *stream, uint64_t records)
{
    char name[GN_PATH_TEXT];
    uint8_t record[2 + PIXELS];
    const size_t bytes = (size_t)c->label_bytes + PIXELS;
    for (uint64_t i = 0; i < records; i++) {
        GN_TRY(gn_stream_read(stream, record, bytes));
        const int label = record[c->label_bytes - 1];
        if (label >= data->classes)
            GN_FAIL(GN_STATUS_BAD_DATA,
                    "%s: CIFAR: label outside the classes (label=%d, classes=%d) at byte %llu",
                    gn_printable(name, sizeof name, path), label, data->classes,
                    (unsigned long long)(i * bytes + (uint64_t)c->label_bytes - 1));
        data->labels[data->samples] = label;
        interleave(data->pixels + data->samples * PIXELS, record + c->label_bytes);
        data->samples++;
    }
    return gn_stream_end(stream);
}

static gn_status read_file(struct gn_dataset *data, const struct cifar *c, const char *path)
{
    char name[GN_PATH_TEXT];
    const uint64_t bytes = (uint64_t)c->label_bytes + PIXELS;
    struct gn_stream *stream = gn_stream_open(path, "CIFAR", false);
    if (stream == NULL)
        return gn_last_status();
    const uint64_t size = gn_stream_file_bytes(stream), records = size / bytes;
    gn_status status = GN_OK;
    if (gn_stream_is_packed(stream) || size % bytes != 0 || records == 0 || records > c->records)
        status = gn_fail(GN_STATUS_BAD_DATA,
                         "%s: CIFAR: size mismatch (the file holds %llu bytes, records have %llu, "
                         "at most %llu of them)",
                         gn_printable(name, sizeof name, path), (unsigned long long)size,
                         (unsigned long long)bytes, (unsigned long long)c->records);
    if (status == GN_OK) {
        const size_t total = (size_t)(data->samples + records);
        uint8_t *pixels = gn_realloc(data->pixels, total * PIXELS, "images");
        int32_t *labels = gn_realloc(data->labels, total * sizeof *labels, "labels");
        data->pixels = pixels == NULL ? data->pixels : pixels;
        data->labels = labels == NULL ? data->labels : labels;
        status = pixels == NULL || labels == NULL ? gn_last_status()
                                                  : read_records(data, c, path, stream, records);
    }
    gn_stream_close(stream);
    return status;
}

/* The names of the classes, if their file is there and holds as many. */
static gn_status read_names(struct gn_dataset *data, const struct cifar *c)
{
    char path[GN_PATH_BYTES], text[LABEL_TEXT];
    struct gn_bytes file;
    if (!gn_path_join(path, data->path, c->names) || !holds_file(data->path, c->names))
        return GN_OK;
    GN_TRY(gn_file_read(path, "CIFAR", GN_STATUS_BAD_DATA, sizeof text - 1, &file));
    memcpy(text, file.data, file.size);
    text[file.size] = '\0';
    gn_free(file.data);
    char *rest = text;
    for (const char *line; (line = strtok_r(rest, "\r\n", &rest)) != NULL;)
        GN_TRY(gn_names_add(&data->own_names, line));
    if (data->own_names.n == (size_t)data->classes)
        data->label_names = data->own_names.text;
    return GN_OK;
}

gn_status gn_open_cifar(struct gn_dataset *data, const char *inner, enum gn_cifar kind)
{
    const struct cifar *c = &kinds[kind];
    char path[GN_PATH_BYTES];
    gn_free(data->path);
    data->path = gn_strdup(inner);
    if (data->path == NULL)
        return gn_last_status();
    data->height = data->width = SIDE;
    data->channels = 3;
    data->classes = data->options.classes > 0 ? data->options.classes : c->classes;
    const char *const *files = c->files[data->options.split != GN_TRAIN];
    for (int i = 0; files[i] != NULL; i++) {
        if (!gn_path_join(path, inner, files[i]))
            GN_FAIL(GN_STATUS_BAD_DATA, "CIFAR: the folder's name is too long (%zu bytes)",
                    strlen(inner));
        GN_TRY(read_file(data, c, path));
    }
    return read_names(data, c);
}
