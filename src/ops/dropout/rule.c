/* Constants of a dropout layer. */
#include "ops/rules.h"

gn_status gn_dropout_rule(const char *name, double rate, struct gn_constants *constants)
{
    if (!(rate >= 0) || rate >= 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: a rate of %g (0 to below 1)", name, rate);
    constants->rate = (float)rate;
    return GN_OK;
}
