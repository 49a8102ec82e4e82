/*
 * Convolution as its formula, forward, backward-data and gradients of weights and bias: the
 * oracle of the fast versions. Cross-correlation of strides sh and sw
 * with zero padding:
 *
 *   y[i][j][o] = b[o] + sum over r, s, c of x[i*sh - top + r][j*sw - left + s][c] * w[r][s][c][o]
 *
 * The dense layer is the case of a 1x1 map. Sums run in double and are rounded once.
 */
#include "ops/kernels.h"

#include <string.h>

static size_t pixel(int image, int y, int x, int h, int w, int ld)
{
    return (((size_t)image * (size_t)h + (size_t)y) * (size_t)w + (size_t)x) * (size_t)ld;
}

static bool inside(int y, int x, int h, int w)
{
    return y >= 0 && y < h && x >= 0 && x < w;
}

static double forward_value(const struct gn_args *a, int image, int oy, int ox, int o)
{
    const struct gn_geometry *g = &a->g;
    double sum = a->b == NULL ? 0 : (double)a->b[o];
    for (int r = 0; r < g->kh; r++) {
        for (int s = 0; s < g->kw; s++) {
            const int iy = oy * g->stride_h - g->pad_top + r,
                      ix = ox * g->stride_w - g->pad_left + s;
            if (!inside(iy, ix, g->h, g->w))
                continue;
            const float *x = a->x.data + pixel(image, iy, ix, g->h, g->w, a->x.ld);
            const float *w = a->w + (size_t)((r * g->kw + s) * g->c) * (size_t)g->oc + o;
            for (int c = 0; c < g->c; c++)
                sum += (double)x[c] * (double)w[(size_t)c * (size_t)g->oc];
        }
    }
    return a->relu && sum < 0 ? 0 : sum;
}

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    for (int oy = 0; oy < g->oh; oy++)
        for (int ox = 0; ox < g->ow; ox++)
            for (int o = 0; o < g->oc; o++)
                a->y.data[pixel(image, oy, ox, g->oh, g->ow, a->y.ld) + (size_t)o] =
                    (float)forward_value(a, image, oy, ox, o);
}

/* dx[iy][ix][c] = sum over the outputs that read this pixel of dy * w. */
static double back_value(const struct gn_args *a, int image, int iy, int ix, int c)
{
    const struct gn_geometry *g = &a->g;
    double sum = 0;
    for (int r = 0; r < g->kh; r++) {
        for (int s = 0; s < g->kw; s++) {
            const int ty = iy + g->pad_top - r, tx = ix + g->pad_left - s;
            if (ty % g->stride_h != 0 || tx % g->stride_w != 0 ||
                !inside(ty / g->stride_h, tx / g->stride_w, g->oh, g->ow) || ty < 0 || tx < 0)
                continue;
            const float *dy = a->dy.data + pixel(image, ty / g->stride_h, tx / g->stride_w, g->oh,
                                                 g->ow, a->dy.ld);
            const float *w = a->w + (size_t)((r * g->kw + s) * g->c + c) * (size_t)g->oc;
            for (int o = 0; o < g->oc; o++)
                sum += (double)dy[o] * (double)w[o];
        }
    }
    return sum;
}

static void back_data(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    for (int iy = 0; iy < g->h; iy++) {
        for (int ix = 0; ix < g->w; ix++) {
            float *dx = a->dx.data + pixel(image, iy, ix, g->h, g->w, a->dx.ld);
            for (int c = 0; c < g->c; c++) {
                const double sum =
                    back_value(a, image, iy, ix, c) + (a->accumulate ? (double)dx[c] : 0);
                const bool pass =
                    !a->mask ||
                    a->x.data[pixel(image, iy, ix, g->h, g->w, a->x.ld) + (size_t)c] > 0;
                dx[c] = pass ? (float)sum : 0;
            }
        }
    }
}

/* dw[r][s][c][o] = sum over outputs of x * dy. */
static double filter_value(const struct gn_args *a, int n, int r, int s, int c, int o)
{
    const struct gn_geometry *g = &a->g;
    double sum = 0;
    for (int image = 0; image < n; image++) {
        for (int oy = 0; oy < g->oh; oy++) {
            for (int ox = 0; ox < g->ow; ox++) {
                const int iy = oy * g->stride_h - g->pad_top + r;
                const int ix = ox * g->stride_w - g->pad_left + s;
                if (inside(iy, ix, g->h, g->w))
                    sum +=
                        (double)a->x.data[pixel(image, iy, ix, g->h, g->w, a->x.ld) + (size_t)c] *
                        (double)
                            a->dy.data[pixel(image, oy, ox, g->oh, g->ow, a->dy.ld) + (size_t)o];
            }
        }
    }
    return sum;
}

static double bias_value(const struct gn_args *a, int n, int o)
{
    double sum = 0;
    for (int p = 0; p < n * a->g.oh * a->g.ow; p++)
        sum += (double)a->dy.data[(size_t)p * (size_t)a->dy.ld + (size_t)o];
    return sum;
}

static int filter_units(const struct gn_args *a, const struct gn_run *run)
{
    (void)run;
    return a->g.kh * a->g.kw;
}

static void filter(const struct gn_args *a, const struct gn_run *run, int tap, void *scratch)
{
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    for (int c = 0; c < g->c; c++) {
        for (int o = 0; o < g->oc; o++) {
            float *dw = a->dw + (size_t)(tap * g->c + c) * (size_t)g->oc + o;
            const float sum = (float)filter_value(a, run->n, tap / g->kw, tap % g->kw, c, o);
            *dw = sum;
        }
    }
    for (int o = 0; tap == 0 && a->db != NULL && o < g->oc; o++) {
        const float sum = (float)bias_value(a, run->n, o);
        a->db[o] = sum;
    }
}

static void filter_region(const struct gn_args *a, int tap, struct gn_region *r)
{
    *r = (struct gn_region){ .first = (size_t)tap * (size_t)a->g.c * (size_t)a->g.oc,
                             .taps = 1,
                             .rows = a->g.c,
                             .columns = a->g.oc,
                             .row_stride = (size_t)a->g.oc,
                             .biases = tap == 0 && a->db != NULL ? a->g.oc : 0 };
}

/* The formula is the same for every algorithm, so the reference has no Winograd kernels. */
void gn_winograd_kernels__ref(struct gn_kernel *row)
{
    (void)row;
}

void gn_conv_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = forward };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = back_data };
    row[GN_PASS_GRADIENT] = (struct gn_kernel){
        .name = "reference", .units = filter_units, .run = filter, .region = filter_region
    };
}
