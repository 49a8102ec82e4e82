/* One sample of a data set, as the network takes it. */
#ifndef GN_DATA_SAMPLE_H
#define GN_DATA_SAMPLE_H

#include "cluster/ranks.h"
#include "data/dataset.h"
#include "picture/augment.h"
#include "picture/pixels.h"
#include "picture/resize.h"

/* What a run knows about a picture of its data set. */
struct gn_picture_state {
    uint32_t digest; /* gn_picture_digest, 0: it was not read, or could not be */
    bool gone;       /* it was there when the run began, and is left out */
};

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
    bool balanced; /* as many samples of each class, in random order */
    int window;
    uint64_t seed;
    struct gn_picture_state
        *pictures;          /* of the data set's samples, kept up to date; NULL: no need */
    bool *pictures_changed; /* set when one of them does */
    int threads;            /* 0: one for images in memory, all usable ones for picture files */
    gn_ranks *ranks;        /* each makes the samples of its grains alone; NULL: one process */
    int grain;              /* images of a grain; 0: the batch */
    bool equal;             /* each rank has as many of them, whatever its share is */
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

/* Keeps what is known about picture i up to date with the digest that its file has now, 0 when it cannot
 * be read. BAD_DATA when it is another picture than before. */
gn_status gn_picture_note(const struct gn_loader_options *options, uint32_t i, uint32_t digest);

/* The digest of the picture file of the last sample. */
uint32_t gn_sampler_digest(const struct gn_sampler *sampler);

#endif
