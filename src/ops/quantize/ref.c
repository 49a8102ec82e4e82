/* Rounding to a multiple of a scale as its formula; its gradient passes where nothing was cut off. */
#include "ops/attributes.h"
#include "ops/kernels.h"

#include <math.h>

/* Of values far beyond, too; NaN: 0. */
static float rounded(float x, float scale)
{
    const float times = x * (1.0F / scale);
    const float cut = times > 0 ? times < GN_BYTES_VALUE ? times : GN_BYTES_VALUE : 0;
    return rintf(cut) * scale;
}

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    const struct gn_quantize_attributes *own = a->attributes;
    const float scale = (float)own->scale;
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        float *y = a->y.data + (size_t)p * (size_t)a->y.ld;
        for (int c = 0; c < a->g.c; c++)
            y[c] = rounded(x[c], scale);
    }
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    const struct gn_quantize_attributes *own = a->attributes;
    const float most = (float)own->scale * GN_BYTES_VALUE;
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        const float *dy = a->dy.data + (size_t)p * (size_t)a->dy.ld;
        float *dx = a->dx.data + (size_t)p * (size_t)a->dx.ld;
        for (int c = 0; c < a->g.c; c++) {
            const float sum = (x[c] >= 0 && x[c] <= most ? dy[c] : 0) + (a->accumulate ? dx[c] : 0);
            dx[c] = !a->mask || x[c] > 0 ? sum : 0;
        }
    }
}

void gn_quantize_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = forward };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = back };
}
