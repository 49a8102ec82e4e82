/*
 * Two tables. Means go through gn_progress into the checkpoint, so that a run may be interrupted
 * within an epoch; values are taken when the epoch ends. Sinks know neither.
 */
#include "train/metrics.h"

#include <math.h>

static const double NONE = (double)NAN;

/* ---- Means over the steps of an epoch ---- */

static double head_loss(const struct gn_step_sums *s, int head)
{
    return s->head_losses[head];
}

static double head_correct(const struct gn_step_sums *s, int head)
{
    return (double)s->head_correct[head];
}

static double norm(const struct gn_step_sums *s, int head)
{
    (void)head;
    return s->norm;
}

static const struct {
    const char *name; /* after the head's own and "_" */
    bool of_heads;
    bool by_step; /* every step counts alike; otherwise the value is a sum over its samples */
    double (*value)(const struct gn_step_sums *sums, int head);
} means_of_steps[] = {
    { "loss", true, false, head_loss },
    { "accuracy", true, false, head_correct },
    { "grad_norm", false, true, norm },
};
enum { N_KINDS = sizeof means_of_steps / sizeof means_of_steps[0] };

/* ---- Values of an epoch ---- */

static double loss(const struct gn_epoch_facts *f)
{
    return f->loss_sum / (double)f->samples;
}

static double accuracy(const struct gn_epoch_facts *f)
{
    return (double)f->correct / (double)f->samples;
}

static double val_loss(const struct gn_epoch_facts *f)
{
    return f->validation == NULL ? NONE : f->validation->loss;
}

static double val_accuracy(const struct gn_epoch_facts *f)
{
    return f->validation == NULL ? NONE : f->validation->accuracy;
}

static double val_ema_loss(const struct gn_epoch_facts *f)
{
    return f->averaged == NULL ? NONE : f->averaged->loss;
}

static double val_ema_accuracy(const struct gn_epoch_facts *f)
{
    return f->averaged == NULL ? NONE : f->averaged->accuracy;
}

static double lr(const struct gn_epoch_facts *f)
{
    return f->lr;
}

static double images_per_second(const struct gn_epoch_facts *f)
{
    return f->training_seconds > 0 ? (double)f->trained / f->training_seconds : NONE;
}

static double seconds(const struct gn_epoch_facts *f)
{
    return f->seconds;
}

static const struct {
    const char *name;
    bool is_time;
    double (*value)(const struct gn_epoch_facts *facts);
} values_of_epochs[] = {
    { "loss", false, loss },
    { "accuracy", false, accuracy },
    { "val_loss", false, val_loss },
    { "val_accuracy", false, val_accuracy },
    { "val_ema_loss", false, val_ema_loss },
    { "val_ema_accuracy", false, val_ema_accuracy },
    { "lr", false, lr },
    { "images_per_second", true, images_per_second },
    { "seconds", true, seconds },
};
enum { N_VALUES = sizeof values_of_epochs / sizeof values_of_epochs[0] };

/* ---- Walking over them ---- */

/* Which line of the table mean i is, and of which head. */
static int kind_of(const struct gn_graph *graph, int i, int *head)
{
    for (int kind = 0; kind < N_KINDS; kind++) {
        const int n = means_of_steps[kind].of_heads ? graph->n_heads : 1;
        *head = i;
        if (i < n)
            return kind;
        i -= n;
    }
    return -1;
}

int gn_means(const struct gn_graph *graph)
{
    int n = 0, head;
    while (n < GN_MOST_MEANS && kind_of(graph, n, &head) >= 0)
        n++;
    return n;
}

const char *gn_mean_name(const struct gn_graph *graph, int i, char name[GN_METRIC_NAME])
{
    int head;
    const int kind = kind_of(graph, i, &head);
    const bool of_heads = means_of_steps[kind].of_heads;
    (void)snprintf(name, GN_METRIC_NAME, "%s%s%s", of_heads ? graph->heads[head].name : "",
                   of_heads ? "_" : "", means_of_steps[kind].name);
    return name;
}

void gn_means_add(const struct gn_graph *graph, struct gn_mean *means,
                  const struct gn_step_sums *sums)
{
    for (int i = 0; i < gn_means(graph); i++) {
        int head;
        const int kind = kind_of(graph, i, &head);
        means[i].sum += means_of_steps[kind].value(sums, head);
        means[i].weight += means_of_steps[kind].by_step ? 1 : (double)sums->samples;
    }
}

static void add_means(const struct gn_graph *graph, const struct gn_mean *means,
                      struct gn_metrics *metrics)
{
    char name[GN_METRIC_NAME];
    for (int i = 0; i < gn_means(graph); i++)
        if (means[i].weight > 0)
            gn_metrics_add(metrics, gn_mean_name(graph, i, name), means[i].sum / means[i].weight,
                           false);
}

void gn_step_metrics(const struct gn_graph *graph, const struct gn_step_sums *sums, double rate,
                     struct gn_metrics *metrics)
{
    struct gn_mean means[GN_MOST_MEANS] = { { 0 } };
    *metrics = (struct gn_metrics){ .n = 0 };
    gn_metrics_add(metrics, "loss", sums->loss / (double)sums->samples, false);
    gn_metrics_add(metrics, "lr", rate, false);
    gn_means_add(graph, means, sums);
    add_means(graph, means, metrics);
}

static void add_values(const struct gn_epoch_facts *facts, bool times, struct gn_metrics *metrics)
{
    for (int i = 0; i < N_VALUES; i++)
        if (values_of_epochs[i].is_time == times)
            gn_metrics_add(metrics, values_of_epochs[i].name, values_of_epochs[i].value(facts),
                           times);
}

void gn_epoch_metrics(const struct gn_epoch_facts *facts, struct gn_metrics *metrics)
{
    *metrics = (struct gn_metrics){ .n = 0 };
    add_values(facts, false, metrics);
    add_means(facts->graph, facts->means, metrics);
    add_values(facts, true, metrics);
}
