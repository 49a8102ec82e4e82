/*
 * googlenet-bn: the notebook's network with batch normalisation (Ioffe and Szegedy, arXiv
 * 1502.03167) between every convolution, which then has no bias, and its ReLU. Epsilon and running
 * statistics are Keras' defaults.
 */
#include "models/models.h"

static gn_node blocks(gn_graph *g, gn_node x, int first, int last)
{
    for (int i = first; i <= last; i++)
        x = gn_inception_norm(g, x, &gn_paper_widths[i]);
    return x;
}

gn_node gn_build_googlenet_bn(gn_graph *g, gn_node x, int classes, bool aux)
{
    (void)aux; /* it has none */
    gn_stage(g, "b1");
    x = gn_conv_norm(g, x, 64, 7, 2, "conv");
    x = max_pool(g, x, 3, 2, "pool");
    gn_stage(g, "b2");
    x = gn_conv_norm(g, x, 64, 1, 1, "conv1");
    x = gn_conv_norm(g, x, 192, 3, 1, "conv2");
    x = max_pool(g, x, 3, 2, "pool");
    gn_stage(g, "b3");
    x = max_pool(g, blocks(g, x, 0, 1), 3, 2, "pool"); /* 3a, 3b */
    gn_stage(g, "b4");
    x = max_pool(g, blocks(g, x, 2, 6), 3, 2, "pool"); /* 4a to 4e */
    gn_stage(g, "b5");
    x = gn_global_avg_pool(g, blocks(g, x, 7, 8)); /* 5a, 5b */
    gn_stage(g, NULL);
    return gn_dense(g, x, classes, "dense");
}
