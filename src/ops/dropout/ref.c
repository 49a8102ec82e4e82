/*
 * Dropout (Srivastava et al., JMLR 15, 2014): a training step keeps each value with probability
 * 1 - rate and multiplies it by 1 / (1 - rate); inference changes nothing. Whether value k of an
 * image is kept is a function of (seed, step, layer, the image's number in its batch, k), so the
 * backward pass draws the mask again instead of storing it. Only short vectors are dropped in these
 * networks: one version serves every set.
 */
#include "base/random.h"
#include "ops/attributes.h"
#include "ops/kernels.h"

static float factor(const struct gn_args *a, const struct gn_run *run, int image, int k)
{
    const struct gn_dropout_attributes *own = a->attributes;
    const float rate = (float)own->rate;
    if (!run->train)
        return 1;
    const uint64_t which = ((uint64_t)a->number << 32) + (uint64_t)(run->image + image);
    const float draw =
        gn_random_unit(gn_random_bits(run->seed, GN_RANDOM_DROPOUT, run->step, which),
                       GN_RANDOM_DROPOUT, 0, (uint64_t)k);
    return draw < rate ? 0 : 1 / (1 - rate);
}

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = 0; p < pixels; p++) {
        const size_t at = (size_t)(image * pixels + p);
        const float *x = a->x.data + at * (size_t)a->x.ld;
        float *y = a->y.data + at * (size_t)a->y.ld;
        for (int c = 0; c < a->g.c; c++)
            y[c] = x[c] * factor(a, run, image, p * a->g.c + c);
    }
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    for (int p = 0; p < pixels; p++) {
        const size_t at = (size_t)(image * pixels + p);
        const float *x = a->x.data + at * (size_t)a->x.ld;
        const float *dy = a->dy.data + at * (size_t)a->dy.ld;
        float *dx = a->dx.data + at * (size_t)a->dx.ld;
        for (int c = 0; c < a->g.c; c++) {
            const float sum =
                dy[c] * factor(a, run, image, p * a->g.c + c) + (a->accumulate ? dx[c] : 0);
            dx[c] = !a->mask || x[c] > 0 ? sum : 0;
        }
    }
}

void gn_dropout_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "dropout", .units = gn_units_images, .run = forward };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "dropout", .units = gn_units_images, .run = back };
}
