/*
 * googlenet-24: for pictures of 28 to 32 pixels such as Fashion-MNIST's, shaped for speed. The first layer cuts
 * them to 24 pixels, so that the stages have 24, 12, 6 and 3, which Winograd's tiles of 6x6 and 3x3 fill without a
 * rest; the channels fill whole vectors; and four fifths of the multiplications are those of 3x3 kernels, of which
 * Winograd saves most. Shapes at the right are those of a 28x28 image with one channel.
 */
#include "models/models.h"

static const struct gn_widths widths[] = {
    /*               1x1  3x3          5x5        pool */
    { "inception3a", 16, { 48, 96 }, { 16, 16 }, 16 },
    { "inception4a", 32, { 96, 160 }, { 16, 32 }, 32 },
    { "inception4b", 32, { 128, 192 }, { 16, 32 }, 32 },
    { "inception5a", 64, { 128, 256 }, { 16, 64 }, 64 },
};

static const struct gn_unit unit = { .norm = &gn_norm_keras, .third = 5 };

gn_node gn_build_googlenet_24(gn_graph *g, gn_node x, int classes, bool aux)
{
    (void)aux; /* it has none */
    gn_stage(g, "b1");
    x = conv_unit(g, x, &unit, 32, 5, .explicit_pads = true, .name = "conv"); /* 24 x 24 x 32 */
    x = max_pool(g, x, 2, 2, "pool");                                         /* 12 x 12 x 32 */
    gn_stage(g, "b3");
    x = gn_inception_of(g, x, &widths[0], &unit); /* 12 x 12 x 144 */
    x = max_pool(g, x, 2, 2, "pool");             /* 6 x 6 x 144 */
    gn_stage(g, "b4");
    x = gn_inception_of(g, x, &widths[1], &unit); /* 6 x 6 x 256 */
    x = gn_inception_of(g, x, &widths[2], &unit); /* 6 x 6 x 288 */
    x = max_pool(g, x, 2, 2, "pool");             /* 3 x 3 x 288 */
    gn_stage(g, "b5");
    x = gn_inception_of(g, x, &widths[3], &unit); /* 3 x 3 x 448 */
    x = gn_global_avg_pool(g, x);                 /* 448 */
    gn_stage(g, NULL);
    return gn_dense(g, x, classes, "dense");
}
