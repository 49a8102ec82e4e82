/*
 * googlenet-paper: Szegedy et al., "Going Deeper with Convolutions" (arXiv 1409.4842), as Caffe's
 * bvlc_googlenet trained it (caffe/models/bvlc_googlenet/train_val.prototxt): local response
 * normalisation in the stem, pools that round up, two auxiliary heads whose losses count 0.3 times,
 * dropout, "xavier" weights, and biases of 0.2 everywhere but in the classifiers. Shapes at the right
 * are those of a 224x224 image.
 */
#include "models/models.h"

static const struct gn_unit unit = { .symmetric = true, .third = 5 };

#define conv(x, channels, kernel, stride, name)                                                    \
    conv_unit(g, x, &unit, channels, kernel, stride, name)

/* Caffe's rule: no padding, the last window is cut off at the edge. */
static gn_node halve(gn_graph *g, gn_node x)
{
    return gn_max_pool(g, x, 3, 2, .explicit_pads = true, .ceil = true, .name = "pool");
}

static gn_node classifier(gn_graph *g, gn_node x, int classes, const char *name)
{
    gn_initialize(g, GN_INITIAL_XAVIER, 0, 0);
    x = gn_dense(g, x, classes, name);
    gn_initialize(g, GN_INITIAL_XAVIER, 0, 0.2);
    return x;
}

static void head(gn_graph *g, gn_node x, int classes, const char *name)
{
    gn_stage(g, name);
    x = gn_avg_pool(g, x, 5, 3, .explicit_pads = true, .ceil = true, .name = "pool"); /* 4 x 4 */
    x = conv(x, 128, 1, 1, "conv");
    x = gn_relu(g, gn_dense(g, x, 1024, "fc1"));
    x = gn_dropout(g, x, 0.7, "dropout");
    gn_head(g, classifier(g, x, classes, "fc2"), 0.3, name);
}

gn_node gn_build_googlenet_paper(gn_graph *g, gn_node x, int classes, bool aux)
{
    gn_initialize(g, GN_INITIAL_XAVIER, 0, 0.2);
    gn_stage(g, "b1");                     /* 224 x 224 x 3 */
    x = conv(x, 64, 7, 2, "conv");         /* 112 x 112 x 64 */
    x = gn_lrn(g, halve(g, x), 5, "norm"); /* 56 x 56 x 64 */
    gn_stage(g, "b2");
    x = conv(x, 64, 1, 1, "conv1");
    x = conv(x, 192, 3, 1, "conv2");
    x = halve(g, gn_lrn(g, x, 5, "norm")); /* 28 x 28 x 192 */
    gn_stage(g, "b3");
    x = gn_inceptions(g, x, 0, 1, &unit);
    x = halve(g, x); /* 14 x 14 x 480 */
    gn_stage(g, "b4");
    const gn_node out4a = gn_inceptions(g, x, 2, 2, &unit);     /* 14 x 14 x 512 */
    const gn_node out4d = gn_inceptions(g, out4a, 3, 5, &unit); /* 14 x 14 x 528 */
    x = gn_inceptions(g, out4d, 6, 6, &unit);
    x = halve(g, x); /* 7 x 7 x 832 */
    gn_stage(g, "b5");
    x = gn_inceptions(g, x, 7, 8, &unit);
    x = gn_dropout(g, gn_global_avg_pool(g, x), 0.4, "dropout"); /* 1024 */
    gn_stage(g, NULL);
    const gn_node logits = classifier(g, x, classes, "dense");
    if (aux) {
        head(g, out4a, classes, "aux1");
        head(g, out4d, classes, "aux2");
        gn_stage(g, NULL);
    }
    return logits;
}
