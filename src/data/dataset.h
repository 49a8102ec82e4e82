/* Inside of a data set: all images as bytes in memory, and the loader that makes batches. */
#ifndef GN_DATA_DATASET_H
#define GN_DATA_DATASET_H

#include "base/status.h"

struct gn_dataset {
    struct gn_dataset_options options; /* strings are copies owned by the data set */
    char *name, *path;
    uint64_t samples;
    int height, width, channels, classes;
    uint8_t *pixels;                /* samples*height*width*channels */
    uint8_t *labels;                /* samples */
    const char *const *label_names; /* static table or NULL */
    uint32_t fingerprint;           /* CRC32C over sizes, pixels and labels: for resume */
};

/* Scales and resizes one image: bytes (h*w*c) to floats (oh*ow*c) in [0, 1]. `scratch` holds
 * gn_resize_scratch_bytes(...) bytes. Bit-exact with the rules of TensorFlow and Pillow. */
void gn_resize_image(float *out, int oh, int ow, const uint8_t *pixels, int h, int w, int c,
                     gn_resize rule, void *scratch);
size_t gn_resize_scratch_bytes(int oh, int ow, int h, int w, int c, gn_resize rule);

/* The same in two halves, for many images of one size: the first writes tables into `scratch`,
 * the second uses them (and changes scratch, so it belongs to one thread). */
void gn_resize_prepare(void *scratch, int oh, int ow, int h, int w, int c, gn_resize rule);
void gn_resize_apply(float *out, const uint8_t *pixels, void *scratch);

/* The order of samples in an epoch: a pure function of its arguments. order[0..n-1] is filled.
 * GN_SHUFFLE_WINDOW is tf.data's buffer of `window` samples (0: 1000; BAD_ARGUMENT below). */
gn_status gn_shuffle_order(uint32_t *order, uint32_t n, gn_shuffle shuffle, int window,
                           uint64_t seed, uint64_t epoch);

/* Batches, prepared ahead by a thread of the loader's own. */
struct gn_loader_options {
    const struct gn_dataset *data;
    uint64_t limit;              /* first N samples in file order, before shuffling; 0: all */
    int batch;                   /* the last one of an epoch may be shorter and is kept */
    int height, width, channels; /* of the network */
    gn_resize rule;              /* not DEFAULT */
    gn_shuffle shuffle;
    int window;
    uint64_t seed;
};
struct gn_batch {
    const float *images;   /* n*height*width*channels */
    const int32_t *labels; /* n */
    int n;
};
struct gn_loader;
struct gn_loader *gn_loader_create(const struct gn_loader_options *options);
void gn_loader_free(struct gn_loader *loader);
uint64_t gn_loader_samples(const struct gn_loader *loader); /* of an epoch */
uint64_t gn_loader_batches(const struct gn_loader *loader); /* of an epoch */

/* Begins epoch `epoch` (counted from 0) at batch `first`, dropping what was prepared. */
gn_status gn_loader_start(struct gn_loader *loader, uint64_t epoch, uint64_t first);

/* The next batch, valid until the next call; *batch->n is 0 behind the epoch's last. */
gn_status gn_loader_next(struct gn_loader *loader, struct gn_batch *batch);

#endif
