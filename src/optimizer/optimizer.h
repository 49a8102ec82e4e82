/*
 * Optimisers over the flat arrays of a net: Keras 3's SGD (momentum, Nesterov) and AdamW, in
 * float32 and in Keras' order of operations, LARS (You, Gitman and Ginsburg, arXiv 1708.03888), and Muon (muon.h).
 * Every element is computed alone and norms are sums in a fixed order, so neither threads nor
 * instruction sets can change a bit.
 */
#ifndef GN_OPTIMIZER_OPTIMIZER_H
#define GN_OPTIMIZER_OPTIMIZER_H

#include "net/net.h"

/* All values are final: no zero stands for a default here. */
struct gn_optimizer_options {
    gn_optimizer kind;
    double momentum, weight_decay, adam_eps, lars_trust, muon_others;
    bool nesterov;
    bool decay_all;      /* decay biases too, not only kernels */
    double ema;          /* decay of the average of the weights; 0: none is kept */
    int lookahead_steps; /* slow weights follow the fast ones every so many steps; 0: there are none */
    double lookahead_share; /* by this part of the way, and the fast ones go on from there */
    /* Patterns of tensors, see graph/pattern.h. */
    const char *no_decay;
    const char *freeze;   /* never changed */
    const char *lr_scale; /* with factors */
    int threads;
};

/* What changes from step to step. */
struct gn_update {
    uint64_t step; /* counted from 1 */
    double lr;
    double grad_scale; /* of the gradients, before anything else */
};

struct gn_updater;

/* The optimiser with its state at zero. The graph must outlive it. NULL: NO_MEMORY. */
struct gn_updater *gn_updater_create(const struct gn_graph *graph,
                                     const struct gn_optimizer_options *options);
void gn_updater_free(struct gn_updater *updater);

/* One update: params and grads are flat arrays of graph->n_floats; the gradients are scaled in
 * place. A rate of zero changes no parameter, only the average; slow weights wait for another step. */
void gn_updater_step(struct gn_updater *updater, float *params, float *grads,
                     const struct gn_update *update);

/* Lets the average and the slow weights begin with these parameters; does nothing without them. */
void gn_updater_begin(struct gn_updater *updater, const float *params);

/* The averaged weights in the layout of the parameters, NULL without ema. */
float *gn_updater_ema(struct gn_updater *updater);

/* Exchanges the weights with their average, so that `params` is the averaged one until the next call.
 * False, and nothing happens, without an average. */
bool gn_updater_swap_ema(struct gn_updater *updater, float *params);

/* Whether all values of a flat array are finite; gaps between tensors are not looked at. */
bool gn_updater_finite(struct gn_updater *updater, const float *values);

/* sum += factor * values, or sum = factor * values at the first call of a sum. */
void gn_updater_add(struct gn_updater *updater, float *sum, const float *values, double factor,
                    bool first);

/* Euclidean length of the gradient over all tensors; not finite when one value is not. */
double gn_updater_norm(struct gn_updater *updater, const float *grads);

/* State arrays i = 0, 1, ... in the layout of the parameters, for checkpoints: NULL after the
 * last one. *prefix is that of their tensor names ("train/momentum/"). */
float *gn_updater_state(struct gn_updater *updater, int i, const char **prefix);

/* How many state arrays these options need: 0 to 4. */
int gn_updater_states(const struct gn_optimizer_options *options);

#endif
