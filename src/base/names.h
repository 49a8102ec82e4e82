/* A growing list of texts that never move: file names by the million at little more than their
 * length. */
#ifndef GN_BASE_NAMES_H
#define GN_BASE_NAMES_H

#include "base/status.h"

/* Begin with zeros. */
struct gn_names {
    const char **text; /* n of them */
    size_t n, room;
    struct gn_name_block *block; /* the one being filled; it knows the ones before */
};

/* Appends a copy. NO_MEMORY. */
gn_status gn_names_add(struct gn_names *names, const char *text);
void gn_names_free(struct gn_names *names);

/* Sorts entries first ... n-1 by bytes. */
void gn_names_sort(struct gn_names *names, size_t first);

/* The same with the folder part before the file's own name, as Python's walk over sorted folders
 * gives them. */
void gn_names_sort_paths(struct gn_names *names, size_t first);

/* Index of `text` in a sorted list, or -1. */
int gn_names_find(const struct gn_names *names, const char *text);

#endif
