/* Bytes of a picture, resized, to the network's size. Bit-exact with the rules of TensorFlow and
 * Pillow. */
#ifndef GN_PICTURE_RESIZE_H
#define GN_PICTURE_RESIZE_H

#include "base/status.h"

/* An image of h x w x c bytes becomes a window of oh x ow of itself resized to whole_h x whole_w.
 */
struct gn_resize_shape {
    int oh, ow, h, w, c;
    gn_resize rule;
    int whole_h, whole_w; /* oh and ow when all of it is wanted */
    int top, left;        /* of the window */
};

/* For many images of one size: bytes of `scratch`, and the tables in it. Resizing changes scratch, so
 * it belongs to one thread. */
size_t gn_resize_scratch_bytes(const struct gn_resize_shape *shape);
void gn_resize_prepare(void *scratch, const struct gn_resize_shape *shape);

/* One image, whose rows are `stride` bytes apart, to floats in [0, 1]. */
void gn_resize_to_floats(float *out, const uint8_t *pixels, size_t stride, void *scratch);

/* The same with bytes as the result: Pillow's own, the other rules' rounded to the nearest. */
void gn_resize_to_bytes(uint8_t *out, const uint8_t *pixels, size_t stride, void *scratch);

#endif
