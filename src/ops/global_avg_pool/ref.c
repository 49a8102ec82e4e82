/* The global mean as its formula, forward and backward. */
#include "ops/kernels.h"

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int c = 0; c < a->g.c; c++) {
        double sum = 0;
        for (int p = image * pixels; p < (image + 1) * pixels; p++)
            sum += (double)a->x.data[(size_t)p * (size_t)a->x.ld + (size_t)c];
        a->y.data[(size_t)image * (size_t)a->y.ld + (size_t)c] = (float)(sum / pixels);
    }
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    const float *dy = a->dy.data + (size_t)image * (size_t)a->dy.ld;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        float *dx = a->dx.data + (size_t)p * (size_t)a->dx.ld;
        for (int c = 0; c < a->g.c; c++) {
            const float sum = dy[c] / (float)pixels + (a->accumulate ? dx[c] : 0);
            dx[c] = !a->mask || x[c] > 0 ? sum : 0;
        }
    }
}

void gn_global_avg_pool_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = forward };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = back };
}
