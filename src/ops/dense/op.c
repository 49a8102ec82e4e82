/* Dense layer: a convolution whose window covers its whole input, so that it has no kernels of its
 * own. */
#include "ops/attributes.h"
#include "ops/c99.h"
#include "ops/rules.h"

static const struct gn_attribute attributes[] = { GN_INT(struct gn_dense_attributes, units, 0, 0) };

static gn_status rule(struct gn_rule *r)
{
    enum { LARGEST = 8 };
    const struct gn_dense_attributes *a = r->attributes;
    const struct gn_shape in = r->in[0];
    if (a->units < 1 || a->units > GN_MAX_CHANNELS)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %d units (1 to %d are possible)", r->name, a->units,
                GN_MAX_CHANNELS);
    if (in.h > LARGEST || in.w > LARGEST)
        GN_FAIL(GN_STATUS_BAD_SHAPE,
                "%s: a dense layer takes a vector or a map of at most %dx%d, its input is "
                "%dx%dx%d (pool it first)",
                r->name, LARGEST, LARGEST, in.h, in.w, in.c);
    /* A flattened map is a window that covers it: the weights have the same order. */
    r->g = (struct gn_geometry){ in.h, in.w, in.c, 1, 1, a->units, in.h, in.w, 1, 1, 0, 0 };
    return GN_OK;
}

static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    (void)g;
    (void)given;
    op->type = "Gemm";
    op->takes_rows = true;
    gn_onnx_int(op, "transB", 1);
}

const struct gn_operator gn_op_dense = {
    .id = GN_OP_DENSE,
    .name = "dense",
    .type = "Dense",
    .kind = "dense",
    .inputs = 1,
    GN_ATTRIBUTES(attributes, struct gn_dense_attributes),
    .rule = rule,
    .tensors = { { .suffix = "weight", .shape = GN_TENSOR_MATRIX, .start = GN_START_KERNEL },
                 { .suffix = "bias", .shape = GN_TENSOR_CHANNELS, .start = GN_START_BIAS } },
    GN_KERNELS(conv),
    .multiplies = true,
    .makes_vector = true,
    .takes_relu = true,
    .by_image = true,
    .simple = true,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_dense_c99),
};
