/* Constants of a batch normalisation. */
#include "ops/rules.h"

gn_status gn_norm_rule(const char *name, const struct gn_norm_options *o,
                       struct gn_constants *constants)
{
    if (!(o->eps >= 0) || o->eps > 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: eps %g (above 0 to 1, or 0 for 0.001)", name, o->eps);
    if (!(o->momentum >= 0) || o->momentum >= 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: momentum %g (above 0 to below 1, or 0 for 0.99)", name,
                o->momentum);
    constants->eps = o->eps > 0 ? (float)o->eps : 1e-3F;
    constants->keep = o->momentum > 0 ? (float)o->momentum : 0.99F;
    constants->unbiased = o->unbiased;
    return GN_OK;
}
