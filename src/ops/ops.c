/* Names of the operators, and the window and padding rule that convolution and pooling share. */
#include "ops/rules.h"

const char *gn_op_type(enum gn_op op)
{
    static const char *const names[GN_OP_COUNT] = {
        [GN_OP_INPUT] = "InputLayer",
        [GN_OP_CONV] = "Conv2D",
        [GN_OP_RELU] = "ReLU",
        [GN_OP_MAX_POOL] = "MaxPooling2D",
        [GN_OP_GLOBAL_AVG_POOL] = "GlobalAveragePooling2D",
        [GN_OP_CONCAT] = "Concatenate",
        [GN_OP_DENSE] = "Dense",
    };
    return names[op];
}

void gn_same_padding(int n, int kernel, int stride, int *out, int *before, int *after)
{
    *out = (n + stride - 1) / stride;
    const int total = (*out - 1) * stride + kernel - n;
    *before = total > 0 ? total / 2 : 0;
    *after = total > 0 ? total - *before : 0;
}

gn_status gn_window_rule(const char *name, struct gn_shape in, int kernel, int stride,
                         struct gn_geometry *g)
{
    if (kernel < 1 || kernel > GN_MAX_KERNEL)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: kernel %d (1 to %d are possible)", name, kernel,
                GN_MAX_KERNEL);
    if (stride < 1 || stride > GN_MAX_KERNEL)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: stride %d (1 to %d are possible)", name, stride,
                GN_MAX_KERNEL);
    int after;
    *g = (struct gn_geometry){ .h = in.h, .w = in.w, .c = in.c, .oc = in.c };
    g->kh = g->kw = kernel;
    g->stride = stride;
    gn_same_padding(in.h, kernel, stride, &g->oh, &g->pad_top, &after);
    gn_same_padding(in.w, kernel, stride, &g->ow, &g->pad_left, &after);
    return GN_OK;
}
