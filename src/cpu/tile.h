/*
 * The tile under all convolutions and the dense layer: MR rows by up to two vectors of columns
 * whose sums stay in registers (batch-reduce GEMM, Georganas et al., arXiv 1906.06440), and what
 * happens to it on its way to memory. The two ways to fill it are tile_rows.h and tile_pixels.h.
 *
 * Every output is one chain of multiply-adds in a fixed order (taps, then channels, or pixels), so
 * neither tile size nor vector width changes a bit; only the missing FMA of the generic set does.
 */
#ifndef GN_CPU_TILE_H
#define GN_CPU_TILE_H

#include "cpu/vector.h"

#include <stdbool.h>

/* MR*2 accumulators, 2 columns of b and one broadcast fit the registers: 31 of 32, 15 of 16. */
#if defined(GN_ISA_AVX512)
enum { MR = 14 };
#else
enum { MR = 6 };
#endif
enum { NR = 2 * VL };

/* What happens to a finished tile on its way to memory. */
struct tile_end {
    float *y; /* first row, first column */
    int ldy;
    int n_rows, n_columns; /* of the tile that exist */
    const float *bias;     /* NULL: none; n_columns values */
    bool relu;
    bool accumulate;   /* add what stands in y */
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

/* The last columns of a tensor whose width is no multiple of the tile's. */
static void finish_columns(const struct tile_end *e, const float *values, int row)
{
    for (int j = 0; j < e->n_columns; j++)
        e->y[(size_t)row * (size_t)e->ldy + (size_t)j] = finish_value(e, values[j], row, j);
}

INLINE void finish_tile(int nv, vf acc[MR][2], const struct tile_end *e)
{
    if (e->n_columns < nv * VL) {
        float values[MR][NR];
        UNROLL
        for (int i = 0; i < MR; i++) {
            UNROLL
            for (int j = 0; j < nv; j++)
                store(&values[i][j * VL], acc[i][j]);
        }
        for (int i = 0; i < e->n_rows; i++)
            finish_columns(e, values[i], i);
        return;
    }
    UNROLL
    for (int i = 0; i < MR; i++) {
        if (i >= e->n_rows)
            return;
        UNROLL
        for (int j = 0; j < nv; j++) {
            float *y = e->y + (size_t)i * (size_t)e->ldy + j * VL;
            vf v = acc[i][j];
            if (e->bias != NULL)
                v += load(e->bias + j * VL);
            if (e->accumulate)
                v += load(y);
            if (e->relu)
                v = relu(v);
            if (e->mask != NULL)
                v = where_positive(load(e->mask + (size_t)i * (size_t)e->ldmask + j * VL), v);
            store(y, v);
        }
    }
}

#endif
