/*
 * Pass 8: which steps run concurrently. Threads meet at a barrier where a step needs what
 * another one made; where it does not, a thread that is out of units takes those of the next step:
 * the gradients of a layer's weights and of its input, the branches of an Inception block. Weight
 * gradients fall into few large units, so at a barrier after each of them most threads would wait.
 */
#include "plan/internal.h"

#include <limits.h>

/* Channels [from, to) of a buffer that a step reads or writes. */
struct region {
    int buffer, from, to;
    bool written;
};
enum { MAX_REGIONS = 6 };

static struct region region_of(const struct gn_place *at, int channels, bool written)
{
    return (struct region){ at->buffer, at->channel, at->channel + channels, written };
}

/* What a step touches, if its kernel is simple: nothing but parameters and gradients of its own
 * layer. */
static int regions_of(const struct gn_step *s, struct region *r)
{
    const struct gn_geometry *g = &s->args.g;
    int n = 0;
    r[n++] = region_of(&s->x, g->c, false);
    if (s->kernel->packed_floats != NULL)
        r[0].to = INT_MAX; /* x names the joint weights of a group */
    r[n++] = region_of(&s->x2, g->c, false);
    r[n++] = region_of(&s->y, g->oc, true);
    r[n++] = region_of(&s->dy, g->oc, false);
    r[n++] = region_of(&s->dx, g->c, true);
    r[n++] = (struct region){ s->kept, 0, INT_MAX, s->y.buffer != GN_PLACE_NONE };
    return n;
}

/* Whether one of two steps writes what the other one touches. */
static bool conflict(const struct gn_step *a, const struct gn_step *b)
{
    struct region ra[MAX_REGIONS], rb[MAX_REGIONS];
    const int na = regions_of(a, ra), nb = regions_of(b, rb);
    for (int i = 0; i < na; i++)
        for (int k = 0; k < nb; k++)
            if (ra[i].buffer >= 0 && ra[i].buffer == rb[k].buffer && ra[i].from < rb[k].to &&
                rb[k].from < ra[i].to && (ra[i].written || rb[k].written))
                return true;
    return false;
}

static bool in_chain(const struct gn_plan *plan, int step)
{
    for (int i = 0; i < plan->n_chains; i++)
        if (step >= plan->chains[i].from && step < plan->chains[i].to)
            return true;
    return false;
}

/* The step after those that run concurrently with step `from`. */
static int end_of_group(const struct gn_plan *plan, int from, int end)
{
    int i = from + 1;
    if (in_chain(plan, from) || !plan->steps[from].kernel->simple)
        return i;
    for (; i < end && !in_chain(plan, i) && plan->steps[i].kernel->simple; i++)
        for (int k = from; k < i; k++)
            if (conflict(&plan->steps[k], &plan->steps[i]))
                return i;
    return i;
}

/* What is used during a part of a group is alive during all of it. */
static void prolong_buffers(struct gn_plan *plan, int from, int to)
{
    for (int i = 0; i < plan->n_buffers; i++) {
        struct gn_buffer *b = &plan->buffers[i];
        if (b->first > from && b->first < to)
            b->first = from;
        if (b->last >= from && b->last < to - 1)
            b->last = to - 1;
    }
}

void gn_plan_beside(struct gn_plan *plan)
{
    const int ends[5] = { plan->n_prepare, plan->n_forward, plan->n_backward, plan->n_split,
                          plan->n_steps };
    int i = 0;
    for (int range = 0; range < 5; range++) {
        while (i < ends[range]) {
            const int to = end_of_group(plan, i, ends[range]);
            prolong_buffers(plan, i, to);
            for (i++; i < to; i++)
                plan->steps[i].beside = true;
        }
    }
}
