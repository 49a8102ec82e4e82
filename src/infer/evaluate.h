/* Loss and accuracy of a net over a data set, for evaluation and for validation while training. */
#ifndef GN_INFER_EVALUATE_H
#define GN_INFER_EVALUATE_H

#include "data/loader.h"
#include "infer/evaluation.h"
#include "plan/plan.h"

/* Test-time augmentation, and the room that it needs. */
struct gn_viewer {
    gn_tta tta;
    int height, width, channels; /* of the network */
    float *view;                 /* a batch of them */
    double *shares;              /* batch*classes: summed probabilities */
};

/* The answers of each rank to its batch of a round. */
struct gn_answers {
    int batch, classes;
    size_t bytes; /* of one rank's */
    char *blocks;
};

struct gn_scoring {
    struct gn_plan *plan;
    struct gn_loader *loader; /* in file order, its images of gn_view_size */
    float *logits;            /* room for a batch: batch*classes */
    int classes;
    gn_ranks *ranks;                  /* among which the batches are dealt; NULL: one process */
    struct gn_evaluation *evaluation; /* may be NULL; of every rank it gets all answers */
    struct gn_answers *answers;       /* of a round, for it; NULL: one process */
    const struct gn_viewer *viewer;   /* NULL: images are answered as they are */
    /* May be NULL; called with each batch and its logits. */
    void (*on_answers)(void *user, const struct gn_batch *batch, const float *logits);
    const volatile int *stop; /* may be NULL; STOPPED when it is set */
    /* May be NULL; called after every batch with the means so far. */
    void (*on_batch)(void *user, uint64_t batch, const struct gn_score *so_far);
    void *user;
};

/* Fills *score, which is the same for any number of ranks; the plan keeps no trace of it that training could see. */
gn_status gn_score_all(const struct gn_scoring *scoring, struct gn_score *score);

#endif
