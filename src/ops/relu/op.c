/* ReLU. */
#include "ops/c99.h"
#include "ops/rules.h"

static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    (void)g;
    (void)given;
    op->type = "Relu";
}

const struct gn_operator gn_op_relu = {
    .id = GN_OP_RELU,
    .name = "relu",
    .type = "ReLU",
    .kind = "relu",
    .inputs = 1,
    .rule = gn_same_rule,
    GN_KERNELS(relu),
    .keeps_vector = true,
    .fuses = GN_FUSE_RELU,
    .by_image = true,
    .back_reads_y = true,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_relu_c99),
};
