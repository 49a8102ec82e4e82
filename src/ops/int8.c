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

void gn_int8_round(float *weights, const float *scales, size_t n, size_t columns)
{
    for (size_t i = 0; i < n; i++) {
        const float *scale = &scales[i % columns];
        int8_t number;
        gn_int8_weights(&weights[i], scale, 1, 1, &number);
        weights[i] = (float)number * *scale;
    }
}

struct gn_int8_end gn_int8_end(const struct gn_scales *scales, float weight_scale, float bias)
{
    const float unit = scales->in * weight_scale, most = 0x1p30F, b = bias / unit;
    struct gn_int8_end end = { .factor = scales->out > 0 ? unit / scales->out : unit };
    end.bias = b == b ? (int32_t)rintf(b > -most ? b < most ? b : most : -most) : 0;
    return end;
}
