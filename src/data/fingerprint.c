/*
 * The fingerprint of a data set, by which a run that is resumed recognises its data.
 */
#include "file/crc32c.h"
#include "base/memory.h"
#include "data/open.h"
#include "data/picture_list.h"

#include <string.h>

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
    crc = gn_crc32c(crc, data->pixels, (size_t)data->samples * image);
    /* Images in memory have labels of a byte. */
    for (uint64_t i = 0; i < data->samples; i++) {
        const uint8_t label = (uint8_t)data->labels[i];
        crc = gn_crc32c(crc, &label, 1);
    }
    data->fingerprint = crc;
}

gn_status gn_fingerprint_files(struct gn_dataset *data)
{
    uint32_t crc = 0;
    data->facts = gn_calloc((size_t)data->samples, sizeof *data->facts, "sizes of pictures");
    if (data->facts == NULL)
        return gn_last_status();
    for (uint64_t i = 0; i < data->samples; i++) {
        uint8_t bytes[12];
        (void)gn_picture_stat(data, data->files.text[i], &data->facts[i]);
        for (int k = 0; k < 8; k++)
            bytes[k] = (uint8_t)(data->facts[i].size >> (8 * k));
        for (int k = 0; k < 4; k++)
            bytes[8 + k] = (uint8_t)((uint32_t)data->labels[i] >> (8 * k));
        crc = gn_crc32c(crc, data->files.text[i], strlen(data->files.text[i]) + 1);
        crc = gn_crc32c(crc, bytes, sizeof bytes);
    }
    data->fingerprint = crc;
    return GN_OK;
}
