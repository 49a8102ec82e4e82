/* Signs of a training that goes wrong while all its numbers are still finite. */
#ifndef GN_TRAIN_WATCHDOG_H
#define GN_TRAIN_WATCHDOG_H

#include "net/net.h"

/* What it remembers from step to step, for a checkpoint: running means of the loss and of the gradient's
 * length, steps with a loss of guessing, and the last step that gave an alarm. */
struct gn_watch {
    double loss, norm;
    uint64_t stuck, alarm;
};

/* What it found: a sentence, "" for nothing, and what may help. */
struct gn_finding_text {
    char text[384];
    const char *advice;
};

struct gn_watchdog;

/* For tensors that `freeze` does not name. NULL: NO_MEMORY. */
struct gn_watchdog *gn_watchdog_create(const struct gn_net *net, const char *freeze,
                                       uint64_t epoch_steps);
void gn_watchdog_free(struct gn_watchdog *watchdog); /* NULL is fine */

/* Looks at a step, counted from 1: its mean loss, the length of its gradient. Up to two findings. */
void gn_watchdog_step(const struct gn_watchdog *watchdog, struct gn_watch *watch, uint64_t step,
                      double loss, double norm, struct gn_finding_text findings[2]);

/* Notes which ReLUs let gradients through in a step. */
void gn_watchdog_note(struct gn_watchdog *watchdog, const float *grads);

/* Looks at what the steps of epoch number `epoch` have shown together, and begins anew. */
void gn_watchdog_epoch(struct gn_watchdog *watchdog, uint64_t epoch,
                       struct gn_finding_text *finding);

#endif
