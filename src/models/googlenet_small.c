/*
 * googlenet-small: GoogLeNet for pictures of about 28 to 32 pixels, such as Fashion-MNIST's and
 * CIFAR's. The first stage shrinks them once instead of four times, four blocks remain of the paper's
 * nine, with half of their channels, and each convolution is normalised as in googlenet-bn. Shapes at
 * the right are those of a 28x28 image with one channel.
 */
#include "models/models.h"

static const struct gn_widths widths[] = {
    /*               1x1  3x3         5x5        pool */
    { "inception3b", 64, { 64, 96 }, { 16, 48 }, 32 },
    { "inception4a", 96, { 48, 104 }, { 8, 24 }, 32 },
    { "inception4e", 128, { 80, 160 }, { 16, 64 }, 64 },
    { "inception5b", 192, { 96, 192 }, { 24, 64 }, 64 },
};

static const struct gn_unit unit = { .norm = &gn_norm_keras, .third = 5 };

gn_node gn_build_googlenet_small(gn_graph *g, gn_node x, int classes, bool aux)
{
    (void)aux; /* it has none */
    gn_stage(g, "b1");
    x = conv_unit(g, x, &unit, 32, 3, .name = "conv"); /* 28 x 28 x 32 */
    x = max_pool(g, x, 3, 2, "pool");                  /* 14 x 14 x 32 */
    gn_stage(g, "b3");
    x = gn_inception_of(g, x, &widths[0], &unit); /* 14 x 14 x 240 */
    x = max_pool(g, x, 3, 2, "pool");             /* 7 x 7 x 240 */
    gn_stage(g, "b4");
    x = gn_inception_of(g, x, &widths[1], &unit); /* 7 x 7 x 256 */
    x = gn_inception_of(g, x, &widths[2], &unit); /* 7 x 7 x 416 */
    x = max_pool(g, x, 3, 2, "pool");             /* 4 x 4 x 416 */
    gn_stage(g, "b5");
    x = gn_inception_of(g, x, &widths[3], &unit); /* 4 x 4 x 512 */
    x = gn_global_avg_pool(g, x);                 /* 512 */
    gn_stage(g, NULL);
    return gn_dense(g, x, classes, "dense");
}
