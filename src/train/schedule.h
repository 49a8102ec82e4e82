/*
 * The learning rate of a step: a function of the step, the steps of the run and the options, so
 * that an interrupted run goes on with the same rates.
 */
#ifndef GN_TRAIN_SCHEDULE_H
#define GN_TRAIN_SCHEDULE_H

#include <googlenet.h>

/* All values are final: no zero means a default here. */
struct gn_schedule_options {
    gn_schedule kind;
    double lr, lr_min;
    double step_factor; /* step: times this every `period` steps */
    uint64_t period;
    double power;           /* polynomial */
    uint64_t warmup, total; /* steps of the rise at the beginning; of the whole run */
};

/* The rate of the update after `step` updates, 0 <= step < total. */
double gn_schedule_rate(const struct gn_schedule_options *options, uint64_t step);

#endif
