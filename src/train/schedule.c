/*
 * The formulas of keras/src/optimizers/schedules/learning_rate_schedule.py (Keras 3): with t steps
 * done after the rise and T steps from its end to the run's,
 *
 *   step         lr * factor^(steps done / period)
 *   polynomial   (lr - min) * (1 - t / T)^power + min
 *   cosine       (lr - min) * (1 + cos(pi * t / T)) / 2 + min
 *
 * One-cycle (Smith and Topin, 2017) is a rise over a part of the run and a polynomial of power 1
 * after it. A rise over W steps goes from lr / (W + 1) to lr in a line: no step is wasted on a
 * rate of zero.
 */
#include "train/schedule.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

double gn_schedule_rate(const struct gn_schedule_options *o, uint64_t step)
{
    if (step < o->warmup)
        return o->lr * (double)(step + 1) / ((double)o->warmup + 1);
    const double t = (double)(step - o->warmup);
    const double all = o->total > o->warmup ? (double)(o->total - o->warmup) : 1;
    const double done = t < all ? t / all : 1;
    switch (o->kind) {
    case GN_SCHEDULE_STEP:
        return o->lr * pow(o->step_factor, (double)(step / o->period));
    case GN_SCHEDULE_POLYNOMIAL:
    case GN_SCHEDULE_ONE_CYCLE:
        return (o->lr - o->lr_min) * pow(1 - done, o->power) + o->lr_min;
    case GN_SCHEDULE_COSINE:
        return (o->lr - o->lr_min) * (0.5 * (1 + cos(PI * done))) + o->lr_min;
    case GN_SCHEDULE_CONSTANT:
        break;
    }
    return o->lr;
}
