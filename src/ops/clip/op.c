/* Values cut off below and above: ReLU6 is a clip from 0 to 6. */
#include "ops/attributes.h"
#include "ops/c99.h"
#include "ops/rules.h"

static const struct gn_attribute attributes[] = {
    GN_REAL(struct gn_clip_attributes, low, 0, 0),
    GN_REAL(struct gn_clip_attributes, high, 0, 0),
};

static gn_status rule(struct gn_rule *r)
{
    const struct gn_clip_attributes *a = r->attributes;
    if (!(a->low < a->high) || !(a->low >= -GN_MAX_FLOAT) || !(a->high <= GN_MAX_FLOAT))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "%s: values are cut off below %g and above %g (float32, the "
                "first below the second)",
                r->name, a->low, a->high);
    return gn_same_rule(r);
}

static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    enum { INPUTS_FROM = 11 };
    const struct gn_clip_attributes *a = given;
    (void)g;
    op->type = "Clip";
    op->inputs_from = INPUTS_FROM;
    gn_onnx_real(op, "min", a->low);
    gn_onnx_real(op, "max", a->high);
}

const struct gn_operator gn_op_clip = {
    .id = GN_OP_CLIP,
    .name = "clip",
    .type = "Clip",
    .kind = "clip",
    .inputs = 1,
    GN_ATTRIBUTES(attributes, struct gn_clip_attributes),
    .rule = rule,
    GN_ONE_KERNEL(clip),
    .word = "clip",
    .least = 2,
    .most = 2,
    .usage = "NAME LOW HIGH",
    .keeps_vector = true,
    .by_image = true,
    .back_reads_y = true,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_clip_c99),
};
