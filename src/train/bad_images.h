/* Pictures that a run left out because they cannot be read. */
#ifndef GN_TRAIN_BAD_IMAGES_H
#define GN_TRAIN_BAD_IMAGES_H

#include "data/loader.h"
#include "run/run_folder.h"
#include "train/report.h"

struct gn_bad_images {
    const struct gn_loader *loaders[2]; /* of training and of validation; NULL: none */
    size_t told[2];                     /* of each, pictures that were reported */
};

/* Reports those that were left out since the last call, each once, and lists all of them in
 * bad-images.txt of the folder (NULL: no list). */
void gn_bad_images_report(struct gn_bad_images *bad, const struct gn_run_folder *folder,
                          struct gn_reporter *reporter);

#endif
