/*
 * TIFF through libtiff: the first page, by its interface that turns every layout of samples into RGBA,
 * a band of whole strips or tiles at a time. Handlers of our own for each file keep it quiet, since
 * those of the process are the caller's.
 */
#include "picture/format.h"

#include "gn_config.h"

#include <string.h>

#if GN_HAVE_TIFF

#include "base/library.h"
#include "base/memory.h"
#include "base/number.h"

#include <stdarg.h>
#include <tiffio.h>

/* Loaded when the first such file is read. */
#define FUNCTIONS(X)                                                                               \
    X(TIFFOpenOptionsAlloc)                                                                        \
    X(TIFFOpenOptionsFree)                                                                         \
    X(TIFFOpenOptionsSetMaxSingleMemAlloc)                                                         \
    X(TIFFOpenOptionsSetErrorHandlerExtR)                                                          \
    X(TIFFOpenOptionsSetWarningHandlerExtR)                                                        \
    X(TIFFClientOpenExt)                                                                           \
    X(TIFFClose)                                                                                   \
    X(TIFFGetField)                                                                                \
    X(TIFFGetFieldDefaulted)                                                                       \
    X(TIFFSetField)                                                                                \
    X(TIFFIsTiled)                                                                                 \
    X(TIFFTileSize64)                                                                              \
    X(TIFFVStripSize64)                                                                            \
    X(TIFFRGBAImageOK)                                                                             \
    X(TIFFRGBAImageBegin)                                                                          \
    X(TIFFRGBAImageGet)                                                                            \
    X(TIFFRGBAImageEnd)
GN_LIBRARY(GN_TIFF_SONAME, FUNCTIONS)

enum {
    MESSAGE_BYTES = 160,
    MOST_STRIP = 512 << 20,
    ANY_STRIP = 16 << 20,  /* whatever the picture's size */
    MOST_SAMPLE_BYTES = 8, /* that a pixel has: four samples of 16 bits */
    RGBA = 4
};

struct tiff {
    struct gn_picture_job *job;
    uint64_t at;
    char message[MESSAGE_BYTES]; /* of the first error */
};

/* ---- What libtiff calls ---- */

static GN_PRINTF(4, 0) int keep_error(TIFF *file, void *user, const char *module,
                                      const char *format, va_list values)
{
    struct tiff *t = user;
    (void)file;
    (void)module;
    if (t->message[0] == '\0')
        (void)gn_format_list(t->message, sizeof t->message, format, values);
    return 1; /* nobody else is called */
}

static int ignore(TIFF *file, void *user, const char *module, const char *format, va_list values)
{
    (void)file;
    (void)user;
    (void)module;
    (void)format;
    (void)values;
    return 1;
}

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t n)
{
    struct tiff *t = handle;
    const struct gn_bytes *file = t->job->file;
    if (n <= 0 || t->at >= file->size)
        return 0;
    const size_t left = file->size - (size_t)t->at, taken = (size_t)n < left ? (size_t)n : left;
    memcpy(to, file->data + t->at, taken);
    t->at += taken;
    return (tmsize_t)taken;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t n)
{
    (void)handle;
    (void)from;
    (void)n;
    return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence)
{
    struct tiff *t = handle;
    const uint64_t from = whence == SEEK_CUR ? t->at : whence == SEEK_END ? t->job->file->size : 0;
    t->at = from + offset;
    return t->at;
}

static int close_nothing(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle)
{
    const struct tiff *t = handle;
    return t->job->file->size;
}

/* The file is in memory already: libtiff reads it there, and checks its offsets against the size. */
static int map(thandle_t handle, void **base, toff_t *size)
{
    const struct tiff *t = handle;
    *base = t->job->file->data;
    *size = t->job->file->size;
    return 1;
}

static void unmap_nothing(thandle_t handle, void *base, toff_t size)
{
    (void)handle;
    (void)base;
    (void)size;
}

/* ---- The picture ---- */

static gn_status bad(const struct tiff *t, const char *what)
{
    char text[MESSAGE_BYTES];
    return gn_picture_bad(
        t->job, "%s", gn_printable(text, sizeof text, t->message[0] == '\0' ? what : t->message));
}

/* Alpha is to be dropped, not multiplied: as if the colours were multiplied with it already. */
static void keep_colours(TIFF *file)
{
    enum { MOST_EXTRA = 8 };
    uint16_t n = 0, *types = NULL, changed[MOST_EXTRA];
    if (library.TIFFGetFieldDefaulted(file, TIFFTAG_EXTRASAMPLES, &n, &types) == 0 || n == 0 ||
        n > MOST_EXTRA)
        return;
    for (int i = 0; i < n; i++)
        changed[i] = types[i] == EXTRASAMPLE_UNASSALPHA ? EXTRASAMPLE_ASSOCALPHA : types[i];
    (void)library.TIFFSetField(file, TIFFTAG_EXTRASAMPLES, n, changed);
}

static gn_status read_header(struct tiff *t, TIFF *file, uint32_t *band, uint64_t *strip)
{
    struct gn_picture *picture = t->job->picture;
    char why[1024] = "";
    uint32_t width = 0, height = 0, rows = 0;
    uint16_t format = SAMPLEFORMAT_UINT, bits = 1, samples = 1, photometric = 0, orientation = 1;
    (void)library.TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
    (void)library.TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
    (void)library.TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &bits);
    (void)library.TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &samples);
    (void)library.TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLEFORMAT, &format);
    (void)library.TIFFGetFieldDefaulted(file, TIFFTAG_ORIENTATION, &orientation);
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
        return gn_picture_bad(
            t->job, "%s of %d bits, which are not read: save it with whole numbers of 8 bits",
            format == SAMPLEFORMAT_IEEEFP ? "floating-point samples" : "signed or complex samples",
            bits);
    if (!library.TIFFRGBAImageOK(file, why))
        return bad(t, why);
    if (library.TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &photometric) == 0)
        photometric = samples < 3 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB;
    picture->width = width > INT32_MAX ? INT32_MAX : (int)width;
    picture->height = height > INT32_MAX ? INT32_MAX : (int)height;
    picture->channels =
        photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE ? 1 : 3;
    if (orientation >= 1 && orientation <= 8)
        t->job->orientation = orientation;
    const bool tiled = library.TIFFIsTiled(file) != 0;
    (void)library.TIFFGetFieldDefaulted(file, tiled ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP,
                                        &rows);
    *band = rows < 1 || rows > height ? height : rows;
    *strip = tiled ? library.TIFFTileSize64(file) : library.TIFFVStripSize64(file, *band);
    return GN_OK;
}

static gn_status read_bands(struct tiff *t, TIFFRGBAImage *image, uint32_t band, uint32_t *raster)
{
    const struct gn_picture *picture = t->job->picture;
    const uint32_t width = (uint32_t)picture->width, height = (uint32_t)picture->height;
    uint8_t *to = picture->pixels;
    /* As stored: turning is ours. */
    image->orientation = image->req_orientation = ORIENTATION_TOPLEFT;
    for (uint32_t y = 0; y < height; y += band) {
        const uint32_t rows = band < height - y ? band : height - y;
        image->row_offset = (int)y;
        image->col_offset = 0;
        if (!library.TIFFRGBAImageGet(image, raster, width, rows) || t->message[0] != '\0')
            return bad(t, "truncated or damaged");
        for (size_t i = 0; i < (size_t)width * rows; i++) {
            *to++ = (uint8_t)TIFFGetR(raster[i]);
            if (picture->channels == 3) {
                *to++ = (uint8_t)TIFFGetG(raster[i]);
                *to++ = (uint8_t)TIFFGetB(raster[i]);
            }
        }
    }
    return GN_OK;
}

static gn_status decode_open(struct tiff *t, TIFF *file)
{
    struct gn_picture_job *job = t->job;
    TIFFRGBAImage image;
    char why[1024] = "";
    uint32_t band = 0;
    uint64_t strip = 0;
    GN_TRY(read_header(t, file, &band, &strip));
    if (strip > MOST_STRIP)
        return gn_picture_bad(job, "a strip or tile of %llu MB, at most %d are possible",
                              (unsigned long long)(strip >> 20), MOST_STRIP >> 20);
    /* A tile may be larger than the picture, but not by any amount. */
    const uint64_t whole = (uint64_t)(uint32_t)job->picture->width *
                           (uint32_t)job->picture->height * MOST_SAMPLE_BYTES;
    if (strip > ANY_STRIP && strip > 2 * whole)
        return gn_picture_bad(job, "a strip or tile of %llu MB for a picture of width=%d height=%d",
                              (unsigned long long)(strip >> 20), job->picture->width,
                              job->picture->height);
    const uint64_t raster_bytes = (uint64_t)(uint32_t)job->picture->width * band * RGBA;
    GN_TRY(gn_picture_reserve(job, 0, strip + raster_bytes));
    if (job->header_only)
        return GN_OK;
    keep_colours(file);
    uint32_t *raster = gn_alloc((size_t)raster_bytes, "a band of a picture");
    if (raster == NULL)
        return gn_last_status();
    gn_status status;
    if (library.TIFFRGBAImageBegin(&image, file, 1, why)) {
        status = read_bands(t, &image, band, raster);
        library.TIFFRGBAImageEnd(&image);
    } else {
        status = bad(t, why);
    }
    gn_free(raster);
    return status;
}

static gn_status decode_tiff(struct gn_picture_job *job)
{
    struct tiff t = { .job = job };
    if (!load_library())
        return gn_picture_no_library(job, &gn_format_tiff);
    TIFFOpenOptions *options = library.TIFFOpenOptionsAlloc();
    if (options == NULL)
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory to decode a picture");
    library.TIFFOpenOptionsSetMaxSingleMemAlloc(options, MOST_STRIP);
    library.TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, &t);
    library.TIFFOpenOptionsSetWarningHandlerExtR(options, ignore, &t);
    TIFF *file = library.TIFFClientOpenExt("", "r", &t, read_bytes, write_nothing, seek,
                                           close_nothing, size_of, map, unmap_nothing, options);
    library.TIFFOpenOptionsFree(options);
    if (file == NULL)
        return bad(&t, "damaged");
    const gn_status status = decode_open(&t, file);
    library.TIFFClose(file);
    return status;
}

#endif

/* Classic and big files, either byte order. */
static bool begins(const uint8_t *bytes, size_t n)
{
    return n >= 8 && (memcmp(bytes, "II*\0", 4) == 0 || memcmp(bytes, "MM\0*", 4) == 0 ||
                      memcmp(bytes, "II+\0", 4) == 0 || memcmp(bytes, "MM\0+", 4) == 0);
}

const struct gn_picture_format gn_format_tiff = {
    .name = "TIFF",
    .suffixes = ".tif .tiff ",
    .package = "libtiff",
    .begins = begins,
#if GN_HAVE_TIFF
    .version = GN_TIFF_VERSION,
    .file = GN_TIFF_SONAME,
    .loads = load_library,
    .decode = decode_tiff,
#endif
};
