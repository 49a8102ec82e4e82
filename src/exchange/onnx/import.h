/* Inside of the ONNX reader: the network that grows while the nodes are walked through. */
#ifndef GN_EXCHANGE_ONNX_IMPORT_H
#define GN_EXCHANGE_ONNX_IMPORT_H

#include "exchange/onnx/file.h"
#include "net/net.h"

/* What a name of the file stands for. */
enum gn_onnx_kind {
    GN_ONNX_UNKNOWN,
    GN_ONNX_ACTIVATION,
    GN_ONNX_CONSTANT,
    GN_ONNX_SHAPE /* sizes that the file computes: only a flatten may use them */
};

/* How the file lays an activation out; ours lie as (h, w, c) in memory in every case. */
enum gn_onnx_layout {
    GN_ONNX_NCHW,
    GN_ONNX_NHWC,
    GN_ONNX_VECTOR,
    GN_ONNX_FLAT_CHW, /* a map as a row, in that order */
    GN_ONNX_FLAT_HWC,
    GN_ONNX_CHANNEL, /* one channel of the input, as a map; */
    GN_ONNX_PLANE    /* without the dimension of channels */
};

struct gn_onnx_entry {
    struct gn_pb_slice name;
    enum gn_onnx_kind kind;
    enum gn_onnx_layout layout;
    gn_node node;
    int channel; /* CHANNEL, PLANE: which one, and x * factor + summand of it */
    float factor, summand;
    int pads[4]; /* zeros that a Pad put around it: top, left, bottom, right */
    int uses;    /* nodes and outputs that read it */
    int reader;  /* the node that reads it, where there is one */
    struct gn_onnx_tensor tensor;
};

/* Where the values of a parameter come from, and how they lie there. */
enum gn_onnx_order {
    GN_ONNX_AS_IS,
    GN_ONNX_OIHW,   /* to [h][w][in][out] */
    GN_ONNX_OUT_IN, /* to [in][out] */
    GN_ONNX_IN_OUT,
    GN_ONNX_PLUS, /* changes what is there: one value for all, or one for each output channel */
    GN_ONNX_MINUS,
    GN_ONNX_TIMES,
    GN_ONNX_OVER
};
struct gn_onnx_parameter {
    int layer, slot;
    enum gn_onnx_order order;
    bool by_channel; /* the rows of a matrix go through a map in the order (c, h, w) */
    struct gn_onnx_tensor tensor;
};

struct gn_onnx_import {
    struct gn_onnx_file file;
    gn_graph *graph;
    struct gn_onnx_entry *entries; /* a hash table of `room`, a power of 2 */
    size_t room;
    struct gn_onnx_parameter *parameters;
    size_t n_parameters, parameters_room;
    int node; /* being read */
    gn_node input;
    size_t input_entry;
    int n_parts; /* nodes that take channels of the input */
    bool bytes;  /* the input's numbers are 0 to 255 */
    bool bgr;    /* the network's channels are those of the input in reverse */
    bool affine; /* the input goes through x * factor + summand first */
    float factor[3], summand[3];
    bool softmax; /* the file ends in one, which is left out */
};

/* ---- names.c ---- */

/* Enters all names of the file, and who reads them. UNSUPPORTED, BAD_MODEL, NO_MEMORY. */
gn_status gn_onnx_add_names(struct gn_onnx_import *im);

/* The entry of a name; NULL when there is none. */
struct gn_onnx_entry *gn_onnx_find(const struct gn_onnx_import *im, struct gn_pb_slice name);

/* UNSUPPORTED or BAD_MODEL with the node's name, type and opset. */
gn_status gn_onnx_fail(const struct gn_onnx_import *im, gn_status status, const char *format, ...)
    GN_PRINTF(3, 4);

/* Input i of the current node as an activation of the layouts in the mask (1 << layout), without pads
 * unless `pads` is not NULL, which gets them. */
gn_status gn_onnx_activation(struct gn_onnx_import *im, int i, unsigned layouts, int pads[4],
                             struct gn_onnx_entry **entry);

/* Input i as a constant; *tensor is NULL when it is left out and `may_lack`. */
gn_status gn_onnx_constant(struct gn_onnx_import *im, int i, bool may_lack,
                           const struct gn_onnx_tensor **tensor);

/* The same for weights of a dense layer, which may have been transposed. */
gn_status gn_onnx_matrix(struct gn_onnx_import *im, int i, const struct gn_onnx_tensor **tensor);

/* Output 0 of the current node is this activation, constant or shape. */
void gn_onnx_give(struct gn_onnx_import *im, gn_node node, enum gn_onnx_layout layout);
void gn_onnx_alias(struct gn_onnx_import *im, const struct gn_onnx_entry *entry);
void gn_onnx_give_shape(struct gn_onnx_import *im);

/* A layer's parameter is a constant of the file, of `count` values. */
gn_status gn_onnx_take(struct gn_onnx_import *im, gn_node layer, int slot,
                       const struct gn_onnx_tensor *tensor, uint64_t count,
                       enum gn_onnx_order order, bool by_channel);

/* The name of a layer that the current node makes: that of its weights without ".weight", otherwise
 * its own; unique. */
const char *gn_onnx_layer_name(const struct gn_onnx_import *im,
                               const struct gn_onnx_tensor *weights, char name[GN_NAME_BYTES]);

/* All inputs of the node are constants or sizes, so the output can only be sizes. */
bool gn_onnx_only_shapes(const struct gn_onnx_import *im, const struct gn_onnx_node_in *node);

/* Whether a constant is added later to what bears this name, and nothing else reads it before. */
bool gn_onnx_adds_constant(const struct gn_onnx_import *im, const struct gn_onnx_entry *entry);

static inline struct gn_shape gn_onnx_shape(const struct gn_onnx_import *im, gn_node node)
{
    return im->graph->layers[node.id].out;
}

/* ---- layers.c, shapes.c: what nodes become ---- */

typedef gn_status gn_onnx_reader(struct gn_onnx_import *im, const struct gn_onnx_node_in *node);

gn_onnx_reader gn_onnx_read_conv, gn_onnx_read_pool, gn_onnx_read_global_pool, gn_onnx_read_lrn,
    gn_onnx_read_norm, gn_onnx_read_gemm, gn_onnx_read_matmul, gn_onnx_read_relu, gn_onnx_read_clip,
    gn_onnx_read_dropout;
gn_onnx_reader gn_onnx_read_concat, gn_onnx_read_flatten, gn_onnx_read_reshape,
    gn_onnx_read_squeeze, gn_onnx_read_transpose, gn_onnx_read_mean, gn_onnx_read_pad,
    gn_onnx_read_same, gn_onnx_read_filled, gn_onnx_read_softmax, gn_onnx_read_constant,
    gn_onnx_read_shape, gn_onnx_read_arithmetic, gn_onnx_read_sum, gn_onnx_read_gather,
    gn_onnx_read_slice, gn_onnx_read_split;

/* A concatenation of single channels of the input; their dimension of channels taken away or added. */
gn_status gn_onnx_join_channels(struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                                int64_t axis);
gn_status gn_onnx_read_plane(struct gn_onnx_import *im, const struct gn_onnx_node_in *node,
                             const int64_t *axes, int n);

#endif
