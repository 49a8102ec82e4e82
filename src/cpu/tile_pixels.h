/*
 * The micro-kernel of the weight gradient:
 *
 *   dw[i][:] (+)= sum over listed pixels p of a[at[p].a + i] * b[at[p].b][:]
 */
#ifndef GN_CPU_TILE_PIXELS_H
#define GN_CPU_TILE_PIXELS_H

#include "cpu/tile.h"

/* Where pixel p of a list is: float offset of its channels of x, number of its row of dy. */
struct pixel_pair {
    int32_t a, b;
};

INLINE void tile_pixels_body(int nv, const float *a, const float *b, const struct pixel_pair *at,
                             int n, const struct tile_end *e)
{
    vf acc[MR][2];
    const float *row[MR];
    fetch_tile(e);
    UNROLL
    for (int i = 0; i < MR; i++) {
        row[i] = a + i;
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = (vf){ 0 };
    }
    for (int p = 0; p < n; p++)
        tile_step(false, MR, nv, acc, row, at[p].a, b + at[p].b * (nv * VL));
    finish_tile(nv, acc, e);
}

/*
 * a: rows of channels, MR of which are read after each offset (the caller pads the last ones);
 * b: one panel of dy, [pixel][columns], columns as in tile_rows.
 */
static __attribute__((noinline)) void tile_pixels(const float *a, const float *b,
                                                  const struct pixel_pair *at, int n,
                                                  const struct tile_end *e)
{
    if (e->n_columns > VL)
        tile_pixels_body(2, a, b, at, n, e);
    else
        tile_pixels_body(1, a, b, at, n, e);
}

#endif
