/* Local response normalisation across channels. */
#include "ops/c99.h"
#include "ops/rules.h"

static const struct gn_attribute attributes[] = {
    GN_INT(struct gn_lrn_options, size, 5, 5),
    GN_REAL(struct gn_lrn_options, alpha, 1e-4, 6),
    GN_REAL(struct gn_lrn_options, beta, 0.75, 7),
    GN_REAL(struct gn_lrn_options, k, 1, 8),
};

static gn_status rule(struct gn_rule *r)
{
    enum { LARGEST = 63 };
    const struct gn_lrn_options *o = r->attributes;
    if (o->size < 0 || o->size > LARGEST || o->size % 2 == 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: a window of %d channels (odd, 1 to %d)", r->name,
                o->size, LARGEST);
    if (!(o->alpha >= 0) || !(o->beta >= 0) || !(o->k >= 0) || o->alpha > 1e6 || o->beta > 100 ||
        o->k > 1e6)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: alpha %g, beta %g, k %g (finite, none negative)",
                r->name, o->alpha, o->beta, o->k);
    return gn_same_rule(r);
}

static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    const struct gn_lrn_options *o = given;
    (void)g;
    op->type = "LRN";
    gn_onnx_int(op, "size", o->size);
    gn_onnx_real(op, "alpha", o->alpha);
    gn_onnx_real(op, "beta", o->beta);
    gn_onnx_real(op, "bias", o->k);
}

const struct gn_operator gn_op_lrn = {
    .id = GN_OP_LRN,
    .name = "lrn",
    .type = "LRN",
    .kind = "lrn",
    .inputs = 1,
    GN_ATTRIBUTES(attributes, struct gn_lrn_options),
    .rule = rule,
    GN_KERNELS(lrn),
    .word = "lrn",
    .least = 0,
    .most = 1,
    .usage = "NAME [SIZE]",
    .keeps_vector = true,
    .by_image = true,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_lrn_c99),
};
