/*
 * One training step: batches, their gradients, the norm, clipping, the update. Whatever trains goes
 * through it - gn_fit, lr-find, bench --train, the loader's benchmark - so that all of them compute
 * the same: with augmentation, mixed targets, accumulation and fresh dropout draws.
 */
#ifndef GN_TRAIN_STEP_H
#define GN_TRAIN_STEP_H

#include "plan/plan.h"
#include "optimizer/optimizer.h"
#include "train/settings.h"

struct gn_train_step;

/* All belong to the caller and must outlive the step. */
struct gn_train_step_options {
    struct gn_net *net;
    struct gn_plan *plan; /* of that net, for training */
    struct gn_updater *updater;
    struct gn_loader *loader; /* where batches come from; NULL: every batch is `prepared` */
    struct gn_plan_batch prepared;
    int batch;        /* samples of a full batch */
    gn_ranks *ranks;  /* each of which computes its grains of a batch; NULL: one process */
    int threads;      /* that add what ranks have computed */
    int accumulate;   /* batches of a step; 0: 1 */
    uint64_t seed;    /* of dropout's draws */
    double clip_norm; /* longest gradient; 0: any */
};

/* NULL: NO_MEMORY. */
struct gn_train_step *gn_train_step_create(const struct gn_train_step_options *options);
void gn_train_step_free(struct gn_train_step *step); /* NULL is fine */

/* Sums over the samples of a step, before its update. */
struct gn_step_sums {
    int batches;      /* that were taken; 0: the loader's epoch has ended */
    uint64_t samples; /* 0: none of their pictures can be read, so there is no update */
    uint64_t correct;
    double loss;
    double head_losses[GN_MAX_HEADS];
    uint64_t head_correct[GN_MAX_HEADS];
    double waited; /* seconds until the loader had the batches */
    double norm;   /* length of the mean gradient, before it is clipped; not finite when a value is
                    not */
};

/* The first half: takes the batches of a step from the loader, fewer at the end of its epoch, and adds
 * their gradients. `done` steps were done before in this run. */
gn_status gn_train_step_gradients(struct gn_train_step *step, uint64_t done,
                                  struct gn_step_sums *sums);

/* The second half, with the gradients of the first. */
void gn_train_step_update(struct gn_train_step *step, double lr);

/* The gradients in the layout of the parameters: after the first half the sum over batches. */
/* What the exchange of gradients with other ranks has cost so far. */
struct gn_summer_cost gn_train_step_cost(const struct gn_train_step *step);

/* Exchanges the gradients of the last step once more, for measuring: they are nonsense then. */
gn_status gn_train_step_exchange(struct gn_train_step *step);

const float *gn_train_step_grads(const struct gn_train_step *step);

/* The plan, the loader and the step that a run's settings ask for; NULL on an error. */
/* Gives ranks the shares of a batch that .share says, before plan and loader are made. */
gn_status gn_train_deal(struct gn_net *net, const struct gn_settings *settings);

/* The function that a plan shares the sums of its normalisations with, of the ranks that are its user. */
gn_status gn_train_share(void *user, void *sums, size_t bytes, int grains);

struct gn_plan *gn_train_plan(struct gn_net *net, const struct gn_settings *settings);
struct gn_loader *gn_train_loader(const struct gn_net *net, const struct gn_settings *settings,
                                  const struct gn_plan *plan);
struct gn_train_step *gn_train_step_for(struct gn_net *net, const struct gn_settings *settings,
                                        struct gn_plan *plan, struct gn_loader *loader,
                                        struct gn_updater *updater);

#endif
