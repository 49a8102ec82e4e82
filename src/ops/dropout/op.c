/* Dropout. */
#include "ops/attributes.h"
#include "ops/rules.h"

static const struct gn_attribute attributes[] = {
    GN_REAL(struct gn_dropout_attributes, rate, 0, 4),
};

static gn_status rule(struct gn_rule *r)
{
    const struct gn_dropout_attributes *a = r->attributes;
    if (!(a->rate >= 0) || a->rate >= 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: a rate of %g (0 to below 1)", r->name, a->rate);
    return gn_same_rule(r);
}

const struct gn_operator gn_op_dropout = {
    .id = GN_OP_DROPOUT,
    .name = "dropout",
    .type = "Dropout",
    .kind = "dropout",
    .inputs = 1,
    GN_ATTRIBUTES(attributes, struct gn_dropout_attributes),
    .rule = rule,
    GN_ONE_KERNEL(dropout),
    .word = "dropout",
    .least = 1,
    .most = 1,
    .usage = "NAME RATE",
    .keeps_vector = true,
    .fuses = GN_FUSE_SAME,
};
