/*
 * The fingerprint of a data set, by which a run that is resumed recognises its data.
 */
#include "base/crc32c.h"
#include "data/open.h"

#include <string.h>
#include <sys/stat.h>

/* CRC32C over sizes, pixels and labels: two data sets of one fingerprint train alike. */
void gn_fingerprint_images(struct gn_dataset *data)
{
    const uint64_t sizes[] = { data->samples, (uint64_t)data->height, (uint64_t)data->width,
                               (uint64_t)data->channels, (uint64_t)data->classes };
    uint32_t crc = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t bytes[8];
        for (int k = 0; k < 8; k++)
            bytes[k] = (uint8_t)(sizes[i] >> (8 * k));
        crc = gn_crc32c(crc, bytes, sizeof bytes);
    }
    const size_t image = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    crc = gn_crc32c(crc, data->pixels, data->samples * image);
    /* Images in memory have labels of a byte. */
    for (uint64_t i = 0; i < data->samples; i++) {
        const uint8_t label = (uint8_t)data->labels[i];
        crc = gn_crc32c(crc, &label, 1);
    }
    data->fingerprint = crc;
}

void gn_fingerprint_files(struct gn_dataset *data)
{
    char path[GN_PATH_BYTES];
    struct stat about;
    uint32_t crc = 0;
    for (uint64_t i = 0; i < data->samples; i++) {
        uint8_t bytes[12];
        const bool found = gn_dataset_path(data, i, path) && stat(path, &about) == 0;
        const uint64_t size = found ? (uint64_t)about.st_size : 0;
        for (int k = 0; k < 8; k++)
            bytes[k] = (uint8_t)(size >> (8 * k));
        for (int k = 0; k < 4; k++)
            bytes[8 + k] = (uint8_t)((uint32_t)data->labels[i] >> (8 * k));
        crc = gn_crc32c(crc, data->files.text[i], strlen(data->files.text[i]) + 1);
        crc = gn_crc32c(crc, bytes, sizeof bytes);
    }
    data->fingerprint = crc;
}
