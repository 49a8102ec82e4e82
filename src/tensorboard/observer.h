/*
 * What TensorBoard shows of a training besides its metrics: histograms of tensors, and pictures of
 * the validation's answers. So many epochs have them that the files of a long run stay small, at most
 * about 10 MB in all; they are told by the number of epochs alone, and the last epoch is one of them.
 */
#ifndef GN_TENSORBOARD_OBSERVER_H
#define GN_TENSORBOARD_OBSERVER_H

#include "tensorboard/answers.h"

struct gn_board;

struct gn_observer_options {
    int epochs;         /* of the run */
    double images;      /* that an epoch trains with */
    bool histograms;    /* rank 0 alone makes them: weights and gradients are the same in all */
    gn_ranks *ranks;    /* that validate together, NULL: one */
    const char *freeze; /* tensors without histograms */
    int threads;
};

struct gn_observer;

/* The net must outlive it. NULL: NO_MEMORY. */
struct gn_observer *gn_observer_create(const struct gn_net *net,
                                       const struct gn_observer_options *options);
void gn_observer_free(struct gn_observer *observer); /* NULL is fine */

/* The next update is the last one of epoch `epoch`, counted from 1. */
void gn_observer_before(struct gn_observer *observer, int epoch, const float *params);

/* A validation begins; one of its batches and the answers. */
void gn_observer_begin(struct gn_observer *observer);
void gn_observer_batch(struct gn_observer *observer, const struct gn_batch *batch,
                       const float *logits);

/* The end of the epoch, in every rank: adds to the board what is due. NULL is fine, for either. */
gn_status gn_observer_epoch(struct gn_observer *observer, int epoch, const float *params,
                            const float *grads, struct gn_board *board);

#endif
