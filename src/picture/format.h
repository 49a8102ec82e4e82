/*
 * Between picture.c and the decoders: one file a library, each with one row that says how its files
 * begin, what they are called and how they are decoded.
 */
#ifndef GN_PICTURE_FORMAT_H
#define GN_PICTURE_FORMAT_H

#include "picture/picture.h"

enum {
    GN_PICTURE_SIDE = 65500,
    GN_PICTURE_PIXELS = 100000000,
    GN_PICTURE_SCANS = 100,
    GN_PICTURE_UPRIGHT = 1 /* EXIF's orientation of a picture that needs no turn */
};

/* One file being decoded. */
struct gn_picture_job {
    struct gn_picture *picture;
    const struct gn_bytes *file;
    const char *path; /* for sentences */
    const char *kind; /* the format's name */
    bool header_only;
    int orientation; /* EXIF's 1 to 8, as found */
};

struct gn_picture_format {
    const char *name;     /* "JPEG" */
    const char *suffixes; /* ".jpg .jpeg " of file names, each with a space after it */
    const char *package;  /* the library that reads it, "libjpeg-turbo"; NULL: our own reader */
    const char *version;  /* of that library; NULL: this build lacks it */
    const char *file;     /* of a library that is loaded when it is needed, "libgif.so.7" */

    /* Whether `file` could be loaded; NULL: there is none. */
    bool (*loads)(void);

    /* Whether a file that begins with these bytes, all of it or the first GN_PICTURE_HEAD, is one. */
    bool (*begins)(const uint8_t *bytes, size_t n);

    /* Fills size, channels and, unless only the header is wanted, pixels as stored. NULL: this build
     * lacks the library. */
    gn_status (*decode)(struct gn_picture_job *job);
};
extern const struct gn_picture_format gn_format_jpeg, gn_format_png, gn_format_gif, gn_format_webp,
    gn_format_tiff, gn_format_bmp, gn_format_pnm;

/* ---- buffer.c ---- */

/* Checks height and width against the limits, against the file, which holds such a picture in no
 * less than `least` bytes (0: unknown), and against the memory at hand, of which decoding takes
 * `extra` bytes besides the pixels; then makes room for the pixels unless only the header is wanted.
 * BAD_DATA, NO_MEMORY. */
gn_status gn_picture_reserve(struct gn_picture_job *job, uint64_t least, uint64_t extra);

/* BAD_DATA with the sentence "PATH: KIND: what". */
gn_status gn_picture_bad(const struct gn_picture_job *job, const char *format, ...) GN_PRINTF(2, 3);

/* BAD_DATA with a sentence that names the library, which this build or this machine lacks. To a user
 * such a picture is like a damaged one: others of the same set are read nevertheless. */
gn_status gn_picture_no_library(const struct gn_picture_job *job,
                                const struct gn_picture_format *format);

/* Turns the pixels upright. */
gn_status gn_picture_turn(struct gn_picture *picture, int orientation);

/* ---- exif.c ---- */

/* The orientation in the TIFF structure of EXIF data, with or without "Exif" before it; 1 when
 * there is none that makes sense. */
int gn_exif_orientation(const uint8_t *bytes, size_t n);

#endif
