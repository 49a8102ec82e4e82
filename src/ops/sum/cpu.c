/* A sum in vectors, see ref.c. Compiled once for each instruction set. */
#include "cpu/vector.h"
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
        int c = 0;
        for (; c + VL <= a->g.c; c += VL) {
            const vf sum = load(x + c) + load(x2 + c);
            store(y + c, a->relu ? relu(sum) : sum);
        }
        for (; c < a->g.c; c++) {
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
        int c = 0;
        for (; c + VL <= a->g.c; c += VL) {
            vf v = load(dy + c);
            if (a->accumulate)
                v += load(dx + c);
            store(dx + c, a->mask ? where_positive(load(x + c), v) : v);
        }
        for (; c < a->g.c; c++) {
            const float sum = dy[c] + (a->accumulate ? dx[c] : 0);
            dx[c] = !a->mask || x[c] > 0 ? sum : 0;
        }
    }
}

void GN_ISA_FUNCTION(gn_sum_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "vector", .units = gn_units_images, .run = forward };
    if (GN_TRAINING)
        row[GN_PASS_BACK] =
            (struct gn_kernel){ .name = "vector", .units = gn_units_images, .run = back };
}
