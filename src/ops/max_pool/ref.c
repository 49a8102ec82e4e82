/*
 * Max pooling as its formula, forward and backward. Padding never wins. Of
 * equal values the first in row-major order of the window takes the whole gradient
 * (tensorflow/core/kernels/maxpooling_op.cc); gradients of overlapping windows add up.
 */
#include "ops/max_pool/winners.h"

static size_t pixel(int image, int y, int x, int h, int w, int ld)
{
    return (((size_t)image * (size_t)h + (size_t)y) * (size_t)w + (size_t)x) * (size_t)ld;
}

/* The tap (r * kw + s) that wins the window of output (oy, ox), channel c, and its value. */
static int winner(const struct gn_args *a, int image, int oy, int ox, int c, float *value)
{
    const struct gn_geometry *g = &a->g;
    int best = -1;
    for (int r = 0; r < g->kh; r++) {
        for (int s = 0; s < g->kw; s++) {
            const int iy = oy * g->stride_h - g->pad_top + r,
                      ix = ox * g->stride_w - g->pad_left + s;
            if (iy < 0 || iy >= g->h || ix < 0 || ix >= g->w)
                continue;
            const float x = a->x.data[pixel(image, iy, ix, g->h, g->w, a->x.ld) + (size_t)c];
            if (best < 0 || x > *value) {
                best = r * g->kw + s;
                *value = x;
            }
        }
    }
    return best;
}

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    for (int oy = 0; oy < g->oh; oy++) {
        for (int ox = 0; ox < g->ow; ox++) {
            for (int c = 0; c < g->c; c++) {
                float value = 0;
                const int tap = winner(a, image, oy, ox, c, &value);
                a->y.data[pixel(image, oy, ox, g->oh, g->ow, a->y.ld) + (size_t)c] = value;
                if (a->kept != NULL)
                    a->kept[pixel(image, oy, ox, g->oh, g->ow, g->c) + (size_t)c] =
                        (uint8_t)(!a->mask || value > 0 ? tap : GN_NO_TAP);
            }
        }
    }
}

/* The sum of dy over the windows that input (iy, ix) has won, in row-major order of the taps. */
static float back_value(const struct gn_args *a, int image, int iy, int ix, int c)
{
    const struct gn_geometry *g = &a->g;
    float sum = 0;
    for (int r = 0; r < g->kh; r++) {
        for (int s = 0; s < g->kw; s++) {
            const int ty = iy + g->pad_top - r, tx = ix + g->pad_left - s;
            const int oy = ty / g->stride_h, ox = tx / g->stride_w;
            if (ty < 0 || tx < 0 || ty % g->stride_h != 0 || tx % g->stride_w != 0 || oy >= g->oh ||
                ox >= g->ow)
                continue;
            const size_t at = pixel(image, oy, ox, g->oh, g->ow, g->c) + (size_t)c;
            if (a->kept[at] == r * g->kw + s)
                sum += a->dy.data[pixel(image, oy, ox, g->oh, g->ow, a->dy.ld) + (size_t)c];
        }
    }
    return sum;
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    for (int iy = 0; iy < g->h; iy++) {
        for (int ix = 0; ix < g->w; ix++) {
            const size_t at = pixel(image, iy, ix, g->h, g->w, a->x.ld);
            float *dx = a->dx.data + pixel(image, iy, ix, g->h, g->w, a->dx.ld);
            for (int c = 0; c < g->c; c++) {
                const float sum = back_value(a, image, iy, ix, c) + (a->accumulate ? dx[c] : 0);
                dx[c] = !a->mask || a->x.data[at + (size_t)c] > 0 ? sum : 0;
            }
        }
    }
}

void gn_max_pool_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = forward };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = back };
}
