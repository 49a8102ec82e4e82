/*
 * The micro-kernel of forward and backward-data:
 *
 *   y[row][:] = sum over taps t, channels k of rows[t][row][k] * b[t][k][:]
 *
 * Rows are read in place through pointers, one for each tap and row (Dukhan, "The Indirect
 * Convolution Algorithm", arXiv 1907.02129).
 */
#ifndef GN_CPU_TILE_ROWS_H
#define GN_CPU_TILE_ROWS_H

#include "cpu/tile.h"

enum { LINE_BYTES = 64 };

/*
 * Weights come from L3 or memory, and only the first tile that reads a panel would wait for them.
 * So each of the first tiles fetches a part of the next panel: tile number t of n taps of k rows
 * starts here.
 */
INLINE const char *next_panel(bool half, const void *panel, int t, int n, int k)
{
    const ptrdiff_t sums = (ptrdiff_t)n * k;
    return (const char *)weight_at(half, panel, sums * NR) + t * (sums / 4) * LINE_BYTES;
}

INLINE void tile_rows_body(bool half, int nv, const float *const *rows, const int *taps, int n_taps,
                           int k, const void *b, const char *ahead, const struct tile_end *e)
{
    vf acc[MR][2];
    fetch_tile(e);
    UNROLL
    for (int i = 0; i < MR; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = (vf){ 0 };
    }
    for (int t = 0; t < n_taps; t++) {
        const float *row[MR];
        UNROLL
        for (int i = 0; i < MR; i++)
            row[i] = rows[t * MR + i];
        const void *bt = weight_at(half, b, (ptrdiff_t)taps[t] * k * (nv * VL));
        int i = 0;
        for (; i + 4 <= k; i += 4, ahead += LINE_BYTES) {
            __builtin_prefetch(ahead, 0, 2);
            UNROLL
            for (int u = 0; u < 4; u++)
                tile_step(half, MR, nv, acc, row, i + u, weight_at(half, bt, u * nv * VL));
            bt = weight_at(half, bt, 4 * nv * VL);
        }
        for (; i < k; i++, bt = weight_at(half, bt, nv * VL))
            tile_step(half, MR, nv, acc, row, i, bt);
    }
    finish_tile(nv, acc, e);
}

/*
 * rows: [n_taps][MR] pointers to k channels; taps: which tap of b each belongs to; b: one panel
 * of packed weights [tap][k][columns], columns = 2 VL, or VL when at most VL exist; ahead: what to
 * bring into L2 meanwhile, a cache line for every four k.
 */
static __attribute__((noinline)) void tile_rows(const float *const *rows, const int *taps,
                                                int n_taps, int k, const void *b, const char *ahead,
                                                const struct tile_end *e)
{
    if (e->n_columns > VL)
        tile_rows_body(false, 2, rows, taps, n_taps, k, b, ahead, e);
    else
        tile_rows_body(false, 1, rows, taps, n_taps, k, b, ahead, e);
}

/* The same with weights of 16 bits. */
static __attribute__((noinline)) void tile_rows_half(const float *const *rows, const int *taps,
                                                     int n_taps, int k, const void *b,
                                                     const char *ahead, const struct tile_end *e)
{
    if (e->n_columns > VL)
        tile_rows_body(true, 2, rows, taps, n_taps, k, b, ahead, e);
    else
        tile_rows_body(true, 1, rows, taps, n_taps, k, b, ahead, e);
}

#endif
