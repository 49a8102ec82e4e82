/* Concatenation along the channels, of inputs of equal height and width. */
#include "ops/c99.h"
#include "ops/rules.h"

static gn_status rule(struct gn_rule *r)
{
    const struct gn_shape *in = r->in;
    r->g = gn_same_geometry(in[0]);
    r->g.oc = 0;
    for (int i = 0; i < r->n_in; i++) {
        if (in[i].h != r->g.h || in[i].w != r->g.w)
            GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: input %d is %dx%dx%d, input 0 is %dx%dx%d", r->name,
                    i, in[i].h, in[i].w, in[i].c, in[0].h, in[0].w, in[0].c);
        r->g.oc += in[i].c;
        if (r->g.oc > GN_MAX_CHANNELS)
            GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %d channels (%d are possible)", r->name, r->g.oc,
                    GN_MAX_CHANNELS);
    }
    r->g.c = r->g.oc;
    return GN_OK;
}

/* Its kernels copy one input. */
static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    (void)g;
    (void)given;
    op->type = "Concat";
    gn_onnx_int(op, "axis", 1);
}

const struct gn_operator gn_op_concat = {
    .id = GN_OP_CONCAT,
    .name = "concat",
    .type = "Concatenate",
    .kind = "concat",
    .inputs = GN_ANY_INPUTS,
    .rule = rule,
    GN_KERNELS(concat),
    .joins = true,
    .by_image = true,
    .simple = true,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_concat_c99),
};
