/*
 * Filters that whiten the patches of images: the eigenvectors of the patches' covariance, each divided by the
 * square root of its eigenvalue, so that the values which they give have about the variance 1 and no correlation
 * (Jordan, arXiv 2404.00498, section 3.2, after Page 2019). All sums are in double and in a fixed order, so
 * neither threads nor instruction sets change a bit.
 */
#ifndef GN_WHITEN_WHITEN_H
#define GN_WHITEN_WHITEN_H

#include "net/net.h"

enum {
    GN_WHITEN_IMAGES = 16, /* that are added together at most */
    GN_WHITEN_VALUES = 512 /* of a patch at most */
};

/* Sums over the patches that a layer's window takes from images, wherever it lies inside of them whole. The
 * geometry must give one patch at least, of GN_WHITEN_VALUES values at most. NULL: NO_MEMORY. */
struct gn_whitener;
struct gn_whitener *gn_whitener_create(const struct gn_geometry *window, int threads);
void gn_whitener_free(struct gn_whitener *whitener); /* NULL is fine */

/* Values of a patch, and patches of an image; 0: the window is larger than an image. */
int gn_whiten_values(const struct gn_geometry *window);
int gn_whiten_patches(const struct gn_geometry *window);

/* Adds the patches of n images, GN_WHITEN_IMAGES at most. */
void gn_whitener_add(struct gn_whitener *whitener, const float *images, int n);

/* What was added so far: values * values, and the mean patch. */
void gn_whitener_covariance(const struct gn_whitener *whitener, double *covariance, double *mean);

/* Filters [values][oc]: the leading components, half as many as there are filters or as a patch has values, first
 * as they are, then with the other sign; what is left keeps its values. Biases (NULL: there are none) take the mean
 * away. BAD_DATA: all images are one colour. */
gn_status gn_whitener_filters(const struct gn_whitener *whitener, float *filters, float *biases);

/* The layer that reads the input; NULL: there is none. */
const struct gn_layer *gn_whiten_layer(const struct gn_graph *graph);

/* BAD_ARGUMENT where that is no convolution with room for this, or the weights of a run that is not resumed come from a
 * file. */
gn_status gn_whiten_check(const struct gn_net *net, bool resumes);

/* How many components those are. */
int gn_whiten_components(const struct gn_geometry *window);

#endif
