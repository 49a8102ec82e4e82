/*
 * Pass 1: which layers the answer depends on, and which ReLU becomes part of the convolution or
 * dense layer before it.
 */
#include "graph/pattern.h"
#include "plan/internal.h"

int gn_plan_input(const struct gn_plan *plan, int i, int k)
{
    return plan->values[plan->net->graph->layers[i].inputs[k]].same_as;
}

/* The heads are for training alone. */
static void mark_live(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    bool live[GN_MAX_LAYERS] = { false };
    gn_graph_mark_live(g, plan->net->output, live);
    for (int h = 0; plan->train && h < g->n_heads; h++)
        gn_graph_mark_live(g, g->heads[h].layer, live);
    for (int i = 0; i < g->n_layers; i++)
        plan->values[i].live = live[i];
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
    bool found = false;
    for (int k = 0; k < GN_LAYER_TENSORS; k++) {
        const int t = g->layers[i].tensors[k];
        found |= t >= 0 && g->tensors[t].trainable &&
                 !gn_pattern_matches(plan->freeze, g->tensors[t].name);
    }
    return found;
}

static bool is_answer(const struct gn_plan *plan, int i)
{
    const struct gn_graph *g = plan->net->graph;
    bool answer = i == plan->net->output;
    for (int h = 0; plan->train && h < g->n_heads; h++)
        answer |= i == g->heads[h].layer;
    return answer;
}

/* What layer i becomes part of: the layer before it that no other layer reads, or none (-1). */
static int host_of(const struct gn_plan *plan, int i)
{
    const struct gn_graph *g = plan->net->graph;
    const int in = g->layers[i].inputs[0];
    const struct gn_operator *before = g->layers[in].op;
    const bool alone = live_readers(plan, in) == 1 && !is_answer(plan, in) && in != plan->focus;
    switch (g->layers[i].op->fuses) {
    case GN_FUSE_RELU:
        return alone && before->takes_relu ? plan->values[in].same_as : -1;
    case GN_FUSE_NORM:
        return alone && !plan->train && before->takes_norm ? in : -1;
    case GN_FUSE_BYTES: /* a bytes' ReLU comes from the cut at zero */
        return alone && plan->values[i].bytes && plan->values[plan->values[in].same_as].int8
                   ? plan->values[in].same_as
                   : -1;
    case GN_FUSE_SAME:
        return plan->train ? -1 : plan->values[in].same_as;
    default:
        return -1;
    }
}

int gn_focus_layer(const struct gn_graph *g, int i)
{
    for (int k = i + 1; k < g->n_layers; k++)
        if (g->layers[k].hidden && g->layers[k].inputs[0] == i)
            return k;
    return i;
}

void gn_plan_fuse(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    mark_live(plan);
    for (int i = 0; i < g->n_layers; i++) {
        struct gn_value *v = &plan->values[i];
        v->same_as = i;
        v->norm = -1;
        const int host = v->live ? host_of(plan, i) : -1;
        if (host < 0)
            continue;
        v->same_as = host;
        if (g->layers[i].op->fuses == GN_FUSE_RELU)
            plan->values[host].relu = true;
        else if (g->layers[i].op->fuses == GN_FUSE_NORM)
            plan->values[host].norm = i;
        else if (g->layers[i].op->fuses == GN_FUSE_BYTES) {
            plan->values[host].bytes = true;
            plan->values[host].scale = v->scale;
        }
    }
    if (plan->focus >= 0)
        plan->focus = plan->values[plan->focus].same_as;
    for (int i = 0; i < g->n_layers; i++) {
        struct gn_value *v = &plan->values[i];
        if (!v->live || v->same_as != i)
            continue;
        v->trains = plan->focus < 0 && trains(plan, i);
        v->needs_gradient = v->trains || i == plan->focus;
        for (int k = 0; k < g->layers[i].n_inputs; k++) {
            struct gn_value *in = &plan->values[gn_plan_input(plan, i, k)];
            in->consumers++;
            v->needs_gradient |= in->needs_gradient;
        }
    }
    /* A loss writes its gradient, also where everything after it is frozen. */
    for (int i = 0; i < g->n_layers; i++)
        if (is_answer(plan, i))
            plan->values[plan->values[i].same_as].needs_gradient = true;
}
