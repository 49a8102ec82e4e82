/* The softmax of a row of logits, in double, with the largest value taken out first. */
#ifndef GN_BASE_SOFTMAX_H
#define GN_BASE_SOFTMAX_H

/* What a softmax is made of: share i is exp(x[i] - top) / sum. */
struct gn_softmax_sum {
    int best; /* the lowest index of the largest value, which is `top` */
    double top, sum;
};
struct gn_softmax_sum gn_softmax_sum(const float *x, int n);

/* log(sum exp(x)) - x[label]: the cross-entropy. */
double gn_cross_entropy(const struct gn_softmax_sum *s, const float *x, int label);

#endif
