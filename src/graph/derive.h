/* The same network for another input, another number of classes, or without its auxiliary heads. */
#ifndef GN_GRAPH_DERIVE_H
#define GN_GRAPH_DERIVE_H

#include "graph/graph.h"

struct gn_graph_changes {
    int height, width, channels; /* of the input; 0: as they are */
    int classes;                 /* 0: as they are */
    bool drop_heads;             /* the auxiliary ones, with all layers that only they need */
};

/* A copy of the graph with these changes, and in *output (in: the node of `graph`) its answer. All else
 * follows: the layers keep their attributes, but for the width of those that make logits. NULL:
 * BAD_ARGUMENT, BAD_SHAPE when the network cannot be so; NO_MEMORY. */
gn_graph *gn_graph_derive(const struct gn_graph *graph, const struct gn_graph_changes *changes,
                          gn_node *output);

/* Appends a layer of this operator, name, owner, stage and initial values to `to`, with these attributes; its
 * inputs are nodes[k] for the layer's input k of the old graph. Errors as for gn_graph_append. */
gn_node gn_graph_append_like(gn_graph *to, const struct gn_layer *layer, const gn_node *nodes,
                             const void *attributes);

/* Marks the layers whose width is the number of classes: from the one that makes the logits of the
 * answer, and of each head, to their end. `marked` has an entry a layer. */
void gn_graph_mark_logits(const struct gn_graph *graph, gn_node output, bool *marked);

/* Marks the layers that only auxiliary heads need. */
void gn_graph_mark_heads_only(const struct gn_graph *graph, gn_node output, bool *marked);

#endif
