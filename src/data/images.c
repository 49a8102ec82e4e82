/*
 * Images without labels, as prediction reads them: one IDX file, one picture, or a folder of
 * pictures.
 */
#include "data/open.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/path.h"
#include "data/idx.h"
#include "os/files.h"
#include "os/os.h"
#include "picture/picture.h"

#include <string.h>

/* The first bytes; never waits for a pipe. */
static size_t read_head(const char *path, uint8_t head[8])
{
    const int file = gn_system_open(path);
    if (file < 0)
        return 0;
    const int64_t n = gn_system_read(file, head, 8);
    (void)gn_system_close(file);
    return n > 0 ? (size_t)n : 0;
}

/* IDX files begin with two zeros and a type, or are compressed; one that is missing or empty is known
 * by its name. What is neither that nor a picture is left to the picture's reader, which says so. */
static bool is_idx(const char *path)
{
    uint8_t head[8];
    const size_t n = read_head(path, head);
    if (gn_picture_named(path) || gn_picture_recognise_file(path) != NULL)
        return false;
    if (n >= 3)
        return (head[0] == 0 && head[1] == 0 && head[2] >= 8 && head[2] < 16) ||
               (head[0] == 0x1f && head[1] == 0x8b);
    const char *name = gn_path_name(path);
    return strstr(name, "ubyte") != NULL || strstr(name, "idx") != NULL ||
           strcmp(gn_path_extension(path), ".gz") == 0;
}

static gn_status read_idx(struct gn_dataset *data, const char *path, uint64_t limit)
{
    struct gn_idx idx;
    GN_TRY(gn_idx_open(&idx, path, true, false));
    data->samples = idx.dims[0];
    data->height = (int)idx.dims[1];
    data->width = (int)idx.dims[2];
    data->channels = (int)idx.dims[3];
    if (limit > 0 && limit < data->samples) {
        data->unread = data->samples - limit;
        data->samples = limit;
        gn_idx_limit(&idx, limit);
    }
    const gn_status status = gn_idx_read(&idx, &data->pixels, NULL);
    gn_idx_close(&idx);
    return status;
}

static gn_status find_pictures(struct gn_dataset *data, const char *path)
{
    char name[GN_PATH_TEXT];
    GN_TRY(gn_walk_pictures(data));
    data->samples = data->files.n;
    if (data->samples == 0)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: images: the folder holds no picture",
                gn_printable(name, sizeof name, path));
    return GN_OK;
}

/* The paths up to the first one that is not a picture; their names are whole paths. */
static gn_status list_files(struct gn_dataset *data, const char *const *paths, size_t n)
{
    data->path[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (paths[i] == NULL || gn_path_is_folder(paths[i]) || is_idx(paths[i])))
            break;
        GN_TRY(gn_names_add(&data->files, paths[i]));
    }
    data->samples = data->files.n;
    if (data->samples > INT32_MAX)
        GN_FAIL(GN_STATUS_BAD_DATA, "images: more than %d files", INT32_MAX);
    return GN_OK;
}

static gn_status read_images(struct gn_dataset *data, const char *const *paths, size_t n,
                             uint64_t limit, size_t *taken)
{
    data->name = gn_strdup(paths[0]);
    data->path = gn_strdup(paths[0]);
    if (data->name == NULL || data->path == NULL)
        return gn_last_status();
    *taken = 1;
    data->channels = 3;
    if (gn_path_is_folder(paths[0]))
        return find_pictures(data, paths[0]);
    if (is_idx(paths[0]))
        return read_idx(data, paths[0], limit);
    GN_TRY(list_files(data, paths, n));
    *taken = data->files.n;
    return GN_OK;
}

gn_dataset *gn_open_image_files(const char *const *paths, size_t n, uint64_t limit, size_t *taken)
{
    size_t ignored;
    if (paths == NULL || n == 0 || paths[0] == NULL || paths[0][0] == '\0') {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "images: no file is named");
        return NULL;
    }
    struct gn_dataset *data = gn_calloc(1, sizeof *data, "images");
    if (data != NULL &&
        read_images(data, paths, n, limit, taken == NULL ? &ignored : taken) != GN_OK) {
        gn_close_dataset(data);
        data = NULL;
    }
    return data;
}

gn_dataset *gn_open_images(const char *path)
{
    return gn_open_image_files(&path, 1, 0, NULL);
}
