/* Batches, prepared ahead by threads of the loader's own. */
#ifndef GN_DATA_LOADER_H
#define GN_DATA_LOADER_H

#include "data/sample.h"

struct gn_batch {
    const float *images;     /* n*height*width*channels */
    const int32_t *labels;   /* n */
    const uint32_t *samples; /* n: their indices in the data set */
    const int32_t *others;   /* n: the label that a sample was mixed with; NULL: nothing is mixed */
    const float *shares;     /* n: how much of the sample is of `others`, 0 to 1; NULL as above */
    int n;                   /* of the grains of this rank */
    int all;                 /* of all ranks; 0: after the epoch's last batch, or see `left_out` */
    int left_out;            /* pictures that could not be read and are skipped, of all ranks */
    const bool *present; /* all + left_out: by its place in the batch, whether a sample is in it */
    char *const *faults; /* n + left_out: why that one could not be read, NULL: it is in `images`;
                              only with report_bad */
};
struct gn_loader;
struct gn_loader *gn_loader_create(const struct gn_loader_options *options);
void gn_loader_free(struct gn_loader *loader);
uint64_t gn_loader_samples(const struct gn_loader *loader); /* of an epoch */
uint64_t gn_loader_batches(const struct gn_loader *loader); /* of an epoch */

/* Begins epoch `epoch` (counted from 0) at batch `first`, dropping what was prepared. */
gn_status gn_loader_start(struct gn_loader *loader, uint64_t epoch, uint64_t first);

/* The next batch, valid until the next call; *batch->all is 0 after the epoch's last. A picture that
 * cannot be read is BAD_DATA, unless the data set's options say that it is left out: then it is
 * missing from the batch, which may be empty, and listed. */
gn_status gn_loader_next(struct gn_loader *loader, struct gn_batch *batch);

/* Pictures left out so far, each once, in the order in which they were met: what was wrong with
 * number i, in a sentence that begins with its path below the set's; NULL after the last one. */
const char *gn_loader_bad(const struct gn_loader *loader, size_t i);

#endif
