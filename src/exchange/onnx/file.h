/*
 * An ONNX file, opened: tables of its nodes, constants, inputs and outputs, which point into the bytes
 * of the file (github.com/onnx/onnx, onnx/onnx.proto).
 */
#ifndef GN_EXCHANGE_ONNX_FILE_H
#define GN_EXCHANGE_ONNX_FILE_H

#include "file/file.h"
#include "file/protobuf_read.h"

enum { GN_ONNX_RANK = 8, GN_ONNX_TEXT = 128 };

/* A tensor of the file, whose values are read when they are needed. */
struct gn_onnx_tensor {
    struct gn_pb_slice name;
    int type; /* enum gn_onnx_type and others of TensorProto.DataType */
    int rank;
    int64_t dims[GN_ONNX_RANK];
    uint64_t count;
    struct gn_pb_slice raw;     /* raw_data; bytes NULL: typed fields */
    struct gn_pb_slice message; /* the whole, for typed fields */
    bool external;              /* its values are in another file */
    bool transposed;            /* a matrix whose values lie as if its dimensions were exchanged */
    bool filled;                /* all values are `fill` (ConstantOfShape) */
    double fill;
};

struct gn_onnx_value_info {
    struct gn_pb_slice name;
    int type;                   /* of its numbers; 0: unknown */
    int rank;                   /* -1: unknown */
    int64_t dims[GN_ONNX_RANK]; /* 0: free */
};

struct gn_onnx_node_in {
    struct gn_pb_slice name, type, domain;
    struct gn_pb_slice message; /* inputs, outputs and attributes are read from it */
    int n_inputs, n_outputs;
};

struct gn_onnx_file {
    char path[GN_PATH_TEXT]; /* printable */
    const char *real_path;   /* the caller's */
    struct gn_bytes bytes;
    int64_t ir, opset;
    struct gn_pb_slice producer, graph;
    struct gn_onnx_node_in *nodes;
    struct gn_onnx_tensor *constants;
    struct gn_onnx_value_info *inputs, *outputs;
    size_t n_nodes, n_constants, n_inputs, n_outputs;
};

/* Opens a file: BAD_MODEL when it is none or damaged, UNSUPPORTED for a version that is not known.
 * gn_onnx_close releases, also after an error. */
gn_status gn_onnx_open(struct gn_onnx_file *file, const char *path);
void gn_onnx_close(struct gn_onnx_file *file);

/* Text of metadata_props[key], a slice without bytes when there is none. */
struct gn_pb_slice gn_onnx_metadata(const struct gn_onnx_file *file, const char *key);

/* Input or output number i of a node; empty when it is left out. */
struct gn_pb_slice gn_onnx_node_input(const struct gn_onnx_node_in *node, int i);
struct gn_pb_slice gn_onnx_node_output(const struct gn_onnx_node_in *node, int i);

/* Attributes. Each returns false, and leaves its result alone, when the node has none of that name. */
bool gn_onnx_get_int(const struct gn_onnx_node_in *node, const char *name, int64_t *value);
bool gn_onnx_get_float(const struct gn_onnx_node_in *node, const char *name, float *value);
bool gn_onnx_get_text(const struct gn_onnx_node_in *node, const char *name,
                      struct gn_pb_slice *text);
/* Returns the number of integers, which may be more than `most`; -1: no such attribute. */
int gn_onnx_get_ints(const struct gn_onnx_node_in *node, const char *name, int64_t *values,
                     int most);
bool gn_onnx_get_tensor(const struct gn_onnx_file *file, const struct gn_onnx_node_in *node,
                        const char *name, struct gn_onnx_tensor *tensor);

/* Reads a TensorProto: BAD_MODEL. */
gn_status gn_onnx_read_tensor(const struct gn_onnx_file *file, struct gn_pb_slice message,
                              struct gn_onnx_tensor *tensor);

/* A sentence about a tensor, by its name. */
gn_status gn_onnx_bad_tensor(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
                             gn_status status, const char *what);

/* Takes values number `first` and the following of a tensor. */
typedef void gn_onnx_sink(void *to, uint64_t first, const float *values, size_t n);

/* The values of a tensor of `count` numbers, converted: to a sink, a portion at a time, or into an
 * array. BAD_MODEL when they are not there; UNSUPPORTED for types without conversion. */
gn_status gn_onnx_each(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
                       gn_onnx_sink *sink, void *to);
gn_status gn_onnx_to_floats(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
                            float *values);
gn_status gn_onnx_to_ints(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
                          int64_t *values);

/* Where the values of an external tensor are. */
struct gn_onnx_external {
    char location[256];
    uint64_t offset, length;
    bool has_length;
};
gn_status gn_onnx_find_external(const struct gn_onnx_file *file,
                                const struct gn_onnx_tensor *tensor,
                                struct gn_onnx_external *where);

/* Bytes of the other files that hold values, all of which must be there. */
gn_status gn_onnx_external_bytes(const struct gn_onnx_file *file, uint64_t *bytes);

/* A name for messages: printable, cut; returns `text`. */
const char *gn_onnx_text(struct gn_pb_slice slice, char text[GN_ONNX_TEXT]);

#endif
