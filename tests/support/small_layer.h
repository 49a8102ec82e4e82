/* The smallest layer that optimisers are tested with: a kernel [6][5] and a bias [5], with gaps after both. */
#ifndef SMALL_LAYER_H
#define SMALL_LAYER_H

#include "graph/graph.h"

#include <stdint.h>

enum { KERNEL = 30, BIAS = 5, BIAS_OFFSET = 32, FLOATS = 48 };

extern const struct gn_graph small_graph;

/* Number b of stream a, from -limit to limit. */
float draw(uint64_t a, uint64_t b, float limit);

/* The layer's FLOATS values: the kernel from one stream, the bias from another. */
void draw_both(float *values, uint64_t kernel_stream, uint64_t bias_stream, float limit);

#endif
