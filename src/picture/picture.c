/*
 * What JPEG and PNG have in common: telling them apart, limits, the conversion between grey and
 * colour, and turning a picture upright.
 */
#include "picture/picture.h"

#include "base/memory.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum gn_picture_kind gn_picture_kind(const uint8_t *bytes, size_t n)
{
    static const uint8_t jpeg[] = { 0xff, 0xd8, 0xff };
    static const uint8_t png[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    if (n >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
        return GN_PICTURE_JPEG;
    if (n >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        return GN_PICTURE_PNG;
    return GN_PICTURE_NONE;
}

bool gn_picture_named(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && dot != name &&
           (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0 ||
            strcasecmp(dot, ".png") == 0);
}

void gn_picture_free(struct gn_picture *picture)
{
    gn_free(picture->pixels);
    gn_free(picture->spare);
    *picture = (struct gn_picture){ 0 };
}

/* Makes *buffer at least `bytes` long; what it held is lost. */
static gn_status make_room(uint8_t **buffer, size_t *room, size_t bytes)
{
    if (*room >= bytes)
        return GN_OK;
    gn_free(*buffer);
    *buffer = gn_alloc(bytes, "a picture");
    *room = *buffer == NULL ? 0 : bytes;
    return *buffer == NULL ? gn_last_status() : GN_OK;
}

gn_status gn_picture_reserve(struct gn_picture *picture, const char *path, const char *kind)
{
    char name[GN_PATH_TEXT];
    const uint64_t h = (uint64_t)picture->height, w = (uint64_t)picture->width;
    if (picture->height < 1 || picture->width < 1)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: %s: empty picture (width=%d height=%d)",
                gn_printable(name, sizeof name, path), kind, picture->width, picture->height);
    if (h > GN_PICTURE_SIDE || w > GN_PICTURE_SIDE || h * w > GN_PICTURE_PIXELS)
        GN_FAIL(GN_STATUS_BAD_DATA,
                "%s: %s: too many pixels (width=%d height=%d, limits %d a side and %d in all)",
                gn_printable(name, sizeof name, path), kind, picture->width, picture->height,
                GN_PICTURE_SIDE, GN_PICTURE_PIXELS);
    /* Room for three channels, so that the picture may become RGB in place. */
    return make_room(&picture->pixels, &picture->room, (size_t)(h * w * 3));
}

/* Pillow's convert("L"): ITU-R 601-2 luma in fixed point of 16 bits. */
static uint8_t luma(const uint8_t rgb[3])
{
    return (uint8_t)((19595U * rgb[0] + 38470U * rgb[1] + 7471U * rgb[2] + 0x8000U) >> 16);
}

bool gn_channels_convert(int from, int to)
{
    return from == to || ((from == 1 || from == 3) && (to == 1 || to == 3));
}

void gn_convert_channels(uint8_t *to, int to_channels, const uint8_t *from, int from_channels,
                         size_t n)
{
    if (to_channels == from_channels) {
        if (to != from)
            memcpy(to, from, n * (size_t)from_channels);
    } else if (to_channels == 1) {
        for (size_t i = 0; i < n; i++)
            to[i] = luma(from + 3 * i);
    } else {
        /* From the end, since `to` may begin where `from` does. */
        for (size_t i = n; i-- > 0;)
            to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = from[i];
    }
}

/* EXIF's orientations as steps over the stored pixels: upright row y, column x is stored at
 * start + y*down + x*right pixels. */
static gn_status turn(struct gn_picture *picture, int orientation)
{
    const ptrdiff_t h = picture->height, w = picture->width, c = picture->channels;
    const bool swaps = orientation >= 5;
    static const struct {
        bool from_bottom, from_right;
    } corner[9] = { [2] = { false, true }, [3] = { true, true }, [4] = { true, false },
                    [6] = { true, false }, [7] = { true, true }, [8] = { false, true } };
    const bool bottom = corner[orientation].from_bottom,
               right_side = corner[orientation].from_right;
    const ptrdiff_t start = (bottom ? (h - 1) * w : 0) + (right_side ? w - 1 : 0);
    const ptrdiff_t along_h = bottom ? -w : w, along_w = right_side ? -1 : 1;
    const ptrdiff_t down = swaps ? along_w : along_h, right = swaps ? along_h : along_w;
    const ptrdiff_t oh = swaps ? w : h, ow = swaps ? h : w;
    GN_TRY(make_room(&picture->spare, &picture->spare_room, picture->room));
    uint8_t *to = picture->spare;
    for (ptrdiff_t y = 0; y < oh; y++)
        for (ptrdiff_t x = 0; x < ow; x++, to += c)
            memcpy(to, picture->pixels + (start + y * down + x * right) * c, (size_t)c);
    uint8_t *const pixels = picture->pixels;
    const size_t room = picture->room;
    picture->pixels = picture->spare;
    picture->room = picture->spare_room;
    picture->spare = pixels;
    picture->spare_room = room;
    picture->height = (int)oh;
    picture->width = (int)ow;
    return GN_OK;
}

static gn_status decode(struct gn_picture *picture, const struct gn_bytes *file, const char *path,
                        bool header_only, int *orientation)
{
    char name[GN_PATH_TEXT];
    *orientation = GN_PICTURE_UPRIGHT;
    switch (gn_picture_kind(file->data, file->size)) {
    case GN_PICTURE_JPEG:
        return gn_jpeg_decode(picture, file, path, header_only, orientation);
    case GN_PICTURE_PNG:
        return gn_png_decode(picture, file, path, header_only, orientation);
    case GN_PICTURE_NONE:
        break;
    }
    (void)gn_printable(name, sizeof name, path);
    if (file->size == 0)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: picture: the file is empty", name);
    GN_FAIL(GN_STATUS_BAD_DATA, "%s: picture: neither JPEG nor PNG at byte 0", name);
}

gn_status gn_picture_decode(struct gn_picture *picture, const struct gn_bytes *file,
                            const char *path, int channels)
{
    int orientation;
    GN_TRY(decode(picture, file, path, false, &orientation));
    if (channels != 0 && channels != picture->channels) {
        const size_t n = (size_t)picture->height * (size_t)picture->width;
        gn_convert_channels(picture->pixels, channels, picture->pixels, picture->channels, n);
        picture->channels = channels;
    }
    return orientation == GN_PICTURE_UPRIGHT ? GN_OK : turn(picture, orientation);
}

gn_status gn_picture_read(struct gn_picture *picture, const char *path, int channels)
{
    struct gn_bytes file;
    GN_TRY(gn_file_read(path, "picture", GN_STATUS_BAD_DATA, GN_PICTURE_FILE_BYTES, &file));
    const gn_status status = gn_picture_decode(picture, &file, path, channels);
    gn_free(file.data);
    return status;
}

gn_status gn_picture_measure(struct gn_picture *picture, const char *path)
{
    struct gn_bytes file;
    int orientation;
    GN_TRY(gn_file_read(path, "picture", GN_STATUS_BAD_DATA, GN_PICTURE_FILE_BYTES, &file));
    const gn_status status = decode(picture, &file, path, true, &orientation);
    gn_free(file.data);
    if (status == GN_OK && orientation >= 5) {
        const int height = picture->height;
        picture->height = picture->width;
        picture->width = height;
    }
    return status;
}
