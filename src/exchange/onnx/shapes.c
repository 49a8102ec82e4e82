/* Nodes that move, name or shape values. */
#include "exchange/onnx/import.h"

enum {
    MAP = 1 << GN_ONNX_NCHW,
    NHWC = 1 << GN_ONNX_NHWC,
    VECTOR = 1 << GN_ONNX_VECTOR,
    FLAT = 1 << GN_ONNX_FLAT_CHW | 1 << GN_ONNX_FLAT_HWC,
    MOST_AXES = 8
};

static gn_status unsupported(const struct gn_onnx_import *im, const char *what)
{
    return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "%s", what);
}

/* An axis of a map by name: 1 channels, 2 height, 3 width. */
static int meaning(enum gn_onnx_layout layout, int64_t axis)
{
    static const int nhwc[] = { 0, 2, 3, 1 };
    axis = axis < 0 ? axis + 4 : axis;
    return axis < 0 || axis > 3 ? -1 : layout == GN_ONNX_NHWC ? nhwc[axis] : (int)axis;
}

/* Axes from the attribute or, in later opsets, from input 1: their number, -1 when there are none. */
static gn_status read_axes(struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                           int64_t axes[MOST_AXES], int *n)
{
    const struct gn_onnx_tensor *tensor;
    *n = gn_onnx_get_ints(node, "axes", axes, MOST_AXES);
    if (*n >= 0)
        return *n > MOST_AXES ? unsupported(im, "it has too many axes") : GN_OK;
    GN_TRY(gn_onnx_constant(im, 1, true, &tensor));
    if (tensor == NULL)
        return GN_OK;
    if (tensor->count > MOST_AXES)
        return unsupported(im, "it has too many axes");
    *n = (int)tensor->count;
    return gn_onnx_to_ints(&im->file, tensor, axes);
}

static bool is_height_and_width(enum gn_onnx_layout layout, const int64_t *axes, int n)
{
    bool height = false, width = false;
    for (int i = 0; i < n; i++) {
        height |= meaning(layout, axes[i]) == 2;
        width |= meaning(layout, axes[i]) == 3;
    }
    return n == 2 && height && width;
}

bool gn_onnx_only_shapes(const struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    for (int i = 0; i < node->n_inputs; i++) {
        const struct gn_pb_slice name = gn_onnx_node_input(node, i);
        const struct gn_onnx_entry *entry = gn_onnx_find(im, name);
        if (name.n > 0 &&
            (entry == NULL || entry->kind == GN_ONNX_ACTIVATION || entry->kind == GN_ONNX_UNKNOWN))
            return false;
    }
    return true;
}

gn_status gn_onnx_read_shape(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    if (!gn_pb_is(node->type, "Shape") && !gn_onnx_only_shapes(im, node))
        return unsupported(im, "it is read only where sizes are computed");
    gn_onnx_give_shape(im);
    return GN_OK;
}

gn_status gn_onnx_read_constant(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *entry = gn_onnx_find(im, gn_onnx_node_output(node, 0));
    if (entry == NULL)
        return GN_OK;
    if (!gn_onnx_get_tensor(&im->file, node, "value", &entry->tensor)) {
        gn_onnx_give_shape(im); /* a number or list of its own: good for sizes only */
        return GN_OK;
    }
    entry->kind = GN_ONNX_CONSTANT;
    return GN_OK;
}

/* A constant of one value; where its shape is computed, it is good for sizes only. */
gn_status gn_onnx_read_filled(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    enum { MOST_VALUES = 1 << 25 };
    const struct gn_onnx_entry *shape = gn_onnx_find(im, gn_onnx_node_input(node, 0));
    struct gn_onnx_entry *entry = gn_onnx_find(im, gn_onnx_node_output(node, 0));
    struct gn_onnx_tensor value;
    float fill = 0;
    if (entry == NULL || shape == NULL || shape->kind != GN_ONNX_CONSTANT)
        return gn_onnx_read_shape(im, node);
    if (shape->tensor.count > GN_ONNX_RANK)
        return unsupported(im, "more than 8 dimensions are not read");
    struct gn_onnx_tensor made = { .name = entry->name, .filled = true, .count = 1 };
    made.rank = (int)shape->tensor.count;
    GN_TRY(gn_onnx_to_ints(&im->file, &shape->tensor, made.dims));
    for (int i = 0; i < made.rank; i++) {
        if (made.dims[i] < 1 || made.dims[i] > MOST_VALUES ||
            made.count * (uint64_t)made.dims[i] > MOST_VALUES)
            return unsupported(im, "a constant of more than 33,554,432 equal values is not read");
        made.count *= (uint64_t)made.dims[i];
    }
    if (gn_onnx_get_tensor(&im->file, node, "value", &value) && value.count == 1)
        GN_TRY(gn_onnx_to_floats(&im->file, &value, &fill));
    made.fill = (double)fill;
    entry->tensor = made;
    entry->kind = GN_ONNX_CONSTANT;
    return GN_OK;
}

/* Identity, and Cast of what is a number already. */
gn_status gn_onnx_read_same(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    const struct gn_onnx_entry *x = gn_onnx_find(im, gn_onnx_node_input(node, 0));
    int64_t to = 1;
    if (x == NULL || x->kind == GN_ONNX_UNKNOWN)
        return gn_onnx_fail(im, GN_STATUS_BAD_MODEL, "its input is not made before it");
    if (x->kind == GN_ONNX_ACTIVATION && gn_onnx_get_int(node, "to", &to) && to != 1 && to != 10 &&
        to != 11)
        return unsupported(im, "activations become whole numbers");
    gn_onnx_alias(im, x);
    return GN_OK;
}

gn_status gn_onnx_read_softmax(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    int64_t axis = im->file.opset >= 13 ? -1 : 1;
    GN_TRY(gn_onnx_activation(im, 0, VECTOR, NULL, &x));
    const struct gn_onnx_entry *y = gn_onnx_find(im, gn_onnx_node_output(node, 0));
    (void)gn_onnx_get_int(node, "axis", &axis);
    if ((axis != 1 && axis != -1) || y == NULL || y->uses != 1 || y->reader >= 0)
        return unsupported(im, "a softmax is read only as the last node, over the classes");
    im->softmax = true;
    gn_onnx_alias(im, x);
    return GN_OK;
}

/* ---- Shapes ---- */

static gn_status flatten(struct gn_onnx_import *im, const struct gn_onnx_entry *x)
{
    struct gn_onnx_entry y = *x;
    const struct gn_shape in = gn_onnx_shape(im, x->node);
    if (x->layout == GN_ONNX_NCHW || x->layout == GN_ONNX_NHWC)
        y.layout = in.h * in.w == 1            ? GN_ONNX_VECTOR
                   : x->layout == GN_ONNX_NCHW ? GN_ONNX_FLAT_CHW
                                               : GN_ONNX_FLAT_HWC;
    gn_onnx_alias(im, &y);
    return GN_OK;
}

gn_status gn_onnx_read_flatten(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    int64_t axis = 1;
    GN_TRY(gn_onnx_activation(im, 0, MAP | NHWC | VECTOR | FLAT, NULL, &x));
    (void)gn_onnx_get_int(node, "axis", &axis);
    return axis == 1 ? flatten(im, x) : unsupported(im, "it flattens not from axis 1 on");
}

/* The target with 0 (as it is) and -1 (what is left) replaced; the batch stays 0. */
static bool settle(int64_t *dims, int n, const int64_t *from, int n_from, int64_t count)
{
    int64_t known = 1;
    int open = -1;
    for (int i = 0; i < n; i++) {
        if (dims[i] == 0 && i < n_from)
            dims[i] = from[i];
        if (i == 0)
            continue;
        if (dims[i] == -1 && open >= 0)
            return false;
        if (dims[i] == -1)
            open = i;
        else if (dims[i] < 1 || dims[i] > count)
            return false;
        else
            known *= dims[i];
        if (known > count)
            return false;
    }
    if (open >= 0)
        dims[open] = count / known;
    return (open >= 0 ? known * dims[open] : known) == count;
}

static gn_status reshape_to(struct gn_onnx_import *im, const struct gn_onnx_entry *x, int64_t *dims,
                            int n)
{
    const struct gn_shape s = gn_onnx_shape(im, x->node);
    const bool nhwc = x->layout == GN_ONNX_NHWC;
    const bool map = nhwc || x->layout == GN_ONNX_NCHW;
    const int64_t all = (int64_t)s.h * s.w * s.c;
    const int64_t from[] = { 0, !map ? all : nhwc ? s.h : s.c, nhwc ? s.w : s.h, nhwc ? s.c : s.w };
    struct gn_onnx_entry y = *x;
    if (!settle(dims, n, from, map ? 4 : 2, all))
        return unsupported(im, "its target does not hold the values of an image");
    if (n == 2)
        return flatten(im, x);
    const bool pixel = s.h * s.w == 1, grey = s.c == 1;
    if (n == 4 && (pixel || grey || x->layout == GN_ONNX_NCHW) && dims[1] == s.c &&
        dims[2] == s.h && dims[3] == s.w)
        y.layout = GN_ONNX_NCHW;
    else if (n == 4 && (pixel || grey || nhwc) && dims[1] == s.h && dims[2] == s.w &&
             dims[3] == s.c)
        y.layout = GN_ONNX_NHWC;
    else
        return unsupported(im, "it is neither a flatten nor keeps height, width and channels");
    gn_onnx_alias(im, &y);
    return GN_OK;
}

/* A constant whose values stay where they are. */
static gn_status reshape_constant(struct gn_onnx_import *im, const struct gn_onnx_tensor *from,
                                  int64_t *dims, int n)
{
    struct gn_onnx_entry made = { .kind = GN_ONNX_CONSTANT, .tensor = *from };
    const int64_t count = (int64_t)from->count;
    if (count < 1 || n < 1)
        return unsupported(im, "a constant without values is reshaped");
    for (int i = 0; i < n; i++)
        dims[i] = dims[i] == 0 && i < from->rank ? from->dims[i] : dims[i];
    int64_t rest[MOST_AXES + 1] = { 0 }; /* settle() leaves the first one, a batch, alone */
    for (int i = 0; i < n; i++)
        rest[i + 1] = dims[i];
    if (!settle(rest, n + 1, NULL, 0, count))
        return unsupported(im, "the target does not hold the values of the constant");
    made.tensor.rank = n;
    for (int i = 0; i < n; i++)
        made.tensor.dims[i] = rest[i + 1];
    gn_onnx_alias(im, &made);
    return GN_OK;
}

gn_status gn_onnx_read_reshape(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    const struct gn_onnx_entry *shape = gn_onnx_find(im, gn_onnx_node_input(node, 1));
    const struct gn_onnx_entry *data = gn_onnx_find(im, gn_onnx_node_input(node, 0));
    int64_t dims[MOST_AXES];
    if (data != NULL && shape != NULL && data->kind == GN_ONNX_CONSTANT &&
        shape->kind == GN_ONNX_CONSTANT && shape->tensor.count <= MOST_AXES) {
        GN_TRY(gn_onnx_to_ints(&im->file, &shape->tensor, dims));
        return reshape_constant(im, &data->tensor, dims, (int)shape->tensor.count);
    }
    if (gn_onnx_only_shapes(im, node))
        return gn_onnx_read_shape(im, node);
    GN_TRY(gn_onnx_activation(im, 0, MAP | NHWC | VECTOR | FLAT, NULL, &x));
    int n = gn_onnx_get_ints(node, "shape", dims, MOST_AXES);
    if (n >= 1 && n <= MOST_AXES)
        return reshape_to(im, x, dims, n);
    if (shape != NULL && shape->kind == GN_ONNX_CONSTANT && shape->tensor.count >= 1 &&
        shape->tensor.count <= MOST_AXES) {
        GN_TRY(gn_onnx_to_ints(&im->file, &shape->tensor, dims));
        return reshape_to(im, x, dims, (int)shape->tensor.count);
    }
    /* Sizes that the file computes: a dense layer after it says that it is a flatten. */
    const struct gn_onnx_entry *y = gn_onnx_find(im, gn_onnx_node_output(node, 0));
    const struct gn_onnx_node_in *reader =
        y == NULL || y->reader < 0 ? NULL : &im->file.nodes[y->reader];
    if (shape != NULL && shape->kind == GN_ONNX_SHAPE && y != NULL && y->uses == 1 &&
        reader != NULL && (gn_pb_is(reader->type, "Gemm") || gn_pb_is(reader->type, "MatMul")))
        return flatten(im, x);
    return unsupported(im, "its target is computed, and no dense layer follows");
}

/* A constant gets dimensions of 1 at these places of its new shape. */
static gn_status unsqueeze_constant(struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                                    const struct gn_onnx_entry *x)
{
    int64_t axes[MOST_AXES];
    bool added[GN_ONNX_RANK] = { false };
    struct gn_onnx_entry made = *x;
    int n, from = 0;
    GN_TRY(read_axes(im, node, axes, &n));
    const int rank = x->tensor.rank + n;
    if (n < 1 || rank > GN_ONNX_RANK)
        return unsupported(im, "it has no axes, or too many");
    for (int i = 0; i < n; i++) {
        const int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank || added[axis])
            return unsupported(im, "its axes make no sense");
        added[axis] = true;
    }
    for (int i = 0; i < rank; i++)
        made.tensor.dims[i] = added[i] ? 1 : x->tensor.dims[from++];
    made.tensor.rank = rank;
    gn_onnx_alias(im, &made);
    return GN_OK;
}

gn_status gn_onnx_read_squeeze(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x = gn_onnx_find(im, gn_onnx_node_input(node, 0));
    int64_t axes[MOST_AXES];
    int n;
    if (x != NULL && x->kind == GN_ONNX_CONSTANT && gn_pb_is(node->type, "Unsqueeze"))
        return unsqueeze_constant(im, node, x);
    if (gn_onnx_only_shapes(im, node))
        return gn_onnx_read_shape(im, node);
    if (x != NULL && (x->layout == GN_ONNX_CHANNEL || x->layout == GN_ONNX_PLANE)) {
        GN_TRY(read_axes(im, node, axes, &n));
        return gn_onnx_read_plane(im, node, axes, n);
    }
    GN_TRY(gn_onnx_activation(im, 0, MAP | NHWC, NULL, &x));
    GN_TRY(read_axes(im, node, axes, &n));
    const struct gn_shape s = gn_onnx_shape(im, x->node);
    if (!gn_pb_is(node->type, "Squeeze") || s.h * s.w != 1 ||
        !is_height_and_width(x->layout, axes, n))
        return unsupported(im, "only height and width of one pixel are taken away");
    return flatten(im, x);
}

/* A matrix: the weights of a dense layer. */
static gn_status transpose_constant(struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                                    const struct gn_onnx_entry *x)
{
    int64_t perm[2] = { 1, 0 };
    struct gn_onnx_entry made = *x;
    const int n = gn_onnx_get_ints(node, "perm", perm, 2);
    if (x->tensor.rank != 2 || (n >= 0 && n != 2) || perm[0] != 1 || perm[1] != 0)
        return unsupported(im, "of constants only matrices are transposed");
    made.tensor.transposed = !x->tensor.transposed;
    made.tensor.dims[0] = x->tensor.dims[1];
    made.tensor.dims[1] = x->tensor.dims[0];
    gn_onnx_alias(im, &made);
    return GN_OK;
}

gn_status gn_onnx_read_transpose(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x = gn_onnx_find(im, gn_onnx_node_input(node, 0));
    int64_t perm[4];
    if (x != NULL && x->kind == GN_ONNX_CONSTANT)
        return transpose_constant(im, node, x);
    GN_TRY(gn_onnx_activation(im, 0, MAP | NHWC, NULL, &x));
    if (gn_onnx_get_ints(node, "perm", perm, 4) != 4 || perm[0] != 0)
        return unsupported(im, "only NHWC to NCHW and back is read");
    const int axes[] = { meaning(x->layout, perm[1]), meaning(x->layout, perm[2]),
                         meaning(x->layout, perm[3]) };
    struct gn_onnx_entry y = *x;
    if (axes[0] == 1 && axes[1] == 2 && axes[2] == 3)
        y.layout = GN_ONNX_NCHW;
    else if (axes[0] == 2 && axes[1] == 3 && axes[2] == 1)
        y.layout = GN_ONNX_NHWC;
    else
        return unsupported(im, "only NHWC to NCHW and back is read");
    gn_onnx_alias(im, &y);
    return GN_OK;
}

gn_status gn_onnx_read_mean(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    int64_t axes[MOST_AXES], keep = 1;
    int n;
    GN_TRY(gn_onnx_activation(im, 0, MAP | NHWC, NULL, &x));
    GN_TRY(read_axes(im, node, axes, &n));
    (void)gn_onnx_get_int(node, "keepdims", &keep);
    if (!is_height_and_width(x->layout, axes, n))
        return unsupported(im, "only means over height and width are read");
    gn_onnx_give(im, gn_global_avg_pool(im->graph, x->node),
                 keep != 0 ? x->layout : GN_ONNX_VECTOR);
    return GN_OK;
}

gn_status gn_onnx_read_concat(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    gn_node nodes[GN_MAX_INPUTS];
    struct gn_onnx_entry *x = NULL, *first = NULL;
    int64_t axis = 1;
    char name[GN_NAME_BYTES];
    if (gn_onnx_only_shapes(im, node))
        return gn_onnx_read_shape(im, node);
    if (node->n_inputs > GN_MAX_INPUTS)
        return unsupported(im, "more than 8 inputs are not read");
    (void)gn_onnx_get_int(node, "axis", &axis);
    for (int i = 0; i < node->n_inputs; i++) {
        GN_TRY(gn_onnx_activation(im, i, MAP | NHWC | VECTOR | 1 << GN_ONNX_CHANNEL, NULL, &x));
        if (x->layout == GN_ONNX_CHANNEL)
            return gn_onnx_join_channels(im, node, axis);
        first = i == 0 ? x : first;
        if (x->layout != first->layout)
            return unsupported(im, "its inputs are laid out differently");
        nodes[i] = x->node;
    }
    const bool over_channels =
        first != NULL && (first->layout == GN_ONNX_VECTOR ? axis == 1 || axis == -1
                                                          : meaning(first->layout, axis) == 1);
    if (!over_channels)
        return unsupported(im, "it joins not the channels");
    gn_onnx_give(im,
                 gn_concat(im->graph, nodes, node->n_inputs, gn_onnx_layer_name(im, NULL, name)),
                 first->layout);
    return GN_OK;
}

/* Zeros around a map, which the convolution after it takes as its own. */
gn_status gn_onnx_read_pad(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    const struct gn_onnx_tensor *tensor, *filled;
    struct gn_pb_slice mode;
    int64_t pads[MOST_AXES];
    float value = 0;
    GN_TRY(gn_onnx_activation(im, 0, MAP | NHWC, NULL, &x));
    if (im->file.opset < 11) {
        if (gn_onnx_get_ints(node, "pads", pads, MOST_AXES) != MOST_AXES)
            return unsupported(im, "its pads are not those of a map");
        (void)gn_onnx_get_float(node, "value", &value);
    } else {
        GN_TRY(gn_onnx_constant(im, 1, false, &tensor));
        GN_TRY(gn_onnx_constant(im, 2, true, &filled));
        if (tensor->count != MOST_AXES || node->n_inputs > 3)
            return unsupported(im, "its pads are not those of a map");
        GN_TRY(gn_onnx_to_ints(&im->file, tensor, pads));
        if (filled != NULL && filled->count == 1)
            GN_TRY(gn_onnx_to_floats(&im->file, filled, &value));
    }
    if ((gn_onnx_get_text(node, "mode", &mode) && !gn_pb_is(mode, "constant")) || value < 0 ||
        value > 0)
        return unsupported(im, "only zeros are put around a map");
    struct gn_onnx_entry y = *x;
    for (int i = 0; i < MOST_AXES; i++) {
        const int axis = meaning(x->layout, i % 4);
        if (pads[i] != 0 && (axis < 2 || pads[i] < 0 || pads[i] > 64))
            return unsupported(im, "only 0 to 64 zeros on each side of a map are read");
        if (axis >= 2)
            y.pads[axis - 2 + (i < 4 ? 0 : 2)] = (int)pads[i];
    }
    gn_onnx_alias(im, &y);
    return GN_OK;
}
