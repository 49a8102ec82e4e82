/*
 * Pass 2: where values and gradients stand. A branch of a concatenation that nobody else reads
 * writes straight into its slice, so concatenating costs nothing, forward and backward.
 */
#include "plan/internal.h"

int gn_plan_buffer(struct gn_plan *plan, size_t bytes)
{
    if (plan->n_buffers == plan->cap_buffers) {
        (void)gn_fail(GN_STATUS_INTERNAL, "plan: more buffers than layers allow");
        return GN_PLACE_NONE;
    }
    /* Blocks begin at staggered odd multiples of a cache line, so that equal indexes of two
     * tensors do not compete for the same set of L1. */
    const size_t stagger = 64 * (size_t)(1 + 2 * (plan->n_buffers % 8));
    plan->buffers[plan->n_buffers] = (struct gn_buffer){
        .bytes = (bytes + 4095) / 4096 * 4096 + stagger, .first = -1, .last = -1
    };
    return plan->n_buffers++;
}

/* Which inputs of the concatenations become slices. */
static void choose_slices(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = 0; i < g->n_layers; i++)
        plan->values[i].in_place_of = -1;
    for (int i = 0; i < g->n_layers; i++) {
        if (!plan->values[i].live || g->layers[i].op != GN_OP_CONCAT)
            continue;
        for (int k = 0; k < g->layers[i].n_inputs; k++) {
            const int in = gn_plan_input(plan, i, k);
            struct gn_value *v = &plan->values[in];
            if (g->layers[in].op != GN_OP_INPUT && v->consumers == 1)
                v->in_place_of = i;
        }
    }
}

/* Gradients of these values may be completed by their consumers with the mask x > 0. */
static void choose_masks(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = 0; i < g->n_layers; i++) {
        struct gn_value *v = &plan->values[i];
        if (!v->live || v->same_as != i)
            continue;
        v->masked_by_consumers = v->relu;
        if (g->layers[i].op != GN_OP_CONCAT)
            continue;
        v->masked_by_consumers = true;
        for (int k = 0; k < g->layers[i].n_inputs; k++) {
            const struct gn_value *in = &plan->values[gn_plan_input(plan, i, k)];
            v->masked_by_consumers &= in->in_place_of == i && in->masked_by_consumers;
        }
    }
}

/* Channels of concatenation i in front of its input `in`. */
static int channels_before(const struct gn_plan *plan, int i, int in)
{
    const struct gn_graph *g = plan->net->graph;
    int channel = 0;
    for (int k = 0; gn_plan_input(plan, i, k) != in; k++)
        channel += g->layers[gn_plan_input(plan, i, k)].out.c;
    return channel;
}

static size_t value_bytes(const struct gn_plan *plan, int i)
{
    const struct gn_shape s = plan->net->graph->layers[i].out;
    return (size_t)plan->slice * (size_t)s.h * (size_t)s.w * (size_t)s.c * sizeof(float);
}

gn_status gn_plan_place(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    choose_slices(plan);
    choose_masks(plan);
    for (int i = g->n_layers - 1; i >= 0; i--) { /* concatenations come behind their inputs */
        struct gn_value *v = &plan->values[i];
        const int c = g->layers[i].out.c;
        v->at = v->gradient_at = (struct gn_place){ GN_PLACE_NONE, 0, c };
        v->argmax = -1;
        if (!v->live || v->same_as != i)
            continue;
        if (g->layers[i].op == GN_OP_INPUT) {
            v->at.buffer = GN_PLACE_IMAGES;
            continue;
        }
        const bool gradient = plan->train && v->needs_gradient;
        if (v->in_place_of >= 0) {
            const struct gn_value *whole = &plan->values[v->in_place_of];
            const int channel = channels_before(plan, v->in_place_of, i);
            v->at = whole->at;
            v->at.channel += channel;
            if (gradient) {
                v->gradient_at = whole->gradient_at;
                v->gradient_at.channel += channel;
            }
        } else {
            v->at.buffer = gn_plan_buffer(plan, value_bytes(plan, i));
            if (gradient)
                v->gradient_at.buffer = gn_plan_buffer(plan, value_bytes(plan, i));
        }
        if (gradient && g->layers[i].op == GN_OP_MAX_POOL)
            v->argmax = gn_plan_buffer(plan, value_bytes(plan, i) / sizeof(float));
    }
    return plan->n_buffers > 0 ? GN_OK : gn_last_status();
}
