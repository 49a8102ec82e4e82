/* What every operator of the graph has in common: its kind, the shape of its output, its window. */
#ifndef GN_OPS_OPS_H
#define GN_OPS_OPS_H

#include "base/status.h"

enum gn_op {
    GN_OP_INPUT,
    GN_OP_CONV,
    GN_OP_RELU,
    GN_OP_MAX_POOL,
    GN_OP_GLOBAL_AVG_POOL,
    GN_OP_CONCAT,
    GN_OP_DENSE,
    GN_OP_BATCH_NORM,
    GN_OP_AVG_POOL,
    GN_OP_LRN,
    GN_OP_DROPOUT,
    GN_OP_COUNT
};

/* Of one image: h = w = 1 for vectors. */
struct gn_shape {
    int h, w, c;
};

/* A sliding window: x is h*w*c, y is oh*ow*oc, for one image. Pads may differ on all four sides;
 * what is not needed (bottom, right) follows from oh and ow. */
struct gn_geometry {
    int h, w, c;
    int oh, ow, oc;
    int kh, kw, stride;
    int pad_top, pad_left;
};

/* What an operator needs besides its shape and parameters. What it does not use stays zero. */
struct gn_constants {
    float eps, keep;      /* batch norm: added to the variance; share of the running statistics that
                             a step keeps */
    bool unbiased;        /* batch norm: the running variance divides by n - 1 */
    float rate;           /* dropout: share of the values that become zero */
    int size;             /* LRN: channels of a window */
    float alpha, beta, k; /* LRN */
    bool count_padding;   /* average pool: divide by the whole window */
    bool adaptive;        /* average pool: windows cut the map into oh x ow parts */
};

/* Keras' name of the layer type ("Conv2D"). */
const char *gn_op_type(enum gn_op op);

/* Output size and pads of TensorFlow's SAME along one axis: out = ceil(n/s), the odd pad comes
 * after (tensorflow/core/framework/common_shape_fns.cc). */
void gn_same_padding(int n, int kernel, int stride, int *out, int *before, int *after);

#endif
