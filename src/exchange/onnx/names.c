/* Names of the file and what they stand for; what the readers of nodes ask and answer. */
#include "exchange/onnx/import.h"

#include "base/memory.h"
#include "base/number.h"

#include <stdarg.h>
#include <string.h>

enum { MOST_NAMES = 1 << 16 };

/* ---- Names ---- */

static uint64_t hash_of(struct gn_pb_slice name)
{
    uint64_t h = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ name.bytes[i]) * 0x100000001b3;
    return h ^ h >> 32;
}

static struct gn_onnx_entry *slot_of(const struct gn_onnx_import *im, struct gn_pb_slice name)
{
    size_t at = (size_t)hash_of(name) & (im->room - 1);
    while (im->entries[at].name.bytes != NULL &&
           (im->entries[at].name.n != name.n ||
            memcmp(im->entries[at].name.bytes, name.bytes, name.n) != 0))
        at = (at + 1) & (im->room - 1);
    return &im->entries[at];
}

struct gn_onnx_entry *gn_onnx_find(const struct gn_onnx_import *im, struct gn_pb_slice name)
{
    if (name.n == 0)
        return NULL;
    struct gn_onnx_entry *entry = slot_of(im, name);
    return entry->name.bytes == NULL ? NULL : entry;
}

static gn_status add_name(struct gn_onnx_import *im, struct gn_pb_slice name,
                          struct gn_onnx_entry **entry)
{
    char text[GN_ONNX_TEXT];
    *entry = NULL;
    if (name.n == 0)
        return GN_OK;
    *entry = slot_of(im, name);
    if ((*entry)->name.bytes != NULL)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: ONNX: the name %s is made twice", im->file.path,
                gn_onnx_text(name, text));
    **entry = (struct gn_onnx_entry){ .name = name, .reader = -1 };
    return GN_OK;
}

static void count_uses(struct gn_onnx_import *im)
{
    const struct gn_onnx_file *f = &im->file;
    for (size_t i = 0; i < f->n_nodes; i++)
        for (int k = 0; k < f->nodes[i].n_inputs; k++) {
            struct gn_onnx_entry *entry = gn_onnx_find(im, gn_onnx_node_input(&f->nodes[i], k));
            if (entry == NULL)
                continue;
            entry->uses++;
            entry->reader = (int)i;
        }
    for (size_t i = 0; i < f->n_outputs; i++) {
        struct gn_onnx_entry *entry = gn_onnx_find(im, f->outputs[i].name);
        if (entry != NULL)
            entry->uses++;
    }
}

/* Room for every name, then the names of constants, inputs and outputs of nodes. Older files list
 * constants among the inputs, too. */
gn_status gn_onnx_add_names(struct gn_onnx_import *im)
{
    const struct gn_onnx_file *f = &im->file;
    struct gn_onnx_entry *entry;
    size_t names = f->n_constants + f->n_inputs;
    for (size_t i = 0; i < f->n_nodes; i++)
        names += (size_t)f->nodes[i].n_outputs;
    if (names > MOST_NAMES)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: ONNX: a graph of %zu names; up to %d are read", f->path,
                names, (int)MOST_NAMES);
    for (im->room = 64; im->room < 2 * names;)
        im->room *= 2;
    im->entries = gn_calloc(im->room, sizeof *im->entries, "names of an ONNX file");
    if (im->entries == NULL)
        return gn_last_status();
    for (size_t i = 0; i < f->n_constants; i++) {
        GN_TRY(add_name(im, f->constants[i].name, &entry));
        if (entry == NULL)
            continue;
        entry->kind = GN_ONNX_CONSTANT;
        entry->tensor = f->constants[i];
    }
    for (size_t i = 0; i < f->n_inputs; i++)
        if (gn_onnx_find(im, f->inputs[i].name) == NULL)
            GN_TRY(add_name(im, f->inputs[i].name, &entry));
    for (size_t i = 0; i < f->n_nodes; i++)
        for (int k = 0; k < f->nodes[i].n_outputs; k++)
            GN_TRY(add_name(im, gn_onnx_node_output(&f->nodes[i], k), &entry));
    count_uses(im);
    return GN_OK;
}

/* ---- For the readers of nodes ---- */

gn_status gn_onnx_fail(const struct gn_onnx_import *im, gn_status status, const char *format, ...)
{
    char why[256], name[GN_ONNX_TEXT], type[GN_ONNX_TEXT];
    const struct gn_onnx_node_in *node = &im->file.nodes[im->node];
    va_list list;
    va_start(list, format);
    (void)gn_format_list(why, sizeof why, format, list);
    va_end(list);
    const struct gn_pb_slice label = node->name.n > 0 ? node->name : gn_onnx_node_output(node, 0);
    GN_FAIL(status, "%s: ONNX: node %s (%s, opset %lld): %s", im->file.path,
            gn_onnx_text(label, name), gn_onnx_text(node->type, type), (long long)im->file.opset,
            why);
}

gn_status gn_onnx_activation(struct gn_onnx_import *im, int i, unsigned layouts, int pads[4],
                             struct gn_onnx_entry **entry)
{
    char name[GN_ONNX_TEXT];
    const struct gn_pb_slice wanted = gn_onnx_node_input(&im->file.nodes[im->node], i);
    *entry = gn_onnx_find(im, wanted);
    if (*entry == NULL || (*entry)->kind == GN_ONNX_UNKNOWN)
        return gn_onnx_fail(im, GN_STATUS_BAD_MODEL, "its input %s is not made before it",
                            gn_onnx_text(wanted, name));
    if ((*entry)->kind != GN_ONNX_ACTIVATION)
        return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "its input %s does not depend on the image",
                            gn_onnx_text(wanted, name));
    if ((*entry)->node.id < 0)
        return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "%s", im->graph->message);
    if ((layouts >> (*entry)->layout & 1) == 0)
        return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED,
                            "its input %s is not laid out as it is read here (%s)",
                            gn_onnx_text(wanted, name),
                            (*entry)->layout == GN_ONNX_NHWC      ? "NHWC"
                            : (*entry)->layout == GN_ONNX_NCHW    ? "NCHW"
                            : (*entry)->layout == GN_ONNX_VECTOR  ? "a vector"
                            : (*entry)->layout >= GN_ONNX_CHANNEL ? "one channel"
                                                                  : "a flattened map");
    const int *own = (*entry)->pads;
    if (pads != NULL)
        memcpy(pads, own, 4 * sizeof *pads);
    else if (own[0] + own[1] + own[2] + own[3] > 0)
        return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "only a convolution is read after a Pad");
    return GN_OK;
}

static gn_status find_constant(struct gn_onnx_import *im, int i,
                               const struct gn_onnx_tensor **tensor)
{
    char name[GN_ONNX_TEXT];
    const struct gn_pb_slice wanted = gn_onnx_node_input(&im->file.nodes[im->node], i);
    const struct gn_onnx_entry *entry = gn_onnx_find(im, wanted);
    *tensor = NULL;
    if (entry == NULL || entry->kind != GN_ONNX_CONSTANT)
        return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "its input %s is computed, not a constant",
                            gn_onnx_text(wanted, name));
    *tensor = &entry->tensor;
    return GN_OK;
}

gn_status gn_onnx_matrix(struct gn_onnx_import *im, int i, const struct gn_onnx_tensor **tensor)
{
    return find_constant(im, i, tensor);
}

gn_status gn_onnx_constant(struct gn_onnx_import *im, int i, bool may_lack,
                           const struct gn_onnx_tensor **tensor)
{
    *tensor = NULL;
    if (may_lack && gn_onnx_node_input(&im->file.nodes[im->node], i).n == 0)
        return GN_OK;
    GN_TRY(find_constant(im, i, tensor));
    if ((*tensor)->transposed)
        return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED,
                            "a transposed constant is read only as the weights of a dense layer");
    return GN_OK;
}

void gn_onnx_give(struct gn_onnx_import *im, gn_node node, enum gn_onnx_layout layout)
{
    struct gn_onnx_entry *entry =
        gn_onnx_find(im, gn_onnx_node_output(&im->file.nodes[im->node], 0));
    if (entry == NULL)
        return;
    entry->kind = GN_ONNX_ACTIVATION;
    entry->node = node;
    entry->layout = layout;
}

void gn_onnx_alias(struct gn_onnx_import *im, const struct gn_onnx_entry *from)
{
    struct gn_onnx_entry *entry =
        gn_onnx_find(im, gn_onnx_node_output(&im->file.nodes[im->node], 0));
    if (entry == NULL)
        return;
    struct gn_onnx_entry copy = *from;
    copy.name = entry->name;
    copy.uses = entry->uses > from->uses ? entry->uses : from->uses;
    copy.reader = entry->reader;
    *entry = copy;
}

void gn_onnx_give_shape(struct gn_onnx_import *im)
{
    struct gn_onnx_entry *entry =
        gn_onnx_find(im, gn_onnx_node_output(&im->file.nodes[im->node], 0));
    if (entry != NULL)
        entry->kind = GN_ONNX_SHAPE;
}

gn_status gn_onnx_take(struct gn_onnx_import *im, gn_node layer, int slot,
                       const struct gn_onnx_tensor *tensor, uint64_t count,
                       enum gn_onnx_order order, bool by_channel)
{
    if (layer.id < 0) {
        char why[sizeof im->graph->message];
        (void)snprintf(why, sizeof why, "%s", im->graph->message);
        return gn_onnx_fail(im, GN_STATUS_UNSUPPORTED, "%s", why);
    }
    if (tensor->count != count)
        return gn_onnx_fail(im, GN_STATUS_BAD_MODEL, "a constant has %llu values, not %llu",
                            (unsigned long long)tensor->count, (unsigned long long)count);
    if (im->n_parameters == im->parameters_room) {
        const size_t room = im->parameters_room * 2 + 64;
        struct gn_onnx_parameter *grown =
            gn_realloc(im->parameters, room * sizeof *grown, "parameters of an ONNX file");
        if (grown == NULL)
            return gn_last_status();
        im->parameters = grown;
        im->parameters_room = room;
    }
    im->parameters[im->n_parameters++] = (struct gn_onnx_parameter){
        .layer = layer.id, .slot = slot, .order = order, .by_channel = by_channel, .tensor = *tensor
    };
    return GN_OK;
}

static bool is_taken(const struct gn_graph *graph, const char *name)
{
    for (int i = 0; i < graph->n_layers; i++)
        if (strcmp(graph->layers[i].name, name) == 0)
            return true;
    return false;
}

const char *gn_onnx_layer_name(const struct gn_onnx_import *im,
                               const struct gn_onnx_tensor *weights, char name[GN_NAME_BYTES])
{
    static const char *const endings[] = { ".weight", ".gamma", "_w", ".W" };
    char text[GN_ONNX_TEXT];
    const struct gn_onnx_node_in *node = &im->file.nodes[im->node];
    (void)gn_onnx_text(node->name, text);
    for (size_t i = 0; weights != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        const size_t n = strlen(endings[i]), all = weights->name.n;
        if (all > n && memcmp(weights->name.bytes + all - n, endings[i], n) == 0) {
            (void)gn_onnx_text((struct gn_pb_slice){ weights->name.bytes, all - n }, text);
            break;
        }
    }
    if (text[0] == '\0')
        return NULL;
    (void)snprintf(name, GN_NAME_BYTES, "%.*s", GN_NAME_BYTES - 8, text);
    for (int i = 2; is_taken(im->graph, name) && i < 1000; i++)
        (void)snprintf(name, GN_NAME_BYTES, "%.*s_%d", GN_NAME_BYTES - 8, text, i);
    return gn_is_name(name) ? name : NULL;
}
