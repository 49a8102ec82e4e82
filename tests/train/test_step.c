/* labels: quick
 *
 * One training step: which tensors decay, how far factors of rates let each go, what the norm of an
 * accumulated gradient is measured on, and draws for every batch of it. */
#include "base/memory.h"
#include "base/random.h"
#include "support/check.h"
#include "support/tiny.h"
#include "optimizer/optimizer.h"
#include "train/step.h"

#include <math.h>

/* Kernels, biases, gamma, beta, running statistics; a head. */
static gn_net *mixed_net(double rate)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_conv(g, gn_input(g, TINY_SIZE, TINY_SIZE, 1), 5, .kernel = 3, .no_bias = true,
                        .name = "conv");
    x = gn_conv_relu(g, gn_relu(g, gn_batch_norm(g, x, .name = "norm")), 4, .kernel = 1,
                     .name = "narrow");
    x = gn_dropout(g, gn_global_avg_pool(g, x), rate, "drop");
    gn_net *net = gn_compile(g, gn_dense(g, x, TINY_CLASSES, "dense"), 5);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

static void draw_all(float *values, size_t n, uint64_t stream)
{
    for (size_t k = 0; k < n; k++)
        values[k] = 2 * gn_random_unit(0, GN_RANDOM_TEST, stream, k) - 1;
}

static bool ends_in(const char *name, const char *suffix)
{
    const size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcmp(name + n - m, suffix) == 0;
}

static const struct gn_optimizer_options optimizers[] = {
    { .kind = GN_SGD, .threads = 1 },
    { .kind = GN_SGD, .momentum = 0.9, .threads = 1 },
    { .kind = GN_SGD, .momentum = 0.9, .nesterov = true, .threads = 1 },
    { .kind = GN_ADAMW, .adam_eps = 1e-7, .threads = 1 },
};
enum { N_OPTIMIZERS = sizeof optimizers / sizeof optimizers[0] };

/* One update without gradients, so that only the decay is left. */
static void check_decay(const struct gn_optimizer_options *options,
                        bool (*decays)(const struct gn_tensor *t))
{
    gn_net *net = mixed_net(0);
    const struct gn_graph *g = net->graph;
    float *before = gn_calloc(g->n_floats, sizeof(float), "test");
    float *grads = gn_calloc(g->n_floats, sizeof(float), "test");
    struct gn_updater *updater = gn_updater_create(g, options);
    assert_true(before != NULL && grads != NULL && updater != NULL);
    draw_all(net->params, g->n_floats, 1);
    memcpy(before, net->params, g->n_floats * sizeof(float));
    gn_updater_step(updater, net->params, grads, &(struct gn_update){ 1, 0.125, 1 });
    for (int i = 0; i < g->n_tensors; i++) {
        const struct gn_tensor *t = &g->tensors[i];
        for (size_t k = t->offset; k < t->offset + t->count; k++) {
            const float wanted = decays(t)
                                     ? before[k] - before[k] * (float)options->weight_decay * 0.125F
                                     : before[k];
            if (fabsf(net->params[k] - wanted) > 0)
                fail_msg("%s: %g instead of %g, it was %g", t->name, (double)net->params[k],
                         (double)wanted, (double)before[k]);
        }
    }
    gn_updater_free(updater);
    gn_free(before);
    gn_free(grads);
    gn_free_net(net);
}

static bool is_weight(const struct gn_tensor *t)
{
    return ends_in(t->name, ".weight");
}

static bool is_weight_of_others(const struct gn_tensor *t)
{
    return is_weight(t) && strncmp(t->name, "dense", 5) != 0;
}

static bool is_trained(const struct gn_tensor *t)
{
    return !ends_in(t->name, ".mean") && !ends_in(t->name, ".variance");
}

static void only_kernels_decay_unless_told(void **state)
{
    (void)state;
    for (int i = 0; i < N_OPTIMIZERS; i++) {
        struct gn_optimizer_options o = optimizers[i];
        o.weight_decay = 0.5;
        check_decay(&o, is_weight);
        o.no_decay = "dense";
        check_decay(&o, is_weight_of_others);
        o.no_decay = NULL;
        o.decay_all = true;
        check_decay(&o, is_trained);
    }
}

/* A factor of a half is a rate of a half, bit for bit, decay included; zero is no update. */
static void factors_of_rates_hold_for_every_optimizer(void **state)
{
    (void)state;
    enum { STEPS = 3 };
    for (int i = 0; i < N_OPTIMIZERS; i++) {
        static const char *const scales[] = { NULL, "conv=0.5,dense=0" };
        static const double rates[] = { 0.1, 0.05 };
        gn_net *net = mixed_net(0);
        const struct gn_graph *g = net->graph;
        float *results[3], *grads = gn_calloc(g->n_floats, sizeof(float), "test");
        /* The whole rate, half of it, factors with the whole rate. */
        for (int run = 0; run < 3; run++) {
            struct gn_optimizer_options o = optimizers[i];
            o.weight_decay = 0.01;
            o.lr_scale = scales[run == 2];
            struct gn_updater *updater = gn_updater_create(g, &o);
            results[run] = gn_calloc(g->n_floats, sizeof(float), "test");
            assert_true(updater != NULL && results[run] != NULL && grads != NULL);
            draw_all(results[run], g->n_floats, 1);
            for (uint64_t step = 1; step <= STEPS; step++) {
                draw_all(grads, g->n_floats, 1 + step);
                gn_updater_step(updater, results[run], grads,
                                &(struct gn_update){ step, rates[run == 1], 1 });
            }
            gn_updater_free(updater);
        }
        draw_all(grads, g->n_floats, 1); /* the beginning */
        for (int k = 0; k < g->n_tensors; k++) {
            const struct gn_tensor *t = &g->tensors[k];
            const float *wanted = strncmp(t->name, "conv", 4) == 0    ? results[1]
                                  : strncmp(t->name, "dense", 5) == 0 ? grads
                                                                      : results[0];
            if (memcmp(results[2] + t->offset, wanted + t->offset, t->count * sizeof(float)) != 0)
                fail_msg("optimiser %d: %s", i, t->name);
            if (t->trainable)
                assert_memory_not_equal(results[0] + t->offset, results[1] + t->offset,
                                        t->count * sizeof(float));
        }
        for (int run = 0; run < 3; run++)
            gn_free(results[run]);
        gn_free(grads);
        gn_free_net(net);
    }
}

/* Running statistics have no gradient, but an average like all others. */
static void statistics_are_averaged_and_not_updated(void **state)
{
    (void)state;
    gn_net *net = mixed_net(0);
    const size_t n = net->graph->n_floats;
    struct gn_optimizer_options o = { .momentum = 0.9, .ema = 0.75, .threads = 1 };
    struct gn_updater *updater = gn_updater_create(net->graph, &o);
    float *average = gn_calloc(n, sizeof(float), "test");
    float *grads = gn_calloc(n, sizeof(float), "test");
    assert_true(updater != NULL && average != NULL && grads != NULL);
    gn_updater_begin(updater, net->params);
    for (uint64_t step = 1; step <= 4; step++) {
        int statistics = 0;
        draw_all(net->params, n, step); /* as a batch changes them */
        draw_all(grads, n, 10 + step);
        gn_updater_step(updater, net->params, grads, &(struct gn_update){ step, 0.1, 1 });
        for (int i = 0; i < net->graph->n_tensors; i++) {
            const struct gn_tensor *t = &net->graph->tensors[i];
            for (size_t k = t->offset; k < t->offset + t->count; k++) {
                const float w = net->params[k];
                const float drawn = 2 * gn_random_unit(0, GN_RANDOM_TEST, step, k) - 1;
                statistics += !is_trained(t);
                assert_int_equal(fabsf(w - drawn) > 0, is_trained(t));
                average[k] = step == 1 ? w : average[k] + (w - average[k]) * 0.25F;
                assert_true(fabsf(gn_updater_ema(updater)[k] - average[k]) <= 0);
            }
        }
        assert_true(statistics > 0);
    }
    gn_updater_free(updater);
    gn_free(average);
    gn_free(grads);
    gn_free_net(net);
}

/* ---- Accumulation ---- */

static void keep_norm(const struct gn_event *event, void *user)
{
    if (event->kind == GN_EVENT_STEP && event->total_step == 1)
        *(double *)user = gn_metric_value(event->metrics, "grad_norm");
}

/* Trains with clipping; the weights stay in the net, the norm of the first step is returned. */
static double clipped(gn_net *net, int batch, int accumulate, double clip)
{
    struct gn_fit_options o = tiny_options(NULL);
    double norm = 0;
    o.batch = batch;
    o.accumulate = accumulate;
    o.shuffle = GN_SHUFFLE_NONE;
    o.epochs = 1;
    o.clip_norm = clip;
    o.on_event = keep_norm;
    o.user = &norm;
    gn_history *history = gn_fit_with(net, &o);
    if (history == NULL)
        fail_msg("%s", gn_error_message());
    gn_free_history(history);
    return norm;
}

/* The mean over the batches is clipped, not their sum: as one large batch. The clip is between the two
 * norms, then below both. */
static void clipping_looks_at_the_mean_of_the_batches(void **state)
{
    (void)state;
    static const double parts[] = { 1.5, 0.05 };
    for (size_t c = 0; c < sizeof parts / sizeof parts[0]; c++) {
        gn_net *free_net = tiny_net(), *large = tiny_net(), *parted = tiny_net();
        const double norm = clipped(free_net, 32, 1, 0), clip = parts[c] * norm;
        assert_true(norm > 0);
        assert_true(fabs(clipped(large, 32, 1, clip) - norm) < 1e-12);
        assert_true(fabs(clipped(parted, 8, 4, clip) - norm) < 1e-5 * norm);
        double moved = 0;
        for (size_t k = 0; k < large->graph->n_floats; k++) {
            assert_true(fabsf(large->params[k] - parted->params[k]) < 2e-6F);
            moved = fmax(moved, fabs((double)large->params[k] - (double)free_net->params[k]));
        }
        assert_int_equal(moved > 1e-4, c == 1); /* the first clip is too long to be noticed */
        gn_free_net(free_net);
        gn_free_net(large);
        gn_free_net(parted);
    }
}

/* Losses of a step with the same images in each of its batches. */
static double loss_of(uint64_t seed, uint64_t done, int accumulate)
{
    enum { N = 4, PIXELS = TINY_SIZE * TINY_SIZE };
    static float images[N * PIXELS];
    static const int32_t labels[N] = { 0, 1, 2, 0 };
    gn_net *net = mixed_net(0.5);
    struct gn_step_sums sums;
    const struct gn_optimizer_options sgd = { .threads = 1 };
    struct gn_updater *updater = gn_updater_create(net->graph, &sgd);
    struct gn_plan *plan =
        gn_plan_create(net, &(struct gn_plan_options){ .train = true, .batch = N, .threads = 1 });
    draw_all(images, N * PIXELS, 9);
    struct gn_train_step *step = gn_train_step_create(
        &(struct gn_train_step_options){ .net = net,
                                         .plan = plan,
                                         .updater = updater,
                                         .prepared = { .images = images, .labels = labels, .n = N },
                                         .batch = N,
                                         .accumulate = accumulate,
                                         .seed = seed });
    assert_true(updater != NULL && plan != NULL && step != NULL);
    assert_int_equal(gn_train_step_gradients(step, done, &sums), GN_OK);
    assert_int_equal(sums.samples, N * accumulate);
    gn_train_step_free(step);
    gn_plan_free(plan);
    gn_updater_free(updater);
    gn_free_net(net);
    return sums.loss;
}

static void every_batch_of_every_step_drops_other_values(void **state)
{
    (void)state;
    const double first = loss_of(1, 0, 1);
    assert_true(fabs(loss_of(1, 0, 1) - first) <= 0);
    assert_true(fabs(loss_of(1, 1, 1) - first) > 1e-4);
    assert_true(fabs(loss_of(2, 0, 1) - first) > 1e-4);
    assert_true(fabs(loss_of(1, 0, 2) - 2 * first) > 1e-4);
    /* The second batch of a step is not the first one of the next. */
    assert_true(fabs(loss_of(1, 0, 2) - first - loss_of(1, 1, 1)) > 1e-4);
}

/* ---- Mixed targets ---- */

/* The loss of the first batch of an epoch, as a step takes it from its loader, or with the targets as they
 * are given. */
static double mixed_loss(gn_net *net, const struct gn_plan_batch *given)
{
    const struct gn_optimizer_options sgd = { .threads = 1 };
    struct gn_loader_options o = { .data = tiny.train,
                                   .batch = TINY_BATCH,
                                   .height = TINY_SIZE,
                                   .width = TINY_SIZE,
                                   .channels = 1,
                                   .rule = GN_RESIZE_TF1_LEGACY,
                                   .augment = { .mixup = 1 },
                                   .seed = 3 };
    struct gn_step_sums sums;
    struct gn_loader *loader = given == NULL ? gn_loader_create(&o) : NULL;
    struct gn_updater *updater = gn_updater_create(net->graph, &sgd);
    struct gn_plan *plan = gn_plan_create(
        net, &(struct gn_plan_options){ .train = true, .batch = TINY_BATCH, .threads = 1 });
    struct gn_train_step_options options = {
        .net = net, .plan = plan, .updater = updater, .loader = loader, .batch = TINY_BATCH
    };
    if (given != NULL)
        options.prepared = *given;
    else
        assert_int_equal(gn_loader_start(loader, 0, 0), GN_OK);
    struct gn_train_step *step = gn_train_step_create(&options);
    assert_int_equal(gn_train_step_gradients(step, 0, &sums), GN_OK);
    gn_train_step_free(step);
    gn_plan_free(plan);
    gn_updater_free(updater);
    if (loader != NULL)
        gn_loader_free(loader);
    return sums.loss;
}

/* Softmax cross-entropy is linear in its target: a mixed one costs the mixture of both. */
static void a_step_learns_both_labels_of_a_mixed_image(void **state)
{
    (void)state;
    struct gn_loader_options o = { .data = tiny.train,
                                   .batch = TINY_BATCH,
                                   .height = TINY_SIZE,
                                   .width = TINY_SIZE,
                                   .channels = 1,
                                   .rule = GN_RESIZE_TF1_LEGACY,
                                   .augment = { .mixup = 1 },
                                   .seed = 3 };
    gn_net *net = tiny_net();
    struct gn_loader *loader = gn_loader_create(&o);
    struct gn_batch batch;
    double wanted = 0;
    assert_non_null(loader);
    assert_int_equal(gn_loader_start(loader, 0, 0), GN_OK);
    assert_int_equal(gn_loader_next(loader, &batch), GN_OK);
    for (int i = 0; i < batch.n; i++) {
        const double share = (double)batch.shares[i];
        struct gn_plan_batch one = { .images = batch.images + (size_t)i * TINY_SIZE * TINY_SIZE,
                                     .n = 1 };
        one.labels = &batch.labels[i];
        wanted += (1 - share) * mixed_loss(net, &one);
        one.labels = &batch.others[i];
        wanted += share * mixed_loss(net, &one);
    }
    assert_true(fabs(mixed_loss(net, NULL) - wanted) < 1e-5);
    gn_loader_free(loader);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_kernels_decay_unless_told),
        cmocka_unit_test(factors_of_rates_hold_for_every_optimizer),
        cmocka_unit_test(statistics_are_averaged_and_not_updated),
        cmocka_unit_test(clipping_looks_at_the_mean_of_the_batches),
        cmocka_unit_test(every_batch_of_every_step_drops_other_values),
        cmocka_unit_test(a_step_learns_both_labels_of_a_mixed_image),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
