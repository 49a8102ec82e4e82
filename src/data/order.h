/* The order of samples in an epoch. */
#ifndef GN_DATA_ORDER_H
#define GN_DATA_ORDER_H

#include "data/sample.h"

/* The order of samples in an epoch: a pure function of its arguments. order[0..n-1] is filled.
 * GN_SHUFFLE_WINDOW is tf.data's buffer of `window` samples (0: 1000; BAD_ARGUMENT below). */
gn_status gn_shuffle_order(uint32_t *order, uint32_t n, gn_shuffle shuffle, int window,
                           uint64_t seed, uint64_t epoch);

/* What an order with as many samples of each class needs, and its room. */
struct gn_balance {
    const int32_t *labels; /* n, below `classes` */
    int classes;
    uint64_t seed;
    uint32_t *by_class; /* n */
    uint32_t *starts;   /* classes + 1 */
};

/* An epoch of n samples in random order with equally many of every class that has any, but for one: of
 * large classes a part, of small ones all, several times. A pure function of the labels, seed and epoch. */
void gn_balanced_order(uint32_t *order, uint32_t n, const struct gn_balance *balance,
                       uint64_t epoch);

/* Room for n samples of so many classes; gn_balance_free takes zeros, too. NO_MEMORY. */
gn_status gn_balance_reserve(struct gn_balance *balance, uint32_t n, int classes);
void gn_balance_free(struct gn_balance *balance);

/* The order that a loader's options ask for; `balance` is used, and needs room, for a balanced one. The labels
 * must be there. */
gn_status gn_order_samples(uint32_t *order, uint32_t n, const struct gn_loader_options *options,
                           struct gn_balance *balance, uint64_t epoch);

#endif
