/* What sets of picture files have in common: the number of channels, the paths. */
#include "data/open.h"

#include "file/file.h"
#include "base/memory.h"
#include "picture/picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURES_MEASURED = 64 };

bool gn_dataset_path(const struct gn_dataset *data, uint64_t i, char path[GN_PATH_BYTES])
{
    return gn_path_join(path, data->path, data->files.text[i]);
}

/* 3 when one of some pictures, evenly spread over the set, has colours, else 1. Those that cannot be
 * read say nothing. */
static gn_status count_channels(struct gn_dataset *data)
{
    struct gn_picture picture = { 0 };
    char path[GN_PATH_BYTES];
    int most = 0;
    const uint64_t n = data->samples < PICTURES_MEASURED ? data->samples : PICTURES_MEASURED;
    gn_status status = GN_OK;
    for (uint64_t i = 0; i < n && most < 3 && status == GN_OK; i++) {
        if (!gn_dataset_path(data, i * data->samples / n, path))
            continue;
        status = gn_picture_measure(&picture, path);
        if (status == GN_OK && picture.channels > most)
            most = picture.channels;
        if (status == GN_STATUS_BAD_DATA)
            status = GN_OK;
    }
    gn_picture_free(&picture);
    data->channels = most == 1 ? 1 : 3;
    return status;
}

/* The sizes of the largest files' pictures, from their headers, say what decoding takes. */
static gn_status measure_largest(struct gn_dataset *data)
{
    enum { MEASURED = 8 };
    struct gn_picture picture = { 0 };
    char path[GN_PATH_BYTES];
    gn_status status = GN_OK;
    uint64_t below = UINT64_MAX;
    for (int k = 0; k < MEASURED && status == GN_OK; k++) {
        uint64_t largest = 0, at = 0;
        for (uint64_t i = 0; i < data->samples; i++)
            if (data->facts[i].size < below && data->facts[i].size > largest) {
                largest = data->facts[i].size;
                at = i;
            }
        if (largest == 0 || !gn_dataset_path(data, at, path))
            break;
        below = largest;
        status = gn_picture_measure(&picture, path);
        if (status == GN_OK) {
            const uint64_t bytes = (uint64_t)picture.height * (uint64_t)picture.width * 3;
            data->largest_picture = bytes > data->largest_picture ? bytes : data->largest_picture;
            data->largest_file = largest > data->largest_file ? largest : data->largest_file;
        }
        if (status != GN_STATUS_NO_MEMORY && status != GN_STATUS_IO)
            status = GN_OK; /* what is wrong with it is said when it is used */
    }
    gn_picture_free(&picture);
    return status;
}

gn_status gn_finish_files(struct gn_dataset *data)
{
    const uint64_t limit = data->options.limit;
    if (limit > 0 && limit < data->samples)
        data->samples = limit;
    GN_TRY(gn_take_fold(data));
    GN_TRY(gn_fingerprint_files(data));
    GN_TRY(measure_largest(data));
    data->channels = data->options.channels;
    return data->channels == 0 ? count_channels(data) : GN_OK;
}
