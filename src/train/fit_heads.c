/* The losses of auxiliary heads in a training run: summed step by step beside the answer's, and
 * handed to events and to the rows of the history. */
#include "train/fit.h"

void gn_fit_count_heads(struct gn_fit *fit, const double *sums)
{
    for (int i = 0; i < fit->t.net->graph->n_heads; i++)
        fit->t.progress.head_loss_sums[i] += sums[i];
}

/* Means over the samples of the running epoch. */
static int fill(const struct gn_fit *fit, const char **names, double *losses)
{
    const struct gn_progress *p = &fit->t.progress;
    const struct gn_graph *g = fit->t.net->graph;
    for (int i = 0; i < g->n_heads; i++) {
        names[i] = g->heads[i].name;
        losses[i] = p->samples > 0 ? p->head_loss_sums[i] / (double)p->samples : 0;
    }
    return g->n_heads;
}

void gn_fit_event_heads(struct gn_fit *fit)
{
    fit->event.heads = fill(fit, fit->event.head_names, fit->event.head_losses);
}

void gn_fit_row_heads(const struct gn_fit *fit, struct gn_epoch *row)
{
    row->heads = fill(fit, row->head_names, row->head_losses);
}
