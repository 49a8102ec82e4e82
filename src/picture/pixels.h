/* How the bytes of a picture become the numbers of a network. */
#ifndef GN_PICTURE_PIXELS_H
#define GN_PICTURE_PIXELS_H

#include "base/status.h"

/* How bytes become the network's numbers, besides the resize rule: the fields of gn_pixel_options. */
struct gn_pixel_rule {
    int short_side;
    bool square;
    bool bgr;
    bool bytes;
    bool normalise;
    float mean[3], deviation[3];
    bool affine;
    float factor[3], summand[3];
};

#endif
