/* A small data set of IDX files that tests damage. */
#ifndef TESTS_DATA_IDX_SETS_H
#define TESTS_DATA_IDX_SETS_H

#include "data/files.h"

#include <googlenet.h>

#define TRAIN_IMAGES "train-images-idx3-ubyte"
#define TRAIN_LABELS "train-labels-idx1-ubyte"

/* The folder, new for each test, and what it holds in both splits. */
extern char idx_folder[PATH_BYTES];
extern const struct shape idx_small;
int idx_setup(void **state);
int idx_teardown(void **state);

/* Opening must fail as BAD_DATA with a sentence that holds `part` and names `file`. */
void idx_refused(const struct gn_dataset_options *options, const char *file, const char *part);
void idx_refused_train(const char *file, const char *part);

/* Replaces the training images (labels) by an IDX file of these dimensions and n zeros. */
void idx_write(const char *name, int type, int rank, const uint32_t *dims, size_t n);

/* Replaces a plain file by a packed one of these bytes. */
void idx_write_packed(const char *name, const struct bytes *gz);

/* The file of the training labels. */
struct bytes idx_labels(void);

#endif
