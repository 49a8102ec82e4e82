/*
 * What all pictures have in common: which format a file is of, the conversion between grey and
 * colour, and reading and decoding one.
 */
#include "picture/format.h"

#include "base/memory.h"
#include "base/path.h"
#include "os/os.h"
#include "base/text.h"
#include "file/crc32c.h"

#include <string.h>

static const struct gn_picture_format *const formats[] = {
    &gn_format_jpeg, &gn_format_png, &gn_format_gif, &gn_format_webp,
    &gn_format_tiff, &gn_format_bmp, &gn_format_pnm,
};
enum { FORMATS = sizeof formats / sizeof formats[0] };

/* ---- Which format ---- */

static const struct gn_picture_format *recognise(const uint8_t *bytes, size_t n)
{
    for (int i = 0; i < FORMATS; i++)
        if (formats[i]->begins(bytes, n))
            return formats[i];
    return NULL;
}

const char *gn_picture_recognise(const uint8_t *bytes, size_t n)
{
    const struct gn_picture_format *format = recognise(bytes, n);
    return format == NULL ? NULL : format->name;
}

static const struct gn_picture_format *recognise_file(const char *path)
{
    uint8_t head[GN_PICTURE_HEAD];
    const int file = gn_system_open(path);
    if (file < 0)
        return NULL;
    const int64_t n = gn_system_read_at(file, head, sizeof head, 0);
    gn_system_close(file);
    return n > 0 ? recognise(head, (size_t)n) : NULL;
}

const char *gn_picture_recognise_file(const char *path)
{
    const struct gn_picture_format *format = recognise_file(path);
    return format == NULL ? NULL : format->name;
}

/* The format whose files are called so. */
static const struct gn_picture_format *by_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot == NULL || dot == name)
        return NULL;
    const size_t n = strlen(dot);
    for (int i = 0; i < FORMATS; i++)
        for (const char *suffix = formats[i]->suffixes; *suffix != '\0';
             suffix += strcspn(suffix, " ") + 1)
            if (strcspn(suffix, " ") == n && gn_same_letters(suffix, dot, n))
                return formats[i];
    return NULL;
}

bool gn_picture_named(const char *name)
{
    return by_name(name) != NULL;
}

static bool is_here(const struct gn_picture_format *format)
{
    return format->decode != NULL && (format->loads == NULL || format->loads());
}

/* Opening each file of a large set takes longer than listing it, so names are believed. */
bool gn_picture_usable(const char *path, const char **library)
{
    *library = NULL;
    const struct gn_picture_format *named = by_name(gn_path_name(path));
    if (named != NULL && is_here(named))
        return true;
    const struct gn_picture_format *format = recognise_file(path);
    if (format == NULL)
        format = named;
    if (format != NULL && !is_here(format))
        *library = format->package;
    return format != NULL && *library == NULL;
}

bool gn_picture_format_info(int i, const char **name, const char **library, const char **version)
{
    if (i < 0 || i >= FORMATS)
        return false;
    *name = formats[i]->name;
    *library = formats[i]->package;
    *version = formats[i]->version;
    return true;
}

/* ---- Grey and colour ---- */

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

/* ---- Decoding ---- */

static gn_status not_a_picture(struct gn_picture_job *job)
{
    char names[128] = "";
    job->kind = "picture";
    if (job->file->size == 0)
        return gn_picture_bad(job, "the file is empty");
    for (int i = 0; i < FORMATS; i++) {
        const size_t n = strlen(names);
        (void)snprintf(names + n, sizeof names - n, "%s%s",
                       i == 0             ? ""
                       : i == FORMATS - 1 ? " or "
                                          : ", ",
                       formats[i]->name);
    }
    return gn_picture_bad(job, "its first bytes are not those of %s", names);
}

static gn_status decode(struct gn_picture_job *job)
{
    job->orientation = GN_PICTURE_UPRIGHT;
    const struct gn_picture_format *format = recognise(job->file->data, job->file->size);
    if (format == NULL)
        return not_a_picture(job);
    job->kind = format->name;
    return format->decode != NULL ? format->decode(job) : gn_picture_no_library(job, format);
}

gn_status gn_picture_decode(struct gn_picture *picture, const struct gn_bytes *file,
                            const char *path, int channels)
{
    struct gn_picture_job job = { .picture = picture, .file = file, .path = path };
    GN_TRY(decode(&job));
    if (channels != 0 && channels != picture->channels) {
        const size_t n = (size_t)picture->height * (size_t)picture->width;
        gn_convert_channels(picture->pixels, channels, picture->pixels, picture->channels, n);
        picture->channels = channels;
    }
    return job.orientation == GN_PICTURE_UPRIGHT ? GN_OK
                                                 : gn_picture_turn(picture, job.orientation);
}

uint32_t gn_picture_digest(const struct gn_bytes *file)
{
    const uint32_t crc = gn_crc32c(0, file->data, file->size);
    return crc == 0 ? 1 : crc;
}

gn_status gn_picture_read(struct gn_picture *picture, const char *path, int channels)
{
    struct gn_bytes file;
    GN_TRY(gn_file_read(path, "picture", GN_STATUS_BAD_DATA, GN_PICTURE_FILE_BYTES, &file));
    picture->digest = gn_picture_digest(&file);
    const gn_status status = gn_picture_decode(picture, &file, path, channels);
    gn_free(file.data);
    return status;
}

gn_status gn_picture_measure_bytes(struct gn_picture *picture, const struct gn_bytes *file,
                                   const char *path)
{
    struct gn_picture_job job = {
        .picture = picture, .file = file, .path = path, .header_only = true
    };
    const gn_status status = decode(&job);
    if (status == GN_OK && job.orientation >= 5) {
        const int height = picture->height;
        picture->height = picture->width;
        picture->width = height;
    }
    return status;
}

gn_status gn_picture_measure(struct gn_picture *picture, const char *path)
{
    struct gn_bytes file;
    GN_TRY(gn_file_read(path, "picture", GN_STATUS_BAD_DATA, GN_PICTURE_FILE_BYTES, &file));
    const gn_status status = gn_picture_measure_bytes(picture, &file, path);
    gn_free(file.data);
    return status;
}
