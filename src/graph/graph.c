/*
 * Layers are appended here, and nowhere else: names, shapes by the operator's rule, tensors by its
 * descriptor. The first error sticks to the graph; later layers are invalid nodes.
 */
#include "graph/graph.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

static const gn_node invalid = { -1 };

gn_graph *gn_graph_create(void)
{
    gn_graph *g = gn_calloc(1, sizeof *g, "a graph");
    if (g != NULL)
        g->stage = -1;
    return g;
}

void gn_graph_free(gn_graph *g)
{
    if (g == NULL)
        return;
    gn_free(g->layers);
    gn_free(g->tensors);
    gn_free(g->stages);
    gn_free(g);
}

/* Keeps the thread's last error as the graph's, if it is its first. */
gn_node gn_graph_stick(gn_graph *g)
{
    if (g->status == GN_OK) {
        g->status = gn_last_status();
        (void)snprintf(g->message, sizeof g->message, "%s", gn_error_message());
    }
    return invalid;
}

/* Room for one more element of a growing array; false: NO_MEMORY. */
static bool grow(void *array, int n, int *room, size_t size, const char *purpose)
{
    if (n < *room)
        return true;
    void *old;
    memcpy(&old, array, sizeof old);
    const int more = *room == 0 ? 32 : *room * 2;
    void *fresh = gn_realloc(old, (size_t)more * size, purpose);
    if (fresh == NULL)
        return false;
    memcpy(array, &fresh, sizeof fresh);
    *room = more;
    return true;
}

bool gn_is_name(const char *name)
{
    return *name != '\0' && strlen(name) < GN_NAME_BYTES && strncmp(name, "train/", 6) != 0 &&
           gn_is_printable(name);
}

enum { STAGE_BYTES = 61 };

void gn_stage(gn_graph *g, const char *name)
{
    if (g == NULL || g->status != GN_OK)
        return;
    g->stage = -1;
    if (name == NULL)
        return;
    if (!gn_is_name(name) || strlen(name) >= STAGE_BYTES) {
        (void)GN_STICK(
            g, GN_STATUS_BAD_ARGUMENT,
            "%s: a stage's name is UTF-8 without control characters, of at most %d bytes", name,
            STAGE_BYTES - 1);
        return;
    }
    if (!grow(&g->stages, g->n_stages, &g->cap_stages, sizeof *g->stages, "stage names")) {
        (void)gn_graph_stick(g);
        return;
    }
    (void)snprintf(g->stages[g->n_stages], GN_NAME_BYTES, "%s", name);
    g->stage = g->n_stages++;
}

static bool name_taken(const gn_graph *g, const char *name)
{
    for (int i = 0; i < g->n_layers; i++)
        if (strcmp(g->layers[i].name, name) == 0)
            return true;
    return false;
}

/* "stage.name", or "stage.kind", "stage.kind_1", ... when no name is given. */
static gn_status make_name(const gn_graph *g, const char *name, const char *kind, char *full)
{
    char prefix[GN_NAME_BYTES] = "";
    if (g->stage >= 0)
        (void)snprintf(prefix, sizeof prefix, "%.*s.", STAGE_BYTES - 1, g->stages[g->stage]);
    const char *wanted = name == NULL ? kind : name;
    if (strlen(prefix) + strlen(wanted) + 8 > GN_NAME_BYTES)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s%s: the name is longer than %d bytes", prefix, wanted,
                GN_NAME_BYTES - 8);
    for (int i = 0;; i++) {
        char text[GN_NAME_BYTES * 3];
        if (i == 0)
            (void)snprintf(text, sizeof text, "%s%s", prefix, wanted);
        else
            (void)snprintf(text, sizeof text, "%s%s_%d", prefix, wanted, i);
        memcpy(full, text, GN_NAME_BYTES);
        full[GN_NAME_BYTES - 1] = '\0';
        if (!name_taken(g, full))
            return GN_OK;
        if (name != NULL)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: two layers have this name", full);
    }
}

/* ---- Tensors ---- */

static void set_shape(struct gn_tensor *t, enum gn_tensor_shape shape, const struct gn_geometry *g)
{
    const int taps = g->kh * g->kw;
    t->rank = shape == GN_TENSOR_WINDOW ? 4 : shape == GN_TENSOR_MATRIX ? 2 : 1;
    const int shapes[][4] = { [GN_TENSOR_WINDOW] = { g->kh, g->kw, g->c, g->oc },
                              [GN_TENSOR_MATRIX] = { taps * g->c, g->oc },
                              [GN_TENSOR_CHANNELS] = { g->oc } };
    memcpy(t->shape, shapes[shape], sizeof t->shape);
    t->count = 1;
    for (int i = 0; i < t->rank; i++)
        t->count *= (size_t)t->shape[i];
    t->fan_in = (double)g->kh * g->kw * g->c;
    t->fan_out = shape == GN_TENSOR_WINDOW ? (double)g->kh * g->kw * g->oc : g->oc;
}

/* A tensor "<owner>.<suffix>" at the end of the flat arrays; -1: NO_MEMORY, stuck. */
static int append_tensor(gn_graph *g, const struct gn_layer *layer,
                         const struct gn_tensor_rule *rule)
{
    if (!grow(&g->tensors, g->n_tensors, &g->cap_tensors, sizeof *g->tensors, "tensors")) {
        (void)gn_graph_stick(g);
        return -1;
    }
    struct gn_tensor *t = &g->tensors[g->n_tensors];
    *t = (struct gn_tensor){ .offset = g->n_floats,
                             .is_kernel = rule->start == GN_START_KERNEL,
                             .trainable = !rule->running,
                             .initial = layer->initial.kernels,
                             .deviation = layer->initial.deviation,
                             .constant = rule->start == GN_START_BIAS ? layer->initial.biases
                                                                      : rule->constant };
    (void)snprintf(t->name, sizeof t->name, "%s.%s", layer->owner, rule->suffix);
    if (gn_graph_find_tensor(g, t->name) >= 0) {
        (void)GN_STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: two layers have a tensor \"%s\"",
                       layer->name, t->name);
        return -1;
    }
    set_shape(t, rule->shape, &layer->window);
    g->n_floats += (t->count + 15) / 16 * 16;
    return g->n_tensors++;
}

bool gn_layer_flag(const struct gn_layer *layer, const char *name)
{
    const struct gn_operator *op = layer->op;
    for (int i = 0; i < op->n_attributes; i++)
        if (strcmp(op->attributes[i].name, name) == 0)
            return gn_attribute_value(&op->attributes[i], gn_layer_attributes(layer)) > 0;
    return false;
}

gn_status gn_graph_check_trainable(const struct gn_graph *g)
{
    for (int i = 0; i < g->n_layers; i++)
        if (gn_layer_flag(&g->layers[i], "int8"))
            GN_FAIL(GN_STATUS_UNSUPPORTED,
                    "%s: the network is quantised, which is for prediction alone; train the model "
                    "that it was made from",
                    g->layers[i].name);
    return GN_OK;
}

/* Whether the attributes leave a tensor out. */
static bool is_left_out(const struct gn_layer *layer, const struct gn_tensor_rule *rule)
{
    return (rule->unless != NULL && gn_layer_flag(layer, rule->unless)) ||
           (rule->only != NULL && !gn_layer_flag(layer, rule->only));
}

static gn_status append_tensors(gn_graph *g, struct gn_layer *layer)
{
    for (int i = 0; i < GN_LAYER_TENSORS; i++) {
        const struct gn_tensor_rule *rule = &layer->op->tensors[i];
        layer->tensors[i] = -1;
        if (rule->suffix != NULL && !is_left_out(layer, rule))
            layer->tensors[i] = append_tensor(g, layer, rule);
    }
    return g->status;
}

/* ---- Layers ---- */

static gn_status check_inputs(const gn_graph *g, const struct gn_operator *op, const char *name,
                              const gn_node *inputs, int n)
{
    const int most = op->inputs == GN_ANY_INPUTS ? GN_MAX_INPUTS : op->inputs;
    const int least = op->inputs == GN_ANY_INPUTS ? 1 : op->inputs;
    if (n < least || n > most || (n > 0 && inputs == NULL))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: %d inputs (%d to %d are possible)", name,
                inputs == NULL ? 0 : n, least, most);
    for (int i = 0; i < n; i++)
        if (inputs[i].id < 0 || inputs[i].id >= g->n_layers)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: input %d is not a node of this graph", name, i);
    if (g->n_layers >= GN_MAX_LAYERS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "a graph has at most %d layers", GN_MAX_LAYERS);
    return GN_OK;
}

/* Shape and geometry of a layer that has its inputs and attributes. */
static gn_status apply(const gn_graph *g, struct gn_layer *layer)
{
    struct gn_shape in[GN_MAX_INPUTS] = { { 0, 0, 0 } };
    struct gn_rule rule = {
        .name = layer->name, .in = in, .n_in = layer->n_inputs, .attributes = layer->attributes
    };
    for (int i = 0; i < layer->n_inputs; i++)
        in[i] = g->layers[layer->inputs[i]].out;
    GN_TRY(gn_operator_apply(layer->op, &rule));
    layer->window = rule.g;
    layer->out = (struct gn_shape){ rule.g.oh, rule.g.ow, rule.g.oc };
    return GN_OK;
}

static gn_status append(gn_graph *g, const struct gn_layer_spec *spec)
{
    struct gn_layer layer = { .op = spec->op,
                              .stage = spec->stage,
                              .hidden = spec->hidden,
                              .n_inputs = spec->n_inputs,
                              .initial = spec->initial };
    (void)snprintf(layer.name, sizeof layer.name, "%s", spec->name);
    (void)snprintf(layer.owner, sizeof layer.owner, "%s",
                   spec->owner == NULL ? spec->name : spec->owner);
    for (int i = 0; i < spec->n_inputs; i++)
        layer.inputs[i] = spec->inputs[i].id;
    gn_attributes_copy(spec->op, layer.attributes, spec->attributes);
    GN_TRY(apply(g, &layer));
    if (!grow(&g->layers, g->n_layers, &g->cap_layers, sizeof layer, "layers"))
        return gn_last_status();
    GN_TRY(append_tensors(g, &layer));
    g->layers[g->n_layers++] = layer;
    return GN_OK;
}

gn_node gn_graph_append(gn_graph *g, const struct gn_layer_spec *spec)
{
    if (g == NULL || g->status != GN_OK)
        return invalid;
    if (check_inputs(g, spec->op, spec->name, spec->inputs, spec->n_inputs) != GN_OK)
        return gn_graph_stick(g);
    if (strlen(spec->name) >= GN_NAME_BYTES || spec->stage >= g->n_stages || spec->stage < -1)
        return GN_STICK(g, GN_STATUS_BAD_ARGUMENT,
                        "%s: the name is longer than %d bytes, or there is no stage %d", spec->name,
                        GN_NAME_BYTES - 1, spec->stage);
    if (!gn_is_name(spec->name) || (spec->owner != NULL && !gn_is_name(spec->owner)))
        return GN_STICK(g, GN_STATUS_BAD_ARGUMENT,
                        "%s: a layer's name is UTF-8 without control characters and does not begin "
                        "with \"train/\"",
                        spec->name);
    if (name_taken(g, spec->name))
        return GN_STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: two layers have this name", spec->name);
    if (append(g, spec) != GN_OK)
        return gn_graph_stick(g);
    return (gn_node){ g->n_layers - 1 };
}

gn_node gn_graph_add(gn_graph *g, const struct gn_operator *op, const char *name,
                     const gn_node *inputs, int n, const void *attributes)
{
    char full[GN_NAME_BYTES];
    if (g == NULL || g->status != GN_OK)
        return invalid;
    if (check_inputs(g, op, name == NULL ? op->kind : name, inputs, n) != GN_OK ||
        make_name(g, name, op->kind, full) != GN_OK)
        return gn_graph_stick(g);
    return gn_graph_append(g, &(struct gn_layer_spec){ .op = op,
                                                       .name = full,
                                                       .stage = g->stage,
                                                       .inputs = inputs,
                                                       .n_inputs = n,
                                                       .attributes = attributes,
                                                       .initial = g->initial });
}

uint64_t gn_graph_params(const struct gn_graph *g, bool trainable)
{
    uint64_t n = 0;
    for (int i = 0; i < g->n_tensors; i++)
        n += g->tensors[i].trainable == trainable ? g->tensors[i].count : 0;
    return n;
}

double gn_graph_momentum(const struct gn_graph *g)
{
    double most = 0;
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_operator *op = g->layers[i].op;
        for (int k = 0; k < op->n_attributes; k++) {
            const double value = gn_attribute_value(&op->attributes[k], g->layers[i].attributes);
            if (strcmp(op->attributes[k].name, "momentum") == 0 && value > most)
                most = value;
        }
    }
    return most;
}

uint64_t gn_layer_macs(const struct gn_graph *g, int i)
{
    const struct gn_layer *layer = &g->layers[i];
    const struct gn_geometry *w = &layer->window;
    if (!layer->op->multiplies)
        return 0;
    return (uint64_t)w->oh * (uint64_t)w->ow * (uint64_t)w->oc * (uint64_t)w->kh * (uint64_t)w->kw *
           (uint64_t)w->c;
}

int gn_graph_find_tensor(const struct gn_graph *g, const char *name)
{
    for (int i = 0; i < g->n_tensors; i++)
        if (strcmp(g->tensors[i].name, name) == 0)
            return i;
    return -1;
}

void gn_graph_mark_live(const struct gn_graph *g, int i, bool *live)
{
    /* Layers are in topological order, so one sweep down is enough; what was live before stays. */
    live[i] = true;
    for (; i >= 0; i--)
        for (int k = 0; live[i] && k < g->layers[i].n_inputs; k++)
            live[g->layers[i].inputs[k]] = true;
}
