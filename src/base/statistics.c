/* Intervals and tests for shares, percentiles. */
#include "base/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void gn_wilson(uint64_t hits, uint64_t n, double *low, double *high)
{
    *low = 0.0;
    *high = 1.0;
    if (n == 0)
        return;
    const double z = 1.959963984540054; /* 97.5% quantile of the normal distribution */
    const double count = (double)n, p = (double)hits / count;
    const double scale = 1.0 / (1.0 + z * z / count);
    const double centre = scale * (p + z * z / (2.0 * count));
    const double half = scale * z * sqrt(p * (1.0 - p) / count + z * z / (4.0 * count * count));
    *low = centre > half ? centre - half : 0.0;
    *high = centre + half < 1.0 ? centre + half : 1.0;
}

/* The smaller tail of the binomial distribution with probability 1/2, doubled. Its terms follow from
 * each other; they are kept as logarithms, since the first is 2^-n. */
double gn_mcnemar(uint64_t a, uint64_t b)
{
    const uint64_t n = a + b, less = a < b ? a : b;
    double term = -(double)n * log(2.0), tail = 0;
    for (uint64_t k = 0; k <= less; k++) {
        tail += exp(term);
        term += log((double)(n - k)) - log((double)(k + 1));
    }
    return tail < 0.5 ? 2 * tail : 1;
}

double gn_percentile(const double *sorted, int n, int p)
{
    return sorted[(n * p + 99) / 100 - 1];
}

void gn_recent_add(struct gn_recent *recent, double value)
{
    recent->values[recent->next] = value;
    recent->next = (recent->next + 1) % GN_RECENT;
    recent->n += recent->n < GN_RECENT;
}

static int compare_values(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double gn_recent_median(const struct gn_recent *recent)
{
    double sorted[GN_RECENT];
    memcpy(sorted, recent->values, sizeof sorted);
    qsort(sorted, (size_t)recent->n, sizeof *sorted, compare_values);
    return recent->n == 0 ? 0 : gn_percentile(sorted, recent->n, 50);
}
