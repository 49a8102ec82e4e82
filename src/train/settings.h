/* The options of a run, checked against net and data, with every default filled in. */
#ifndef GN_TRAIN_SETTINGS_H
#define GN_TRAIN_SETTINGS_H

#include "infer/match.h"
#include "optimizer/optimizer.h"
#include "train/schedule.h"

struct gn_run_pictures;

struct gn_settings {
    struct gn_fit_options options; /* no zero means a default any more; `out` is the caller's */
    struct gn_optimizer_options optimizer;
    const char *
        freeze; /* patterns of tensors that keep their values: the option's, and what was whitened */
    struct gn_schedule_options schedule;
    uint64_t step_samples, epoch_steps; /* samples of a full step, steps of an epoch */
    gn_resize rule;                     /* never DEFAULT */
    uint64_t n_train, n_val;            /* samples that will be used; n_val 0: no validation */
    struct gn_augment augment;
    const float *class_weights;       /* of the net's classes; NULL: all 1 */
    struct gn_run_pictures *pictures; /* NULL: what is read is not remembered */
    int asked_threads;                /* by the caller; 0: all that the process may use */
};

/* BAD_ARGUMENT, BAD_SHAPE or BAD_DATA with the numbers. Nothing is changed but *settings. */
gn_status gn_settings_resolve(const struct gn_net *net, const struct gn_fit_options *options,
                              struct gn_settings *settings);

/* BAD_ARGUMENT when the patterns name all tensors of the graph. */
gn_status gn_settings_check_freeze(const struct gn_graph *graph, const char *freeze);

/* Bytes of everything that a run keeps: data, plan, loaders, weights, gradients, state. */
uint64_t gn_settings_memory(const struct gn_net *net, const struct gn_settings *settings);

#endif
