/*
 * Convolution of stride 1 by Winograd's minimal filtering, forward and backward-data, and the
 * transform of the weights. Compiled once for each instruction set; the transforms and their
 * source are in cpu/winograd.h. One implementation for all tiles: F(2,3), F(4,3), F(6,3), F(2,5), F(4,5).
 *
 * A unit is a block of output tiles and a share of the output channels. It transforms the block's
 * input (pixels outside read as zero) into v[position][tile][channel], multiplies position by
 * position with the packed transformed weights into f[position][tile][column], KC columns at a
 * time, and transforms back with bias, ReLU, accumulation and mask on the way to memory.
 *
 * Backward-data is the same with dy for x, channels exchanged and the filter rotated.
 */
#include "cpu/tile_product.h"
#include "ops/conv/winograd_cpu.h"

#include <math.h>

enum { BLOCK_TILES = 4 * MR, KC = 4 * NR };

/* Transformed weights of 16 bits are so many times themselves: D has factors down to 1/8100, with which the usual
 * weights would be below 2^-14, where binary16 loses digits. */
#define HALF_SCALE 256.0F

/* One direction of one convolution in the terms of the forward pass. */
struct pass {
    struct gn_view from, to;
    int h, w, c;         /* of `from` */
    int oh, ow, oc;      /* of `to` */
    int top, left;       /* padding */
    const void *u;       /* [position][panel][c][NR], floats or halves */
    struct tile_end end; /* bias, relu, accumulate, mask of the first pixel */
    float unscale;       /* 1, or what takes HALF_SCALE away */
};

static struct pass forward_pass(const struct gn_args *a)
{
    const struct gn_geometry *g = &a->g;
    return (struct pass){ a->x,
                          a->y,
                          g->h,
                          g->w,
                          g->c,
                          g->oh,
                          g->ow,
                          g->oc,
                          g->pad_top,
                          g->pad_left,
                          a->packed,
                          { .bias = a->b != NULL ? a->b : a->zeros, .relu = a->relu },
                          a->half ? 1 / HALF_SCALE : 1 };
}

static struct pass back_pass(const struct gn_args *a)
{
    const struct gn_geometry *g = &a->g;
    const struct tile_end end = { .accumulate = a->accumulate,
                                  .mask = a->mask ? a->x.data : NULL,
                                  .ldmask = a->x.ld };
    return (struct pass){ a->dy,
                          a->dx,
                          g->oh,
                          g->ow,
                          g->oc,
                          g->h,
                          g->w,
                          g->c,
                          g->kh - 1 - g->pad_top,
                          g->kw - 1 - g->pad_left,
                          a->packed_back,
                          end,
                          1 };
}

static struct tiling tiling_of(const struct pass *p, int m)
{
    return (struct tiling){ p->oh, p->ow, m };
}

/* Tiles of a block: no more than BLOCK_TILES and the same for all threads where blocks are few. */
static int tiles_of_block(int all, int threads)
{
    int blocks = divide_up(all, BLOCK_TILES);
    if (blocks < 4 * threads)
        blocks = divide_up(blocks, threads) * threads;
    return divide_up(all, blocks);
}

static int pass_units(const struct pass *p, int m, const struct gn_run *run, int threads)
{
    const struct tiling t = tiling_of(p, m);
    const int all = tiles_of(&t, run->n), each = tiles_of_block(all, threads);
    const int blocks = divide_up(all, each);
    return blocks * column_shares(p->oc, blocks, threads);
}

/* Floats between two positions of a block of tiles with that many channels. */
static size_t v_step(int channels)
{
    return position_step(BLOCK_TILES * (size_t)channels);
}

static size_t pass_bytes(const struct pass *p, int n)
{
    return (size_t)(n * n) * (v_step(p->c) + v_step(KC)) * sizeof(float) + 4096;
}

/* Transforms tiles from number `first` on into v. */
INLINE void input_tiles(const struct pass *p, int n, const struct tiling *map, int first, int tiles,
                        const float *zeros, float *v)
{
    const float *squares[2][N_MAX * N_MAX]; /* this tile's and the next one's pixels */
    for (int t = 0; t <= tiles; t++) {
        const float **next = squares[t % 2];
        struct corner at = corner_of(map, first + (t < tiles ? t : tiles - 1));
        at.y -= p->top;
        at.x -= p->left;
        square_pixels(&p->from, p->h, p->w, n, at, zeros, next);
        for (int c = 0; t > 0 && c < p->c; c += VL) {
            float *to = v + (size_t)(t - 1) * (size_t)p->c + c;
            if (lanes_at(c, p->c) == VL)
                transform_data_2d(n, VL, squares[(t - 1) % 2], next, c, to, v_step(p->c));
            else
                transform_data_2d(n, 8, squares[(t - 1) % 2], next, c, to, v_step(p->c));
        }
    }
}

/* The end of the forward pass adds the bias and cuts below at `least`, that of backward-data
 * accumulates and masks. */
INLINE void finish_pixel(const struct pass *p, bool back, int lanes, vf v, vf bias, vf least,
                         float *y, const float *mask)
{
    if (!back) {
        v = v * splat(p->unscale) + bias;
        v = (vf)((vi)v & ~(v < least)); /* keeps NaN, so that a diverged network is seen */
    }
    if (back && p->end.accumulate)
        v += load_some(y, lanes);
    if (back && p->end.mask != NULL)
        v = where_positive(load_some(mask, lanes), v);
    store_some(y, v, lanes);
}

/* Transforms a vector of columns of one tile, `lanes` of it, back and stores it: `across` pixels of each row. The
 * same pixels `ahead` further are fetched for the tile that follows. */
INLINE void output_vector(const struct pass *p, bool back, int lanes, int n, int m,
                          struct corner at, ptrdiff_t ahead, const float *f, size_t step,
                          int column, int across)
{
    const int rows = p->oh - at.y < m ? p->oh - at.y : m;
    const size_t first = ((size_t)at.image * (size_t)p->oh + (size_t)at.y) * (size_t)p->ow;
    const size_t ldy = (size_t)p->to.ld, ldmask = (size_t)p->end.ldmask;
    float *y = p->to.data + (first + (size_t)at.x) * ldy + (size_t)column;
    const float *mask = p->end.mask;
    if (back && mask != NULL)
        mask += (first + (size_t)at.x) * ldmask + (size_t)column;
    const vf bias = back ? (vf){ 0 } : load_some(p->end.bias + column, lanes);
    const vf least = splat(p->end.relu ? 0 : -INFINITY);
    vf t[N_MAX * N_MAX];
    from_points_columns(n, m, f, step, t);
    LOOP
    for (int i = 0; i < rows; i++) {
        vf v[N_MAX];
        from_points(n, m, t + i * n, v);
        UNROLL
        for (int j = 0; j < m; j++)
            if (j < across) {
                const float *from = back && mask != NULL ? mask + (size_t)j * ldmask : NULL;
                __builtin_prefetch(y + (size_t)j * ldy + ahead * p->to.ld, 1);
                if (from != NULL)
                    __builtin_prefetch(from + ahead * p->end.ldmask);
                finish_pixel(p, back, lanes, v[j], bias, least, y + (size_t)j * ldy, from);
            }
        y += (size_t)p->ow * ldy;
        if (back && mask != NULL)
            mask += (size_t)p->ow * ldmask;
    }
}

/* Transforms columns [first, first + columns) of tiles from number t0 on back and stores them. */
INLINE void output_tiles(const struct pass *p, bool back, int n, int m, const struct tiling *map,
                         int t0, int tiles, const float *f, int first, int columns)
{
    struct corner at = corner_of(map, t0), next;
    for (int t = 0; t < tiles; t++, at = next, f += KC) {
        next = corner_of(map, t0 + t + (t + 1 < tiles));
        const ptrdiff_t ahead = pixels_between(map, at, next);
        const int across = p->ow - at.x;
        for (int c = 0; c < columns; c += VL) {
            if (lanes_at(c, columns) < VL)
                output_vector(p, back, 8, n, m, at, ahead, f + c, v_step(KC), first + c,
                              across < m ? across : m);
            else if (across >= m)
                output_vector(p, back, VL, n, m, at, ahead, f + c, v_step(KC), first + c, m);
            else
                output_vector(p, back, VL, n, m, at, ahead, f + c, v_step(KC), first + c, across);
        }
    }
}

/* f[position] = v[position] * u[position] for columns [first, first + columns). */
INLINE void multiply(const struct pass *p, bool half, int positions, int tiles, const float *v,
                     float *f, int first, int columns)
{
    const size_t u_step = position_step((size_t)p->c * (size_t)packed_columns(p->oc));
    const ptrdiff_t v_size = (ptrdiff_t)tiles * p->c, panel = (ptrdiff_t)p->c * NR;
    const int each = product_tiles(tiles);
    for (int i = 0; i < positions; i++) {
        const void *u =
            weight_at(half, p->u, (ptrdiff_t)((size_t)i * u_step + (size_t)first * (size_t)p->c));
        const struct left rows = { v + (size_t)i * v_step(p->c), p->c };
        const int next = i + 1 < positions ? i + 1 : i;
        struct ahead next_v =
            ahead_of(false, v + (size_t)next * v_step(p->c), v_size, each * divide_up(columns, NR));
        const void *following = weight_at(
            half, p->u, (ptrdiff_t)((size_t)next * u_step + (size_t)first * (size_t)p->c));
        for (int j = 0; j < columns; j += NR, u = weight_at(half, u, panel)) {
            const void *then = j + NR < columns ? weight_at(half, u, panel) : following;
            struct ahead next_u = ahead_of(half, then, panel, each);
            multiply_panel(half, false, rows, tiles, p->c, u, columns - j,
                           f + (size_t)i * v_step(KC) + j, KC, &next_v, &next_u);
        }
    }
}

static __attribute__((noinline)) void multiply_floats(const struct pass *p, int positions,
                                                      int tiles, const float *v, float *f,
                                                      int first, int columns)
{
    multiply(p, false, positions, tiles, v, f, first, columns);
}

static __attribute__((noinline)) void multiply_halves(const struct pass *p, int positions,
                                                      int tiles, const float *v, float *f,
                                                      int first, int columns)
{
    multiply(p, true, positions, tiles, v, f, first, columns);
}

INLINE void run_pass(const struct pass *p, bool back, int m, int r, const struct gn_args *a,
                     const struct gn_run *run, int unit, void *scratch)
{
    const struct tiling map = tiling_of(p, m);
    const int n = m + r - 1, all = tiles_of(&map, run->n);
    const int each = tiles_of_block(all, a->threads), blocks = divide_up(all, each);
    const int shares = column_shares(p->oc, blocks, a->threads);
    const int t0 = unit / shares * each;
    const int tiles = all - t0 < each ? all - t0 : each;
    const bool half = GN_HALF && !back && a->half;
    int begin, end;
    columns_of_share(p->oc, shares, unit % shares, &begin, &end);
    float *v = scratch;
    float *f = v + (size_t)(n * n) * v_step(p->c);
    if (begin >= end)
        return;
    input_tiles(p, n, &map, t0, tiles, a->zeros, v);
    for (int first = begin; first < end; first += KC) {
        const int columns = end - first < KC ? end - first : KC;
        if (half)
            multiply_halves(p, n * n, tiles, v, f, first, columns);
        else
            multiply_floats(p, n * n, tiles, v, f, first, columns);
        output_tiles(p, back, n, m, &map, t0, tiles, f, first, columns);
    }
}

INLINE void dispatch(const struct pass *p, bool back, const struct gn_args *a,
                     const struct gn_run *run, int unit, void *scratch)
{
    switch (a->tile * 10 + a->g.kh) {
    case 23: /* forward alone */
        if (GN_HALF && !back)
            run_pass(p, back, 2, 3, a, run, unit, scratch);
        break;
    case 43:
        run_pass(p, back, 4, 3, a, run, unit, scratch);
        break;
    case 63:
        run_pass(p, back, 6, 3, a, run, unit, scratch);
        break;
    case 25:
        run_pass(p, back, 2, 5, a, run, unit, scratch);
        break;
    default:
        run_pass(p, back, 4, 5, a, run, unit, scratch);
        break;
    }
}

static int forward_units(const struct gn_args *a, const struct gn_run *run)
{
    const struct pass p = forward_pass(a);
    return pass_units(&p, a->tile, run, a->threads);
}

static void forward(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct pass p = forward_pass(a);
    dispatch(&p, false, a, run, unit, scratch);
}

static size_t forward_bytes(const struct gn_args *a)
{
    const struct pass p = forward_pass(a);
    return pass_bytes(&p, a->tile + a->g.kh - 1);
}

static int back_units(const struct gn_args *a, const struct gn_run *run)
{
    const struct pass p = back_pass(a);
    return pass_units(&p, a->tile, run, a->threads);
}

static void back(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct pass p = back_pass(a);
    dispatch(&p, true, a, run, unit, scratch);
}

static size_t back_bytes(const struct gn_args *a)
{
    const struct pass p = back_pass(a);
    return pass_bytes(&p, a->tile + a->g.kh - 1);
}

/* u = D E_r g E_r^T D, one panel of NR columns, all k channels. Element (tap, k, column) of the
 * filter is at w[tap * wt + k * wk + column * wc]; `rotated` takes the taps from the end. */
struct weights {
    const float *w;
    size_t wt, wk, wc;
    bool rotated;
    bool half; /* what becomes of them */
};

/* A vector of them at the n * n points, `step` weights apart from number `at` of u on. */
INLINE void pack_vector(const float *const *g, int n, int r, int lanes, bool half, float *u,
                        size_t at, size_t step)
{
    float points[N_MAX * N_MAX][VL];
    (void)at_points_2d(n, r, true, lanes, g, g, 0, half ? points[0] : u + at, half ? VL : step);
    for (int i = 0; half && i < n * n; i++)
        store_half((uint16_t *)(void *)u + at + (size_t)i * step,
                   splat(HALF_SCALE) * load(points[i]));
}

INLINE void pack_panel(const struct weights *s, int n, int r, int k, int columns, int j0, float *u)
{
    const int room = packed_columns(columns);
    const int width = room - j0 < NR ? room - j0 : NR;
    const size_t step = position_step((size_t)k * (size_t)room);
    for (int i = 0; i < k; i++) {
        for (int j = 0; j < width; j += VL) {
            const int lanes = lanes_at(j0 + j, columns);
            float row[25][VL];
            const float *g[25];
            for (int t = 0; t < r * r; t++) {
                const int tap = s->rotated ? r * r - 1 - t : t;
                const float *w =
                    s->w + (size_t)tap * s->wt + (size_t)i * s->wk + (size_t)(j0 + j) * s->wc;
                g[t] = s->wc == 1 ? w : row[t];
                for (int l = 0; l < lanes && s->wc != 1; l++)
                    row[t][l] = w[(size_t)l * s->wc];
            }
            const size_t at = (size_t)j0 * (size_t)k + (size_t)(i * width + j);
            if (lanes == VL)
                pack_vector(g, n, r, VL, GN_HALF && s->half, u, at, step);
            else
                pack_vector(g, n, r, 8, GN_HALF && s->half, u, at, step);
        }
    }
}

static __attribute__((noinline)) void pack_any(const struct weights *s, const struct gn_args *a,
                                               int k, int columns, int j0, float *u)
{
    if (GN_HALF && a->g.kh == 3 && a->tile == 2)
        pack_panel(s, 4, 3, k, columns, j0, u);
    else if (a->g.kh == 3 && a->tile == 4)
        pack_panel(s, 6, 3, k, columns, j0, u);
    else if (a->g.kh == 3)
        pack_panel(s, 8, 3, k, columns, j0, u);
    else if (a->tile == 2)
        pack_panel(s, 6, 5, k, columns, j0, u);
    else
        pack_panel(s, 8, 5, k, columns, j0, u);
}

static int pack_units(const struct gn_args *a, const struct gn_run *run)
{
    (void)run;
    return divide_up(a->g.oc, NR);
}

static void pack(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    const struct weights s = {
        a->w, (size_t)g->c * (size_t)g->oc, (size_t)g->oc, 1, false, a->half
    };
    pack_any(&s, a, g->c, g->oc, unit * NR, a->packed);
}

static int pack_back_units(const struct gn_args *a, const struct gn_run *run)
{
    (void)run;
    return divide_up(a->g.c, NR);
}

static void pack_back(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)run;
    (void)scratch;
    const struct gn_geometry *g = &a->g;
    const struct weights s = { a->w, (size_t)g->c * (size_t)g->oc, 1, (size_t)g->oc, true, false };
    pack_any(&s, a, g->oc, g->c, unit * NR, a->packed_back);
}

void GN_ISA_FUNCTION(gn_winograd_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_PACK] = (struct gn_kernel){
        .name = "winograd", .units = pack_units, .run = pack, .packed_floats = packed_floats
    };
    row[GN_PASS_FORWARD] = (struct gn_kernel){
        .name = "winograd", .units = forward_units, .run = forward, .scratch_bytes = forward_bytes
    };
    if (!GN_TRAINING)
        return;
    row[GN_PASS_PACK_BACK] = (struct gn_kernel){ .name = "winograd",
                                                 .units = pack_back_units,
                                                 .run = pack_back,
                                                 .packed_floats = packed_back_floats };
    row[GN_PASS_BACK] = (struct gn_kernel){
        .name = "winograd", .units = back_units, .run = back, .scratch_bytes = back_bytes
    };
    GN_ISA_FUNCTION(gn_winograd_filter_kernels)(row);
}
