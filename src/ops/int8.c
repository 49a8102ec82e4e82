/* Weights of 8 bits: whole numbers times a scale of each output channel. */
#include "ops/kernels.h"

#include <math.h>

void gn_int8_weights(const float *weights, const float *scales, size_t n, size_t columns,
                     int8_t *numbers)
{
    const float most = GN_BYTES_WEIGHT;
    for (size_t i = 0; i < n; i++) {
        const float q = weights[i] / scales[i % columns];
        numbers[i] = (int8_t)rintf(q > -most ? q < most ? q : most : -most);
    }
}
