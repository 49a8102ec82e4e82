/* How other programs lay weights out: shapes and copies in both directions. */
#ifndef GN_FOREIGN_ORDER_H
#define GN_FOREIGN_ORDER_H

#include "formats/safetensors.h"
#include "graph/graph.h"

enum gn_order {
    GN_ORDER_OURS, /* [height][width][in][out], [in][out]: Keras' too */
    GN_ORDER_TORCH /* [out][in][height][width], [out][in] with maps as (c, h, w): Caffe's too */
};

/* The layer that owns tensor i of a graph, and which of its tensors that is. */
const struct gn_layer *gn_order_owner(const struct gn_graph *graph, int i, int *slot);

/* The shape of tensor i there; returns its rank. */
int gn_order_shape(const struct gn_graph *graph, int i, enum gn_order order, uint64_t shape[4]);

/* The values of tensor i from that order into ours, and from ours into that order. */
void gn_order_take(const struct gn_graph *graph, int i, enum gn_order order, const float *theirs,
                   float *ours);
void gn_order_give(const struct gn_graph *graph, int i, enum gn_order order, const float *ours,
                   float *theirs);

#endif
