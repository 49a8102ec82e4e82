/* What the networks of this family have in common: the widths of their blocks, and the convolution
 * of the normalised ones. */
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
