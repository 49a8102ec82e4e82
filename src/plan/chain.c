/*
 * Pass 7: which steps run depth first. What the first layers write exceeds the caches: a slice of
 * it goes to memory and comes back. So where a step reads what the step before it wrote, each
 * thread takes a few images through such a chain before it takes the next ones. What only the chain
 * uses then stays in the cache, and lies in a block of each thread that is reused for the next
 * images.
 *
 * Every step of a chain computes each image by itself, so no bit depends on how many are taken.
 */
#include "plan/internal.h"

enum {
    CACHE_BYTES = 512 << 10, /* images of a chain: as many as fill the cache of one core; */
    MOST_BYTES = 5 << 19     /* where more are wanted, these */
};

/* Whether channels [from, from + n) at `in` lie within the `m` channels at `out`. */
static bool holds(const struct gn_place *out, int m, const struct gn_place *in, int n)
{
    return out->buffer >= 0 && out->buffer == in->buffer && in->channel >= out->channel &&
           in->channel + n <= out->channel + m;
}

/* Whether step b reads nothing but what step a, before it, wrote. */
static bool follows(const struct gn_step *a, const struct gn_step *b)
{
    return holds(&a->y, a->args.g.oc, &b->x, b->args.g.c) ||
           holds(&a->dx, a->args.g.c, &b->dy, b->args.g.oc);
}

static size_t element_of(const struct gn_plan *plan, struct gn_place at)
{
    return at.buffer < 0 ? sizeof(float) : (size_t)plan->buffers[at.buffer].element;
}

/* Bytes of an image that a step reads and writes. */
static size_t step_bytes(const struct gn_plan *plan, const struct gn_step *s)
{
    const struct gn_geometry *g = &s->args.g;
    return (size_t)g->h * (size_t)g->w * (size_t)g->c * element_of(plan, s->x) +
           (size_t)g->oh * (size_t)g->ow * (size_t)g->oc * element_of(plan, s->y);
}

/* Images that a step wants at least, so that it reads no more weights than twice the rest. */
static size_t least_images(const struct gn_plan *plan, const struct gn_step *s)
{
    const bool forward = s->dx.buffer == GN_PLACE_NONE;
    const size_t values =
        !gn_plan_multiplies(plan, s->layer) ? 0
        : forward ? gn_packed_floats(plan->kernels, gn_plan_pack_pass(plan, s->layer), &s->args.g,
                                     s->args.tile)
                  : gn_packed_floats(plan->kernels, GN_PASS_PACK_BACK, &s->args.g, s->args.tile);
    const size_t twice = 2 * step_bytes(plan, s);
    return (values * (s->args.half ? sizeof(uint16_t) : sizeof(float)) + twice - 1) / twice;
}

/* The chain that begins with step `from` and ends before step `end` at the latest. */
static struct gn_chain longest_chain(const struct gn_plan *plan, int from, int end)
{
    struct gn_chain c = { .from = from, .to = from, .images = 1 };
    size_t largest = 0, least = 1;
    for (int i = from; i < end; i++) {
        const struct gn_step *s = &plan->steps[i];
        if (!s->kernel->by_image || (i > from && !follows(s - 1, s)))
            break;
        const size_t bytes = step_bytes(plan, s), images = least_images(plan, s);
        largest = bytes > largest ? bytes : largest;
        least = images > least ? images : least;
        if (plan->portion == 0 && least > 1 && least * largest > MOST_BYTES)
            break;
        const size_t fit = CACHE_BYTES / largest;
        c.images = plan->portion > 0 ? plan->portion : (int)(fit > least ? fit : least);
        c.to = i + 1;
    }
    return c;
}

/* Buffers that only the chain uses become part of each thread's block; what others use too must
 * outlive all of the chain, since it is run several times. */
static void confine_buffers(struct gn_plan *plan, int chain)
{
    const struct gn_chain *c = &plan->chains[chain];
    const bool smaller = (size_t)c->images * (size_t)plan->threads < (size_t)plan->slice;
    for (int i = 0; i < plan->n_buffers; i++) {
        struct gn_buffer *b = &plan->buffers[i];
        if (b->image == 0 || b->last < c->from || b->first >= c->to)
            continue;
        if (b->first >= c->from && b->last < c->to && smaller) {
            b->chain = chain;
            gn_plan_resize(plan, i, (size_t)c->images * b->image);
            continue;
        }
        b->first = b->first > c->from ? c->from : b->first;
        b->last = b->last < c->to - 1 ? c->to - 1 : b->last;
    }
}

void gn_plan_chain(struct gn_plan *plan)
{
    const int ends[2] = { plan->n_forward, plan->n_backward };
    int i = plan->n_prepare;
    if (plan->focus >= 0 || plan->keeps)
        return; /* what gn_plan_attend writes, and what is copied, is of the whole slice */
    for (int pass = 0; pass < 2; pass++) {
        while (i < ends[pass]) {
            const struct gn_chain c = longest_chain(plan, i, ends[pass]);
            i = c.to > i ? c.to : i + 1;
            if (c.to - c.from < 2)
                continue;
            plan->chains[plan->n_chains] = c;
            confine_buffers(plan, plan->n_chains++);
        }
    }
}
