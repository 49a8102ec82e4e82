/*
 * Losses of single batches are noisy, and a mean over the steps before each point lags: it makes a
 * fall of its own out of the first batches and moves the real one to higher rates. So a line is fitted
 * to the losses around each point, as many after it as before it (a tenth of the sweep to each side),
 * and its slope counts. The slope near its steepest is flat, and noise would choose there; the
 * suggestion is the middle of all rates around it that are nearly as steep.
 */
#include "train/lr_suggest.h"

#include <math.h>

/* Least fall of the loss; slopes of this part of the steepest one are nearly as steep; how many standard
 * errors a slope must have. */
static const double LEAST_FALL = 0.03, NEARLY = 0.75, LEAST_ERRORS = 4;

/* Losses above `most` say no more than that a rate is too high. */
struct window {
    const struct gn_lr_point *points;
    int reach; /* points to each side */
    double most;
};

struct line {
    double level, slope; /* in the middle; a step */
    double error;        /* standard error of the slope */
};

static double mean(const struct gn_lr_point *points, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += points[i].loss;
    return sum / n;
}

/* By least squares. */
static struct line fit_line(const struct window *w, int middle)
{
    const int n = 2 * w->reach + 1;
    double sum = 0, product = 0, squares = 0, rest = 0;
    for (int k = -w->reach; k <= w->reach; k++) {
        const double loss = fmin(w->points[middle + k].loss, w->most);
        sum += loss;
        product += k * loss;
        squares += k * k;
    }
    struct line line = { .level = sum / n, .slope = product / squares };
    for (int k = -w->reach; k <= w->reach; k++) {
        const double loss = fmin(w->points[middle + k].loss, w->most);
        const double difference = loss - line.level - k * line.slope;
        rest += difference * difference;
    }
    line.error = sqrt(rest / (n - 2) / squares);
    return line;
}

/* The middle of the rates around `steepest` up to the last one of [first, last], the steeper the more
 * it counts. */
static double middle_rate(const struct window *w, int first, int last, int steepest)
{
    const double enough = NEARLY * fit_line(w, steepest).slope;
    int from = steepest, to = steepest;
    while (from > first && fit_line(w, from - 1).slope <= enough)
        from--;
    while (to < last && fit_line(w, to + 1).slope <= enough)
        to++;
    double sum = 0, weight = 0;
    for (int i = from; i <= to; i++) {
        const double slope = fit_line(w, i).slope;
        sum += slope * log(w->points[i].lr);
        weight += slope;
    }
    return exp(sum / weight);
}

double gn_lr_suggest(const struct gn_lr_point *points, int n, int steps)
{
    const int wanted = steps / 10 > 2 ? steps / 10 : 2;
    const int reach = wanted <= (n - 1) / 2 ? wanted : (n - 1) / 2;
    if (reach < 2)
        return 0;
    const double start = mean(points, reach);
    const struct window w = { points, reach, start };
    const int first = reach, last = n - 1 - reach;
    int lowest = first;
    for (int i = first; i <= last; i++)
        if (fit_line(&w, i).level < fit_line(&w, lowest).level)
            lowest = i;
    int steepest = first;
    for (int i = first; i <= lowest; i++)
        if (fit_line(&w, i).slope < fit_line(&w, steepest).slope)
            steepest = i;
    const struct line line = fit_line(&w, steepest);
    if (fit_line(&w, lowest).level > (1 - LEAST_FALL) * start ||
        !(line.slope < -LEAST_ERRORS * line.error))
        return 0;
    return middle_rate(&w, first, lowest, steepest);
}
