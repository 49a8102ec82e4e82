/*
 * A Caffe network, opened: its layers with the parameters that matter, which point into the bytes of the
 * file (caffe/src/caffe/proto/caffe.proto). Old layers ("layers") become new ones.
 */
#ifndef GN_CAFFE_NET_H
#define GN_CAFFE_NET_H

#include "file/protobuf_read.h"
#include "graph/graph.h"

enum { GN_CAFFE_TEXT = 96, GN_CAFFE_BLOBS = 4, GN_CAFFE_ENDS = 16 };

enum gn_caffe_type {
    GN_CAFFE_OTHER,
    GN_CAFFE_CONV,
    GN_CAFFE_POOL,
    GN_CAFFE_RELU,
    GN_CAFFE_LRN,
    GN_CAFFE_CONCAT,
    GN_CAFFE_DENSE,
    GN_CAFFE_DROPOUT,
    GN_CAFFE_SOFTMAX,
    GN_CAFFE_NORM,
    GN_CAFFE_SCALE,
    GN_CAFFE_SAME, /* Split */
    GN_CAFFE_INPUT,
    GN_CAFFE_DATA,
    GN_CAFFE_LOSS,
    GN_CAFFE_NOTHING /* Accuracy, Silence */
};

struct gn_caffe_layer {
    enum gn_caffe_type type;
    struct gn_pb_slice name, word; /* word: the type in the file; empty for old layers */
    int old_type;
    struct gn_pb_slice bottoms[GN_CAFFE_ENDS], tops[GN_CAFFE_ENDS];
    int n_bottoms, n_tops;
    struct gn_pb_slice blobs[GN_CAFFE_BLOBS];
    int n_blobs;
    struct gn_pb_slice own; /* the message of its parameters */
    struct gn_pb_slice transform;
    float loss_weight;
    bool left_out; /* by its rules: only for training */
};

struct gn_caffe_net {
    struct gn_pb_slice name;
    struct gn_caffe_layer *layers; /* free with gn_free */
    int n_layers, room;
    struct gn_pb_slice input; /* of old descriptions */
    int64_t dims[4];          /* of the input; 0: not said */
    int n_dims;
};

/* Opens a NetParameter. BAD_MODEL, UNSUPPORTED; `file` is its printable name. */
gn_status gn_caffe_open(struct gn_caffe_net *net, const char *file, struct gn_pb_slice bytes);

/* The layer of this name, NULL: none. */
const struct gn_caffe_layer *gn_caffe_find(const struct gn_caffe_net *net, struct gn_pb_slice name);

/* A number of a message: field `number`, or `otherwise`. */
int64_t gn_caffe_whole(struct gn_pb_slice message, int number, int64_t otherwise);
float gn_caffe_real(struct gn_pb_slice message, int number, float otherwise);

/* Printable and cut; returns `text`. */
const char *gn_caffe_text(struct gn_pb_slice slice, char text[GN_CAFFE_TEXT]);

/* A BlobProto: its dimensions and the bytes of its numbers. BAD_MODEL. */
struct gn_caffe_blob {
    int rank;
    uint64_t dims[4]; /* leading ones are left out of legacy shapes */
    uint64_t count;
    struct gn_pb_slice floats, doubles; /* packed; one of them */
};
gn_status gn_caffe_blob(const char *file, struct gn_pb_slice message, struct gn_caffe_blob *blob);
void gn_caffe_values(const struct gn_caffe_blob *blob, float *values);

#endif
