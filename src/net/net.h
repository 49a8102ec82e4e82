/* A network: a finished graph with the values of its parameters, its preprocessing and its labels. */
#ifndef GN_NET_NET_H
#define GN_NET_NET_H

#include "graph/graph.h"
#include "graph/text.h"
#include "picture/pixels.h"

struct gn_net {
    struct gn_graph *graph;
    int output; /* layer whose value is the answer (logits) */
    char preset[GN_NAME_BYTES];
    struct gn_shape input;
    int classes;
    gn_resize resize;     /* never GN_RESIZE_DEFAULT */
    bool is_loaded;       /* its parameters came from a file */
    bool resize_is_given; /* by the caller or a file; otherwise a training may choose it */
    struct gn_pixel_rule pixels;
    char **labels; /* `classes` names or NULL */
    float *params; /* graph->n_floats values, gaps are zero; NULL: not reserved yet */
    struct gn_pack
        *shared; /* packed weights of its predictors, NULL: there are none (plan/pack.c) */
};

/* Gives the net a rule that was made for another input. Another size keeps the share of a picture
 * that is cut out of its middle; other channels leave the net as it was, since means and order belong
 * to colours. */
void gn_net_take_pixels(struct gn_net *net, const struct gn_pixel_rule *rule,
                        struct gn_shape input);

/* gn_compile without parameters: what reads them from a file first sees whether they are there. */
gn_net *gn_net_create(gn_graph *graph, gn_node output);

/* Room for the parameters, all zero. NO_MEMORY. */
gn_status gn_net_reserve(struct gn_net *net);

/* Parameters as the graph's initialisers say; without any Glorot-uniform kernels by seed, zero biases
 * (Glorot and Bengio, AISTATS 2010; Keras' fans). NO_MEMORY. */
gn_status gn_net_init(struct gn_net *net, uint64_t seed);

/* The same net, or NULL after it was freed for want of memory. NULL is fine. */
gn_net *gn_net_drawn(gn_net *net, uint64_t seed);

/* Two nets with equal fingerprints can exchange weights. NO_MEMORY. */
static inline gn_status gn_net_fingerprint(const struct gn_net *net, char hex[GN_FINGERPRINT_BYTES])
{
    return gn_graph_fingerprint(net->graph, (gn_node){ net->output }, hex);
}

/* What files of version 0.1.0 hold: a hash of the layer table (names, shapes, strides, pads, which
 * follow from the size of the input). 16 hex digits. Layers that only auxiliary heads need are left
 * out. */
void gn_net_old_fingerprint(const struct gn_net *net, char hex[GN_FINGERPRINT_BYTES]);

#endif
