/* Folders of pictures as lists of names, and what is left out of them. */
#ifndef GN_DATA_WALK_H
#define GN_DATA_WALK_H

#include "data/dataset.h"

/* "folder/name"; BAD_DATA when the path is too long. */
gn_status gn_walk_join(char path[GN_PATH_BYTES], const char *folder, const char *name);

/* Adds the names in a folder that are folders (or are not, as wanted), in byte order. Names that begin
 * with a dot are nobody's; *hidden (may be NULL) counts them. */
gn_status gn_list_entries(const char *path, bool folders, struct gn_names *names, uint64_t *hidden);

/* Counts files of a kind (".txt", "hidden") as left out; what does not fit in the list is "other". */
void gn_leave_out(struct gn_unused *unused, const char *kind, uint64_t files);

/* A walk through folders. Links are followed, and a few of them can make any number of paths: the whole
 * has a limit. */
struct gn_walk {
    const char *root;
    struct gn_names *files;   /* gets the pictures, as paths below root */
    struct gn_unused *unused; /* gets the others by their kind */
    uint64_t folders, seen;   /* so far */
};

/* Adds all pictures below the folder root/below, in no order. */
gn_status gn_walk_below(struct gn_walk *walk, const char *below);

/* The files of a folder whose pictures belong to no class, the folders in it aside. *pictures (may be
 * NULL) gets their number; unused may be NULL. */
gn_status gn_count_outside(const char *folder, struct gn_unused *unused, uint64_t *pictures);

#endif
