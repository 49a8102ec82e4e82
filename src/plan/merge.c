/*
 * Pass 3: sibling 1x1 convolutions, which read the same tensor, become one with the sum of their
 * output channels: the tensor is read once forward, its gradient is one sum instead of three, and
 * its copy for the weight gradient serves all of them.
 *
 * Their outputs lie next to each other in one buffer. A sibling that is the first slice of a
 * concatenation comes last, and the concatenation follows in the same buffer:
 *
 *   | p3_1 | p2_1 | p1_1 | p2_2 | p3_2 | p4_2 |        of an Inception block
 *     joint output ------
 *                   host ---------------------
 *
 * Their weights are copied next to each other before they are packed, and the gradients copied
 * apart once a batch. Normalisations are folded in on the way.
 */
#include "plan/internal.h"

static bool is_pointwise(const struct gn_layer *layer)
{
    const struct gn_geometry *g = &layer->window;
    return layer->op->id == GN_OP_CONV && g->kh == 1 && g->kw == 1 && g->stride_h == 1 &&
           g->stride_w == 1 && g->oh == g->h && g->ow == g->w && g->pad_top == 0 &&
           g->pad_left == 0;
}

static int first_input(const struct gn_plan *plan, int concat)
{
    return gn_plan_input(plan, concat, 0);
}

/* Whether layer i can lie next to siblings that begin with layer `like`. */
static bool can_join(const struct gn_plan *plan, const struct gn_group *group, int i, int like)
{
    const struct gn_layer *layer = &plan->net->graph->layers[i];
    const struct gn_layer *first = &plan->net->graph->layers[like];
    const struct gn_value *v = &plan->values[i];
    if (!v->live || v->same_as != i || v->group >= 0 || !is_pointwise(layer) ||
        gn_plan_input(plan, i, 0) != gn_plan_input(plan, like, 0) ||
        v->relu != plan->values[like].relu || v->int8 != plan->values[like].int8 ||
        v->bytes != plan->values[like].bytes || v->trains != plan->values[like].trains ||
        v->needs_gradient != plan->values[like].needs_gradient ||
        (layer->bias < 0) != (first->bias < 0) || (v->norm < 0) != (plan->values[like].norm < 0))
        return false;
    if (v->in_place_of < 0)
        return true;
    return group->host < 0 && first_input(plan, v->in_place_of) == i &&
           plan->values[v->in_place_of].in_place_of < 0;
}

/* Narrow ones first: a width that is no multiple of 16 then moves nobody off a cache line. The
 * first slice of the host comes last. */
static void sort_members(const struct gn_plan *plan, struct gn_group *group)
{
    const struct gn_layer *layers = plan->net->graph->layers;
    for (int i = 1; i < group->n; i++) {
        for (int k = i; k > 0; k--) {
            const int a = group->members[k - 1], b = group->members[k];
            const bool a_last = plan->values[a].in_place_of >= 0;
            const bool b_last = plan->values[b].in_place_of >= 0;
            if (b_last || (!a_last && layers[a].out.c <= layers[b].out.c))
                break;
            group->members[k - 1] = b;
            group->members[k] = a;
        }
    }
}

/* Channels, width and geometry of a group whose members are known. */
static void measure(struct gn_plan *plan, struct gn_group *group)
{
    const struct gn_layer *layers = plan->net->graph->layers;
    sort_members(plan, group);
    int channels = 0, in_front = 0;
    for (int k = 0; k < group->n; k++) {
        const int i = group->members[k];
        group->channels[k] = channels;
        channels += layers[i].out.c;
        in_front += plan->values[i].in_place_of < 0 ? layers[i].out.c : 0;
        group->leader = i < group->leader ? i : group->leader;
    }
    group->window = layers[group->leader].window;
    group->window.oc = channels;
    group->first = group->host < 0 ? 0 : (16 - in_front % 16) % 16; /* the host is aligned */
    group->width = group->host < 0 ? channels : group->first + in_front + layers[group->host].out.c;
}

static struct gn_group group_of_one(int i)
{
    return (struct gn_group){ .n = 1,
                              .members = { i },
                              .leader = i,
                              .host = -1,
                              .weights = -1,
                              .bias = -1,
                              .dw = -1,
                              .db = -1 };
}

static bool has_folded_norm(const struct gn_plan *plan, int i)
{
    const struct gn_value *v = &plan->values[i];
    return v->live && v->same_as == i && v->group < 0 && v->norm >= 0;
}

bool gn_plan_multiplies(const struct gn_plan *plan, int i)
{
    return plan->net->graph->layers[i].op->multiplies;
}

void gn_plan_merge(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = 0; i < g->n_layers; i++)
        plan->values[i].group = -1;
    for (int i = 0; i < g->n_layers; i++) {
        struct gn_group group = group_of_one(i);
        group.n = 0;
        for (int k = i; k < g->n_layers && group.n < GN_MAX_GROUP; k++) {
            if (!can_join(plan, &group, k, i))
                continue;
            group.members[group.n++] = k;
            if (plan->values[k].in_place_of >= 0)
                group.host = plan->values[k].in_place_of;
        }
        const bool alone = group.n < 2;
        if (alone && !has_folded_norm(plan, i))
            continue;
        if (alone)
            group = group_of_one(i);
        if (group.members[0] != i)
            continue;
        measure(plan, &group);
        for (int k = 0; k < group.n; k++)
            plan->values[group.members[k]].group = plan->n_groups;
        plan->groups[plan->n_groups++] = group;
    }
}

const struct gn_geometry *gn_plan_window(const struct gn_plan *plan, int i)
{
    const int group = plan->values[i].group;
    return group >= 0 ? &plan->groups[group].window : &plan->net->graph->layers[i].window;
}

bool gn_plan_runs(const struct gn_plan *plan, int i)
{
    const struct gn_value *v = &plan->values[i];
    return v->live && v->same_as == i && (v->group < 0 || plan->groups[v->group].leader == i);
}
