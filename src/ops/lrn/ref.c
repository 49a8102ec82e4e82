/*
 * Local response normalisation across channels as its formula, in Caffe's dialect (alpha is divided
 * by the size of the window), forward and backward:
 *
 *   s_c = k + alpha / size * sum of x_j^2 over the channels j of the window around c
 *   y_c = x_c * s_c^-beta
 *   dx_c = dy_c * s_c^-beta - 2 * alpha * beta / size * x_c * sum of dy_j * y_j / s_j
 *
 * Windows are cut off at the first and the last channel. (Krizhevsky et al., 2012, section 3.3;
 * caffe/src/caffe/layers/lrn_layer.cpp.)
 */
#include "ops/lrn/constants.h"

#include <math.h>

static double scale_at(const struct gn_args *a, const float *x, int c)
{
    const struct gn_lrn_constants k = gn_lrn_constants(a);
    const int half = k.size / 2;
    double sum = 0;
    for (int j = c - half; j <= c + half; j++)
        sum += j < 0 || j >= a->g.c ? 0 : (double)x[j] * (double)x[j];
    return (double)k.k + (double)k.alpha / k.size * sum;
}

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_lrn_constants k = gn_lrn_constants(a);
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        float *y = a->y.data + (size_t)p * (size_t)a->y.ld;
        for (int c = 0; c < a->g.c; c++)
            y[c] = (float)((double)x[c] * pow(scale_at(a, x, c), -(double)k.beta));
    }
}

static double back_value(const struct gn_args *a, const float *x, const float *dy, int c)
{
    const struct gn_lrn_constants k = gn_lrn_constants(a);
    const int half = k.size / 2;
    double sum = 0;
    for (int j = c - half; j <= c + half; j++) {
        if (j < 0 || j >= a->g.c)
            continue;
        const double s = scale_at(a, x, j);
        sum += (double)dy[j] * (double)x[j] * pow(s, -(double)k.beta - 1);
    }
    return (double)dy[c] * pow(scale_at(a, x, c), -(double)k.beta) -
           2 * (double)k.alpha * (double)k.beta / k.size * (double)x[c] * sum;
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        const float *dy = a->dy.data + (size_t)p * (size_t)a->dy.ld;
        float *dx = a->dx.data + (size_t)p * (size_t)a->dx.ld;
        for (int c = 0; c < a->g.c; c++) {
            const double sum = back_value(a, x, dy, c) + (a->accumulate ? (double)dx[c] : 0);
            dx[c] = !a->mask || x[c] > 0 ? (float)sum : 0;
        }
    }
}

void gn_lrn_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = forward };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = back };
}
