/* An oracle for plans: a network's loss and gradients layer by layer in double, with nothing
 * fused, shared or reused. */
#ifndef GN_TESTS_ORACLE_H
#define GN_TESTS_ORACLE_H

#include "net/net.h"

/* Gradients of the mean loss in the layout of net->params (net->graph->n_floats doubles, gaps and
 * tensors that the answer does not depend on are 0), and the mean loss, to which heads add theirs
 * by their weights. Batch normalisations take the statistics of the batch, unless both their
 * parameters match `freeze`; other frozen tensors have gradients like all. `logits` (NULL: not
 * wanted) gets n * classes values. */
double oracle_gradients(const gn_net *net, const char *freeze, const float *images,
                        const int32_t *labels, int n, double *grads, double *logits);

#endif
