/*
 * GoogLeNet (Inception v1) as in "Dive into Deep Learning", section 5.9, after Szegedy et al.,
 * "Going Deeper with Convolutions" (arXiv 1409.4842, table 1): five stages and a dense layer, ReLU
 * after every convolution, TensorFlow's SAME padding, logits out. Shapes at the right are those of
 * a 96x96 image with one channel.
 */
#include "models/models.h"

#define conv(x, channels, kernel, stride, name)                                                    \
    conv_unit(g, x, unit, channels, kernel, stride, name)

/* p1: 1x1 - p2: 1x1 then 3x3 - p3: 1x1 then 5x5 - p4: max pool then 1x1 */
gn_node gn_inception_of(gn_graph *g, gn_node x, const struct gn_widths *w,
                        const struct gn_unit *unit)
{
    gn_node p1 = conv(x, w->c1, 1, 1, path(w->name, "p1_1"));
    gn_node p2 = conv(x, w->c2.reduce, 1, 1, path(w->name, "p2_1"));
    p2 = conv(p2, w->c2.out, 3, 1, path(w->name, "p2_2"));
    gn_node p3 = conv(x, w->c3.reduce, 1, 1, path(w->name, "p3_1"));
    p3 = conv(p3, w->c3.out, unit->third, 1, path(w->name, "p3_2"));
    gn_node p4 = max_pool(g, x, 3, 1, path(w->name, "p4_1"));
    p4 = conv(p4, w->c4, 1, 1, path(w->name, "p4_2"));
    return gn_concat(g, (gn_node[]){ p1, p2, p3, p4 }, 4, w->name);
}

const struct gn_widths gn_paper_widths[9] = {
    /*               c1    c2          c3         c4 */
    { "inception3a", 64, { 96, 128 }, { 16, 32 }, 32 },     /* 12 x 12 x 256 */
    { "inception3b", 128, { 128, 192 }, { 32, 96 }, 64 },   /* 12 x 12 x 480 */
    { "inception4a", 192, { 96, 208 }, { 16, 48 }, 64 },    /* 6 x 6 x 512 */
    { "inception4b", 160, { 112, 224 }, { 24, 64 }, 64 },   /* 6 x 6 x 512 */
    { "inception4c", 128, { 128, 256 }, { 24, 64 }, 64 },   /* 6 x 6 x 512 */
    { "inception4d", 112, { 144, 288 }, { 32, 64 }, 64 },   /* 6 x 6 x 528 */
    { "inception4e", 256, { 160, 320 }, { 32, 128 }, 128 }, /* 6 x 6 x 832 */
    { "inception5a", 256, { 160, 320 }, { 32, 128 }, 128 }, /* 3 x 3 x 832 */
    { "inception5b", 384, { 192, 384 }, { 48, 128 }, 128 }, /* 3 x 3 x 1024 */
};

gn_node gn_notebook(gn_graph *g, gn_node x, int classes, const struct gn_unit *unit)
{
    gn_stage(g, "b1");                /* 96 x 96 x 1 */
    x = conv(x, 64, 7, 2, "conv");    /* 48 x 48 x 64 */
    x = max_pool(g, x, 3, 2, "pool"); /* 24 x 24 x 64 */
    gn_stage(g, "b2");
    x = conv(x, 64, 1, 1, "conv1");   /* 24 x 24 x 64 */
    x = conv(x, 192, 3, 1, "conv2");  /* 24 x 24 x 192 */
    x = max_pool(g, x, 3, 2, "pool"); /* 12 x 12 x 192 */
    gn_stage(g, "b3");
    x = gn_inceptions(g, x, 0, 1, unit); /* 3a, 3b */
    x = max_pool(g, x, 3, 2, "pool");    /* 6 x 6 x 480 */
    gn_stage(g, "b4");
    x = gn_inceptions(g, x, 2, 6, unit); /* 4a to 4e */
    x = max_pool(g, x, 3, 2, "pool");    /* 3 x 3 x 832 */
    gn_stage(g, "b5");
    x = gn_inceptions(g, x, 7, 8, unit); /* 5a, 5b */
    x = gn_global_avg_pool(g, x);        /* 1024 */
    gn_stage(g, NULL);
    return gn_dense(g, x, classes, "dense");
}

gn_node gn_build_googlenet(gn_graph *g, gn_node x, int classes, bool aux)
{
    (void)aux; /* it has none */
    return gn_notebook(g, x, classes, &(struct gn_unit){ .third = 5 });
}
