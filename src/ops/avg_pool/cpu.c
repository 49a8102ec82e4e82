/*
 * Average pooling in vectors of channels, see ref.c. A unit is one row of pixels of one image. The
 * backward pass gathers: each input pixel looks at the windows that contain it, in row-major order,
 * so there is nothing to synchronise. Compiled once for each instruction set.
 */
#include "cpu/vector.h"
#include "ops/avg_pool/windows.h"

INLINE int lanes(const struct gn_args *a, int c)
{
    return a->g.c - c < VL ? a->g.c - c : VL;
}

static int forward_units(const struct gn_args *a, const struct gn_run *r)
{
    return r->n * a->g.oh;
}

static void forward(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    const struct gn_span rows = gn_span_rows(a, unit % g->oh);
    const size_t image = (size_t)(unit / g->oh) * (size_t)(g->h * g->w), ld = (size_t)a->x.ld;
    for (int ox = 0; ox < g->ow; ox++) {
        const struct gn_span columns = gn_span_columns(a, ox);
        const vf count = splat((float)gn_span_count(a, rows, columns));
        float *to = a->y.data + ((size_t)unit * (size_t)g->ow + (size_t)ox) * (size_t)a->y.ld;
        for (int c = 0; c < g->c; c += VL) {
            vf sum = { 0 };
            for (int y = rows.first; y < rows.end; y++)
                for (int x = columns.first; x < columns.end; x++)
                    sum += load_some(a->x.data + (image + (size_t)(y * g->w + x)) * ld + c,
                                     lanes(a, c));
            store_some(to + c, sum / count, lanes(a, c));
        }
    }
}

static int back_units(const struct gn_args *a, const struct gn_run *r)
{
    return r->n * a->g.h;
}

/* The sum over the windows that contain pixel (y, x) of dy over their size. */
INLINE vf gather(const struct gn_args *a, int image, int y, int x, int c)
{
    const struct gn_geometry *g = &a->g;
    vf sum = { 0 };
    for (int oy = 0; oy < g->oh; oy++) {
        const struct gn_span rows = gn_span_rows(a, oy);
        if (y < rows.first || y >= rows.end)
            continue;
        for (int ox = 0; ox < g->ow; ox++) {
            const struct gn_span columns = gn_span_columns(a, ox);
            if (x < columns.first || x >= columns.end)
                continue;
            const size_t at = (size_t)((image * g->oh + oy) * g->ow + ox);
            sum += load_some(a->dy.data + at * (size_t)a->dy.ld + c, lanes(a, c)) /
                   splat((float)gn_span_count(a, rows, columns));
        }
    }
    return sum;
}

static void back(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    for (int x = 0; x < g->w; x++) {
        const size_t at = (size_t)unit * (size_t)g->w + (size_t)x;
        const float *in = a->x.data + at * (size_t)a->x.ld;
        float *dx = a->dx.data + at * (size_t)a->dx.ld;
        for (int c = 0; c < g->c; c += VL) {
            const int l = lanes(a, c);
            vf v = gather(a, unit / g->h, unit % g->h, x, c);
            if (a->accumulate)
                v += load_some(dx + c, l);
            store_some(dx + c, a->mask ? where_positive(load_some(in + c, l), v) : v, l);
        }
    }
}

void GN_ISA_FUNCTION(gn_avg_pool_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "vector", .units = forward_units, .run = forward };
    if (GN_TRAINING)
        row[GN_PASS_BACK] =
            (struct gn_kernel){ .name = "gather", .units = back_units, .run = back };
}
