/* Global mean: one value a channel. */
#include "ops/c99.h"
#include "ops/rules.h"

static gn_status rule(struct gn_rule *r)
{
    const struct gn_shape in = r->in[0];
    r->g = (struct gn_geometry){ in.h, in.w, in.c, 1, 1, in.c, in.h, in.w, 1, 1, 0, 0 };
    return GN_OK;
}

static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    (void)g;
    (void)given;
    op->type = "GlobalAveragePool";
}

const struct gn_operator gn_op_global_avg_pool = {
    .id = GN_OP_GLOBAL_AVG_POOL,
    .name = "global_avg_pool",
    .type = "GlobalAveragePooling2D",
    .kind = "global_pool",
    .inputs = 1,
    .rule = rule,
    GN_KERNELS(global_avg_pool),
    .makes_vector = true,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_global_avg_pool_c99),
};
