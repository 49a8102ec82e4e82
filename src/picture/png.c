/*
 * PNG through libpng's full reading interface. Its errors end in a longjmp to one frame that owns
 * nothing; chunks that do not change the pixels are skipped unseen, and a wrong checksum is an error.
 * EXIF is found here.
 */
#include "picture/format.h"

#include "gn_config.h"

#include <string.h>

#if GN_HAVE_PNG

#include "file/crc32c.h"
#include "base/memory.h"
#include "file/reader.h"

#include <png.h>
#include <setjmp.h>

enum {
    ANY_SIDE = 0x7fffffff, /* gn_picture_reserve says what the limits are */
    CHUNK_BYTES = 1 << 20,
    CHUNK_CACHE = 64,
    MESSAGE_BYTES = 128,
    MOST_DEFLATED = 1032 /* bytes that one deflated byte can become, by the format */
};

struct decoder {
    png_structp png;
    png_infop info;
    struct gn_reader reader;
    jmp_buf jump;
    char message[MESSAGE_BYTES];
    gn_status status;

    struct gn_picture_job *job;
};

_Noreturn static void give_up(png_structp png, png_const_charp message)
{
    struct decoder *d = png_get_error_ptr(png);
    (void)snprintf(d->message, sizeof d->message, "%s", message);
    longjmp(d->jump, 1);
}

static void ignore(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep to, size_t n)
{
    struct decoder *d = png_get_io_ptr(png);
    const uint8_t *bytes;
    if (!gn_rd_bytes(&d->reader, n, &bytes))
        png_error(png, "truncated: the file ends before the picture does");
    memcpy(to, bytes, n);
}

static void set_limits(struct decoder *d)
{
    static const uint8_t exif[5] = { 'e', 'X', 'I', 'f', 0 };
    png_set_user_limits(d->png, ANY_SIDE, ANY_SIDE);
    png_set_chunk_malloc_max(d->png, CHUNK_BYTES);
    png_set_chunk_cache_max(d->png, CHUNK_CACHE);
    const int wrong = GN_SKIP_CHECKSUMS ? PNG_CRC_QUIET_USE : PNG_CRC_ERROR_QUIT;
    png_set_crc_action(d->png, wrong, wrong);
#if GN_SKIP_CHECKSUMS
    (void)png_set_option(d->png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
#endif
    /* -1: every chunk that is not needed to show the picture. */
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, exif, 1);
}

/* EXIF before the pixels. libpng would take as much memory for it as its chunk claims to have. */
static int find_orientation(const struct gn_bytes *file)
{
    enum { SIGNATURE = 8, CHECKSUM = 4 };
    struct gn_reader reader;
    uint32_t length;
    const uint8_t *bytes;
    gn_rd_init(&reader, file->data, file->size);
    (void)gn_rd_skip(&reader, SIGNATURE);
    while (gn_rd_be32(&reader, &length) && !gn_rd_match(&reader, "IDAT", 4)) {
        const bool is_exif = gn_rd_match(&reader, "eXIf", 4);
        if (!(is_exif || gn_rd_skip(&reader, 4)) || !gn_rd_bytes(&reader, length, &bytes))
            break;
        if (is_exif)
            return gn_exif_orientation(bytes, length);
        (void)gn_rd_skip(&reader, CHECKSUM);
    }
    return GN_PICTURE_UPRIGHT;
}

static void read_rows(struct decoder *d)
{
    struct gn_picture *picture = d->job->picture;
    const size_t row = (size_t)picture->width * (size_t)picture->channels;
    png_set_expand(d->png); /* palette to RGB, fewer bits to 8, transparency to alpha */
    png_set_strip_16(d->png);
    png_set_strip_alpha(d->png);
    const int passes = png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    if (png_get_rowbytes(d->png, d->info) != row)
        png_error(d->png, "rows of an unexpected length");
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < picture->height; y++)
            png_read_row(d->png, picture->pixels + (size_t)y * row, NULL);
    int colours = 0;
    png_colorp palette;
    if (png_get_PLTE(d->png, d->info, &palette, &colours) != 0 &&
        png_get_palette_max(d->png, d->info) >= colours)
        png_error(d->png, "a pixel of a colour that the palette lacks");
    png_read_end(d->png, NULL);
}

static void decode(struct decoder *d)
{
    struct gn_picture_job *job = d->job;
    struct gn_picture *picture = job->picture;
    png_set_read_fn(d->png, d, read_bytes);
    set_limits(d);
    png_read_info(d->png, d->info);
    picture->height = (int)png_get_image_height(d->png, d->info);
    picture->width = (int)png_get_image_width(d->png, d->info);
    picture->channels = (png_get_color_type(d->png, d->info) & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
    job->orientation = find_orientation(job->file);
    const uint64_t stored = (uint64_t)png_get_rowbytes(d->png, d->info) * (uint64_t)picture->height;
    d->status = gn_picture_reserve(job, stored / MOST_DEFLATED, 0);
    if (d->status == GN_OK && !job->header_only)
        read_rows(d);
}

static gn_status decode_png(struct gn_picture_job *job)
{
    struct decoder d = { .job = job };
    gn_rd_init(&d.reader, job->file->data, job->file->size);
    if (setjmp(d.jump) == 0) {
        d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, give_up, ignore);
        d.info = d.png == NULL ? NULL : png_create_info_struct(d.png);
        if (d.info == NULL)
            d.status = gn_fail(GN_STATUS_NO_MEMORY, "no memory to decode a picture");
        else
            decode(&d);
    } else {
        d.status = gn_picture_bad(job, "%s at byte %zu", d.message, d.reader.at);
    }
    png_destroy_read_struct(&d.png, &d.info, NULL);
    return d.status;
}

gn_status gn_png_encode(const struct gn_image *image, struct gn_bytes *png)
{
    png_image header = { .version = PNG_IMAGE_VERSION,
                         .width = (png_uint_32)image->width,
                         .height = (png_uint_32)image->height,
                         .format = image->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB };
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
    *png = (struct gn_bytes){ .data = gn_alloc(size, "a PNG file") };
    if (png->data == NULL)
        return gn_last_status();
    const int done =
        png_image_write_to_memory(&header, png->data, &size, 0, image->pixels, 0, NULL);
    png->size = size;
    if (done != 0)
        return GN_OK;
    gn_free(png->data);
    *png = (struct gn_bytes){ 0 };
    GN_FAIL(GN_STATUS_NO_MEMORY, "no PNG file of %dx%d: %s", image->height, image->width,
            header.message);
}

#else

gn_status gn_png_encode(const struct gn_image *image, struct gn_bytes *png)
{
    (void)image;
    *png = (struct gn_bytes){ 0 };
    GN_FAIL(GN_STATUS_UNSUPPORTED, "this build writes no PNG files: it lacks libpng");
}

#endif

static bool begins(const uint8_t *bytes, size_t n)
{
    static const uint8_t magic[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    return n >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

const struct gn_picture_format gn_format_png = {
    .name = "PNG",
    .suffixes = ".png ",
    .package = "libpng",
    .begins = begins,
#if GN_HAVE_PNG
    .version = GN_PNG_VERSION,
    .decode = decode_png,
#endif
};
