/*
 * The gradient of a step of one batch goes straight to the update. With accumulation each batch's
 * gradient is added to a sum, weighted by the batch's share of a full one; the factor that makes a
 * mean of the sum is part of the update's scale.
 */
#include "train/step.h"

#include "train/pictures.h"

#include "base/memory.h"
#include "base/threads.h"

#include <string.h>

struct gn_train_step {
    struct gn_train_step_options options;
    float *grads;       /* in the layout of the parameters */
    float *batch_grads; /* of one of several batches; NULL: a step has one */
    float *statistics;  /* the running ones before a step of several batches */
    int *counts;        /* of a batch: images of each grain */
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
    if (step->grads == NULL || step->counts == NULL ||
        (sums && (step->batch_grads == NULL || step->statistics == NULL))) {
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
    gn_free(step);
}

/* Grains are cut by positions, before pictures are left out, so that a picture that cannot be read moves no
 * other one to another grain. */
static void count_grains(const struct gn_train_step *step, const struct gn_batch *loaded,
                         struct gn_plan_batch *batch)
{
    const int grain = gn_plan_grain(step->options.plan);
    batch->counts = step->counts;
    batch->n_counts = batch->to = (loaded->n + loaded->left_out + grain - 1) / grain;
    memset(step->counts, 0, (size_t)batch->n_counts * sizeof *step->counts);
    for (int i = 0; i < loaded->n; i++)
        step->counts[loaded->places[i] / grain]++;
}

/* The next batch, without images when none of its pictures can be read. False: there is none. */
static gn_status next_batch(const struct gn_train_step *step, struct gn_plan_batch *batch,
                            bool *found)
{
    struct gn_batch loaded;
    *batch = step->options.prepared;
    *found = true;
    if (step->options.loader == NULL)
        return GN_OK;
    GN_TRY(gn_loader_next(step->options.loader, &loaded));
    *found = loaded.n > 0 || loaded.left_out > 0;
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

static gn_status add_batches(struct gn_train_step *step, uint64_t done, struct gn_step_sums *sums)
{
    const struct gn_train_step_options *o = &step->options;
    float *grads = step->batch_grads != NULL ? step->batch_grads : step->grads;
    for (; sums->batches < o->accumulate; sums->batches++) {
        struct gn_plan_batch batch;
        struct gn_plan_sums batch_sums;
        bool found;
        const double began = gn_seconds();
        GN_TRY(next_batch(step, &batch, &found));
        sums->waited += gn_seconds() - began;
        if (!found)
            break;
        if (batch.n == 0)
            continue;
        batch.seed = o->seed;
        batch.step = (done << 16) + (uint64_t)sums->batches;
        GN_TRY(gn_plan_gradients(o->plan, &batch, grads, &batch_sums));
        if (grads != step->grads)
            gn_updater_add(o->updater, step->grads, grads, (double)batch.n / o->batch,
                           sums->samples == 0);
        count(sums, &batch_sums, batch.n);
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

struct gn_plan *gn_train_plan(struct gn_net *net, const struct gn_settings *settings)
{
    const struct gn_fit_options *o = &settings->options;
    return gn_plan_create(net, &(struct gn_plan_options){ .train = true,
                                                          .batch = o->batch,
                                                          .slice = o->grain,
                                                          .threads = o->threads,
                                                          .algorithm = o->algorithm,
                                                          .label_smoothing = o->label_smoothing,
                                                          .class_weights = settings->class_weights,
                                                          .norm_momentum = o->bn_momentum,
                                                          .freeze = o->freeze });
}

struct gn_loader *gn_train_loader(const struct gn_net *net, const struct gn_settings *settings)
{
    const struct gn_fit_options *o = &settings->options;
    struct gn_loader_options loader =
        gn_loader_for(net, o->train, o->limit_train, o->batch, settings->rule);
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
                                                                 .accumulate = o->accumulate,
                                                                 .seed = o->seed,
                                                                 .clip_norm = o->clip_norm });
}
