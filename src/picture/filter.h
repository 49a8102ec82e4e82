/*
 * Pillow's antialiasing filter, a few rows at a time: sums of bytes times weights in fixed point,
 * rounded to bytes after each axis (resize.c makes the weights). Whole numbers throughout,
 * so every instruction set gives the same bytes.
 */
#ifndef GN_PICTURE_FILTER_H
#define GN_PICTURE_FILTER_H

#include "cpu/isa.h"

#include <stddef.h>
#include <stdint.h>

enum {
    GN_FILTER_BITS = 22,  /* of a weight after the point */
    GN_FILTER_ROWS = 4,   /* that go along x together */
    GN_FILTER_LANES = 4,  /* numbers that a pixel takes on the way, and most channels of one */
    GN_FILTER_TAPS = 8192 /* beyond it only the reference knows: the weights' rounding, half a unit
                             each, may carry a sum past 255 */
};

/* Output i is the sum of `taps` inputs from first[i] on, times weights[i*taps ...]. All inputs of an
 * output exist. */
struct gn_filter_axis {
    int32_t *first;   /* [n] */
    int32_t *weights; /* [n][taps]; the sum of an output's is 1 but for rounding */
    int n, taps;
};

struct gn_filter_kernels {
    /* Filters GN_FILTER_ROWS rows of w pixels of c bytes along x; `to` gets bytes as numbers,
     * axis->n*c of them and room for GN_FILTER_LANES more. `wide` has room for
     * w*GN_FILTER_ROWS*GN_FILTER_LANES numbers and is aligned to 64 bytes. */
    void (*along_x)(int32_t *const *to, const uint8_t *const *from,
                    const struct gn_filter_axis *axis, int w, int c, int32_t *wide);

    /* n bytes, each from the numbers at its place in `taps` rows. */
    void (*along_y)(uint8_t *to, const int32_t *const *rows, const int32_t *weights, int taps,
                    size_t n);
};

/* By instruction set: the reference is the formula; the others give the same bytes, as long as there are
 * no more than GN_FILTER_TAPS taps. */
const struct gn_filter_kernels *gn_filter_kernels(enum gn_isa isa);

/* From cpu_filter.c. */
extern const struct gn_filter_kernels gn_filter__generic, gn_filter__neon, gn_filter__sve256,
    gn_filter__avx2, gn_filter__avx512;

#endif
