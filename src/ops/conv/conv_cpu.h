/* What the fast convolution's files share. Only for files compiled once for each instruction
 * set. */
#ifndef GN_OPS_CONV_CONV_CPU_H
#define GN_OPS_CONV_CONV_CPU_H

#include "cpu/tile.h"
#include "ops/kernels.h"

/* Fewer channels than this and a tap is too short a sum: the patches are copied first. */
enum { PATCHED_BELOW = 4 };

INLINE bool is_pointwise(const struct gn_geometry *g)
{
    return g->kh == 1 && g->kw == 1 && g->stride == 1 && g->pad_top == 0 && g->pad_left == 0 &&
           g->oh == g->h && g->ow == g->w;
}

INLINE bool is_patched(const struct gn_geometry *g)
{
    return g->c < PATCHED_BELOW && !is_pointwise(g);
}

/* The weight gradient's entry, from cpu_filter.c. */
void GN_ISA_FUNCTION(gn_conv_filter_kernels)(struct gn_kernel_set *set);

#endif
