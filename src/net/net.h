/* A network: a finished graph with the values of its parameters, its preprocessing and its labels. */
#ifndef GN_NET_NET_H
#define GN_NET_NET_H

#include "graph/graph.h"
#include "picture/pixels.h"

struct gn_net {
    struct gn_graph *graph;
    int output; /* layer whose value is the answer (logits) */
    char preset[GN_NAME_BYTES];
    struct gn_shape input;
    int classes;
    gn_resize resize; /* never GN_RESIZE_DEFAULT */
    struct gn_pixel_rule pixels;
    char **labels;     /* `classes` names or NULL */
    float *params;     /* graph->n_floats values, gaps are zero */
    char *description; /* text of the .net file that it was built from, or NULL */
};

/* Gives the net a rule that was made for an input of `size` pixels and `channels`. Another size
 * keeps the share of a picture that is cut out of its middle; other channels leave the net as it
 * was, since means and order belong to colours. */
void gn_net_take_pixels(struct gn_net *net, const struct gn_pixel_rule *rule, int size,
                        int channels);

/* gn_compile without initial values: all parameters are zero, for who reads them from a file. */
gn_net *gn_net_create(gn_graph *graph, gn_node output);

/* Parameters as the graph's initialisers say; without any Glorot-uniform kernels by seed, zero biases
 * (Glorot and Bengio, AISTATS 2010; Keras' fans). */
void gn_net_init(struct gn_net *net, uint64_t seed);

/* A stable hash of the layer table (names, shapes, strides, pads): two nets with equal hashes can
 * exchange weights. 16 hex digits. Layers that only auxiliary heads need are left out. */
void gn_net_fingerprint(const struct gn_net *net, char hex[17]);

#endif
