/* What the fast convolution's files share. Only for files compiled once for each instruction
 * set. */
#ifndef GN_OPS_CONV_CONV_CPU_H
#define GN_OPS_CONV_CONV_CPU_H

#include "cpu/tile.h"
#include "ops/kernels.h"

/* Fewer channels than this and a tap is too short a sum: the patches are copied first. */
enum { PATCHED_BELOW = 4 };

INLINE int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

/* Columns of a packed matrix: panels of NR, the last one NR or VL wide. */
INLINE int packed_columns(int columns)
{
    const int rest = columns % NR;
    return columns - rest + (rest == 0 ? 0 : rest <= VL ? VL : NR);
}

INLINE bool is_pointwise(const struct gn_geometry *g)
{
    return g->kh == 1 && g->kw == 1 && g->stride_h == 1 && g->stride_w == 1 && g->pad_top == 0 &&
           g->pad_left == 0 && g->oh == g->h && g->ow == g->w;
}

/* Only for dense pixels (ld == c): a window's row is then one run of kw*c floats. */
INLINE bool is_patched(const struct gn_args *a)
{
    return a->g.c < PATCHED_BELOW && a->x.ld == a->g.c && !is_pointwise(&a->g);
}

/*
 * The windows of n output pixels from number `first` of the batch on, each kh*kw*c floats in the
 * order of the weights, `ld` floats apart; taps outside the image are zeros. Whole vectors are
 * copied where the row has them: up to VL - 1 floats after each window are written too, so `to`
 * has VL floats to spare and windows are filled in ascending order.
 */
INLINE void copy_windows(const struct gn_args *a, int first, int n, float *to, int ld)
{
    const struct gn_geometry *g = &a->g;
    const int run = g->kw * g->c, row = g->w * g->c;
    const int whole = (run + VL - 1) / VL * VL; /* floats that the vector copy reads */
    int image = first / (g->oh * g->ow), oy = first / g->ow % g->oh, ox = first % g->ow;
    for (int i = 0; i < n; i++, to += ld) {
        const int y = oy * g->stride_h - g->pad_top;
        const int x = (ox * g->stride_w - g->pad_left) * g->c;
        if (++ox == g->ow) {
            ox = 0;
            oy++;
        }
        const int at = image;
        if (oy == g->oh) {
            oy = 0;
            image++;
        }
        float *t = to;
        if (run <= VL && y >= 0 && y + g->kh <= g->h && x >= 0 && x + VL <= row) {
            const float *from = a->x.data + ((ptrdiff_t)at * g->h + y) * row + x;
            for (int r = 0; r < g->kh; r++, t += run, from += row)
                store(t, load(from));
            continue;
        }
        for (int r = 0; r < g->kh; r++, t += run) {
            const bool inside = y + r >= 0 && y + r < g->h;
            const float *from = a->x.data + ((ptrdiff_t)at * g->h + y + r) * row + x;
            if (inside && x >= 0 && x + whole <= row) {
                for (int k = 0; k < run; k += VL)
                    store(t + k, load(from + k));
                continue;
            }
            for (int k = 0; k < run; k++)
                t[k] = inside && x + k >= 0 && x + k < row ? from[k] : 0;
        }
    }
}

/* Into how many shares the columns are cut where there are few blocks of rows, so that at least
 * `units` come out if possible: who computes what changes no bit. */
INLINE int column_shares(int columns, int blocks, int units)
{
    const int panels = divide_up(columns, NR);
    int n = 1;
    while (n * blocks < units && 2 * n <= panels)
        n *= 2;
    return n;
}

/* Columns [*first, *end) of share number `share`: whole panels, perhaps none. */
INLINE void columns_of_share(int columns, int shares, int share, int *first, int *end)
{
    const int panels = divide_up(columns, NR), each = divide_up(panels, shares);
    *first = share * each * NR < columns ? share * each * NR : columns;
    *end = *first + each * NR < columns ? *first + each * NR : columns;
}

/* Floats between the matrices of two positions of Winograd's tiles, each of that many: an odd
 * number of cache lines, so that one element of all positions spreads over all sets of L1. */
INLINE size_t position_step(size_t floats)
{
    return (floats + 31) / 32 * 32 + 16;
}

/* Matrices in a packed layer: one a tap, or one a position of the transformed tile. */
INLINE size_t matrices(const struct gn_geometry *g, int tile)
{
    const int side = tile + g->kh - 1;
    return (size_t)(tile == 0 ? g->kh * g->kw : side * side);
}

INLINE size_t floats_of(const struct gn_geometry *g, int tile, int rows, int columns)
{
    const size_t one = (size_t)rows * (size_t)packed_columns(columns);
    return matrices(g, tile) * (tile == 0 ? one : position_step(one));
}

INLINE size_t packed_floats(const struct gn_geometry *g, int tile)
{
    return floats_of(g, tile, g->c, g->oc);
}

INLINE size_t packed_back_floats(const struct gn_geometry *g, int tile)
{
    return floats_of(g, tile, g->oc, g->c);
}

/* The weight gradient's entry, from cpu_filter.c. */
void GN_ISA_FUNCTION(gn_conv_filter_kernels)(struct gn_kernel *row);

/* Those on bytes, from cpu_bytes.c; and the same without VNNI, for tests. */
void GN_ISA_FUNCTION(gn_conv_byte_kernels)(struct gn_kernel *row);
void GN_ISA_FUNCTION(gn_conv_plain_byte_kernels)(struct gn_kernel *row);

#endif
