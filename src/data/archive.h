/* The data sets that are known by name and come as one packed archive: CIFAR-10 and CIFAR-100. */
#ifndef GN_DATA_ARCHIVE_H
#define GN_DATA_ARCHIVE_H

#include "data/open.h"

struct gn_archive {
    const char *name;
    int classes;
    enum gn_cifar kind;
    const char *file, *md5;     /* of the packed archive */
    const char *folder;         /* in which it holds its members */
    const char *const *members; /* that are wanted, NULL after the last */
    const char *const *mirrors; /* addresses that end in '/', NULL after the last */
};

/* Set number i, NULL after the last one; the set of a name, or NULL. */
const struct gn_archive *gn_archive_set(int i);
const struct gn_archive *gn_archive_find(const char *name);

/* The first of the usual places (gn_known_place) that holds the unpacked files. */
bool gn_archive_locate(char folder[GN_PATH_BYTES], const struct gn_archive *set,
                       const char *data_dir);

/* The same; a set that is nowhere is downloaded, compared with its digest and unpacked into the cache.
 * BAD_DATA when it cannot be had. */
gn_status gn_archive_provide(char folder[GN_PATH_BYTES], const struct gn_archive *set,
                             const char *data_dir, bool offline);

/* Unpacks the members of the tar file `path`, packed or not, into into/set->folder. Whatever else it
 * holds is passed over. BAD_DATA when it is damaged or lacks a member; every file has its name when all
 * its bytes are there. */
gn_status gn_archive_unpack(const struct gn_archive *set, const char *path, const char *into);

#endif
