/* Shape of an average pool. */
#include "ops/rules.h"

/* The map in `parts` x `parts`. */
static gn_status adaptive_rule(const char *name, struct gn_shape in, int parts,
                               struct gn_geometry *g)
{
    if (parts < 0 || parts > GN_MAX_KERNEL)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %d adaptive windows (1 to %d are possible)", name, parts,
                GN_MAX_KERNEL);
    *g = (struct gn_geometry){ in.h, in.w, in.c, parts, parts, in.c, 1, 1, 1, 0, 0 };
    return GN_OK;
}

gn_status gn_avg_pool_rule(const char *name, struct gn_shape in, const struct gn_pool_options *o,
                           struct gn_geometry *g, struct gn_constants *constants)
{
    constants->adaptive = o->adaptive != 0;
    constants->count_padding = o->count_padding;
    if (constants->adaptive)
        return adaptive_rule(name, in, o->adaptive, g);
    if (o->ceil && o->count_padding)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "%s: padding cannot be counted where windows stand over the padded edge (take "
                "either ceil or count_padding)",
                name);
    GN_TRY(gn_window_rule(name, in, o->kernel, o->stride == 0 ? o->kernel : o->stride, g));
    if (o->ceil && !o->explicit_pads)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: ceil belongs to explicit pads", name);
    const struct gn_pads pads = { o->pad_top, o->pad_bottom, o->pad_left, o->pad_right, o->ceil };
    return o->explicit_pads ? gn_pads_rule(name, &pads, g) : GN_OK;
}
