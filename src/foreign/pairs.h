/*
 * Weights of another program's file on one side, the tensors of a network on the other: a format says
 * which belong together, and here is seen whether they fit.
 */
#ifndef GN_FOREIGN_PAIRS_H
#define GN_FOREIGN_PAIRS_H

#include "foreign/order.h"
#include "net/net.h"

struct gn_pairs {
    const char *name, *kind; /* the file's, printable; the format's */
    const struct gn_st_tensor *const *theirs;
    int n_theirs;
    gn_net *net;
    enum gn_order order;
    int *of;         /* of tensor i of the network: which of theirs, -1: none */
    bool *used;      /* theirs that have a place, or need none */
    const char *why; /* what a list of both sides should say more, or NULL */
};

/* Nothing belongs together yet. NO_MEMORY. Free also after an error. */
gn_status gn_pairs_make(struct gn_pairs *pairs);
void gn_pairs_free(struct gn_pairs *pairs);

/* Which of theirs has this name, -1: none. */
int gn_pairs_find(const struct gn_pairs *pairs, const char *name);

/* Every tensor has one of its shape, and none is left over: otherwise BAD_MODEL, and in
 * options->table both sides. */
gn_status gn_pairs_check(const struct gn_pairs *pairs, const struct gn_import_options *options);

/* Copies the values into the network, which is reserved. NO_MEMORY. */
gn_status gn_pairs_copy(const struct gn_pairs *pairs);

/* All tensors of a file, to be freed with gn_free. NULL: NO_MEMORY. */
const struct gn_st_tensor **gn_pairs_tensors(const struct gn_st_file *file);

#endif
