/*
 * Inside of a data set: images as bytes in memory, or the names of picture files that are decoded
 * whenever they are needed.
 */
#ifndef GN_DATA_DATASET_H
#define GN_DATA_DATASET_H

#include "base/names.h"
#include "base/path.h"

/* What is still reading pixels and labels; it is part of a struct of its maker's. */
struct gn_coming {
    gn_status (*wait)(struct gn_dataset *data); /* for the rest; an error stays and comes again */
    void (*give_up)(struct gn_dataset *data);   /* waits, frees this and forgets it */
};

/* By which a picture is recognised without being read. */
struct gn_picture_facts {
    uint64_t size;   /* of the file, 0: it is not there */
    int64_t changed; /* time of the last change, nanoseconds */
};

/* What folders of pictures hold besides pictures. */
enum { GN_MOST_UNUSED = 12 };
struct gn_unused {
    uint64_t files; /* of all kinds */
    int n;
    struct gn_unused_kind kinds[GN_MOST_UNUSED];
};

struct gn_dataset {
    struct gn_dataset_options options; /* strings are copies owned by the data set */
    char *name, *path;
    uint64_t samples;
    uint64_t unread;   /* further ones of the file, neither read nor verified */
    int height, width; /* 0: picture files, each of its own size */
    int channels, classes;
    uint8_t *pixels;                        /* samples*height*width*channels; NULL: picture files */
    struct gn_names files;                  /* their names below `path`, a sample each */
    struct gn_picture_facts *facts;         /* samples; of picture files, */
    uint64_t largest_file, largest_picture; /* and bytes of the largest, of its pixels */
    int32_t *labels;                        /* samples; NULL: none */
    const char *const *label_names; /* `classes` names or NULL; a static table or own_names */
    struct gn_names own_names;
    bool divided;           /* by gn_divide_files */
    bool fold_is_held;      /* of options.folds: this one is for validation */
    bool has_val, has_test; /* samples of its own for that */
    struct gn_unused unused;
    uint32_t fingerprint;     /* CRC32C over what training depends on: for resume */
    struct gn_coming *coming; /* NULL: all is there */
};

/* BAD_ARGUMENT while images are being read, or could not be. */
gn_status gn_dataset_ready(const struct gn_dataset *data);

/* A factor of the loss for each class, from the first n samples' labels: see .class_weights of struct
 * gn_fit_options. BAD_ARGUMENT for a list that cannot be understood. */
gn_status gn_class_weights(const struct gn_dataset *data, uint64_t n, const char *list, int classes,
                           float *weights);

/* The path of picture i; false when it does not fit. */
bool gn_dataset_path(const struct gn_dataset *data, uint64_t i, char path[GN_PATH_BYTES]);

#endif
