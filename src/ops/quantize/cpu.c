/* Rounding to a multiple of a scale in vectors, see ref.c: as floats, and to bytes. A unit is a row of pixels
 * of an image. Compiled once for each instruction set. */
#include "cpu/bytes.h"
#include "ops/attributes.h"
#include "ops/kernels.h"

static int units(const struct gn_args *a, const struct gn_run *r)
{
    return r->n * a->g.h;
}

static void forward(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct gn_quantize_attributes *own = a->attributes;
    const vf scale = splat((float)own->scale), inverse = splat(1.0F / (float)own->scale);
    (void)run;
    (void)scratch;
    for (int p = unit * a->g.w; p < (unit + 1) * a->g.w; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        float *y = a->y.data + (size_t)p * (size_t)a->y.ld;
        for (int c = 0; c < a->g.c; c += VL) {
            const int n = a->g.c - c < VL ? a->g.c - c : VL;
            store_some(y + c, nearest_byte_value(load_some(x + c, n) * inverse) * scale, n);
        }
    }
}

static void to_bytes(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct gn_quantize_attributes *own = a->attributes;
    const vf inverse = splat(1.0F / (float)own->scale);
    uint8_t *const bytes = (uint8_t *)(void *)a->y.data;
    (void)run;
    (void)scratch;
    for (int p = unit * a->g.w; p < (unit + 1) * a->g.w; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        uint8_t *y = bytes + (size_t)p * (size_t)a->y.ld;
        for (int c = 0; c < a->g.c; c += VL) {
            const int n = a->g.c - c < VL ? a->g.c - c : VL;
            store_bytes(y + c, nearest_byte(load_some(x + c, n) * inverse), n);
        }
    }
}

void GN_ISA_FUNCTION(gn_quantize_kernels)(struct gn_kernel *row)
{
    if (GN_TRAINING)
        gn_quantize_kernels__ref(row); /* the gradient */
    row[GN_PASS_FORWARD] = (struct gn_kernel){ .name = "vector", .units = units, .run = forward };
    if (GN_TRAINING)
        row[GN_PASS_FORWARD_BYTES] =
            (struct gn_kernel){ .name = "to bytes", .units = units, .run = to_bytes };
}
