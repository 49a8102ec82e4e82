/* Convolution: attributes, shape and tensors. */
#include "ops/c99.h"
#include "ops/rules.h"

static const struct gn_attribute attributes[] = {
    GN_INT(struct gn_conv_options, channels, 0, 0),
    GN_INT(struct gn_conv_options, kernel, 0, 0),
    GN_INT(struct gn_conv_options, stride, 0, 0),
    GN_INT(struct gn_conv_options, kernel_h, 0, 0),
    GN_INT(struct gn_conv_options, kernel_w, 0, 0),
    GN_INT(struct gn_conv_options, stride_h, 0, 0),
    GN_INT(struct gn_conv_options, stride_w, 0, 0),
    GN_FLAG(struct gn_conv_options, explicit_pads, 0),
    GN_INT(struct gn_conv_options, pad_top, 0, 0),
    GN_INT(struct gn_conv_options, pad_bottom, 0, 0),
    GN_INT(struct gn_conv_options, pad_left, 0, 0),
    GN_INT(struct gn_conv_options, pad_right, 0, 0),
    GN_FLAG(struct gn_conv_options, no_bias, 0),
    GN_FLAG(struct gn_conv_options, int8, 0),
};

static gn_status rule(struct gn_rule *r)
{
    struct gn_conv_options *o = r->attributes;
    if (o->channels < 1 || o->channels > GN_MAX_CHANNELS)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %d output channels (1 to %d are possible)", r->name,
                o->channels, GN_MAX_CHANNELS);
    o->stride = o->stride == 0 && (o->stride_h == 0 || o->stride_w == 0) ? 1 : o->stride;
    GN_TRY(gn_window_rule(r->name, r->in[0], &GN_WINDOW_OF(o, "kernel", GN_MAX_KERNEL), &r->g));
    r->g.oc = o->channels;
    if (!o->explicit_pads)
        return GN_OK;
    const struct gn_pads pads = { o->pad_top, o->pad_bottom, o->pad_left, o->pad_right, false };
    return gn_pads_rule(r->name, &pads, &r->g);
}

static void onnx(const struct gn_geometry *g, const void *given, struct gn_onnx_op *op)
{
    (void)given;
    op->type = "Conv";
    gn_onnx_window(op, g);
}

const struct gn_operator gn_op_conv = {
    .id = GN_OP_CONV,
    .name = "conv",
    .type = "Conv2D",
    .kind = "conv",
    .inputs = 1,
    GN_ATTRIBUTES(attributes, struct gn_conv_options),
    .rule = rule,
    .tensors = { { .suffix = "weight", .shape = GN_TENSOR_WINDOW, .start = GN_START_KERNEL },
                 { .suffix = "bias",
                   .shape = GN_TENSOR_CHANNELS,
                   .start = GN_START_BIAS,
                   .unless = "no_bias" },
                 { .suffix = "weight_scale",
                   .shape = GN_TENSOR_CHANNELS,
                   .start = GN_START_CONSTANT,
                   .constant = 1,
                   .running = true,
                   .only = "int8" } },
    GN_KERNELS(conv),
    .has_window = true,
    .multiplies = true,
    .takes_relu = true,
    .takes_norm = true,
    .by_image = true,
    .simple = true,
    .onnx = GN_IN_FULL(onnx),
    .c99 = GN_IN_FULL(gn_conv_c99),
};

/* The other way to compute one. */
const struct gn_operator gn_op_winograd = {
    .id = GN_OP_WINOGRAD,
    .name = "winograd",
    .type = "Conv2D",
    .kind = "winograd",
    GN_KERNELS(winograd),
    .by_image = true,
    .simple = true,
};
