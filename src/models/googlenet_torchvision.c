/*
 * googlenet-torchvision: the variant of torchvision (torchvision/models/googlenet.py) with its
 * peculiarities: batch normalisation in PyTorch's terms after convolutions without bias, no local
 * response normalisation, the "5x5" path is 3x3, the fourth pool is 2x2, all pools round up, the
 * heads cut their map into 4x4 parts, and weights are normal with deviation 0.01. Shapes at the
 * right are those of a 224x224 image.
 */
#include "models/models.h"

static gn_node conv(gn_graph *g, gn_node x, int channels, int kernel, int stride, const char *name)
{
    const int pad = kernel / 2;
    const struct gn_conv_options options = { .channels = channels,
                                             .kernel = kernel,
                                             .stride = stride,
                                             .name = name,
                                             .explicit_pads = true,
                                             .pad_top = pad,
                                             .pad_bottom = pad,
                                             .pad_left = pad,
                                             .pad_right = pad };
    const struct gn_norm_options norm = { .eps = 1e-3, .momentum = 0.9, .unbiased = true };
    return gn_conv_norm_relu(g, x, &options, &norm);
}

static gn_node halve(gn_graph *g, gn_node x, int kernel)
{
    return gn_max_pool(g, x, kernel, 2, .explicit_pads = true, .ceil = true, .name = "pool");
}

static gn_node inception(gn_graph *g, gn_node x, const struct gn_widths *w)
{
    gn_node p1 = conv(g, x, w->c1, 1, 1, path(w->name, "p1_1"));
    gn_node p2 = conv(g, x, w->c2.reduce, 1, 1, path(w->name, "p2_1"));
    p2 = conv(g, p2, w->c2.out, 3, 1, path(w->name, "p2_2"));
    gn_node p3 = conv(g, x, w->c3.reduce, 1, 1, path(w->name, "p3_1"));
    p3 = conv(g, p3, w->c3.out, 3, 1, path(w->name, "p3_2")); /* not 5 */
    gn_node p4 = max_pool(g, x, 3, 1, path(w->name, "p4_1"));
    p4 = conv(g, p4, w->c4, 1, 1, path(w->name, "p4_2"));
    return gn_concat(g, (gn_node[]){ p1, p2, p3, p4 }, 4, w->name);
}

static void head(gn_graph *g, gn_node x, int classes, const char *name)
{
    gn_stage(g, name);
    x = gn_avg_pool(g, x, 0, .adaptive = 4, .name = "pool"); /* 4 x 4 */
    x = conv(g, x, 128, 1, 1, "conv");
    x = gn_relu(g, gn_dense(g, x, 1024, "fc1"));
    x = gn_dropout(g, x, 0.7, "dropout");
    gn_head(g, gn_dense(g, x, classes, "fc2"), 0.3, name);
}

gn_node gn_build_googlenet_torchvision(gn_graph *g, gn_node x, int classes, bool aux)
{
    gn_node out4a = { -1 }, out4d = { -1 };
    const struct gn_widths *w = gn_paper_widths;
    gn_initialize(g, GN_INITIAL_NORMAL, 0.01, 0);
    gn_stage(g, "b1");                /* 224 x 224 x 3 */
    x = conv(g, x, 64, 7, 2, "conv"); /* 112 x 112 x 64 */
    x = halve(g, x, 3);               /* 56 x 56 x 64 */
    gn_stage(g, "b2");
    x = conv(g, x, 64, 1, 1, "conv1");
    x = conv(g, x, 192, 3, 1, "conv2");
    x = halve(g, x, 3); /* 28 x 28 x 192 */
    gn_stage(g, "b3");
    for (int i = 0; i < 2; i++)
        x = inception(g, x, w++);
    x = halve(g, x, 3); /* 14 x 14 x 480 */
    gn_stage(g, "b4");
    for (int i = 0; i < 5; i++) {
        x = inception(g, x, w++);
        out4a = i == 0 ? x : out4a; /* 14 x 14 x 512 */
        out4d = i == 3 ? x : out4d; /* 14 x 14 x 528 */
    }
    x = halve(g, x, 2); /* 7 x 7 x 832 */
    gn_stage(g, "b5");
    for (int i = 0; i < 2; i++)
        x = inception(g, x, w++);
    x = gn_dropout(g, gn_global_avg_pool(g, x), 0.2, "dropout"); /* 1024 */
    gn_stage(g, NULL);
    const gn_node logits = gn_dense(g, x, classes, "dense");
    if (aux) {
        head(g, out4a, classes, "aux1");
        head(g, out4d, classes, "aux2");
        gn_stage(g, NULL);
    }
    return logits;
}
