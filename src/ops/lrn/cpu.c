/*
 * Local response normalisation in vectors of channels, see ref.c. The values of a pixel are copied
 * into rows with zeros around them, so that windows need no ends. The power s^-0.75 of every
 * published network is two square roots; other exponents go through powf. Compiled once for each
 * instruction set.
 */
#include "cpu/vector.h"
#include "ops/lrn/constants.h"

#include <math.h>

enum { MOST_HALF = 32 };

/* Rows of one pixel in the thread's working memory: `half` zeros before and after. */
struct rows {
    float *squares;  /* x^2, later dy * y / s */
    float *scale;    /* s, rounded up to whole vectors */
    float *power;    /* s^-beta */
    size_t channels; /* rounded up */
};

static size_t padded(const struct gn_args *a)
{
    return ((size_t)a->g.c + 15) / 16 * 16;
}

static size_t row_bytes(const struct gn_args *a)
{
    return (3 * padded(a) + 2 * MOST_HALF + 16) * sizeof(float);
}

static struct rows rows_in(void *scratch, const struct gn_args *a)
{
    float *block = scratch;
    const size_t n = padded(a);
    memset(block, 0, row_bytes(a));
    return (struct rows){ block + MOST_HALF, block + n + 2 * MOST_HALF + 16,
                          block + 2 * n + 2 * MOST_HALF + 16, n };
}

INLINE vf window_sum(const float *values, size_t c, int half)
{
    vf sum = { 0 };
    for (int j = -half; j <= half; j++)
        sum += load(values + (ptrdiff_t)c + j);
    return sum;
}

INLINE vf square_root(vf x)
{
    vf y;
    for (int i = 0; i < VL; i++)
        y[i] = __builtin_sqrtf(x[i]);
    return y;
}

INLINE vf power_of(vf s, float beta)
{
    vf y;
    if (beta == 0.75F) {
        const vf root = square_root(s);
        return splat(1) / (root * square_root(root));
    }
    for (int i = 0; i < VL; i++)
        y[i] = powf(s[i], -beta);
    return y;
}

/* s and s^-beta of one pixel. */
INLINE void fill_rows(const struct gn_args *a, const struct gn_lrn_constants *k,
                      const struct rows *r, const float *x)
{
    for (int c = 0; c < a->g.c; c += VL) {
        const vf v = load_some(x + c, a->g.c - c < VL ? a->g.c - c : VL);
        store(r->squares + c, v * v);
    }
    for (size_t c = 0; c < (size_t)a->g.c; c += VL) {
        const vf s =
            window_sum(r->squares, c, k->size / 2) * splat(k->alpha / (float)k->size) + splat(k->k);
        store(r->scale + c, s);
        store(r->power + c, power_of(s, k->beta));
    }
}

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    const struct gn_lrn_constants k = gn_lrn_constants(a);
    const int pixels = a->g.h * a->g.w;
    const struct rows r = rows_in(scratch, a);
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        float *y = a->y.data + (size_t)p * (size_t)a->y.ld;
        fill_rows(a, &k, &r, x);
        for (int c = 0; c < a->g.c; c += VL) {
            const int n = a->g.c - c < VL ? a->g.c - c : VL;
            store_some(y + c, load_some(x + c, n) * load(r.power + c), n);
        }
    }
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    const struct gn_lrn_constants k = gn_lrn_constants(a);
    const int pixels = a->g.h * a->g.w;
    const vf factor = splat(2 * k.alpha * k.beta / (float)k.size);
    const struct rows r = rows_in(scratch, a);
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        const float *x = a->x.data + (size_t)p * (size_t)a->x.ld;
        const float *dy = a->dy.data + (size_t)p * (size_t)a->dy.ld;
        float *dx = a->dx.data + (size_t)p * (size_t)a->dx.ld;
        fill_rows(a, &k, &r, x);
        for (int c = 0; c < a->g.c; c += VL) {
            const int n = a->g.c - c < VL ? a->g.c - c : VL;
            store(r.squares + c, load_some(dy + c, n) * load_some(x + c, n) * load(r.power + c) /
                                     load(r.scale + c));
        }
        for (int c = 0; c < a->g.c; c += VL) {
            const int n = a->g.c - c < VL ? a->g.c - c : VL;
            const vf in = load_some(x + c, n);
            vf v = load_some(dy + c, n) * load(r.power + c) -
                   factor * in * window_sum(r.squares, (size_t)c, k.size / 2);
            if (a->accumulate)
                v += load_some(dx + c, n);
            store_some(dx + c, a->mask ? where_positive(in, v) : v, n);
        }
    }
}

void GN_ISA_FUNCTION(gn_lrn_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] = (struct gn_kernel){
        .name = "vector", .units = gn_units_images, .run = forward, .scratch_bytes = row_bytes
    };
    if (GN_TRAINING)
        row[GN_PASS_BACK] = (struct gn_kernel){
            .name = "vector", .units = gn_units_images, .run = back, .scratch_bytes = row_bytes
        };
}
