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
                     const struct gn_args *a, int batch)
{
    const int classes = a->g.c;
    const double off = a->loss->smoothing / classes, on = 1 - a->loss->smoothing + off;
    for (int k = 0; k < classes; k++)
        dz[k] =
            (float)((exp((double)z[k] - softmax->top) / softmax->sum - (k == label ? on : off)) /
                    batch * a->loss->weight);
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

static void loss(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)unit;
    (void)scratch;
    for (int i = 0; i < run->n; i++) {
        const float *z = a->x.data + (size_t)i * (size_t)a->x.ld;
        float *dz = a->dx.data + (size_t)i * (size_t)a->dx.ld;
        const int label = (*a->loss->labels)[i];
        const struct gn_softmax_sum softmax = gn_softmax_sum(z, a->g.c);
        const double one = gn_cross_entropy(&softmax, z, label);
        *a->loss->loss +=
            a->loss->smoothing > 0 ? smoothed(z, a->g.c, label, a->loss->smoothing, one) : one;
        *a->loss->correct += softmax.best == label;
        gradient(z, &softmax, dz, label, a, run->batch);
        if (a->loss->others != NULL && *a->loss->others != NULL)
            *a->loss->loss += mix_in(z, dz, label, (*a->loss->others)[i],
                                     (1 - a->loss->smoothing) * (double)(*a->loss->shares)[i],
                                     a->loss->weight / run->batch);
    }
}

void gn_loss_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "double", .units = gn_units_one, .run = loss };
}
