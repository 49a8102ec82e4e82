/* Inside of the ONNX writer (github.com/onnx/onnx, onnx/onnx.proto). */
#ifndef GN_EXCHANGE_ONNX_WRITER_H
#define GN_EXCHANGE_ONNX_WRITER_H

#include "file/protobuf.h"
#include "net/net.h"

enum gn_onnx_type {
    GN_ONNX_FLOAT = 1,
    GN_ONNX_UINT8 = 2,
    GN_ONNX_INT8 = 3,
    GN_ONNX_INT32 = 6,
    GN_ONNX_INT64 = 7,
    GN_ONNX_FLOAT16 = 10
};

enum { GN_ONNX_NAME = GN_NAME_BYTES + 32 };

struct gn_onnx {
    const struct gn_net *net;
    const struct gn_export_options *options;
    int opset;
    struct gn_pb pb;
    char (*value)[GN_ONNX_NAME]; /* of each layer: the name of the tensor that holds its output */
    bool *live;                  /* layers that the answer depends on */
    bool *is_map;                /* layers whose tensor has four dimensions there */
    int *folded; /* of a convolution: the normalisation that its weights contain, -1: none */
};

/* ---- write_parts.c ---- */

/* A node with n inputs and one output, open for attributes: end it with gn_pb_end. */
size_t gn_onnx_node(struct gn_onnx *onnx, const char *type, const char *name, const char *output,
                    const char *const *inputs, int n);
void gn_onnx_write_attribute(struct gn_onnx *onnx, const struct gn_onnx_attribute *attribute);

/* A node without attributes. */
void gn_onnx_simple(struct gn_onnx *onnx, const char *type, const char *name, const char *output,
                    const char *input, const char *second);

/* A constant of the graph. Values are converted to the file's type of numbers. */
void gn_onnx_floats(struct gn_onnx *onnx, const char *name, const float *values,
                    const int64_t *dims, int rank);
/* One of bytes in the order of the file; NULL: zeros. */
void gn_onnx_raw(struct gn_onnx *onnx, const char *name, enum gn_onnx_type type, const void *data,
                 size_t size, const int64_t *dims, int rank);
void gn_onnx_int64s(struct gn_onnx *onnx, const char *name, const int64_t *values, int n);

/* An input or output of the graph: `field` 11 or 12. A dimension below 1 is free, called `names`. */
void gn_onnx_value(struct gn_onnx *onnx, int field, const char *name, enum gn_onnx_type type,
                   const int64_t *dims, const char *const *names, int rank);

/* float32 or float16, as the options say. */
enum gn_onnx_type gn_onnx_number(const struct gn_onnx *onnx);

/* ---- write_int8.c ---- */

/* Weights of 8 bits as the value `name`. UNSUPPORTED in an opset or with numbers that cannot say it. */
gn_status gn_onnx_write_int8_weights(struct gn_onnx *onnx, int layer, const char *name);

/* The bias of such a layer, unless (*done false) its input is not bytes. */
gn_status gn_onnx_write_int8_bias(struct gn_onnx *onnx, int layer, const char *name, bool *done);

/* The nodes of a layer `quantize`. */
void gn_onnx_write_quantize(struct gn_onnx *onnx, int layer);

/* ---- write_layers.c, write_input.c ---- */

/* The input, with the preprocessing in the graph if that is wanted. UNSUPPORTED by name. */
gn_status gn_onnx_write_input(struct gn_onnx *onnx);

/* The value `input` as a row an image, under the name `output`. */
void gn_onnx_flatten(struct gn_onnx *onnx, const char *name, const char *input,
                     char output[GN_ONNX_NAME]);

/* Nodes and weights of all live layers. UNSUPPORTED with the layer's name. */
gn_status gn_onnx_write_layers(struct gn_onnx *onnx);

#endif
