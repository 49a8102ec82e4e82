/*
 * googlenet-bn: the notebook's network with batch normalisation (Ioffe and Szegedy, arXiv
 * 1502.03167) between every convolution, which then has no bias, and its ReLU. Epsilon and running
 * statistics are Keras' defaults.
 */
#include "models/models.h"

static gn_node conv(gn_graph *g, gn_node x, int channels, int kernel, int stride, const char *name)
{
    const struct gn_conv_options options = {
        .channels = channels, .kernel = kernel, .stride = stride, .name = name
    };
    return gn_conv_norm_relu(g, x, &options, NULL);
}

static gn_node inception(gn_graph *g, gn_node x, const struct gn_widths *w)
{
    gn_node p1 = conv(g, x, w->c1, 1, 1, path(w->name, "p1_1"));
    gn_node p2 = conv(g, x, w->c2.reduce, 1, 1, path(w->name, "p2_1"));
    p2 = conv(g, p2, w->c2.out, 3, 1, path(w->name, "p2_2"));
    gn_node p3 = conv(g, x, w->c3.reduce, 1, 1, path(w->name, "p3_1"));
    p3 = conv(g, p3, w->c3.out, 5, 1, path(w->name, "p3_2"));
    gn_node p4 = max_pool(g, x, 3, 1, path(w->name, "p4_1"));
    p4 = conv(g, p4, w->c4, 1, 1, path(w->name, "p4_2"));
    return gn_concat(g, (gn_node[]){ p1, p2, p3, p4 }, 4, w->name);
}

static gn_node blocks(gn_graph *g, gn_node x, int first, int last)
{
    for (int i = first; i <= last; i++)
        x = inception(g, x, &gn_paper_widths[i]);
    return x;
}

gn_node gn_build_googlenet_bn(gn_graph *g, gn_node x, int classes, bool aux)
{
    (void)aux; /* it has none */
    gn_stage(g, "b1");
    x = conv(g, x, 64, 7, 2, "conv");
    x = max_pool(g, x, 3, 2, "pool");
    gn_stage(g, "b2");
    x = conv(g, x, 64, 1, 1, "conv1");
    x = conv(g, x, 192, 3, 1, "conv2");
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
