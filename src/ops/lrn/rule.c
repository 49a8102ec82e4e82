/* Constants of a local response normalisation. */
#include "ops/rules.h"

gn_status gn_lrn_rule(const char *name, const struct gn_lrn_options *o,
                      struct gn_constants *constants)
{
    enum { LARGEST = 63 };
    if (o->size < 0 || o->size > LARGEST || (o->size != 0 && o->size % 2 == 0))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: a window of %d channels (odd, 1 to %d)", name, o->size,
                LARGEST);
    if (!(o->alpha >= 0) || !(o->beta >= 0) || !(o->k >= 0) || o->alpha > 1e6 || o->beta > 100 ||
        o->k > 1e6)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: alpha %g, beta %g, k %g (finite, none negative)", name,
                o->alpha, o->beta, o->k);
    constants->size = o->size > 0 ? o->size : 5;
    constants->alpha = o->alpha > 0 ? (float)o->alpha : 1e-4F;
    constants->beta = o->beta > 0 ? (float)o->beta : 0.75F;
    constants->k = o->k > 0 ? (float)o->k : 1;
    return GN_OK;
}
