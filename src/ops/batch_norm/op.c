/* Batch normalisation: attributes and tensors. */
#include "ops/batch_norm/norm.h"
#include "ops/c99.h"
#include "ops/rules.h"

static const struct gn_attribute attributes[] = {
    GN_REAL(struct gn_norm_options, eps, 1e-3, 1),
    GN_REAL(struct gn_norm_options, momentum, 0.99, 2),
    GN_FLAG(struct gn_norm_options, unbiased, 3),
};

static gn_status rule(struct gn_rule *r)
{
    const struct gn_norm_options *o = r->attributes;
    if (!(o->eps >= 0) || o->eps > 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: eps %g (above 0 to 1, or 0 for 0.001)", r->name,
                o->eps);
    if (!(o->momentum >= 0) || o->momentum >= 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: momentum %g (above 0 to below 1, or 0 for 0.99)",
                r->name, o->momentum);
    return gn_same_rule(r);
}

static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    const struct gn_norm_options *o = given;
    (void)g;
    op->type = "BatchNormalization";
    gn_onnx_real(op, "epsilon", o->eps);
    gn_onnx_real(op, "momentum", o->momentum);
}

const struct gn_operator gn_op_batch_norm = {
    .id = GN_OP_BATCH_NORM,
    .name = "batch_norm",
    .type = "BatchNormalization",
    .kind = "norm",
    .inputs = 1,
    GN_ATTRIBUTES(attributes, struct gn_norm_options),
    .rule = rule,
    .tensors = { [GN_NORM_GAMMA] = { "gamma", GN_TENSOR_CHANNELS, GN_START_CONSTANT, 1, false, NULL,
                                     NULL },
                 [GN_NORM_BETA] = { "beta", GN_TENSOR_CHANNELS, GN_START_CONSTANT, 0, false, NULL,
                                    NULL },
                 [GN_NORM_RUNNING_MEAN] = { "mean", GN_TENSOR_CHANNELS, GN_START_CONSTANT, 0, true,
                                            NULL, NULL },
                 [GN_NORM_RUNNING_VARIANCE] = { "variance", GN_TENSOR_CHANNELS, GN_START_CONSTANT,
                                                1, true, NULL, NULL } },
    GN_KERNELS(batch_norm),
    .keeps_vector = true,
    .takes_relu = true,
    .fuses = GN_FUSE_NORM,
    .whole_batch = true,
    .backs_in_place = true,
    .shared_floats = gn_norm_floats,
    .group_doubles = gn_norm_group_doubles,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_batch_norm_c99),
};
