/* Average pool. */
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
    GN_FLAG(struct gn_pool_options, count_padding, 9),
    GN_INT(struct gn_pool_options, adaptive, 0, 10),
};

/* The map in `parts` x `parts`. */
static gn_status adaptive_rule(struct gn_rule *r, int parts)
{
    const struct gn_shape in = r->in[0];
    if (parts < 0 || parts > GN_MAX_KERNEL)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %d adaptive windows (1 to %d are possible)", r->name,
                parts, GN_MAX_KERNEL);
    r->g = (struct gn_geometry){ in.h, in.w, in.c, parts, parts, in.c, 1, 1, 1, 1, 0, 0 };
    return GN_OK;
}

static gn_status rule(struct gn_rule *r)
{
    const struct gn_pool_options *o = r->attributes;
    if (o->adaptive != 0)
        return adaptive_rule(r, o->adaptive);
    if (o->ceil && o->count_padding)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "%s: padding cannot be counted where windows stand over the padded edge (take "
                "either ceil or count_padding)",
                r->name);
    return gn_pool_rule(r, "kernel", GN_MAX_KERNEL);
}

/* Adaptive windows of one size are ordinary ones. */
static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    const struct gn_pool_options *o = given;
    struct gn_geometry window = *g;
    op->type = "AveragePool";
    if (o->adaptive != 0) {
        if (g->h % g->oh != 0 || g->w % g->ow != 0)
            op->refused = "its adaptive windows are of different sizes";
        window.kh = window.stride_h = g->h / g->oh;
        window.kw = window.stride_w = g->w / g->ow;
    }
    gn_onnx_window(op, &window);
    gn_onnx_int(op, "count_include_pad", o->count_padding);
}

const struct gn_operator gn_op_avg_pool = {
    .id = GN_OP_AVG_POOL,
    .name = "avg_pool",
    .type = "AveragePooling2D",
    .kind = "avg_pool",
    .inputs = 1,
    GN_ATTRIBUTES(attributes, struct gn_pool_options),
    .rule = rule,
    GN_KERNELS(avg_pool),
    .has_window = true,
    .by_image = true,
    .simple = true,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_avg_pool_c99),
};
