/* Which rate of a sweep over learning rates to use. */
#ifndef GN_TRAIN_LR_SUGGEST_H
#define GN_TRAIN_LR_SUGGEST_H

#include "base/status.h"

/* The rate at which the loss falls fastest over the logarithm of the rate, from the first n points of a
 * sweep of `steps`; 0 when the loss does not fall by more than its noise. */
double gn_lr_suggest(const struct gn_lr_point *points, int n, int steps);

#endif
