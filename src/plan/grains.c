/*
 * Grains of a batch: parts whose gradients are sums of their own. Which images they have, where their sums go,
 * and how a unit of a step adds what it has computed to the sums of other grains, while it is in its cache.
 */
#include "base/pairwise.h"
#include "plan/internal.h"

#include <string.h>

/* Of a batch whose grains the caller has not counted: all have the same size but the last. */
static int usual_count(const struct gn_plan *plan, int n, int i)
{
    const int left = n - i * plan->grain;
    return left < plan->grain ? left : plan->grain;
}

gn_status gn_plan_list_grains(struct gn_plan *plan, const struct gn_plan_batch *batch)
{
    struct gn_pairwise tree;
    const bool counted = batch->counts != NULL;
    const int from = counted ? batch->from : 0;
    const int to = counted ? batch->to : (batch->n + plan->grain - 1) / plan->grain;
    const int all = counted ? batch->n_counts : to;
    int images = 0;
    if (from < 0 || to - from > plan->part || to > all)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "grains %d to %d of %d for a plan of at most %d", from, to,
                all, plan->part);
    plan->n_grains = to - from;
    gn_pairwise_begin(&tree, all);
    for (int i = from; i < to; i++) {
        struct gn_grain *grain = &plan->grains[i - from];
        const int n = counted ? batch->counts[i] : usual_count(plan, batch->n, i);
        if (n < 0 || n > plan->grain)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%d images in a grain of at most %d", n, plan->grain);
        *grain = (struct gn_grain){
            .first = plan->whole ? images : 0, .n = n, .number = i, .slot = tree.n
        };
        plan->counts[i - from] = n;
        images += n;
        grain->additions = gn_pairwise_push_grain(&tree, i);
        GN_ASSERT(grain->slot < plan->slots);
    }
    plan->n_sums = tree.n;
    if (images != batch->n)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%d images in grains of %d in all", batch->n, images);
    return GN_OK;
}

/* The sums of one head over the grains. */
static double sum_losses(const struct gn_loss_sum *sums, int n, int *correct)
{
    *correct = 0;
    for (int i = 0; i < n; i++)
        *correct += sums[i].correct;
    return gn_pairwise_sum(&sums[0].loss, n, sizeof *sums / sizeof(double));
}

void gn_plan_sum_losses(const struct gn_plan *plan, struct gn_plan_sums *sums)
{
    const int n = plan->n_grains;
    *sums = (struct gn_plan_sums){ 0 };
    sums->loss = sum_losses(plan->sums[0], n, &sums->correct);
    for (int i = 0; i < plan->net->graph->n_heads; i++)
        sums->head_losses[i] = sum_losses(plan->sums[1 + i], n, &sums->head_correct[i]);
}

const struct gn_loss_sum *gn_plan_grain_losses(const struct gn_plan *plan, int head)
{
    return plan->sums[1 + head];
}

float *gn_plan_slot(const struct gn_plan *plan, float *grads, int slot)
{
    const struct gn_slots more = { plan->more_grads, plan->net->graph->n_floats };
    return gn_slot(grads, &more, slot);
}

int gn_plan_slots(const struct gn_plan *plan)
{
    return plan->slots;
}

void gn_plan_watch(struct gn_plan *plan, void (*ready)(void *user, size_t from), void *user)
{
    plan->ready = ready;
    plan->watcher = user;
}

/* The last step backward of a layer, or of its group; it changes no gradient after it. -1: none. */
static int last_step(const struct gn_plan *plan, int layer)
{
    const int group = plan->values[layer].group;
    for (int i = plan->n_backward - 1; i >= plan->n_forward; i--)
        if (plan->steps[i].layer == layer || (group >= 0 && plan->steps[i].group == group))
            return i;
    return -1;
}

void gn_plan_mark_final(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = plan->n_backward; i < plan->n_split; i++) {
        struct gn_step *s = &plan->steps[last_step(plan, plan->steps[i].layer)];
        s->split_from = s->split_to == 0 ? i : s->split_from;
        s->split_to = i + 1;
    }
    for (int k = 0; k < g->n_layers; k++) {
        const int tensors[] = { g->layers[k].weight, g->layers[k].bias };
        const int last = last_step(plan, k);
        for (int t = 0; t < 2; t++) {
            const struct gn_tensor *tensor = tensors[t] < 0 ? NULL : &g->tensors[tensors[t]];
            for (int i = plan->n_forward; tensor != NULL && i < last; i++)
                if (tensor->offset + tensor->count > plan->steps[i].final_from)
                    plan->steps[i].final_from = tensor->offset + tensor->count;
        }
    }
}

/* Gradients of the parameters go to `grads` and, other slots, to the plan's own arrays. */
void gn_plan_bind_gradients(struct gn_plan *plan, float *grads)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = plan->n_forward; i < plan->n_backward; i++) {
        const struct gn_layer *layer = &g->layers[plan->steps[i].layer];
        struct gn_args *a = &plan->steps[i].args;
        if (plan->steps[i].group >= 0)
            continue; /* joint gradients have a buffer of their own */
        const size_t dw = layer->weight < 0 ? 0 : g->tensors[layer->weight].offset;
        const size_t db = layer->bias < 0 ? 0 : g->tensors[layer->bias].offset;
        a->dw = layer->weight < 0 ? NULL : grads + dw;
        a->db = layer->bias < 0 ? NULL : grads + db;
        a->dw_slots = (struct gn_slots){ plan->more_grads + dw, g->n_floats };
        a->db_slots = (struct gn_slots){ plan->more_grads + db, g->n_floats };
    }
}

/* The steps that divide joint gradients, for the sums in a slot. */
void gn_plan_bind_split(struct gn_plan *plan, float *grads, int slot)
{
    const struct gn_slots more = { plan->more_grads, plan->net->graph->n_floats };
    for (int i = plan->n_backward; i < plan->n_split; i++) {
        struct gn_step *s = &plan->steps[i];
        const float *joint = (const float *)(const void *)gn_plan_buffer(plan, s->dy.buffer);
        const float *from = joint + s->dy.channel + (size_t)slot * s->joint;
        memcpy(&s->args.dy.data, &from, sizeof from);
        s->args.dx.data = gn_slot(grads, &more, slot) + s->dx.channel;
    }
}

/* ---- What a unit does ---- */

static void clear(const struct gn_region *r, float *dw, float *db)
{
    for (int t = 0; t < r->taps; t++)
        for (int i = 0; i < r->rows; i++)
            memset(dw + r->first + (size_t)t * r->tap_stride + (size_t)i * r->row_stride, 0,
                   (size_t)r->columns * sizeof *dw);
    if (r->biases > 0)
        memset(db + r->bias, 0, (size_t)r->biases * sizeof *db);
}

static void add_row(float *restrict to, const float *restrict from, int n)
{
#pragma omp simd
    for (int i = 0; i < n; i++)
        to[i] = to[i] + from[i];
}

/* Adds what slot `slot` has of a unit to the slot below it. */
static void add(const struct gn_args *a, const struct gn_region *r, int slot)
{
    const float *from = gn_slot(a->dw, &a->dw_slots, slot) + r->first;
    float *to = gn_slot(a->dw, &a->dw_slots, slot - 1) + r->first;
    for (int t = 0; t < r->taps; t++) {
        for (int i = 0; i < r->rows; i++) {
            const size_t at = (size_t)t * r->tap_stride + (size_t)i * r->row_stride;
            add_row(to + at, from + at, r->columns);
        }
    }
    if (r->biases > 0)
        add_row(gn_slot(a->db, &a->db_slots, slot - 1) + r->bias,
                gn_slot(a->db, &a->db_slots, slot) + r->bias, r->biases);
}

/* The arguments of a step for the images of one grain. */
static struct gn_args args_of(const struct gn_args *a, const struct gn_grain *grain)
{
    struct gn_args own = *a;
    const size_t first = (size_t)grain->first;
    own.x.data += first * (size_t)a->g.h * (size_t)a->g.w * (size_t)a->x.ld;
    own.dy.data += first * (size_t)a->g.oh * (size_t)a->g.ow * (size_t)a->dy.ld;
    own.dw = gn_slot(a->dw, &a->dw_slots, grain->slot);
    own.db = a->db == NULL ? NULL : gn_slot(a->db, &a->db_slots, grain->slot);
    return own;
}

void gn_plan_run_unit(const struct gn_kernel *kernel, const struct gn_args *a,
                      const struct gn_run *run, int unit, void *scratch)
{
    struct gn_region region;
    if (kernel->region == NULL) {
        kernel->run(a, run, unit, scratch);
        return;
    }
    for (int i = 0; i < run->n_grains; i++) {
        const struct gn_grain *grain = &run->grains[i];
        const struct gn_args own = args_of(a, grain);
        struct gn_run part = *run;
        part.n = grain->n;
        kernel->region(&own, unit, &region);
        if (grain->n > 0)
            kernel->run(&own, &part, unit, scratch);
        else
            clear(&region, own.dw, own.db);
        for (int k = 0; k < grain->additions; k++)
            add(a, &region, grain->slot - k);
    }
}
