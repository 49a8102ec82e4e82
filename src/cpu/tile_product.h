/*
 * The product of two matrices in working memory, for Winograd's positions: nothing happens to the
 * result on its way, and there is room for whole tiles. Sums are as short as 32, so all
 * other costs of a tile are avoided: tests for its rows, the choice of what happens to it.
 *
 *   y[i][:] = sum over k of a(i, k) * b[k][:]
 */
#ifndef GN_CPU_TILE_PRODUCT_H
#define GN_CPU_TILE_PRODUCT_H

#include "cpu/tile.h"

/* The lower tiles with which rows that MR does not divide are covered more closely. */
#if defined(GN_ISA_AVX512) || defined(GN_ISA_NEON) || defined(GN_ISA_SVE256)
enum { LOW_MR = 9 };
#else
enum { LOW_MR = 4 };
#endif

/* a(i, k) = at[i * ld + k], or at[k * ld + i] if it is transposed. */
struct left {
    const float *at;
    ptrdiff_t ld;
};

/* Memory that is brought near, a share of it with each tile. */
struct ahead {
    const char *at, *end;
    ptrdiff_t share; /* bytes */
};

INLINE struct ahead ahead_of(bool half, const void *from, ptrdiff_t values, int tiles)
{
    const char *at = from;
    const ptrdiff_t bytes = (const char *)weight_at(half, from, values) - at;
    return (struct ahead){ at, at + bytes, (bytes / tiles + 63) / 64 * 64 };
}

INLINE void fetch_line(struct ahead *h)
{
    __builtin_prefetch(h->at, 0, 2);
    h->at += h->at < h->end ? 64 : 0;
}

/* A tile's share, without the `later` lines that it fetches one by one. */
INLINE void fetch_share(struct ahead *h, int later)
{
    const ptrdiff_t share = h->share - (ptrdiff_t)later * 64;
    const char *end = h->end - h->at < share ? h->end : h->at + share;
    for (; h->at < end; h->at += 64)
        __builtin_prefetch(h->at, 0, 2);
}

/* One tile of nr rows and nv vectors. Long sums fetch a line of `near_b` every four k: all at once,
 * these would hold up the first sums. */
INLINE void product_tile(bool half, int nr, int nv, bool transposed, struct left a, int k,
                         const void *b, float *y, int ldy, struct ahead *near_b)
{
    vf acc[MR][2];
    const float *row[MR];
    UNROLL
    for (int i = 0; i < nr; i++) {
        row[i] = a.at + (transposed ? i : i * a.ld);
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = (vf){ 0 };
    }
    int i = 0;
    ptrdiff_t at = 0;
    for (; !transposed && i + 4 <= k; i += 4, at += 4) {
        fetch_line(near_b);
        UNROLL
        for (int u = 0; u < 4; u++)
            tile_step(half, nr, nv, acc, row, at + u, weight_at(half, b, u * nv * VL));
        b = weight_at(half, b, 4 * nv * VL);
    }
    for (; i < k; i++, at += transposed ? a.ld : 1, b = weight_at(half, b, nv * VL))
        tile_step(half, nr, nv, acc, row, at, b);
    UNROLL
    for (int r = 0; r < nr; r++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            store(y + (ptrdiff_t)r * ldy + j * VL, acc[r][j]);
    }
}

INLINE int product_tiles(int rows)
{
    return (rows + MR - 1) / MR;
}

INLINE void product_rows(bool half, int nv, bool transposed, struct left a, int rows, int k,
                         const void *b, float *y, int ldy, struct ahead *near_a,
                         struct ahead *near_b)
{
    const int tiles = product_tiles(rows), low = (tiles * MR - rows) / (MR - LOW_MR);
    for (int t = 0; t < tiles; t++) {
        const int nr = t + low < tiles ? MR : LOW_MR;
        fetch_share(near_a, 0);
        fetch_share(near_b, transposed ? 0 : k / 4);
        if (nr == MR)
            product_tile(half, MR, nv, transposed, a, k, b, y, ldy, near_b);
        else
            product_tile(half, LOW_MR, nv, transposed, a, k, b, y, ldy, near_b);
        a.at += transposed ? nr : nr * a.ld;
        y += (ptrdiff_t)nr * ldy;
    }
}

/*
 * One panel of columns: b is [k][columns], as floats or halves, columns = 2 VL, or VL when at most VL exist. Up to
 * MR - 1 rows after the last one are read and written, too. The left and the right side that come
 * next are fetched meanwhile.
 */
INLINE void multiply_panel(bool half, bool transposed, struct left a, int rows, int k,
                           const void *b, int columns, float *y, int ldy, struct ahead *near_a,
                           struct ahead *near_b)
{
    if (columns > VL)
        product_rows(half, 2, transposed, a, rows, k, b, y, ldy, near_a, near_b);
    else
        product_rows(half, 1, transposed, a, rows, k, b, y, ldy, near_a, near_b);
}

#endif
