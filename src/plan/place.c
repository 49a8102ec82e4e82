/*
 * Pass 4: where values and gradients are: in a buffer of their own, in the slice of a
 * concatenation, or next to their siblings.
 */
#include "plan/internal.h"

/* Blocks begin at staggered odd multiples of a cache line, so that equal indexes of two tensors do
 * not compete for the same set of L1. */
void gn_plan_resize(struct gn_plan *plan, int buffer, size_t bytes)
{
    const size_t stagger = 64 * (size_t)(1 + 2 * (buffer % 8));
    plan->buffers[buffer].bytes = (bytes + 4095) / 4096 * 4096 + stagger;
}

/* A buffer of the arena, of that many bytes and of a slice of images of `image` bytes;
 * GN_PLACE_NONE with INTERNAL when there are too many. */
static int new_buffer(struct gn_plan *plan, size_t bytes, size_t image)
{
    if (plan->n_buffers == plan->cap_buffers) {
        (void)gn_fail(GN_STATUS_INTERNAL, "plan: more buffers than layers allow");
        return GN_PLACE_NONE;
    }
    plan->buffers[plan->n_buffers] = (struct gn_buffer){
        .element = sizeof(float), .image = image, .chain = -1, .first = -1, .last = -1
    };
    gn_plan_resize(plan, plan->n_buffers, bytes + image * (size_t)plan->slice);
    return plan->n_buffers++;
}

/* Channels of concatenation i before its input `in`. */
static int channels_before(const struct gn_plan *plan, int i, int in)
{
    const struct gn_graph *g = plan->net->graph;
    int channel = 0;
    for (int k = 0; gn_plan_input(plan, i, k) != in; k++)
        channel += g->layers[gn_plan_input(plan, i, k)].out.c;
    return channel;
}

/* A buffer for `channels` values a pixel of layer i. Pixels are never a multiple of 512 bytes
 * apart: those that a tile reads together would compete for a few sets of L1. */
static struct gn_place new_place(struct gn_plan *plan, int i, int channels)
{
    const struct gn_shape s = plan->net->graph->layers[i].out;
    const size_t pixels = (size_t)s.h * (size_t)s.w;
    const bool many = pixels > 1 || plan->slice > 1;
    const int element = plan->values[i].bytes ? 1 : (int)sizeof(float);
    const int ld = channels * element % 512 == 0 && many ? channels + 64 / element : channels;
    const int buffer = new_buffer(plan, 0, pixels * (size_t)ld * (size_t)element);
    if (buffer >= 0)
        plan->buffers[buffer].element = element;
    return (struct gn_place){ buffer, 0, ld };
}

static struct gn_place moved(struct gn_place place, int channels)
{
    place.channel += channels;
    return place;
}

/* Buffers that groups share, and those of their joint parameters. */
static void place_groups(struct gn_plan *plan)
{
    for (int i = 0; i < plan->n_groups; i++) {
        struct gn_group *group = &plan->groups[i];
        const struct gn_geometry *w = &group->window;
        const size_t rows = (size_t)w->kh * (size_t)w->kw * (size_t)w->c, columns = (size_t)w->oc;
        const bool bias = plan->net->graph->layers[group->leader].bias >= 0 ||
                          plan->values[group->leader].norm >= 0;
        group->at = new_place(plan, group->leader, group->width);
        group->weights = new_buffer(plan, rows * columns * sizeof(float), 0);
        group->bias = bias ? new_buffer(plan, columns * sizeof(float), 0) : GN_PLACE_NONE;
        if (plan->goes_back)
            group->gradient_at = new_place(plan, group->leader, group->width);
        if (!plan->train)
            continue;
        group->dw_floats = (rows * columns + 15) / 16 * 16;
        group->db_floats = (columns + 15) / 16 * 16;
        const size_t bytes = (size_t)plan->slots * sizeof(float);
        group->dw = new_buffer(plan, group->dw_floats * bytes, 0);
        group->db = bias ? new_buffer(plan, group->db_floats * bytes, 0) : GN_PLACE_NONE;
    }
}

/* The group in whose buffer layer i is, as a member or as its host, and the channel at which it
 * begins there; NULL: none. */
static const struct gn_group *group_of(const struct gn_plan *plan, int i, int *channel)
{
    for (int k = 0; k < plan->n_groups; k++) {
        const struct gn_group *group = &plan->groups[k];
        for (int m = 0; m < group->n; m++) {
            *channel = group->first + group->channels[m];
            if (group->members[m] == i || (m == group->n - 1 && group->host == i))
                return group;
        }
    }
    return NULL;
}

/* The gradient of a layer that `backs_in_place` may replace that of its output, which it is the
 * last to read. */
static bool takes_gradient_of_its_reader(const struct gn_plan *plan, int i, int *reader)
{
    const struct gn_graph *g = plan->net->graph;
    if (plan->values[i].consumers != 1 || plan->values[i].in_place_of >= 0)
        return false;
    for (int j = i + 1; j < g->n_layers; j++) {
        *reader = j;
        if (plan->values[j].live && plan->values[j].same_as == j &&
            g->layers[j].op->backs_in_place && gn_plan_input(plan, j, 0) == i)
            return true;
    }
    return false;
}

/* Value i of the plan, and its gradient if `gradient`. */
static void place_value(struct gn_plan *plan, int i, bool gradient)
{
    const struct gn_shape s = plan->net->graph->layers[i].out;
    struct gn_value *v = &plan->values[i];
    int channel = 0;
    const struct gn_group *group = group_of(plan, i, &channel);
    if (v->in_place_of >= 0) {
        const struct gn_value *whole = &plan->values[v->in_place_of];
        channel = channels_before(plan, v->in_place_of, i);
        v->at = moved(whole->at, channel);
        if (gradient)
            v->gradient_at = moved(whole->gradient_at, channel);
    } else if (group != NULL) {
        v->at = moved(group->at, channel);
        if (gradient)
            v->gradient_at = moved(group->gradient_at, channel);
    } else {
        int reader;
        v->at = new_place(plan, i, s.c);
        if (gradient)
            v->gradient_at = takes_gradient_of_its_reader(plan, i, &reader)
                                 ? plan->values[reader].gradient_at
                                 : new_place(plan, i, s.c);
    }
    const struct gn_layer *layer = &plan->net->graph->layers[i];
    if (layer->op->shared_floats != NULL) {
        const size_t floats = layer->op->shared_floats(
            &layer->window, plan->slice, plan->train && plan->whole ? plan->all_grains : 1);
        v->shared = new_buffer(plan, floats * sizeof(float), 0);
    }
    if (gradient && layer->op->kept_bytes != NULL)
        v->kept = new_buffer(plan, 0, layer->op->kept_bytes(&layer->window));
}

gn_status gn_plan_place(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    place_groups(plan);
    for (int i = g->n_layers - 1; i >= 0; i--) { /* concatenations come after their inputs */
        struct gn_value *v = &plan->values[i];
        v->at = v->gradient_at = (struct gn_place){ GN_PLACE_NONE, 0, g->layers[i].out.c };
        v->kept = v->shared = -1;
        if (!v->live || v->same_as != i)
            continue;
        if (g->layers[i].n_inputs == 0)
            v->at.buffer = GN_PLACE_IMAGES;
        else
            place_value(plan, i, plan->goes_back && v->needs_gradient);
    }
    return plan->n_buffers > 0 ? GN_OK : gn_last_status();
}
