/* ReLU in vectors, see ref.c. Compiled once for each instruction set. */
#include "cpu/vector.h"
#include "ops/kernels.h"

INLINE float back_value(const struct gn_args *a, float x, float y, float dy, float old)
{
    const float sum = (y > 0 ? dy : 0) + (a->accumulate ? old : 0);
    return !a->mask || x > 0 ? sum : 0;
}

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        float *y = a->y.data + (size_t)p * (size_t)a->y.ld;
        int c = 0;
        for (; c + VL <= a->g.c; c += VL)
            store(y + c, relu(load(x + c)));
        for (; c < a->g.c; c++)
            y[c] = x[c] < 0 ? 0 : x[c];
    }
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        const float *y = a->y.data + (size_t)p * (size_t)a->y.ld;
        const float *dy = a->dy.data + (size_t)p * (size_t)a->dy.ld;
        float *dx = a->dx.data + (size_t)p * (size_t)a->dx.ld;
        int c = 0;
        for (; c + VL <= a->g.c; c += VL) {
            vf v = where_positive(load(y + c), load(dy + c));
            if (a->accumulate)
                v += load(dx + c);
            store(dx + c, a->mask ? where_positive(load(x + c), v) : v);
        }
        for (; c < a->g.c; c++)
            dx[c] = back_value(a, x[c], y[c], dy[c], dx[c]);
    }
}

void GN_ISA_FUNCTION(gn_relu_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "vector", .units = gn_units_images, .run = forward };
    if (GN_TRAINING)
        row[GN_PASS_BACK] =
            (struct gn_kernel){ .name = "vector", .units = gn_units_images, .run = back };
}
