/*
 * googlenet-bn: the notebook's network with batch normalisation (Ioffe and Szegedy, arXiv
 * 1502.03167) between every convolution, which then has no bias, and its ReLU. Epsilon and running
 * statistics are Keras' defaults.
 */
#include "models/models.h"

gn_node gn_build_googlenet_bn(gn_graph *g, gn_node x, int classes, bool aux)
{
    (void)aux; /* it has none */
    return gn_notebook(g, x, classes, &(struct gn_unit){ .norm = &gn_norm_keras, .third = 5 });
}
