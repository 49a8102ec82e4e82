/* Eigenvalues and eigenvectors of symmetric matrices, in double and always in the same order of operations. */
#ifndef GN_WHITEN_EIGEN_H
#define GN_WHITEN_EIGEN_H

/* Eigenvalues of a symmetric matrix of n * n, which is overwritten, in falling order, and their eigenvectors as rows, of
 * length 1, the largest part of each above 0. By Jacobi's rotations. */
void gn_eigen(double *matrix, int n, double *values, double *vectors);

#endif
