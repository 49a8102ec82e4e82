/* A sum as its formula, two inputs at a time: y = x + x2, and max(y, 0) if a ReLU follows; each input's
 * gradient is that of the output. */
#include "ops/kernels.h"

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        const float *x2 = a->x2.data + (size_t)p * (size_t)a->x2.ld;
        float *y = a->y.data + (size_t)p * (size_t)a->y.ld;
        for (int c = 0; c < a->g.c; c++) {
            const float sum = x[c] + x2[c];
            y[c] = a->relu && sum < 0 ? 0 : sum;
        }
    }
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
            const float sum = dy[c] + (a->accumulate ? dx[c] : 0);
            dx[c] = !a->mask || x[c] > 0 ? sum : 0;
        }
    }
}

void gn_sum_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = forward };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = back };
}
