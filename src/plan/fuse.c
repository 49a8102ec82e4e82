/*
 * Pass 1: which layers the answer depends on, and which ReLU becomes part of the convolution or
 * dense layer in front of it.
 */
#include "graph/pattern.h"
#include "plan/internal.h"

int gn_plan_input(const struct gn_plan *plan, int i, int k)
{
    return plan->values[plan->net->graph->layers[i].inputs[k]].same_as;
}

static void mark_live(struct gn_plan *plan, int i)
{
    /* Layers are in topological order, so one sweep from the answer down is enough. */
    const struct gn_graph *g = plan->net->graph;
    plan->values[i].live = true;
    for (; i >= 0; i--)
        for (int k = 0; plan->values[i].live && k < g->layers[i].n_inputs; k++)
            plan->values[g->layers[i].inputs[k]].live = true;
}

static int live_readers(const struct gn_plan *plan, int i)
{
    const struct gn_graph *g = plan->net->graph;
    int n = 0;
    for (int j = i + 1; j < g->n_layers; j++)
        for (int k = 0; plan->values[j].live && k < g->layers[j].n_inputs; k++)
            n += g->layers[j].inputs[k] == i;
    return n;
}

/* Whether layer i has a parameter that is not frozen. */
static bool trains(const struct gn_plan *plan, int i)
{
    const struct gn_graph *g = plan->net->graph;
    const int tensors[] = { g->layers[i].weight, g->layers[i].bias };
    bool found = false;
    for (int k = 0; k < 2; k++)
        found |= tensors[k] >= 0 && !gn_pattern_matches(plan->freeze, g->tensors[tensors[k]].name);
    return found;
}

void gn_plan_fuse(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    mark_live(plan, plan->net->output);
    for (int i = 0; i < g->n_layers; i++) {
        struct gn_value *v = &plan->values[i];
        v->same_as = i;
        if (!v->live || g->layers[i].op != GN_OP_RELU)
            continue;
        const int in = g->layers[i].inputs[0];
        const enum gn_op op = g->layers[in].op;
        if ((op != GN_OP_CONV && op != GN_OP_DENSE) || live_readers(plan, in) != 1)
            continue;
        v->same_as = in;
        plan->values[in].relu = true;
    }
    for (int i = 0; i < g->n_layers; i++) {
        struct gn_value *v = &plan->values[i];
        if (!v->live || v->same_as != i)
            continue;
        v->needs_gradient = v->trains = trains(plan, i);
        for (int k = 0; k < g->layers[i].n_inputs; k++) {
            struct gn_value *in = &plan->values[gn_plan_input(plan, i, k)];
            in->consumers++;
            v->needs_gradient |= in->needs_gradient;
        }
    }
}
