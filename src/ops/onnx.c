/* Attributes of an ONNX node. */
#include "ops/onnx.h"

static struct gn_onnx_attribute *next(struct gn_onnx_op *op, const char *name)
{
    GN_ASSERT(op->n < GN_ONNX_ATTRIBUTES);
    struct gn_onnx_attribute *a = &op->attributes[op->n++];
    *a = (struct gn_onnx_attribute){ .name = name };
    return a;
}

void gn_onnx_int(struct gn_onnx_op *op, const char *name, int64_t value)
{
    struct gn_onnx_attribute *a = next(op, name);
    a->n = 1;
    a->whole[0] = value;
}

void gn_onnx_real(struct gn_onnx_op *op, const char *name, double value)
{
    next(op, name)->real = value;
}

void gn_onnx_pair(struct gn_onnx_op *op, const char *name, int h, int w)
{
    struct gn_onnx_attribute *a = next(op, name);
    a->n = 2;
    a->list = true;
    a->whole[0] = h;
    a->whole[1] = w;
}

/* What the last window reaches over the edge; windows that end before it need no pad. */
static int end_pad(int in, int out, int kernel, int stride, int before)
{
    const int pad = (out - 1) * stride + kernel - in - before;
    return pad > 0 ? pad : 0;
}

void gn_onnx_window(struct gn_onnx_op *op, const struct gn_geometry *g)
{
    gn_onnx_pair(op, "kernel_shape", g->kh, g->kw);
    gn_onnx_pair(op, "strides", g->stride_h, g->stride_w);
    struct gn_onnx_attribute *pads = next(op, "pads");
    pads->n = 4;
    pads->list = true;
    pads->whole[0] = g->pad_top;
    pads->whole[1] = g->pad_left;
    pads->whole[2] = end_pad(g->h, g->oh, g->kh, g->stride_h, g->pad_top);
    pads->whole[3] = end_pad(g->w, g->ow, g->kw, g->stride_w, g->pad_left);
}
