/*
 * Which values become bytes. Layers that only hand values on (a concatenation, a max pool) share a scale with
 * what they read: a set. A set becomes bytes when its values are never negative, everybody who reads them can
 * read bytes, and a convolution gains by it. What reads the picture itself stays as it is, and so does what
 * makes the answer.
 */
#include "infer/quantize/quantize.h"

#include "ops/attributes.h"
#include "ops/kernels.h"

static const struct gn_layer *layer_of(const struct gn_quantizer *q, int i)
{
    return &q->net->graph->layers[i];
}

bool gn_quantize_passes_on(const struct gn_layer *layer)
{
    return layer->op->joins || layer->op->id == GN_OP_MAX_POOL || layer->op->fuses == GN_FUSE_SAME;
}

static void join(struct gn_quantizer *q, int a, int b)
{
    const int from = q->set[a] > q->set[b] ? q->set[a] : q->set[b];
    const int to = q->set[a] > q->set[b] ? q->set[b] : q->set[a];
    for (int i = 0; i < q->net->graph->n_layers; i++)
        if (q->set[i] == from)
            q->set[i] = to;
}

/* Whether the values of layer i are never negative, whatever the picture; those of earlier layers are known. */
static bool is_positive(const struct gn_quantizer *q, int i, const bool *positive)
{
    const struct gn_layer *layer = layer_of(q, i);
    bool inputs = layer->n_inputs > 0;
    for (int k = 0; k < layer->n_inputs; k++)
        inputs &= positive[layer->inputs[k]];
    switch (layer->op->id) {
    case GN_OP_RELU:
        return true;
    case GN_OP_CLIP:
        return ((const struct gn_clip_attributes *)gn_layer_attributes(layer))->low >= 0;
    case GN_OP_MAX_POOL:
    case GN_OP_AVG_POOL:
    case GN_OP_GLOBAL_AVG_POOL:
    case GN_OP_CONCAT:
    case GN_OP_SUM:
    case GN_OP_LRN:
    case GN_OP_DROPOUT:
        return inputs;
    default:
        return false;
    }
}

/* Whether layer i is a convolution that could read bytes. */
static bool can_multiply(const struct gn_quantizer *q, int i)
{
    const struct gn_layer *layer = layer_of(q, i);
    const struct gn_geometry *w = &layer->window;
    return layer->op->id == GN_OP_CONV && w->c % 4 == 0 &&
           (long long)w->kh * w->kw * w->c <= GN_BYTES_SUM && i != q->net->output;
}

static void check_sets(struct gn_quantizer *q, const bool *positive)
{
    const struct gn_graph *g = q->net->graph;
    bool gains[GN_MAX_LAYERS] = { false };
    for (int i = 0; i < g->n_layers; i++)
        q->bytes[i] = true;
    q->bytes[q->set[q->net->output]] = false;
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *layer = layer_of(q, i);
        q->bytes[q->set[i]] &= positive[i];
        for (int k = 0; k < layer->n_inputs; k++) {
            const int set = q->set[layer->inputs[k]];
            gains[set] |= can_multiply(q, i);
            q->bytes[set] &= gn_quantize_passes_on(layer) || can_multiply(q, i) ||
                             layer->op->id == GN_OP_GLOBAL_AVG_POOL;
        }
    }
    for (int i = 0; i < g->n_layers; i++)
        q->bytes[i] &= gains[i] && q->set[i] == i;
}

gn_status gn_quantize_choose(struct gn_quantizer *q)
{
    const struct gn_graph *g = q->net->graph;
    bool positive[GN_MAX_LAYERS];
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *layer = layer_of(q, i);
        q->set[i] = i;
        positive[i] = is_positive(q, i, positive);
        if (layer->op->fuses == GN_FUSE_BYTES)
            GN_FAIL(
                GN_STATUS_UNSUPPORTED,
                "%s: the network is quantised already; quantize the model that it was made from",
                layer->name);
    }
    for (int i = 0; i < g->n_layers; i++)
        for (int k = 0; gn_quantize_passes_on(layer_of(q, i)) && k < layer_of(q, i)->n_inputs; k++)
            join(q, i, layer_of(q, i)->inputs[k]);
    check_sets(q, positive);
    for (int i = 0; i < g->n_layers; i++) {
        if (layer_of(q, i)->op->id != GN_OP_CONV)
            continue;
        q->int8[i] = can_multiply(q, i) && q->bytes[q->set[layer_of(q, i)->inputs[0]]];
        q->n_int8 += q->int8[i];
        q->n_kept += !q->int8[i];
    }
    if (q->n_int8 == 0)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "quantize: none of the %d convolutions can compute in 8 bits, which takes an input "
                "after a ReLU whose channels are a multiple of 4",
                q->n_kept);
    return GN_OK;
}
