/* The convolutions that networks are made of, and Inception blocks in a row. */
#include "models/models.h"

const struct gn_norm_options gn_norm_keras = { .eps = 1e-3, .momentum = 0.99 };
const struct gn_norm_options gn_norm_pytorch = { .eps = 1e-3, .momentum = 0.9, .unbiased = true };

/* The options with the pads that the unit asks for. */
static struct gn_conv_options padded(const struct gn_unit *unit,
                                     const struct gn_conv_options *options)
{
    struct gn_conv_options o = *options;
    if (unit->symmetric) {
        o.explicit_pads = true;
        o.pad_top = o.pad_bottom = (o.kernel_h != 0 ? o.kernel_h : o.kernel) / 2;
        o.pad_left = o.pad_right = (o.kernel_w != 0 ? o.kernel_w : o.kernel) / 2;
    }
    o.no_bias = o.no_bias || unit->norm != NULL;
    return o;
}

gn_node gn_linear_unit(gn_graph *g, gn_node x, const struct gn_unit *unit,
                       const struct gn_conv_options *options)
{
    const struct gn_conv_options o = padded(unit, options);
    const gn_node y = gn_conv_with(g, x, &o);
    return unit->norm == NULL ? y : gn_batch_norm_with(g, y, unit->norm);
}

gn_node gn_conv_unit(gn_graph *g, gn_node x, const struct gn_unit *unit,
                     const struct gn_conv_options *options)
{
    const struct gn_conv_options o = padded(unit, options);
    return unit->norm == NULL ? gn_conv_relu_with(g, x, &o)
                              : gn_relu(g, gn_linear_unit(g, x, unit, options));
}

gn_node gn_inceptions(gn_graph *g, gn_node x, int first, int last, const struct gn_unit *unit)
{
    for (int i = first; i <= last; i++)
        x = gn_inception_of(g, x, &gn_paper_widths[i], unit);
    return x;
}

gn_node gn_inception(gn_graph *g, gn_node x, const char *name, int c1, gn_pair c2, gn_pair c3,
                     int c4)
{
    const struct gn_widths widths = { name, c1, c2, c3, c4 };
    return gn_inception_of(g, x, &widths, &(struct gn_unit){ .third = 5 });
}
