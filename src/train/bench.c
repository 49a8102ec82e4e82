/*
 * The benchmark, and what else is measured: a training step (forward, backward, plain SGD update) or a forward pass on a
 * prepared batch in memory, timed round by round; with `layers` every step of the plan too.
 */
#include "base/memory.h"
#include "base/number.h"
#include "base/random.h"
#include "base/statistics.h"
#include "base/threads.h"
#include "plan/plan.h"
#include "report/trace.h"
#include "train/step.h"

#include "ops/kernels.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ROUNDS = 1000 };

struct bench {
    gn_net *net;
    bool train;
    int batch;
    struct gn_plan *plan;
    struct gn_updater *updater;
    struct gn_train_step *step;
    float *saved; /* the net's parameters, which training would change */
    float *images, *logits;
    int32_t *labels;
    gn_ranks *ranks;
    int *counts; /* images of each grain */
    uint64_t steps;
    double update_seconds;
};

static void bench_free(struct bench *b)
{
    if (b->saved != NULL)
        memcpy(b->net->params, b->saved, b->net->graph->n_floats * sizeof(float));
    gn_plan_free(b->plan);
    gn_train_step_free(b->step);
    gn_updater_free(b->updater);
    gn_free(b->saved);
    gn_free(b->images);
    gn_free(b->logits);
    gn_free(b->labels);
    gn_free(b->counts);
}

static gn_status bench_inputs(struct bench *b)
{
    const struct gn_shape in = b->net->input;
    const size_t pixels = (size_t)in.h * (size_t)in.w * (size_t)in.c;
    const size_t n = (size_t)b->batch;
    b->images = gn_calloc(n * pixels, sizeof(float), "a batch of images");
    b->labels = gn_calloc(n, sizeof(int32_t), "labels");
    b->logits = gn_calloc(n * (size_t)b->net->classes, sizeof(float), "logits");
    if (b->images == NULL || b->labels == NULL || b->logits == NULL)
        return gn_last_status();
    for (size_t i = 0; i < n * pixels; i++)
        b->images[i] = gn_random_unit(0, GN_RANDOM_TEST, 0, i);
    for (size_t i = 0; i < n; i++)
        b->labels[i] = (int32_t)(i % (size_t)b->net->classes);
    return GN_OK;
}

/* The grains of this rank. */
static gn_status deal(struct bench *b, struct gn_plan_batch *batch)
{
    const int grain = gn_plan_grain(b->plan), rank = gn_ranks_rank(b->ranks);
    const int grains = (b->batch + grain - 1) / grain;
    b->counts = gn_calloc((size_t)grains, sizeof *b->counts, "a batch");
    if (b->counts == NULL)
        return gn_last_status();
    for (int i = 0; i < grains; i++)
        b->counts[i] = i + 1 < grains ? grain : b->batch - i * grain;
    batch->counts = b->counts;
    batch->n_counts = grains;
    batch->from = gn_ranks_first_grain(b->ranks, grains, rank);
    batch->to = gn_ranks_first_grain(b->ranks, grains, rank + 1);
    batch->n = 0;
    for (int i = batch->from; i < batch->to; i++)
        batch->n += b->counts[i];
    return GN_OK;
}

static gn_status bench_prepare(struct bench *b, const struct gn_bench_options *o)
{
    const struct gn_plan_options plan = {
        .train = b->train,
        .batch = b->batch,
        .parts = gn_ranks_size(b->ranks),
        .share = b->ranks == NULL ? NULL : gn_train_share,
        .user = b->ranks,
        .threads = o->threads == 0 ? gn_ranks_threads(b->ranks) : o->threads,
        .slice = o->grain,
        .algorithm = o->algorithm,
        .weights = o->weights,
    };
    b->plan = gn_plan_create(b->net, &plan);
    if (b->plan == NULL)
        return gn_last_status();
    GN_TRY(bench_inputs(b));
    if (!b->train)
        return GN_OK;
    const size_t floats = b->net->graph->n_floats;
    const struct gn_optimizer_options sgd = { .kind = GN_SGD, .threads = gn_plan_threads(b->plan) };
    b->updater = gn_updater_create(b->net->graph, &sgd);
    if (b->updater == NULL)
        return gn_last_status();
    struct gn_plan_batch prepared = { .images = b->images, .labels = b->labels, .n = b->batch };
    if (b->ranks != NULL)
        GN_TRY(deal(b, &prepared));
    b->step =
        gn_train_step_create(&(struct gn_train_step_options){ .net = b->net,
                                                              .plan = b->plan,
                                                              .updater = b->updater,
                                                              .prepared = prepared,
                                                              .ranks = b->ranks,
                                                              .threads = gn_plan_threads(b->plan),
                                                              .batch = b->batch });
    float *saved = b->step == NULL ? NULL : gn_alloc(floats * sizeof(float), "parameters");
    if (saved == NULL)
        return gn_last_status();
    memcpy(saved, b->net->params, floats * sizeof(float));
    b->saved = saved;
    return GN_OK;
}

/* One round; its seconds in *seconds. */
static gn_status bench_round(struct bench *b, double *seconds)
{
    const double start = gn_seconds();
    if (!b->train) {
        GN_TRY(gn_plan_forward(b->plan, b->images, b->batch, b->logits));
        *seconds = gn_seconds() - start;
        return GN_OK;
    }
    struct gn_step_sums sums;
    GN_TRY(gn_train_step_gradients(b->step, b->steps++, &sums));
    const double update = gn_seconds();
    gn_train_step_update(b->step, 1e-4);
    const double end = gn_seconds();
    b->update_seconds += end - update;
    *seconds = end - start;
    return GN_OK;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Times by layer over `rounds` more rounds. */
static gn_status bench_layers(struct bench *b, struct gn_bench_result *result, int rounds)
{
    GN_TRY(gn_plan_time(b->plan));
    b->update_seconds = 0;
    for (int i = 0; i < rounds; i++) {
        double seconds;
        GN_TRY(bench_round(b, &seconds));
    }
    const struct gn_plan_timing *table;
    const int n = gn_plan_timings(b->plan, &table);
    result->layers = gn_calloc((size_t)n + 1, sizeof *result->layers, "the table of layers");
    if (result->layers == NULL)
        return gn_last_status();
    for (int i = 0; i < n; i++) {
        struct gn_bench_layer *l = &result->layers[result->n_layers++];
        (void)snprintf(l->name, sizeof l->name, "%s", table[i].layer);
        (void)snprintf(l->pass, sizeof l->pass, "%s", table[i].pass);
        (void)snprintf(l->kernel, sizeof l->kernel, "%s", table[i].kernel);
        l->ms = table[i].ms / rounds;
        l->gflops = l->ms > 0 ? 2e-6 * table[i].macs / l->ms : 0;
    }
    if (b->train) {
        struct gn_bench_layer *l = &result->layers[result->n_layers++];
        (void)snprintf(l->name, sizeof l->name, "all parameters");
        (void)snprintf(l->pass, sizeof l->pass, "update");
        (void)snprintf(l->kernel, sizeof l->kernel, "sgd");
        l->ms = 1e3 * b->update_seconds / rounds;
    }
    return GN_OK;
}

enum { MOST_SPANS = 50000 };

/* One more round, recorded. */
static gn_status bench_trace(struct bench *b, const char *path)
{
    double seconds;
    GN_TRY(gn_plan_trace(b->plan, MOST_SPANS));
    GN_TRY(bench_round(b, &seconds));
    return gn_bench_write_trace(b->plan, path);
}

/* All do as many rounds as rank 0 finds right. */
static gn_status agree(const struct bench *b, int *rounds)
{
    int all[GN_MOST_RANKS];
    if (gn_ranks_size(b->ranks) == 1)
        return GN_OK;
    all[gn_ranks_rank(b->ranks)] = *rounds;
    GN_TRY(gn_ranks_share_equal(b->ranks, all, sizeof *all));
    *rounds = all[0];
    return GN_OK;
}

/* What the rounds since `before` have spent on others, and the exchange by itself. */
static gn_status bench_team(struct bench *b, struct gn_bench_result *result,
                            const struct gn_summer_cost *before, int rounds)
{
    enum { TIMES = 15 };
    double seconds[TIMES];
    const int grain = gn_plan_grain(b->plan);
    const struct gn_summer_cost cost = gn_train_step_cost(b->step);
    const double bytes = (double)(cost.bytes - before->bytes);
    result->team = gn_calloc(1, sizeof *result->team, "what several processes cost");
    if (result->team == NULL)
        return gn_last_status();
    for (int i = 0; i < TIMES; i++) {
        const double start = gn_seconds();
        GN_TRY(gn_train_step_exchange(b->step));
        seconds[i] = gn_seconds() - start;
    }
    qsort(seconds, TIMES, sizeof seconds[0], ascending);
    *result->team = (struct gn_bench_team){
        .processes = gn_ranks_size(b->ranks),
        .grains = (b->batch + grain - 1) / grain,
        .grain = grain,
        .ms_exchange = 1e3 * gn_percentile(seconds, TIMES, 50),
        .ms_waiting = 1e3 * (cost.waited - before->waited) / rounds,
        .bytes = bytes / rounds,
        .overlap = bytes > 0 ? (double)(cost.early - before->early) / bytes : 0,
    };
    for (int k = 0; k < GN_SUMMER_PARTS; k++)
        result->team->ms_final[k] = 1e3 * (cost.final[k] - before->final[k]) / rounds;
    return GN_OK;
}

static gn_status bench_run(struct bench *b, struct gn_bench_result *result,
                           const struct gn_bench_options *o)
{
    double seconds[MAX_ROUNDS];
    const double start = gn_seconds();
    GN_TRY(bench_prepare(b, o));
    result->ms_plan = 1e3 * (gn_seconds() - start);
    GN_TRY(bench_round(b, &seconds[0])); /* warms up, and says how long a round takes */
    GN_TRY(bench_round(b, &seconds[0]));
    int rounds = o->rounds > 0 ? o->rounds : (int)(3.0 / (seconds[0] + 1e-6)) + 1;
    rounds = o->rounds == 0 && rounds < 3 ? 3 : rounds > MAX_ROUNDS ? MAX_ROUNDS : rounds;
    GN_TRY(agree(b, &rounds));
    const struct gn_summer_cost before =
        b->train ? gn_train_step_cost(b->step) : (struct gn_summer_cost){ 0 };
    for (int i = 0; i < rounds; i++)
        GN_TRY(bench_round(b, &seconds[i]));
    if (b->ranks != NULL)
        GN_TRY(bench_team(b, result, &before, rounds));
    qsort(seconds, (size_t)rounds, sizeof seconds[0], ascending);
    result->ms_min = 1e3 * seconds[0];
    result->ms_p90 = 1e3 * gn_percentile(seconds, rounds, 90);
    result->ms_p99 = 1e3 * gn_percentile(seconds, rounds, 99);
    result->ms_median = 500 * (seconds[rounds / 2] + seconds[(rounds - 1) / 2]);
    result->images_per_second = 1e3 * b->batch / result->ms_median;
    result->batch = b->batch;
    result->threads = gn_plan_threads(b->plan);
    result->rounds = rounds;
    result->isa = gn_cpu_kernels()->isa;
    result->arena_bytes = gn_plan_bytes(b->plan);
    if (o->trace != NULL)
        GN_TRY(bench_trace(b, o->trace));
    if (o->memory)
        GN_TRY(gn_bench_list_blocks(b->plan, result));
    return o->layers ? bench_layers(b, result, rounds < 5 ? rounds : 5) : GN_OK;
}

gn_status gn_bench(gn_net *net, struct gn_bench_result *result,
                   const struct gn_bench_options *options)
{
    static const struct gn_bench_options defaults = { 0 };
    const struct gn_bench_options *o = options == NULL ? &defaults : options;
    if (net == NULL)
        return gn_last_status();
    GN_NEED(result, "the result");
    *result = (struct gn_bench_result){ 0 };
    if (o->batch < 0 || o->threads < 0 || o->rounds < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "bench: batch %d, threads %d, rounds %d (none may be "
                "negative)",
                o->batch, o->threads, o->rounds);
    char needed[GN_NUMBER_TEXT], usable[GN_NUMBER_TEXT];
    const int batch = o->batch == 0 ? 128 : o->batch;
    if (o->grain < 0 || o->grain > batch || (o->grain > 0 && !o->train))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "bench: .grain is %d, of training, from 1 to the batch of %d", o->grain, batch);
    const uint64_t need = gn_memory_estimate(net, batch, o->train), have = gn_memory_limit();
    if (need > have)
        GN_FAIL(GN_STATUS_NO_MEMORY,
                "bench: batch %d needs about %s of memory, this process may use %s (take a smaller "
                "batch or size)",
                batch, gn_bytes_text(need, needed), gn_bytes_text(have, usable));
    const bool joint = o->train && gn_ranks_size(o->ranks) > 1;
    struct bench b = {
        .net = net, .train = o->train, .batch = batch, .ranks = joint ? o->ranks : NULL
    };
    const gn_status status = bench_run(&b, result, o);
    bench_free(&b);
    if (status != GN_OK)
        gn_free_bench(result);
    return status;
}

void gn_free_bench(struct gn_bench_result *result)
{
    if (result == NULL)
        return;
    gn_free(result->team);
    gn_free(result->layers);
    gn_free(result->blocks);
    result->team = NULL;
    result->layers = NULL;
    result->blocks = NULL;
    result->n_blocks = 0;
    result->n_layers = 0;
}

/* ---- Which share of a batch a rank takes ---- */

/* Seconds of one full grain here, forward and backward: the best of a few. */
static gn_status time_grain(struct gn_net *net, struct gn_plan *plan, const float *images,
                            const int32_t *labels, float *grads, double *seconds)
{
    enum { TIMES = 3 };
    const int n = gn_plan_grain(plan);
    const struct gn_plan_batch batch = {
        .images = images, .labels = labels, .n = n, .counts = &n, .n_counts = 1, .from = 0, .to = 1
    };
    const size_t bytes = net->graph->n_floats * sizeof(float);
    float *saved = gn_alloc(bytes, "parameters"); /* running statistics are not to move */
    struct gn_plan_sums sums;
    gn_status status = saved == NULL ? gn_last_status() : GN_OK;
    if (status == GN_OK)
        memcpy(saved, net->params, bytes);
    for (int i = 0; i <= TIMES && status == GN_OK; i++) {
        const double began = gn_seconds();
        status = gn_plan_gradients(plan, &batch, grads, &sums);
        const double taken = gn_seconds() - began;
        if (i <= 1 || taken < *seconds) /* the first packs weights */
            *seconds = taken;
    }
    if (saved != NULL)
        memcpy(net->params, saved, bytes);
    gn_free(saved);
    return status;
}

static gn_status measure_speed(struct gn_net *net, const struct gn_settings *settings,
                               double *seconds)
{
    struct gn_settings alone = *settings;
    alone.options.ranks = NULL;
    struct gn_plan *plan = gn_train_plan(net, &alone);
    if (plan == NULL)
        return gn_last_status();
    const size_t n = (size_t)gn_plan_grain(plan);
    const struct gn_shape in = net->input;
    float *images =
        gn_calloc(n * (size_t)in.h * (size_t)in.w, (size_t)in.c * sizeof(float), "images");
    int32_t *labels = gn_calloc(n, sizeof *labels, "labels");
    float *grads = gn_calloc(net->graph->n_floats, sizeof *grads, "gradients");
    const bool lacks = images == NULL || labels == NULL || grads == NULL;
    const gn_status status =
        lacks ? gn_last_status() : time_grain(net, plan, images, labels, grads, seconds);
    gn_free(images);
    gn_free(labels);
    gn_free(grads);
    gn_plan_free(plan);
    return status;
}

gn_status gn_train_deal(struct gn_net *net, const struct gn_settings *settings)
{
    gn_ranks *ranks = settings->options.ranks;
    const char *share = settings->options.share;
    const int size = gn_ranks_size(ranks);
    double weights[GN_MOST_RANKS];
    if (share == NULL || strcmp(share, "equal") == 0)
        return GN_OK;
    if (strcmp(share, "auto") != 0) {
        GN_TRY(gn_ranks_read_shares(share, size, weights));
    } else if (size > 1) {
        double *own = &weights[gn_ranks_rank(ranks)];
        GN_TRY(measure_speed(net, settings, own));
        *own = 1 / *own;
        GN_TRY(gn_ranks_share_equal(ranks, weights, sizeof *weights));
    }
    if (size > 1)
        gn_ranks_set_shares(ranks, weights);
    return GN_OK;
}
