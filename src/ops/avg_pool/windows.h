/* The windows of an average pool along one axis, for both versions. */
#ifndef GN_OPS_AVG_POOL_WINDOWS_H
#define GN_OPS_AVG_POOL_WINDOWS_H

#include "ops/kernels.h"

/* Places [first, end) of the input that output number o averages. */
struct gn_span {
    int first, end;
};

static inline const struct gn_pool_options *gn_avg_pool_of(const struct gn_args *a)
{
    return a->attributes;
}

static inline struct gn_span gn_span_rows(const struct gn_args *a, int oy)
{
    const struct gn_geometry *g = &a->g;
    if (gn_avg_pool_of(a)->adaptive > 0)
        return (struct gn_span){ oy * g->h / g->oh, ((oy + 1) * g->h + g->oh - 1) / g->oh };
    const int first = oy * g->stride_h - g->pad_top, end = first + g->kh;
    return (struct gn_span){ first < 0 ? 0 : first, end > g->h ? g->h : end };
}

static inline struct gn_span gn_span_columns(const struct gn_args *a, int ox)
{
    const struct gn_geometry *g = &a->g;
    if (gn_avg_pool_of(a)->adaptive > 0)
        return (struct gn_span){ ox * g->w / g->ow, ((ox + 1) * g->w + g->ow - 1) / g->ow };
    const int first = ox * g->stride_w - g->pad_left, end = first + g->kw;
    return (struct gn_span){ first < 0 ? 0 : first, end > g->w ? g->w : end };
}

/* What the sum of a window is divided by. */
static inline int gn_span_count(const struct gn_args *a, struct gn_span rows,
                                struct gn_span columns)
{
    return gn_avg_pool_of(a)->count_padding
               ? a->g.kh * a->g.kw
               : (rows.end - rows.first) * (columns.end - columns.first);
}

#endif
