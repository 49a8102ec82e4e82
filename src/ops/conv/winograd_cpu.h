/* What the Winograd files share. Only for files compiled once for each instruction set. */
#ifndef GN_OPS_CONV_WINOGRAD_CPU_H
#define GN_OPS_CONV_WINOGRAD_CPU_H

#include "cpu/winograd.h"
#include "ops/conv/conv_cpu.h"

/* A map of n images that is covered with square tiles. */
struct tiling {
    int h, w, side; /* of the map; of a tile */
};

INLINE int tiles_across(const struct tiling *t)
{
    return (t->w + t->side - 1) / t->side;
}

INLINE int tiles_of(const struct tiling *t, int images)
{
    return images * ((t->h + t->side - 1) / t->side) * tiles_across(t);
}

/* Where tile number i of the batch begins: image, first row and column. */
struct corner {
    int image, y, x;
};

INLINE struct corner corner_of(const struct tiling *t, int i)
{
    const int across = tiles_across(t), per_image = tiles_of(t, 1);
    return (struct corner){ i / per_image, i % per_image / across * t->side, i % across * t->side };
}

/* Pixels of the map from one corner to another. */
INLINE ptrdiff_t pixels_between(const struct tiling *t, struct corner from, struct corner to)
{
    return ((ptrdiff_t)(to.image - from.image) * t->h + to.y - from.y) * t->w + to.x - from.x;
}

/* Pointers to the n x n pixels of a map from (y, x) of an image on; outside they are zeros. */
INLINE void square_pixels(const struct gn_view *v, int h, int w, int n, struct corner at,
                          const float *zeros, const float **pixel)
{
    for (int i = 0; i < n; i++) {
        const int y = at.y + i;
        const bool row_inside = y >= 0 && y < h;
        const ptrdiff_t first = ((ptrdiff_t)at.image * h + y) * w + at.x;
        for (int j = 0; j < n; j++) {
            const bool inside = row_inside && at.x + j >= 0 && at.x + j < w;
            pixel[i * n + j] = inside ? v->data + (first + j) * v->ld : zeros;
        }
    }
}

/* The weight gradient's entry, from cpu_winograd_filter.c. */
void GN_ISA_FUNCTION(gn_winograd_filter_kernels)(struct gn_kernel *row);

#endif
