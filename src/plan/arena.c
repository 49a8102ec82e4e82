/*
 * Pass 9: lifetimes become offsets. Buffers are placed from the largest down, each at the lowest
 * offset where it meets no buffer that is alive at the same time. Those that one chain alone uses
 * lie in a block, one of each thread, in the same way.
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

/* The lowest offset for `b` next to the `n` placed ones that are alive with it. */
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

/* Gives offsets to `n` buffers; returns the bytes that they take. */
static size_t place_all(struct gn_buffer **buffers, int n)
{
    size_t bytes = 0;
    qsort(buffers, (size_t)n, sizeof *buffers, larger_first);
    for (int i = 0; i < n; i++) {
        buffers[i]->offset = lowest_offset(buffers[i], buffers, i);
        const size_t end = buffers[i]->offset + buffers[i]->bytes;
        bytes = end > bytes ? end : bytes;
    }
    return bytes;
}

/* The buffers that are used, of chain number `chain` or of none (-1). */
static int list_buffers(struct gn_plan *plan, int chain, struct gn_buffer **list)
{
    int n = 0;
    for (int i = 0; i < plan->n_buffers; i++)
        if (plan->buffers[i].first >= 0 && plan->buffers[i].chain == chain)
            list[n++] = &plan->buffers[i];
    return n;
}

/* What the caller may copy after a call. */
static void keep_values(struct gn_plan *plan)
{
    for (int i = 0; plan->keeps && i < plan->n_buffers; i++) {
        struct gn_buffer *b = &plan->buffers[i];
        if (b->image > 0 && b->first >= 0) {
            b->first = 0;
            b->last = plan->n_steps;
        }
    }
}

gn_status gn_plan_arena(struct gn_plan *plan)
{
    keep_values(plan);
    const size_t most = (size_t)(plan->n_buffers + plan->n_chains + 1);
    struct gn_buffer **list = gn_calloc(most, sizeof(struct gn_buffer *), "the plan");
    struct gn_buffer *blocks = gn_calloc(most, sizeof *blocks, "the plan");
    if (list != NULL && blocks != NULL) {
        for (int i = 0; i < plan->n_chains; i++) {
            struct gn_chain *c = &plan->chains[i];
            c->bytes = (place_all(list, list_buffers(plan, i, list)) + 4095) / 4096 * 4096;
            blocks[i] = (struct gn_buffer){ .bytes = c->bytes * (size_t)plan->threads,
                                            .first = c->from,
                                            .last = c->to - 1 };
        }
        int n = list_buffers(plan, -1, list);
        for (int i = 0; i < plan->n_chains; i++)
            list[n++] = &blocks[i];
        plan->arena_bytes = place_all(list, n);
        for (int i = 0; i < plan->n_chains; i++)
            plan->chains[i].offset = blocks[i].offset;
    }
    const bool made = list != NULL && blocks != NULL;
    gn_free(list);
    gn_free(blocks);
    return made ? GN_OK : gn_last_status();
}

char *gn_plan_buffer(const struct gn_plan *plan, int buffer)
{
    const struct gn_buffer *b = &plan->buffers[buffer];
    return plan->arena + b->offset + (b->chain < 0 ? 0 : plan->chains[b->chain].offset);
}

static float *address(const struct gn_plan *plan, struct gn_place at)
{
    if (at.buffer == GN_PLACE_PARAMS)
        return plan->net->params + at.channel;
    if (at.buffer < 0)
        return NULL;
    const ptrdiff_t bytes = (ptrdiff_t)at.channel * plan->buffers[at.buffer].element;
    return (float *)(void *)(gn_plan_buffer(plan, at.buffer) + bytes);
}

static void bind_group(const struct gn_plan *plan, const struct gn_group *group, struct gn_args *a)
{
    a->w = address(plan, (struct gn_place){ .buffer = group->weights });
    a->b = address(plan, (struct gn_place){ .buffer = group->bias });
    a->dw = address(plan, (struct gn_place){ .buffer = group->dw });
    a->db = address(plan, (struct gn_place){ .buffer = group->db });
    if (a->dw != NULL)
        a->dw_slots = (struct gn_slots){ a->dw + group->dw_floats, group->dw_floats };
    if (a->db != NULL)
        a->db_slots = (struct gn_slots){ a->db + group->db_floats, group->db_floats };
}

/* Turns every step's places into pointers. */
void gn_plan_bind(struct gn_plan *plan)
{
    for (int i = 0; i < plan->n_steps; i++) {
        struct gn_step *s = &plan->steps[i];
        struct gn_args *a = &s->args;
        a->x = (struct gn_view){ address(plan, s->x), s->x.ld };
        a->x2 = (struct gn_view){ address(plan, s->x2), s->x2.ld };
        a->y = (struct gn_view){ address(plan, s->y), s->y.ld };
        a->dx = (struct gn_view){ address(plan, s->dx), s->dx.ld };
        a->dy = (struct gn_view){ address(plan, s->dy), s->dy.ld };
        if (s->kept >= 0)
            a->kept = (uint8_t *)gn_plan_buffer(plan, s->kept);
        if (s->group >= 0)
            bind_group(plan, &plan->groups[s->group], a);
        if (s->shared >= 0)
            a->shared = (float *)(void *)gn_plan_buffer(plan, s->shared);
        a->packed = plan->values[s->layer].packed;
        a->packed_back = plan->values[s->layer].packed_back;
        a->zeros = plan->zeros;
    }
}
