/*
 * The data sets that are known by name: what their files are called, the digests of their bytes,
 * the names of their classes, where they lie and where they can be fetched from.
 */
#ifndef GN_DATA_KNOWN_H
#define GN_DATA_KNOWN_H

#include "base/path.h"
#include "base/status.h"
#include "data/idx.h"

/* The four files of every IDX data set. */
enum gn_idx_file { GN_TRAIN_IMAGES, GN_TRAIN_LABELS, GN_TEST_IMAGES, GN_TEST_LABELS, GN_IDX_FILES };
extern const char *const gn_idx_file_names[GN_IDX_FILES];

struct gn_known_set {
    const char *name;
    int classes;
    const char *const *labels;            /* [classes] */
    const char *md5[GN_IDX_FILES];        /* of the unpacked files; NULL: not published */
    const char *packed_md5[GN_IDX_FILES]; /* of the .gz files that the mirrors serve */
    const char *package;                  /* of Debian that holds it, or NULL */
    const char *const *mirrors;           /* addresses that end in '/', NULL after the last */
};

/* Set number i, NULL after the last one. */
const struct gn_known_set *gn_known_set(int i);

/* The set of that name, or NULL. */
const struct gn_known_set *gn_known_find(const char *name);

/* The known name nearest to `word`, or NULL when none is near. */
const char *gn_known_nearest(const char *word);

/* Path of a file of the folder, plain or with .gz; false when there is neither. */
bool gn_idx_find(char path[GN_PATH_BYTES], const char *folder, enum gn_idx_file file);

/* Place number i where a set of that name may lie; false when there is no such place. */
enum { GN_KNOWN_PLACES = 6 };
bool gn_known_place(char folder[GN_PATH_BYTES], int i, const char *name, const char *data_dir);

/* The first of the usual folders that holds all four files of the set: data_dir/NAME, data_dir
 * (NULL: neither), the same for $GOOGLENET_DATA, /usr/share/datasets/NAME, and the cache. */
bool gn_known_locate(char folder[GN_PATH_BYTES], const struct gn_known_set *set,
                     const char *data_dir);

/* The same; a set that is nowhere is downloaded into the cache. BAD_DATA when it cannot be had. */
gn_status gn_known_provide(char folder[GN_PATH_BYTES], const struct gn_known_set *set,
                           const char *data_dir, bool offline);

/* Whether an opened file is the set's: `md5` is that of its unpacked bytes, "" when they were not all
 * read, so that only the sizes can be compared. BAD_DATA if not. */
gn_status gn_known_check(const struct gn_known_set *set, enum gn_idx_file file,
                         const struct gn_idx *idx, const char *md5);

/* Reads and checks all four files of a folder. *verified: the bytes of each have been compared, which a
 * file cannot be whose digest is published for its packed form alone. */
gn_status gn_known_verify(const struct gn_known_set *set, const char *folder, bool *verified);

#endif
