/* How an operator is written in ONNX: filled by its descriptor, for the exporter. */
#ifndef GN_OPS_ONNX_H
#define GN_OPS_ONNX_H

#include "ops/ops.h"

enum { GN_ONNX_ATTRIBUTES = 6, GN_ONNX_INTS = 4 };

struct gn_onnx_attribute {
    const char *name;
    int n; /* integers in `whole`; 0: the number is `real`; one integer is no list unless `list` */
    bool list;
    int64_t whole[GN_ONNX_INTS];
    double real;
};

/* A node's type and attributes; inputs are the layer's, then its tensors. */
struct gn_onnx_op {
    const char *type;
    int inputs_from; /* the opset from which on its numbers are inputs, not attributes; 0: none */
    const char *type_of_two; /* of a layer with two inputs; NULL: as above */
    const char *refused;     /* why ONNX cannot say this layer; NULL: it can */
    bool
        takes_rows; /* its input is a row an image, and so is its output: a map is flattened first */
    int n;
    struct gn_onnx_attribute attributes[GN_ONNX_ATTRIBUTES];
};

void gn_onnx_int(struct gn_onnx_op *op, const char *name, int64_t value);
void gn_onnx_real(struct gn_onnx_op *op, const char *name, double value);
void gn_onnx_pair(struct gn_onnx_op *op, const char *name, int h, int w);

/* kernel_shape, strides and pads of a window. */
void gn_onnx_window(struct gn_onnx_op *op, const struct gn_geometry *g);

#endif
