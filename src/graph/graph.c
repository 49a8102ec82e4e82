/*
 * The builders of the public header: they append layers, check shapes and compute nothing. The
 * first error sticks to the graph; later builders return an invalid node.
 */
#include "graph/graph.h"

#include "base/memory.h"
#include "ops/rules.h"

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
static gn_node stick(gn_graph *g)
{
    if (g->status == GN_OK) {
        g->status = gn_last_status();
        (void)snprintf(g->message, sizeof g->message, "%s", gn_error_message());
    }
    return invalid;
}

#define STICK(g, ...) ((void)gn_fail(__VA_ARGS__), stick(g))

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

void gn_stage(gn_graph *g, const char *name)
{
    if (g == NULL || g->status != GN_OK)
        return;
    g->stage = -1;
    if (name == NULL)
        return;
    if (!grow(&g->stages, g->n_stages, &g->cap_stages, sizeof *g->stages, "stage names")) {
        (void)stick(g);
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
        (void)snprintf(prefix, sizeof prefix, "%.60s.", g->stages[g->stage]);
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

/* Appends a layer of kind `op` that reads `in`; NULL when the graph has failed or fails now. */
static struct gn_layer *append(gn_graph *g, enum gn_op op, const char *name, const char *kind,
                               const gn_node *in, int n)
{
    if (g == NULL || g->status != GN_OK)
        return NULL;
    for (int i = 0; i < n; i++) {
        if (in[i].id < 0 || in[i].id >= g->n_layers) {
            (void)STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: input %d is not a node of this graph",
                        name == NULL ? kind : name, i);
            return NULL;
        }
    }
    if (g->n_layers >= GN_MAX_LAYERS) {
        (void)STICK(g, GN_STATUS_BAD_ARGUMENT, "a graph has at most %d layers", GN_MAX_LAYERS);
        return NULL;
    }
    struct gn_layer layer = { .op = op,
                              .stage = g->stage,
                              .n_inputs = n,
                              .weight = -1,
                              .bias = -1,
                              .mean = -1,
                              .variance = -1 };
    if (make_name(g, name, kind, layer.name) != GN_OK ||
        !grow(&g->layers, g->n_layers, &g->cap_layers, sizeof layer, "layers")) {
        (void)stick(g);
        return NULL;
    }
    for (int i = 0; i < n; i++)
        layer.inputs[i] = in[i].id;
    g->layers[g->n_layers] = layer;
    return &g->layers[g->n_layers++];
}

static struct gn_shape shape_of(const gn_graph *g, gn_node x)
{
    return g->layers[x.id].out;
}

static gn_node node_of(const gn_graph *g)
{
    return (gn_node){ g->n_layers - 1 };
}

/* A tensor "<layer>.<suffix>" of biases at the end of the flat arrays; -1: NO_MEMORY, stuck. */
static int append_tensor(gn_graph *g, const char *layer, const char *suffix, int rank,
                         const int *shape)
{
    if (!grow(&g->tensors, g->n_tensors, &g->cap_tensors, sizeof *g->tensors, "tensors")) {
        (void)stick(g);
        return -1;
    }
    struct gn_tensor *t = &g->tensors[g->n_tensors];
    *t = (struct gn_tensor){
        .rank = rank, .count = 1, .offset = g->n_floats, .trainable = true, .constant = g->biases
    };
    (void)snprintf(t->name, sizeof t->name, "%s.%s", layer, suffix);
    for (int i = 0; i < rank; i++) {
        t->shape[i] = shape[i];
        t->count *= (size_t)shape[i];
    }
    g->n_floats += (t->count + 15) / 16 * 16;
    return g->n_tensors++;
}

/* Weight and bias of a layer whose window and channels are known. */
static void append_parameters(gn_graph *g, struct gn_layer *layer, bool bias)
{
    const struct gn_geometry *w = &layer->window;
    const int kernel[4] = { w->kh, w->kw, w->c, w->oc };
    const int matrix[2] = { w->kh * w->kw * w->c, w->oc };
    const bool dense = layer->op == GN_OP_DENSE;
    layer->weight = dense ? append_tensor(g, layer->name, "weight", 2, matrix)
                          : append_tensor(g, layer->name, "weight", 4, kernel);
    if (bias)
        layer->bias = append_tensor(g, layer->name, "bias", 1, kernel + 3);
    if (layer->weight < 0)
        return;
    struct gn_tensor *t = &g->tensors[layer->weight];
    t->is_kernel = true;
    t->fan_in = (double)w->kh * w->kw * w->c;
    t->fan_out = dense ? w->oc : (double)w->kh * w->kw * w->oc;
    t->initial = g->initial;
    t->deviation = g->deviation;
}

void gn_initialize(gn_graph *g, gn_initial kernels, double deviation, double biases)
{
    if (g == NULL || g->status != GN_OK)
        return;
    if ((int)kernels < 0 || kernels > GN_INITIAL_NORMAL || !(deviation >= 0) || deviation > 1e6 ||
        !(biases >= -1e6) || biases > 1e6) {
        (void)STICK(g, GN_STATUS_BAD_ARGUMENT,
                    "gn_initialize: rule number %d, deviation %g, biases %g (rules 0 to %d, finite "
                    "numbers)",
                    (int)kernels, deviation, biases, (int)GN_INITIAL_NORMAL);
        return;
    }
    g->initial = kernels;
    g->deviation = deviation;
    g->biases = biases;
}

gn_node gn_input(gn_graph *g, int height, int width, int channels)
{
    struct gn_layer *layer = append(g, GN_OP_INPUT, "input", "input", NULL, 0);
    if (layer == NULL)
        return invalid;
    if (height < 1 || height > GN_MAX_SIZE || width < 1 || width > GN_MAX_SIZE || channels < 1 ||
        channels > GN_MAX_CHANNELS)
        return STICK(g, GN_STATUS_BAD_SHAPE,
                     "input: %dx%dx%d (sizes 1 to %d, channels 1 to %d are possible)", height,
                     width, channels, GN_MAX_SIZE, GN_MAX_CHANNELS);
    layer->out = (struct gn_shape){ height, width, channels };
    return node_of(g);
}

gn_node gn_conv_with(gn_graph *g, gn_node x, const struct gn_conv_options *options)
{
    static const struct gn_conv_options none = { 0 };
    options = options == NULL ? &none : options;
    struct gn_layer *layer = append(g, GN_OP_CONV, options->name, "conv", &x, 1);
    if (layer == NULL)
        return invalid;
    if (gn_conv_rule(layer->name, shape_of(g, x), options, &layer->window) != GN_OK)
        return stick(g);
    layer->out = (struct gn_shape){ layer->window.oh, layer->window.ow, layer->window.oc };
    append_parameters(g, layer, !options->no_bias);
    return g->status == GN_OK ? node_of(g) : invalid;
}

gn_node gn_relu(gn_graph *g, gn_node x)
{
    struct gn_layer *layer = append(g, GN_OP_RELU, NULL, "relu", &x, 1);
    if (layer == NULL)
        return invalid;
    layer->out = shape_of(g, x);
    return node_of(g);
}

gn_node gn_conv_relu_with(gn_graph *g, gn_node x, const struct gn_conv_options *options)
{
    const gn_node y = gn_relu(g, gn_conv_with(g, x, options));
    if (y.id >= 0)
        g->layers[y.id].hidden = true;
    return y;
}

gn_node gn_max_pool_with(gn_graph *g, gn_node x, const struct gn_pool_options *options)
{
    static const struct gn_pool_options none = { 0 };
    options = options == NULL ? &none : options;
    struct gn_layer *layer = append(g, GN_OP_MAX_POOL, options->name, "pool", &x, 1);
    if (layer == NULL)
        return invalid;
    if (gn_pool_rule(layer->name, shape_of(g, x), options, &layer->window) != GN_OK)
        return stick(g);
    layer->out = (struct gn_shape){ layer->window.oh, layer->window.ow, layer->window.oc };
    return node_of(g);
}

gn_node gn_avg_pool_with(gn_graph *g, gn_node x, const struct gn_pool_options *options)
{
    static const struct gn_pool_options none = { 0 };
    options = options == NULL ? &none : options;
    struct gn_layer *layer = append(g, GN_OP_AVG_POOL, options->name, "avg_pool", &x, 1);
    if (layer == NULL)
        return invalid;
    if (gn_avg_pool_rule(layer->name, shape_of(g, x), options, &layer->window, &layer->constants) !=
        GN_OK)
        return stick(g);
    layer->out = (struct gn_shape){ layer->window.oh, layer->window.ow, layer->window.oc };
    return node_of(g);
}

/* A layer that keeps the shape of its input. */
static struct gn_layer *append_same(gn_graph *g, enum gn_op op, const char *name, const char *kind,
                                    gn_node x)
{
    struct gn_layer *layer = append(g, op, name, kind, &x, 1);
    if (layer != NULL)
        layer->out = shape_of(g, x);
    return layer;
}

/* The name of a normalisation behind convolution `conv` without the stage in front, which comes
 * back when the layer is added. */
static const char *norm_name(const gn_graph *g, const struct gn_layer *conv, char *text)
{
    const char *own = conv->name;
    if (g->stage >= 0 && conv->stage == g->stage)
        own += strlen(g->stages[g->stage]) + 1;
    (void)snprintf(text, GN_NAME_BYTES + 8, "%s.norm", own);
    return text;
}

gn_node gn_batch_norm_with(gn_graph *g, gn_node x, const struct gn_norm_options *options)
{
    static const struct gn_norm_options none = { 0 };
    options = options == NULL ? &none : options;
    char text[GN_NAME_BYTES + 8], owner[GN_NAME_BYTES];
    const char *name = options->name;
    const bool behind_conv = g != NULL && g->status == GN_OK && name == NULL && x.id >= 0 &&
                             x.id < g->n_layers && g->layers[x.id].op == GN_OP_CONV;
    if (behind_conv)
        name = norm_name(g, &g->layers[x.id], text);
    struct gn_layer *layer = append_same(g, GN_OP_BATCH_NORM, name, "norm", x);
    if (layer == NULL)
        return invalid;
    if (gn_norm_rule(layer->name, options, &layer->constants) != GN_OK)
        return stick(g);
    /* Its tensors carry the convolution's name, like the bias that they replace. */
    (void)snprintf(owner, sizeof owner, "%s", behind_conv ? g->layers[x.id].name : layer->name);
    static const char *const suffixes[4] = { "gamma", "beta", "mean", "variance" };
    static const double constants[4] = { 1, 0, 0, 1 };
    int *const indexes[4] = { &layer->weight, &layer->bias, &layer->mean, &layer->variance };
    for (int i = 0; i < 4; i++) {
        *indexes[i] = append_tensor(g, owner, suffixes[i], 1, &layer->out.c);
        if (*indexes[i] < 0)
            return invalid;
        g->tensors[*indexes[i]].constant = constants[i];
        g->tensors[*indexes[i]].trainable = i < 2;
    }
    return node_of(g);
}

gn_node gn_lrn_with(gn_graph *g, gn_node x, const struct gn_lrn_options *options)
{
    static const struct gn_lrn_options none = { 0 };
    options = options == NULL ? &none : options;
    struct gn_layer *layer = append_same(g, GN_OP_LRN, options->name, "lrn", x);
    if (layer == NULL)
        return invalid;
    return gn_lrn_rule(layer->name, options, &layer->constants) == GN_OK ? node_of(g) : stick(g);
}

gn_node gn_dropout(gn_graph *g, gn_node x, double rate, const char *name)
{
    struct gn_layer *layer = append_same(g, GN_OP_DROPOUT, name, "dropout", x);
    if (layer == NULL)
        return invalid;
    return gn_dropout_rule(layer->name, rate, &layer->constants) == GN_OK ? node_of(g) : stick(g);
}

gn_node gn_global_avg_pool(gn_graph *g, gn_node x)
{
    struct gn_layer *layer = append(g, GN_OP_GLOBAL_AVG_POOL, NULL, "global_pool", &x, 1);
    if (layer == NULL)
        return invalid;
    layer->out = (struct gn_shape){ 1, 1, shape_of(g, x).c };
    return node_of(g);
}

gn_node gn_concat(gn_graph *g, const gn_node *nodes, int n, const char *name)
{
    const bool wrong = nodes == NULL || n < 1 || n > GN_MAX_INPUTS;
    if (g != NULL && g->status == GN_OK && wrong)
        return STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: %d inputs (1 to %d are possible)",
                     name == NULL ? "concat" : name, nodes == NULL ? 0 : n, (int)GN_MAX_INPUTS);
    struct gn_layer *layer = append(g, GN_OP_CONCAT, name, "concat", nodes, n);
    if (layer == NULL)
        return invalid;
    struct gn_shape in[GN_MAX_INPUTS];
    for (int i = 0; i < n; i++)
        in[i] = shape_of(g, nodes[i]);
    if (gn_concat_rule(layer->name, in, n, &layer->out) != GN_OK)
        return stick(g);
    return node_of(g);
}

gn_node gn_dense(gn_graph *g, gn_node x, int units, const char *name)
{
    struct gn_layer *layer = append(g, GN_OP_DENSE, name, "dense", &x, 1);
    if (layer == NULL)
        return invalid;
    if (gn_dense_rule(layer->name, shape_of(g, x), units, &layer->window) != GN_OK)
        return stick(g);
    layer->out = (struct gn_shape){ 1, 1, units };
    append_parameters(g, layer, true);
    return g->status == GN_OK ? node_of(g) : invalid;
}

void gn_head(gn_graph *g, gn_node logits, double weight, const char *name)
{
    if (g == NULL || g->status != GN_OK)
        return;
    const char *known = name == NULL ? "head" : name;
    if (g->n_heads == GN_MAX_HEADS)
        (void)STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: a network has at most %d auxiliary heads",
                    known, (int)GN_MAX_HEADS);
    else if (logits.id < 0 || logits.id >= g->n_layers)
        (void)STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: its logits are not a node of this graph",
                    known);
    else if (!(weight > 0) || weight > 1e6)
        (void)STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: a loss weight of %g (above 0, finite)", known,
                    weight);
    if (g->status != GN_OK)
        return;
    struct gn_head *head = &g->heads[g->n_heads++];
    *head = (struct gn_head){ .layer = logits.id, .weight = weight };
    (void)snprintf(head->name, sizeof head->name, "%s", known);
}

uint64_t gn_graph_params(const struct gn_graph *g, bool trainable)
{
    uint64_t n = 0;
    for (int i = 0; i < g->n_tensors; i++)
        n += g->tensors[i].trainable == trainable ? g->tensors[i].count : 0;
    return n;
}

uint64_t gn_layer_macs(const struct gn_graph *g, int i)
{
    const struct gn_layer *layer = &g->layers[i];
    const struct gn_geometry *w = &layer->window;
    if (layer->op != GN_OP_CONV && layer->op != GN_OP_DENSE)
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
