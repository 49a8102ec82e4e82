/*
 * The transforms of Winograd's minimal filtering F(m, r) in vectors of channels (Winograd,
 * "Arithmetic complexity of computations", 1980; Lavin and Gray, arXiv 1509.09308): m outputs of
 * a filter of r taps from n = m + r - 1 inputs with n multiplications instead of m * r.
 *
 * With n - 1 points and infinity, E_k the n x k matrix of the points' powers, B^T the coefficients
 * of prod_{j != i} (x - a_j) and D the diagonal of 1 / prod_{j != i} (a_i - a_j):
 *
 *   y = E_m^T [ (D E_r g) . (B^T d) ]            forward, backward-data (filter rotated)
 *   dg = E_r^T D [ (E_m dy) . (B^T d) ]          weight gradient, the adjoint
 *
 * Points are 0, 1, -1, 2, -2 (n = 6), also 1/2, -1/2 (n = 8), infinity. Rows of a pair +a, -a
 * share their even and odd parts. docs/winograd.md derives this; a test derives the tables.
 */
#ifndef GN_CPU_WINOGRAD_H
#define GN_CPU_WINOGRAD_H

#include "cpu/vector.h"
#include "cpu/winograd_tables.h"

enum { N_MAX = 8 }; /* largest tile */

/* sum of c[j] * x[j * step] over j = first, first + 2, ... < count; zeros cost nothing. */
INLINE vf half_sum(const float *c, const vf *x, int step, int first, int count)
{
    vf sum = { 0 };
    bool any = false;
    UNROLL
    for (int j = first; j < count; j += 2) {
        if (c[j] == 0)
            continue;
        const vf term = c[j] == 1 ? x[j * step] : splat(c[j]) * x[j * step];
        sum = any ? sum + term : term;
        any = true;
    }
    return sum;
}

/* One axis of E_k: values at the n points of the polynomial with k coefficients. */
INLINE void at_points(int n, int k, const vf *x, int step, vf *y, int ystep)
{
    y[0] = x[0];
    UNROLL
    for (int p = 0; p < (n - 2) / 2; p++) {
        const vf even = half_sum(gn_winograd_powers[p], x, step, 0, k);
        const vf odd = half_sum(gn_winograd_powers[p], x, step, 1, k);
        y[(1 + 2 * p) * ystep] = even + odd;
        y[(2 + 2 * p) * ystep] = even - odd;
    }
    y[(n - 1) * ystep] = x[(k - 1) * step];
}

/* One axis of E_k^T. */
INLINE void from_points(int n, int k, const vf *x, int step, vf *y, int ystep)
{
    vf sum[3], difference[3];
    UNROLL
    for (int p = 0; p < (n - 2) / 2; p++) {
        sum[p] = x[(1 + 2 * p) * step] + x[(2 + 2 * p) * step];
        difference[p] = x[(1 + 2 * p) * step] - x[(2 + 2 * p) * step];
    }
    UNROLL
    for (int j = 0; j < k; j++) {
        vf v = j % 2 == 0 ? sum[0] : difference[0];
        UNROLL
        for (int p = 1; p < (n - 2) / 2; p++)
            v += splat(gn_winograd_powers[p][j]) * (j % 2 == 0 ? sum[p] : difference[p]);
        if (j == 0)
            v += x[0];
        if (j == k - 1)
            v += x[(n - 1) * step];
        y[j * ystep] = v;
    }
}

/* One axis of B^T. */
INLINE void transform_data(int n, const vf *x, int step, vf *y, int ystep)
{
    const float(*b)[N_MAX] = n == 6 ? gn_winograd_b6 : gn_winograd_b8;
    y[0] = half_sum(b[0], x, step, 0, n); /* the rows of 0 and infinity have one parity */
    UNROLL
    for (int p = 0; p < (n - 2) / 2; p++) {
        const vf even = half_sum(b[1 + p], x, step, 0, n);
        const vf odd = half_sum(b[1 + p], x, step, 1, n);
        y[(1 + 2 * p) * ystep] = even + odd;
        y[(2 + 2 * p) * ystep] = even - odd;
    }
    y[(n - 1) * ystep] = half_sum(b[n / 2], x, step, 1, n);
}

/* Both axes: x and y are dense squares, x of side k (or n), y of side n (or k). */
INLINE void at_points_2d(int n, int k, const vf *x, vf *y)
{
    vf t[N_MAX * N_MAX];
    UNROLL
    for (int j = 0; j < k; j++)
        at_points(n, k, x + j, k, t + j, k);
    UNROLL
    for (int i = 0; i < n; i++)
        at_points(n, k, t + i * k, 1, y + i * n, 1);
}

INLINE void from_points_2d(int n, int k, const vf *x, vf *y)
{
    vf t[N_MAX * N_MAX];
    UNROLL
    for (int j = 0; j < n; j++)
        from_points(n, k, x + j, n, t + j, n);
    UNROLL
    for (int i = 0; i < k; i++)
        from_points(n, k, t + i * n, 1, y + i * k, 1);
}

INLINE void transform_data_2d(int n, const vf *x, vf *y)
{
    vf t[N_MAX * N_MAX];
    UNROLL
    for (int j = 0; j < n; j++)
        transform_data(n, x + j, n, t + j, n);
    UNROLL
    for (int i = 0; i < n; i++)
        transform_data(n, t + i * n, 1, y + i * n, 1);
}

#endif
