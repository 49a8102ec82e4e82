/*
 * Images without labels: one IDX file, as prediction reads it.
 */
#include "data/dataset.h"

#include "base/memory.h"
#include "data/idx.h"

static gn_status read_images(struct gn_dataset *data, const char *path)
{
    struct gn_idx idx;
    data->name = gn_strdup(path);
    data->path = gn_strdup(path);
    if (data->name == NULL || data->path == NULL)
        return gn_last_status();
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
