/* A graph that grows out of a Caffe network. */
#ifndef GN_CAFFE_BUILD_H
#define GN_CAFFE_BUILD_H

#include "caffe/net.h"

/* A layer of ours whose tensor `slot` is a blob of theirs. */
struct gn_caffe_weight {
    int layer, slot;
    const struct gn_caffe_layer *theirs;
    int blob;
    bool scaled; /* statistics of BatchNorm: to be divided by its last blob */
};

struct gn_caffe_build {
    const char *file; /* printable */
    const struct gn_caffe_net *net, *weights;
    gn_graph *graph;
    struct gn_shape input;
    gn_node answer;
    float answer_weight;
    struct {
        struct gn_pb_slice name;
        gn_node node;
    } * blobs; /* what tops hold, by name; the last one of a name counts */
    int n_blobs;
    struct gn_caffe_weight *list;
    int n_list;
    struct {
        gn_node node;
        float weight;
        struct gn_pb_slice name;
    } heads[GN_MAX_HEADS];
    int n_heads;
};

/* Adds every layer; the answer and the heads are then known. UNSUPPORTED, BAD_MODEL, NO_MEMORY. */
gn_status gn_caffe_make(struct gn_caffe_build *build);
void gn_caffe_build_free(struct gn_caffe_build *build);

#endif
