/*
 * The gradient of a step of one batch goes straight to the update. With accumulation each batch's
 * gradient is added to a sum, weighted by the batch's share of a full one; the factor that makes a
 * mean of the sum is part of the update's scale.
 */
#include "train/step.h"

#include "train/pictures.h"

#include "base/memory.h"
#include "base/pairwise.h"
#include "base/threads.h"
#include "ops/kernels.h"

#include <string.h>

struct gn_train_step {
    struct gn_train_step_options options;
    float *grads;             /* in the layout of the parameters */
    float *batch_grads;       /* of one of several batches; NULL: a step has one */
    float *statistics;        /* the running ones before a step of several batches */
    int *counts;              /* of a batch: images of each grain */
    struct gn_summer *summer; /* of several ranks; NULL: one */
    double
        *losses; /* of them: losses and right answers of the answer and the heads, grain by grain */
    uint64_t done;
    double scale; /* of the gradients in the update */
};

static int most_grains(const struct gn_train_step *step)
{
    const int grain = gn_plan_grain(step->options.plan);
    return (step->options.batch + grain - 1) / grain;
}

struct gn_train_step *gn_train_step_create(const struct gn_train_step_options *options)
{
    const size_t floats = options->net->graph->n_floats;
    struct gn_train_step *step = gn_calloc(1, sizeof *step, "the training step");
    if (step == NULL)
        return NULL;
    step->options = *options;
    if (options->accumulate == 0)
        step->options.accumulate = 1;
    step->grads = gn_calloc(floats, sizeof(float), "gradients");
    step->counts = gn_calloc((size_t)most_grains(step), sizeof *step->counts, "a batch");
    const bool sums = step->options.accumulate > 1;
    if (sums) {
        const size_t n = (size_t)gn_graph_params(options->net->graph, false);
        step->batch_grads = gn_calloc(floats, sizeof(float), "a batch's gradients");
        step->statistics = gn_calloc(n, sizeof(float), "running statistics");
    }
    const size_t heads = 2 * (size_t)(1 + options->net->graph->n_heads);
    const bool ranks = gn_ranks_size(options->ranks) > 1;
    if (ranks) {
        step->summer =
            gn_summer_create(options->ranks, floats, most_grains(step), options->threads);
        step->losses =
            gn_calloc((size_t)most_grains(step) * heads, sizeof(double), "losses of grains");
    }
    if ((ranks && (step->summer == NULL || step->losses == NULL)) || step->grads == NULL ||
        step->counts == NULL || (sums && (step->batch_grads == NULL || step->statistics == NULL))) {
        gn_train_step_free(step);
        return NULL;
    }
    return step;
}

void gn_train_step_free(struct gn_train_step *step)
{
    if (step == NULL)
        return;
    gn_free(step->grads);
    gn_free(step->batch_grads);
    gn_free(step->statistics);
    gn_free(step->counts);
    gn_free(step->losses);
    gn_summer_free(step->summer);
    gn_free(step);
}

/* Grains are cut by positions, before pictures are left out, so that a picture that cannot be read moves no
 * other one to another grain. */
static void count_grains(const struct gn_train_step *step, const struct gn_batch *loaded,
                         struct gn_plan_batch *batch)
{
    const int grain = gn_plan_grain(step->options.plan), rank = gn_ranks_rank(step->options.ranks);
    batch->counts = step->counts;
    const int n = loaded->all + loaded->left_out;
    batch->n_counts = (n + grain - 1) / grain;
    batch->from = gn_ranks_first_grain(step->options.ranks, batch->n_counts, rank);
    batch->to = gn_ranks_first_grain(step->options.ranks, batch->n_counts, rank + 1);
    memset(step->counts, 0, (size_t)batch->n_counts * sizeof *step->counts);
    for (int i = 0; i < n; i++)
        step->counts[i / grain] += loaded->present[i];
}

/* The next batch, of `all` images of all ranks: none when none of its pictures can be read. False: there is
 * none. */
static gn_status next_batch(const struct gn_train_step *step, struct gn_plan_batch *batch, int *all,
                            bool *found)
{
    struct gn_batch loaded;
    *batch = step->options.prepared;
    *all = batch->counts == NULL ? batch->n : 0;
    for (int i = 0; batch->counts != NULL && i < batch->n_counts; i++)
        *all += batch->counts[i];
    *found = true;
    if (step->options.loader == NULL)
        return GN_OK;
    GN_TRY(gn_loader_next(step->options.loader, &loaded));
    *found = loaded.all > 0 || loaded.left_out > 0;
    *all = loaded.all;
    *batch = (struct gn_plan_batch){ .images = loaded.images,
                                     .labels = loaded.labels,
                                     .n = loaded.n,
                                     .others = loaded.others,
                                     .shares = loaded.shares };
    count_grains(step, &loaded, batch);
    return GN_OK;
}

static void count(struct gn_step_sums *sums, const struct gn_plan_sums *batch, int n)
{
    sums->samples += (uint64_t)n;
    sums->loss += batch->loss;
    sums->correct += (uint64_t)batch->correct;
    for (int i = 0; i < GN_MAX_HEADS; i++) {
        sums->head_losses[i] += batch->head_losses[i];
        sums->head_correct[i] += (uint64_t)batch->head_correct[i];
    }
}

/* Running statistics move with each batch. A step whose second batch cannot be read must leave no
 * trace, so that it can be repeated. */
static void copy_statistics(struct gn_train_step *step, bool back)
{
    const struct gn_net *net = step->options.net;
    float *at = step->statistics;
    for (int i = 0; at != NULL && i < net->graph->n_tensors; i++) {
        const struct gn_tensor *tensor = &net->graph->tensors[i];
        if (tensor->trainable)
            continue;
        float *values = net->params + tensor->offset;
        memcpy(back ? values : at, back ? at : values, tensor->count * sizeof *at);
        at += tensor->count;
    }
}

/* The grains of other ranks join: gradients, most of which are on their way, then losses, which would wait behind them. */
static gn_status add_ranks(struct gn_train_step *step, const struct gn_plan_batch *batch,
                           struct gn_plan_sums *sums)
{
    const struct gn_train_step_options *o = &step->options;
    const int heads = o->net->graph->n_heads, columns = 2 * (1 + heads), grains = batch->n_counts;
    size_t offsets[GN_MOST_RANKS + 1];
    for (int i = batch->from; i < batch->to; i++) {
        for (int h = -1; h < heads; h++) {
            const struct gn_loss_sum *own = gn_plan_grain_losses(o->plan, h) + (i - batch->from);
            step->losses[i * columns + 2 * (h + 1)] = own->loss;
            step->losses[i * columns + 2 * (h + 1) + 1] = own->correct;
        }
    }
    for (int r = 0; r <= gn_ranks_size(o->ranks); r++)
        offsets[r] = (size_t)(gn_ranks_first_grain(o->ranks, grains, r) * columns) * sizeof(double);
    GN_TRY(gn_summer_end(step->summer));
    GN_TRY(gn_ranks_share(o->ranks, step->losses, offsets));
    sums->loss = gn_pairwise_sum(step->losses, grains, columns);
    sums->correct = (int)gn_pairwise_sum(step->losses + 1, grains, columns);
    for (int h = 0; h < heads; h++) {
        sums->head_losses[h] = gn_pairwise_sum(step->losses + 2 * (h + 1), grains, columns);
        sums->head_correct[h] =
            (int)gn_pairwise_sum(step->losses + 2 * (h + 1) + 1, grains, columns);
    }
    return GN_OK;
}

static void list_slots(const struct gn_train_step *step, float *grads,
                       float *slots[GN_PAIRWISE_MOST])
{
    for (int k = 0; k < gn_plan_slots(step->options.plan); k++)
        slots[k] = gn_plan_slot(step->options.plan, grads, k);
}

/* What the plan calls while it goes backward. */
static void send_ready(void *user, size_t from)
{
    gn_summer_ready(user, from);
}

struct gn_summer_cost gn_train_step_cost(const struct gn_train_step *step)
{
    return step->summer == NULL ? (struct gn_summer_cost){ 0 } : gn_summer_cost(step->summer);
}

gn_status gn_train_step_exchange(struct gn_train_step *step)
{
    float *slots[GN_PAIRWISE_MOST];
    list_slots(step, step->grads, slots);
    gn_summer_begin(step->summer, slots, most_grains(step));
    return gn_summer_end(step->summer);
}

/* Gradients of a batch, those of other ranks among them. */
static gn_status batch_gradients(struct gn_train_step *step, const struct gn_plan_batch *batch,
                                 float *grads, struct gn_plan_sums *sums)
{
    const struct gn_train_step_options *o = &step->options;
    float *slots[GN_PAIRWISE_MOST];
    if (step->summer == NULL)
        return gn_plan_gradients(o->plan, batch, grads, sums);
    list_slots(step, grads, slots);
    gn_summer_begin(step->summer, slots, batch->n_counts);
    gn_plan_watch(o->plan, send_ready, step->summer);
    GN_TRY(gn_plan_gradients(o->plan, batch, grads, sums));
    return add_ranks(step, batch, sums);
}

static gn_status add_batches(struct gn_train_step *step, uint64_t done, struct gn_step_sums *sums)
{
    const struct gn_train_step_options *o = &step->options;
    float *grads = step->batch_grads != NULL ? step->batch_grads : step->grads;
    for (; sums->batches < o->accumulate; sums->batches++) {
        struct gn_plan_batch batch;
        struct gn_plan_sums batch_sums;
        bool found;
        int all;
        const double began = gn_seconds();
        GN_TRY(next_batch(step, &batch, &all, &found));
        sums->waited += gn_seconds() - began;
        if (!found)
            break;
        if (all == 0)
            continue;
        batch.seed = o->seed;
        batch.step = (done << 16) + (uint64_t)sums->batches;
        GN_TRY(batch_gradients(step, &batch, grads, &batch_sums));
        if (grads != step->grads)
            gn_updater_add(o->updater, step->grads, grads, (double)all / o->batch,
                           sums->samples == 0);
        count(sums, &batch_sums, all);
    }
    return GN_OK;
}

gn_status gn_train_step_gradients(struct gn_train_step *step, uint64_t done,
                                  struct gn_step_sums *sums)
{
    const struct gn_train_step_options *o = &step->options;
    *sums = (struct gn_step_sums){ 0 };
    step->done = done;
    copy_statistics(step, false);
    const gn_status status = add_batches(step, done, sums);
    if (status != GN_OK)
        copy_statistics(step, true);
    GN_TRY(status);
    if (sums->samples == 0)
        return GN_OK;
    const double mean = step->batch_grads == NULL ? 1 : (double)o->batch / (double)sums->samples;
    sums->norm = mean * gn_updater_norm(o->updater, step->grads);
    step->scale =
        o->clip_norm > 0 && sums->norm > o->clip_norm ? mean * o->clip_norm / sums->norm : mean;
    return GN_OK;
}

void gn_train_step_update(struct gn_train_step *step, double lr)
{
    const struct gn_train_step_options *o = &step->options;
    gn_updater_step(o->updater, o->net->params, step->grads,
                    &(struct gn_update){ step->done + 1, lr, step->scale });
    gn_plan_params_changed(o->plan);
}

const float *gn_train_step_grads(const struct gn_train_step *step)
{
    return step->grads;
}

gn_status gn_train_share(void *user, void *sums, size_t bytes, int grains)
{
    size_t offsets[GN_MOST_RANKS + 1];
    for (int r = 0; r <= gn_ranks_size(user); r++)
        offsets[r] = (size_t)gn_ranks_first_grain(user, grains, r) * bytes;
    return gn_ranks_share(user, sums, offsets);
}

static int most_of_rank(void *user, int grains)
{
    return gn_ranks_most_grains(user, grains);
}

struct gn_plan *gn_train_plan(struct gn_net *net, const struct gn_settings *settings)
{
    const struct gn_fit_options *o = &settings->options;
    return gn_plan_create(
        net, &(struct gn_plan_options){ .train = true,
                                        .batch = o->batch,
                                        .slice = o->grain,
                                        .parts = gn_ranks_size(o->ranks),
                                        .most_grains = o->ranks == NULL ? NULL : most_of_rank,
                                        .share = o->ranks == NULL ? NULL : gn_train_share,
                                        .user = o->ranks,
                                        .threads = o->threads,
                                        .algorithm = o->algorithm,
                                        .label_smoothing = o->label_smoothing,
                                        .class_weights = settings->class_weights,
                                        .norm_grains = o->bn_group == GN_BN_GRAIN,
                                        .norm_momentum = o->bn_momentum,
                                        .freeze = settings->freeze });
}

struct gn_loader *gn_train_loader(const struct gn_net *net, const struct gn_settings *settings,
                                  const struct gn_plan *plan)
{
    const struct gn_fit_options *o = &settings->options;
    struct gn_loader_options loader =
        gn_loader_for(net, o->train, o->limit_train, o->batch, settings->rule);
    loader.ranks = o->ranks;
    loader.grain = gn_plan_grain(plan);
    loader.shuffle = o->shuffle;
    loader.balanced = o->balanced_sampler;
    loader.window = o->window;
    loader.seed = o->seed;
    loader.augment = settings->augment;
    if (settings->pictures != NULL) {
        loader.pictures = settings->pictures->states[0];
        loader.pictures_changed = &settings->pictures->changed;
    }
    return gn_loader_create(&loader);
}

struct gn_train_step *gn_train_step_for(struct gn_net *net, const struct gn_settings *settings,
                                        struct gn_plan *plan, struct gn_loader *loader,
                                        struct gn_updater *updater)
{
    const struct gn_fit_options *o = &settings->options;
    return gn_train_step_create(&(struct gn_train_step_options){ .net = net,
                                                                 .plan = plan,
                                                                 .updater = updater,
                                                                 .loader = loader,
                                                                 .batch = o->batch,
                                                                 .ranks = o->ranks,
                                                                 .threads = o->threads,
                                                                 .accumulate = o->accumulate,
                                                                 .seed = o->seed,
                                                                 .clip_norm = o->clip_norm });
}
