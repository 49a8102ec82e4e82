/*
 * The tile under all convolutions and the dense layer: MR rows by up to two vectors of columns
 * whose sums stay in registers (batch-reduce GEMM, Georganas et al., arXiv 1906.06440), and what
 * happens to it on its way to memory. The ways to fill it are tile_rows.h, tile_pixels.h and
 * tile_product.h.
 *
 * Every output is one chain of multiply-adds in a fixed order (taps, then channels, or pixels), so
 * neither tile size nor vector width changes a bit; only the missing FMA of the generic set does.
 */
#ifndef GN_CPU_TILE_H
#define GN_CPU_TILE_H

#include "cpu/half.h"

#include <stdbool.h>
#include <stddef.h>

/* MR*2 accumulators, 2 columns of b and one broadcast fit the registers: 31 of 32, 15 of 16. */
#if defined(GN_ISA_AVX512) || defined(GN_ISA_NEON) || defined(GN_ISA_SVE256)
enum { MR = 14 };
#else
enum { MR = 6 };
#endif
enum { NR = 2 * VL };

/* One k of a tile of nr rows and nv vectors; it lies `at` floats after each row's pointer, and
 * at b, as floats or halves. */
INLINE void tile_step(bool half, int nr, int nv, vf acc[MR][2], const float *const *row,
                      ptrdiff_t at, const void *b)
{
    vf column[2];
    UNROLL
    for (int j = 0; j < nv; j++)
        column[j] = load_weights(half, b, j * VL);
    UNROLL
    for (int i = 0; i < nr; i++) {
        const vf s = splat(row[i][at]);
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] += s * column[j];
        KEEP_ROW_ORDER;
    }
    KEEP_ORDER;
}

/* What happens to a finished tile on its way to memory. */
struct tile_end {
    float *y; /* first row, first column */
    int ldy;
    int n_rows, n_columns; /* of the tile that exist */
    const float *bias;     /* NULL: none; n_columns values */
    bool relu;
    bool accumulate;   /* add what is in y */
    const float *mask; /* NULL: none; like y: keep where mask > 0 */
    int ldmask;
};

INLINE float finish_value(const struct tile_end *e, float value, int row, int column)
{
    if (e->bias != NULL)
        value += e->bias[column];
    if (e->accumulate)
        value += e->y[(size_t)row * (size_t)e->ldy + (size_t)column];
    if (e->relu)
        value = value < 0 ? 0 : value;
    if (e->mask != NULL)
        value = e->mask[(size_t)row * (size_t)e->ldmask + (size_t)column] > 0 ? value : 0;
    return value;
}

/* The last columns of a tensor whose width is not a multiple of the tile's. */
static void finish_columns(const struct tile_end *e, const float *values, int row)
{
    for (int j = 0; j < e->n_columns; j++)
        e->y[(size_t)row * (size_t)e->ldy + (size_t)j] = finish_value(e, values[j], row, j);
}

/* One whole row of a tile; which of the things happen is known where this is inlined. */
INLINE void finish_row(int nv, const vf acc[2], const struct tile_end *e, int row, bool bias,
                       bool accumulate, bool rectify, bool mask)
{
    UNROLL
    for (int j = 0; j < nv; j++) {
        float *y = e->y + (ptrdiff_t)row * e->ldy + j * VL;
        vf v = acc[j];
        if (bias)
            v += load(e->bias + j * VL);
        if (accumulate)
            v += load(y);
        if (rectify)
            v = relu(v);
        if (mask)
            v = where_positive(load(e->mask + (ptrdiff_t)row * e->ldmask + j * VL), v);
        store(y, v);
    }
}

INLINE void finish_rows(int nv, vf acc[MR][2], const struct tile_end *e, bool bias, bool accumulate,
                        bool rectify, bool mask)
{
    UNROLL
    for (int i = 0; i < MR; i++) {
        if (i >= e->n_rows)
            return;
        finish_row(nv, acc[i], e, i, bias, accumulate, rectify, mask);
    }
}

/* Asks for what finish_tile will read, untouched for long; called before the sums. */
INLINE void fetch_tile(const struct tile_end *e)
{
    for (int i = 0; e->accumulate && i < e->n_rows; i++) {
        const float *y = e->y + (ptrdiff_t)i * e->ldy;
        __builtin_prefetch(y, 1);
        __builtin_prefetch(y + e->n_columns - 1, 1);
    }
    for (int i = 0; e->mask != NULL && i < e->n_rows; i++) {
        const float *mask = e->mask + (ptrdiff_t)i * e->ldmask;
        __builtin_prefetch(mask);
        __builtin_prefetch(mask + e->n_columns - 1);
    }
}

INLINE void finish_tile(int nv, vf acc[MR][2], const struct tile_end *end)
{
    const struct tile_end e = *end; /* for the compiler, a store to y might change *end */
    if (e.n_columns < nv * VL) {
        float values[MR][NR];
        UNROLL
        for (int i = 0; i < MR; i++) {
            UNROLL
            for (int j = 0; j < nv; j++)
                store(&values[i][j * VL], acc[i][j]);
        }
        for (int i = 0; i < e.n_rows; i++)
            finish_columns(&e, values[i], i);
        return;
    }
    const bool bias = e.bias != NULL, mask = e.mask != NULL;
    if (!bias && !e.accumulate && !e.relu && !mask)
        finish_rows(nv, acc, &e, false, false, false, false);
    else if (!bias && e.accumulate && !e.relu && !mask)
        finish_rows(nv, acc, &e, false, true, false, false);
    else
        finish_rows(nv, acc, &e, bias, e.accumulate, e.relu, mask);
}

#endif
