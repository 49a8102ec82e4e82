/*
 * The picture files of a run, which may change under it: each is recognised by its name and, once it
 * was read, by its content. A run goes on with the pictures that it began with; those that it has not
 * used may be repaired, any may be removed.
 */
#ifndef GN_TRAIN_PICTURES_H
#define GN_TRAIN_PICTURES_H

#include "data/loader.h"
#include "run/run_folder.h"
#include "train/report.h"

/* Of training and of validation. Begin with zeros. */
struct gn_run_pictures {
    gn_dataset *sets[2];                /* NULL: none, or images in memory */
    struct gn_picture_state *states[2]; /* of their samples */
    bool changed;                       /* since the list was written */
    bool failed;                        /* to be written, and reported */
};

/* Begins with nothing read. A run in `folder` that is resumed (NULL: none is) is compared with its list
 * of pictures, and the sets become that list: pictures that are gone are left out, new ones not used,
 * each of which is said in a warning. BAD_DATA when a picture that was used is another one now. */
gn_status gn_pictures_open(struct gn_run_pictures *pictures, gn_dataset *train,
                           gn_dataset *validation, const char *folder,
                           struct gn_reporter *reporter);

/* The list in the run's folder, pictures.tsv, when something has changed. The first failure in a row is a
 * warning. */
gn_status gn_pictures_save(struct gn_run_pictures *pictures, const struct gn_run_folder *folder,
                           struct gn_reporter *reporter);

void gn_pictures_free(struct gn_run_pictures *pictures);

#endif
