/* Inside of an evaluation: one row for each answer, and the counts that figures follow from. */
#ifndef GN_INFER_EVALUATION_H
#define GN_INFER_EVALUATION_H

#include "base/status.h"

struct gn_evaluation {
    int classes;
    struct gn_evaluated *rows; /* in the order in which they were added */
    uint64_t n, room;
    uint64_t *confusion; /* [true class][predicted class] */
    double loss_sum;
    float *logits; /* of the first n_logits rows, for the temperature */
    uint64_t n_logits, logits_room;
};

/* Forgets the answers; what follows has `classes` classes. */
gn_status gn_evaluation_begin(struct gn_evaluation *e, int classes);

/* The figures of calibration (calibration.c): the expected error over GN_CALIBRATION_BINS equal bins,
 * and the temperature that gives the smallest loss. */
void gn_calibration(const struct gn_evaluation *e, struct gn_evaluation_figures *figures);

#endif
