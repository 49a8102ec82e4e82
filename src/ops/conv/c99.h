/* Convolution on bytes in C99: of a layer whose scales.in is above 0. */
#ifndef GN_OPS_CONV_C99_H
#define GN_OPS_CONV_C99_H

#include "ops/c99.h"

void gn_conv_bytes_c99(const struct gn_args *a, struct gn_c99 *c);

#endif
