/*
 * Picture files, recognised by their first bytes, decoded to 8-bit grey or RGB and turned upright as
 * EXIF says; of animations and files of several pages the first picture. Each library is reached
 * through one file (format.h). Sizes are limited before anything is decoded; a damaged or hostile
 * file is BAD_DATA with one sentence.
 */
#ifndef GN_PICTURE_PICTURE_H
#define GN_PICTURE_PICTURE_H

#include "file/file.h"

enum { GN_PICTURE_FILE_BYTES = 64 << 20, GN_PICTURE_HEAD = 32 };

/* Buffers that one thread uses for one picture after the other. Begin with zeros. */
struct gn_picture {
    int height, width, channels; /* upright; channels 1 or 3 */
    int least;                   /* set by the caller: a JPEG may be decoded to a half, a quarter or
                                    an eighth of its size if no side becomes shorter; 0: as stored */
    uint32_t digest;             /* of the file that gn_picture_read has read */
    uint8_t *pixels;             /* height*width*channels bytes */
    size_t room;                 /* bytes that `pixels` has */
    uint8_t *spare;              /* the same for turning a picture */
    size_t spare_room;
};
void gn_picture_free(struct gn_picture *picture);

/* The name of the format whose files begin with these bytes (the first GN_PICTURE_HEAD are enough),
 * "JPEG" for example, or NULL. A format that this build cannot decode is recognised, too. */
const char *gn_picture_recognise(const uint8_t *bytes, size_t n);

/* The same for a file, of which only the beginning is read; never waits for a pipe. */
const char *gn_picture_recognise_file(const char *path);

/* Whether a file's name ends like that of a picture (.jpg, .png, .webp and so on), in any case. */
bool gn_picture_named(const char *name);

/* Whether a file looks like a picture that can be decoded here: by its name, and where that does not
 * say it, by its first bytes. *library is NULL, or what this build or this machine lacks to decode it. */
bool gn_picture_usable(const char *path, const char **library);

/* Number i of the formats that this program reads: its name, the library's name and version. The
 * library is NULL for a reader of our own, the version NULL when this build lacks the library. False
 * after the last one. */
bool gn_picture_format_info(int i, const char **name, const char **library, const char **version);

/* Decodes a file to `channels` (1 or 3; 0: as the file has them). Grey becomes RGB by repetition,
 * RGB becomes grey by Pillow's formula for "L"; alpha is dropped, 16 bits become 8.
 * BAD_DATA for a file that is missing, not a picture, too large or damaged, or of a format whose library
 * is not here; NO_MEMORY, IO. */
gn_status gn_picture_read(struct gn_picture *picture, const char *path, int channels);

/* The same for a file in memory; `path` is for sentences. */
gn_status gn_picture_decode(struct gn_picture *picture, const struct gn_bytes *file,
                            const char *path, int channels);

/* CRC32C of a file, or 1 where that is 0, which stands for none. */
uint32_t gn_picture_digest(const struct gn_bytes *file);

/* Size and channels alone, from the header. */
gn_status gn_picture_measure(struct gn_picture *picture, const char *path);

/* The same for a file in memory; `path` is for sentences. */
gn_status gn_picture_measure_bytes(struct gn_picture *picture, const struct gn_bytes *file,
                                   const char *path);

/* Brings n pixels from one number of channels to another, 1 or 3 each; `to` may be `from` only when
 * the number does not grow. */
void gn_convert_channels(uint8_t *to, int to_channels, const uint8_t *from, int from_channels,
                         size_t n);

/* Whether the first number of channels can become the second: equal, or 1 and 3. */
bool gn_channels_convert(int from, int to);

/* The PNG file of a grey or RGB image; free png->data with gn_free. UNSUPPORTED without libpng. */
gn_status gn_png_encode(const struct gn_image *image, struct gn_bytes *png);

#endif
