/*
 * Softmax cross-entropy on logits, its gradient for the mean over the batch, and the arg-max
 * (the lowest index wins among equals). With m = max z: loss = log sum exp(z - m) - (z_label - m),
 * gradient (softmax - target) / batch, where the target is one-hot or, smoothed by s (Szegedy et
 * al., 2016), 1 - s of that and s / classes everywhere. Computed in double, one image after the other: ten
 * logits an image need no fast version, so this is the kernel of every set.
 */
#include "base/softmax.h"
#include "ops/kernels.h"

#include <math.h>

/* The part of the loss that smoothing changes: z_label gives way to the mean logit. */
static double smoothed(const float *z, int classes, int label, double smoothing, double loss)
{
    double mean = 0;
    for (int k = 0; k < classes; k++)
        mean += (double)z[k] / classes;
    return loss + smoothing * ((double)z[label] - mean);
}

/* Gradient of one image from its logits: a second exp instead of memory for `classes` doubles. */
static void gradient(const float *z, const struct gn_softmax_sum *softmax, float *dz, int label,
                     double factor, const struct gn_args *a, int batch)
{
    const int classes = a->g.c;
    const double off = a->loss->smoothing / classes, on = 1 - a->loss->smoothing + off;
    for (int k = 0; k < classes; k++)
        dz[k] =
            (float)((exp((double)z[k] - softmax->top) / softmax->sum - (k == label ? on : off)) /
                    batch * a->loss->weight * factor);
}

/* Moves the part `share` of the target from the label to another class: what that adds to the loss,
 * and what it changes in a gradient that is scaled by `scale`. */
static double mix_in(const float *z, float *dz, int label, int other, double share, double scale)
{
    const float moved = (float)(share * scale);
    dz[label] += moved;
    dz[other] -= moved;
    return share * ((double)z[label] - (double)z[other]);
}

/* The weight of image i's class, or of its two classes by their shares. */
static double factor_of(const struct gn_loss_args *l, int i)
{
    if (l->class_weights == NULL)
        return 1;
    const double own = (double)l->class_weights[(*l->labels)[i]];
    if (l->others == NULL || *l->others == NULL)
        return own;
    const double share = (double)(*l->shares)[i];
    return own + share * ((double)l->class_weights[(*l->others)[i]] - own);
}

static void add_image(const struct gn_args *a, const struct gn_run *run, int i,
                      struct gn_loss_sum *sum)
{
    const float *z = a->x.data + (size_t)i * (size_t)a->x.ld;
    float *dz = a->dx.data + (size_t)i * (size_t)a->dx.ld;
    const int label = (*a->loss->labels)[i];
    const struct gn_softmax_sum softmax = gn_softmax_sum(z, a->g.c);
    const double one = gn_cross_entropy(&softmax, z, label), factor = factor_of(a->loss, i);
    sum->loss +=
        factor *
        (a->loss->smoothing > 0 ? smoothed(z, a->g.c, label, a->loss->smoothing, one) : one);
    sum->correct += softmax.best == label;
    gradient(z, &softmax, dz, label, factor, a, run->batch);
    if (a->loss->others != NULL && *a->loss->others != NULL)
        sum->loss += factor * mix_in(z, dz, label, (*a->loss->others)[i],
                                     (1 - a->loss->smoothing) * (double)(*a->loss->shares)[i],
                                     factor * a->loss->weight / run->batch);
}

static void loss(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct gn_grain whole = { .n = run->n };
    const struct gn_grain *grains = run->grains == NULL ? &whole : run->grains;
    (void)unit;
    (void)scratch;
    for (int k = 0; k < (run->grains == NULL ? 1 : run->n_grains); k++) {
        struct gn_loss_sum sum = { 0 };
        for (int i = grains[k].first; i < grains[k].first + grains[k].n; i++)
            add_image(a, run, i, &sum);
        a->loss->sums[k] = sum;
    }
}

void gn_loss_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] = (struct gn_kernel){
        .name = "double", .units = gn_units_one, .run = loss, .of_grains = true
    };
}
