/*
 * Shape rules: from the shape of its input and the options of a layer to its geometry. Errors
 * are BAD_SHAPE and name the layer and the numbers.
 */
#ifndef GN_OPS_RULES_H
#define GN_OPS_RULES_H

#include "ops/ops.h"

enum { GN_MAX_CHANNELS = 65536, GN_MAX_SIZE = 8192, GN_MAX_KERNEL = 64 };

/* A window with TensorFlow's SAME padding; oc becomes in.c. */
gn_status gn_window_rule(const char *name, struct gn_shape in, int kernel, int stride,
                         struct gn_geometry *g);

gn_status gn_conv_rule(const char *name, struct gn_shape in, const struct gn_conv_options *o,
                       struct gn_geometry *g);
gn_status gn_pool_rule(const char *name, struct gn_shape in, const struct gn_pool_options *o,
                       struct gn_geometry *g);
gn_status gn_avg_pool_rule(const char *name, struct gn_shape in, const struct gn_pool_options *o,
                           struct gn_geometry *g, struct gn_constants *constants);

/* Explicit pads of a window whose kernel and stride are set: oh, ow, pad_top, pad_left. `ceil`: the
 * last window may stand over the padded edge, as long as it begins inside. */
struct gn_pads {
    int top, bottom, left, right;
    bool ceil;
};
gn_status gn_pads_rule(const char *name, const struct gn_pads *pads, struct gn_geometry *g);

/* The constants of layers that keep the shape of their input. */
gn_status gn_norm_rule(const char *name, const struct gn_norm_options *o,
                       struct gn_constants *constants);
gn_status gn_lrn_rule(const char *name, const struct gn_lrn_options *o,
                      struct gn_constants *constants);
gn_status gn_dropout_rule(const char *name, double rate, struct gn_constants *constants);
gn_status gn_dense_rule(const char *name, struct gn_shape in, int units, struct gn_geometry *g);

/* Inputs of equal height and width; their channels add up. */
gn_status gn_concat_rule(const char *name, const struct gn_shape *in, int n, struct gn_shape *out);

#endif
