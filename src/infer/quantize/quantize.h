/*
 * From a trained network to one that computes in bytes, in three steps, a file each: the network without
 * normalisations (fold.c), which values become bytes and with what scale (choose.c, calibrate.c), and the
 * network with that in it (build.c).
 */
#ifndef GN_INFER_QUANTIZE_QUANTIZE_H
#define GN_INFER_QUANTIZE_QUANTIZE_H

#include "data/dataset.h"
#include "net/net.h"

/* What is known about the layers of a network, an entry each. */
struct gn_quantizer {
    gn_net *net;                /* without normalisations */
    int set[GN_MAX_LAYERS];     /* layers with the same one (its first layer) share a scale, */
    bool bytes[GN_MAX_LAYERS];  /* by set: if it stands as bytes, */
    float scale[GN_MAX_LAYERS]; /* with this one */
    bool int8[GN_MAX_LAYERS];   /* convolutions that read bytes */
    int n_int8, n_kept;         /* convolutions of the one and of the other kind */
};

/* A copy of `net` whose normalisations are part of the weights before them, where nothing else reads those;
 * without auxiliary heads. NULL: the library's last error. */
gn_net *gn_quantize_fold(const gn_net *net);

/* Fills `set`, `bytes` and `int8`. UNSUPPORTED when there is no convolution that can read bytes. */
gn_status gn_quantize_choose(struct gn_quantizer *q);

/* Whether layer i hands on the values that it reads. */
bool gn_quantize_passes_on(const struct gn_layer *layer);

/* Fills `scale`, from the values of so many images of a data set. */
gn_status gn_quantize_calibrate(struct gn_quantizer *q, const struct gn_quantize_options *options);

/* The quantised network. NULL: the library's last error. */
gn_net *gn_quantize_build(const struct gn_quantizer *q);

/* A network of a finished graph, which it owns, with room for its parameters and all else from `like`. */
gn_net *gn_quantize_net(gn_graph *graph, gn_node output, const gn_net *like);

/* The values of tensor t of a network. */
static inline float *gn_quantize_values(const gn_net *net, int t)
{
    return net->params + net->graph->tensors[t].offset;
}

#endif
