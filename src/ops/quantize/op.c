/* Values rounded to a multiple of a scale, from 0 to 255 times: between two convolutions with weights of 8
 * bits they stand as bytes (plan/bytes.c). */
#include "ops/attributes.h"
#include "ops/c99.h"
#include "ops/rules.h"

static const struct gn_attribute attributes[] = {
    GN_REAL(struct gn_quantize_attributes, scale, 0, 0),
};

static gn_status rule(struct gn_rule *r)
{
    const struct gn_quantize_attributes *a = r->attributes;
    if (!(a->scale >= 1e-30) || !(a->scale <= 1e30))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: a scale of %g (1e-30 to 1e30)", r->name, a->scale);
    return gn_same_rule(r);
}

const struct gn_operator gn_op_quantize = {
    .id = GN_OP_QUANTIZE,
    .name = "quantize",
    .type = "Quantize",
    .kind = "quantize",
    .inputs = 1,
    GN_ATTRIBUTES(attributes, struct gn_quantize_attributes),
    .rule = rule,
    GN_KERNELS(quantize),
    .keeps_vector = true,
    .fuses = GN_FUSE_BYTES,
    .by_image = true,
    .simple = true,
    .c99 = GN_IN_FULL(gn_quantize_c99),
};
