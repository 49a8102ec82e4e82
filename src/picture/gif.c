/*
 * GIF through giflib: the first frame, on the screen that the file declares. What the frame does not
 * cover has the transparent colour, or else the first one, as Pillow shows it.
 */
#include "picture/format.h"

#include "gn_config.h"

#include <string.h>

#if GN_HAVE_GIF

#include "base/library.h"
#include "base/memory.h"
#include "file/reader.h"

#include <gif_lib.h>

/* Loaded when the first such file is read. */
#define FUNCTIONS(X)                                                                               \
    X(DGifOpen)                                                                                    \
    X(DGifCloseFile)                                                                               \
    X(DGifGetRecordType)                                                                           \
    X(DGifGetImageDesc)                                                                            \
    X(DGifGetExtension)                                                                            \
    X(DGifGetExtensionNext)                                                                        \
    X(DGifExtensionToGCB)                                                                          \
    X(DGifGetLine)                                                                                 \
    X(GifErrorString)
GN_LIBRARY(GN_GIF_SONAME, FUNCTIONS)

enum {
    MOST_PIXELS =
        4096 * 8 / 12, /* that a byte can stand for: a code of 12 bits, a string of 4096 */
    GRAPHICS_EXTENSION = 0xf9,
    NO_COLOUR = -1
};

static int read_bytes(GifFileType *gif, GifByteType *to, int n)
{
    struct gn_reader *reader = gif->UserData;
    const size_t left = gn_rd_left(reader);
    const uint8_t *bytes;
    const size_t wanted = n < 0 ? 0 : (size_t)n < left ? (size_t)n : left;
    if (!gn_rd_bytes(reader, wanted, &bytes))
        return 0;
    memcpy(to, bytes, wanted);
    return (int)wanted;
}

static gn_status bad(struct gn_picture_job *job, const GifFileType *gif, int code)
{
    const struct gn_reader *reader = gif == NULL ? NULL : gif->UserData;
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM)
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory to decode a picture");
    if (code == D_GIF_ERR_READ_FAILED || code == D_GIF_ERR_EOF_TOO_SOON)
        return gn_picture_bad(job, "truncated: the file ends before the picture does at byte %zu",
                              job->file->size);
    const char *text = library.GifErrorString(code);
    return gn_picture_bad(job, "%s at byte %zu", text == NULL ? "damaged" : text,
                          reader == NULL ? (size_t)0 : reader->at);
}

/* Goes to the first frame; *transparent is the colour that its extension names. */
static gn_status find_frame(struct gn_picture_job *job, GifFileType *gif, int *transparent)
{
    GifRecordType record;
    GifByteType *block;
    GraphicsControlBlock control;
    int code;
    for (;;) {
        if (library.DGifGetRecordType(gif, &record) == GIF_ERROR)
            return bad(job, gif, gif->Error);
        if (record == IMAGE_DESC_RECORD_TYPE)
            return library.DGifGetImageDesc(gif) == GIF_ERROR ? bad(job, gif, gif->Error) : GN_OK;
        if (record == TERMINATE_RECORD_TYPE)
            return gn_picture_bad(job, "no picture in it");
        if (library.DGifGetExtension(gif, &code, &block) == GIF_ERROR)
            return bad(job, gif, gif->Error);
        while (block != NULL) {
            if (code == GRAPHICS_EXTENSION &&
                library.DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
                *transparent = control.TransparentColor;
            if (library.DGifGetExtensionNext(gif, &block) == GIF_ERROR)
                return bad(job, gif, gif->Error);
        }
    }
}

static int channels_of(const ColorMapObject *colours)
{
    for (int i = 0; i < colours->ColorCount; i++) {
        const GifColorType *c = &colours->Colors[i];
        if (c->Red != c->Green || c->Red != c->Blue)
            return 3;
    }
    return 1;
}

/* n colour numbers become n pixels; false when the palette lacks one. */
static bool look_up(uint8_t *to, const uint8_t *from, int n, const ColorMapObject *colours,
                    int channels)
{
    for (int i = 0; i < n; i++, to += channels) {
        if (from[i] >= colours->ColorCount)
            return false;
        const GifColorType *c = &colours->Colors[from[i]];
        to[0] = c->Red;
        if (channels == 3) {
            to[1] = c->Green;
            to[2] = c->Blue;
        }
    }
    return true;
}

/* The row of the frame that is stored as number k. */
static int row_of(int k, int height, bool interlaced)
{
    static const int first[] = { 0, 4, 2, 1 }, step[] = { 8, 8, 4, 2 };
    if (!interlaced)
        return k;
    for (int pass = 0; pass < 4; pass++) {
        const int rows = (height - first[pass] + step[pass] - 1) / step[pass];
        if (k < rows)
            return first[pass] + k * step[pass];
        k -= rows;
    }
    return 0;
}

static gn_status read_frame(struct gn_picture_job *job, GifFileType *gif, int background,
                            const ColorMapObject *colours, uint8_t *line)
{
    const struct gn_picture *picture = job->picture;
    const GifImageDesc *frame = &gif->Image;
    const size_t c = (size_t)picture->channels, row = (size_t)picture->width * c;
    memset(line, background, (size_t)picture->width);
    for (int y = 0; y < picture->height; y++)
        if (!look_up(picture->pixels + (size_t)y * row, line, picture->width, colours, (int)c))
            return gn_picture_bad(job, "a pixel of a colour that the palette lacks");
    for (int k = 0; k < frame->Height; k++) {
        const size_t y = (size_t)(frame->Top + row_of(k, frame->Height, frame->Interlace));
        if (library.DGifGetLine(gif, line, frame->Width) == GIF_ERROR)
            return bad(job, gif, gif->Error);
        if (!look_up(picture->pixels + y * row + (size_t)frame->Left * c, line, frame->Width,
                     colours, (int)c))
            return gn_picture_bad(job, "a pixel of a colour that the palette lacks");
    }
    return GN_OK;
}

static gn_status decode_open(struct gn_picture_job *job, GifFileType *gif)
{
    struct gn_picture *picture = job->picture;
    const GifImageDesc *frame = &gif->Image;
    int transparent = NO_COLOUR;
    GN_TRY(find_frame(job, gif, &transparent));
    const ColorMapObject *colours = frame->ColorMap != NULL ? frame->ColorMap : gif->SColorMap;
    if (colours == NULL)
        return gn_picture_bad(job, "no palette");
    if (frame->Width < 1 || frame->Height < 1 || frame->Left < 0 || frame->Top < 0)
        return gn_picture_bad(job, "empty picture (width=%d height=%d)", frame->Width,
                              frame->Height);
    /* A frame that leaves the screen makes it larger. */
    const int right = frame->Left + frame->Width, bottom = frame->Top + frame->Height;
    picture->width = right > gif->SWidth ? right : gif->SWidth;
    picture->height = bottom > gif->SHeight ? bottom : gif->SHeight;
    picture->channels = channels_of(colours);
    const uint64_t pixels = (uint64_t)frame->Width * (uint64_t)frame->Height;
    GN_TRY(gn_picture_reserve(job, pixels / MOST_PIXELS, 0));
    if (job->header_only)
        return GN_OK;
    uint8_t *line = gn_alloc((size_t)picture->width, "a row of a picture");
    if (line == NULL)
        return gn_last_status();
    const int background = transparent >= 0 && transparent < colours->ColorCount ? transparent : 0;
    const gn_status status = read_frame(job, gif, background, colours, line);
    gn_free(line);
    return status;
}

static gn_status decode_gif(struct gn_picture_job *job)
{
    struct gn_reader reader;
    int code = 0;
    if (!load_library())
        return gn_picture_no_library(job, &gn_format_gif);
    gn_rd_init(&reader, job->file->data, job->file->size);
    GifFileType *gif = library.DGifOpen(&reader, read_bytes, &code);
    if (gif == NULL)
        return bad(job, NULL, code);
    const gn_status status = decode_open(job, gif);
    (void)library.DGifCloseFile(gif, &code);
    return status;
}

#endif

static bool begins(const uint8_t *bytes, size_t n)
{
    return n >= 6 && (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0);
}

const struct gn_picture_format gn_format_gif = {
    .name = "GIF",
    .suffixes = ".gif ",
    .package = "giflib",
    .begins = begins,
#if GN_HAVE_GIF
    .version = GN_GIF_VERSION,
    .file = GN_GIF_SONAME,
    .loads = load_library,
    .decode = decode_gif,
#endif
};
