/* Shapes of convolution and dense layers. */
#include "ops/rules.h"

gn_status gn_conv_rule(const char *name, struct gn_shape in, const struct gn_conv_options *o,
                       struct gn_geometry *g)
{
    const int stride = o->stride == 0 ? 1 : o->stride;
    if (o->channels < 1 || o->channels > GN_MAX_CHANNELS)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %d output channels (1 to %d are possible)", name,
                o->channels, GN_MAX_CHANNELS);
    GN_TRY(gn_window_rule(name, in, o->kernel, stride, g));
    g->oc = o->channels;
    if (!o->explicit_pads)
        return GN_OK;
    const struct gn_pads pads = { o->pad_top, o->pad_bottom, o->pad_left, o->pad_right, false };
    return gn_pads_rule(name, &pads, g);
}

gn_status gn_dense_rule(const char *name, struct gn_shape in, int units, struct gn_geometry *g)
{
    enum { LARGEST = 8 };
    if (units < 1 || units > GN_MAX_CHANNELS)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %d units (1 to %d are possible)", name, units,
                GN_MAX_CHANNELS);
    if (in.h != in.w || in.h > LARGEST)
        GN_FAIL(GN_STATUS_BAD_SHAPE,
                "%s: a dense layer takes a vector or a square map of at most %dx%d, its input is "
                "%dx%dx%d (pool it first)",
                name, LARGEST, LARGEST, in.h, in.w, in.c);
    /* A flattened map is a window that covers it: the weights have the same order. */
    *g = (struct gn_geometry){ in.h, in.w, in.c, 1, 1, units, in.h, in.w, 1, 0, 0 };
    return GN_OK;
}
