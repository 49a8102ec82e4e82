/*
 * Channels of the input that a file takes apart, scales each by itself and joins again, as torchvision's
 * `transform_input` does, or whose order it reverses: they become preprocessing. Elsewhere parts of a
 * layer's channels are not read.
 */
#include "exchange/onnx/import.h"

enum {
    MAP = 1 << GN_ONNX_NCHW,
    NHWC = 1 << GN_ONNX_NHWC,
    CHANNEL = 1 << GN_ONNX_CHANNEL,
    PLANE = 1 << GN_ONNX_PLANE,
    MOST = 3
};

static gn_status unsupported(const struct gn_onnx_import *im, const char *what)
{
    return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "%s", what);
}

static bool is_channel_axis(const struct gn_onnx_entry *x, int64_t axis)
{
    const int64_t channels = x->layout == GN_ONNX_NHWC ? 3 : 1;
    return axis == channels || axis == channels - 4;
}

/* The input, of at most 3 channels, and not scaled as a whole. */
static gn_status find_input(struct gn_onnx_import *im, struct gn_onnx_entry **x)
{
    GN_TRY(gn_onnx_activation(im, 0, MAP | NHWC, NULL, x));
    if (*x != &im->entries[im->input_entry] || gn_onnx_shape(im, im->input).c > MOST || im->affine)
        return unsupported(im, "parts of the channels are read only right at the input, of at most "
                               "3 channels");
    return GN_OK;
}

/* Output `output` of the node is this channel of the input. */
static void give_channel(struct gn_onnx_import *im, const struct gn_onnx_entry *x, int output,
                         int channel, bool plane)
{
    struct gn_onnx_entry y = *x;
    struct gn_onnx_entry *entry =
        gn_onnx_find(im, gn_onnx_node_output(&im->file.nodes[im->node], output));
    if (entry == NULL)
        return;
    y.layout = plane ? GN_ONNX_PLANE : GN_ONNX_CHANNEL;
    y.channel = channel;
    y.factor = 1;
    y.summand = 0;
    y.name = entry->name;
    y.uses = entry->uses;
    y.reader = entry->reader;
    *entry = y;
}

/* All channels in the order of `from`: as they are, or reversed. */
static gn_status give_order(struct gn_onnx_import *im, const struct gn_onnx_entry *x,
                            const int *from, int n)
{
    const int c = gn_onnx_shape(im, im->input).c;
    bool same = n == c, reversed = n == c && c == 3;
    for (int i = 0; i < n; i++) {
        same &= from[i] == i;
        reversed &= from[i] == n - 1 - i;
    }
    if (!same && !reversed)
        return unsupported(im, "channels of the input are left out or mixed");
    im->bgr ^= !same;
    gn_onnx_alias(im, x);
    return GN_OK;
}

gn_status gn_onnx_read_gather(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    const struct gn_onnx_tensor *indices;
    int64_t list[MOST], axis = 0;
    int from[MOST];
    if (gn_onnx_only_shapes(im, node))
        return gn_onnx_read_shape(im, node);
    GN_TRY(find_input(im, &x));
    GN_TRY(gn_onnx_constant(im, 1, false, &indices));
    (void)gn_onnx_get_int(node, "axis", &axis);
    const int c = gn_onnx_shape(im, im->input).c;
    if (!is_channel_axis(x, axis) || indices->count < 1 || indices->count > (uint64_t)c ||
        indices->rank > 1)
        return unsupported(im, "it takes not channels of the input");
    GN_TRY(gn_onnx_to_ints(&im->file, indices, list));
    for (uint64_t i = 0; i < indices->count; i++) {
        from[i] = (int)(list[i] < 0 ? list[i] + c : list[i]);
        if (list[i] < -c || list[i] >= c)
            return gn_onnx_fail(im, GN_STATUS_BAD_MODEL, "a channel does not exist");
    }
    if (indices->count > 1)
        return x->uses == 1 ? give_order(im, x, from, (int)indices->count)
                            : unsupported(im, "the input is read as it is, too");
    im->n_parts++;
    give_channel(im, x, 0, from[0], indices->rank == 0);
    return GN_OK;
}

/* Number i of the starts, ends, axes or steps: an attribute before opset 10, later an input. False:
 * there is none, *value is left alone. */
static gn_status slice_value(struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                             const char *name, int input, int64_t *value)
{
    const struct gn_onnx_tensor *tensor;
    int64_t list[1];
    const int n = gn_onnx_get_ints(node, name, list, 1);
    if (n < 0) {
        GN_TRY(gn_onnx_constant(im, input, true, &tensor));
        if (tensor == NULL)
            return GN_OK;
        if (tensor->count != 1)
            return unsupported(im, "it cuts along more than one axis");
        return gn_onnx_to_ints(&im->file, tensor, value);
    }
    if (n != 1)
        return unsupported(im, "it cuts along more than one axis");
    *value = list[0];
    return GN_OK;
}

gn_status gn_onnx_read_slice(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    int64_t start = 0, end = 0, axis = 0, step = 1;
    if (gn_onnx_only_shapes(im, node))
        return gn_onnx_read_shape(im, node);
    GN_TRY(find_input(im, &x));
    GN_TRY(slice_value(im, node, "starts", 1, &start));
    GN_TRY(slice_value(im, node, "ends", 2, &end));
    GN_TRY(slice_value(im, node, "axes", 3, &axis));
    GN_TRY(slice_value(im, node, "steps", 4, &step));
    const int c = gn_onnx_shape(im, im->input).c;
    start += start < 0 ? c : 0;
    end = end < 0 ? end + c : end > c ? c : end;
    if (!is_channel_axis(x, axis) || step != 1 || start < 0 || start >= c || end <= start)
        return unsupported(im, "it takes not channels of the input");
    if (start == 0 && end == c) {
        gn_onnx_alias(im, x);
        return GN_OK;
    }
    if (end != start + 1)
        return unsupported(im, "it takes not one channel of the input");
    im->n_parts++;
    give_channel(im, x, 0, (int)start, false);
    return GN_OK;
}

gn_status gn_onnx_read_split(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    const struct gn_onnx_tensor *sizes;
    int64_t axis = 0, list[MOST] = { 1, 1, 1 };
    if (gn_onnx_only_shapes(im, node))
        return gn_onnx_read_shape(im, node);
    GN_TRY(find_input(im, &x));
    GN_TRY(gn_onnx_constant(im, 1, true, &sizes));
    (void)gn_onnx_get_int(node, "axis", &axis);
    const int c = gn_onnx_shape(im, im->input).c;
    if (sizes != NULL && sizes->count == (uint64_t)c)
        GN_TRY(gn_onnx_to_ints(&im->file, sizes, list));
    else if (sizes != NULL || gn_onnx_get_ints(node, "split", list, MOST) > MOST)
        return unsupported(im, "it takes not single channels of the input");
    if (!is_channel_axis(x, axis) || node->n_outputs != c || list[0] != 1 || list[1] != 1 ||
        list[2] != 1)
        return unsupported(im, "it takes not single channels of the input");
    im->n_parts++;
    for (int i = 0; i < c; i++)
        give_channel(im, x, i, i, false);
    return GN_OK;
}

gn_status gn_onnx_join_channels(struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                                int64_t axis)
{
    struct gn_onnx_entry *x;
    int from[MOST];
    const struct gn_onnx_entry *input = &im->entries[im->input_entry];
    if (node->n_inputs > MOST || node->n_inputs != gn_onnx_shape(im, im->input).c ||
        !(axis == 1 || axis == -3) || im->affine)
        return unsupported(im, "it joins not all channels of the input");
    if (input->uses != im->n_parts)
        return unsupported(im, "the input is read as it is, too");
    for (int i = 0; i < node->n_inputs; i++) {
        GN_TRY(gn_onnx_activation(im, i, CHANNEL, NULL, &x));
        if (x->uses != 1)
            return unsupported(im, "a channel of the input is read more than once");
        from[i] = x->channel;
        im->factor[i] = x->factor;
        im->summand[i] = x->summand;
    }
    struct gn_onnx_entry whole = *input;
    whole.uses = 1;
    whole.layout = GN_ONNX_NCHW;
    im->affine = true;
    return give_order(im, &whole, from, node->n_inputs);
}

gn_status gn_onnx_read_plane(struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                             const int64_t *axes, int n)
{
    struct gn_onnx_entry *x;
    const bool squeeze = gn_pb_is(node->type, "Squeeze");
    GN_TRY(gn_onnx_activation(im, 0, squeeze ? CHANNEL : PLANE, NULL, &x));
    if (n != 1 || !(axes[0] == 1 || axes[0] == -3))
        return unsupported(im, "only the dimension of channels is taken away or added");
    struct gn_onnx_entry y = *x;
    y.layout = squeeze ? GN_ONNX_PLANE : GN_ONNX_CHANNEL;
    gn_onnx_alias(im, &y);
    return GN_OK;
}
