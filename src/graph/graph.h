/*
 * A network as data: layers (nodes) in the order in which they were built, the parameter tensors
 * they own, and the shapes. Nothing here computes.
 */
#ifndef GN_GRAPH_GRAPH_H
#define GN_GRAPH_GRAPH_H

#include "base/status.h"
#include "ops/ops.h"

enum { GN_NAME_BYTES = 64, GN_MAX_INPUTS = 8, GN_MAX_LAYERS = 1024, GN_MAX_HEADS = 4 };

struct gn_layer {
    enum gn_op op;
    char name[GN_NAME_BYTES]; /* "b3.inception3a.p1_1" */
    int stage;                /* index into gn_graph.stages, -1: none */
    bool hidden;              /* the ReLU of gn_conv_relu: not a row of the summary */
    int n_inputs;
    int inputs[GN_MAX_INPUTS]; /* indexes of layers, all smaller than this one's */
    struct gn_shape out;       /* of one image */
    struct gn_geometry window; /* conv and pool */
    struct gn_constants constants;
    int weight, bias; /* indexes into gn_graph.tensors, -1: none; gamma and beta of a batch norm */
    int mean, variance; /* running statistics of a batch norm, -1: none */
};

/* One parameter tensor: where its values stand in the flat arrays of parameters, gradients and
 * optimiser state, which all share this layout. */
struct gn_tensor {
    char name[GN_NAME_BYTES + 8]; /* "b3.inception3a.p1_1.weight" */
    int rank;
    int shape[4];
    size_t count, offset; /* in floats; offsets are multiples of 16 */
    bool is_kernel;       /* decays; biases do not */
    bool trainable;       /* false: running statistics */
    double fan_in, fan_out;
    gn_initial initial; /* of a kernel */
    double deviation;   /* of GN_INITIAL_NORMAL */
    double constant;    /* what all values of other tensors begin with */
};

struct gn_graph {
    gn_status status; /* the first error, with its sentence below */
    char message[512];
    int n_layers, cap_layers;
    struct gn_layer *layers;
    int n_tensors, cap_tensors;
    struct gn_tensor *tensors;
    size_t n_floats; /* of the flat arrays, gaps included */
    int n_stages, cap_stages;
    char (*stages)[GN_NAME_BYTES];
    int stage; /* of the layers being added; -1: none */
    /* of the tensors being added */
    gn_initial initial;
    double deviation, biases;
    int n_heads;
    struct gn_head {
        char name[GN_NAME_BYTES];
        int layer;
        double weight; /* of its loss */
    } heads[GN_MAX_HEADS];
};

/* Trainable values and the others, without the gaps. */
uint64_t gn_graph_params(const struct gn_graph *graph, bool trainable);

/* Nominal multiply-adds of one image in layer i (taps on padding counted). */
uint64_t gn_layer_macs(const struct gn_graph *graph, int i);

/* Index of the tensor with this name, -1 when there is none. */
int gn_graph_find_tensor(const struct gn_graph *graph, const char *name);

/* Marks the layers that layer i depends on, itself included; `live` has an entry a layer. */
void gn_graph_mark_live(const struct gn_graph *graph, int i, bool *live);

#endif
