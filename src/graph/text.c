/* Writing a graph as JSON, and its fingerprint. Keys have a fixed order; numbers that are not whole
 * are hexadecimal texts, so every value returns exactly, in every locale. */
#include "graph/text.h"

#include "base/enums.h"
#include "file/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "graph/derive.h"

#include <string.h>

/* ---- Parts of a layer: NULL or true when there is no memory ---- */

static json_t *make_value(const struct gn_attribute *a, double value)
{
    char text[GN_NUMBER_TEXT];
    if (a->kind == GN_ATTRIBUTE_FLAG)
        return json_boolean(value > 0);
    return a->kind == GN_ATTRIBUTE_INT ? json_integer((json_int_t)value)
                                       : json_string(gn_short_hex_text(value, text));
}

static json_t *make_real(double value)
{
    char text[GN_NUMBER_TEXT];
    return json_string(gn_short_hex_text(value, text));
}

/* What is zero or false is left out. The size of the input is not essential. */
static int add_attributes(json_t *object, const struct gn_layer *layer, bool essential)
{
    int failed = 0;
    for (int i = 0; i < layer->op->n_attributes; i++) {
        const struct gn_attribute *a = &layer->op->attributes[i];
        const double value = gn_attribute_value(a, gn_layer_attributes(layer));
        const bool is_size = layer->n_inputs == 0 &&
                             (strcmp(a->name, "height") == 0 || strcmp(a->name, "width") == 0);
        if ((value < 0 || value > 0) && !(essential && is_size))
            failed |= json_object_set_new(object, a->name, make_value(a, value));
    }
    return failed;
}

static json_t *make_inputs(const struct gn_graph *g, const struct gn_layer *layer)
{
    json_t *inputs = json_array();
    int failed = 0;
    for (int i = 0; i < layer->n_inputs; i++)
        failed |= json_array_append_new(inputs, json_string(g->layers[layer->inputs[i]].name));
    if (failed == 0)
        return inputs;
    json_decref(inputs);
    return NULL;
}

/* Only of layers with tensors that it says something about. */
static bool has_initial(const struct gn_layer *layer)
{
    const struct gn_initialization *initial = &layer->initial;
    bool starts = false;
    for (int i = 0; i < GN_LAYER_TENSORS; i++)
        starts |= layer->tensors[i] >= 0 && layer->op->tensors[i].start != GN_START_CONSTANT;
    return starts && (initial->kernels != GN_INITIAL_GLOROT || initial->deviation > 0 ||
                      initial->biases < 0 || initial->biases > 0);
}

static json_t *make_initial(const struct gn_initialization *initial)
{
    return json_pack("{s:s, s:o, s:o}", "kernels", gn_initial_name((int)initial->kernels),
                     "deviation", make_real(initial->deviation), "biases",
                     make_real(initial->biases));
}

static json_t *make_layer(const struct gn_graph *g, const struct gn_layer *layer, bool essential)
{
    json_t *object = json_pack("{s:s, s:s}", "name", layer->name, "op", layer->op->name);
    int failed = 0;
    if (layer->stage >= 0 && !essential)
        failed |= json_object_set_new(object, "stage", json_integer(layer->stage));
    if (layer->n_inputs > 0)
        failed |= json_object_set_new(object, "inputs", make_inputs(g, layer));
    if (layer->hidden && !essential)
        failed |= json_object_set_new(object, "hidden", json_true());
    if (strcmp(layer->owner, layer->name) != 0)
        failed |= json_object_set_new(object, "tensors", json_string(layer->owner));
    if (has_initial(layer) && !essential)
        failed |= json_object_set_new(object, "initial", make_initial(&layer->initial));
    failed |= add_attributes(object, layer, essential);
    if (failed == 0)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- The whole ---- */

static json_t *make_layers(const struct gn_graph *g, const bool *skip, bool essential)
{
    json_t *layers = json_array();
    int failed = 0;
    for (int i = 0; i < g->n_layers; i++)
        if (!skip[i])
            failed |= json_array_append_new(layers, make_layer(g, &g->layers[i], essential));
    if (failed == 0)
        return layers;
    json_decref(layers);
    return NULL;
}

static json_t *make_stages(const struct gn_graph *g)
{
    json_t *stages = json_array();
    int failed = 0;
    for (int i = 0; i < g->n_stages; i++)
        failed |= json_array_append_new(stages, json_string(g->stages[i]));
    if (failed == 0)
        return stages;
    json_decref(stages);
    return NULL;
}

static json_t *make_heads(const struct gn_graph *g)
{
    json_t *heads = json_array();
    int failed = 0;
    for (int i = 0; i < g->n_heads; i++) {
        const struct gn_head *head = &g->heads[i];
        failed |= json_array_append_new(heads, json_pack("{s:s, s:s, s:o}", "name", head->name,
                                                         "logits", g->layers[head->layer].name,
                                                         "weight", make_real(head->weight)));
    }
    if (failed == 0)
        return heads;
    json_decref(heads);
    return NULL;
}

/* NULL: NO_MEMORY. */
static json_t *make_graph(const struct gn_graph *g, gn_node output, bool essential)
{
    bool skip[GN_MAX_LAYERS] = { false };
    json_t *root = json_pack("{s:i}", "version", (int)GN_GRAPH_VERSION);
    int failed = 0;
    if (essential)
        gn_graph_mark_heads_only(g, output, skip);
    else
        failed |= json_object_set_new(root, "stages", make_stages(g));
    failed |= json_object_set_new(root, "layers", make_layers(g, skip, essential));
    failed |= json_object_set_new(root, "output", json_string(g->layers[output.id].name));
    if (!essential)
        failed |= json_object_set_new(root, "heads", make_heads(g));
    if (failed == 0)
        return root;
    json_decref(root);
    (void)gn_fail(GN_STATUS_NO_MEMORY, "no memory for the text of a network");
    return NULL;
}

char *gn_graph_text(const struct gn_graph *g, gn_node output)
{
    json_t *root = make_graph(g, output, false);
    if (root == NULL)
        return NULL;
    return gn_json_text(root, JSON_COMPACT, "the text of a network");
}

/* A hash of 64 bits: FNV-1a. */
gn_status gn_graph_fingerprint(const struct gn_graph *g, gn_node output,
                               char hex[GN_FINGERPRINT_BYTES])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    json_t *root = make_graph(g, output, true);
    char *text =
        root == NULL ? NULL : gn_json_text(root, JSON_COMPACT, "the fingerprint of a network");
    if (text == NULL)
        return gn_last_status();
    for (const char *c = text; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    gn_free(text);
    (void)snprintf(hex, GN_FINGERPRINT_BYTES, "%016llx", (unsigned long long)hash);
    return GN_OK;
}
