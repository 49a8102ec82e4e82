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
 * Points are 0, 1, -1 (n = 4), also 2, -2 (n = 6), also 1/2, -1/2 (n = 8), infinity. Rows of a pair +a, -a
 * share their even and odd parts. docs/winograd.md derives this; a test derives the tables.
 */
#ifndef GN_CPU_WINOGRAD_H
#define GN_CPU_WINOGRAD_H

#include "cpu/vector.h"
#include "cpu/winograd_tables.h"

enum { N_MAX = 8 }; /* largest tile */

/*
 * One axis works on vectors in registers. Both axes go through a square of vectors on the stack,
 * one line of the square after the other in loops that stay loops: two loads and two stores a
 * value. Unrolled, the square's 64 vectors would be spilled from 16 registers again and again.
 */
#if defined(__clang__)
#define LOOP _Pragma("clang loop unroll(disable)")
#else
#define LOOP _Pragma("GCC unroll 1")
#endif

/* sum of c[j] * x[j] over j = first, first + 2, ... < count; zeros and ones cost nothing. */
INLINE vf half_sum(const float *c, const vf *x, int first, int count)
{
    vf sum = { 0 };
    bool any = false;
    UNROLL
    for (int ones = 1; ones >= 0; ones--) {
        UNROLL
        for (int j = first; j < count; j += 2) {
            if (c[j] == 0 || (c[j] == 1) != (ones == 1))
                continue;
            if (!any)
                sum = c[j] == 1 ? x[j] : splat(c[j]) * x[j];
            else
                sum = c[j] == 1 ? sum + x[j] : c[j] == -1 ? sum - x[j] : sum + splat(c[j]) * x[j];
            any = true;
        }
    }
    return sum;
}

/* One axis of E_k: values at the n points of the polynomial with k coefficients. */
INLINE void at_points(int n, int k, const vf *x, vf *y)
{
    y[0] = x[0];
    UNROLL
    for (int p = 0; p < (n - 2) / 2; p++) {
        const vf even = half_sum(gn_winograd_powers[p], x, 0, k);
        const vf odd = half_sum(gn_winograd_powers[p], x, 1, k);
        y[1 + 2 * p] = even + odd;
        y[2 + 2 * p] = even - odd;
    }
    y[n - 1] = x[k - 1];
}

/* One axis of E_k^T. */
INLINE void from_points(int n, int k, const vf *x, vf *y)
{
    vf sum[3], difference[3];
    UNROLL
    for (int p = 0; p < (n - 2) / 2; p++) {
        sum[p] = x[1 + 2 * p] + x[2 + 2 * p];
        difference[p] = x[1 + 2 * p] - x[2 + 2 * p];
    }
    UNROLL
    for (int j = 0; j < k; j++) {
        vf v = j % 2 == 0 ? sum[0] : difference[0];
        if (j == 0)
            v += x[0];
        if (j == k - 1)
            v += x[n - 1];
        UNROLL
        for (int p = 1; p < (n - 2) / 2; p++)
            v += splat(gn_winograd_powers[p][j]) * (j % 2 == 0 ? sum[p] : difference[p]);
        y[j] = v;
    }
}

/* One axis of B^T. */
INLINE void transform_data(int n, const vf *x, vf *y)
{
    const float(*b)[N_MAX] = n == 4 ? gn_winograd_b4 : n == 6 ? gn_winograd_b6 : gn_winograd_b8;
    y[0] = half_sum(b[0], x, 0, n); /* the rows of 0 and infinity have one parity */
    UNROLL
    for (int p = 0; p < (n - 2) / 2; p++) {
        const vf even = half_sum(b[1 + p], x, 0, n);
        const vf odd = half_sum(b[1 + p], x, 1, n);
        y[1 + 2 * p] = even + odd;
        y[2 + 2 * p] = even - odd;
    }
    y[n - 1] = half_sum(b[n / 2], x, 1, n);
}

/* D_i. */
INLINE float diagonal(int n, int i)
{
    const int pair = i == n - 1 ? n / 2 : (i + 1) / 2; /* one entry for a pair +a, -a */
    return n == 4 ? gn_winograd_d4[pair] : n == 6 ? gn_winograd_d6[pair] : gn_winograd_d8[pair];
}

/* Channels from c on that a vector takes of `all`, which 8 divides: a whole vector, or half of one of 16 lanes. */
INLINE int lanes_at(int c, int all)
{
    return VL > 8 && c + VL > all ? 8 : VL;
}

/* The vectors at pixel[i * n + j] + c of a square, `lanes` of each, transformed; those of two positions go `step`
 * floats apart. `next` are pixels that are brought near meanwhile: of the square that follows. */
INLINE void transform_data_2d(int n, int lanes, const float *const *pixel, const float *const *next,
                              int c, float *to, size_t step)
{
    vf t[N_MAX * N_MAX];
    LOOP
    for (int i = 0; i < n; i++) {
        vf x[N_MAX], y[N_MAX];
        UNROLL
        for (int j = 0; j < n; j++) {
            x[j] = load_some(pixel[i * n + j] + c, lanes);
            __builtin_prefetch(next[i * n + j] + c);
        }
        transform_data(n, x, y);
        UNROLL
        for (int j = 0; j < n; j++)
            t[i * n + j] = y[j];
    }
    LOOP
    for (int j = 0; j < n; j++) {
        vf x[N_MAX], y[N_MAX];
        UNROLL
        for (int i = 0; i < n; i++)
            x[i] = t[i * n + j];
        transform_data(n, x, y);
        UNROLL
        for (int i = 0; i < n; i++)
            store_some(to + (size_t)(i * n + j) * step, y[i], lanes);
    }
}

/* The k x k vectors at pixel[i * k + j] + c, `lanes` of each, at the points, times D on both axes if `scaled`; stored
 * as above. Returns the sum of the k x k vectors. */
INLINE vf at_points_2d(int n, int k, bool scaled, int lanes, const float *const *pixel,
                       const float *const *next, int c, float *to, size_t step)
{
    vf t[N_MAX * N_MAX], sum = { 0 };
    LOOP
    for (int i = 0; i < k; i++) {
        vf x[N_MAX], y[N_MAX], row = { 0 };
        UNROLL
        for (int j = 0; j < k; j++) {
            x[j] = load_some(pixel[i * k + j] + c, lanes);
            __builtin_prefetch(next[i * k + j] + c);
            row += x[j];
        }
        sum += row;
        at_points(n, k, x, y);
        UNROLL
        for (int j = 0; j < n; j++)
            t[i * n + j] = scaled ? splat(diagonal(n, j)) * y[j] : y[j];
    }
    LOOP
    for (int j = 0; j < n; j++) {
        vf x[N_MAX], y[N_MAX];
        UNROLL
        for (int i = 0; i < k; i++)
            x[i] = t[i * n + j];
        at_points(n, k, x, y);
        UNROLL
        for (int i = 0; i < n; i++)
            store(to + (size_t)(i * n + j) * step, scaled ? splat(diagonal(n, i)) * y[i] : y[i]);
    }
    return sum;
}

/* One axis of E_k^T, or of E_k^T D if `scaled`, of n vectors `step` floats apart. */
INLINE void from_points_line(int n, int k, bool scaled, const float *from, size_t step, vf *y)
{
    vf x[N_MAX];
    UNROLL
    for (int i = 0; i < n; i++) {
        x[i] = load(from + (size_t)i * step);
        if (scaled)
            x[i] *= splat(diagonal(n, i));
    }
    from_points(n, k, x, y);
}

/* First axis of E_k^T of a square: n x n vectors `step` floats apart to k x n. */
INLINE void from_points_columns(int n, int k, const float *from, size_t step, vf *t)
{
    LOOP
    for (int j = 0; j < n; j++) {
        vf y[N_MAX];
        from_points_line(n, k, false, from + (size_t)j * step, (size_t)n * step, y);
        UNROLL
        for (int i = 0; i < k; i++)
            t[i * n + j] = y[i];
    }
}

#endif
