/* The window and padding rule that convolution and pooling share, and rules of other layers. */
#include "ops/rules.h"

void gn_same_padding(int n, int kernel, int stride, int *out, int *before, int *after)
{
    *out = (n + stride - 1) / stride;
    const int total = (*out - 1) * stride + kernel - n;
    *before = total > 0 ? total / 2 : 0;
    *after = total > 0 ? total - *before : 0;
}

/* "3", or "1x7". */
static const char *sides_text(int h, int w, char text[32])
{
    if (h == w)
        (void)snprintf(text, 32, "%d", h);
    else
        (void)snprintf(text, 32, "%dx%d", h, w);
    return text;
}

static gn_status check_sides(const char *name, const char *what, int h, int w, int most)
{
    char text[32];
    if (h < 1 || w < 1 || h > most || w > most)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %s %s (1 to %d are possible)", name, what,
                sides_text(h, w, text), most);
    return GN_OK;
}

/* Both sides of a window from the square one and those that were given; 0: not given. Afterwards
 * equal sides are the square one alone, others the pair alone. */
static void settle(int *both, int *h, int *w)
{
    const int rows = *h != 0 ? *h : *both, columns = *w != 0 ? *w : *both;
    *both = rows == columns ? rows : 0;
    *h = rows == columns ? 0 : rows;
    *w = rows == columns ? 0 : columns;
}

gn_status gn_window_rule(const char *name, struct gn_shape in, const struct gn_window *window,
                         struct gn_geometry *g)
{
    int after;
    settle(window->kernel, window->kernel_h, window->kernel_w);
    settle(window->stride, window->stride_h, window->stride_w);
    *g = (struct gn_geometry){ .h = in.h, .w = in.w, .c = in.c, .oc = in.c };
    g->kh = *window->kernel != 0 ? *window->kernel : *window->kernel_h;
    g->kw = *window->kernel != 0 ? *window->kernel : *window->kernel_w;
    g->stride_h = *window->stride != 0 ? *window->stride : *window->stride_h;
    g->stride_w = *window->stride != 0 ? *window->stride : *window->stride_w;
    GN_TRY(check_sides(name, window->what, g->kh, g->kw, window->largest));
    GN_TRY(check_sides(name, "stride", g->stride_h, g->stride_w, GN_MAX_KERNEL));
    gn_same_padding(in.h, g->kh, g->stride_h, &g->oh, &g->pad_top, &after);
    gn_same_padding(in.w, g->kw, g->stride_w, &g->ow, &g->pad_left, &after);
    return GN_OK;
}

/* Windows along one padded axis. */
static int windows(int padded, int kernel, int stride, int before, int n, bool ceil)
{
    const int out = (padded - kernel + (ceil ? stride - 1 : 0)) / stride + 1;
    return (out - 1) * stride >= n + before ? out - 1 : out;
}

static gn_status check_pads(const char *name, int before, int after, int kernel)
{
    const int wrong = before < 0 || before >= kernel ? before : after;
    if (wrong < 0 || wrong >= kernel)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: padding %d (0 to kernel - 1 = %d are possible)", name,
                wrong, kernel - 1);
    return GN_OK;
}

gn_status gn_pads_rule(const char *name, const struct gn_pads *pads, struct gn_geometry *g)
{
    GN_TRY(check_pads(name, pads->top, pads->bottom, g->kh));
    GN_TRY(check_pads(name, pads->left, pads->right, g->kw));
    const int padded_h = g->h + pads->top + pads->bottom;
    const int padded_w = g->w + pads->left + pads->right;
    char text[32];
    if (padded_h < g->kh || padded_w < g->kw)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: kernel %s exceeds the padded input %dx%d", name,
                sides_text(g->kh, g->kw, text), padded_h, padded_w);
    g->pad_top = pads->top;
    g->pad_left = pads->left;
    g->oh = windows(padded_h, g->kh, g->stride_h, pads->top, g->h, pads->ceil);
    g->ow = windows(padded_w, g->kw, g->stride_w, pads->left, g->w, pads->ceil);
    return GN_OK;
}

gn_status gn_pool_rule(struct gn_rule *r, const char *what, int largest)
{
    struct gn_pool_options *o = r->attributes;
    if (o->stride == 0) { /* the window's own */
        o->stride = o->kernel;
        o->stride_h = o->stride_h != 0 ? o->stride_h : o->kernel_h;
        o->stride_w = o->stride_w != 0 ? o->stride_w : o->kernel_w;
    }
    GN_TRY(gn_window_rule(r->name, r->in[0], &GN_WINDOW_OF(o, what, largest), &r->g));
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
                                 .stride_h = 1,
                                 .stride_w = 1 };
}

gn_status gn_same_rule(struct gn_rule *rule)
{
    rule->g = gn_same_geometry(rule->in[0]);
    return GN_OK;
}
