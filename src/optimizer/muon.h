/*
 * The direction in which Muon moves a filter (Jordan and others 2024, kellerjordan.github.io/posts/muon): that of
 * its momentum with all singular values made nearly equal, by five Newton-Schulz iterations in float32. A filter
 * [kh][kw][c][oc] is a matrix of kh*kw*c rows and oc columns. The products of matrices are those of the convolution
 * kernels of this CPU, so neither threads nor vector widths change a bit.
 */
#ifndef GN_OPTIMIZER_MUON_H
#define GN_OPTIMIZER_MUON_H

#include "base/status.h"

struct gn_muon;
struct gn_muon_size {
    int rows, columns;
};

/* Room for matrices of these sizes. NULL: NO_MEMORY. */
struct gn_muon *gn_muon_create(const struct gn_muon_size *sizes, int n, int threads);
void gn_muon_free(struct gn_muon *muon);

/* The matrix becomes U V^T of its singular values' decomposition, nearly: they lie between 0.7 and 1.2 where they were above
 * a hundredth of the largest. Zeros stay zeros. */
void gn_muon_direct(struct gn_muon *muon, float *matrix, struct gn_muon_size size);

/* By how much a step of such a matrix is longer than the rate: sqrt(max(1, columns / rows)). */
double gn_muon_length(struct gn_muon_size size);

#endif
