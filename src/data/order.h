/* The order of samples in an epoch. */
#ifndef GN_DATA_ORDER_H
#define GN_DATA_ORDER_H

#include "base/status.h"

/* The order of samples in an epoch: a pure function of its arguments. order[0..n-1] is filled.
 * GN_SHUFFLE_WINDOW is tf.data's buffer of `window` samples (0: 1000; BAD_ARGUMENT below). */
gn_status gn_shuffle_order(uint32_t *order, uint32_t n, gn_shuffle shuffle, int window,
                           uint64_t seed, uint64_t epoch);

#endif
