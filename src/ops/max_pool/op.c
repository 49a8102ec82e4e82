/* Max pool. */
#include "ops/c99.h"
#include "ops/rules.h"

static const struct gn_attribute attributes[] = {
    GN_INT(struct gn_pool_options, kernel, 0, 0),
    GN_INT(struct gn_pool_options, stride, 0, 0),
    GN_INT(struct gn_pool_options, kernel_h, 0, 0),
    GN_INT(struct gn_pool_options, kernel_w, 0, 0),
    GN_INT(struct gn_pool_options, stride_h, 0, 0),
    GN_INT(struct gn_pool_options, stride_w, 0, 0),
    GN_FLAG(struct gn_pool_options, explicit_pads, 0),
    GN_INT(struct gn_pool_options, pad_top, 0, 0),
    GN_INT(struct gn_pool_options, pad_bottom, 0, 0),
    GN_INT(struct gn_pool_options, pad_left, 0, 0),
    GN_INT(struct gn_pool_options, pad_right, 0, 0),
    GN_FLAG(struct gn_pool_options, ceil, 0),
};

static gn_status rule(struct gn_rule *r)
{
    /* The winner's tap is kept in a byte, and every input pixel looks at kh*kw windows. */
    enum { LARGEST = 8 };
    return gn_pool_rule(r, "pooling window", LARGEST);
}

/* The winner of each window. */
static size_t winners(const struct gn_geometry *g)
{
    return (size_t)g->oh * (size_t)g->ow * (size_t)g->oc;
}

static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    (void)given;
    op->type = "MaxPool";
    gn_onnx_window(op, g);
}

const struct gn_operator gn_op_max_pool = {
    .id = GN_OP_MAX_POOL,
    .name = "max_pool",
    .type = "MaxPooling2D",
    .kind = "pool",
    .inputs = 1,
    GN_ATTRIBUTES(attributes, struct gn_pool_options),
    .rule = rule,
    GN_KERNELS(max_pool),
    .has_window = true,
    .by_image = true,
    .simple = true,
    .keeps_relu_mask = true,
    .kept_bytes = winners,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_max_pool_c99),
};
