/* One sample of a data set, as the network takes it. */
#ifndef GN_DATA_SAMPLE_H
#define GN_DATA_SAMPLE_H

#include "data/dataset.h"
#include "picture/augment.h"
#include "picture/pixels.h"
#include "picture/resize.h"

/* What batches are made from and how. A sample depends on `data`, the network's sizes, the rules
 * and the seed; the rest is for the loader. */
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

/* What a thread needs to make samples. Begin with gn_sampler_create. */
struct gn_sampler;
struct gn_sampler *gn_sampler_create(const struct gn_loader_options *options);
void gn_sampler_free(struct gn_sampler *sampler);

/* Sample i of the data set as the network takes it, augmented as in epoch `epoch`. BAD_DATA when its
 * picture cannot be read. */
gn_status gn_sampler_make(struct gn_sampler *sampler, uint64_t epoch, uint32_t i, float *out);

#endif
