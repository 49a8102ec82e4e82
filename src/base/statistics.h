/* Intervals and tests for shares, percentiles. */
#ifndef GN_BASE_STATISTICS_H
#define GN_BASE_STATISTICS_H

#include <stdint.h>

/* Wilson's score interval of 95% for a share of `hits` in n (E. B. Wilson, Probable inference, 1927);
 * 0 to 1 when n is 0. */
void gn_wilson(uint64_t hits, uint64_t n, double *low, double *high);

/* McNemar's exact test, two-sided: how probable is a division of a + b changes that is at least as
 * uneven as a to b, if both directions are equally probable. 1 without changes. */
double gn_mcnemar(uint64_t a, uint64_t b);

/* The least of n values, sorted and rising, that p percent of them do not exceed; n is 1 or more, p above 0. */
double gn_percentile(const double *sorted, int n, int p);

/* The last values of a row of them. */
enum { GN_RECENT = 31 };
struct gn_recent {
    double values[GN_RECENT];
    int n, next;
};
void gn_recent_add(struct gn_recent *recent, double value);
double gn_recent_median(const struct gn_recent *recent); /* 0 without values */

#endif
