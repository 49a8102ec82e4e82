/* Convolutions as test cases for any kernels of them. */
#ifndef GN_TESTS_CONV_CASE_H
#define GN_TESTS_CONV_CASE_H

#include "kernels/kernels.h"

struct conv_case {
    struct gn_geometry g;
    int pad_bottom, pad_right;
    int n, threads;
    int shift[4], gap[4]; /* of x, y, dx, dy */
    int tile;             /* of Winograd's filtering; 0: the direct kernels */
    bool relu, bias, accumulate, mask;
    bool half; /* forward with packed weights of 16 bits */
};

/* Case `number` of a family: a sample of all combinations of odd sizes, for the direct kernels.
 * Families differ in their stream of random numbers. */
struct conv_case conv_case_drawn(uint64_t family, int number);

/* The same for Winograd's filtering: stride 1, kernels 3 and 5, channels that it allows. */
struct conv_case conv_case_for_winograd(uint64_t family, int number);

/* Multiplications of the forward pass. */
double conv_case_macs(const struct conv_case *c);

/* All three directions by every fast set against the reference: equal bits for integers, otherwise
 * within the tolerance of the algorithm. A failure names `program` and the case. */
void conv_case_check(const struct conv_case *c, enum fill kind, uint64_t stream, int number,
                     const char *program);

#endif
