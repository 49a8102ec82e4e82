/* labels: quick isa
 *
 * The gradient of a logit by the values of a layer: for every layer with a bias, what it says about that
 * bias is what the oracle finds in double, which fuses and shares nothing. The loss's gradient is a sum of
 * those of the logits, each times probability minus target. */
#include "base/memory.h"
#include "plan/internal.h"
#include "plan/networks.h"
#include "plan/oracle.h"
#include "support/check.h"

#include <math.h>

enum { N = 3, MOST_CLASSES = 16, MOST_CHANNELS = 512 };

static bool is_comparable(const gn_net *net)
{
    for (int i = 0; i < net->graph->n_layers; i++)
        if (net->graph->layers[i].op->id == GN_OP_DROPOUT)
            return false; /* the oracle drops as training does */
    return net->graph->n_heads == 0 && net->classes <= MOST_CLASSES;
}

/* Adds what the gradients of class k's logit, `weight` of each image times, say about the biases. */
static void add_biases(const struct gn_plan *plan, const float *value, const float *gradient,
                       const double *weights, double *sums)
{
    const struct gn_shape s = plan->net->graph->layers[plan->focus].out;
    const size_t pixels = (size_t)s.h * (size_t)s.w, channels = (size_t)s.c;
    const bool relu = plan->values[plan->focus].relu;
    for (size_t i = 0; i < N * pixels * channels; i++)
        if (!relu || value[i] > 0)
            sums[i % channels] += weights[i / (pixels * channels)] * (double)gradient[i];
}

static void check_layer(const char *name, gn_net *net, int i, const float *images,
                        const int32_t *labels, const double *expected)
{
    const struct gn_graph *g = net->graph;
    const struct gn_layer *layer = &g->layers[i];
    const struct gn_plan_options options = { .batch = N,
                                             .slice = N,
                                             .focus = gn_focus_layer(g, i) };
    struct gn_plan *plan = gn_plan_create(net, &options);
    const size_t floats = (size_t)layer->out.h * (size_t)layer->out.w * (size_t)layer->out.c * N;
    float *value = gn_calloc(floats, sizeof *value, "values");
    float *gradient = gn_calloc(floats, sizeof *gradient, "gradients");
    double sums[MOST_CHANNELS] = { 0 }, difference = 0, norm = 0;
    float logits[N * MOST_CLASSES];
    assert_true(plan != NULL && value != NULL && gradient != NULL);
    assert_true(layer->out.c <= MOST_CHANNELS);
    for (int k = 0; k < net->classes; k++) {
        int32_t classes[N] = { k, k, k };
        double weights[N], probabilities[MOST_CLASSES];
        assert_int_equal(gn_plan_attend(plan, images, classes, N, logits, value, gradient), GN_OK);
        for (int n = 0; n < N; n++) {
            assert_int_equal(gn_softmax(logits + n * net->classes, net->classes, probabilities),
                             GN_OK);
            weights[n] = (probabilities[k] - (labels[n] == k)) / N;
        }
        add_biases(plan, value, gradient, weights, sums);
    }
    for (int c = 0; c < layer->out.c; c++) {
        const double e = expected[g->tensors[layer->bias].offset + (size_t)c];
        difference += (sums[c] - e) * (sums[c] - e);
        norm += e * e;
    }
    if (!(sqrt(difference) <= 2e-5 * sqrt(norm) + 1e-9))
        fail_msg("%s, layer %s: off by %.1e of %.1e", name, layer->name, sqrt(difference),
                 sqrt(norm));
    gn_free(value);
    gn_free(gradient);
    gn_plan_free(plan);
}

static void gradients_of_every_layer_are_those_of_the_oracle(void **state)
{
    (void)state;
    const char *name;
    int checked = 0;
    gn_net *net;
    for (int which = 0; (net = test_network(which, &name)) != NULL; which++) {
        const struct gn_graph *g = net->graph;
        bool live[GN_MAX_LAYERS] = { false };
        float *images = test_images(net, N, 7);
        int32_t *labels = test_labels(net, N);
        double *expected = gn_calloc(g->n_floats, sizeof *expected, "gradients");
        gn_graph_mark_live(g, net->output, live);
        if (is_comparable(net))
            (void)oracle_gradients(net, "*.gamma,*.beta", images, labels, N, expected, NULL);
        for (int i = 1; i < g->n_layers && is_comparable(net); i++) {
            const bool biased =
                g->layers[i].op->id == GN_OP_CONV || g->layers[i].op->id == GN_OP_DENSE;
            if (!live[i] || !biased || g->layers[i].bias < 0)
                continue;
            check_layer(name, net, i, images, labels, expected);
            checked++;
        }
        gn_free(images);
        gn_free(labels);
        gn_free(expected);
        gn_free_net(net);
    }
    assert_true(checked > 30);
}

/* The gradient of a concatenation's slice is that of the branch which is the slice. */
static void a_branch_has_its_part_of_the_whole(void **state)
{
    (void)state;
    gn_graph *g = gn_graph_create();
    gn_node x = gn_conv_relu(g, gn_input(g, 8, 8, 3), 16, 3);
    x = gn_inception(g, x, "block", 16, (gn_pair){ 16, 32 }, (gn_pair){ 16, 16 }, 16);
    gn_net *net =
        gn_compile(g, gn_dense(g, gn_global_avg_pool(g, gn_conv_relu(g, x, 16, 3)), 4, "d"), 3);
    const char *names[2] = { "block", "block.p2_2" };
    float value[8 * 8 * 80], gradient[2][8 * 8 * 80];
    float *image = test_images(net, 1, 1);
    const int32_t class = 2;
    assert_non_null(net);
    for (int k = 0; k < 2; k++) {
        int i = 0;
        while (strcmp(net->graph->layers[i].name, names[k]) != 0)
            i++;
        struct gn_plan *plan = gn_plan_create(
            net, &(struct gn_plan_options){ .batch = 1, .focus = gn_focus_layer(net->graph, i) });
        assert_non_null(plan);
        assert_int_equal(gn_plan_attend(plan, image, &class, 1, NULL, value, gradient[k]), GN_OK);
        gn_plan_free(plan);
    }
    for (int p = 0; p < 64; p++)
        for (int c = 0; c < 32; c++)
            assert_true(fabsf(gradient[0][p * 80 + 16 + c] - gradient[1][p * 32 + c]) < 1e-7F);
    gn_free(image);
    gn_free_net(net);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_every_layer_are_those_of_the_oracle),
        cmocka_unit_test(a_branch_has_its_part_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
