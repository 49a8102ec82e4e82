/* The global mean in vectors of channels, see ref.c. Compiled once for each instruction set. */
#include "cpu/vector.h"
#include "ops/kernels.h"

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    const float *x = a->x.data + (size_t)image * (size_t)pixels * (size_t)a->x.ld;
    float *y = a->y.data + (size_t)image * (size_t)a->y.ld;
    const size_t ld = (size_t)a->x.ld;
    int c = 0;
    for (; c + VL <= a->g.c; c += VL) {
        vf sum = { 0 };
        for (int p = 0; p < pixels; p++)
            sum += load(x + (size_t)p * ld + c);
        store(y + c, sum / splat((float)pixels));
    }
    for (; c < a->g.c; c++) {
        float sum = 0;
        for (int p = 0; p < pixels; p++)
            sum += x[(size_t)p * ld + (size_t)c];
        y[c] = sum / (float)pixels;
    }
}

/* The sum of whole numbers, then their mean. */
static void forward_bytes(const struct gn_args *a, const struct gn_run *run, int image,
                          void *scratch)
{
    const int pixels = a->g.h * a->g.w;
    const uint8_t *x =
        (const uint8_t *)(const void *)a->x.data + (size_t)image * (size_t)pixels * (size_t)a->x.ld;
    float *y = a->y.data + (size_t)image * (size_t)a->y.ld;
    const float factor = a->scales.in / (float)pixels;
    (void)run;
    (void)scratch;
    for (int c = 0; c < a->g.c; c += VL) {
        const int n = a->g.c - c < VL ? a->g.c - c : VL;
        vi sum = { 0 };
        for (int p = 0; p < pixels; p++) {
            const uint8_t *pixel = x + (size_t)p * (size_t)a->x.ld + c;
            if (n == VL)
                sum += widen_bytes(pixel);
            else
                for (int i = 0; i < n; i++)
                    sum[i] += pixel[i];
        }
        store_some(y + c, __builtin_convertvector(sum, vf) * splat(factor), n);
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
        int c = 0;
        for (; c + VL <= a->g.c; c += VL) {
            vf v = load(dy + c) / splat((float)pixels);
            if (a->accumulate)
                v += load(dx + c);
            store(dx + c, a->mask ? where_positive(load(x + c), v) : v);
        }
        for (; c < a->g.c; c++) {
            const float sum = dy[c] / (float)pixels + (a->accumulate ? dx[c] : 0);
            dx[c] = !a->mask || x[c] > 0 ? sum : 0;
        }
    }
}

void GN_ISA_FUNCTION(gn_global_avg_pool_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "vector", .units = gn_units_images, .run = forward };
    if (!GN_TRAINING)
        return;
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "vector", .units = gn_units_images, .run = back };
    row[GN_PASS_FORWARD_BYTES] =
        (struct gn_kernel){ .name = "bytes", .units = gn_units_images, .run = forward_bytes };
}
