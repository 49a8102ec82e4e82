/*
 * Images without labels, as prediction reads them: one IDX file, one picture, or a folder of
 * pictures.
 */
#include "data/dataset.h"

#include "base/file.h"
#include "base/memory.h"
#include "data/idx.h"
#include "picture/picture.h"

#include <string.h>
#include <sys/stat.h>

/* One picture: the folder it lies in becomes the path of the set. */
static gn_status name_picture(struct gn_dataset *data, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        data->path[0] = '.';
    data->path[slash == NULL || slash == path ? 1 : slash - path] = '\0';
    return gn_names_add(&data->files, slash == NULL ? path : slash + 1);
}

static gn_status find_pictures(struct gn_dataset *data, const char *path, bool folder)
{
    char name[GN_PATH_TEXT];
    GN_TRY(folder ? gn_walk_pictures(&data->files, path) : name_picture(data, path));
    data->samples = data->files.n;
    data->channels = 3;
    if (data->samples == 0)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: images: the folder holds no picture",
                gn_printable(name, sizeof name, path));
    return GN_OK;
}

static gn_status read_images(struct gn_dataset *data, const char *path)
{
    struct gn_idx idx;
    struct stat about;
    data->name = gn_strdup(path);
    data->path = gn_strdup(path);
    if (data->name == NULL || data->path == NULL)
        return gn_last_status();
    const bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    if (folder || gn_picture_named(path) || gn_picture_recognise_file(path) != NULL)
        return find_pictures(data, path, folder);
    GN_TRY(gn_idx_open(&idx, path, true, false));
    data->samples = idx.dims[0];
    data->height = (int)idx.dims[1];
    data->width = (int)idx.dims[2];
    data->channels = (int)idx.dims[3];
    const gn_status status = gn_idx_read(&idx, &data->pixels, NULL);
    gn_idx_close(&idx);
    return status;
}

gn_dataset *gn_open_images(const char *path)
{
    if (path == NULL || path[0] == '\0') {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "images: no file is named");
        return NULL;
    }
    struct gn_dataset *data = gn_calloc(1, sizeof *data, "images");
    if (data != NULL && read_images(data, path) != GN_OK) {
        gn_close_dataset(data);
        data = NULL;
    }
    return data;
}
