/* What every operator has in common: the shape of its output, its window. */
#ifndef GN_OPS_OPS_H
#define GN_OPS_OPS_H

#include "base/status.h"

/* Of one image: h = w = 1 for vectors. */
struct gn_shape {
    int h, w, c;
};

/* A sliding window: x is h*w*c, y is oh*ow*oc, for one image. Pads may differ on all four sides;
 * what is not needed (bottom, right) follows from oh and ow. */
struct gn_geometry {
    int h, w, c;
    int oh, ow, oc;
    int kh, kw;
    int stride_h, stride_w;
    int pad_top, pad_left;
};

/* Output size and pads of TensorFlow's SAME along one axis: out = ceil(n/s), the odd pad comes
 * after (tensorflow/core/framework/common_shape_fns.cc). */
void gn_same_padding(int n, int kernel, int stride, int *out, int *before, int *after);

#endif
