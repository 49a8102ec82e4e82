/* The softmax of a row of logits. Sums run in the order of the row. */
#include "base/softmax.h"

#include <math.h>

struct gn_softmax_sum gn_softmax_sum(const float *x, int n)
{
    struct gn_softmax_sum s = { 0 };
    for (int i = 1; i < n; i++)
        if (x[i] > x[s.best])
            s.best = i;
    s.top = (double)x[s.best];
    for (int i = 0; i < n; i++)
        s.sum += exp((double)x[i] - s.top);
    return s;
}

double gn_cross_entropy(const struct gn_softmax_sum *s, const float *x, int label)
{
    return log(s->sum) - ((double)x[label] - s->top);
}
