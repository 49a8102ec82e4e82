/*
 * WebP through libwebp: still pictures, and of animations the first frame on an otherwise black
 * canvas.
 */
#include "picture/format.h"

#include "gn_config.h"

#include <string.h>

#if GN_HAVE_WEBP

#include "base/library.h"

#include <webp/decode.h>
#include <webp/demux.h>

/* Loaded when the first such file is read. */
#define FUNCTIONS(X)                                                                               \
    X(WebPDecodeRGBInto)                                                                           \
    X(WebPDemuxGetI)                                                                               \
    X(WebPDemuxGetChunk)                                                                           \
    X(WebPDemuxReleaseChunkIterator)                                                               \
    X(WebPDemuxGetFrame)                                                                           \
    X(WebPDemuxReleaseIterator)                                                                    \
    X(WebPDemuxInternal)                                                                           \
    X(WebPDemuxDelete)
GN_LIBRARY(GN_WEBP_SONAME, FUNCTIONS)

static gn_status read_frame(struct gn_picture_job *job, const WebPIterator *frame)
{
    const struct gn_picture *picture = job->picture;
    const size_t row = (size_t)picture->width * 3, bytes = row * (size_t)picture->height;
    if (frame->x_offset < 0 || frame->y_offset < 0 || frame->width < 1 || frame->height < 1 ||
        frame->width > picture->width - frame->x_offset ||
        frame->height > picture->height - frame->y_offset)
        return gn_picture_bad(job, "a frame that leaves its canvas");
    const size_t at = (size_t)frame->y_offset * row + (size_t)frame->x_offset * 3;
    if (frame->width != picture->width || frame->height != picture->height)
        memset(picture->pixels, 0, bytes);
    if (library.WebPDecodeRGBInto(frame->fragment.bytes, frame->fragment.size, picture->pixels + at,
                                  bytes - at, (int)row) == NULL)
        return gn_picture_bad(job, "truncated or damaged");
    return GN_OK;
}

static gn_status decode_parts(struct gn_picture_job *job, const WebPDemuxer *parts)
{
    enum { WORKING_BYTES = 4 }; /* that the lossless decoder takes for a pixel */
    struct gn_picture *picture = job->picture;
    WebPChunkIterator exif;
    WebPIterator frame;
    picture->width = (int)library.WebPDemuxGetI(parts, WEBP_FF_CANVAS_WIDTH);
    picture->height = (int)library.WebPDemuxGetI(parts, WEBP_FF_CANVAS_HEIGHT);
    picture->channels = 3;
    if (library.WebPDemuxGetChunk(parts, "EXIF", 1, &exif)) {
        job->orientation = gn_exif_orientation(exif.chunk.bytes, exif.chunk.size);
        library.WebPDemuxReleaseChunkIterator(&exif);
    }
    GN_TRY(gn_picture_reserve(
        job, 0, (uint64_t)picture->width * (uint64_t)picture->height * WORKING_BYTES));
    if (job->header_only)
        return GN_OK;
    if (!library.WebPDemuxGetFrame(parts, 1, &frame))
        return gn_picture_bad(job, "no picture in it");
    const gn_status status = read_frame(job, &frame);
    library.WebPDemuxReleaseIterator(&frame);
    return status;
}

static gn_status decode_webp(struct gn_picture_job *job)
{
    const WebPData data = { job->file->data, job->file->size };
    if (!load_library())
        return gn_picture_no_library(job, &gn_format_webp);
    WebPDemuxer *parts = library.WebPDemuxInternal(&data, 0, NULL, WEBP_DEMUX_ABI_VERSION);
    if (parts == NULL)
        return gn_picture_bad(job, "truncated or damaged");
    const gn_status status = decode_parts(job, parts);
    library.WebPDemuxDelete(parts);
    return status;
}

#endif

static bool begins(const uint8_t *bytes, size_t n)
{
    return n >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

const struct gn_picture_format gn_format_webp = {
    .name = "WebP",
    .suffixes = ".webp ",
    .package = "libwebp",
    .begins = begins,
#if GN_HAVE_WEBP
    .version = GN_WEBP_VERSION,
    .file = GN_WEBP_SONAME,
    .loads = load_library,
    .decode = decode_webp,
#endif
};
