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
    const int pads[] = { o->pad_top, o->pad_bottom, o->pad_left, o->pad_right };
    for (int i = 0; i < 4; i++)
        if (pads[i] < 0 || pads[i] >= o->kernel)
            GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: padding %d (0 to kernel - 1 = %d are possible)", name,
                    pads[i], o->kernel - 1);
    const int padded_h = in.h + o->pad_top + o->pad_bottom;
    const int padded_w = in.w + o->pad_left + o->pad_right;
    if (padded_h < o->kernel || padded_w < o->kernel)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: kernel %d exceeds the padded input %dx%d", name,
                o->kernel, padded_h, padded_w);
    g->pad_top = o->pad_top;
    g->pad_left = o->pad_left;
    g->oh = (padded_h - o->kernel) / stride + 1;
    g->ow = (padded_w - o->kernel) / stride + 1;
    return GN_OK;
}

gn_status gn_dense_rule(const char *name, struct gn_shape in, int units, struct gn_geometry *g)
{
    if (units < 1 || units > GN_MAX_CHANNELS)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %d units (1 to %d are possible)", name, units,
                GN_MAX_CHANNELS);
    if (in.h != 1 || in.w != 1)
        GN_FAIL(GN_STATUS_BAD_SHAPE,
                "%s: a dense layer takes a vector, its input is %dx%dx%d (pool it first)", name,
                in.h, in.w, in.c);
    *g = (struct gn_geometry){ 1, 1, in.c, 1, 1, units, 1, 1, 1, 0, 0 };
    return GN_OK;
}
