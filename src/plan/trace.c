/* How long each step took, what each thread did and where each block lies: for people, by the benchmark. */
#include "base/memory.h"
#include "base/threads.h"
#include "plan/internal.h"

#include <stdio.h>

gn_status gn_plan_time(struct gn_plan *plan)
{
    if (plan->timings == NULL)
        plan->timings =
            gn_calloc((size_t)plan->n_steps, sizeof *plan->timings, "the table of times");
    if (plan->timings == NULL)
        return gn_last_status();
    for (int i = 0; i < plan->n_steps; i++)
        atomic_store(&plan->steps[i].nanoseconds, 0);
    plan->timing = true;
    return GN_OK;
}

/* Nominal multiply-adds of a step, one image. */
static double step_macs(const struct gn_plan *plan, const struct gn_step *s)
{
    if (s->group < 0)
        return (double)gn_layer_macs(plan->net->graph, s->layer);
    double macs = 0;
    for (int k = 0; k < plan->groups[s->group].n; k++)
        macs += (double)gn_layer_macs(plan->net->graph, plan->groups[s->group].members[k]);
    return macs;
}

int gn_plan_timings(const struct gn_plan *plan, const struct gn_plan_timing **table)
{
    for (int i = 0; plan->timings != NULL && i < plan->n_steps; i++) {
        const struct gn_step *s = &plan->steps[i];
        const bool counts = i >= plan->n_prepare && i < plan->n_backward && s->args.w != NULL;
        plan->timings[i] = (struct gn_plan_timing){
            .layer = plan->net->graph->layers[s->layer].name,
            .pass = s->pass,
            .kernel = s->kernel->name,
            .ms = 1e-6 * (double)atomic_load(&s->nanoseconds),
            .macs = counts ? step_macs(plan, s) * plan->batch : 0,
        };
    }
    *table = plan->timings;
    return plan->timings == NULL ? 0 : plan->n_steps;
}

gn_status gn_plan_trace(struct gn_plan *plan, size_t spans)
{
    gn_plan_free_trace(plan);
    struct gn_plan_spans *trace = gn_calloc((size_t)plan->threads, sizeof *trace, "the trace");
    if (trace == NULL)
        return gn_last_status();
    for (int i = 0; i < plan->threads; i++) {
        trace[i].most = spans;
        trace[i].list = gn_calloc(spans, sizeof *trace[i].list, "the trace");
        if (trace[i].list == NULL)
            trace[i].most = 0;
    }
    plan->trace = trace;
    for (int i = 0; i < plan->threads; i++)
        if (trace[i].most == 0)
            return gn_last_status();
    return GN_OK;
}

void gn_plan_free_trace(struct gn_plan *plan)
{
    for (int i = 0; plan->trace != NULL && i < plan->threads; i++)
        gn_free(plan->trace[i].list);
    gn_free(plan->trace);
    plan->trace = NULL;
}

void gn_plan_record(struct gn_plan *plan, int thread, const struct gn_step *step, double start)
{
    struct gn_plan_spans *own = &plan->trace[thread];
    if (own->n < own->most)
        own->list[own->n++] =
            (struct gn_plan_span){ (int)(step - plan->steps), start, gn_seconds() };
}

bool gn_plan_spans(const struct gn_plan *plan, int thread, const struct gn_plan_span **spans,
                   size_t *n)
{
    if (plan->trace == NULL || thread >= plan->threads)
        return false;
    *spans = plan->trace[thread].list;
    *n = plan->trace[thread].n;
    return true;
}

struct gn_plan_timing gn_plan_step_name(const struct gn_plan *plan, int step)
{
    const struct gn_step *s = &plan->steps[step];
    return (struct gn_plan_timing){ .layer = plan->net->graph->layers[s->layer].name,
                                    .pass = s->pass,
                                    .kernel = s->kernel->name };
}

int gn_plan_n_steps(const struct gn_plan *plan)
{
    return plan->n_steps;
}

static bool is_of_group(const struct gn_group *g, int buffer)
{
    return buffer == g->weights || buffer == g->bias || buffer == g->dw || buffer == g->db;
}

/* The layer that a buffer belongs to, and what it holds: of several the last one, a concatenation. */
static void name_buffer(const struct gn_plan *plan, int buffer, struct gn_bench_block *block)
{
    const char *what = "", *name = "";
    for (int i = 0; i < plan->net->graph->n_layers; i++) {
        const struct gn_value *v = &plan->values[i];
        const char *found = !v->live || v->same_as != i       ? NULL
                            : v->at.buffer == buffer          ? "value"
                            : v->gradient_at.buffer == buffer ? "gradient"
                            : v->kept == buffer               ? "kept"
                            : v->shared == buffer             ? "shared"
                                                              : NULL;
        what = found != NULL ? found : what;
        name = found != NULL ? plan->net->graph->layers[i].name : name;
    }
    for (int i = 0; i < plan->n_groups; i++) {
        if (!is_of_group(&plan->groups[i], buffer))
            continue;
        what = "weights";
        name = plan->net->graph->layers[plan->groups[i].leader].name;
    }
    (void)snprintf(block->name, sizeof block->name, "%s", name);
    (void)snprintf(block->what, sizeof block->what, "%s", what);
}

bool gn_plan_block(const struct gn_plan *plan, int i, struct gn_bench_block *block)
{
    for (int k = 0; k < plan->n_buffers; k++) {
        const struct gn_buffer *b = &plan->buffers[k];
        if (b->first < 0 || b->chain >= 0 || i-- > 0)
            continue;
        *block = (struct gn_bench_block){
            .offset = b->offset, .bytes = b->bytes, .first = b->first, .last = b->last
        };
        name_buffer(plan, k, block);
        return true;
    }
    for (int k = 0; k < plan->n_chains; k++) {
        const struct gn_chain *c = &plan->chains[k];
        if (c->bytes == 0 || i-- > 0)
            continue;
        *block = (struct gn_bench_block){ .what = "chain",
                                          .offset = c->offset,
                                          .bytes = c->bytes * (size_t)plan->threads,
                                          .first = c->from,
                                          .last = c->to - 1 };
        (void)snprintf(block->name, sizeof block->name, "%s",
                       plan->net->graph->layers[plan->steps[c->from].layer].name);
        return true;
    }
    return false;
}
