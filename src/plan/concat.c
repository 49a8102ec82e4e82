/*
 * Pass 2: a branch of a concatenation that no other layer reads writes straight into its slice, so
 * concatenating costs nothing, forward and backward.
 */
#include "plan/internal.h"

/* Which inputs of the concatenations become slices. */
static void choose_slices(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = 0; i < g->n_layers; i++)
        plan->values[i].in_place_of = -1;
    for (int i = 0; i < g->n_layers; i++) {
        if (!plan->values[i].live || !g->layers[i].op->joins)
            continue;
        for (int k = 0; k < g->layers[i].n_inputs; k++) {
            const int in = gn_plan_input(plan, i, k);
            struct gn_value *v = &plan->values[in];
            if (g->layers[in].n_inputs > 0 && v->consumers == 1)
                v->in_place_of = i;
        }
    }
}

/* Gradients of these values may be completed by their consumers with the mask x > 0. That of the layer in
 * focus is wanted by its value, after its ReLU. */
static void choose_masks(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = 0; i < g->n_layers; i++) {
        struct gn_value *v = &plan->values[i];
        if (!v->live || v->same_as != i)
            continue;
        v->masked_by_consumers = v->relu && i != plan->focus;
        if (!g->layers[i].op->joins)
            continue;
        v->masked_by_consumers = i != plan->focus;
        for (int k = 0; k < g->layers[i].n_inputs; k++) {
            const struct gn_value *in = &plan->values[gn_plan_input(plan, i, k)];
            v->masked_by_consumers &= in->in_place_of == i && in->masked_by_consumers;
        }
    }
}

void gn_plan_concat(struct gn_plan *plan)
{
    choose_slices(plan);
    choose_masks(plan);
}
