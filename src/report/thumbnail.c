/* Each pixel of a thumbnail is the mean of those that it covers. */
#include "report/thumbnail.h"

#include "base/memory.h"
#include "picture/picture.h"

static uint8_t mean_of(const struct gn_image *image, int top, int bottom, int left, int right,
                       int c)
{
    uint64_t sum = 0;
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++)
            sum += image->pixels[((size_t)y * (size_t)image->width + (size_t)x) *
                                     (size_t)image->channels +
                                 (size_t)c];
    const uint64_t n = (uint64_t)(bottom - top) * (uint64_t)(right - left);
    return (uint8_t)((sum + n / 2) / n);
}

/* Where pixel i of `to` begins among `from`. */
static int edge(int i, int from, int to)
{
    return (int)((int64_t)i * from / to);
}

static void shrink(const struct gn_image *image, struct gn_image *small)
{
    uint8_t *out = small->pixels;
    for (int y = 0; y < small->height; y++)
        for (int x = 0; x < small->width; x++)
            for (int c = 0; c < small->channels; c++)
                *out++ = mean_of(image, edge(y, image->height, small->height),
                                 edge(y + 1, image->height, small->height),
                                 edge(x, image->width, small->width),
                                 edge(x + 1, image->width, small->width), c);
}

static int scaled(int side, int longest)
{
    const int length = (int)((int64_t)side * GN_THUMBNAIL_SIDE / longest);
    return longest <= GN_THUMBNAIL_SIDE ? side : length < 1 ? 1 : length;
}

gn_status gn_thumbnail(const gn_dataset *data, uint64_t i, struct gn_bytes *png)
{
    struct gn_image image;
    *png = (struct gn_bytes){ 0 };
    GN_TRY(gn_dataset_picture(data, i, &image));
    const int longest = image.width > image.height ? image.width : image.height;
    struct gn_image small = { .height = scaled(image.height, longest),
                              .width = scaled(image.width, longest),
                              .channels = image.channels };
    small.pixels = gn_calloc((size_t)small.height * (size_t)small.width, (size_t)small.channels,
                             "a thumbnail");
    gn_status status = small.pixels == NULL ? gn_last_status() : GN_OK;
    if (status == GN_OK) {
        shrink(&image, &small);
        status = gn_png_encode(&small, png);
    }
    gn_free(small.pixels);
    gn_free_image(&image);
    return status;
}
