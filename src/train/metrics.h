/* The metrics of a training: what a step adds to the means of its epoch, and what an epoch reports.
 * A new one is a line in one of the tables of metrics.c. */
#ifndef GN_TRAIN_METRICS_H
#define GN_TRAIN_METRICS_H

#include "run/metrics.h"
#include "train/step.h"

enum { GN_MOST_MEANS = 16 };

/* A weighted mean over the steps of the running epoch. */
struct gn_mean {
    double sum, weight;
};

/* The means of a graph: 0, 1, ... n-1; the name of one, in `name`, which is returned. */
int gn_means(const struct gn_graph *graph);
const char *gn_mean_name(const struct gn_graph *graph, int i, char name[GN_METRIC_NAME]);

/* Adds a step. */
void gn_means_add(const struct gn_graph *graph, struct gn_mean *means,
                  const struct gn_step_sums *sums);

/* The metrics of a single step. */
void gn_step_metrics(const struct gn_graph *graph, const struct gn_step_sums *sums, double lr,
                     struct gn_metrics *metrics);

/* What is known at the end of an epoch. */
struct gn_epoch_facts {
    const struct gn_graph *graph;
    const struct gn_mean *means;
    uint64_t samples, correct; /* of the epoch */
    double loss_sum;
    const struct gn_score *validation, *averaged; /* NULL: none */
    double lr;                                    /* of the last step */
    uint64_t trained;                             /* samples in this process, */
    double training_seconds;                      /* in so many seconds */
    double seconds;                               /* validation included */
};
void gn_epoch_metrics(const struct gn_epoch_facts *facts, struct gn_metrics *metrics);

#endif
