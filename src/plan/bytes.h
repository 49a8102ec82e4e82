/* Which values of a quantised network stand as bytes in prediction: for plans, and for C files. */
#ifndef GN_PLAN_BYTES_H
#define GN_PLAN_BYTES_H

#include "net/net.h"
#include "ops/kernels.h"

/* The value of a layer. */
struct gn_byte_choice {
    bool bytes;  /* it stands as bytes, with this */
    float scale; /* scale (gn_scales); 0: it is floats */
    bool int8;   /* the layer is a convolution that reads bytes */
};

/* Fills one entry a layer of the network, for a prediction of its answer by these kernels. */
void gn_choose_bytes(const gn_net *net, const struct gn_kernel_set *kernels,
                     struct gn_byte_choice *choices);

#endif
