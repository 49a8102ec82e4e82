/* Jacobi's method: turns of two rows and columns, all pairs again and again, until nothing is left off the diagonal. */
#include "whiten/eigen.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { MOST_SWEEPS = 60 };

static const double OFF_END =
    1e-26; /* of the squares of a matrix that may be left off its diagonal */

/* Rotates rows and columns p and q so that the element of both becomes 0 (Golub and Van Loan, 8.5). */
static void rotate(double *a, int n, double *vectors, int p, int q)
{
    const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < n; k++) {
        const double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (int k = 0; k < n; k++) {
        const double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
        const double v = vectors[p * n + k], w = vectors[q * n + k];
        vectors[p * n + k] = c * v - s * w;
        vectors[q * n + k] = s * v + c * w;
    }
    a[p * n + q] = a[q * n + p] = 0;
}

static bool is_diagonal(const double *a, int n)
{
    double off = 0, all = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            all += a[i * n + j] * a[i * n + j];
            off += i == j ? 0 : a[i * n + j] * a[i * n + j];
        }
    }
    return off <= OFF_END * all;
}

static void swap(double *x, double *y, int n)
{
    for (int i = 0; i < n; i++) {
        const double kept = x[i];
        x[i] = y[i];
        y[i] = kept;
    }
}

/* The largest part of a vector, the first of equals, is above 0. */
static void set_sign(double *vector, int n)
{
    int largest = 0;
    for (int i = 1; i < n; i++)
        if (fabs(vector[i]) > fabs(vector[largest]))
            largest = i;
    const double sign = vector[largest] < 0 ? -1 : 1;
    for (int i = 0; i < n; i++)
        vector[i] *= sign;
}

void gn_eigen(double *matrix, int n, double *values, double *vectors)
{
    memset(vectors, 0, (size_t)n * (size_t)n * sizeof *vectors);
    for (int i = 0; i < n; i++)
        vectors[i * n + i] = 1;
    for (int sweep = 0; sweep < MOST_SWEEPS && !is_diagonal(matrix, n); sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                if (fabs(matrix[p * n + q]) > 0)
                    rotate(matrix, n, vectors, p, q);
    for (int i = 0; i < n; i++)
        values[i] = matrix[i * n + i];
    for (int i = 0; i < n; i++) { /* the largest first; of equals the one with the smaller number */
        int largest = i;
        for (int k = i + 1; k < n; k++)
            if (values[k] > values[largest])
                largest = k;
        swap(&values[i], &values[largest], 1);
        swap(vectors + i * n, vectors + largest * n, n);
        set_sign(vectors + i * n, n);
    }
}
