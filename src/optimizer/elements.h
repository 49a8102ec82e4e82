/* What optimisers do to each element of a tensor: the loops, which any instruction set computes with the same bits. */
#ifndef GN_OPTIMIZER_ELEMENTS_H
#define GN_OPTIMIZER_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* What one update needs, rounded to float32 where Keras casts. */
struct gn_factors {
    float lr, momentum, decay;
    bool nesterov;
    float alpha, one_minus_beta_1, one_minus_beta_2, eps;
    float grad_scale, one_minus_ema;
    float lookahead; /* share of the way that slow weights go in this step; 0: none */
};

/* Of n values: w weights, g their gradients, v and m what a state keeps of them. elements.c has the formulas. A rate of zero
 * must not come here: w - g * 0 would turn -0 into +0. */
void gn_each_scale(float *restrict g, size_t n, float factor);
void gn_each_average(float *restrict a, const float *restrict w, size_t n, float k);
void gn_each_look_ahead(float *restrict w, float *restrict slow, size_t n, float share);
void gn_each_decay(float *restrict w, size_t n, const struct gn_factors *f);
void gn_each_sgd(float *restrict w, const float *restrict g, size_t n, float lr);
void gn_each_momentum(float *restrict w, float *restrict v, const float *restrict g, size_t n,
                      const struct gn_factors *f);
void gn_each_nesterov(float *restrict w, float *restrict v, const float *restrict g, size_t n,
                      const struct gn_factors *f);
void gn_each_adam(float *restrict w, float *restrict m, float *restrict v, const float *restrict g,
                  size_t n, const struct gn_factors *f);
void gn_each_lars(float *restrict w, float *restrict v, const float *restrict g, size_t n,
                  const struct gn_factors *f);

/* Muon: v = v * mu + g, then g = v, or g = g + v * mu (Nesterov). */
void gn_each_gather(float *restrict g, float *restrict v, size_t n, const struct gn_factors *f);

/* to = x * a + y * b, where `to` may be x. */
void gn_each_blend(float *to, const float *x, const float *y, size_t n, float a, float b);

/* sum += x * k, or sum = x * k at first. */
void gn_each_add(float *restrict sum, const float *restrict x, size_t n, float k, bool first);

/* The sum of their squares, in a fixed order; not finite when one value is not. */
double gn_each_squares(const float *x, size_t n);
bool gn_each_is_finite(const float *x, size_t n);

#endif
