/* labels: quick
 *
 * Lookahead (Zhang et al. 2019, arXiv 1907.08610) around SGD in double; around every optimiser, whose own steps are those
 * without it; the averaged weights, frozen tensors and rates of zero; any number of threads. */
#include "optimizer/optimizer.h"

#include "support/check.h"
#include "support/small_layer.h"

#include <math.h>
#include <string.h>

enum { K = 3, STEPS = 11 };

static const double SHARE = 0.6;

static struct gn_updater *updater_of(const struct gn_graph *graph,
                                     struct gn_optimizer_options options)
{
    options.adam_eps = 1e-7;
    options.lars_trust = 0.1;
    options.muon_others = 5;
    struct gn_updater *updater = gn_updater_create(graph, &options);
    assert_non_null(updater);
    return updater;
}

static bool is_value(int i)
{
    return i < KERNEL || (i >= BIAS_OFFSET && i < BIAS_OFFSET + BIAS);
}

/* Momentum, update, slow weights and average all in double, from the same gradients. */
static void agrees_with_the_formula_in_double(void **state)
{
    (void)state;
    float params[FLOATS] = { 0 };
    double w[FLOATS], v[FLOATS] = { 0 }, slow[FLOATS], average[FLOATS] = { 0 };
    struct gn_updater *updater =
        updater_of(&small_graph, (struct gn_optimizer_options){ .momentum = 0.9,
                                                                .ema = 0.8,
                                                                .lookahead_steps = K,
                                                                .lookahead_share = SHARE,
                                                                .threads = 2 });
    draw_both(params, 1, 2, 1);
    gn_updater_begin(updater, params);
    for (int i = 0; i < FLOATS; i++)
        w[i] = slow[i] = (double)params[i];
    for (int step = 1; step <= STEPS; step++) {
        float grads[FLOATS] = { 0 };
        const double lr = 0.1 / step;
        draw_both(grads, 10 + (uint64_t)step, 50 + (uint64_t)step, 1);
        for (int i = 0; i < FLOATS; i++) {
            v[i] = 0.9 * v[i] - lr * (double)grads[i];
            w[i] += v[i];
            if (step % K == 0)
                w[i] = slow[i] += SHARE * (w[i] - slow[i]);
            average[i] = step == 1 ? w[i] : 0.8 * average[i] + 0.2 * w[i];
        }
        gn_updater_step(updater, params, grads, &(struct gn_update){ (uint64_t)step, lr, 1 });
        for (int i = 0; i < FLOATS; i++)
            if (is_value(i) && fabs((double)params[i] - w[i]) > 2e-6)
                fail_msg("step %d, value %d: %g, not %g", step, i, (double)params[i], w[i]);
    }
    const char *prefix;
    const float *ema = gn_updater_ema(updater), *kept = gn_updater_state(updater, 2, &prefix);
    assert_non_null(kept);
    assert_string_equal(prefix, "train/slow/");
    assert_null(gn_updater_state(updater, 3, &prefix));
    for (int i = 0; i < FLOATS; i++) {
        if (!is_value(i))
            continue;
        assert_true(fabs((double)ema[i] - average[i]) < 2e-6);
        assert_true(fabs((double)kept[i] - slow[i]) < 2e-6);
        assert_true(fabs(slow[i] - w[i]) > 1e-5); /* the last step was none of theirs */
    }
    gn_updater_free(updater);
}

/* ---- Around every optimiser ---- */

/* A filter, which Muon moves, and a dense layer. */
static gn_net *filter_net(void)
{
    gn_net *net = gn_preset_with(
        &(struct gn_preset_options){ .preset = "test.net",
                                     .net_text = "input 6 4\nclasses 3\nconv c 6 3\nmean\noutput\n",
                                     .seed = 5 });
    assert_non_null(net);
    return net;
}

static float *gradients(const struct gn_graph *g, int step)
{
    static float grads[1024];
    assert_true(g->n_floats <= 1024);
    memset(grads, 0, sizeof grads);
    for (int t = 0; t < g->n_tensors; t++)
        for (size_t i = 0; i < g->tensors[t].count; i++)
            grads[g->tensors[t].offset + i] = draw((uint64_t)(step * 16 + t), i, 1);
    return grads;
}

/* The same optimiser without lookahead, after whose every third step the test does it. */
static void its_steps_are_those_of_the_optimiser(void **state)
{
    (void)state;
    for (int kind = GN_SGD; kind <= GN_MUON; kind++) {
        struct gn_optimizer_options o = { .kind = (gn_optimizer)kind,
                                          .momentum = kind == GN_ADAMW ? 0 : 0.9,
                                          .weight_decay = 0.01,
                                          .nesterov = kind == GN_MUON,
                                          .threads = 1 };
        gn_net *net = filter_net(), *other = filter_net();
        const struct gn_graph *g = net->graph;
        double slow[1024];
        struct gn_updater *plain = updater_of(g, o);
        o.lookahead_steps = K;
        o.lookahead_share = SHARE;
        o.threads = 3;
        struct gn_updater *ahead = updater_of(g, o);
        assert_int_equal(gn_updater_states(&o), kind == GN_ADAMW ? 3 : 2);
        gn_updater_begin(ahead, net->params);
        for (size_t i = 0; i < g->n_floats; i++)
            slow[i] = (double)other->params[i];
        for (int step = 1; step <= STEPS; step++) {
            const struct gn_update update = { (uint64_t)step, 0.01, 1 };
            gn_updater_step(ahead, net->params, gradients(g, step), &update);
            gn_updater_step(plain, other->params, gradients(g, step), &update);
            for (size_t i = 0; step % K == 0 && i < g->n_floats; i++) {
                slow[i] += SHARE * ((double)other->params[i] - slow[i]);
                other->params[i] = (float)slow[i];
            }
        }
        for (size_t i = 0; i < g->n_floats; i++)
            if (fabsf(net->params[i] - other->params[i]) > 2e-6F)
                fail_msg("optimiser %d, value %zu: %g, not %g", kind, i, (double)net->params[i],
                         (double)other->params[i]);
        gn_updater_free(plain);
        gn_updater_free(ahead);
        gn_free_net(net);
        gn_free_net(other);
    }
}

/* Frozen tensors keep their bits, a -0 among them, and so does all at a rate of zero. */
static void what_does_not_train_stays(void **state)
{
    (void)state;
    float params[FLOATS] = { 0 }, before[FLOATS], grads[FLOATS];
    struct gn_updater *updater = updater_of(
        &small_graph,
        (struct gn_optimizer_options){
            .lookahead_steps = 1, .lookahead_share = 0.5, .freeze = "kernel", .threads = 1 });
    draw_both(params, 1, 2, 1);
    draw_both(grads, 3, 4, 1);
    params[0] = params[BIAS_OFFSET] = -0.0F;
    memcpy(before, params, sizeof before);
    gn_updater_begin(updater, params);
    gn_updater_step(updater, params, grads, &(struct gn_update){ 1, 0, 1 });
    assert_memory_equal(params, before, sizeof before);
    gn_updater_step(updater, params, grads, &(struct gn_update){ 2, 0.1, 1 });
    assert_memory_equal(params, before, KERNEL * sizeof *params);
    for (int i = BIAS_OFFSET; i < BIAS_OFFSET + BIAS; i++)
        assert_true(fabs((double)(params[i] - before[i]) + 0.05 * (double)grads[i]) < 1e-6);
    gn_updater_free(updater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_formula_in_double),
        cmocka_unit_test(its_steps_are_those_of_the_optimiser),
        cmocka_unit_test(what_does_not_train_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
