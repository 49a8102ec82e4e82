/* The quantised network: layers `quantize` after what makes bytes, and weights of whole numbers. */
#include "infer/quantize/quantize.h"

#include "graph/derive.h"
#include "ops/attributes.h"
#include "ops/kernels.h"

#include <math.h>
#include <string.h>

/* A copy in the making. */
struct build {
    const struct gn_quantizer *q;
    gn_graph *to;
    gn_node nodes[GN_MAX_LAYERS]; /* whom the readers of a layer read now */
    int own[GN_MAX_LAYERS];       /* the layer itself */
};

static const struct gn_layer *layer_of(const struct build *b, int i)
{
    return &b->q->net->graph->layers[i];
}

static bool is_named(const gn_graph *g, const char *name)
{
    for (int i = 0; i < g->n_layers; i++)
        if (strcmp(g->layers[i].name, name) == 0)
            return true;
    return false;
}

/* After the layer, or the convolution whose ReLU it is: "b1.conv.quantize". */
static void name_of(const struct build *b, int i, char name[GN_NAME_BYTES])
{
    const struct gn_layer *layer = layer_of(b, i);
    const char *base = layer->hidden ? layer_of(b, layer->inputs[0])->name : layer->name;
    (void)snprintf(name, GN_NAME_BYTES, "%.*s.quantize", GN_NAME_BYTES - 10, base);
    for (int k = 2; is_named(b->q->net->graph, name) || is_named(b->to, name); k++)
        (void)snprintf(name, GN_NAME_BYTES, "%.*s.quantize_%d", GN_NAME_BYTES - 16, base, k);
}

static void add_quantize(struct build *b, int i)
{
    const struct gn_layer *layer = layer_of(b, i);
    const struct gn_quantize_attributes attributes = { .scale = (double)b->q->scale[b->q->set[i]] };
    char name[GN_NAME_BYTES];
    name_of(b, i, name);
    b->nodes[i] = gn_graph_append(b->to, &(struct gn_layer_spec){ .op = &gn_op_quantize,
                                                                  .name = name,
                                                                  .stage = layer->stage,
                                                                  .inputs = &b->nodes[i],
                                                                  .n_inputs = 1,
                                                                  .attributes = &attributes });
}

static void add_layer(struct build *b, int i)
{
    const struct gn_layer *layer = layer_of(b, i);
    alignas(double) unsigned char attributes[GN_ATTRIBUTE_BYTES];
    memcpy(attributes, layer->attributes, sizeof attributes);
    if (b->q->int8[i])
        ((struct gn_conv_options *)(void *)attributes)->int8 = true;
    b->nodes[i] = gn_graph_append_like(b->to, layer, b->nodes, attributes);
    b->own[i] = b->nodes[i].id;
    if (b->q->bytes[b->q->set[i]] && !gn_quantize_passes_on(layer))
        add_quantize(b, i);
}

/* The scale with the least error for column j: the largest weight is its 63rd step, or is cut off a little. */
static float best_scale(const float *w, size_t rows, size_t columns, size_t j)
{
    enum { SHARES = 10 };
    float most = 0, best = 1;
    double least = HUGE_VAL;
    for (size_t k = 0; k < rows; k++)
        most = fabsf(w[k * columns + j]) > most ? fabsf(w[k * columns + j]) : most;
    if (!(most > 1e-30F))
        return 1;
    for (int share = 0; share < SHARES; share++) {
        const float scale = most / GN_BYTES_WEIGHT * (1 - 0.03F * (float)share);
        double error = 0;
        for (size_t k = 0; k < rows; k++) {
            const float q = rintf(w[k * columns + j] / scale);
            const float cut = q > GN_BYTES_WEIGHT    ? GN_BYTES_WEIGHT
                              : q < -GN_BYTES_WEIGHT ? -GN_BYTES_WEIGHT
                                                     : q;
            const double d = (double)w[k * columns + j] - (double)cut * (double)scale;
            error += d * d;
        }
        if (error < least) {
            least = error;
            best = scale;
        }
    }
    return best;
}

/* Weights of layer i of both networks: rounded, with their scales. */
static void round_weights(const struct build *b, int i, const gn_net *net)
{
    const struct gn_layer *to = &net->graph->layers[b->own[i]];
    const struct gn_tensor *t = &net->graph->tensors[to->weight];
    const size_t columns = (size_t)to->out.c, rows = t->count / columns;
    float *w = gn_quantize_values(net, to->weight);
    float *scales = gn_quantize_values(net, to->tensors[GN_CONV_SCALE]);
    for (size_t j = 0; j < columns; j++)
        scales[j] = best_scale(w, rows, columns, j);
    gn_int8_round(w, scales, t->count, columns);
}

static void copy_weights(const struct build *b, const gn_net *net)
{
    const struct gn_graph *g = b->q->net->graph;
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *from = layer_of(b, i), *to = &net->graph->layers[b->own[i]];
        for (int t = 0; t < GN_LAYER_TENSORS; t++)
            if (from->tensors[t] >= 0)
                memcpy(gn_quantize_values(net, to->tensors[t]),
                       gn_quantize_values(b->q->net, from->tensors[t]),
                       g->tensors[from->tensors[t]].count * sizeof(float));
        if (b->q->int8[i])
            round_weights(b, i, net);
    }
}

gn_net *gn_quantize_build(const struct gn_quantizer *q)
{
    const struct gn_graph *g = q->net->graph;
    struct build b = { .q = q, .to = gn_graph_create() };
    if (b.to == NULL)
        return NULL;
    for (int s = 0; s < g->n_stages; s++)
        gn_stage(b.to, g->stages[s]);
    gn_stage(b.to, NULL);
    for (int i = 0; i < g->n_layers; i++)
        add_layer(&b, i);
    gn_net *net = gn_quantize_net(b.to, b.nodes[q->net->output], q->net);
    if (net != NULL)
        copy_weights(&b, net);
    return net;
}
