/* labels: quick isa
 *
 * What the plan's passes make of networks, against an oracle in double that fuses and shares
 * nothing: the same loss, logits and gradients, fast and by the reference; and the plan inspected:
 * branches are in their slice, no copies, memory of values alive together does not overlap. */
#include "base/memory.h"
#include "graph/pattern.h"
#include "plan/internal.h"
#include "plan/networks.h"
#include "plan/oracle.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

enum { N = 5 };

static const char FROZEN_NORMS[] = "*.gamma,*.beta";

/* Whether the answer depends on tensor t: its layer is live in the plan. */
static bool is_live(const struct gn_plan *plan, int t)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = 0; i < g->n_layers; i++)
        if (g->layers[i].weight == t || g->layers[i].bias == t)
            return plan->values[i].live;
    return false;
}

static double relative_error(const float *a, const double *b, size_t n)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        norm += b[i] * b[i];
    }
    /* A bias before a normalisation has no gradient but rounding. */
    return norm > 1e-20 ? sqrt(difference / norm) : sqrt(difference);
}

/* A plan's gradients of N images in a buffer that holds NaN where the plan does not write. */
static void check_plan(const char *name, gn_net *net, const float *images, const int32_t *labels,
                       const struct gn_plan_options *options)
{
    const size_t floats = net->graph->n_floats;
    double *expected = gn_calloc(floats, sizeof *expected, "gradients");
    float *grads = gn_calloc(floats, sizeof *grads, "gradients");
    double wanted_logits[N * 16];
    float logits[N * 16];
    struct gn_plan *plan = gn_plan_create(net, options);
    assert_true(expected != NULL && grads != NULL && plan != NULL);
    const double wanted =
        oracle_gradients(net, options->freeze, images, labels, N, expected, wanted_logits);
    for (size_t i = 0; i < floats; i++)
        grads[i] = NAN;
    struct gn_plan_sums sums;
    assert_int_equal(
        gn_plan_gradients(plan,
                          &(struct gn_plan_batch){ .images = images, .labels = labels, .n = N },
                          grads, &sums),
        GN_OK);
    assert_int_equal(gn_plan_forward(plan, images, N, logits), GN_OK);
    const double logits_error =
        relative_error(logits, wanted_logits, (size_t)N * (size_t)net->classes);
    /* Normalisation after normalisation leaves small differences of large terms. */
    const bool comparable =
        gn_graph_params(net->graph, false) == 0 || options->freeze == FROZEN_NORMS;
    const double most = !comparable                                   ? 5e-5
                        : options->algorithm == GN_ALGORITHM_WINOGRAD ? 2e-5
                                                                      : 5e-6;
    double whole = sums.loss / N;
    for (int h = 0; h < net->graph->n_heads; h++)
        whole += net->graph->heads[h].weight * sums.head_losses[h] / N;
    /* Without labels a plan takes the running statistics, the oracle those of the batch, if it
     * may. */
    if (!(fabs(whole - wanted) < 1e-6 && (!comparable || logits_error < most)))
        fail_msg("%s (reference %d): loss %.9g instead of %.9g, logits off by %.1e", name,
                 options->reference, whole, wanted, logits_error);
    for (int t = 0; t < net->graph->n_tensors; t++) {
        const struct gn_tensor *tensor = &net->graph->tensors[t];
        const float *got = grads + tensor->offset;
        if (gn_pattern_matches(options->freeze, tensor->name))
            continue;
        if (!is_live(plan, t)) {
            for (size_t k = 0; k < tensor->count; k++)
                assert_true(isnan(got[k]) && expected[tensor->offset + k] == 0);
            continue;
        }
        const double error = relative_error(got, expected + tensor->offset, tensor->count);
        if (!(error < most))
            fail_msg("%s (reference %d, slice %d): gradient of %s is off by %.2e", name,
                     options->reference, options->slice, tensor->name, error);
    }
    gn_plan_free(plan);
    gn_free(expected);
    gn_free(grads);
}

static void plans_compute_what_the_graph_says(void **state)
{
    static const gn_algorithm algorithms[6] = {
        [4] = GN_ALGORITHM_WINOGRAD, [5] = GN_ALGORITHM_DIRECT
    };
    (void)state;
    const char *name;
    gn_net *net;
    for (int i = 0; (net = test_network(i, &name)) != NULL; i++) {
        float *images = test_images(net, N, (uint64_t)i);
        int32_t *labels = test_labels(net, N);
        for (int k = 0; k < 6; k++) {
            const struct gn_plan_options options = { .train = true,
                                                     .batch = N,
                                                     .slice = k % 4 < 2 ? N : 2,
                                                     .threads = 1 + k % 4,
                                                     .reference = k % 2 == 1 && k < 4,
                                                     .portion = k % 3,
                                                     .algorithm = algorithms[k] };
            check_plan(name, net, images, labels, &options);
        }
        gn_free(images);
        gn_free(labels);
        gn_free_net(net);
    }
}

/* A normalisation both of whose parameters are frozen takes its running statistics and leaves them
 * as they are; one of which only gamma is frozen does not. */
static void frozen_normalisations_are_constants(void **state)
{
    (void)state;
    static const char *const lists[] = { FROZEN_NORMS, "image,of_relu,conv_1.norm.gamma" };
    const char *name;
    gn_net *net;
    for (int i = 0; (net = test_network(i, &name)) != NULL; i++) {
        const bool has_norms = gn_graph_params(net->graph, false) > 0;
        float *images = test_images(net, N, (uint64_t)i);
        int32_t *labels = test_labels(net, N);
        for (int k = 0; has_norms && k < 8; k++) {
            const struct gn_plan_options options = { .train = true,
                                                     .batch = N,
                                                     .threads = 1 + k / 2 % 2,
                                                     .reference = k % 2 == 1,
                                                     .freeze = lists[k / 4] };
            const uint32_t hash = gn_net_hash(net);
            check_plan(name, net, images, labels, &options);
            if ((k < 4) != (gn_net_hash(net) == hash))
                fail_msg("%s with freeze %s: statistics moved %d", name, options.freeze, k >= 4);
        }
        gn_free(images);
        gn_free(labels);
        gn_free_net(net);
    }
}

/* Running statistics are those of the batch, moved by the rule; a plan for inference folds them
 * into the convolutions and gives what one that normalises step by step gives. */
static void folding_changes_nothing(void **state)
{
    (void)state;
    const char *name;
    gn_net *net;
    for (int i = 0; (net = test_network(i, &name)) != NULL; i++) {
        float *images = test_images(net, N, (uint64_t)i);
        int32_t *labels = test_labels(net, N);
        float *grads = gn_calloc(net->graph->n_floats, sizeof *grads, "gradients");
        float logits[4][N * 16];
        double wanted[N * 16];
        struct gn_plan_sums sums;
        for (int k = 0; k < 4; k++) {
            const struct gn_plan_options options = { .train = k < 2, /* does not fold */
                                                     .batch = N,
                                                     .threads = 1 + k % 2,
                                                     .reference = k % 2 == 0 };
            struct gn_plan *plan = gn_plan_create(net, &options);
            assert_non_null(plan);
            for (int step = 0; k == 0 && step < 5; step++)
                assert_int_equal(
                    gn_plan_gradients(
                        plan, &(struct gn_plan_batch){ .images = images, .labels = labels, .n = N },
                        grads, &sums),
                    GN_OK);
            gn_plan_params_changed(plan);
            assert_int_equal(gn_plan_forward(plan, images, N, logits[k]), GN_OK);
            gn_plan_free(plan);
        }
        for (int e = 0; e < N * net->classes; e++)
            wanted[e] = (double)logits[0][e];
        for (int k = 1; k < 4; k++)
            if (!(relative_error(logits[k], wanted, (size_t)(N * net->classes)) < 1e-5))
                fail_msg("%s: way %d differs", name, k);
        gn_free(images);
        gn_free(labels);
        gn_free(grads);
        gn_free_net(net);
    }
}

/* Fails unless the oracle's gradients of network `i` are difference quotients of its loss. */
static void check_oracle(gn_net *net, const char *name, const char *freeze, uint64_t stream)
{
    float *images = test_images(net, N, stream);
    int32_t *labels = test_labels(net, N);
    double *grads = gn_calloc(net->graph->n_floats, sizeof *grads, "gradients");
    double *ignored = gn_calloc(net->graph->n_floats, sizeof *ignored, "gradients");
    (void)oracle_gradients(net, freeze, images, labels, 1, grads, NULL);
    for (int t = 0; t < net->graph->n_tensors; t++) {
        const struct gn_tensor *tensor = &net->graph->tensors[t];
        if (gn_pattern_matches(freeze, tensor->name) || (freeze != NULL && !tensor->trainable))
            continue;
        float *value = &net->params[tensor->offset + tensor->count / 2];
        const float old = *value, h = 0x1p-20F;
        *value = old + h;
        const float up = *value;
        const double above = oracle_gradients(net, freeze, images, labels, 1, ignored, NULL);
        *value = old - h;
        const double below = oracle_gradients(net, freeze, images, labels, 1, ignored, NULL);
        const double quotient = (above - below) / ((double)up - (double)*value);
        *value = old;
        const double g = grads[tensor->offset + tensor->count / 2];
        if (!(fabs(quotient - g) <= 1e-6 + 1e-3 * fabs(g)))
            fail_msg("%s, %s: %.9g, difference quotient %.9g", name, tensor->name, g, quotient);
    }
    gn_free(grads);
    gn_free(ignored);
    gn_free(images);
    gn_free(labels);
}

static void the_oracle_is_its_own_derivative(void **state)
{
    (void)state;
    const char *name;
    gn_net *net;
    for (int i = 0; (net = test_network(i, &name)) != NULL; i++) {
        check_oracle(net, name, NULL, (uint64_t)i);
        if (gn_graph_params(net->graph, false) > 0)
            check_oracle(net, name, FROZEN_NORMS, (uint64_t)i);
        gn_free_net(net);
    }
}

/* ---- Inspection ---- */

/* Steps of every slice, without what prepares and ends a batch. */
static int count_steps(const struct gn_plan *plan, enum gn_op op, enum gn_pass pass)
{
    int n = 0;
    for (int i = plan->n_prepare; i < plan->n_backward; i++)
        n += plan->steps[i].kernel == &plan->kernels->table[op][pass];
    return n;
}

static int layer_named(const gn_net *net, const char *name)
{
    for (int i = 0; i < net->graph->n_layers; i++)
        if (strcmp(net->graph->layers[i].name, name) == 0)
            return i;
    fail_msg("no layer %s", name);
    return -1;
}

/* Whether input k of concatenation i, value and gradient, lies in its slice. */
static bool in_its_slice(const struct gn_plan *plan, int i, int k)
{
    const struct gn_graph *g = plan->net->graph;
    const struct gn_value *whole = &plan->values[i];
    const struct gn_value *part = &plan->values[gn_plan_input(plan, i, k)];
    int channel = 0;
    for (int j = 0; j < k; j++)
        channel += g->layers[g->layers[i].inputs[j]].out.c;
    const bool value = part->at.buffer == whole->at.buffer && part->at.ld == whole->at.ld &&
                       part->at.channel == whole->at.channel + channel;
    const bool gradient = part->gradient_at.buffer == whole->gradient_at.buffer &&
                          part->gradient_at.ld == whole->gradient_at.ld &&
                          part->gradient_at.channel == whole->gradient_at.channel + channel;
    return value && gradient;
}

/* A training plan of the notebook's network; the caller frees both. */
static struct gn_plan *googlenet_plan(gn_net **net)
{
    *net = gn_googlenet(.size = 96);
    struct gn_plan *plan =
        gn_plan_create(*net, &(struct gn_plan_options){ .train = true, .batch = 2 });
    assert_non_null(plan);
    return plan;
}

static void googlenet_copies_nothing_and_every_branch_lies_in_its_slice(void **state)
{
    (void)state;
    gn_net *net;
    struct gn_plan *plan = googlenet_plan(&net);
    assert_int_equal(count_steps(plan, GN_OP_CONCAT, GN_PASS_FORWARD), 0);
    assert_int_equal(count_steps(plan, GN_OP_CONCAT, GN_PASS_BACK), 0);
    /* Every ReLU and its gradient is part of another step. */
    assert_int_equal(count_steps(plan, GN_OP_RELU, GN_PASS_FORWARD), 0);
    assert_int_equal(count_steps(plan, GN_OP_RELU, GN_PASS_BACK), 0);
    assert_int_equal(count_steps(plan, GN_OP_MAX_POOL, GN_PASS_FORWARD), 13);
    assert_int_equal(count_steps(plan, GN_OP_MAX_POOL, GN_PASS_BACK), 13);
    int blocks = 0;
    for (int i = 0; i < net->graph->n_layers; i++) {
        if (!net->graph->layers[i].op->joins)
            continue;
        blocks++;
        for (int k = 0; k < 4; k++)
            assert_true(in_its_slice(plan, i, k));
    }
    assert_int_equal(blocks, 9);
    gn_plan_free(plan);
    gn_free_net(net);
}

/* The 1x1 convolutions that read a block's input are one step in each direction. */
static void sibling_convolutions_are_one(void **state)
{
    (void)state;
    gn_net *net;
    struct gn_plan *plan = googlenet_plan(&net);
    assert_int_equal(plan->n_groups, 9);
    const int block = layer_named(net, "b4.inception4b.p1_1");
    const struct gn_group *group = &plan->groups[plan->values[block].group];
    assert_int_equal(group->leader, block);
    assert_int_equal(group->n, 3);
    assert_int_equal(group->window.c, 512);
    assert_int_equal(group->window.oc, 160 + 112 + 24);
    /* Narrow ones first, and the concatenation on a cache line. */
    assert_int_equal(group->members[0], layer_named(net, "b4.inception4b.p3_1"));
    assert_int_equal(group->members[2], block);
    assert_int_equal(plan->values[group->host].at.channel % 16, 0);
    for (int k = 0; k < 3; k++) {
        const struct gn_value *v = &plan->values[group->members[k]];
        assert_int_equal(v->at.channel, group->first + group->channels[k]);
        assert_int_equal(v->gradient_at.channel, group->first + group->channels[k]);
    }
    /* 57 convolutions and the dense layer, less two of each block. */
    assert_int_equal(count_steps(plan, GN_OP_CONV, GN_PASS_FORWARD) +
                         count_steps(plan, GN_OP_WINOGRAD, GN_PASS_FORWARD) +
                         count_steps(plan, GN_OP_DENSE, GN_PASS_FORWARD),
                     58 - 9 * 2);
    gn_plan_free(plan);
    gn_free_net(net);
}

/* Pixels that a tile reads together would compete for a few sets of L1. */
static void no_pixels_stand_a_multiple_of_512_bytes_apart(void **state)
{
    (void)state;
    gn_net *net;
    struct gn_plan *plan = googlenet_plan(&net);
    for (int i = 0; i < net->graph->n_layers; i++) {
        const struct gn_value *v = &plan->values[i];
        if (!v->live || v->same_as != i || v->at.buffer < 0)
            continue;
        assert_true(v->at.ld % 128 != 0 && v->at.ld >= net->graph->layers[i].out.c);
        assert_true(v->gradient_at.buffer < 0 || v->gradient_at.ld % 128 != 0);
    }
    gn_plan_free(plan);
    gn_free_net(net);
}

/* The plan of the network with this name; the caller frees both. */
static struct gn_plan *plan_of(const char *wanted, gn_net **net)
{
    const char *name = "";
    for (int i = 0; (*net = test_network(i, &name)) != NULL; i++) {
        if (strcmp(name, wanted) == 0)
            break;
        gn_free_net(*net);
    }
    assert_non_null(*net);
    struct gn_plan *plan =
        gn_plan_create(*net, &(struct gn_plan_options){ .train = true, .batch = N });
    assert_non_null(plan);
    return plan;
}

static void free_both(struct gn_plan *plan, gn_net *net)
{
    gn_plan_free(plan);
    gn_free_net(net);
}

static void only_what_must_be_copied_is(void **state)
{
    (void)state;
    gn_net *net;
    struct gn_plan *plan = plan_of("branch_with_two_readers", &net);
    const int cat = layer_named(net, "cat");
    assert_false(in_its_slice(plan, cat, 0));
    assert_true(in_its_slice(plan, cat, 1) && in_its_slice(plan, cat, 2));
    assert_int_equal(count_steps(plan, GN_OP_CONCAT, GN_PASS_FORWARD), 1);
    assert_int_equal(count_steps(plan, GN_OP_CONCAT, GN_PASS_BACK), 1);
    free_both(plan, net);

    plan = plan_of("nested_concat", &net);
    const int inner = layer_named(net, "inner"), outer = layer_named(net, "outer");
    for (int k = 0; k < 2; k++)
        assert_true(in_its_slice(plan, inner, k) && in_its_slice(plan, outer, k));
    assert_int_equal(count_steps(plan, GN_OP_CONCAT, GN_PASS_FORWARD), 0);
    assert_int_equal(count_steps(plan, GN_OP_RELU, GN_PASS_BACK), 0);
    free_both(plan, net);

    plan = plan_of("relu_beside_another_reader", &net);
    assert_int_equal(count_steps(plan, GN_OP_RELU, GN_PASS_FORWARD), 1);
    assert_int_equal(count_steps(plan, GN_OP_RELU, GN_PASS_BACK), 1);
    free_both(plan, net);
}

static void dead_branches_take_no_step(void **state)
{
    (void)state;
    gn_net *net;
    struct gn_plan *plan = plan_of("dead_branches", &net);
    for (int i = 0; i < plan->n_steps; i++)
        assert_null(strstr(net->graph->layers[plan->steps[i].layer].name, "dead"));
    /* live, kept, answer */
    assert_int_equal(count_steps(plan, GN_OP_CONV, GN_PASS_FORWARD), 2);
    assert_int_equal(count_steps(plan, GN_OP_DENSE, GN_PASS_FORWARD), 1);
    assert_int_equal(count_steps(plan, GN_OP_MAX_POOL, GN_PASS_FORWARD), 0);
    free_both(plan, net);
}

static void check_arena(const struct gn_plan *plan)
{
    for (int i = 0; i < plan->n_buffers; i++) {
        const struct gn_buffer *a = &plan->buffers[i];
        if (a->first < 0)
            continue;
        assert_true(a->last >= a->first && a->offset + a->bytes <= plan->arena_bytes);
        assert_int_equal(a->offset % 64, 0);
        for (int j = 0; j < i; j++) {
            const struct gn_buffer *b = &plan->buffers[j];
            const bool together = b->first >= 0 && a->first <= b->last && b->first <= a->last;
            assert_true(!together || a->offset + a->bytes <= b->offset ||
                        b->offset + b->bytes <= a->offset);
        }
    }
    for (int i = 0; i < plan->n_steps; i++) {
        const struct gn_step *s = &plan->steps[i];
        const int named[] = { s->x.buffer, s->y.buffer, s->dx.buffer, s->dy.buffer, s->kept };
        for (size_t k = 0; k < sizeof named / sizeof named[0]; k++)
            assert_true(named[k] < 0 ||
                        (plan->buffers[named[k]].first <= i && plan->buffers[named[k]].last >= i));
    }
}

static void values_alive_together_do_not_overlap(void **state)
{
    (void)state;
    const char *name;
    gn_net *net;
    for (int i = 0; (net = test_network(i, &name)) != NULL; i++) {
        for (int train = 0; train < 2; train++) {
            struct gn_plan *plan =
                gn_plan_create(net, &(struct gn_plan_options){ .train = train != 0, .batch = N });
            assert_non_null(plan);
            check_arena(plan);
            gn_plan_free(plan);
        }
        gn_free_net(net);
    }
    net = gn_googlenet();
    struct gn_plan *plan =
        gn_plan_create(net, &(struct gn_plan_options){ .train = true, .batch = 2 });
    assert_non_null(plan);
    check_arena(plan);
    gn_plan_free(plan);
    gn_free_net(net);
}

/* 48 to 104 and 8 to 24 channels: 8 divides them, 16 not all. */
static void channels_that_8_divides_may_be_transformed(void **state)
{
    (void)state;
    gn_net *net = gn_preset("googlenet-small", .size = 28);
    struct gn_plan *plan =
        gn_plan_draft(net, &(struct gn_plan_options){ .train = true, .batch = 64 });
    const struct gn_value *v = &plan->values[layer_named(net, "b4.inception4a.p2_2")];
    assert_true(v->tile > 0 && v->tile_back > 0 && v->tile_filter > 0);
    free_both(plan, net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oracle_is_its_own_derivative),
        cmocka_unit_test(plans_compute_what_the_graph_says),
        cmocka_unit_test(frozen_normalisations_are_constants),
        cmocka_unit_test(folding_changes_nothing),
        cmocka_unit_test(googlenet_copies_nothing_and_every_branch_lies_in_its_slice),
        cmocka_unit_test(sibling_convolutions_are_one),
        cmocka_unit_test(no_pixels_stand_a_multiple_of_512_bytes_apart),
        cmocka_unit_test(only_what_must_be_copied_is),
        cmocka_unit_test(dead_branches_take_no_step),
        cmocka_unit_test(channels_that_8_divides_may_be_transformed),
        cmocka_unit_test(values_alive_together_do_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
