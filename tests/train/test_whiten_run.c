/* labels: quick
 *
 * A run whose first filters whiten: it keeps them, goes on after an interruption with the same bits, for any number of
 * threads; networks that it does not suit are refused. */
#include "net/net.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

static struct gn_fit_options whitened(const char *out)
{
    struct gn_fit_options o = tiny_options(out);
    o.whiten = true;
    o.momentum = 0.9;
    return o;
}

/* The first layer's filters: b1.conv of the tiny net, 3x3 with 8 outputs. */
static const float *filters_of(const gn_net *net)
{
    const int i = gn_graph_find_tensor(net->graph, "b1.conv.weight");
    assert_true(i >= 0 && net->graph->tensors[i].count == 72);
    return net->params + net->graph->tensors[i].offset;
}

static void a_run_keeps_its_filters(void **state)
{
    (void)state;
    struct gn_fit_options o = whitened("straight");
    gn_net *net = tiny_net(), *shorter = tiny_net(), *plain = tiny_net();
    gn_history *history = gn_fit_with(net, &o);
    assert_non_null(history);
    gn_free_history(history);
    o.out = NULL;
    o.max_steps = 1;
    history = gn_fit_with(shorter, &o);
    assert_non_null(history);
    gn_free_history(history);
    assert_memory_equal(filters_of(net), filters_of(shorter), 72 * sizeof(float));
    assert_memory_not_equal(filters_of(net), filters_of(plain), 72 * sizeof(float));
    for (int i = 0; i < 9; i++)
        for (int k = 0; k < 4; k++)
            assert_true(filters_of(net)[i * 8 + k] + filters_of(net)[i * 8 + 4 + k] >= 0 &&
                        filters_of(net)[i * 8 + k] + filters_of(net)[i * 8 + 4 + k] <= 0);
    /* Biases go on, and so does the rest. */
    const int bias = gn_graph_find_tensor(net->graph, "b1.conv.bias");
    const size_t at = net->graph->tensors[bias].offset;
    assert_memory_not_equal(net->params + at, shorter->params + at, 8 * sizeof(float));
    gn_free_net(net);
    gn_free_net(shorter);
    gn_free_net(plain);
}

static void threads_and_interruptions_change_no_bit(void **state)
{
    (void)state;
    struct gn_fit_options o = whitened("three");
    (void)tiny_run(whitened("straight-2"));
    o.threads = 3;
    (void)tiny_run(o);
    tiny_same_runs("straight-2", "three");
    o = whitened("cut");
    o.max_steps = 5;
    (void)tiny_run(o);
    o = whitened("cut");
    o.resume = true;
    (void)tiny_run(o);
    tiny_same_runs("straight-2", "cut");
    o.whiten = false; /* another run */
    tiny_run_fails(o, GN_STATUS_BAD_ARGUMENT, "made with whiten on");
}

static void other_seeds_and_smaller_sets_give_other_filters(void **state)
{
    (void)state;
    gn_net *all = tiny_net(), *some = tiny_net();
    struct gn_fit_options o = whitened(NULL);
    o.max_steps = 1;
    gn_free_history(gn_fit_with(all, &o));
    o.limit_train = 40;
    gn_free_history(gn_fit_with(some, &o));
    assert_memory_not_equal(filters_of(all), filters_of(some), 72 * sizeof(float));
    gn_free_net(all);
    gn_free_net(some);
}

/* A net of this text; the sentence must name what is wrong. */
static void refused(const char *text, const char *part)
{
    gn_net *net =
        gn_preset_with(&(struct gn_preset_options){ .preset = "test.net", .net_text = text });
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    const struct gn_fit_options o = whitened("never");
    assert_null(gn_fit_with(net, &o));
    check_error(GN_STATUS_BAD_ARGUMENT, part);
    assert_false(test_exists("never"));
    gn_free_net(net);
}

static void networks_that_it_does_not_suit_are_refused(void **state)
{
    (void)state;
    refused("input 12 1\nclasses 3\nmax p 3 2\nconv c 4 3\nmean\noutput\n",
            "the first layer of the network, p, is none");
    refused("input 12 1\nclasses 3\nconv c 1 3\nmean\noutput\n", "two filters; c has 1");
    refused("input 12 1\nclasses 3\nconv c 4 13\nmean\noutput\n", "13x13x1 for an input of 12x12");
    struct gn_fit_options o = tiny_options("model");
    o.max_steps = 1;
    (void)tiny_run(o);
    gn_net *net = gn_load("model/model.safetensors");
    assert_non_null(net);
    o = whitened("never");
    assert_null(gn_fit_with(net, &o));
    check_error(GN_STATUS_BAD_ARGUMENT, "this one has weights from a file");
    gn_free_net(net);
    o.freeze = "b2,dense,*.bias";
    tiny_run_fails(o, GN_STATUS_BAD_ARGUMENT, "nothing is left to train");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_keeps_its_filters),
        cmocka_unit_test(threads_and_interruptions_change_no_bit),
        cmocka_unit_test(other_seeds_and_smaller_sets_give_other_filters),
        cmocka_unit_test(networks_that_it_does_not_suit_are_refused),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
