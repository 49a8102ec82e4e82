/* A clip as its formula, y = min(max(x, low), high); its gradient passes between the two. One version
 * for all instruction sets. */
#include "ops/attributes.h"
#include "ops/kernels.h"

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    const struct gn_clip_attributes *own = a->attributes;
    const float low = (float)own->low, high = (float)own->high;
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        float *y = a->y.data + (size_t)p * (size_t)a->y.ld;
        for (int c = 0; c < a->g.c; c++)
            y[c] = x[c] < low ? low : x[c] > high ? high : x[c];
    }
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    const struct gn_clip_attributes *own = a->attributes;
    const float low = (float)own->low, high = (float)own->high;
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        const float *y = a->y.data + (size_t)p * (size_t)a->y.ld;
        const float *dy = a->dy.data + (size_t)p * (size_t)a->dy.ld;
        float *dx = a->dx.data + (size_t)p * (size_t)a->dx.ld;
        for (int c = 0; c < a->g.c; c++) {
            const float sum = (y[c] > low && y[c] < high ? dy[c] : 0) + (a->accumulate ? dx[c] : 0);
            dx[c] = !a->mask || x[c] > 0 ? sum : 0;
        }
    }
}

void gn_clip_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "plain", .units = gn_units_images, .run = forward };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "plain", .units = gn_units_images, .run = back };
}
