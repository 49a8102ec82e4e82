/*
 * The updates of keras/src/optimizers/{sgd,adam,base_optimizer}.py (Keras 3). Decay comes before
 * the update: w -= w * wd * lr.
 *
 *   SGD         w -= g * lr
 *   momentum    v = v * mu - g * lr;  w += v, or w += v * mu - g * lr (Nesterov)
 *   AdamW       m += (g - m) * (1 - b1);  v += (g * g - v) * (1 - b2)
 *               w -= m * alpha / (sqrt(v) + eps),  alpha = lr * sqrt(1 - b2^t) / (1 - b1^t)
 *   LARS        u = g + w * wd;  v = v * mu + u * rate;  w -= v, or w -= v * mu + u * rate (Nesterov)
 *   Muon        v = v * mu + g;  w -= direction(v) * lr, or of g + v * mu (Nesterov); see muon.h
 *   lookahead   s += (w - s) * share;  w = s, every so many steps (Zhang et al. 2019, arXiv 1907.08610)
 *   average     a += (w - a) * (1 - d)
 *
 * LARS is the paper's and TensorFlow's (tf-models-official): the rate, with its trust ratio, is part of v.
 */
#include "optimizer/elements.h"

#include <math.h>

enum { ROOT_FLOATS = 256, NORM_LANES = 8 };

void gn_each_scale(float *restrict g, size_t n, float factor)
{
    if (!(factor < 1) && !(factor > 1))
        return;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        g[i] = g[i] * factor;
}

void gn_each_average(float *restrict a, const float *restrict w, size_t n, float k)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        a[i] = a[i] + (w[i] - a[i]) * k;
}

void gn_each_look_ahead(float *restrict w, float *restrict slow, size_t n, float share)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        slow[i] = slow[i] + (w[i] - slow[i]) * share;
        w[i] = slow[i];
    }
}

void gn_each_decay(float *restrict w, size_t n, const struct gn_factors *f)
{
    const float wd = f->decay, lr = f->lr;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        w[i] = w[i] - w[i] * wd * lr;
}

void gn_each_sgd(float *restrict w, const float *restrict g, size_t n, float lr)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        w[i] = w[i] - g[i] * lr;
}

void gn_each_momentum(float *restrict w, float *restrict v, const float *restrict g, size_t n,
                      const struct gn_factors *f)
{
    const float mu = f->momentum, lr = f->lr;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        v[i] = v[i] * mu - g[i] * lr;
        w[i] = w[i] + v[i];
    }
}

void gn_each_nesterov(float *restrict w, float *restrict v, const float *restrict g, size_t n,
                      const struct gn_factors *f)
{
    const float mu = f->momentum, lr = f->lr;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        v[i] = v[i] * mu - g[i] * lr;
        w[i] = w[i] + (v[i] * mu - g[i] * lr);
    }
}

/* Roots stand in a loop of their own: sqrtf may set errno, which keeps its loop scalar. */
void gn_each_adam(float *restrict w, float *restrict m, float *restrict v, const float *restrict g,
                  size_t n, const struct gn_factors *f)
{
    const float k1 = f->one_minus_beta_1, k2 = f->one_minus_beta_2, alpha = f->alpha, eps = f->eps;
    float root[ROOT_FLOATS];
    for (size_t first = 0; first < n; first += ROOT_FLOATS) {
        const size_t end = n - first < ROOT_FLOATS ? n : first + ROOT_FLOATS;
#pragma omp simd
        for (size_t i = first; i < end; i++) {
            m[i] = m[i] + (g[i] - m[i]) * k1;
            v[i] = v[i] + (g[i] * g[i] - v[i]) * k2;
        }
        for (size_t i = first; i < end; i++)
            root[i - first] = sqrtf(v[i]);
#pragma omp simd
        for (size_t i = first; i < end; i++)
            w[i] = w[i] - m[i] * alpha / (root[i - first] + eps);
    }
}

void gn_each_lars(float *restrict w, float *restrict v, const float *restrict g, size_t n,
                  const struct gn_factors *f)
{
    const float mu = f->momentum, lr = f->lr, wd = f->decay, again = f->nesterov ? mu : 1;
    const float now = f->nesterov ? lr : 0;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float u = g[i] + w[i] * wd;
        v[i] = v[i] * mu - u * lr;
        w[i] = w[i] + (v[i] * again - u * now);
    }
}

void gn_each_gather(float *restrict g, float *restrict v, size_t n, const struct gn_factors *f)
{
    const float mu = f->momentum, again = f->nesterov ? mu : 1, now = f->nesterov ? 1 : 0;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        v[i] = v[i] * mu + g[i];
        g[i] = g[i] * now + v[i] * again;
    }
}

void gn_each_blend(float *to, const float *x, const float *y, size_t n, float a, float b)
{
    for (size_t i = 0; i < n; i++)
        to[i] = x[i] * a + y[i] * b;
}

void gn_each_add(float *restrict sum, const float *restrict x, size_t n, float k, bool first)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] = (first ? 0 : sum[i]) + x[i] * k;
}

/* Eight sums side by side, so that the order is fixed and the loop still runs in vectors. */
double gn_each_squares(const float *x, size_t n)
{
    double sums[NORM_LANES] = { 0 }, sum = 0;
    size_t i = 0;
    for (; i + NORM_LANES <= n; i += NORM_LANES)
        for (size_t k = 0; k < NORM_LANES; k++)
            sums[k] += (double)x[i + k] * (double)x[i + k];
    for (size_t k = 0; k < NORM_LANES; k++)
        sum += sums[k];
    for (; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

/* x * 0 is NaN exactly for NaN and infinity, and NaN survives the sum. */
bool gn_each_is_finite(const float *x, size_t n)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += x[i] * 0.0F;
    return isfinite(sum);
}
