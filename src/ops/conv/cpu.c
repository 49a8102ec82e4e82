/*
 * Direct convolution (implicit GEMM), forward and backward-data, and the packing of weights for
 * them. Compiled once for each instruction set. The dense layer is the case of a 1x1 map.
 *
 * Forward: rows are output pixels, columns output channels, the sum runs over the taps of the
 * window and the input channels. A unit is a block of rows (where these are few, with a share of
 * the columns); for each panel of columns the tiles
 * of the block follow each other, so that the panel comes from L2 and the block's pixels from L1
 * and L2. Pixels are read in place through pointers; a tap outside the image points to zeros, and
 * is skipped where it is outside for the whole tile.
 *
 * Backward-data is the same sum with the roles of the channels exchanged: dx[pixel] = sum over
 * taps and output channels of dy[the output that read this pixel with this tap] * w.
 *
 * A layer with very few input channels (the first one) first copies its patches, so that the sum
 * runs over kh*kw*c neighbours in memory instead of taps of one channel each.
 */
#include "cpu/tile_rows.h"
#include "ops/conv/conv_cpu.h"

enum { TILES = 96 / MR + (96 % MR > 0), BLOCK = TILES * MR };

/* One thread's tables for a block of rows. */
struct block {
    const float **rows; /* [TILES][taps][MR] */
    int *taps, *n_taps; /* [TILES][taps], [TILES] */
    float *patches;     /* [BLOCK][kh*kw*c], small c only */
};

static size_t block_bytes(const struct gn_args *a)
{
    const size_t taps = (size_t)(a->g.kh * a->g.kw);
    const size_t patches = is_patched(a) ? ((size_t)BLOCK * taps * (size_t)a->g.c + VL) * 4 : 0;
    return BLOCK * taps * sizeof(float *) + TILES * (taps + 1) * sizeof(int) + patches + 256;
}

static struct block block_in(void *scratch, const struct gn_args *a)
{
    const size_t taps = (size_t)(a->g.kh * a->g.kw);
    struct block b;
    b.rows = scratch;
    b.patches = (float *)(void *)(b.rows + BLOCK * taps);
    b.taps = (int *)(void *)(b.patches +
                             (is_patched(a) ? (size_t)BLOCK * taps * (size_t)a->g.c + VL : 0));
    b.n_taps = b.taps + TILES * taps;
    return b;
}

/* The pixel that output (or input) number `row` of the batch reads at tap (r, s), NULL: outside. */
typedef const float *source_fn(const struct gn_args *a, int image, int y, int x, int r, int s);

static const float *forward_source(const struct gn_args *a, int image, int y, int x, int r, int s)
{
    const struct gn_geometry *g = &a->g;
    const int iy = y * g->stride_h - g->pad_top + r, ix = x * g->stride_w - g->pad_left + s;
    if (iy < 0 || iy >= g->h || ix < 0 || ix >= g->w)
        return NULL;
    return a->x.data + (((size_t)image * (size_t)g->h + (size_t)iy) * (size_t)g->w + (size_t)ix) *
                           (size_t)a->x.ld;
}

static const float *backward_source(const struct gn_args *a, int image, int y, int x, int r, int s)
{
    const struct gn_geometry *g = &a->g;
    const int ty = y + g->pad_top - r, tx = x + g->pad_left - s;
    if (ty < 0 || tx < 0 || ty % g->stride_h != 0 || tx % g->stride_w != 0)
        return NULL;
    const int oy = ty / g->stride_h, ox = tx / g->stride_w;
    if (oy >= g->oh || ox >= g->ow)
        return NULL;
    return a->dy.data +
           (((size_t)image * (size_t)g->oh + (size_t)oy) * (size_t)g->ow + (size_t)ox) *
               (size_t)a->dy.ld;
}

/* Fills the pointers of one tile, tap by tap, and drops taps that are outside for all rows. */
static void fill_tile(const struct gn_args *a, source_fn *source, int h, int w, int first,
                      int n_rows, const float **rows, int *taps, int *n_taps)
{
    int image[MR], y[MR], x[MR];
    for (int i = 0; i < n_rows; i++) {
        const int row = first + i;
        image[i] = row / (h * w);
        y[i] = row / w % h;
        x[i] = row % w;
    }
    int n = 0;
    for (int r = 0; r < a->g.kh; r++) {
        for (int s = 0; s < a->g.kw; s++) {
            bool any = false;
            for (int i = 0; i < MR; i++) {
                const float *p = i < n_rows ? source(a, image[i], y[i], x[i], r, s) : NULL;
                any |= p != NULL;
                rows[n * MR + i] = p == NULL ? a->zeros : p;
            }
            if (any)
                taps[n++] = r * a->g.kw + s;
        }
    }
    *n_taps = n;
}

/* 1x1, stride 1: pixel number `row` is row `row`. */
static void fill_tile_dense(const struct gn_args *a, const struct gn_view *from, int first,
                            int n_rows, const float **rows, int *taps, int *n_taps)
{
    for (int i = 0; i < MR; i++)
        rows[i] = i < n_rows ? from->data + (size_t)(first + i) * (size_t)from->ld : a->zeros;
    taps[0] = 0;
    *n_taps = 1;
}

/* Panels of columns [first, columns) over the tiles of a block. `k` channels a tap. */
static void multiply_block(const struct block *b, int taps, int n_rows, int k, int first,
                           int columns, bool half, const void *packed, const struct tile_end *end)
{
    for (int j = first; j < columns; j += NR) {
        struct tile_end e = *end;
        e.n_columns = columns - j < NR ? columns - j : NR;
        e.bias = end->bias == NULL ? NULL : end->bias + j;
        for (int t = 0; t * MR < n_rows; t++) {
            e.n_rows = n_rows - t * MR < MR ? n_rows - t * MR : MR;
            e.y = end->y + (size_t)(t * MR) * (size_t)end->ldy + j;
            if (end->mask != NULL)
                e.mask = end->mask + (size_t)(t * MR) * (size_t)end->ldmask + j;
            const void *panel = weight_at(half, packed, (ptrdiff_t)j * (taps * k));
            (half ? tile_rows_half : tile_rows)(b->rows + (size_t)t * (size_t)taps * MR,
                                                b->taps + t * taps, b->n_taps[t], k, panel,
                                                next_panel(half, panel, t, taps, k), &e);
        }
    }
}

/* A unit: a block of rows and a share of the columns. */
static int units_of(int rows, int columns, int threads)
{
    const int blocks = divide_up(rows, BLOCK);
    return blocks * column_shares(columns, blocks, 4 * threads);
}

/* Number of the unit's block, and its columns. */
static int block_of(int unit, int rows, int columns, int threads, int *begin, int *end)
{
    const int shares = column_shares(columns, divide_up(rows, BLOCK), 4 * threads);
    columns_of_share(columns, shares, unit % shares, begin, end);
    return unit / shares;
}

static int forward_units(const struct gn_args *a, const struct gn_run *r)
{
    return units_of(r->n * a->g.oh * a->g.ow, a->g.oc, a->threads);
}

static void forward(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct gn_geometry *g = &a->g;
    int begin, end_column;
    const int all = run->n * g->oh * g->ow;
    const int first = block_of(unit, all, g->oc, a->threads, &begin, &end_column) * BLOCK;
    const int n_rows = all - first < BLOCK ? all - first : BLOCK;
    const struct block b = block_in(scratch, a);
    const bool patched = is_patched(a);
    const int taps = patched ? 1 : g->kh * g->kw, k = patched ? g->kh * g->kw * g->c : g->c;
    const struct gn_view patches = { b.patches - (size_t)first * (size_t)k, k };
    if (patched)
        copy_windows(a, first, n_rows, b.patches, k);
    for (int t = 0; t * MR < n_rows; t++) {
        const int row = first + t * MR, m = n_rows - t * MR < MR ? n_rows - t * MR : MR;
        const float **rows = b.rows + (size_t)t * (size_t)taps * MR;
        if (patched)
            fill_tile_dense(a, &patches, row, m, rows, b.taps + t, b.n_taps + t);
        else if (is_pointwise(g))
            fill_tile_dense(a, &a->x, row, m, rows, b.taps + t, b.n_taps + t);
        else
            fill_tile(a, forward_source, g->oh, g->ow, row, m, rows, b.taps + t * taps,
                      b.n_taps + t);
    }
    const struct tile_end end = { .y = a->y.data + (size_t)first * (size_t)a->y.ld,
                                  .ldy = a->y.ld,
                                  .bias = a->b,
                                  .relu = a->relu };
    multiply_block(&b, taps, n_rows, k, begin, end_column, GN_HALF && a->half, a->packed, &end);
}

static int back_data_units(const struct gn_args *a, const struct gn_run *r)
{
    return units_of(r->n * a->g.h * a->g.w, a->g.c, a->threads);
}

static void back_data(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct gn_geometry *g = &a->g;
    int begin, end_column;
    const int all = run->n * g->h * g->w, taps = g->kh * g->kw;
    const int first = block_of(unit, all, g->c, a->threads, &begin, &end_column) * BLOCK;
    const int n_rows = all - first < BLOCK ? all - first : BLOCK;
    const struct block b = block_in(scratch, a);
    for (int t = 0; t * MR < n_rows; t++) {
        const int row = first + t * MR, m = n_rows - t * MR < MR ? n_rows - t * MR : MR;
        const float **rows = b.rows + (size_t)t * (size_t)taps * MR;
        if (is_pointwise(g))
            fill_tile_dense(a, &a->dy, row, m, rows, b.taps + t, b.n_taps + t);
        else
            fill_tile(a, backward_source, g->h, g->w, row, m, rows, b.taps + t * taps,
                      b.n_taps + t);
    }
    const struct tile_end end = {
        .y = a->dx.data + (size_t)first * (size_t)a->dx.ld,
        .ldy = a->dx.ld,
        .accumulate = a->accumulate,
        .mask = a->mask ? a->x.data + (size_t)first * (size_t)a->x.ld : NULL,
        .ldmask = a->x.ld,
    };
    multiply_block(&b, taps, n_rows, g->oc, begin, end_column, false, a->packed_back, &end);
}

/* Panels of `columns` channels, each [tap][k][NR], the last one NR or VL wide. */
static int panels(int columns)
{
    return divide_up(columns, NR);
}

static int pack_units(const struct gn_args *a, const struct gn_run *r)
{
    (void)r;
    return panels(a->g.oc);
}

static void pack(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)run;
    (void)scratch;
    const int k = a->g.kh * a->g.kw * a->g.c, oc = a->g.oc, j0 = unit * NR;
    const int width = packed_columns(oc) - j0 < NR ? packed_columns(oc) - j0 : NR;
    const int real = oc - j0 < width ? oc - j0 : width;
    ptrdiff_t at = (ptrdiff_t)j0 * k;
    const float *w = a->w + j0;
    for (int i = 0; i < k; i++, at += width, w += oc)
        for (int j = 0; j < width; j += VL) {
            const int some = real - j;
            const vf v = some >= VL ? load(w + j) : some > 0 ? load_some(w + j, some) : (vf){ 0 };
            store_weights(GN_HALF && a->half, a->packed, at + j, v);
        }
}

static int pack_back_units(const struct gn_args *a, const struct gn_run *r)
{
    (void)r;
    return panels(a->g.c);
}

static void pack_back(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)run;
    (void)scratch;
    const int taps = a->g.kh * a->g.kw, c = a->g.c, oc = a->g.oc, j0 = unit * NR;
    const int width = packed_columns(c) - j0 < NR ? packed_columns(c) - j0 : NR;
    const int real = c - j0 < width ? c - j0 : width;
    float *p = a->packed_back + (size_t)j0 * (size_t)(taps * oc);
    for (int t = 0; t < taps; t++) {
        const float *w = a->w + ((size_t)t * (size_t)c + (size_t)j0) * (size_t)oc;
        for (int o = 0; o < oc; o++, p += width)
            for (int j = 0; j < width; j++)
                p[j] = j < real ? w[(size_t)j * (size_t)oc + (size_t)o] : 0;
    }
}

void GN_ISA_FUNCTION(gn_conv_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_PACK] = (struct gn_kernel){
        .name = "pack", .units = pack_units, .run = pack, .packed_floats = packed_floats
    };
    row[GN_PASS_FORWARD] = (struct gn_kernel){
        .name = "direct", .units = forward_units, .run = forward, .scratch_bytes = block_bytes
    };
    if (!GN_TRAINING)
        return;
    row[GN_PASS_PACK_BACK] = (struct gn_kernel){ .name = "pack",
                                                 .units = pack_back_units,
                                                 .run = pack_back,
                                                 .packed_floats = packed_back_floats };
    row[GN_PASS_BACK] = (struct gn_kernel){
        .name = "direct", .units = back_data_units, .run = back_data, .scratch_bytes = block_bytes
    };
    GN_ISA_FUNCTION(gn_conv_filter_kernels)(row);
    GN_ISA_FUNCTION(gn_conv_byte_kernels)(row);
}
