/*
 * The pixels of a picture: room for them within the limits, and turning them upright.
 */
#include "picture/format.h"

#include "base/memory.h"
#include "base/number.h"

#include <stdarg.h>
#include <string.h>

void gn_picture_free(struct gn_picture *picture)
{
    gn_free(picture->pixels);
    gn_free(picture->spare);
    *picture = (struct gn_picture){ 0 };
}

gn_status gn_picture_bad(const struct gn_picture_job *job, const char *format, ...)
{
    char name[GN_PATH_TEXT], what[GN_MESSAGE_BYTES / 2];
    va_list values;
    va_start(values, format);
    (void)gn_format_list(what, sizeof what, format, values);
    va_end(values);
    return gn_fail(GN_STATUS_BAD_DATA, "%s: %s: %s", gn_printable(name, sizeof name, job->path),
                   job->kind, what);
}

gn_status gn_picture_no_library(const struct gn_picture_job *job,
                                const struct gn_picture_format *format)
{
    if (format->decode == NULL)
        return gn_picture_bad(job, "not read by this build: %s was not found", format->package);
    return gn_picture_bad(job, "not read on this machine: %s of %s cannot be loaded", format->file,
                          format->package);
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

/* A quarter of what the process may use is for one picture: several threads decode at once, and the
 * network wants memory, too. */
static gn_status check_memory(const struct gn_picture_job *job, uint64_t need)
{
    enum { SMALL = 64 << 20 }; /* not worth asking the system */
    char name[GN_PATH_TEXT], needed[GN_NUMBER_TEXT], usable[GN_NUMBER_TEXT];
    if (need <= SMALL)
        return GN_OK;
    const uint64_t limit = gn_memory_limit() / 4;
    if (need <= limit)
        return GN_OK;
    GN_FAIL(
        GN_STATUS_NO_MEMORY,
        "%s: %s: decoding width=%d height=%d takes %s, and one picture may take %s, a quarter of "
        "this process's memory",
        gn_printable(name, sizeof name, job->path), job->kind, job->picture->width,
        job->picture->height, gn_bytes_text(need, needed), gn_bytes_text(limit, usable));
}

/* Some formats hold a picture of one colour in almost nothing, however large it is: no number of bytes
 * is too small for them. A file that small may draw this many pixels, so that it cannot ask for all
 * memory, and more only in proportion to its length. */
enum { ANY_SIZE = 4 << 20, PLAUSIBLE = 1 << 14 };

gn_status gn_picture_reserve(struct gn_picture_job *job, uint64_t least, uint64_t extra)
{
    struct gn_picture *picture = job->picture;
    const uint64_t h = (uint64_t)picture->height, w = (uint64_t)picture->width;
    if (picture->height < 1 || picture->width < 1)
        return gn_picture_bad(job, "empty picture (width=%d height=%d)", picture->width,
                              picture->height);
    if (h > GN_PICTURE_SIDE || w > GN_PICTURE_SIDE || h * w > GN_PICTURE_PIXELS)
        return gn_picture_bad(
            job, "too many pixels (width=%d height=%d, limits %d a side and %d in all)",
            picture->width, picture->height, GN_PICTURE_SIDE, GN_PICTURE_PIXELS);
    if (job->header_only)
        return GN_OK;
    if (job->file->size < least)
        return gn_picture_bad(job,
                              "truncated: %zu bytes do not hold a picture of width=%d height=%d",
                              job->file->size, picture->width, picture->height);
    if (h * w > job->file->size * PLAUSIBLE + ANY_SIZE)
        return gn_picture_bad(job,
                              "%zu bytes that claim a picture of width=%d height=%d, which is not "
                              "believed (more than %d pixels a byte)",
                              job->file->size, picture->width, picture->height, PLAUSIBLE);
    GN_TRY(check_memory(job, h * w * 3 + extra));
    /* Room for three channels, so that the picture may become RGB in place. */
    if (make_room(&picture->pixels, &picture->room, (size_t)(h * w * 3)) == GN_OK)
        return GN_OK;
    char name[GN_PATH_TEXT], needed[GN_NUMBER_TEXT];
    GN_FAIL(GN_STATUS_NO_MEMORY, "%s: %s: no memory for width=%d height=%d (%s)",
            gn_printable(name, sizeof name, job->path), job->kind, picture->width, picture->height,
            gn_bytes_text(h * w * 3, needed));
}

/* EXIF's orientations as steps over the stored pixels: upright row y, column x is stored at
 * start + y*down + x*right pixels. */
gn_status gn_picture_turn(struct gn_picture *picture, int orientation)
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

void gn_free_image(struct gn_image *image)
{
    if (image == NULL)
        return;
    gn_free(image->pixels);
    *image = (struct gn_image){ 0 };
}
