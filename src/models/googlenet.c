/*
 * GoogLeNet (Inception v1) as in "Dive into Deep Learning", section 5.9, after Szegedy et al.,
 * "Going Deeper with Convolutions" (arXiv 1409.4842, table 1): five stages and a dense layer, ReLU
 * after every convolution, TensorFlow's SAME padding, logits out. Shapes at the right are those of
 * a 96x96 image with one channel.
 */
#include "models/models.h"

/* p1: 1x1 - p2: 1x1 then 3x3 - p3: 1x1 then 5x5 - p4: max pool then 1x1 */
gn_node gn_inception(gn_graph *g, gn_node x, const char *name, int c1, gn_pair c2, gn_pair c3,
                     int c4)
{
    gn_node p1 = conv_relu(g, x, c1, 1, path(name, "p1_1"));
    gn_node p2 = conv_relu(g, x, c2.reduce, 1, path(name, "p2_1"));
    p2 = conv_relu(g, p2, c2.out, 3, path(name, "p2_2"));
    gn_node p3 = conv_relu(g, x, c3.reduce, 1, path(name, "p3_1"));
    p3 = conv_relu(g, p3, c3.out, 5, path(name, "p3_2"));
    gn_node p4 = max_pool(g, x, 3, 1, path(name, "p4_1"));
    p4 = conv_relu(g, p4, c4, 1, path(name, "p4_2"));
    return gn_concat(g, (gn_node[]){ p1, p2, p3, p4 }, 4, name);
}

#define inception(x, name, c1, c2a, c2b, c3a, c3b, c4)                                             \
    gn_inception(g, x, name, c1, (gn_pair){ c2a, c2b }, (gn_pair){ c3a, c3b }, c4)

static gn_node stage1(gn_graph *g, gn_node x) /* 96 x 96 x 1 */
{
    gn_stage(g, "b1");
    x = gn_conv_relu(g, x, 64, 7, .stride = 2, .name = "conv"); /* 48 x 48 x 64 */
    return max_pool(g, x, 3, 2, "pool");                        /* 24 x 24 x 64 */
}

static gn_node stage2(gn_graph *g, gn_node x)
{
    gn_stage(g, "b2");
    x = conv_relu(g, x, 64, 1, "conv1");  /* 24 x 24 x 64 */
    x = conv_relu(g, x, 192, 3, "conv2"); /* 24 x 24 x 192 */
    return max_pool(g, x, 3, 2, "pool");  /* 12 x 12 x 192 */
}

static gn_node stage3(gn_graph *g, gn_node x)
{
    gn_stage(g, "b3");
    x = inception(x, "inception3a", 64, 96, 128, 16, 32, 32);   /* 12 x 12 x 256 */
    x = inception(x, "inception3b", 128, 128, 192, 32, 96, 64); /* 12 x 12 x 480 */
    return max_pool(g, x, 3, 2, "pool");                        /* 6 x 6 x 480 */
}

static gn_node stage4(gn_graph *g, gn_node x)
{
    gn_stage(g, "b4");
    x = inception(x, "inception4a", 192, 96, 208, 16, 48, 64);    /* 6 x 6 x 512 */
    x = inception(x, "inception4b", 160, 112, 224, 24, 64, 64);   /* 6 x 6 x 512 */
    x = inception(x, "inception4c", 128, 128, 256, 24, 64, 64);   /* 6 x 6 x 512 */
    x = inception(x, "inception4d", 112, 144, 288, 32, 64, 64);   /* 6 x 6 x 528 */
    x = inception(x, "inception4e", 256, 160, 320, 32, 128, 128); /* 6 x 6 x 832 */
    return max_pool(g, x, 3, 2, "pool");                          /* 3 x 3 x 832 */
}

static gn_node stage5(gn_graph *g, gn_node x)
{
    gn_stage(g, "b5");
    x = inception(x, "inception5a", 256, 160, 320, 32, 128, 128); /* 3 x 3 x 832 */
    x = inception(x, "inception5b", 384, 192, 384, 48, 128, 128); /* 3 x 3 x 1024 */
    return gn_global_avg_pool(g, x);                              /* 1024 */
}

gn_node gn_build_googlenet(gn_graph *g, gn_node x, int classes, bool aux)
{
    (void)aux; /* it has none */
    x = stage5(g, stage4(g, stage3(g, stage2(g, stage1(g, x)))));
    gn_stage(g, NULL);
    return gn_dense(g, x, classes, "dense");
}
