/* The views of an image whose answers test-time augmentation averages. */
#ifndef GN_INFER_VIEWS_H
#define GN_INFER_VIEWS_H

#include "base/status.h"

/* Number of views; 1 without augmentation. */
int gn_views(gn_tta tta);

/* The height or width that images are made with for a network that takes `size`. */
int gn_view_size(gn_tta tta, int size);

/* View number `view` of n images of gn_view_size, NHWC, for a network that takes height x width. Pixels
 * that a shift brings in repeat the edge. */
void gn_view(gn_tta tta, int view, const float *images, int n, int height, int width, int channels,
             float *out);

#endif
