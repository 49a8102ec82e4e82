/* The copies of a concatenation in vectors, see ref.c. Compiled once for each instruction set. */
#include "cpu/vector.h"
#include "ops/kernels.h"

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++)
        memcpy(a->y.data + (size_t)p * (size_t)a->y.ld, a->x.data + (size_t)p * (size_t)a->x.ld,
               (size_t)a->g.c * sizeof(float));
}

static void forward_bytes(const struct gn_args *a, const struct gn_run *run, int image,
                          void *scratch)
{
    const uint8_t *x = (const uint8_t *)(const void *)a->x.data;
    uint8_t *y = (uint8_t *)(void *)a->y.data;
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = image * pixels; p < (image + 1) * pixels; p++)
        memcpy(y + (size_t)p * (size_t)a->y.ld, x + (size_t)p * (size_t)a->x.ld, (size_t)a->g.c);
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

void GN_ISA_FUNCTION(gn_concat_kernels)(struct gn_kernel *row)
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
