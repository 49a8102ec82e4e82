/* Inside of src/cluster: what a way of sending bytes looks like. */
#ifndef GN_CLUSTER_INTERNAL_H
#define GN_CLUSTER_INTERNAL_H

#include "cluster/ranks.h"

struct gn_transfer {
    struct gn_lane lane;
    int peer;
    bool receives;
    char *data;
    size_t bytes, begun, done; /* begun: given to the transport */
    uint64_t request;          /* of the transport */
};

enum { GN_RANK_HOST = 64, GN_RANK_SENTENCE = 512 };

struct gn_transport {
    /* Moves a transfer on as far as it goes without waiting; not before those of the same pair and direction that
     * are older have begun with their last byte, or are done. */
    void (*advance)(struct gn_ranks *ranks, struct gn_transfer *transfer);
    bool keeps_order;  /* it is enough that they have begun */
    bool has_launcher; /* which sees first that a rank has ended, and ends all */
    /* Nobody waits any more for a transfer that has begun. NULL: that is nothing to it. */
    void (*drop)(struct gn_ranks *ranks, struct gn_transfer *transfer);
    /* A rank that has ended, -1: none. */
    int (*lost)(struct gn_ranks *ranks);
    /* Tells all, and what was told: false, nothing. The first sentence stays. */
    void (*tell)(struct gn_ranks *ranks, gn_status status, const char *sentence);
    bool (*told)(struct gn_ranks *ranks, gn_status *status, char sentence[GN_RANK_SENTENCE]);
    const char *(*host)(const struct gn_ranks *ranks, int rank);
    void (*close)(struct gn_ranks *ranks);
};

struct gn_ranks {
    const struct gn_transport *transport;
    int rank, size;
    bool is_uneven;
    double until[GN_MOST_RANKS +
                 1]; /* uneven: the part of a batch's grains that ranks before number r take */
    int here;        /* that share processors with this one, itself among them */
    uint64_t step;
    double timeout;
    const volatile int *stop; /* NULL, or not zero: this process was asked to stop */
    void (*asked)(void *user, const char *sentence);
    void *user;
    bool has_told; /* whom it waits for since */
    struct gn_transfer *transfers;
    int n, cap;
    uint64_t moved;              /* bytes */
    bool failed;                 /* nothing is waited for any more */
    int code;                    /* exit code for a launcher that must end all */
    void *own;                   /* of the transport */
    char text[GN_RANK_SENTENCE]; /* what they are */
};

#endif
