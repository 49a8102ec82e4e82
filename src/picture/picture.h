/*
 * Picture files: JPEG (libjpeg-turbo) and PNG (libpng), told by their first bytes, decoded to 8-bit
 * grey or RGB and turned upright as EXIF says. Each library is reached through one file. Sizes are
 * limited before anything is decoded; a damaged or hostile file is BAD_DATA with one sentence.
 */
#ifndef GN_PICTURE_PICTURE_H
#define GN_PICTURE_PICTURE_H

#include "base/file.h"

/* Buffers that one thread uses for one picture after the other. Begin with zeros. */
struct gn_picture {
    int height, width, channels; /* upright; channels 1 or 3 */
    int least;                   /* set by the caller: a JPEG may be decoded to a half, a quarter or
                                    an eighth of its size if no side becomes shorter; 0: as stored */
    uint8_t *pixels;             /* height*width*channels bytes */
    size_t room;                 /* bytes that `pixels` has */
    uint8_t *spare;              /* the same for turning a picture */
    size_t spare_room;
};
void gn_picture_free(struct gn_picture *picture);

enum gn_picture_kind { GN_PICTURE_NONE, GN_PICTURE_JPEG, GN_PICTURE_PNG };

/* Told by the first bytes. */
enum gn_picture_kind gn_picture_kind(const uint8_t *bytes, size_t n);

/* Whether a file's name ends in .jpg, .jpeg or .png, in any case. */
bool gn_picture_named(const char *name);

/* Decodes a file to `channels` (1 or 3; 0: as the file has them). Grey becomes RGB by repetition,
 * RGB becomes grey by Pillow's formula for "L"; alpha is dropped, 16 bits lose their lower half.
 * BAD_DATA for a file that is missing, no picture, too large or damaged; NO_DEVICE when this build
 * lacks the library; NO_MEMORY, IO. */
gn_status gn_picture_read(struct gn_picture *picture, const char *path, int channels);

/* The same for a file in memory; `path` is for sentences. */
gn_status gn_picture_decode(struct gn_picture *picture, const struct gn_bytes *file,
                            const char *path, int channels);

/* Size and channels alone, from the header. */
gn_status gn_picture_measure(struct gn_picture *picture, const char *path);

/* Brings n pixels from one number of channels to another, 1 or 3 each; `to` may be `from` only when
 * the number does not grow. */
void gn_convert_channels(uint8_t *to, int to_channels, const uint8_t *from, int from_channels,
                         size_t n);

/* Whether the first number of channels can become the second: equal, or 1 and 3. */
bool gn_channels_convert(int from, int to);

/* ---- Between picture.c, jpeg.c and png.c ---- */

enum {
    GN_PICTURE_SIDE = 65500,
    GN_PICTURE_PIXELS = 100000000,
    GN_PICTURE_FILE_BYTES = 64 << 20,
    GN_PICTURE_SCANS = 100,
    GN_PICTURE_UPRIGHT = 1 /* EXIF's orientation of a picture that needs no turn */
};

/* Fills size, channels and, unless only the header is wanted, pixels as stored; *orientation gets
 * EXIF's 1 to 8. */
gn_status gn_jpeg_decode(struct gn_picture *picture, const struct gn_bytes *file, const char *path,
                         bool header_only, int *orientation);
gn_status gn_png_decode(struct gn_picture *picture, const struct gn_bytes *file, const char *path,
                        bool header_only, int *orientation);

/* Checks height and width against the limits and makes room for the pixels: BAD_DATA, NO_MEMORY. */
gn_status gn_picture_reserve(struct gn_picture *picture, const char *path, const char *kind);

/* ", libjpeg-turbo 2.1.5", ", libpng 1.6.39"; "" when this build lacks it. */
const char *gn_jpeg_library(void);
const char *gn_png_library(void);

/* The orientation in the TIFF structure of EXIF data; 1 when there is none that makes sense. */
int gn_exif_orientation(const uint8_t *bytes, size_t n);

#endif
