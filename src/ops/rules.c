/* The window and padding rule that convolution and pooling share, and rules of other layers. */
#include "ops/rules.h"

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

/* Windows along one padded axis. */
static int windows(int padded, int kernel, int stride, int before, int n, bool ceil)
{
    const int out = (padded - kernel + (ceil ? stride - 1 : 0)) / stride + 1;
    return (out - 1) * stride >= n + before ? out - 1 : out;
}

gn_status gn_pads_rule(const char *name, const struct gn_pads *pads, struct gn_geometry *g)
{
    const int sides[] = { pads->top, pads->bottom, pads->left, pads->right };
    const int kernel = g->kh; /* windows are square */
    for (int i = 0; i < 4; i++)
        if (sides[i] < 0 || sides[i] >= kernel)
            GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: padding %d (0 to kernel - 1 = %d are possible)", name,
                    sides[i], kernel - 1);
    const int padded_h = g->h + pads->top + pads->bottom;
    const int padded_w = g->w + pads->left + pads->right;
    if (padded_h < kernel || padded_w < kernel)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: kernel %d exceeds the padded input %dx%d", name, kernel,
                padded_h, padded_w);
    g->pad_top = pads->top;
    g->pad_left = pads->left;
    g->oh = windows(padded_h, kernel, g->stride, pads->top, g->h, pads->ceil);
    g->ow = windows(padded_w, kernel, g->stride, pads->left, g->w, pads->ceil);
    return GN_OK;
}

gn_status gn_pool_rule(struct gn_rule *r)
{
    struct gn_pool_options *o = r->attributes;
    o->stride = o->stride == 0 ? o->kernel : o->stride;
    GN_TRY(gn_window_rule(r->name, r->in[0], o->kernel, o->stride, &r->g));
    if (o->ceil && !o->explicit_pads)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: ceil belongs to explicit pads", r->name);
    const struct gn_pads pads = { o->pad_top, o->pad_bottom, o->pad_left, o->pad_right, o->ceil };
    return o->explicit_pads ? gn_pads_rule(r->name, &pads, &r->g) : GN_OK;
}

struct gn_geometry gn_same_geometry(struct gn_shape in)
{
    return (struct gn_geometry){ .h = in.h,
                                 .w = in.w,
                                 .c = in.c,
                                 .oh = in.h,
                                 .ow = in.w,
                                 .oc = in.c,
                                 .kh = 1,
                                 .kw = 1,
                                 .stride = 1 };
}

gn_status gn_same_rule(struct gn_rule *rule)
{
    rule->g = gn_same_geometry(rule->in[0]);
    return GN_OK;
}
