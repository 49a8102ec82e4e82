/* Shape of a max pool. */
#include "ops/rules.h"

gn_status gn_pool_rule(const char *name, struct gn_shape in, const struct gn_pool_options *o,
                       struct gn_geometry *g)
{
    /* The winner's tap is kept in a byte, and every input pixel looks at kernel*kernel windows. */
    enum { LARGEST = 8 };
    if (o->kernel > LARGEST)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: pooling window %d (1 to %d are possible)", name,
                o->kernel, LARGEST);
    GN_TRY(gn_window_rule(name, in, o->kernel, o->stride == 0 ? o->kernel : o->stride, g));
    if (o->ceil && !o->explicit_pads)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: ceil belongs to explicit pads", name);
    const struct gn_pads pads = { o->pad_top, o->pad_bottom, o->pad_left, o->pad_right, o->ceil };
    return o->explicit_pads ? gn_pads_rule(name, &pads, g) : GN_OK;
}
