/* The random numbers of augmentation, and which of them belong to which operation. */
#ifndef GN_PICTURE_AUGMENT_DRAWS_H
#define GN_PICTURE_AUGMENT_DRAWS_H

#include "picture/augment.h"

enum {
    GN_DRAWS_CROP = 0, /* four a try */
    GN_DRAWS_MIRROR = 50,
    GN_DRAWS_SHIFT = 51,
    GN_DRAWS_ROTATE = 53,
    GN_DRAWS_COLOUR = 54, /* brightness, contrast, saturation */
    GN_DRAWS_TRIVIAL = 60,
    GN_DRAWS_ERASE = 70, /* four a try */
    GN_DRAWS_MIX = 200,
    GN_DRAWS_NOISE = 1000 /* of erased pixels */
};

/* Number `number` of a sample: uniform in [0, 1), in [low, high), or a whole number below n. */
double gn_draw(const struct gn_draws *draws, int number);
double gn_draw_between(const struct gn_draws *draws, int number, double low, double high);
/* Half of the samples in even epochs, the other half in odd ones. */
bool gn_draw_alternates(const struct gn_draws *draws, int number);
int gn_draw_below(const struct gn_draws *draws, int number, int n);

#endif
