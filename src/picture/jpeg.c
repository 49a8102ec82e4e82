/*
 * JPEG through libjpeg-turbo. Its errors end in a longjmp to one frame that owns nothing; its
 * memory and the number of scans are limited, so that a small file cannot ask for much work.
 * Missing data make a bad picture; other oddities that the library repairs are let through.
 */
#include "picture/format.h"

#include "gn_config.h"

#include <string.h>

#if GN_HAVE_JPEG

#include <stdio.h> /* before jpeglib.h, which wants FILE */

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>

enum {
    MEMORY_LIMIT = 512 << 20,
    EXIF_MARKER = JPEG_APP0 + 1,
    EXIF_BYTES = 0xffff,
    MOST_PIXELS = 512 /* that a byte of Huffman's code can stand for: a bit a block of 8x8 */
};

struct decoder {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr error;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX]; /* "" when `status` has its own sentence */
    gn_status status;

    struct gn_picture_job *job;
};

_Noreturn static void give_up(j_common_ptr info)
{
    struct decoder *d = info->client_data;
    (*info->err->format_message)(info, d->message);
    longjmp(d->jump, 1);
}

_Noreturn static void give_up_with(struct decoder *d, const char *message)
{
    (void)snprintf(d->message, sizeof d->message, "%s", message);
    longjmp(d->jump, 1);
}

/* Warnings have a negative level. */
static void on_message(j_common_ptr info, int level)
{
    if (level >= 0)
        return;
    const int code = info->err->msg_code;
    if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)
        give_up_with(info->client_data, "truncated: the file ends before the picture does");
    info->err->num_warnings++;
}

static void on_progress(j_common_ptr info)
{
    struct decoder *d = info->client_data;
    if (d->info.input_scan_number > GN_PICTURE_SCANS)
        give_up_with(d, "more than 100 scans");
}

static int find_orientation(const struct decoder *d)
{
    for (jpeg_saved_marker_ptr m = d->info.marker_list; m != NULL; m = m->next)
        if (m->marker == EXIF_MARKER && m->data_length > 4 && memcmp(m->data, "Exif", 4) == 0)
            return gn_exif_orientation(m->data, m->data_length);
    return GN_PICTURE_UPRIGHT;
}

/* Photoshop's CMYK, which is stored inverted: 255 means no ink. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *cmyk, size_t n)
{
    for (size_t i = 0; i < n; i++, rgb += 3, cmyk += 4) {
        const unsigned light = cmyk[3];
        for (int k = 0; k < 3; k++) {
            const unsigned ink = (255U - cmyk[k]) * light + 128U; /* Pillow's division by 255 */
            rgb[k] = (uint8_t)(light - ((ink + (ink >> 8)) >> 8));
        }
    }
}

/* Rows pass through a line at an odd address: libjpeg-turbo writes to aligned ones past the caches, from
 * where the resize, which reads the pixels next, would have to wait for memory. */
static void read_rows(struct decoder *d)
{
    struct jpeg_decompress_struct *info = &d->info;
    const size_t width = info->output_width, row = width * (size_t)d->job->picture->channels;
    const bool cmyk = info->out_color_space == JCS_CMYK;
    const size_t bytes = width * (size_t)info->output_components;
    uint8_t *line = (*info->mem->alloc_large)((j_common_ptr)info, JPOOL_IMAGE, bytes + 2);
    line += 1 - ((uintptr_t)line & 1);
    while (info->output_scanline < info->output_height) {
        uint8_t *to = d->job->picture->pixels + info->output_scanline * row;
        (void)jpeg_read_scanlines(info, &line, 1);
        if (cmyk)
            cmyk_to_rgb(to, line, width);
        else
            memcpy(to, line, row);
    }
}

/* Lets the inverse transform make fewer pixels: a half, a quarter or an eighth along each side. */
static void choose_scale(struct decoder *d)
{
    struct jpeg_decompress_struct *info = &d->info;
    const JDIMENSION shorter =
        info->image_width < info->image_height ? info->image_width : info->image_height;
    info->scale_num = info->scale_denom = 1;
    while (d->job->picture->least > 0 && info->scale_denom < 8 &&
           shorter / (2 * info->scale_denom) >= (JDIMENSION)d->job->picture->least)
        info->scale_denom *= 2;
    jpeg_calc_output_dimensions(info);
    d->job->picture->height = (int)info->output_height;
    d->job->picture->width = (int)info->output_width;
}

static void decode(struct decoder *d)
{
    struct jpeg_decompress_struct *info = &d->info;
    jpeg_create_decompress(info);
    info->client_data = d;
    info->progress = &d->progress;
    info->mem->max_memory_to_use = MEMORY_LIMIT;
    jpeg_mem_src(info, d->job->file->data, (unsigned long)d->job->file->size);
    jpeg_save_markers(info, EXIF_MARKER, EXIF_BYTES);
    (void)jpeg_read_header(info, TRUE);
    d->job->picture->height = (int)info->image_height;
    d->job->picture->width = (int)info->image_width;
    if (info->num_components != 1 && info->num_components != 3 && info->num_components != 4)
        give_up_with(d, "not grey, colour or CMYK");
    d->job->picture->channels = info->num_components == 1 ? 1 : 3;
    d->job->orientation = find_orientation(d);
    const uint64_t pixels = (uint64_t)info->image_height * info->image_width;
    /* Of several scans, which sequential files may have, too, all coefficients are kept. */
    const uint64_t kept =
        jpeg_has_multiple_scans(info) ? (uint64_t)info->num_components * sizeof(JCOEF) : 0;
    d->status =
        gn_picture_reserve(d->job, info->arith_code ? 0 : pixels / MOST_PIXELS, pixels * kept);
    if (d->status != GN_OK || d->job->header_only)
        return;
    info->out_color_space = info->num_components == 1   ? JCS_GRAYSCALE
                            : info->num_components == 3 ? JCS_RGB
                                                        : JCS_CMYK;
    choose_scale(d); /* after the check of the size as stored */
    (void)jpeg_start_decompress(info);
    read_rows(d);
}

static gn_status decode_jpeg(struct gn_picture_job *job)
{
    struct decoder d = { .job = job };
    d.info.err = jpeg_std_error(&d.error);
    d.error.error_exit = give_up;
    d.error.emit_message = on_message;
    d.progress.progress_monitor = on_progress;
    d.info.client_data = &d;
    if (setjmp(d.jump) == 0) {
        decode(&d);
    } else {
        const size_t left = d.info.src == NULL ? 0 : d.info.src->bytes_in_buffer;
        d.status =
            gn_picture_bad(job, "%s at byte %zu", d.message,
                           left <= job->file->size ? job->file->size - left : job->file->size);
    }
    jpeg_destroy_decompress(&d.info);
    return d.status;
}

#endif

static bool begins(const uint8_t *bytes, size_t n)
{
    return n >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0;
}

const struct gn_picture_format gn_format_jpeg = {
    .name = "JPEG",
    .suffixes = ".jpg .jpeg .jpe .jfif ",
    .package = "libjpeg-turbo",
    .begins = begins,
#if GN_HAVE_JPEG
    .version = GN_JPEG_VERSION,
    .decode = decode_jpeg,
#endif
};
