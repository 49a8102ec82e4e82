/*
 * Constants of winograd.h: powers of the positive points 1, 2, 1/2; the rows of B^T for 0, the
 * positive points and infinity (a negative point's row has its odd entries negated); the diagonal
 * D for 0, the positive points (a negative point's is the same) and infinity. Constants, so that
 * compilers fold zeros and ones; tests/kernels/test_winograd.c derives them from the points.
 */
#ifndef GN_CPU_WINOGRAD_TABLES_H
#define GN_CPU_WINOGRAD_TABLES_H

#include <stdbool.h>

static const float gn_winograd_powers[3][6] = {
    { 1, 1, 1, 1, 1, 1 },
    { 1, 2, 4, 8, 16, 32 },
    { 1, 0.5F, 0.25F, 0.125F, 0.0625F, 0.03125F },
};

static const float gn_winograd_b4[3][8] = {
    { -1, 0, 1, 0 },
    { 0, 1, 1, 0 },
    { 0, -1, 0, 1 },
};

static const float gn_winograd_b6[4][8] = {
    { 4, 0, -5, 0, 1, 0 },
    { 0, -4, -4, 1, 1, 0 },
    { 0, -2, -1, 2, 1, 0 },
    { 0, 4, 0, -5, 0, 1 },
};

static const float gn_winograd_b8[5][8] = {
    { 1, 0, -5.25F, 0, 5.25F, 0, -1, 0 },       { 0, 1, 1, -4.25F, -4.25F, 1, 1, 0 },
    { 0, 0.5F, 0.25F, -2.5F, -1.25F, 2, 1, 0 }, { 0, 2, 4, -2.5F, -5, 0.5F, 1, 0 },
    { 0, -1, 0, 5.25F, 0, -5.25F, 0, 1 },
};

static const float gn_winograd_d4[3] = { -1, 1.0F / 2, 1 };
static const float gn_winograd_d6[4] = { 1.0F / 4, -1.0F / 6, 1.0F / 24, 1 };
static const float gn_winograd_d8[5] = { 1, -2.0F / 9, 1.0F / 90, 32.0F / 45, 1 };

#endif
