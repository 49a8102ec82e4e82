/* What logits say: the probability of each class, and the most probable ones. */
#include "base/softmax.h"
#include "base/status.h"

#include <math.h>

gn_status gn_softmax(const float *logits, int classes, double *probabilities)
{
    GN_NEED(logits, "the logits");
    GN_NEED(probabilities, "the probabilities");
    if (classes < 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "softmax of %d classes; at least 1 is needed", classes);
    const struct gn_softmax_sum s = gn_softmax_sum(logits, classes);
    for (int i = 0; i < classes; i++)
        probabilities[i] = exp((double)logits[i] - s.top) / s.sum;
    return GN_OK;
}

/* Whether class a comes before class b; of equals the lower one. */
static bool comes_first(const float *logits, int a, int b)
{
    return logits[a] > logits[b] || (!(logits[a] < logits[b]) && a < b);
}

int gn_top_classes(const float *logits, int classes, int most, int *order)
{
    int n = 0;
    if (logits == NULL || order == NULL)
        return 0;
    for (int i = 0; i < classes; i++) {
        int at = n;
        while (at > 0 && comes_first(logits, i, order[at - 1]))
            at--;
        if (at >= most)
            continue;
        n += n < most;
        for (int k = n - 1; k > at; k--)
            order[k] = order[k - 1];
        order[at] = i;
    }
    return n;
}
