/*
 * Pillow's filter in vectors of whole numbers, see filter.h. Compiled once for each instruction
 * set.
 *
 * Along x a pixel of all rows lies together, four lanes a row: the rows share the weights, and any
 * number of channels takes the same path. At most GN_FILTER_TAPS weights are summed, so nothing
 * passes 255.
 */
#include "cpu/vector.h"
#include "picture/filter.h"

enum {
    LANES = GN_FILTER_LANES,
    ROWS = GN_FILTER_ROWS,
    VECTORS = ROWS * LANES / VL, /* of a pixel of all rows */
    BLOCK = 4,
    HALF = 1 << (GN_FILTER_BITS - 1)
};

typedef int32_t pixel __attribute__((vector_size(LANES * 4)));
typedef int32_t pixel_memory __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t vi_memory __attribute__((vector_size(VL * 4), aligned(4), may_alias));

/* Four bytes as numbers. */
INLINE pixel widen(const uint8_t *bytes)
{
#if defined(__AVX2__)
    int32_t all;
    memcpy(&all, bytes, sizeof all);
    return (pixel)_mm_cvtepu8_epi32(_mm_cvtsi32_si128(all));
#else
    return (pixel){ bytes[0], bytes[1], bytes[2], bytes[3] };
#endif
}

/* Spreads the pixels of one row: wide[p*ROWS] gets pixel p. Lanes after its channels get what
 * follows in the row, or zeros. */
INLINE void spread(pixel *wide, const uint8_t *from, size_t w, size_t c)
{
    enum { STEP = 4 };
    const uint8_t *const end = from + w * c;
    for (; end - from >= STEP * LANES; from += STEP * c, wide += STEP * ROWS) {
        UNROLL
        for (size_t k = 0; k < STEP; k++)
            wide[k * ROWS] = widen(from + k * c);
    }
    for (; from < end; from += c, wide += ROWS) {
        uint8_t last[LANES] = { 0 };
        for (size_t k = 0; k < c; k++)
            last[k] = from[k];
        *wide = widen(last);
    }
}

/* The pass along x over pixels that are spread. */
INLINE void filter(int32_t *const *to, const struct gn_filter_axis *axis, int taps, int c,
                   const vi *wide)
{
    int32_t *line[ROWS];
    for (int r = 0; r < ROWS; r++)
        line[r] = to[r];
    const int32_t *weights = axis->weights;
    for (int i = 0; i < axis->n; i++, weights += taps) {
        const vi *source = wide + axis->first[i] * VECTORS;
        union {
            vi all[VECTORS];
            pixel row[ROWS];
        } sum;
        UNROLL
        for (int v = 0; v < VECTORS; v++)
            sum.all[v] = HALF - (vi){ 0 };
        for (int j = 0; j < taps; j++) {
            UNROLL
            for (int v = 0; v < VECTORS; v++)
                sum.all[v] += source[j * VECTORS + v] * weights[j];
        }
        UNROLL
        for (int v = 0; v < VECTORS; v++)
            sum.all[v] >>= GN_FILTER_BITS;
        UNROLL
        for (int r = 0; r < ROWS; r++) {
            *(pixel_memory *)line[r] = sum.row[r];
            line[r] += c;
        }
    }
}

static void along_x(int32_t *const *to, const uint8_t *const *from,
                    const struct gn_filter_axis *axis, int w, int c, int32_t *wide)
{
    void *const room = wide;
    pixel *pixels = room;
    const vi *spread_out = room;
    for (int r = 0; r < ROWS; r++)
        if (c == 3)
            spread(pixels + r, from[r], (size_t)w, 3);
        else
            spread(pixels + r, from[r], (size_t)w, (size_t)c);
    /* Pictures of the usual sizes have these numbers of taps, enlarged ones 2. */
    if (axis->taps == 2)
        filter(to, axis, 2, c, spread_out);
    else if (axis->taps == 3)
        filter(to, axis, 3, c, spread_out);
    else if (axis->taps == 6)
        filter(to, axis, 6, c, spread_out);
    else
        filter(to, axis, axis->taps, c, spread_out);
}

/* `blocks` vectors of bytes at place k. */
INLINE void down(uint8_t *to, const int32_t *const *rows, const int32_t *weights, int taps,
                 size_t k, int blocks)
{
    vi sum[BLOCK];
    UNROLL
    for (int b = 0; b < blocks; b++)
        sum[b] = HALF - (vi){ 0 };
    for (int j = 0; j < taps; j++) {
        const int32_t *row = rows[j] + k;
        UNROLL
        for (int b = 0; b < blocks; b++)
            sum[b] += *(const vi_memory *)(row + b * VL) * weights[j];
    }
    UNROLL
    for (int b = 0; b < blocks; b++) {
        const vb bytes = narrow_to_bytes(sum[b] >> GN_FILTER_BITS);
        memcpy(to + k + b * VL, &bytes, sizeof bytes);
    }
}

static void along_y(uint8_t *to, const int32_t *const *rows, const int32_t *weights, int taps,
                    size_t n)
{
    size_t k = 0;
    for (; k + (size_t)BLOCK * VL <= n; k += (size_t)BLOCK * VL)
        down(to, rows, weights, taps, k, BLOCK);
    for (; k + VL <= n; k += VL)
        down(to, rows, weights, taps, k, 1);
    for (; k < n; k++) {
        int32_t sum = HALF;
        for (int j = 0; j < taps; j++)
            sum += rows[j][k] * weights[j];
        to[k] = (uint8_t)(sum >> GN_FILTER_BITS);
    }
}

const struct gn_filter_kernels GN_ISA_FUNCTION(gn_filter) = { along_x, along_y };
