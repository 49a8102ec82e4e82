/* From the pixel formats of other programs to the bytes that the resize reads. */
#include "infer/pixels.h"

#include "base/memory.h"
#include "picture/picture.h"

#include <stdlib.h>

/* Where red, green and blue lie among the values of a pixel. */
static const struct format {
    const char *name;
    uint8_t values; /* of a pixel in the first plane */
    uint8_t red, green, blue;
} formats[] = {
    [GN_PIXELS_GREY] = { "grey", 1, 0, 0, 0 }, [GN_PIXELS_RGB] = { "RGB", 3, 0, 1, 2 },
    [GN_PIXELS_BGR] = { "BGR", 3, 2, 1, 0 },   [GN_PIXELS_RGBA] = { "RGBA", 4, 0, 1, 2 },
    [GN_PIXELS_BGRA] = { "BGRA", 4, 2, 1, 0 }, [GN_PIXELS_NV12] = { "NV12", 1, 0, 0, 0 },
};

enum { FORMATS = sizeof formats / sizeof formats[0], MOST_SIDE = 65500 };

static size_t least_stride(const struct gn_pixels *image)
{
    const size_t values = (size_t)image->width * formats[image->format].values;
    return image->floats ? values * sizeof(float) : values;
}

static gn_status check_rows(const struct gn_pixels *image, size_t stride)
{
    const size_t row = least_stride(image);
    if (stride < row)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "pixels: rows are %zu bytes apart and have %zu bytes",
                stride, row);
    if (image->floats && (stride % sizeof(float) != 0 || (uintptr_t)image->pixels % sizeof(float)))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "pixels: floats must begin, and rows must be apart, by a multiple of %zu bytes",
                sizeof(float));
    return GN_OK;
}

static gn_status check(const struct gn_pixels *image)
{
    GN_NEED(image->pixels, "the image");
    if ((int)image->format < 0 || (int)image->format >= FORMATS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "pixels: no format has the number %d", (int)image->format);
    if (image->height < 1 || image->width < 1 || image->height > MOST_SIDE ||
        image->width > MOST_SIDE)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "pixels: an image of %dx%d; height and width must be 1 to %d", image->height,
                image->width, MOST_SIDE);
    if (image->format != GN_PIXELS_NV12)
        return GN_OK;
    GN_NEED(image->chroma, "the second plane of NV12");
    if (image->floats)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "pixels: NV12 consists of bytes, not of floats");
    if (image->height % 2 != 0 || image->width % 2 != 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "pixels: NV12 of %dx%d; its height and width must be even",
                image->height, image->width);
    if (image->chroma_stride != 0 && image->chroma_stride < (size_t)image->width)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "pixels: rows of the second plane are %zu bytes apart and have %d bytes",
                image->chroma_stride, image->width);
    return GN_OK;
}

static uint8_t to_byte(double value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5);
}

/* Also what is not a number becomes 0. */
static uint8_t float_to_byte(float value)
{
    return value > 0 ? to_byte((double)value * 255) : 0;
}

static void row_of_floats(const float *from, const struct format *f, int width, uint8_t *rgb)
{
    for (int x = 0; x < width; x++, from += f->values, rgb += 3) {
        rgb[0] = float_to_byte(from[f->red]);
        rgb[1] = float_to_byte(from[f->green]);
        rgb[2] = float_to_byte(from[f->blue]);
    }
}

static void row_of_bytes(const uint8_t *from, const struct format *f, int width, uint8_t *rgb)
{
    for (int x = 0; x < width; x++, from += f->values, rgb += 3) {
        rgb[0] = from[f->red];
        rgb[1] = from[f->green];
        rgb[2] = from[f->blue];
    }
}

/* BT.601 with 16 to 235 for black to white (ITU-R BT.601-7, 2.5.3), each pair of colour values for four
 * pixels. */
static void row_of_nv12(const uint8_t *luma, const uint8_t *chroma, int width, uint8_t *rgb)
{
    for (int x = 0; x < width; x++, rgb += 3) {
        const double y = 255.0 / 219 * (luma[x] - 16);
        const double u = chroma[x & ~1] - 128, v = chroma[x | 1] - 128;
        const double scale = 255.0 / 224;
        rgb[0] = to_byte(y + 1.402 * scale * v);
        rgb[1] = to_byte(y - (0.114 * 1.772 * u + 0.299 * 1.402 * v) / 0.587 * scale);
        rgb[2] = to_byte(y + 1.772 * scale * u);
    }
}

/* Row y as red, green, blue. */
static void row_as_rgb(const struct gn_pixels *image, size_t stride, int y, uint8_t *rgb)
{
    const struct format *f = &formats[image->format];
    const uint8_t *row = (const uint8_t *)image->pixels + (size_t)y * stride;
    const size_t chroma_stride =
        image->chroma_stride == 0 ? (size_t)image->width : image->chroma_stride;
    if (image->format == GN_PIXELS_NV12)
        row_of_nv12(row, (const uint8_t *)image->chroma + (size_t)(y / 2) * chroma_stride,
                    image->width, rgb);
    else if (image->floats)
        row_of_floats((const float *)(const void *)row, f, image->width, rgb);
    else
        row_of_bytes(row, f, image->width, rgb);
}

static gn_status convert(const struct gn_pixels *image, size_t stride, int channels,
                         struct gn_packed_pixels *to)
{
    const size_t w = (size_t)image->width;
    /* A row in colour at the end: the last row of a grey picture is shorter than it. */
    const size_t bytes = (size_t)image->height * w * (size_t)channels + 3 * w;
    if (bytes > to->room) {
        gn_free(to->own);
        to->own = gn_alloc(bytes, "an image");
        to->room = to->own == NULL ? 0 : bytes;
        if (to->own == NULL)
            return gn_last_status();
    }
    uint8_t *rgb = to->own + bytes - 3 * w;
    for (int y = 0; y < image->height; y++) {
        row_as_rgb(image, stride, y, rgb);
        gn_convert_channels(to->own + (size_t)y * w * (size_t)channels, channels, rgb, 3, w);
    }
    to->pixels = to->own;
    to->stride = w * (size_t)channels;
    return GN_OK;
}

/* A grey picture stays what it is: its luma as colour would be rounded anew. */
static bool is_ready(const struct gn_pixels *image, int channels)
{
    return !image->floats && ((image->format == GN_PIXELS_GREY && channels == 1) ||
                              (image->format == GN_PIXELS_RGB && channels == 3));
}

gn_status gn_pack_pixels(const struct gn_pixels *image, int channels, struct gn_packed_pixels *to)
{
    GN_TRY(check(image));
    if (!gn_channels_convert(3, channels))
        GN_FAIL(GN_STATUS_BAD_SHAPE, "pixels: an image is %s, the network takes %d channels",
                formats[image->format].name, channels);
    const size_t stride = image->stride == 0 ? least_stride(image) : image->stride;
    GN_TRY(check_rows(image, stride));
    if (!is_ready(image, channels))
        return convert(image, stride, channels, to);
    to->pixels = image->pixels;
    to->stride = stride;
    return GN_OK;
}
