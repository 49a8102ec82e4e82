/* Making, sizing and freeing plans. */
#include "plan/plan.h"

#include "base/memory.h"
#include "base/pairwise.h"
#include "base/team.h"
#include "base/threads.h"
#include "plan/internal.h"

#include <string.h>

/* Bytes of all outputs of one image. */
static uint64_t image_bytes(const struct gn_graph *g)
{
    uint64_t bytes = 0;
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_shape s = g->layers[i].out;
        /* A normalisation's output replaces that of its convolution in inference. */
        if (!g->layers[i].hidden && !g->layers[i].op->joins &&
            g->layers[i].op->fuses != GN_FUSE_NORM)
            bytes += (uint64_t)s.h * (uint64_t)s.w * (uint64_t)s.c * sizeof(float);
    }
    return bytes;
}

/*
 * Images a slice: activations of about 112 MB (32 images of 96x96, 6 of 224x224) keep memory
 * small, and enough rows for full tiles on the 3x3 maps. Prediction holds only a few of them at a
 * time, and reading all weights for every slice is what costs it most: its slices are larger. A
 * function of network, batch and mode alone, because the order of the gradients' sums depends on it.
 */
static int choose_slice(const struct gn_graph *g, int batch, bool train)
{
    const uint64_t budget = UINT64_C(112) << (train ? 20 : 23);
    const uint64_t fit = budget / (image_bytes(g) + 1);
    const int most = fit < 1 ? 1 : fit > (uint64_t)batch ? batch : (int)fit;
    const int slices = (batch + most - 1) / most;
    return (batch + slices - 1) / slices;
}

/* Whether a training step must see its batch as a whole. */
static bool needs_whole_batch(const struct gn_graph *g)
{
    for (int i = 0; i < g->n_layers; i++)
        if (g->layers[i].op->whole_batch)
            return true;
    return false;
}

/* Bytes, rounded up to a cache line, of so many values. */
static size_t line_bytes(size_t values, size_t each)
{
    return (values * each + 63) / 64 * 64;
}

size_t gn_plan_packed_bytes(const struct gn_plan *plan, int i)
{
    return line_bytes(gn_packed_floats(plan->kernels, gn_plan_pack_pass(plan, i),
                                       gn_plan_window(plan, i), plan->values[i].tile),
                      plan->values[i].half ? sizeof(uint16_t) : sizeof(float));
}

/* Of the plan's own packed weights; their addresses once there is memory. */
static void lay_out_packed(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    size_t bytes = 0;
    for (int pass = 0; pass < 2; pass++) {
        bytes = 0;
        for (int i = 0; i < g->n_layers; i++) {
            struct gn_value *v = &plan->values[i];
            if (!gn_plan_runs(plan, i) || !gn_plan_multiplies(plan, i))
                continue;
            const struct gn_geometry *w = gn_plan_window(plan, i);
            const bool back =
                plan->goes_back && plan->values[gn_plan_input(plan, i, 0)].needs_gradient;
            const size_t forward = gn_plan_packed_bytes(plan, i);
            const size_t backward =
                back ? line_bytes(
                           gn_packed_floats(plan->kernels, GN_PASS_PACK_BACK, w, v->tile_back),
                           sizeof(float))
                     : 0;
            if (plan->packed != NULL) {
                v->packed = (float *)(void *)(plan->packed + bytes);
                v->packed_back = (float *)(void *)(plan->packed + bytes + forward);
            }
            bytes += forward + backward;
        }
    }
    plan->packed_bytes = bytes + 64;
}

/* Statistics of each grain of a batch, for the running ones. */
static gn_status reserve_groups(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = 0; i < g->n_layers; i++) {
        plan->values[i].groups_at = plan->groups_stride;
        if (g->layers[i].op->group_doubles != NULL)
            plan->groups_stride += g->layers[i].op->group_doubles(&g->layers[i].window);
    }
    plan->group_sums = gn_calloc((size_t)plan->all_grains * plan->groups_stride + 1,
                                 sizeof *plan->group_sums, "the plan");
    return plan->group_sums == NULL ? gn_last_status() : GN_OK;
}

static gn_status reserve_grains(struct gn_plan *plan)
{
    const size_t most = (size_t)plan->part;
    plan->slots = gn_pairwise_depth(plan->all_grains, 0, plan->all_grains);
    if (plan->parts > 1) /* wherever they begin, as many trees that rise and that fall */
        plan->slots = 2 * gn_pairwise_depth(plan->part, 0, plan->part);
    plan->grains = gn_calloc(most, sizeof *plan->grains, "the plan");
    plan->counts = gn_calloc(most, sizeof *plan->counts, "the plan");
    bool lacks = plan->grains == NULL || plan->counts == NULL;
    for (int i = 0; i < 1 + plan->net->graph->n_heads; i++) {
        plan->sums[i] = gn_calloc(most, sizeof *plan->sums[i], "the plan");
        lacks |= plan->sums[i] == NULL;
    }
    return lacks ? gn_last_status() : GN_OK;
}

/* Of the partial sums of gradients besides the caller's array. */
static size_t more_floats(const struct gn_plan *plan)
{
    return plan->train ? (size_t)(plan->slots - 1) * plan->net->graph->n_floats : 0;
}

/* All passes, nothing large allocated. */
static gn_status make_passes(struct gn_plan *plan)
{
    const int n = plan->net->graph->n_layers;
    plan->cap_buffers = 6 * n;
    plan->cap_steps = (10 + GN_MAX_INPUTS) * n + 4 + GN_MAX_HEADS;
    plan->values = gn_calloc((size_t)n, sizeof *plan->values, "the plan");
    plan->buffers = gn_calloc((size_t)plan->cap_buffers, sizeof *plan->buffers, "the plan");
    plan->steps = gn_calloc((size_t)plan->cap_steps, sizeof *plan->steps, "the plan");
    plan->groups = gn_calloc((size_t)n, sizeof *plan->groups, "the plan");
    plan->chains = gn_calloc((size_t)plan->cap_steps, sizeof *plan->chains, "the plan");
    if (plan->values == NULL || plan->buffers == NULL || plan->steps == NULL ||
        plan->groups == NULL || plan->chains == NULL)
        return gn_last_status();
    if (plan->train)
        GN_TRY(reserve_grains(plan));
    if (plan->train && plan->norm_grains)
        GN_TRY(reserve_groups(plan));
    gn_plan_choose_bytes(plan);
    gn_plan_fuse(plan);
    gn_plan_concat(plan);
    gn_plan_merge(plan);
    GN_TRY(gn_plan_place(plan));
    gn_plan_choose(plan);
    GN_TRY(gn_plan_steps(plan));
    gn_plan_chain(plan);
    gn_plan_beside(plan);
    GN_TRY(gn_plan_arena(plan));
    if (plan->pack != NULL)
        plan->packed_bytes = gn_pack_lacks(plan->pack, plan);
    else
        lay_out_packed(plan);
    plan->scratch_bytes = (plan->scratch_bytes + 8191) / 4096 * 4096;
    return GN_OK;
}

static size_t zeros_bytes(const struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    size_t most = 16;
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_geometry *w = gn_plan_window(plan, i);
        const size_t window = (size_t)w->kh * (size_t)w->kw * (size_t)w->c;
        const size_t c = (size_t)(w->oc > g->layers[i].out.c ? w->oc : g->layers[i].out.c);
        most = c > most ? c : most;
        if (g->layers[i].weight >= 0)
            most = window > most ? window : most;
    }
    return (most + 16) * sizeof(float);
}

static uint64_t total_bytes(const struct gn_plan *plan)
{
    return (uint64_t)(plan->borrows ? 0 : plan->arena_bytes) + plan->packed_bytes +
           (uint64_t)plan->scratch_bytes * (uint64_t)plan->threads + zeros_bytes(plan) +
           (uint64_t)more_floats(plan) * sizeof(float);
}

gn_status gn_plan_allocate(struct gn_plan *plan)
{
    GN_TRY(gn_team_reserve(plan->threads));
    plan->borrows = plan->lender != NULL && plan->lender->arena_bytes >= plan->arena_bytes;
    plan->arena =
        plan->borrows ? plan->lender->arena : gn_alloc(plan->arena_bytes + 64, "activations");
    plan->scratch =
        gn_alloc(plan->scratch_bytes * (size_t)plan->threads, "the threads' working memory");
    plan->zeros = gn_calloc(1, zeros_bytes(plan), "zeros");
    if (plan->train)
        plan->more_grads = gn_calloc(more_floats(plan) + 1, sizeof(float), "gradients of grains");
    if (plan->arena == NULL || plan->scratch == NULL || plan->zeros == NULL ||
        (plan->train && plan->more_grads == NULL))
        return gn_last_status();
    if (plan->pack != NULL)
        return gn_pack_fill(plan->pack, plan);
    plan->packed = gn_alloc(plan->packed_bytes, "packed weights");
    if (plan->packed == NULL)
        return gn_last_status();
    lay_out_packed(plan);
    gn_plan_bind(plan);
    return GN_OK;
}

static gn_status check_size(const struct gn_net *net, int batch)
{
    const uint64_t image = image_bytes(net->graph);
    uint64_t all;
    if (__builtin_mul_overflow(image, (uint64_t)batch, &all) || all > UINT64_MAX / 16)
        GN_FAIL(GN_STATUS_NO_MEMORY, "batch %d: the activations exceed every memory", batch);
    return GN_OK;
}

struct gn_plan *gn_plan_draft(struct gn_net *net, const struct gn_plan_options *o)
{
    if (net == NULL)
        return NULL;
    if (o->batch < 1) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "batch %d (at least 1)", o->batch);
        return NULL;
    }
    const struct gn_kernel_set *kernels = o->reference ? gn_reference_kernels() : gn_cpu_kernels();
    if (kernels == NULL || check_size(net, o->batch) != GN_OK ||
        (o->train && gn_graph_check_trainable(net->graph) != GN_OK))
        return NULL;
    struct gn_plan *plan = gn_calloc(1, sizeof *plan, "the plan");
    if (plan == NULL)
        return NULL;
    plan->net = net;
    plan->kernels = kernels;
    plan->train = o->train;
    plan->goes_back = o->train || o->focus > 0;
    plan->focus = o->focus > 0 ? o->focus : -1;
    plan->half = !o->reference && !o->train && o->weights == GN_WEIGHTS_F16;
    plan->algorithm = o->reference ? GN_ALGORITHM_DIRECT : o->algorithm;
    plan->label_smoothing = o->label_smoothing;
    plan->class_weights = o->class_weights;
    plan->norm_momentum = o->norm_momentum;
    plan->freeze = o->freeze;
    plan->batch = o->batch;
    plan->portion = o->portion;
    plan->keeps = o->keep;
    plan->borrows = o->validates;
    plan->lender = o->lender;
    plan->pack = o->reference ? NULL : gn_pack_keep(o->pack);
    const bool trains = o->train || o->validates;
    plan->norm_grains = o->norm_grains && needs_whole_batch(net->graph);
    plan->whole = trains && !plan->norm_grains && needs_whole_batch(net->graph);
    plan->grain = o->slice > 0 ? o->slice : choose_slice(net->graph, o->batch, trains);
    plan->chooses = plan->whole ? o->batch : plan->grain;
    plan->all_grains = (o->batch + plan->grain - 1) / plan->grain;
    plan->parts = o->parts;
    plan->part = o->most_grains != NULL ? o->most_grains(o->user, plan->all_grains)
                 : o->parts > 1         ? (plan->all_grains + o->parts - 1) / o->parts
                                        : plan->all_grains;
    plan->slice = plan->whole && o->train ? plan->part * plan->grain : plan->chooses;
    plan->slice = plan->whole && plan->slice > o->batch ? o->batch : plan->slice;
    plan->share = o->share;
    plan->user = o->user;
    plan->threads = o->threads > 0 ? o->threads : gn_usable_threads(NULL);
    plan->threads = plan->threads > GN_MAX_THREADS ? GN_MAX_THREADS : plan->threads;
    if (make_passes(plan) != GN_OK) {
        gn_plan_free(plan);
        return NULL;
    }
    return plan;
}

struct gn_plan *gn_plan_create(struct gn_net *net, const struct gn_plan_options *options)
{
    struct gn_plan *plan = gn_plan_draft(net, options);
    if (plan != NULL && gn_plan_allocate(plan) != GN_OK) {
        gn_plan_free(plan);
        plan = NULL;
    }
    return plan;
}

void gn_plan_free(struct gn_plan *plan)
{
    if (plan == NULL)
        return;
    gn_free(plan->values);
    gn_free(plan->buffers);
    gn_free(plan->steps);
    gn_free(plan->groups);
    gn_free(plan->chains);
    if (!plan->borrows)
        gn_free(plan->arena);
    gn_pack_free(plan->pack);
    gn_free(plan->packed);
    gn_free(plan->scratch);
    gn_free(plan->zeros);
    gn_free(plan->more_grads);
    gn_free(plan->group_sums);
    gn_free(plan->grains);
    gn_free(plan->counts);
    for (int i = 0; i < 1 + GN_MAX_HEADS; i++)
        gn_free(plan->sums[i]);
    gn_free(plan->timings);
    gn_plan_free_trace(plan);
    gn_free(plan);
}

uint64_t gn_plan_estimate(const struct gn_net *net, const struct gn_plan_options *options)
{
    /* The passes read the net and never write it. */
    struct gn_net copy = *net;
    struct gn_plan *plan = gn_plan_draft(&copy, options);
    if (plan == NULL)
        return UINT64_MAX;
    const uint64_t bytes = total_bytes(plan);
    gn_plan_free(plan);
    return bytes;
}

void gn_plan_params_changed(struct gn_plan *plan)
{
    if (plan->pack == NULL)
        plan->n_packed = 0;
}

int gn_plan_grain(const struct gn_plan *plan)
{
    return plan->grain;
}

int gn_plan_threads(const struct gn_plan *plan)
{
    return plan->threads;
}

uint64_t gn_plan_bytes(const struct gn_plan *plan)
{
    return total_bytes(plan);
}

void gn_plan_copy_place(const struct gn_plan *plan, struct gn_place at, struct gn_shape s, int n,
                        float *values)
{
    const float *from = (const float *)(const void *)gn_plan_buffer(plan, at.buffer) + at.channel;
    GN_ASSERT(plan->buffers[at.buffer].element == sizeof(float));
    for (size_t p = 0; p < (size_t)n * (size_t)s.h * (size_t)s.w; p++)
        memcpy(values + p * (size_t)s.c, from + p * (size_t)at.ld, (size_t)s.c * sizeof *values);
}

gn_status gn_plan_copy_output(const struct gn_plan *plan, int layer, int n, float *values)
{
    const struct gn_place at = plan->values[plan->values[layer].same_as].at;
    if (at.buffer < 0 || plan->buffers[at.buffer].chain >= 0 || n > plan->slice)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "layer %d: its output is not kept", layer);
    gn_plan_copy_place(plan, at, plan->net->graph->layers[layer].out, n, values);
    return GN_OK;
}
