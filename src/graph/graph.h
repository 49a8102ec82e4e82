/*
 * A network as data: layers (nodes) in the order in which they were built, each with the attributes
 * that it was made from, the parameter tensors they own, and the shapes. Nothing here computes.
 */
#ifndef GN_GRAPH_GRAPH_H
#define GN_GRAPH_GRAPH_H

#include "base/status.h"
#include "ops/op.h"

#include <stdalign.h>

enum { GN_NAME_BYTES = 64, GN_MAX_LAYERS = 1024, GN_MAX_HEADS = 4 };

/* How the tensors of a layer begin. */
struct gn_initialization {
    gn_initial kernels;
    double deviation; /* of GN_INITIAL_NORMAL */
    double biases;
};

struct gn_layer {
    const struct gn_operator *op;
    char name[GN_NAME_BYTES];  /* "b3.inception3a.p1_1" */
    char owner[GN_NAME_BYTES]; /* its tensors' names begin with this: mostly its own */
    int stage;                 /* index into gn_graph.stages, -1: none */
    bool hidden;               /* the ReLU of gn_conv_relu: not a row of the summary */
    int n_inputs;
    int inputs[GN_MAX_INPUTS]; /* indexes of layers, all smaller than this one's */
    alignas(double) unsigned char attributes[GN_ATTRIBUTE_BYTES]; /* the operator's struct */
    struct gn_initialization initial;
    struct gn_shape out;       /* of one image */
    struct gn_geometry window; /* what the operator's rule made of all that */
    union {
        int tensors[GN_LAYER_TENSORS]; /* indexes into gn_graph.tensors, -1: none */
        struct {
            int weight, bias; /* the first two */
        };
    };
};

/* The layer's attributes as the operator's own struct. */
static inline const void *gn_layer_attributes(const struct gn_layer *layer)
{
    return layer->attributes;
}

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
    int stage;                        /* of the layers being added; -1: none */
    struct gn_initialization initial; /* of the layers being added */
    int n_heads;
    struct gn_head {
        char name[GN_NAME_BYTES];
        int layer;
        double weight; /* of its loss */
    } heads[GN_MAX_HEADS];
};

/* A layer in full, as a file writes it down. */
struct gn_layer_spec {
    const struct gn_operator *op;
    const char *name;  /* the whole one, stage included */
    const char *owner; /* NULL: the name */
    int stage;         /* -1: none */
    bool hidden;
    const gn_node *inputs;
    int n_inputs;
    const void *attributes; /* the operator's struct; NULL: all zero */
    struct gn_initialization initial;
};

/* Appends a layer: the one way by which the builders of the public header, `.net` files and model
 * files make one. Shapes and tensors follow from the operator's descriptor. On error the graph has
 * failed and the node is invalid (-1). */
gn_node gn_graph_append(gn_graph *g, const struct gn_layer_spec *spec);

/* The same for a builder: a layer of the current stage and initialization, with a name that the
 * stage is put before (NULL: the operator's kind, numbered). */
gn_node gn_graph_add(gn_graph *g, const struct gn_operator *op, const char *name,
                     const gn_node *inputs, int n, const void *attributes);

/* Whether files can hold the name of a layer, stage or head: 1 to 63 bytes of UTF-8 without control
 * characters, and not "train/...", which is how the other tensors of a checkpoint are called. */
bool gn_is_name(const char *name);

/* Keeps a first error: gn_fail's arguments. Returns the invalid node. */
gn_node gn_graph_stick(gn_graph *g);
#define GN_STICK(g, ...) ((void)gn_fail(__VA_ARGS__), gn_graph_stick(g))

/* Trainable values and the others, without the gaps. */
uint64_t gn_graph_params(const struct gn_graph *graph, bool trainable);

/* The largest share of running statistics that a training step keeps; 0: there are none. */
double gn_graph_momentum(const struct gn_graph *graph);

/* Nominal multiply-adds of one image in layer i (taps on padding counted). */
uint64_t gn_layer_macs(const struct gn_graph *graph, int i);

/* Whether the layer has a flag with this name among its attributes, and it is set. */
bool gn_layer_flag(const struct gn_layer *layer, const char *name);

/* UNSUPPORTED when the weights of a layer are whole numbers, which have no gradient. */
gn_status gn_graph_check_trainable(const struct gn_graph *graph);

/* Index of the tensor with this name, -1 when there is none. */
int gn_graph_find_tensor(const struct gn_graph *graph, const char *name);

/* Marks the layers that layer i depends on, itself included; `live` has an entry a layer. */
void gn_graph_mark_live(const struct gn_graph *graph, int i, bool *live);

#endif
