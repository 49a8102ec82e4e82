/*
 * An ONNX file as a network that predicts, is trained and exported again. The nodes are walked through
 * once; each becomes a layer, a name for what is there already, or the end of the import with a sentence
 * that names it: nothing is skipped. Weights go from the file into the network at the end, one
 * tensor at a time, so that memory is the file's and the network's.
 */
#include "exchange/onnx/import.h"

#include "file/json.h"
#include "base/memory.h"
#include "exchange/export.h"
#include "formats/model_internal.h"

#include <math.h>
#include <string.h>

enum {
    LARGEST_GROWTH = 2,        /* parameters are float32, those of the file may be float16 */
    LARGEST_EXCESS = 128 << 20 /* bytes of parameters beyond that */
};

/* ---- The nodes ---- */

static const struct {
    const char *type;
    gn_onnx_reader *read;
} readers[] = {
    { "Conv", gn_onnx_read_conv },
    { "Relu", gn_onnx_read_relu },
    { "Clip", gn_onnx_read_clip },
    { "MaxPool", gn_onnx_read_pool },
    { "AveragePool", gn_onnx_read_pool },
    { "GlobalAveragePool", gn_onnx_read_global_pool },
    { "ReduceMean", gn_onnx_read_mean },
    { "LRN", gn_onnx_read_lrn },
    { "BatchNormalization", gn_onnx_read_norm },
    { "Concat", gn_onnx_read_concat },
    { "Gemm", gn_onnx_read_gemm },
    { "MatMul", gn_onnx_read_matmul },
    { "Add", gn_onnx_read_arithmetic },
    { "Sub", gn_onnx_read_arithmetic },
    { "Mul", gn_onnx_read_arithmetic },
    { "Div", gn_onnx_read_arithmetic },
    { "Sum", gn_onnx_read_sum },
    { "Dropout", gn_onnx_read_dropout },
    { "Softmax", gn_onnx_read_softmax },
    { "LogSoftmax", gn_onnx_read_softmax },
    { "Reshape", gn_onnx_read_reshape },
    { "Flatten", gn_onnx_read_flatten },
    { "Squeeze", gn_onnx_read_squeeze },
    { "Unsqueeze", gn_onnx_read_squeeze },
    { "Transpose", gn_onnx_read_transpose },
    { "Pad", gn_onnx_read_pad },
    { "Identity", gn_onnx_read_same },
    { "Cast", gn_onnx_read_same },
    { "Constant", gn_onnx_read_constant },
    { "ConstantOfShape", gn_onnx_read_filled },
    { "Shape", gn_onnx_read_shape },
    { "Gather", gn_onnx_read_gather },
    { "Slice", gn_onnx_read_slice },
    { "Split", gn_onnx_read_split },
};

static gn_status read_node(struct gn_onnx_import *im)
{
    const struct gn_onnx_node_in *node = &im->file.nodes[im->node];
    if (node->domain.n > 0 && !gn_pb_is(node->domain, "ai.onnx"))
        return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "operators of other domains are not read");
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
        if (gn_pb_is(node->type, readers[i].type))
            return readers[i].read(im, node);
    return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "this operator is not read");
}

/* Types of numbers (TensorProto.DataType): float, double, float16 and bfloat16; bytes. */
enum { UINT8 = 2 };

static bool is_real(int type)
{
    enum { FLOAT = 1, FLOAT16 = 10, DOUBLE = 11, BFLOAT16 = 16 };
    return type == FLOAT || type == DOUBLE || type == FLOAT16 || type == BFLOAT16;
}

/* Whether the first node that reads this works along height and width, which are last in ONNX. */
static bool is_read_as_nchw(const struct gn_onnx_import *im, const struct gn_onnx_entry *entry)
{
    static const char *const types[] = {
        "Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "BatchNormalization", "LRN"
    };
    for (size_t i = 0; entry->reader >= 0 && i < sizeof types / sizeof types[0]; i++)
        if (gn_pb_is(im->file.nodes[entry->reader].type, types[i]))
            return true;
    return false;
}

/* The picture: the input that is no constant. Three or one channels say where they are. */
static gn_status read_input(struct gn_onnx_import *im, const struct gn_import_options *options)
{
    const struct gn_onnx_value_info *found = NULL;
    char name[GN_ONNX_TEXT];
    for (size_t i = 0; i < im->file.n_inputs; i++) {
        const struct gn_onnx_entry *entry = gn_onnx_find(im, im->file.inputs[i].name);
        if (entry == NULL || entry->kind == GN_ONNX_CONSTANT)
            continue;
        if (found != NULL)
            GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: ONNX: more than one input (%s is another)",
                    im->file.path, gn_onnx_text(entry->name, name));
        found = &im->file.inputs[i];
    }
    if (found == NULL || found->rank != 4)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: ONNX: no input of four dimensions", im->file.path);
    if (found->type != 0 && !is_real(found->type) && found->type != UINT8)
        GN_FAIL(
            GN_STATUS_UNSUPPORTED,
            "%s: ONNX: the input's numbers are of type %d; floating-point numbers and bytes are "
            "read",
            im->file.path, found->type);
    im->bytes = found->type == UINT8;
    const int64_t *d = found->dims;
    const bool nhwc = (d[3] == 1 || d[3] == 3) && d[1] != 1 && d[1] != 3 && d[2] != 1 &&
                      !is_read_as_nchw(im, gn_onnx_find(im, found->name));
    const int64_t c = nhwc ? d[3] : d[1];
    int64_t h = nhwc ? d[1] : d[2], w = nhwc ? d[2] : d[3];
    if (options->size > 0)
        h = w = options->size;
    if (options->width > 0)
        w = options->width;
    if (h < 1 || w < 1 || c < 1 || h > GN_MAX_SIZE || w > GN_MAX_SIZE || c > GN_MAX_CHANNELS)
        GN_FAIL(
            GN_STATUS_BAD_ARGUMENT,
            "%s: ONNX: the input is of %lldx%lld pixels and %lld channels; say its size (.size)",
            im->file.path, (long long)h, (long long)w, (long long)c);
    struct gn_onnx_entry *entry = gn_onnx_find(im, found->name);
    im->input = gn_input(im->graph, (int)h, (int)w, (int)c);
    im->input_entry = (size_t)(entry - im->entries);
    entry->kind = GN_ONNX_ACTIVATION;
    entry->node = im->input;
    entry->layout = nhwc ? GN_ONNX_NHWC : GN_ONNX_NCHW;
    return GN_OK;
}

/* ---- Parameters ---- */

/* A parameter of a layer, which takes values in the file's order. */
struct place {
    const struct gn_onnx_parameter *parameter;
    const struct gn_geometry *g;
    float *to;
    size_t count; /* values there */
};

/* Value number i of the file is this one of ours. */
static size_t place_of(const struct place *place, size_t i)
{
    const struct gn_onnx_parameter *p = place->parameter;
    const size_t taps = (size_t)place->g->kh * (size_t)place->g->kw;
    const size_t c = (size_t)place->g->c, oc = (size_t)place->g->oc;
    const bool in_first = p->order == GN_ONNX_IN_OUT;
    const size_t o = in_first ? i % oc : i / (c * taps), in = in_first ? i / oc : i % (c * taps);
    const bool channels_first = p->order == GN_ONNX_OIHW || p->by_channel;
    return (channels_first ? in % taps * c + in / taps : in) * oc + o;
}

/* One value for all, or for every value of an output channel. */
static void change(const struct place *place, size_t channel, float value)
{
    const size_t step = (size_t)place->parameter->tensor.count;
    for (size_t i = channel; i < place->count; i += step) {
        float *to = &place->to[i];
        switch (place->parameter->order) {
        case GN_ONNX_PLUS:
            *to += value;
            break;
        case GN_ONNX_MINUS:
            *to -= value;
            break;
        case GN_ONNX_TIMES:
            *to *= value;
            break;
        default:
            *to /= value;
        }
    }
}

static void put(void *to, uint64_t first, const float *values, size_t n)
{
    const struct place *place = to;
    const enum gn_onnx_order order = place->parameter->order;
    for (size_t k = 0; k < n; k++) {
        const size_t i = (size_t)first + k;
        if (order == GN_ONNX_AS_IS)
            place->to[i] = values[k];
        else if (order >= GN_ONNX_PLUS)
            change(place, i, values[k]);
        else
            place->to[place_of(place, i)] = values[k];
    }
}

/* A small file must not take the memory of a large network: by equal values, or constants that many
 * layers read. */
static gn_status check_room(const struct gn_onnx_import *im)
{
    const uint64_t wanted = im->graph->n_floats * sizeof(float);
    uint64_t bytes, most;
    GN_TRY(gn_onnx_external_bytes(&im->file, &bytes));
    if (!gn_add_u64(bytes, im->file.bytes.size, &bytes) ||
        !gn_mul_u64(bytes, LARGEST_GROWTH, &most) || !gn_add_u64(most, LARGEST_EXCESS, &most) ||
        wanted <= most)
        return GN_OK;
    GN_FAIL(GN_STATUS_UNSUPPORTED,
            "%s: ONNX: %llu bytes of parameters come from files of %llu; at most twice as many and "
            "%d more are read",
            im->file.path, (unsigned long long)wanted, (unsigned long long)bytes,
            (int)LARGEST_EXCESS);
}

/* Parameters start as zeros: biases that the file leaves out are. */
static gn_status fill(const struct gn_onnx_import *im, gn_net *net)
{
    GN_TRY(gn_net_reserve(net));
    for (size_t i = 0; i < im->n_parameters; i++) {
        const struct gn_onnx_parameter *p = &im->parameters[i];
        const struct gn_layer *layer = &net->graph->layers[p->layer];
        const struct gn_tensor *tensor = &net->graph->tensors[layer->tensors[p->slot]];
        struct place place = { p, &layer->window, net->params + tensor->offset, tensor->count };
        GN_TRY(gn_onnx_each(&im->file, &p->tensor, put, &place));
    }
    const char *bad = gn_net_not_finite(net);
    if (bad != NULL)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: ONNX: a value of %s is NaN or infinite", im->file.path,
                bad);
    return GN_OK;
}

/* ---- Preprocessing and labels ---- */

static gn_status take_steps(struct gn_onnx_import *im, gn_net *net, struct gn_pb_slice text)
{
    struct gn_model_fields fields = {
        .h = net->input.h, .w = net->input.w, .channels = net->input.c, .classes = net->classes
    };
    json_t *steps;
    GN_TRY(gn_json_load((const char *)text.bytes, text.n, &steps, NULL));
    if (steps == NULL)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: ONNX: the preprocessing in the metadata is not JSON",
                im->file.path);
    fields.root = json_object();
    gn_json_set(fields.root, "preprocess", steps);
    const gn_status status = gn_preprocess_read(im->file.path, &fields);
    json_decref(fields.root);
    GN_TRY(status);
    net->pixels = fields.pixels;
    net->resize = fields.resize;
    net->resize_is_given = true;
    return GN_OK;
}

static gn_status take_labels(struct gn_onnx_import *im, gn_net *net, struct gn_pb_slice text)
{
    json_t *list;
    GN_TRY(gn_json_load((const char *)text.bytes, text.n, &list, NULL));
    const size_t n = json_array_size(list);
    const char **labels =
        n == (size_t)net->classes ? gn_calloc(n, sizeof *labels, "class names") : NULL;
    gn_status status = GN_OK;
    for (size_t i = 0; labels != NULL && i < n; i++)
        labels[i] = json_string_value(json_array_get(list, i));
    if (labels != NULL)
        status = gn_net_set_labels(net, labels, net->classes);
    gn_free(labels);
    json_decref(list);
    if (status == GN_STATUS_BAD_ARGUMENT || (labels == NULL && n != (size_t)net->classes))
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: ONNX: the labels in the metadata are not %d names",
                im->file.path, net->classes);
    return status;
}

/* What the file says about pictures, or what is assumed, which goes into the note. */
static gn_status finish(struct gn_onnx_import *im, gn_net *net,
                        const struct gn_import_options *options)
{
    const struct gn_pb_slice steps = gn_onnx_metadata(&im->file, "googlenet.preprocess");
    const struct gn_pb_slice labels = gn_onnx_metadata(&im->file, "labels");
    if (steps.bytes != NULL)
        GN_TRY(take_steps(im, net, steps));
    else
        net->resize = GN_RESIZE_HALF_PIXEL;
    if (options->resize != GN_RESIZE_DEFAULT)
        net->resize = options->resize;
    for (int i = 0; i < 3; i++)
        if (!isfinite(im->factor[i]) || !isfinite(im->summand[i]))
            GN_FAIL(GN_STATUS_BAD_MODEL, "%s: ONNX: the input is scaled by NaN or infinity",
                    im->file.path);
    if (im->affine) {
        net->pixels.affine = true;
        memcpy(net->pixels.factor, im->factor, sizeof im->factor);
        memcpy(net->pixels.summand, im->summand, sizeof im->summand);
    }
    if (im->bytes)
        net->pixels.bytes = true;
    if (im->bgr)
        net->pixels.bgr = !net->pixels.bgr;
    if (labels.bytes != NULL)
        GN_TRY(take_labels(im, net, labels));
    if (options->note != NULL && options->note_size > 0)
        (void)snprintf(
            options->note, options->note_size, "%s%s",
            steps.bytes != NULL ? "the preprocessing is the file's"
            : im->bytes         ? "the file takes bytes: assumed are RGB, resize by half-pixel"
                        : "the file says nothing about pictures: assumed are values divided by "
                          "255, RGB, resize by half-pixel",
            im->softmax ? "; the softmax at the end is left out, answers are logits" : "");
    return GN_OK;
}

/* ---- The whole ---- */

static gn_status build(struct gn_onnx_import *im, const struct gn_import_options *options,
                       gn_net **net)
{
    GN_TRY(gn_onnx_add_names(im));
    GN_TRY(read_input(im, options));
    for (im->node = 0; (size_t)im->node < im->file.n_nodes; im->node++) {
        GN_TRY(read_node(im));
        if (im->graph->status != GN_OK) {
            char why[sizeof im->graph->message];
            (void)snprintf(why, sizeof why, "%s", im->graph->message);
            return gn_onnx_fail(im,
                                im->graph->status == GN_STATUS_NO_MEMORY ? GN_STATUS_NO_MEMORY
                                                                         : GN_STATUS_UNSUPPORTED,
                                "%s", why);
        }
    }
    if (im->file.n_outputs != 1)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: ONNX: %zu outputs; one, the classes, is read",
                im->file.path, im->file.n_outputs);
    const struct gn_onnx_entry *answer = gn_onnx_find(im, im->file.outputs[0].name);
    if (answer == NULL || answer->kind != GN_ONNX_ACTIVATION || answer->layout >= GN_ONNX_CHANNEL)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: ONNX: no node makes the output", im->file.path);
    if (answer->pads[0] + answer->pads[1] + answer->pads[2] + answer->pads[3] > 0)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: ONNX: the output is a map with a Pad around it",
                im->file.path);
    if (answer->node.id == im->input.id)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "%s: ONNX: the answer is the input, no layer is between them", im->file.path);
    GN_TRY(check_room(im));
    gn_graph *graph = im->graph;
    im->graph = NULL; /* it is taken, also when that fails */
    *net = gn_net_create(graph, answer->node);
    if (*net == NULL)
        return gn_last_status();
    GN_TRY(fill(im, *net));
    return finish(im, *net, options);
}

gn_net *gn_import_onnx(const struct gn_import_options *options)
{
    struct gn_onnx_import im = { .factor = { 1, 1, 1 }, .graph = gn_graph_create() };
    gn_net *net = NULL;
    gn_status status = im.graph == NULL ? gn_last_status() : gn_onnx_open(&im.file, options->path);
    if (status == GN_OK)
        status = build(&im, options, &net);
    if (status != GN_OK) {
        gn_free_net(net);
        net = NULL;
    }
    gn_graph_free(im.graph);
    gn_free(im.entries);
    gn_free(im.parameters);
    gn_onnx_close(&im.file);
    return net;
}
