/* The sum of layers of equal shape: a residual connection. */
#include "ops/c99.h"
#include "ops/rules.h"

static gn_status rule(struct gn_rule *r)
{
    const struct gn_shape *in = r->in;
    if (r->n_in < 2)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: a sum of %d layer (2 to %d)", r->name, r->n_in,
                GN_MAX_INPUTS);
    for (int i = 1; i < r->n_in; i++)
        if (in[i].h != in[0].h || in[i].w != in[0].w || in[i].c != in[0].c)
            GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: input %d is %dx%dx%d, input 0 is %dx%dx%d", r->name,
                    i, in[i].h, in[i].w, in[i].c, in[0].h, in[0].w, in[0].c);
    return gn_same_rule(r);
}

static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    (void)g;
    (void)given;
    op->type = "Sum";
    op->type_of_two = "Add";
}

const struct gn_operator gn_op_sum = {
    .id = GN_OP_SUM,
    .name = "sum",
    .type = "Add",
    .kind = "sum",
    .inputs = GN_ANY_INPUTS,
    .rule = rule,
    GN_KERNELS(sum),
    .keeps_vector = true,
    .adds = true,
    .takes_relu = true,
    .by_image = true,
    .simple = true,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_sum_c99),
};
