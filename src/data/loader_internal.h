/* Inside of the loader: loader.c (its threads) and loader_take.c (what depends on a batch as a whole). */
#ifndef GN_DATA_LOADER_INTERNAL_H
#define GN_DATA_LOADER_INTERNAL_H

#include "data/loader.h"
#include "data/order.h"

#include <pthread.h>

enum { BUFFERS = 3 };

/* What this rank makes of a batch: `room` samples at most. */
struct buffer {
    float *images;     /* [room][height][width][channels] */
    int32_t *labels;   /* [room] */
    uint32_t *samples; /* [room]: indices */
    char **faults;     /* [room]: why a picture could not be read, or NULL */
    gn_status *states;
    uint32_t *digests; /* [room], of picture files */
    int left;          /* samples not yet made */
};

/* What became of a sample, told to all ranks. */
struct outcome {
    uint32_t digest;
    int32_t state; /* a gn_status */
};

/* Places [from, to) of a batch of n, which this rank makes; with `after` also the one after them, with which
 * its last one is mixed. */
struct part {
    int n, from, to;
    bool after;
};

struct worker {
    struct gn_loader *loader;
    struct gn_sampler *sampler;
    pthread_t thread;
    bool runs;
};

struct gn_loader {
    struct gn_loader_options options;
    uint32_t samples;
    uint64_t batches;
    size_t image_floats;
    int room, grain;
    struct outcome *outcomes; /* [batch] */
    bool *present;            /* [batch] */
    struct gn_sampler
        *latecomer;            /* for an image that turns out to be needed when a batch is taken */
    uint32_t *order;           /* [samples] */
    struct gn_balance balance; /* of a balanced one */
    struct buffer buffers[BUFFERS];
    int32_t *others; /* [room]; these four are for mixing, NULL without it */
    float *shares;
    struct gn_draws *draws;
    float *first;
    uint8_t *seen;       /* a bit a sample: it is on the list below */
    struct gn_names bad; /* sentences of the pictures that were left out */

    struct worker *workers;
    int n_workers;
    bool has_lock;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* anything below has */
    bool quit;
    int busy; /* threads that fill a part of a buffer */
    uint64_t epoch;
    uint64_t begun; /* the batch being handed out to threads, and how many samples of it */
    int handed;
    uint64_t taken; /* batches of this epoch that the caller had */
};

struct part gn_loader_part(const struct gn_loader *loader, uint64_t i);

/* Sample `place` of batch i, as an index into the data set. */
uint32_t gn_loader_sample(const struct gn_loader *loader, uint64_t i, int place);

/* Whether a picture was removed since the run began. */
bool gn_loader_is_gone(const struct gn_loader *loader, uint32_t sample);

/* Batch i, which is made, as the caller gets it. */
gn_status gn_loader_settle(struct gn_loader *loader, uint64_t i, struct gn_batch *batch);

#endif
