/*
 * What shape rules share: from the shape of its input and the attributes of a layer to its geometry.
 * Errors are BAD_SHAPE and name the layer and the numbers.
 */
#ifndef GN_OPS_RULES_H
#define GN_OPS_RULES_H

#include "ops/op.h"

enum { GN_MAX_CHANNELS = 65536, GN_MAX_SIZE = 8192, GN_MAX_KERNEL = 64 };

/* The fields of a layer's options that make its window. A side of 0 is the square one, `kernel` or
 * `stride`. */
struct gn_window {
    int *kernel, *kernel_h, *kernel_w;
    int *stride, *stride_h, *stride_w;
    const char *what; /* "kernel": in messages */
    int largest;      /* side */
};
#define GN_WINDOW_OF(o, name, most)                                                                \
    (struct gn_window)                                                                             \
    {                                                                                              \
        &(o)->kernel, &(o)->kernel_h, &(o)->kernel_w, &(o)->stride, &(o)->stride_h,                \
            &(o)->stride_w, name, most                                                             \
    }

/* A window with TensorFlow's SAME padding; oc becomes in.c. Afterwards the fields of a square window
 * are the square ones alone, and those of another the pair alone. */
gn_status gn_window_rule(const char *name, struct gn_shape in, const struct gn_window *window,
                         struct gn_geometry *g);

/* Explicit pads of a window whose kernel and stride are set: oh, ow, pad_top, pad_left. `ceil`: the
 * last window may stand over the padded edge, as long as it begins inside. */
struct gn_pads {
    int top, bottom, left, right;
    bool ceil;
};
gn_status gn_pads_rule(const char *name, const struct gn_pads *pads, struct gn_geometry *g);

/* A max or average pool, of struct gn_pool_options; `what` and `largest` as in gn_window. */
gn_status gn_pool_rule(struct gn_rule *rule, const char *what, int largest);

/* The output is of the input's shape: windows of one pixel and channel. */
struct gn_geometry gn_same_geometry(struct gn_shape in);
gn_status gn_same_rule(struct gn_rule *rule);

#endif
