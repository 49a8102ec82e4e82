/*
 * Arithmetic: sums of layers; and constants, one a channel or one for all, that go into the weights and
 * biases of the layer before, or into the preprocessing when they change the input.
 */
#include "exchange/onnx/import.h"
#include "ops/batch_norm/norm.h"

enum {
    MAP = 1 << GN_ONNX_NCHW,
    NHWC = 1 << GN_ONNX_NHWC,
    VECTOR = 1 << GN_ONNX_VECTOR,
    CHANNEL = 1 << GN_ONNX_CHANNEL | 1 << GN_ONNX_PLANE
};

static gn_status unsupported(const struct gn_onnx_import *im, const char *what)
{
    return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "%s", what);
}

/* ---- Sums of layers ---- */

gn_status gn_onnx_read_sum(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    gn_node nodes[GN_MAX_INPUTS];
    struct gn_onnx_entry *x = NULL, *first = NULL;
    char name[GN_NAME_BYTES];
    if (node->n_inputs < 1 || node->n_inputs > GN_MAX_INPUTS)
        return unsupported(im, "sums of 1 to 8 inputs are read");
    for (int i = 0; i < node->n_inputs; i++) {
        GN_TRY(gn_onnx_activation(im, i, MAP | NHWC | VECTOR, NULL, &x));
        first = i == 0 ? x : first;
        const struct gn_shape a = gn_onnx_shape(im, first->node), b = gn_onnx_shape(im, x->node);
        if (x->layout != first->layout)
            return unsupported(im, "its inputs are laid out differently");
        if (a.h != b.h || a.w != b.w || a.c != b.c)
            return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED,
                                "only sums of equal shapes are read, not of %dx%dx%d and %dx%dx%d",
                                a.h, a.w, a.c, b.h, b.w, b.c);
        nodes[i] = x->node;
    }
    if (node->n_inputs == 1) {
        gn_onnx_alias(im, first);
        return GN_OK;
    }
    gn_onnx_give(im, gn_sum(im->graph, nodes, node->n_inputs, gn_onnx_layer_name(im, NULL, name)),
                 first->layout);
    return GN_OK;
}

/* ---- Constants ---- */

/* What a node does with its constant c. */
struct change {
    enum gn_onnx_order order; /* PLUS, MINUS, TIMES, OVER */
    bool negate;              /* first: c - x */
    const struct gn_onnx_tensor *constant;
};

/* Whether the constant has one value for all, or one a channel where the layout has them. */
static bool fits(const struct gn_onnx_tensor *c, enum gn_onnx_layout layout, int channels)
{
    const int rank = layout == GN_ONNX_VECTOR ? 2 : layout == GN_ONNX_PLANE ? 3 : 4;
    const int axis = layout == GN_ONNX_NCHW ? c->rank - 3 : c->rank - 1;
    if (c->rank > rank || layout == GN_ONNX_FLAT_CHW || layout == GN_ONNX_FLAT_HWC)
        return false;
    return c->count == 1 ||
           (c->count == (uint64_t)channels && axis >= 0 && c->dims[axis] == channels);
}

/* One value: x * factor + summand so far. */
static void change_value(const struct change *change, float v, float *factor, float *summand)
{
    if (change->negate) {
        *factor = -*factor;
        *summand = -*summand;
    }
    switch (change->order) {
    case GN_ONNX_PLUS:
        *summand += v;
        break;
    case GN_ONNX_MINUS:
        *summand -= v;
        break;
    case GN_ONNX_TIMES:
        *factor *= v;
        *summand *= v;
        break;
    default:
        *factor /= v;
        *summand /= v;
    }
}

/* x * factor + summand for each channel of the input picture. */
static gn_status change_input(struct gn_onnx_import *im, const struct gn_onnx_entry *x,
                              const struct change *change)
{
    float values[3];
    const int c = gn_onnx_shape(im, x->node).c;
    if (x->uses != 1)
        return unsupported(im, "the input is read as it is, too");
    if (c > 3 || !fits(change->constant, x->layout, c))
        return unsupported(im, "it changes the input, but not by a value a channel");
    GN_TRY(gn_onnx_to_floats(&im->file, change->constant, values));
    for (int i = 0; i < c; i++)
        change_value(change, values[change->constant->count == 1 ? 0 : i], &im->factor[i],
                     &im->summand[i]);
    im->affine = true;
    gn_onnx_alias(im, x);
    return GN_OK;
}

/* The same for one channel that was cut out of it. */
static gn_status change_channel(struct gn_onnx_import *im, const struct gn_onnx_entry *x,
                                const struct change *change)
{
    struct gn_onnx_entry y = *x;
    float value;
    if (!fits(change->constant, x->layout, 1))
        return unsupported(im, "it changes a channel, but not by one value");
    GN_TRY(gn_onnx_to_floats(&im->file, change->constant, &value));
    change_value(change, value, &y.factor, &y.summand);
    gn_onnx_alias(im, &y);
    return GN_OK;
}

/* The constant becomes part of the layer that made x: a convolution, dense layer or normalisation. */
static gn_status change_layer(struct gn_onnx_import *im, const struct gn_onnx_entry *x,
                              const struct change *change)
{
    const struct gn_layer *layer = &im->graph->layers[x->node.id];
    const struct gn_onnx_tensor minus = { .filled = true, .fill = -1, .count = 1 };
    const bool norm = layer->op->fuses == GN_FUSE_NORM;
    const bool scales = change->order == GN_ONNX_TIMES || change->order == GN_ONNX_OVER;
    const int bias = norm ? GN_NORM_BETA : 1, weight = norm ? GN_NORM_GAMMA : 0;
    const bool has_bias = norm || (layer->op->multiplies && layer->bias >= 0);
    if (x->uses != 1 || !(norm || layer->op->multiplies) || !(scales || has_bias))
        return unsupported(im, "constants are read only right after a convolution, dense layer or "
                               "normalisation that nothing else reads, and at the input");
    if (!fits(change->constant, x->layout, layer->out.c))
        return unsupported(im, "its constant is neither one value nor one a channel");
    const uint64_t n = change->constant->count;
    if (change->negate)
        GN_TRY(gn_onnx_take(im, x->node, weight, &minus, 1, GN_ONNX_TIMES, false));
    if (change->negate && has_bias)
        GN_TRY(gn_onnx_take(im, x->node, bias, &minus, 1, GN_ONNX_TIMES, false));
    if (scales)
        GN_TRY(gn_onnx_take(im, x->node, weight, change->constant, n, change->order, false));
    if (has_bias)
        GN_TRY(gn_onnx_take(im, x->node, bias, change->constant, n, change->order, false));
    gn_onnx_alias(im, x);
    return GN_OK;
}

static bool is_activation(const struct gn_onnx_entry *entry)
{
    return entry != NULL && entry->kind == GN_ONNX_ACTIVATION;
}

gn_status gn_onnx_read_arithmetic(struct gn_onnx_import *im, const struct gn_onnx_node_in *node)
{
    struct gn_onnx_entry *x;
    if (gn_onnx_only_shapes(im, node))
        return gn_onnx_read_shape(im, node);
    if (node->n_inputs != 2)
        return gn_onnx_fail(im, GN_STATUS_BAD_MODEL, "it has %d inputs, not 2", node->n_inputs);
    const struct gn_onnx_entry *first = gn_onnx_find(im, gn_onnx_node_input(node, 0));
    const bool add = gn_pb_is(node->type, "Add"), sub = gn_pb_is(node->type, "Sub");
    if (is_activation(first) && is_activation(gn_onnx_find(im, gn_onnx_node_input(node, 1))))
        return add ? gn_onnx_read_sum(im, node)
                   : unsupported(im, "of two layers only the sum is read");
    const bool constant_first = first != NULL && first->kind == GN_ONNX_CONSTANT;
    struct change change = { .order = add                           ? GN_ONNX_PLUS
                                      : sub                         ? GN_ONNX_MINUS
                                      : gn_pb_is(node->type, "Mul") ? GN_ONNX_TIMES
                                                                    : GN_ONNX_OVER };
    GN_TRY(gn_onnx_activation(im, constant_first, MAP | NHWC | VECTOR | CHANNEL, NULL, &x));
    GN_TRY(gn_onnx_constant(im, !constant_first, false, &change.constant));
    if (constant_first && change.order == GN_ONNX_OVER)
        return unsupported(im, "divisions by a layer are not read");
    if (constant_first && sub) {
        change.negate = true;
        change.order = GN_ONNX_PLUS;
    }
    if (x->layout == GN_ONNX_CHANNEL || x->layout == GN_ONNX_PLANE)
        return change_channel(im, x, &change);
    if (x->node.id == im->input.id && x->layout != GN_ONNX_VECTOR)
        return change_input(im, x, &change);
    return change_layer(im, x, &change);
}

bool gn_onnx_adds_constant(const struct gn_onnx_import *im, const struct gn_onnx_entry *entry)
{
    enum { MOST_STEPS = 8 };
    for (int i = 0; i < MOST_STEPS && entry != NULL && entry->uses == 1 && entry->reader >= 0;
         i++) {
        const struct gn_onnx_node_in *node = &im->file.nodes[entry->reader];
        const bool adds = gn_pb_is(node->type, "Add") || gn_pb_is(node->type, "Sub");
        bool constant = false;
        for (int k = 0; k < node->n_inputs && k < 2; k++) {
            const struct gn_onnx_entry *other = gn_onnx_find(im, gn_onnx_node_input(node, k));
            constant |= other != NULL && other->kind == GN_ONNX_CONSTANT;
        }
        if (adds)
            return constant;
        if (!gn_pb_is(node->type, "Mul") && !gn_pb_is(node->type, "Div") &&
            !gn_pb_is(node->type, "Identity") && !gn_pb_is(node->type, "Transpose"))
            return false;
        entry = gn_onnx_find(im, gn_onnx_node_output(node, 0));
    }
    return false;
}
