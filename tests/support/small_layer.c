#include "support/small_layer.h"

#include "base/random.h"

static struct gn_tensor small_tensors[] = {
    { .name = "kernel",
      .rank = 2,
      .shape = { 6, 5 },
      .count = KERNEL,
      .is_kernel = true,
      .trainable = true },
    { .name = "bias",
      .rank = 1,
      .shape = { 5 },
      .count = BIAS,
      .offset = BIAS_OFFSET,
      .trainable = true },
};
const struct gn_graph small_graph = { .n_tensors = 2,
                                      .tensors = small_tensors,
                                      .n_floats = FLOATS };

float draw(uint64_t a, uint64_t b, float limit)
{
    return limit * (2.0F * gn_random_unit(0, GN_RANDOM_TEST, a, b) - 1.0F);
}

void draw_both(float *values, uint64_t kernel_stream, uint64_t bias_stream, float limit)
{
    for (uint64_t i = 0; i < KERNEL; i++)
        values[i] = draw(kernel_stream, i, limit);
    for (uint64_t i = 0; i < BIAS; i++)
        values[BIAS_OFFSET + i] = draw(bias_stream, i, limit);
}
