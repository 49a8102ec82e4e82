/* Nodes that become layers. */
#include "exchange/onnx/import.h"
#include "ops/attributes.h"
#include "ops/batch_norm/norm.h"
#include "ops/rules.h"

enum {
    MAP = 1 << GN_ONNX_NCHW,
    VECTOR = 1 << GN_ONNX_VECTOR,
    FLAT = 1 << GN_ONNX_FLAT_CHW | 1 << GN_ONNX_FLAT_HWC,
    WHOLE = MAP | 1 << GN_ONNX_NHWC | VECTOR | FLAT
};

static gn_status unsupported(const struct gn_onnx_import *im, const char *what)
{
    return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "%s", what);
}

/* ---- Windows ---- */

struct window {
    int kernel[2], stride[2], pads[4]; /* h, w; top, left, bottom, right */
};

static bool two(const struct gn_onnx_node_in *node, const char *name, int values[2])
{
    int64_t list[2];
    const int n = gn_onnx_get_ints(node, name, list, 2);
    if (n < 0)
        return true;
    if (n != 2 || list[0] < 1 || list[1] < 1 || list[0] > GN_MAX_SIZE || list[1] > GN_MAX_SIZE)
        return false;
    values[0] = (int)list[0];
    values[1] = (int)list[1];
    return true;
}

/* Pads that the size of the input decides; the odd one comes after or before. */
static void same_pads(struct gn_shape in, bool upper, struct window *w)
{
    const int size[2] = { in.h, in.w };
    for (int i = 0; i < 2; i++) {
        int out, before, after;
        gn_same_padding(size[i], w->kernel[i], w->stride[i], &out, &before, &after);
        w->pads[i] = upper ? before : after;
        w->pads[i + 2] = upper ? after : before;
    }
}

static gn_status read_pads(const struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                           struct gn_shape in, struct window *w)
{
    struct gn_pb_slice kind;
    int64_t list[4];
    const int n = gn_onnx_get_ints(node, "pads", list, 4);
    if (gn_onnx_get_text(node, "auto_pad", &kind) && !gn_pb_is(kind, "NOTSET")) {
        const bool upper = gn_pb_is(kind, "SAME_UPPER");
        if (upper || gn_pb_is(kind, "SAME_LOWER"))
            same_pads(in, upper, w);
        else if (!gn_pb_is(kind, "VALID"))
            return unsupported(im, "its auto_pad is unknown");
        return GN_OK;
    }
    if (n >= 0 && n != 4)
        return unsupported(im, "only windows over height and width are read");
    for (int i = 0; i < n; i++) {
        if (list[i] < 0 || list[i] > GN_MAX_KERNEL)
            return unsupported(im, "pads below 0 or above 64 are not read");
        w->pads[i] = (int)list[i];
    }
    return GN_OK;
}

static gn_status read_window(const struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                             struct gn_shape in, struct window *w)
{
    int dilation[2] = { 1, 1 };
    if (!two(node, "kernel_shape", w->kernel) || !two(node, "strides", w->stride) ||
        !two(node, "dilations", dilation))
        return unsupported(im, "only windows over height and width are read");
    if (dilation[0] != 1 || dilation[1] != 1)
        return unsupported(im, "dilations other than 1 are not read");
    return read_pads(im, node, in, w);
}

gn_status gn_onnx_read_conv(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    const struct gn_onnx_tensor *weights, *bias;
    struct window w = { .stride = { 1, 1 } };
    int64_t group = 1;
    int pads[4];
    char name[GN_NAME_BYTES];
    GN_TRY(gn_onnx_activation(im, 0, MAP, pads, &x));
    GN_TRY(gn_onnx_constant(im, 1, false, &weights));
    GN_TRY(gn_onnx_constant(im, 2, true, &bias));
    const struct gn_shape in = gn_onnx_shape(im, x->node);
    if (weights->rank != 4 || weights->dims[2] < 1 || weights->dims[2] > GN_MAX_KERNEL ||
        weights->dims[3] < 1 || weights->dims[3] > GN_MAX_KERNEL)
        return unsupported(im, "only windows over height and width, up to 64, are read");
    if ((gn_onnx_get_int(node, "group", &group) && group != 1) || weights->dims[1] != in.c)
        return unsupported(im, "convolutions in groups are not read");
    w.kernel[0] = (int)weights->dims[2];
    w.kernel[1] = (int)weights->dims[3];
    GN_TRY(read_window(im, node, in, &w));
    if (w.kernel[0] != weights->dims[2] || w.kernel[1] != weights->dims[3])
        return gn_onnx_fail(im, GN_STATUS_BAD_MODEL, "kernel_shape is not that of the weights");
    /* An Add of a constant after it is its bias. */
    struct gn_onnx_entry *y = gn_onnx_find(im, gn_onnx_node_output(node, 0));
    const bool added = gn_onnx_adds_constant(im, y);
    const gn_node layer = gn_conv(
        im->graph, x->node, (int)weights->dims[0], .kernel_h = w.kernel[0], .kernel_w = w.kernel[1],
        .stride_h = w.stride[0], .stride_w = w.stride[1], .explicit_pads = true,
        .pad_top = w.pads[0] + pads[0], .pad_left = w.pads[1] + pads[1],
        .pad_bottom = w.pads[2] + pads[2], .pad_right = w.pads[3] + pads[3],
        .no_bias = bias == NULL && !added, .name = gn_onnx_layer_name(im, weights, name));
    GN_TRY(gn_onnx_take(im, layer, 0, weights, weights->count, GN_ONNX_OIHW, false));
    if (bias != NULL)
        GN_TRY(gn_onnx_take(im, layer, 1, bias, (uint64_t)weights->dims[0], GN_ONNX_AS_IS, false));
    gn_onnx_give(im, layer, GN_ONNX_NCHW);
    return GN_OK;
}

gn_status gn_onnx_read_pool(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    struct window w = { .stride = { 1, 1 } };
    int64_t ceil = 0, include = 0, order = 0;
    const bool average = gn_pb_is(node->type, "AveragePool");
    char name[GN_NAME_BYTES];
    GN_TRY(gn_onnx_activation(im, 0, MAP, NULL, &x));
    GN_TRY(read_window(im, node, gn_onnx_shape(im, x->node), &w));
    (void)gn_onnx_get_int(node, "ceil_mode", &ceil);
    (void)gn_onnx_get_int(node, "count_include_pad", &include);
    (void)gn_onnx_get_int(node, "storage_order", &order);
    if (w.kernel[0] == 0 || node->n_outputs > 1 || order != 0)
        return unsupported(im, "pools without kernel_shape or with indices are not read");
    const struct gn_pool_options options = { .kernel_h = w.kernel[0],
                                             .kernel_w = w.kernel[1],
                                             .stride_h = w.stride[0],
                                             .stride_w = w.stride[1],
                                             .explicit_pads = true,
                                             .pad_top = w.pads[0],
                                             .pad_left = w.pads[1],
                                             .pad_bottom = w.pads[2],
                                             .pad_right = w.pads[3],
                                             .ceil = ceil != 0,
                                             .count_padding = average && include != 0,
                                             .name = gn_onnx_layer_name(im, NULL, name) };
    gn_onnx_give(im,
                 average ? gn_avg_pool_with(im->graph, x->node, &options)
                         : gn_max_pool_with(im->graph, x->node, &options),
                 GN_ONNX_NCHW);
    return GN_OK;
}

gn_status gn_onnx_read_global_pool(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    (void)node;
    GN_TRY(gn_onnx_activation(im, 0, MAP, NULL, &x));
    gn_onnx_give(im, gn_global_avg_pool(im->graph, x->node), GN_ONNX_NCHW);
    return GN_OK;
}

/* ---- Values ---- */

gn_status gn_onnx_read_lrn(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    int64_t size = 0;
    float alpha = 1e-4F, beta = 0.75F, k = 1;
    char name[GN_NAME_BYTES];
    GN_TRY(gn_onnx_activation(im, 0, MAP, NULL, &x));
    (void)gn_onnx_get_float(node, "alpha", &alpha);
    (void)gn_onnx_get_float(node, "beta", &beta);
    (void)gn_onnx_get_float(node, "bias", &k);
    if (!gn_onnx_get_int(node, "size", &size) || size < 1 || size > GN_MAX_KERNEL)
        return unsupported(im, "its size is missing or above 64");
    if (!(alpha > 0) || !(beta > 0) || !(k > 0))
        return unsupported(im, "alpha, beta and bias must be above 0");
    gn_onnx_give(im,
                 gn_lrn(im->graph, x->node, (int)size, .alpha = (double)alpha, .beta = (double)beta,
                        .k = (double)k, .name = gn_onnx_layer_name(im, NULL, name)),
                 GN_ONNX_NCHW);
    return GN_OK;
}

gn_status gn_onnx_read_norm(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    static const int slots[] = { GN_NORM_GAMMA, GN_NORM_BETA, GN_NORM_RUNNING_MEAN,
                                 GN_NORM_RUNNING_VARIANCE };
    struct gn_onnx_entry *x;
    const struct gn_onnx_tensor *tensors[4];
    float eps = 1e-5F, momentum = 0.9F;
    int64_t training = 0;
    char name[GN_NAME_BYTES];
    GN_TRY(gn_onnx_activation(im, 0, MAP | VECTOR, NULL, &x));
    for (int i = 0; i < 4; i++)
        GN_TRY(gn_onnx_constant(im, i + 1, false, &tensors[i]));
    (void)gn_onnx_get_float(node, "epsilon", &eps);
    (void)gn_onnx_get_float(node, "momentum", &momentum);
    (void)gn_onnx_get_int(node, "training_mode", &training);
    if (training != 0 || !(eps > 0) || !(momentum > 0) || momentum >= 1)
        return unsupported(im,
                           "normalisations in training, without epsilon or momentum, are not read");
    const gn_node layer =
        gn_batch_norm(im->graph, x->node, .eps = (double)eps, .momentum = (double)momentum,
                      .unbiased = true, .name = gn_onnx_layer_name(im, tensors[0], name));
    const uint64_t channels = (uint64_t)gn_onnx_shape(im, x->node).c;
    for (int i = 0; i < 4; i++)
        GN_TRY(gn_onnx_take(im, layer, slots[i], tensors[i], channels, GN_ONNX_AS_IS, false));
    gn_onnx_give(im, layer, x->layout);
    return GN_OK;
}

/* A dense layer of a vector or a flattened map, with weights [out][in] or [in][out]. */
static gn_status read_dense(struct gn_onnx_import *im, const struct gn_onnx_tensor *weights,
                            const struct gn_onnx_tensor *bias, bool out_first, gn_node *made)
{
    struct gn_onnx_entry *x;
    char name[GN_NAME_BYTES];
    GN_TRY(gn_onnx_activation(im, 0, VECTOR | FLAT, NULL, &x));
    const struct gn_shape in = gn_onnx_shape(im, x->node);
    const int64_t inputs = (int64_t)in.h * in.w * in.c;
    if (weights->rank != 2 || weights->dims[out_first ? 1 : 0] != inputs)
        return gn_onnx_fail(im, GN_STATUS_BAD_MODEL, "the weights are not for %lld inputs",
                            (long long)inputs);
    const int64_t units = weights->dims[out_first ? 0 : 1];
    if (units < 1 || units > GN_MAX_CHANNELS)
        return unsupported(im, "its number of outputs is not possible");
    const gn_node layer =
        gn_dense(im->graph, x->node, (int)units, gn_onnx_layer_name(im, weights, name));
    struct gn_onnx_tensor as_stored = *weights;
    as_stored.transposed = false; /* the order says it */
    GN_TRY(gn_onnx_take(im, layer, 0, &as_stored, weights->count,
                        out_first != weights->transposed ? GN_ONNX_OUT_IN : GN_ONNX_IN_OUT,
                        x->layout == GN_ONNX_FLAT_CHW));
    if (bias != NULL) /* added to zeros: one value for all, or one a unit */
        GN_TRY(gn_onnx_take(im, layer, 1, bias, bias->count == 1 ? 1 : (uint64_t)units,
                            GN_ONNX_PLUS, false));
    gn_onnx_give(im, layer, GN_ONNX_VECTOR);
    *made = layer;
    return GN_OK;
}

/* A factor for all values of a layer's weights or bias. */
static gn_status scale(struct gn_onnx_import *im, gn_node layer, int slot, float factor)
{
    const struct gn_onnx_tensor value = { .filled = true, .fill = (double)factor, .count = 1 };
    if (!(factor < 1) && !(factor > 1))
        return GN_OK;
    return gn_onnx_take(im, layer, slot, &value, 1, GN_ONNX_TIMES, false);
}

gn_status gn_onnx_read_gemm(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    const struct gn_onnx_tensor *weights, *bias;
    float alpha = 1, beta = 1;
    int64_t trans_a = 0, trans_b = 0;
    gn_node layer;
    GN_TRY(gn_onnx_matrix(im, 1, &weights));
    GN_TRY(gn_onnx_constant(im, 2, true, &bias));
    (void)gn_onnx_get_float(node, "alpha", &alpha);
    (void)gn_onnx_get_float(node, "beta", &beta);
    (void)gn_onnx_get_int(node, "transA", &trans_a);
    (void)gn_onnx_get_int(node, "transB", &trans_b);
    if (trans_a != 0)
        return unsupported(im, "transA is not read");
    GN_TRY(read_dense(im, weights, bias, trans_b != 0, &layer));
    GN_TRY(scale(im, layer, 0, alpha));
    return scale(im, layer, 1, beta);
}

gn_status gn_onnx_read_matmul(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    const struct gn_onnx_tensor *weights;
    gn_node layer;
    (void)node;
    GN_TRY(gn_onnx_matrix(im, 1, &weights));
    return read_dense(im, weights, NULL, false, &layer);
}

gn_status gn_onnx_read_relu(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    (void)node;
    GN_TRY(gn_onnx_activation(im, 0, WHOLE, NULL, &x));
    const gn_node y = gn_relu(im->graph, x->node);
    if (y.id >= 0)
        im->graph->layers[y.id].hidden =
            x->uses == 1 && im->graph->layers[x->node.id].op->takes_relu;
    gn_onnx_give(im, y, x->layout);
    return GN_OK;
}

/* A bound: an attribute before opset 11, later an input; none leaves *value alone. */
static gn_status read_bound(struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                            const char *name, int input, float *value)
{
    const struct gn_onnx_tensor *tensor;
    if (im->file.opset < 11) {
        (void)gn_onnx_get_float(node, name, value);
        return GN_OK;
    }
    GN_TRY(gn_onnx_constant(im, input, true, &tensor));
    if (tensor != NULL && tensor->count != 1)
        return unsupported(im, "its bounds are not single numbers");
    return tensor == NULL ? GN_OK : gn_onnx_to_floats(&im->file, tensor, value);
}

/* max(x, 0) is a ReLU. */
gn_status gn_onnx_read_clip(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    float low = (float)-GN_MAX_FLOAT, high = (float)GN_MAX_FLOAT;
    char name[GN_NAME_BYTES];
    GN_TRY(read_bound(im, node, "min", 1, &low));
    GN_TRY(read_bound(im, node, "max", 2, &high));
    if (!(low < 0) && !(low > 0) && high >= (float)GN_MAX_FLOAT)
        return gn_onnx_read_relu(im, node);
    GN_TRY(gn_onnx_activation(im, 0, WHOLE, NULL, &x));
    gn_onnx_give(
        im,
        gn_clip(im->graph, x->node, (double)low, (double)high, gn_onnx_layer_name(im, NULL, name)),
        x->layout);
    return GN_OK;
}

gn_status gn_onnx_read_dropout(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    const struct gn_onnx_tensor *ratio = NULL;
    float rate = 0.5F;
    char name[GN_NAME_BYTES];
    GN_TRY(gn_onnx_activation(im, 0, WHOLE, NULL, &x));
    if (im->file.opset >= 12) {
        GN_TRY(gn_onnx_constant(im, 1, true, &ratio));
        if (ratio != NULL && ratio->count == 1)
            GN_TRY(gn_onnx_to_floats(&im->file, ratio, &rate));
    } else {
        (void)gn_onnx_get_float(node, "ratio", &rate);
    }
    if (!(rate >= 0) || rate >= 1)
        return unsupported(im, "its ratio is not from 0 to below 1");
    gn_onnx_give(im,
                 gn_dropout(im->graph, x->node, (double)rate, gn_onnx_layer_name(im, NULL, name)),
                 x->layout);
    return GN_OK;
}
