/* A kernel is taps x in x out here, out x in x taps there; a matrix is one whose taps are its map. */
#include "foreign/order.h"

#include <string.h>

const struct gn_layer *gn_order_owner(const struct gn_graph *graph, int i, int *slot)
{
    for (int l = 0; l < graph->n_layers; l++)
        for (*slot = 0; *slot < GN_LAYER_TENSORS; ++*slot)
            if (graph->layers[l].op->tensors[*slot].suffix != NULL &&
                graph->layers[l].tensors[*slot] == i)
                return &graph->layers[l];
    return NULL;
}

int gn_order_shape(const struct gn_graph *graph, int i, enum gn_order order, uint64_t shape[4])
{
    int slot;
    const struct gn_tensor *t = &graph->tensors[i];
    const struct gn_layer *layer = gn_order_owner(graph, i, &slot);
    const struct gn_geometry *g = &layer->window;
    const enum gn_tensor_shape kind = layer->op->tensors[slot].shape;
    for (int d = 0; d < t->rank; d++)
        shape[d] = (uint64_t)t->shape[d];
    if (order == GN_ORDER_OURS || kind == GN_TENSOR_CHANNELS)
        return t->rank;
    shape[0] = (uint64_t)g->oc;
    shape[1] = (uint64_t)g->c;
    shape[2] = (uint64_t)g->kh;
    shape[3] = (uint64_t)g->kw;
    if (kind == GN_TENSOR_WINDOW)
        return 4;
    shape[1] = t->count / shape[0];
    return 2;
}

/* Calls for each value: to[ours] = from[theirs] or the other way around. */
static void transpose(const struct gn_geometry *g, size_t taps, const float *from, float *to,
                      bool gives)
{
    const size_t c = (size_t)g->c, oc = (size_t)g->oc;
    for (size_t o = 0; o < oc; o++)
        for (size_t i = 0; i < c; i++)
            for (size_t t = 0; t < taps; t++) {
                const size_t ours = (t * c + i) * oc + o, theirs = (o * c + i) * taps + t;
                to[gives ? theirs : ours] = from[gives ? ours : theirs];
            }
}

static void copy(const struct gn_graph *graph, int i, enum gn_order order, const float *from,
                 float *to, bool gives)
{
    int slot;
    const size_t count = graph->tensors[i].count;
    const struct gn_layer *layer = gn_order_owner(graph, i, &slot);
    const struct gn_geometry *g = &layer->window;
    if (order == GN_ORDER_OURS || layer->op->tensors[slot].shape == GN_TENSOR_CHANNELS)
        memcpy(to, from, count * sizeof *to);
    else
        transpose(g, count / ((size_t)g->c * (size_t)g->oc), from, to, gives);
}

void gn_order_take(const struct gn_graph *graph, int i, enum gn_order order, const float *theirs,
                   float *ours)
{
    copy(graph, i, order, theirs, ours, false);
}

void gn_order_give(const struct gn_graph *graph, int i, enum gn_order order, const float *ours,
                   float *theirs)
{
    copy(graph, i, order, ours, theirs, true);
}
