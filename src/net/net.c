/* A network: a finished graph with the values of its parameters. */
#include "file/crc32c.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/team.h"
#include "base/text.h"
#include "base/threads.h"
#include "net/net.h"
#include "ops/kernels.h"

#include <math.h>
#include <string.h>

/* Glorot and Bengio's limit, or Caffe's "xavier" (include/caffe/filler.hpp). */
static void draw_uniform(const struct gn_tensor *t, uint64_t seed, uint64_t stream, float *values)
{
    const float limit = (float)sqrt(
        t->initial == GN_INITIAL_XAVIER ? 3.0 / t->fan_in : 6.0 / (t->fan_in + t->fan_out));
    for (size_t k = 0; k < t->count; k++)
        values[k] = limit * (2 * gn_random_unit(seed, GN_RANDOM_INIT, stream, k) - 1);
}

/* Box and Muller's transform of two draws for each value. */
static void draw_normal(const struct gn_tensor *t, uint64_t seed, uint64_t stream, float *values)
{
    for (size_t k = 0; k < t->count; k++) {
        const double u = 1 - (double)gn_random_unit(seed, GN_RANDOM_INIT, stream, 2 * k);
        const double angle =
            6.283185307179586 * (double)gn_random_unit(seed, GN_RANDOM_INIT, stream, 2 * k + 1);
        values[k] = (float)(t->deviation * sqrt(-2 * log(u)) * cos(angle));
    }
}

gn_status gn_net_reserve(struct gn_net *net)
{
    if (net->params == NULL)
        net->params = gn_calloc(net->graph->n_floats + 1, sizeof(float), "parameters");
    return net->params == NULL ? gn_last_status() : GN_OK;
}

struct drawing {
    struct gn_net *net;
    uint64_t seed;
};

static void draw_tensor(void *argument, size_t i)
{
    const struct drawing *d = argument;
    const struct gn_tensor *t = &d->net->graph->tensors[i];
    float *values = d->net->params + t->offset;
    if (t->is_kernel && t->initial == GN_INITIAL_NORMAL)
        draw_normal(t, d->seed, i, values);
    else if (t->is_kernel)
        draw_uniform(t, d->seed, i, values);
    for (size_t k = 0; !t->is_kernel && k < t->count; k++)
        values[k] = (float)t->constant;
}

/* Weights of 8 bits are whole numbers times scales, drawn ones too; the largest of a channel is its largest number. */
static void round_drawn(const struct gn_net *net, const struct gn_layer *layer)
{
    const struct gn_graph *g = net->graph;
    const struct gn_tensor *t = &g->tensors[layer->weight];
    float *weights = net->params + t->offset;
    float *scales = net->params + g->tensors[layer->tensors[GN_CONV_SCALE]].offset;
    const size_t columns = (size_t)layer->out.c;
    for (size_t j = 0; j < columns; j++) {
        float most = 0;
        for (size_t k = j; k < t->count; k += columns)
            most = fmaxf(most, fabsf(weights[k]));
        scales[j] = most / GN_BYTES_WEIGHT > 0 ? most / GN_BYTES_WEIGHT : 1;
    }
    gn_int8_round(weights, scales, t->count, columns);
}

gn_status gn_net_init(struct gn_net *net, uint64_t seed)
{
    const struct gn_graph *g = net->graph;
    struct drawing drawing = { net, seed };
    GN_TRY(gn_net_reserve(net));
    memset(net->params, 0, g->n_floats * sizeof(float));
    gn_parallel(g->n_floats > 65536 ? gn_usable_threads(NULL) : 1, (size_t)g->n_tensors,
                draw_tensor, &drawing);
    for (int i = 0; i < g->n_layers; i++)
        if (gn_layer_flag(&g->layers[i], "int8"))
            round_drawn(net, &g->layers[i]);
    return GN_OK;
}

/* The one input layer's shape; false when there is none or more than one. */
static bool find_input(const struct gn_graph *g, struct gn_shape *input)
{
    int n = 0;
    for (int i = 0; i < g->n_layers; i++) {
        if (g->layers[i].n_inputs == 0) {
            *input = g->layers[i].out;
            n++;
        }
    }
    return n == 1;
}

/* Nothing may read the logits of a head or of the answer: each has the gradient of its loss alone. */
static gn_status check_heads(const struct gn_graph *g, gn_node output)
{
    const int classes = g->layers[output.id].out.c;
    for (int h = 0; h < g->n_heads; h++) {
        const struct gn_head *head = &g->heads[h];
        const struct gn_shape s = g->layers[head->layer].out;
        if (s.h != 1 || s.w != 1 || s.c != classes)
            GN_FAIL(GN_STATUS_BAD_SHAPE,
                    "%s: an auxiliary head has as many logits as the answer, %d; it is %dx%dx%d",
                    head->name, classes, s.h, s.w, s.c);
        bool others[GN_MAX_LAYERS] = { false }, own[GN_MAX_LAYERS] = { false };
        gn_graph_mark_live(g, output.id, others);
        for (int k = 0; k < g->n_heads; k++)
            if (k != h)
                gn_graph_mark_live(g, g->heads[k].layer, others);
        gn_graph_mark_live(g, head->layer, own);
        if (others[head->layer] || own[output.id])
            GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                    "%s: an auxiliary head ends in a layer of its own, which no other reads",
                    head->name);
    }
    return GN_OK;
}

static gn_status check_graph(const struct gn_graph *g, gn_node output, struct gn_shape *input)
{
    if (g->status != GN_OK)
        return gn_fail(g->status, "%s", g->message);
    if (output.id < 0 || output.id >= g->n_layers)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "gn_compile: the output is not a node of this graph");
    if (!find_input(g, input))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "gn_compile: a network has exactly one input");
    const struct gn_layer *last = &g->layers[output.id];
    if (last->out.h != 1 || last->out.w != 1)
        GN_FAIL(GN_STATUS_BAD_SHAPE,
                "%s: the answer must be a vector of logits, it is %dx%dx%d (pool it, then dense)",
                last->name, last->out.h, last->out.w, last->out.c);
    return check_heads(g, output);
}

gn_net *gn_net_create(gn_graph *graph, gn_node output)
{
    if (graph == NULL) {
        (void)gn_last_status();
        return NULL;
    }
    struct gn_shape input;
    gn_net *net = NULL;
    if (check_graph(graph, output, &input) == GN_OK)
        net = gn_calloc(1, sizeof *net, "a network");
    if (net == NULL) {
        gn_graph_free(graph);
        return NULL;
    }
    net->graph = graph;
    net->output = output.id;
    net->input = input;
    net->classes = graph->layers[output.id].out.c;
    net->resize = GN_RESIZE_TF1_LEGACY;
    (void)snprintf(net->preset, sizeof net->preset, "custom");
    return net;
}

gn_net *gn_net_drawn(gn_net *net, uint64_t seed)
{
    if (net == NULL || gn_net_init(net, seed) == GN_OK)
        return net;
    gn_free_net(net);
    return NULL;
}

gn_net *gn_compile(gn_graph *graph, gn_node output, uint64_t seed)
{
    return gn_net_drawn(gn_net_create(graph, output), seed);
}

static void free_labels(gn_net *net)
{
    for (int i = 0; net->labels != NULL && i < net->classes; i++)
        gn_free(net->labels[i]);
    gn_free(net->labels);
    net->labels = NULL;
}

void gn_free_net(gn_net *net)
{
    if (net == NULL)
        return;
    free_labels(net);
    gn_graph_free(net->graph);
    gn_free(net->params);
    gn_free(net);
}

const char *gn_net_head(const gn_net *net, int i)
{
    return net != NULL && i >= 0 && i < net->graph->n_heads ? net->graph->heads[i].name : NULL;
}

/* Copies of n names; NULL: NO_MEMORY. */
static char **copy_labels(const char *const *labels, int n)
{
    char **copy = gn_calloc((size_t)n, sizeof *copy, "labels");
    for (int i = 0; copy != NULL && i < n; i++) {
        copy[i] = gn_strdup(labels[i]);
        if (copy[i] != NULL)
            continue;
        while (i-- > 0)
            gn_free(copy[i]);
        gn_free(copy);
        return NULL;
    }
    return copy;
}

gn_status gn_net_set_labels(gn_net *net, const char *const *labels, int n)
{
    if (net == NULL)
        return gn_last_status();
    if (labels == NULL) {
        free_labels(net);
        return GN_OK;
    }
    if (n != net->classes)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%d labels for a network of %d classes", n, net->classes);
    for (int i = 0; i < n; i++)
        if (labels[i] == NULL)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                    "label %d of %d is NULL; every class needs a name, or none has one", i, n);
    for (int i = 0; i < n; i++)
        if (!gn_is_printable(labels[i]))
            GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                    "label %d, \"%.60s\", is not UTF-8 or has control characters", i, labels[i]);
    char **copy = copy_labels(labels, n);
    if (copy == NULL)
        return gn_last_status();
    free_labels(net);
    net->labels = copy;
    return GN_OK;
}

uint32_t gn_net_hash(const gn_net *net)
{
    uint32_t crc = 0;
    for (int i = 0; net != NULL && i < net->graph->n_tensors; i++) {
        const struct gn_tensor *t = &net->graph->tensors[i];
        crc = gn_crc32c_numbers(crc, net->params + t->offset, t->count, sizeof(float));
    }
    return crc;
}
