/* Pillow's filter as its formula says, see filter.h. */
#include "picture/filter.h"

static int32_t byte_of(int32_t sum)
{
    const int32_t v = (sum + (1 << (GN_FILTER_BITS - 1))) >> GN_FILTER_BITS;
    return v > 255 ? 255 : v;
}

static void along_x(int32_t *const *to, const uint8_t *const *from,
                    const struct gn_filter_axis *axis, int w, int c, int32_t *wide)
{
    (void)w;
    (void)wide;
    for (int r = 0; r < GN_FILTER_ROWS; r++)
        for (int i = 0; i < axis->n * c; i++) {
            const uint8_t *inputs = from[r] + axis->first[i / c] * c + i % c;
            const int32_t *weights = axis->weights + (size_t)(i / c) * (size_t)axis->taps;
            int32_t sum = 0;
            for (int j = 0; j < axis->taps; j++)
                sum += inputs[j * c] * weights[j];
            to[r][i] = byte_of(sum);
        }
}

static void along_y(uint8_t *to, const int32_t *const *rows, const int32_t *weights, int taps,
                    size_t n)
{
    for (size_t k = 0; k < n; k++) {
        int32_t sum = 0;
        for (int j = 0; j < taps; j++)
            sum += rows[j][k] * weights[j];
        to[k] = (uint8_t)byte_of(sum);
    }
}

const struct gn_filter_kernels *gn_filter_kernels(enum gn_isa isa)
{
    static const struct gn_filter_kernels reference = { along_x, along_y };
    const struct gn_filter_kernels *const kernels[GN_ISA_SETS] =
        GN_ISA_ENTRIES(&reference, &gn_filter);
    return kernels[isa];
}
