/*
 * Batch normalisation over the pixels of all images, channel by channel (Ioffe and Szegedy, arXiv
 * 1502.03167), as its formula:
 *
 *   y = (x - mean) * scale + beta,  scale = gamma / sqrt(variance + eps)
 *
 * A training step takes mean and biased variance of the batch and moves the running statistics
 * towards them: r = keep * r + (1 - keep) * batch (Keras' rule; `unbiased` is PyTorch's). Inference
 * takes the running ones. With sums over the n values of a channel:
 *
 *   dbeta = sum dy,  dgamma = rstd * sum dy * (x - mean)
 *   dx = scale * (dy - dbeta / n - (x - mean) * rstd * dgamma / n)
 *
 * With statistics of each grain alone ("ghost" batch normalisation, Hoffer et al., arXiv 1705.08741) all
 * of this is done for one grain after the other. The running statistics then move once, after the last one,
 * towards the means over the batch's images of the grains' means and of the grains' variances.
 *
 * A frozen one (Keras' trainable = False) takes the running statistics in training, too, and leaves
 * them as they are; they are constants then: dx = scale * dy.
 *
 * A ReLU after it is part of the forward pass; its gradient is masked by the step that made dy.
 */
#include "ops/batch_norm/norm.h"

#include "base/pairwise.h"

#include <math.h>

/* ---- What one channel makes of its sums: shared with the fast version ---- */

/* Constants are floats, as in the files of a model. */
static double eps_of(const struct gn_args *a)
{
    const struct gn_norm_options *o = a->attributes;
    return (double)(float)o->eps;
}

static void set_factors(const struct gn_args *a, int c, double mean, double variance)
{
    const double rstd = 1 / sqrt(variance + eps_of(a));
    gn_norm_row(a, GN_NORM_MEAN)[c] = (float)mean;
    gn_norm_row(a, GN_NORM_RSTD)[c] = (float)rstd;
    gn_norm_row(a, GN_NORM_SCALE)[c] = (float)(rstd * (double)a->tensors[GN_NORM_GAMMA][c]);
}

/* The running statistics of channel c move towards these. */
static void move_running(const struct gn_args *a, int c, double mean, double variance)
{
    const struct gn_norm_options *o = a->attributes;
    const double keep = (double)(float)(a->keep > 0 ? a->keep : o->momentum);
    float *const running_mean = &a->tensors[GN_NORM_RUNNING_MEAN][c],
                 *const running_variance = &a->tensors[GN_NORM_RUNNING_VARIANCE][c];
    *running_mean = (float)(keep * (double)*running_mean + (1 - keep) * mean);
    *running_variance = (float)(keep * (double)*running_variance + (1 - keep) * variance);
}

/* Channel c of a training step: the factors from mean and (biased) variance over `count` values. Running
 * statistics follow at once, or after the other grains. */
static void use_batch(const struct gn_args *a, const struct gn_run *run, int c, double mean,
                      double variance, double count)
{
    const struct gn_norm_options *o = a->attributes;
    const double correction = o->unbiased && count > 1 ? count / (count - 1) : 1;
    set_factors(a, c, mean, variance);
    if (a->groups == NULL) {
        move_running(a, c, mean, variance * correction);
        return;
    }
    double *own = a->groups + (size_t)gn_norm_grain_at(run, 0).number * a->groups_stride;
    own[c] = mean;
    own[a->g.c + c] = variance * correction;
}

void gn_norm_use_groups(const struct gn_args *a, const struct gn_run *run, int c)
{
    double mean = 0, variance = 0, count = 0;
    const double *own = a->groups + c;
    for (int i = 0; i < run->n_counts; i++, own += a->groups_stride) {
        mean += run->counts[i] > 0 ? run->counts[i] * own[0] : 0;
        variance += run->counts[i] > 0 ? run->counts[i] * own[a->g.c] : 0;
        count += run->counts[i];
    }
    move_running(a, c, mean / count, variance / count);
}

void gn_norm_use_running(const struct gn_args *a, int c)
{
    set_factors(a, c, (double)a->tensors[GN_NORM_RUNNING_MEAN][c],
                (double)a->tensors[GN_NORM_RUNNING_VARIANCE][c]);
    gn_norm_row(a, GN_NORM_DY_MEAN)[c] = gn_norm_row(a, GN_NORM_DY_SLOPE)[c] = 0;
}

int gn_norm_own_grains(const struct gn_run *run)
{
    return run->grains == NULL ? 1 : run->n_grains;
}

struct gn_grain gn_norm_grain_at(const struct gn_run *run, int i)
{
    return run->grains == NULL ? (struct gn_grain){ .n = run->n } : run->grains[i];
}

/* Values of a channel in a grain of the batch. */
static double values_of(const struct gn_args *a, const struct gn_run *run, int grain)
{
    const bool one = a->groups != NULL || run->counts == NULL;
    return (double)a->g.h * a->g.w * (one ? run->n : run->counts[grain]);
}

/* Mean and squared deviations of some values, and how to join two of them (Chan, Golub, LeVeque 1979). */
struct moments {
    double mean, deviations, count;
};

static void join(struct moments *a, const struct moments *b)
{
    const double delta = b->mean - a->mean, all = a->count + b->count;
    if (!(b->count > 0))
        return;
    a->mean += delta * b->count / all;
    a->deviations += b->deviations + delta * delta * a->count * b->count / all;
    a->count = all;
}

void gn_norm_use_grains(const struct gn_args *a, const struct gn_run *run, int c)
{
    struct gn_pairwise tree;
    struct moments m[GN_PAIRWISE_MOST] = { { 0 } };
    const int grains = gn_norm_grains(a, run);
    gn_pairwise_begin(&tree, grains);
    for (int i = 0; i < grains; i++) {
        m[tree.n] = (struct moments){ gn_norm_grain(a, i, 0)[c], gn_norm_grain(a, i, 1)[c],
                                      values_of(a, run, i) };
        for (int k = gn_pairwise_push_grain(&tree, i); k > 0; k--)
            join(&m[tree.n + k - 2], &m[tree.n + k - 1]);
    }
    /* 0 * x keeps what is not a number. */
    const double variance =
        m[0].deviations > 0 ? m[0].deviations / m[0].count : 0 * m[0].deviations;
    use_batch(a, run, c, m[0].mean, variance, m[0].count);
}

void *gn_norm_shared(const struct gn_args *a, size_t *bytes)
{
    *bytes = 2 * gn_norm_stride(&a->g) * sizeof(double);
    return gn_norm_grain(a, 0, 0);
}

/* The gradients of a grain's own sums, for the tree of slots. */
static void add_gradients(const struct gn_args *a, const struct gn_grain *grain, int c,
                          float dgamma, float dbeta)
{
    int slot = grain->slot;
    gn_slot(a->dw, &a->dw_slots, slot)[c] = dgamma;
    gn_slot(a->db, &a->db_slots, slot)[c] = dbeta;
    for (int k = 0; k < grain->additions; k++, slot--) {
        gn_slot(a->dw, &a->dw_slots, slot - 1)[c] += gn_slot(a->dw, &a->dw_slots, slot)[c];
        gn_slot(a->db, &a->db_slots, slot - 1)[c] += gn_slot(a->db, &a->db_slots, slot)[c];
    }
}

void gn_norm_use_gradient(const struct gn_args *a, const struct gn_run *run, int c)
{
    const int stride = 2 * (int)gn_norm_stride(&a->g), grains = gn_norm_grains(a, run);
    const double dy = gn_pairwise_sum(gn_norm_grain(a, 0, 0) + c, grains, stride);
    const double dy_x = gn_pairwise_sum(gn_norm_grain(a, 0, 1) + c, grains, stride);
    double count = 0;
    for (int i = 0; i < grains; i++)
        count += values_of(a, run, i);
    count = count > 0 ? count : 1; /* a grain without images */
    const double rstd = (double)gn_norm_row(a, GN_NORM_RSTD)[c];
    const double scale = (double)gn_norm_row(a, GN_NORM_SCALE)[c];
    gn_norm_row(a, GN_NORM_DY_MEAN)[c] = (float)(scale * dy / count);
    gn_norm_row(a, GN_NORM_DY_SLOPE)[c] = (float)(scale * rstd * rstd * dy_x / count);
    for (int i = 0; i < gn_norm_own_grains(run); i++) {
        const struct gn_grain grain = gn_norm_grain_at(run, i);
        add_gradients(a, &grain, c, (float)(rstd * gn_norm_grain(a, grain.number, 1)[c]),
                      (float)gn_norm_grain(a, grain.number, 0)[c]);
    }
}

/* ---- The kernels ---- */

static double at(const struct gn_view *v, int pixel, int c)
{
    return (double)v->data[(size_t)pixel * (size_t)v->ld + (size_t)c];
}

/* Pixels [*from, *to) of a grain. */
static void pixels_of(const struct gn_args *a, const struct gn_grain *grain, int *from, int *to)
{
    *from = grain->first * a->g.h * a->g.w;
    *to = *from + grain->n * a->g.h * a->g.w;
}

static int own_units(const struct gn_args *a, const struct gn_run *run)
{
    (void)a;
    return gn_norm_uses_batch(a, run) ? gn_norm_own_grains(run) : 0;
}

static void grain_sums(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct gn_grain grain = gn_norm_grain_at(run, unit);
    int from, to;
    (void)scratch;
    pixels_of(a, &grain, &from, &to);
    for (int c = 0; c < a->g.c; c++) {
        double sum = 0, squares = 0;
        for (int p = from; p < to; p++)
            sum += at(&a->x, p, c);
        const double mean = to > from ? sum / (to - from) : 0;
        for (int p = from; p < to; p++)
            squares += (at(&a->x, p, c) - mean) * (at(&a->x, p, c) - mean);
        gn_norm_grain(a, grain.number, 0)[c] = mean;
        gn_norm_grain(a, grain.number, 1)[c] = squares;
    }
}

static void stats(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)unit;
    (void)scratch;
    for (int c = 0; c < a->g.c; c++) {
        if (gn_norm_uses_batch(a, run))
            gn_norm_use_grains(a, run, c);
        else
            gn_norm_use_running(a, c);
    }
}

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    const float *mean = gn_norm_row(a, GN_NORM_MEAN), *scale = gn_norm_row(a, GN_NORM_SCALE);
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        for (int c = 0; c < a->g.c; c++) {
            const double y = (at(&a->x, p, c) - (double)mean[c]) * (double)scale[c] +
                             (double)a->tensors[GN_NORM_BETA][c];
            a->y.data[(size_t)p * (size_t)a->y.ld + (size_t)c] = a->relu && y < 0 ? 0 : (float)y;
        }
    }
}

static int own_back_units(const struct gn_args *a, const struct gn_run *run)
{
    (void)a;
    return gn_norm_own_grains(run);
}

static void grain_back_sums(const struct gn_args *a, const struct gn_run *run, int unit,
                            void *scratch)
{
    const struct gn_grain grain = gn_norm_grain_at(run, unit);
    const float *mean = gn_norm_row(a, GN_NORM_MEAN);
    int from, to;
    (void)scratch;
    pixels_of(a, &grain, &from, &to);
    for (int c = 0; c < a->g.c; c++) {
        double dy = 0, dy_x = 0;
        for (int p = from; p < to; p++) {
            dy += at(&a->dy, p, c);
            dy_x += at(&a->dy, p, c) * (at(&a->x, p, c) - (double)mean[c]);
        }
        gn_norm_grain(a, grain.number, 0)[c] = dy;
        gn_norm_grain(a, grain.number, 1)[c] = dy_x;
    }
}

static void back_stats(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)unit;
    (void)scratch;
    for (int c = 0; c < a->g.c; c++)
        gn_norm_use_gradient(a, run, c);
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    const int pixels = a->g.h * a->g.w;
    const float *mean = gn_norm_row(a, GN_NORM_MEAN), *scale = gn_norm_row(a, GN_NORM_SCALE);
    const float *dy_mean = gn_norm_row(a, GN_NORM_DY_MEAN);
    const float *slope = gn_norm_row(a, GN_NORM_DY_SLOPE);
    for (int p = image * pixels; p < (image + 1) * pixels; p++) {
        for (int c = 0; c < a->g.c; c++) {
            const double x = at(&a->x, p, c);
            float *dx = &a->dx.data[(size_t)p * (size_t)a->dx.ld + (size_t)c];
            double sum = (double)scale[c] * at(&a->dy, p, c) - (double)dy_mean[c] -
                         (x - (double)mean[c]) * (double)slope[c];
            sum += a->accumulate ? (double)*dx : 0;
            *dx = !a->mask || x > 0 ? (float)sum : 0;
        }
    }
}

static void running(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)unit;
    (void)scratch;
    for (int c = 0; c < a->g.c; c++)
        gn_norm_use_groups(a, run, c);
}

static double fold_scale(const struct gn_args *a, size_t o)
{
    return (double)a->tensors[GN_NORM_GAMMA][o] /
           sqrt((double)a->tensors[GN_NORM_RUNNING_VARIANCE][o] + eps_of(a));
}

static int fold_units(const struct gn_args *a, const struct gn_run *run)
{
    (void)run;
    return a->g.kh * a->g.kw;
}

static size_t fold_bytes(const struct gn_args *a)
{
    return (size_t)a->g.oc * sizeof(double);
}

/* w' = w * scale, for one tap; `g` is the convolution's. */
static void fold(const struct gn_args *a, const struct gn_run *run, int tap, void *scratch)
{
    (void)run;
    const size_t oc = (size_t)a->g.oc, c = (size_t)a->g.c;
    double *scale = scratch;
    for (size_t o = 0; o < oc; o++)
        scale[o] = fold_scale(a, o);
    for (size_t i = (size_t)tap * c; i < ((size_t)tap + 1) * c; i++) {
        const float *from = a->w + i * oc;
        float *to = a->y.data + i * (size_t)a->y.ld;
#pragma omp simd
        for (size_t o = 0; o < oc; o++)
            to[o] = (float)((double)from[o] * scale[o]);
    }
}

/* b' = beta + (b - mean) * scale */
static void fold_bias(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)run;
    (void)unit;
    (void)scratch;
    for (size_t o = 0; o < (size_t)a->g.oc; o++) {
        const double bias = a->b == NULL ? 0 : (double)a->b[o];
        a->y.data[o] =
            (float)((double)a->tensors[GN_NORM_BETA][o] +
                    (bias - (double)a->tensors[GN_NORM_RUNNING_MEAN][o]) * fold_scale(a, o));
    }
}

void gn_norm_fold_kernels(struct gn_kernel *row)
{
    row[GN_PASS_FOLD] = (struct gn_kernel){
        .name = "fold", .units = fold_units, .run = fold, .scratch_bytes = fold_bytes
    };
    row[GN_PASS_FOLD_BIAS] =
        (struct gn_kernel){ .name = "fold", .units = gn_units_one, .run = fold_bias };
}

void gn_batch_norm_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_GRAIN_SUMS] = (struct gn_kernel){ .name = "reference",
                                                  .units = own_units,
                                                  .run = grain_sums,
                                                  .shared = gn_norm_shared,
                                                  .of_grains = true };
    row[GN_PASS_STATISTICS] = (struct gn_kernel){
        .name = "reference", .units = gn_units_one, .run = stats, .of_grains = true
    };
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = forward };
    row[GN_PASS_GRADIENT_GRAIN_SUMS] = (struct gn_kernel){ .name = "reference",
                                                           .units = own_back_units,
                                                           .run = grain_back_sums,
                                                           .shared = gn_norm_shared,
                                                           .of_grains = true };
    row[GN_PASS_GRADIENT] = (struct gn_kernel){
        .name = "reference", .units = gn_units_one, .run = back_stats, .of_grains = true
    };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = back };
    row[GN_PASS_RUNNING] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_one, .run = running };
    gn_norm_fold_kernels(row);
}
