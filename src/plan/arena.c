/*
 * Pass 7: lifetimes become offsets. Buffers are placed from the largest down, each at the lowest
 * offset where it meets no buffer that is alive at the same time.
 */
#include "base/memory.h"
#include "plan/internal.h"

#include <stdlib.h>
#include <string.h>

static int larger_first(const void *a, const void *b)
{
    const struct gn_buffer *const *x = a, *const *y = b;
    if ((*x)->bytes != (*y)->bytes)
        return (*x)->bytes < (*y)->bytes ? 1 : -1;
    return *x < *y ? -1 : *x > *y; /* equal plans on every machine */
}

static bool meet(const struct gn_buffer *a, const struct gn_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset for `b` beside the `n` placed ones that are alive with it. */
static size_t lowest_offset(const struct gn_buffer *b, struct gn_buffer *const *placed, int n)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const struct gn_buffer *p = placed[i];
            if (meet(b, p) && offset < p->offset + p->bytes && p->offset < offset + b->bytes) {
                offset = p->offset + p->bytes;
                moved = true;
            }
        }
    }
    return offset;
}

gn_status gn_plan_arena(struct gn_plan *plan)
{
    struct gn_buffer **order =
        gn_calloc((size_t)plan->n_buffers + 1, sizeof(struct gn_buffer *), "the plan");
    if (order == NULL)
        return gn_last_status();
    int used = 0;
    for (int i = 0; i < plan->n_buffers; i++)
        if (plan->buffers[i].first >= 0)
            order[used++] = &plan->buffers[i];
    qsort(order, (size_t)used, sizeof *order, larger_first);
    for (int i = 0; i < used; i++) {
        order[i]->offset = lowest_offset(order[i], order, i);
        const size_t end = order[i]->offset + order[i]->bytes;
        plan->arena_bytes = end > plan->arena_bytes ? end : plan->arena_bytes;
    }
    gn_free(order);
    return GN_OK;
}

static float *address(const struct gn_plan *plan, struct gn_place at)
{
    if (at.buffer == GN_PLACE_PARAMS)
        return plan->net->params + at.channel;
    if (at.buffer < 0)
        return NULL;
    return (float *)(void *)(plan->arena + plan->buffers[at.buffer].offset) + at.channel;
}

static void bind_group(const struct gn_plan *plan, const struct gn_group *group, struct gn_args *a)
{
    a->w = address(plan, (struct gn_place){ .buffer = group->weights });
    a->b = address(plan, (struct gn_place){ .buffer = group->bias });
    a->dw = address(plan, (struct gn_place){ .buffer = group->dw });
    a->db = address(plan, (struct gn_place){ .buffer = group->db });
}

/* Turns every step's places into pointers. */
void gn_plan_bind(struct gn_plan *plan)
{
    for (int i = 0; i < plan->n_steps; i++) {
        struct gn_step *s = &plan->steps[i];
        struct gn_args *a = &s->args;
        a->x = (struct gn_view){ address(plan, s->x), s->x.ld };
        a->y = (struct gn_view){ address(plan, s->y), s->y.ld };
        a->dx = (struct gn_view){ address(plan, s->dx), s->dx.ld };
        a->dy = (struct gn_view){ address(plan, s->dy), s->dy.ld };
        if (s->argmax >= 0)
            a->argmax = (uint8_t *)plan->arena + plan->buffers[s->argmax].offset;
        if (s->group >= 0)
            bind_group(plan, &plan->groups[s->group], a);
        if (s->stats >= 0)
            a->norm.stats = (float *)(void *)(plan->arena + plan->buffers[s->stats].offset);
        a->packed = plan->values[s->layer].packed;
        a->packed_back = plan->values[s->layer].packed_back;
        a->zeros = plan->zeros;
    }
}
