/* One input of a concatenation that could not be computed in place: y is its slice of the wide
 * tensor, so forward is a copy and backward copies (or adds) the slice of the gradient back. */
#include "ops/kernels.h"

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++)
        for (int c = 0; c < a->g.c; c++)
            a->y.data[(size_t)p * (size_t)a->y.ld + (size_t)c] =
                a->x.data[(size_t)p * (size_t)a->x.ld + (size_t)c];
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        float *dx = a->dx.data + (size_t)p * (size_t)a->dx.ld;
        for (int c = 0; c < a->g.c; c++) {
            const float sum =
                a->dy.data[(size_t)p * (size_t)a->dy.ld + (size_t)c] + (a->accumulate ? dx[c] : 0);
            dx[c] = !a->mask || x[c] > 0 ? sum : 0;
        }
    }
}

void gn_concat_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = forward };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = back };
}
