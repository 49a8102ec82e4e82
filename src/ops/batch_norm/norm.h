/*
 * What the steps of a batch normalisation hand to each other: the block gn_args.shared. First
 * rows of factors, one value a channel, then two sums in double for each grain of the batch, then those of
 * each chunk of pixels. A chunk is a unit of the sums and lies within a grain; its size is fixed, so the
 * order of every sum depends on the shape and the grains alone. With statistics of each grain alone
 * (gn_args.groups) a slice is a grain, and the block has the sums of that one.
 */
#ifndef GN_OPS_BATCH_NORM_NORM_H
#define GN_OPS_BATCH_NORM_NORM_H

#include "ops/kernels.h"

/* Its tensors. */
enum { GN_NORM_GAMMA, GN_NORM_BETA, GN_NORM_RUNNING_MEAN, GN_NORM_RUNNING_VARIANCE };

enum { GN_NORM_CHUNK = 256 }; /* pixels */

enum gn_norm_row {
    GN_NORM_MEAN,
    GN_NORM_RSTD,     /* 1 / sqrt(variance + eps) */
    GN_NORM_SCALE,    /* gamma * rstd */
    GN_NORM_DY_MEAN,  /* scale * mean of dy */
    GN_NORM_DY_SLOPE, /* dx = scale * dy - dy_mean - (x - mean) * dy_slope */
    GN_NORM_ROWS
};

/* Floats from one row to the next: whole vectors of every instruction set. */
static inline size_t gn_norm_stride(const struct gn_geometry *g)
{
    return ((size_t)g->c + 15) / 16 * 16;
}

static inline int gn_norm_chunks(const struct gn_geometry *g, int n)
{
    return (n * g->h * g->w + GN_NORM_CHUNK - 1) / GN_NORM_CHUNK;
}

/* Floats of the block for n images in as many as `grains` grains. */
static inline size_t gn_norm_floats(const struct gn_geometry *g, int n, int grains)
{
    const size_t chunks = (size_t)gn_norm_chunks(g, n) + (size_t)grains;
    return gn_norm_stride(g) * (GN_NORM_ROWS + 4 * (size_t)grains + 2 * chunks);
}

/* Grains whose statistics are taken together. */
static inline int gn_norm_grains(const struct gn_args *a, const struct gn_run *run)
{
    return a->groups != NULL || run->counts == NULL ? 1 : run->n_counts;
}

/* Doubles that a grain leaves to the running statistics: mean and variance of each channel. */
static inline size_t gn_norm_group_doubles(const struct gn_geometry *g)
{
    return 2 * (size_t)g->c;
}

/* Sum number 0 or 1 of a grain of the batch, in double. */
static inline double *gn_norm_grain(const struct gn_args *a, int grain, int which)
{
    float *first = a->shared + gn_norm_stride(&a->g) * GN_NORM_ROWS;
    const size_t number = a->groups != NULL ? 0 : (size_t)grain;
    return (double *)(void *)first + gn_norm_stride(&a->g) * (2 * number + (size_t)which);
}

static inline float *gn_norm_row(const struct gn_args *a, enum gn_norm_row row)
{
    return a->shared + (size_t)row * gn_norm_stride(&a->g);
}

/* Sum number 0 or 1 of a chunk. */
static inline float *gn_norm_sum(const struct gn_args *a, const struct gn_run *run, int chunk,
                                 int which)
{
    const size_t before = GN_NORM_ROWS + 4 * (size_t)gn_norm_grains(a, run);
    return a->shared + gn_norm_stride(&a->g) * (before + 2 * (size_t)chunk + (size_t)which);
}

/* Number i of the grains that the run computes; without any it is one. */
struct gn_grain gn_norm_grain_at(const struct gn_run *run, int i);
int gn_norm_own_grains(const struct gn_run *run);

/* Whether a step takes the statistics of its batch. */
static inline bool gn_norm_uses_batch(const struct gn_args *a, const struct gn_run *run)
{
    return run->train && !a->frozen;
}

/* The factors of channel c from the running statistics; those of dx too, which depends on no other
 * value then. */
void gn_norm_use_running(const struct gn_args *a, int c);

/* Gradients of gamma and beta and the factors of dx, from the sums of dy and of dy * (x - mean) of the
 * grains. */
void gn_norm_use_gradient(const struct gn_args *a, const struct gn_run *run, int c);

/* The same of the forward pass, from means and squared deviations of the grains. */
void *gn_norm_shared(const struct gn_args *a, size_t *bytes);
void gn_norm_use_grains(const struct gn_args *a, const struct gn_run *run, int c);

/* GN_PASS_RUNNING of channel c: the running statistics move towards the means over the images of the batch of
 * their grains' means and variances. */
void gn_norm_use_groups(const struct gn_args *a, const struct gn_run *run, int c);

/* The folding runs once for each set of weights, so one version serves every set. */
void gn_norm_fold_kernels(struct gn_kernel *row);

#endif
