/* Softmax cross-entropy of one image, for evaluation and prediction. */
#ifndef GN_OPS_LOSS_LOSS_H
#define GN_OPS_LOSS_LOSS_H

#include "ops/kernels.h"

/* The loss of `classes` logits against `label` (negative: none, 0 is returned), *argmax the
 * lowest index of the largest logit; `probabilities` (NULL: not wanted) gets `classes` values. */
double gn_softmax_loss(const float *logits, int classes, int label, int *argmax,
                       double *probabilities);

#endif
