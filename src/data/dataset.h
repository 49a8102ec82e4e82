/*
 * Inside of a data set: images as bytes in memory, or the names of picture files that are decoded
 * whenever they are needed; and the loader that makes batches of either.
 */
#ifndef GN_DATA_DATASET_H
#define GN_DATA_DATASET_H

#include "base/names.h"
#include "base/path.h"
#include "picture/augment.h"
#include "picture/pixels.h"
#include "picture/resize.h"

struct gn_dataset {
    struct gn_dataset_options options; /* strings are copies owned by the data set */
    char *name, *path;
    uint64_t samples;
    int height, width; /* 0: picture files, each of its own size */
    int channels, classes;
    uint8_t *pixels;                /* samples*height*width*channels; NULL: picture files */
    struct gn_names files;          /* their names below `path`, a sample each */
    int32_t *labels;                /* samples; NULL: none */
    const char *const *label_names; /* `classes` names or NULL; a static table or own_names */
    struct gn_names own_names;
    bool divided;                /* by gn_divide_files */
    uint32_t fingerprint;        /* CRC32C over what training depends on: for resume */
    struct gn_idx_split *coming; /* what reads pixels and labels; NULL: all is there */
};

/* BAD_ARGUMENT while images are being read, or could not be. */
gn_status gn_dataset_ready(const struct gn_dataset *data);

/* Of images in memory. */
void gn_dataset_make_fingerprint(struct gn_dataset *data);

/* ---- What opens a data set, one file each. `data` has its options, name and path; they fill in
 *      the rest ---- */

/* Whether a folder holds one of the four IDX files. */
bool gn_holds_idx(const char *folder);

/* The IDX files in data->path; `set` (NULL: none) says what they must hold. Sizes, classes and the
 * options' limit are settled at once, pixels and labels by gn_idx_wait. */
struct gn_known_set;
gn_status gn_open_idx(struct gn_dataset *data, const struct gn_known_set *set);

/* Waits for the rest, and gives up what read it. After an error data->coming stays, and every further
 * call has the same error. */
gn_status gn_idx_wait(struct gn_dataset *data);
void gn_idx_give_up(struct gn_dataset *data);

/* CIFAR's binary files: `inner` gets the folder that holds them, `folder` or one inside it. */
enum gn_cifar { GN_CIFAR_NONE, GN_CIFAR_10, GN_CIFAR_100 };
enum gn_cifar gn_cifar_find(const char *folder, char inner[GN_PATH_BYTES]);
gn_status gn_open_cifar(struct gn_dataset *data, const char *inner, enum gn_cifar kind);

/* A folder with train/ and test/ (or val/) that hold a folder a class, or with the folders of
 * classes themselves. */
bool gn_holds_folders(const char *folder);
gn_status gn_open_folder(struct gn_dataset *data);

/* A list file: a path (relative to the list's folder) and a label a line. */
gn_status gn_open_list(struct gn_dataset *data, const char *path);

/* Adds all pictures below a folder, as sorted paths below it. */
gn_status gn_walk_pictures(struct gn_names *files, const char *folder);

/* Divides a set without a division of its own: of each class the share val_fraction, drawn by seed,
 * is for testing. Keeps the files of data->options.split and their entries of `labels`. */
gn_status gn_divide_files(struct gn_dataset *data, int32_t *labels);

/* Limit, number of channels (if nobody says it) and fingerprint of a set of picture files. */
gn_status gn_finish_files(struct gn_dataset *data);

/* The path of picture i; false when it does not fit. */
bool gn_dataset_path(const struct gn_dataset *data, uint64_t i, char path[GN_PATH_BYTES]);

/* ---- Order ---- */

/* The order of samples in an epoch: a pure function of its arguments. order[0..n-1] is filled.
 * GN_SHUFFLE_WINDOW is tf.data's buffer of `window` samples (0: 1000; BAD_ARGUMENT below). */
gn_status gn_shuffle_order(uint32_t *order, uint32_t n, gn_shuffle shuffle, int window,
                           uint64_t seed, uint64_t epoch);

/* ---- Batches, prepared ahead by threads of the loader's own ---- */

struct gn_loader_options {
    const struct gn_dataset *data;
    uint64_t first;              /* samples of the file that are left out before it begins */
    uint64_t limit;              /* first N samples in file order, before shuffling; 0: all */
    int batch;                   /* the last one of an epoch may be shorter and is kept */
    int height, width, channels; /* of the network */
    gn_resize rule;              /* not DEFAULT */
    struct gn_pixel_rule pixels; /* crop and normalisation */
    struct gn_augment augment;   /* zeros: none */
    gn_shuffle shuffle;
    int window;
    uint64_t seed;
    int threads; /* 0: one for images in memory, all usable ones for picture files */
    bool
        report_bad; /* pictures that cannot be read are left out and reported in each batch, however
                        many they are */
};
struct gn_batch {
    const float *images;   /* n*height*width*channels */
    const int32_t *labels; /* n */
    const int32_t *others; /* n: the label that a sample was mixed with; NULL: nothing is mixed */
    const float *shares;   /* n: how much of the sample is of `others`, 0 to 1; NULL as above */
    int n;                 /* 0: behind the epoch's last batch, or see `left_out` */
    int left_out;          /* pictures that could not be read and are skipped */
    char *const *faults;   /* n + left_out: why that one could not be read, NULL: it is in `images`;
                              only with report_bad */
};
struct gn_loader;
struct gn_loader *gn_loader_create(const struct gn_loader_options *options);
void gn_loader_free(struct gn_loader *loader);
uint64_t gn_loader_samples(const struct gn_loader *loader); /* of an epoch */
uint64_t gn_loader_batches(const struct gn_loader *loader); /* of an epoch */

/* Begins epoch `epoch` (counted from 0) at batch `first`, dropping what was prepared. */
gn_status gn_loader_start(struct gn_loader *loader, uint64_t epoch, uint64_t first);

/* The next batch, valid until the next call; *batch->n is 0 behind the epoch's last. A picture that
 * cannot be read is BAD_DATA, unless the data set's options say that it is left out: then it is
 * missing from the batch, which may be empty, and listed. */
gn_status gn_loader_next(struct gn_loader *loader, struct gn_batch *batch);

/* Pictures left out so far, each once, in the order in which they were met: what was wrong with
 * number i, in a sentence that begins with its path below the set's; NULL behind the last one. */
const char *gn_loader_bad(const struct gn_loader *loader, size_t i);

/* ---- One sample ---- */

/* What a thread needs to make samples. Begin with gn_sampler_create. */
struct gn_sampler;
struct gn_sampler *gn_sampler_create(const struct gn_loader_options *options);
void gn_sampler_free(struct gn_sampler *sampler);

/* Sample i of the data set as the network takes it, augmented as in epoch `epoch`. BAD_DATA when its
 * picture cannot be read. */
gn_status gn_sampler_make(struct gn_sampler *sampler, uint64_t epoch, uint32_t i, float *out);

#endif
