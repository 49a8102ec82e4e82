/* What the networks of this family have in common: the widths of their blocks, the convolution
 * of the normalised ones and the block made of it. */
#include "models/models.h"

const struct gn_widths gn_paper_widths[9] = {
    /*               1x1   3x3          5x5         pool */
    { "inception3a", 64, { 96, 128 }, { 16, 32 }, 32 },
    { "inception3b", 128, { 128, 192 }, { 32, 96 }, 64 },
    { "inception4a", 192, { 96, 208 }, { 16, 48 }, 64 },
    { "inception4b", 160, { 112, 224 }, { 24, 64 }, 64 },
    { "inception4c", 128, { 128, 256 }, { 24, 64 }, 64 },
    { "inception4d", 112, { 144, 288 }, { 32, 64 }, 64 },
    { "inception4e", 256, { 160, 320 }, { 32, 128 }, 128 },
    { "inception5a", 256, { 160, 320 }, { 32, 128 }, 128 },
    { "inception5b", 384, { 192, 384 }, { 48, 128 }, 128 },
};

gn_node gn_conv_norm_relu(gn_graph *g, gn_node x, const struct gn_conv_options *conv,
                          const struct gn_norm_options *norm)
{
    struct gn_conv_options options = *conv;
    options.no_bias = true;
    return gn_relu(g, gn_batch_norm_with(g, gn_conv_with(g, x, &options), norm));
}

gn_node gn_conv_norm(gn_graph *g, gn_node x, int channels, int kernel, int stride, const char *name)
{
    const struct gn_conv_options options = {
        .channels = channels, .kernel = kernel, .stride = stride, .name = name
    };
    return gn_conv_norm_relu(g, x, &options, NULL);
}

gn_node gn_inception_norm(gn_graph *g, gn_node x, const struct gn_widths *w)
{
    gn_node p1 = gn_conv_norm(g, x, w->c1, 1, 1, path(w->name, "p1_1"));
    gn_node p2 = gn_conv_norm(g, x, w->c2.reduce, 1, 1, path(w->name, "p2_1"));
    p2 = gn_conv_norm(g, p2, w->c2.out, 3, 1, path(w->name, "p2_2"));
    gn_node p3 = gn_conv_norm(g, x, w->c3.reduce, 1, 1, path(w->name, "p3_1"));
    p3 = gn_conv_norm(g, p3, w->c3.out, 5, 1, path(w->name, "p3_2"));
    gn_node p4 = max_pool(g, x, 3, 1, path(w->name, "p4_1"));
    p4 = gn_conv_norm(g, p4, w->c4, 1, 1, path(w->name, "p4_2"));
    return gn_concat(g, (gn_node[]){ p1, p2, p3, p4 }, 4, w->name);
}
