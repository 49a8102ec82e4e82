/*
 * What opens a data set, one file each. `data` has its options, name and path; the openers fill in
 * the rest.
 */
#ifndef GN_DATA_OPEN_H
#define GN_DATA_OPEN_H

#include "data/dataset.h"

/* Whether a folder holds one of the four IDX files. */
bool gn_holds_idx(const char *folder);

/* The IDX files in data->path; `set` (NULL: none) says what they must hold. Sizes, classes and the
 * options' limit are settled at once, pixels and labels when data->coming is done. */
struct gn_known_set;
gn_status gn_open_idx(struct gn_dataset *data, const struct gn_known_set *set);

/* CIFAR's binary files: `inner` gets the folder that holds them, `folder` or one inside it. */
enum gn_cifar { GN_CIFAR_NONE, GN_CIFAR_10, GN_CIFAR_100 };
enum gn_cifar gn_cifar_find(const char *folder, char inner[GN_PATH_BYTES]);
gn_status gn_open_cifar(struct gn_dataset *data, const char *inner, enum gn_cifar kind);

/* A folder with train/ and test/ (or val/) that hold a folder a class, or with the folders of
 * classes themselves. */
bool gn_holds_folders(const char *folder);

/* BAD_DATA for pictures in a folder that holds no folder of a class; OK when it holds none. */
gn_status gn_check_flat(const char *folder);
gn_status gn_open_folder(struct gn_dataset *data);

/* The classes of a set by their names, which are sorted: the caller's labels say their order, and a
 * name that is not among them is BAD_DATA with both lists; without labels it is the byte order.
 * numbers[i] becomes the label of names[i]; data->classes and data->label_names are set. */
gn_status gn_number_classes(struct gn_dataset *data, const struct gn_names *names,
                            int32_t *numbers);

/* A list file: a path (relative to the list's folder) and a label a line. */
gn_status gn_open_list(struct gn_dataset *data, const char *path);

/* Adds all pictures below data->path, as sorted paths below it. */
gn_status gn_walk_pictures(struct gn_dataset *data);

/* The folder whose folders are the classes, and that of the pictures of the wanted split, which becomes
 * data->path. *divide: it holds both, to be divided by seed. */
gn_status gn_find_split(struct gn_dataset *data, char classes[GN_PATH_BYTES], bool *divide);

/* Divides a set without a division of its own: of each class the share val_fraction, drawn by seed,
 * is for testing. Keeps the files of data->options.split and their entries of `labels`. */
gn_status gn_divide_files(struct gn_dataset *data, int32_t *labels);

/* Keeps of a training set, or one without a division of its own, the fold that the options name, or all
 * others; with labels, and before the fingerprint. */
gn_status gn_take_fold(struct gn_dataset *data);

/* Limit, fold, number of channels (if nobody says it) and fingerprint of a set of picture files. */
gn_status gn_finish_files(struct gn_dataset *data);

/* ---- The fingerprint: CRC32C over what training depends on ---- */

/* Of images in memory, and of the names, sizes and labels of picture files. */
void gn_fingerprint_images(struct gn_dataset *data);
gn_status gn_fingerprint_files(struct gn_dataset *data);

#endif
