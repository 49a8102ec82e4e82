/* Whole images resized with exactly the working memory that is asked for. */
#ifndef GN_TESTS_SUPPORT_RESIZE_H
#define GN_TESTS_SUPPORT_RESIZE_H

#include "picture/resize.h"

/* h x w x c bytes to oh x ow x c floats in [0, 1]. */
void resize_image(float *out, int oh, int ow, const uint8_t *pixels, int h, int w, int c,
                  gn_resize rule);

/* The same to bytes. */
void resize_to_bytes(uint8_t *out, int oh, int ow, const uint8_t *pixels, int h, int w, int c,
                     gn_resize rule);

#endif
