/*
 * Optimisers over the flat arrays of a net: Keras 3's SGD (momentum, Nesterov) and AdamW, in
 * float32 and in Keras' order of operations. Every element is computed alone, so neither threads
 * nor instruction sets can change a bit.
 */
#ifndef GN_TRAIN_OPTIMIZER_H
#define GN_TRAIN_OPTIMIZER_H

#include "graph/graph.h"

/* All values are final: no zero stands for a default here. */
struct gn_optimizer_options {
    gn_optimizer kind;
    double lr;
    double momentum, weight_decay, adam_eps;
    bool nesterov;
    bool decay_all; /* decay biases too, not only kernels */
    int threads;
};

struct gn_updater;

/* The optimiser with its state at zero. The graph must outlive it. NULL: NO_MEMORY. */
struct gn_updater *gn_updater_create(const struct gn_graph *graph,
                                     const struct gn_optimizer_options *options);
void gn_updater_free(struct gn_updater *updater);

/* One update: params and grads are flat arrays of graph->n_floats; `step` counts from 1. A rate
 * of zero changes nothing at all. */
void gn_updater_step(struct gn_updater *updater, float *params, const float *grads, uint64_t step);

/* Whether all values of a flat array are finite; gaps between tensors are not looked at. */
bool gn_updater_finite(const struct gn_updater *updater, const float *values);

/* State arrays i = 0, 1, ... in the layout of the parameters, for checkpoints: NULL behind the
 * last one. *prefix is that of their tensor names ("train/momentum/"). */
float *gn_updater_state(struct gn_updater *updater, int i, const char **prefix);

/* How many state arrays these options need: 0, 1 or 2. */
int gn_updater_states(const struct gn_optimizer_options *options);

#endif
