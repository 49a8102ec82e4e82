/*
 * Max pooling in vectors of channels, see ref.c. A unit is one row of pixels
 * of one image. The backward pass gathers: each input pixel looks at the windows that contain it,
 * in the reference's order, so there is nothing to synchronise. Compiled once for each instruction
 * set.
 */
#include "cpu/vector.h"
#include "ops/max_pool/winners.h"

/* The taps of one window that lie inside the image. */
struct window {
    int r0, r1, s0, s1; /* rows [r0, r1), columns [s0, s1) */
    const float *x;     /* pixel of tap (0, 0), perhaps outside */
};

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static struct window window_at(const struct gn_args *a, int image, int oy, int ox)
{
    const struct gn_geometry *g = &a->g;
    const int y = oy * g->stride_h - g->pad_top, x = ox * g->stride_w - g->pad_left;
    const ptrdiff_t first = ((ptrdiff_t)image * g->h + y) * g->w + x;
    return (struct window){ clamp(-y, 0, g->kh), clamp(g->h - y, 0, g->kh), clamp(-x, 0, g->kw),
                            clamp(g->w - x, 0, g->kw), a->x.data + first * a->x.ld };
}

/* Those of one vector of results; nobody wins where a result that counts only if `positive` is not. */
INLINE vi winners(vi taps, vf best, bool positive)
{
    const vi wins = (vi)(best > (vf){ 0 });
    return positive ? (taps & wins) | (((vi){ 0 } + GN_NO_TAP) & ~wins) : taps;
}

static void store_taps(uint8_t *argmax, vi taps)
{
    const vb bytes = narrow_to_bytes(taps);
    memcpy(argmax, &bytes, sizeof bytes);
}

/* `n` channels (VL, or fewer at the end of the pixel) of one window. */
INLINE void pool_channels(const struct gn_args *a, const struct window *w, int c, int n, float *y,
                          uint8_t *argmax)
{
    const ptrdiff_t row = (ptrdiff_t)a->g.w * a->x.ld;
    vf best = { 0 };
    vi taps = { 0 };
    for (int r = w->r0; r < w->r1; r++) {
        for (int s = w->s0; s < w->s1; s++) {
            const float *p = w->x + r * row + s * (ptrdiff_t)a->x.ld + c;
            vf x = { 0 };
            if (n == VL)
                x = load(p);
            else
                memcpy(&x, p, (size_t)n * sizeof *p);
            const bool start = r == w->r0 && s == w->s0;
            const vi wins = start ? (vi){ 0 } - 1 : (vi)(x > best);
            best = (vf)(((vi)x & wins) | ((vi)best & ~wins));
            taps = (((vi){ 0 } + (r * a->g.kw + s)) & wins) | (taps & ~wins);
        }
    }
    taps = winners(taps, best, a->mask);
    if (n == VL) {
        store(y, best);
        if (argmax != NULL)
            store_taps(argmax, taps);
        return;
    }
    memcpy(y, &best, (size_t)n * sizeof *y);
    for (int i = 0; argmax != NULL && i < n; i++)
        argmax[i] = (uint8_t)taps[i];
}

/* A 3x3 window, the case that counts: all channels in whole vectors. Tap `first` is the first one inside
 * the image; those outside point to it, and never win since it was there before them. Returns how many
 * channels were done. */
INLINE int pool_nine(const float *const *tap, int first, int channels, bool positive, float *y,
                     uint8_t *argmax)
{
    int c = 0;
    for (; c + VL <= channels; c += VL) {
        vf best = load(tap[first] + c);
        vi taps = (vi){ 0 } + first;
        UNROLL
        for (int t = 0; t < 9; t++) {
            const vf value = load(tap[t] + c);
            const vi wins = value > best;
            if (argmax != NULL)
                taps = (((vi){ 0 } + t) & wins) | (taps & ~wins);
            best = larger(value, best);
        }
        store(y + c, best);
        if (argmax != NULL)
            store_taps(argmax + c, winners(taps, best, positive));
    }
    return c;
}

static int pool_three(const struct gn_args *a, const struct window *w, float *y, uint8_t *argmax)
{
    const float *tap[9];
    const int first = w->r0 * 3 + w->s0;
    for (int t = 0; t < 9; t++) {
        const int r = t / 3, s = t % 3;
        const bool inside = r >= w->r0 && r < w->r1 && s >= w->s0 && s < w->s1;
        tap[t] = w->x + ((ptrdiff_t)(inside ? r : w->r0) * a->g.w + (inside ? s : w->s0)) * a->x.ld;
    }
    return argmax == NULL ? pool_nine(tap, first, a->g.c, false, y, NULL)
                          : pool_nine(tap, first, a->g.c, a->mask, y, argmax);
}

/* All channels of one window. */
static void pool_window(const struct gn_args *a, const struct window *w, float *y, uint8_t *argmax)
{
    const struct gn_geometry *g = &a->g;
    int c = g->kh == 3 && g->kw == 3 ? pool_three(a, w, y, argmax) : 0;
    for (; c < g->c; c += VL) {
        uint8_t *to = argmax == NULL ? NULL : argmax + c;
        if (g->c - c >= VL)
            pool_channels(a, w, c, VL, y + c, to);
        else
            pool_channels(a, w, c, g->c - c, y + c, to);
    }
}

static int forward_units(const struct gn_args *a, const struct gn_run *r)
{
    return r->n * a->g.oh;
}

static void forward(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    const int image = unit / g->oh, oy = unit % g->oh;
    for (int ox = 0; ox < g->ow; ox++) {
        const struct window w = window_at(a, image, oy, ox);
        const size_t at = (size_t)unit * (size_t)g->ow + (size_t)ox;
        pool_window(a, &w, a->y.data + at * (size_t)a->y.ld,
                    a->kept == NULL ? NULL : a->kept + at * (size_t)g->c);
    }
}

/* A window that contains an input pixel, and the tap by which it does. */
struct source {
    const float *dy;
    const uint8_t *argmax;
    int tap;
};

enum { MAX_SOURCES = 64 };

/* The windows of which input (iy, ix) is a tap, in row-major order of the taps. */
static int find_sources(const struct gn_args *a, int image, int iy, int ix, struct source *list)
{
    const struct gn_geometry *g = &a->g;
    int n = 0;
    for (int r = 0; r < g->kh; r++) {
        const int ty = iy + g->pad_top - r, oy = ty / g->stride_h;
        if (ty < 0 || ty % g->stride_h != 0 || oy >= g->oh)
            continue;
        for (int s = 0; s < g->kw && n < MAX_SOURCES; s++) {
            const int tx = ix + g->pad_left - s, ox = tx / g->stride_w;
            if (tx < 0 || tx % g->stride_w != 0 || ox >= g->ow)
                continue;
            const size_t at =
                ((size_t)image * (size_t)g->oh + (size_t)oy) * (size_t)g->ow + (size_t)ox;
            list[n++] = (struct source){ a->dy.data + at * (size_t)a->dy.ld,
                                         a->kept + at * (size_t)g->c, r * g->kw + s };
        }
    }
    return n;
}

INLINE vf gather(const struct source *list, int n, int c)
{
    vf sum = { 0 };
    for (int i = 0; i < n; i++) {
        const vi won = widen_bytes(list[i].argmax + c) == list[i].tap;
        sum += (vf)((vi)load(list[i].dy + c) & won);
    }
    return sum;
}

/* The same for all nine windows of a 3x3 pool of stride 1, in the order in which they are listed. */
INLINE vf gather_nine(const struct source *list, int c)
{
    vf sum = { 0 };
    UNROLL
    for (int t = 0; t < 9; t++)
        sum += (vf)((vi)load(list[t].dy + c) & (widen_bytes(list[t].argmax + c) == t));
    return sum;
}

static int back_units(const struct gn_args *a, const struct gn_run *r)
{
    return r->n * a->g.h;
}

static void back(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    for (int ix = 0; ix < g->w; ix++) {
        struct source list[MAX_SOURCES];
        const int n = find_sources(a, unit / g->h, unit % g->h, ix, list);
        const bool nine = n == 9 && g->kh == 3 && g->kw == 3;
        const size_t at = (size_t)unit * (size_t)g->w + (size_t)ix;
        const float *x = a->mask ? a->x.data + at * (size_t)a->x.ld : NULL;
        float *dx = a->dx.data + at * (size_t)a->dx.ld;
        int c = 0;
        for (; c + VL <= g->c; c += VL) {
            vf v = nine ? gather_nine(list, c) : gather(list, n, c);
            if (a->accumulate)
                v += load(dx + c);
            store(dx + c, a->mask ? where_positive(load(x + c), v) : v);
        }
        for (; c < g->c; c++) {
            float sum = 0;
            for (int i = 0; i < n; i++)
                sum += list[i].argmax[c] == list[i].tap ? list[i].dy[c] : 0;
            sum += a->accumulate ? dx[c] : 0;
            dx[c] = !a->mask || x[c] > 0 ? sum : 0;
        }
    }
}

void GN_ISA_FUNCTION(gn_max_pool_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "vector", .units = forward_units, .run = forward };
    if (!GN_TRAINING)
        return;
    row[GN_PASS_BACK] = (struct gn_kernel){ .name = "gather", .units = back_units, .run = back };
    GN_ISA_FUNCTION(gn_max_pool_byte_kernels)(row);
}
