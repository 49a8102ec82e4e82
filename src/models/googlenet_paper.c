/*
 * googlenet-paper: Szegedy et al., "Going Deeper with Convolutions" (arXiv 1409.4842), as Caffe's
 * bvlc_googlenet trained it (caffe/models/bvlc_googlenet/train_val.prototxt): local response
 * normalisation in the stem, pools that round up, two auxiliary heads whose losses count 0.3 times,
 * dropout, "xavier" weights, and biases of 0.2 everywhere but in the classifiers. Shapes at the right
 * are those of a 224x224 image.
 */
#include "models/models.h"

static gn_node conv(gn_graph *g, gn_node x, int channels, int kernel, const char *name)
{
    return conv_relu(g, x, channels, kernel, name); /* SAME is Caffe's (kernel - 1) / 2 here */
}

/* Caffe's rule: no padding, the last window is cut off at the edge. */
static gn_node halve(gn_graph *g, gn_node x)
{
    return gn_max_pool(g, x, 3, 2, .explicit_pads = true, .ceil = true, .name = "pool");
}

static gn_node inception(gn_graph *g, gn_node x, const struct gn_widths *w)
{
    return gn_inception(g, x, w->name, w->c1, w->c2, w->c3, w->c4);
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
    x = conv(g, x, 128, 1, "conv");
    x = gn_relu(g, gn_dense(g, x, 1024, "fc1"));
    x = gn_dropout(g, x, 0.7, "dropout");
    gn_head(g, classifier(g, x, classes, "fc2"), 0.3, name);
}

gn_node gn_build_googlenet_paper(gn_graph *g, gn_node x, int classes, bool aux)
{
    gn_node out4a = { -1 }, out4d = { -1 };
    const struct gn_widths *w = gn_paper_widths;
    gn_initialize(g, GN_INITIAL_XAVIER, 0, 0.2);
    gn_stage(g, "b1"); /* 224 x 224 x 3 */
    x = gn_conv_relu(g, x, 64, 7, .stride = 2, .name = "conv", .explicit_pads = true, .pad_top = 3,
                     .pad_bottom = 3, .pad_left = 3, .pad_right = 3); /* 112 x 112 x 64 */
    x = gn_lrn(g, halve(g, x), 5, "norm");                            /* 56 x 56 x 64 */
    gn_stage(g, "b2");
    x = conv(g, x, 64, 1, "conv1");
    x = conv(g, x, 192, 3, "conv2");
    x = halve(g, gn_lrn(g, x, 5, "norm")); /* 28 x 28 x 192 */
    gn_stage(g, "b3");
    for (int i = 0; i < 2; i++)
        x = inception(g, x, w++);
    x = halve(g, x); /* 14 x 14 x 480 */
    gn_stage(g, "b4");
    for (int i = 0; i < 5; i++) {
        x = inception(g, x, w++);
        out4a = i == 0 ? x : out4a; /* 14 x 14 x 512 */
        out4d = i == 3 ? x : out4d; /* 14 x 14 x 528 */
    }
    x = halve(g, x); /* 7 x 7 x 832 */
    gn_stage(g, "b5");
    for (int i = 0; i < 2; i++)
        x = inception(g, x, w++);
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
