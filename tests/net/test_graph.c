/* labels: quick
 *
 * Graphs of one's own: the padding rule, explicit pads, names; shapes that do not fit are refused
 * with the layer's name and the numbers, and the first error sticks until gn_compile. */
#include "base/memory.h"
#include "graph/derive.h"
#include "net/net.h"
#include "ops/rules.h"
#include "support/check.h"

#include <math.h>
#include <stdalign.h>

/* Output size and pads by the rule's own words: enough outputs for every stride-th input, the odd
 * pad behind. */
static void same_padding_puts_the_odd_pad_behind(void **state)
{
    (void)state;
    for (int n = 1; n <= 40; n++)
        for (int kernel = 1; kernel <= 7; kernel++)
            for (int stride = 1; stride <= 3; stride++) {
                int out, before, after;
                gn_same_padding(n, kernel, stride, &out, &before, &after);
                assert_true((out - 1) * stride < n && out * stride >= n);
                assert_true(before >= 0 && (after == before || after == before + 1));
                /* The last window ends with the pad, unless no pad is needed at all. */
                const int end = (out - 1) * stride + kernel;
                assert_true(end == n + before + after || (end < n && before + after == 0));
            }
    int out, before, after;
    gn_same_padding(96, 7, 2, &out, &before, &after);
    assert_true(out == 48 && before == 2 && after == 3);
    gn_same_padding(48, 3, 2, &out, &before, &after);
    assert_true(out == 24 && before == 0 && after == 1);
    gn_same_padding(13, 3, 2, &out, &before, &after);
    assert_true(out == 7 && before == 1 && after == 1);
}

/* Builds with `body`, compiles, and expects this error. */
typedef gn_node body_fn(gn_graph *g, gn_node x);

static void refused(body_fn *body, gn_status status, const char *part)
{
    gn_clear_error();
    gn_graph *g = gn_graph_create();
    assert_non_null(g);
    const gn_node x = gn_input(g, 12, 10, 3);
    const gn_node y = body(g, x);
    gn_clear_error(); /* the graph keeps its own copy */
    assert_null(gn_compile(g, y, 0));
    check_error(status, part);
}

static gn_node end(gn_graph *g, gn_node x)
{
    return gn_dense(g, gn_global_avg_pool(g, x), 10, "dense");
}

static gn_node no_channels(gn_graph *g, gn_node x)
{
    return end(g, gn_conv(g, x, 0, 3, .name = "c"));
}

static gn_node layer_with_a_vertical_tab(gn_graph *g, gn_node x)
{
    return end(g, gn_conv(g, x, 4, 3, .name = "a\vb"));
}

static gn_node stage_that_clears_the_screen(gn_graph *g, gn_node x)
{
    gn_stage(g, "a\033[2J");
    return end(g, x);
}

static gn_node stage_with_a_long_name(gn_graph *g, gn_node x)
{
    gn_stage(g, "0123456789012345678901234567890123456789012345678901234567890123456789");
    return end(g, x);
}

static gn_node head_from_right_to_left(gn_graph *g, gn_node x)
{
    gn_head(g, gn_dense(g, gn_global_avg_pool(g, x), 10, "h"), 1, "h\xe2\x80\xae");
    return end(g, x);
}

/* Such a network could be trained for hours and not be loaded again. */
static void names_that_cannot_be_shown_are_refused(void **state)
{
    (void)state;
    refused(layer_with_a_vertical_tab, GN_STATUS_BAD_ARGUMENT, "a?b: a layer's name is UTF-8");
    refused(stage_that_clears_the_screen, GN_STATUS_BAD_ARGUMENT, "a?[2J: a stage's name");
    refused(stage_with_a_long_name, GN_STATUS_BAD_ARGUMENT, "at most 60 bytes");
    refused(head_from_right_to_left, GN_STATUS_BAD_ARGUMENT, "h???: a head's name");
}

static gn_node many_channels(gn_graph *g, gn_node x)
{
    return end(g, gn_conv(g, x, 65537, 3, .name = "c"));
}

static gn_node no_kernel(gn_graph *g, gn_node x)
{
    return end(g, gn_conv(g, x, 4, 0, .name = "c"));
}

static gn_node huge_kernel(gn_graph *g, gn_node x)
{
    return end(g, gn_conv(g, x, 4, 65, .name = "c"));
}

static gn_node negative_stride(gn_graph *g, gn_node x)
{
    return end(g, gn_conv(g, x, 4, 3, .stride = -2, .name = "c"));
}

static gn_node kernel_exceeds_input(gn_graph *g, gn_node x)
{
    gn_stage(g, "b5");
    return end(g, gn_conv(g, x, 4, 13, .name = "big", .explicit_pads = true, .pad_left = 1));
}

static gn_node pad_as_wide_as_the_kernel(gn_graph *g, gn_node x)
{
    return end(g, gn_conv(g, x, 4, 3, .name = "c", .explicit_pads = true, .pad_top = 3));
}

static gn_node negative_pad(gn_graph *g, gn_node x)
{
    return end(g, gn_conv(g, x, 4, 3, .name = "c", .explicit_pads = true, .pad_right = -1));
}

static gn_node huge_pool(gn_graph *g, gn_node x)
{
    return end(g, gn_max_pool(g, x, 9, 2, "p"));
}

static gn_node unequal_concat(gn_graph *g, gn_node x)
{
    const gn_node half = gn_max_pool(g, x, 3, 2, "half");
    return end(g, gn_concat(g, (gn_node[]){ x, half }, 2, "cat"));
}

static gn_node empty_concat(gn_graph *g, gn_node x)
{
    return end(g, gn_concat(g, &x, 0, "cat"));
}

static gn_node dense_on_a_map(gn_graph *g, gn_node x)
{
    return gn_dense(g, x, 10, "fc");
}

static gn_node dense_without_units(gn_graph *g, gn_node x)
{
    return gn_dense(g, gn_global_avg_pool(g, x), 0, "fc");
}

static gn_node map_as_answer(gn_graph *g, gn_node x)
{
    return gn_conv(g, x, 4, 3, .name = "last");
}

static gn_node same_name_twice(gn_graph *g, gn_node x)
{
    gn_stage(g, "s");
    x = gn_conv(g, x, 4, 3, .name = "c");
    return end(g, gn_conv(g, x, 4, 3, .name = "c"));
}

static gn_node two_inputs(gn_graph *g, gn_node x)
{
    gn_stage(g, "second");
    (void)gn_input(g, 12, 10, 3);
    return end(g, x);
}

static gn_node node_of_nowhere(gn_graph *g, gn_node x)
{
    (void)x;
    return end(g, (gn_node){ 7 });
}

static void misfits_are_refused_with_layer_and_numbers(void **state)
{
    (void)state;
    refused(no_channels, GN_STATUS_BAD_SHAPE, "c: 0 output channels");
    refused(many_channels, GN_STATUS_BAD_SHAPE, "c: 65537 output channels");
    refused(no_kernel, GN_STATUS_BAD_SHAPE, "c: kernel 0");
    refused(huge_kernel, GN_STATUS_BAD_SHAPE, "c: kernel 65");
    refused(negative_stride, GN_STATUS_BAD_SHAPE, "c: stride -2");
    refused(kernel_exceeds_input, GN_STATUS_BAD_SHAPE,
            "b5.big: kernel 13 exceeds the padded input 12x11");
    refused(pad_as_wide_as_the_kernel, GN_STATUS_BAD_SHAPE, "c: padding 3");
    refused(negative_pad, GN_STATUS_BAD_SHAPE, "c: padding -1");
    refused(huge_pool, GN_STATUS_BAD_SHAPE, "p: pooling window 9");
    refused(unequal_concat, GN_STATUS_BAD_SHAPE, "cat: input 1 is 6x5x3, input 0 is 12x10x3");
    refused(empty_concat, GN_STATUS_BAD_ARGUMENT, "cat: 0 inputs");
    refused(dense_on_a_map, GN_STATUS_BAD_SHAPE, "fc: a dense layer takes a vector");
    refused(dense_without_units, GN_STATUS_BAD_SHAPE, "fc: 0 units");
    refused(map_as_answer, GN_STATUS_BAD_SHAPE, "last: the answer must be a vector");
    refused(same_name_twice, GN_STATUS_BAD_ARGUMENT, "s.c: two layers have this name");
    refused(two_inputs, GN_STATUS_BAD_ARGUMENT, "exactly one input");
    refused(node_of_nowhere, GN_STATUS_BAD_ARGUMENT, "global_pool: input 0 is not a node");
}

/* What another program would write down of a layer, and nothing else: the words of its attributes. */
static void append_again(gn_graph *to, const gn_graph *from, int i)
{
    const struct gn_layer *layer = &from->layers[i];
    alignas(double) unsigned char attributes[GN_ATTRIBUTE_BYTES] = { 0 };
    gn_node nodes[GN_MAX_LAYERS];
    const struct gn_operator *op = gn_operator_named(layer->op->name);
    assert_ptr_equal(op, layer->op);
    for (int k = 0; k < op->n_attributes; k++)
        assert_true(
            gn_attribute_set(&op->attributes[k], attributes,
                             gn_attribute_value(&op->attributes[k], gn_layer_attributes(layer))));
    for (int k = 0; k < i; k++)
        nodes[k].id = k;
    assert_int_equal(gn_graph_append_like(to, layer, nodes, attributes).id, i);
}

static void same_layers(const gn_graph *g, const gn_graph *old)
{
    assert_int_equal(g->n_layers, old->n_layers);
    assert_int_equal(g->n_tensors, old->n_tensors);
    for (int i = 0; i < old->n_layers; i++) {
        const struct gn_layer *a = &g->layers[i], *b = &old->layers[i];
        assert_memory_equal(a->attributes, b->attributes, sizeof a->attributes);
        assert_memory_equal(&a->window, &b->window, sizeof a->window);
        assert_memory_equal(a->tensors, b->tensors, sizeof a->tensors);
    }
    for (int i = 0; i < old->n_tensors; i++) {
        const struct gn_tensor *a = &g->tensors[i], *b = &old->tensors[i];
        assert_string_equal(a->name, b->name);
        assert_memory_equal(a->shape, b->shape, sizeof a->shape);
        assert_true(a->offset == b->offset && a->is_kernel == b->is_kernel &&
                    a->trainable == b->trainable);
    }
}

static void layers_keep_all_that_they_were_made_from(void **state)
{
    (void)state;
    for (int p = 0; gn_preset_name(p) != NULL; p++) {
        gn_net *net = gn_preset_with(
            &(struct gn_preset_options){ .preset = gn_preset_name(p), .seed = 3, .aux = true });
        gn_graph *g = gn_graph_create();
        assert_true(net != NULL && g != NULL);
        const gn_graph *old = net->graph;
        for (int i = 0; i < old->n_stages; i++)
            gn_stage(g, old->stages[i]);
        for (int i = 0; i < old->n_layers; i++)
            append_again(g, old, i);
        for (int i = 0; i < old->n_heads; i++)
            gn_head(g, (gn_node){ old->heads[i].layer }, old->heads[i].weight, old->heads[i].name);
        same_layers(g, old);
        gn_net *again = gn_compile(g, (gn_node){ net->output }, 3);
        char ours[17], theirs[17];
        gn_net_fingerprint(again, ours);
        gn_net_fingerprint(net, theirs);
        assert_string_equal(ours, theirs);
        assert_int_equal(gn_net_hash(again), gn_net_hash(net));
        gn_free_net(again);
        gn_free_net(net);
    }
}

/* Values that are not of an attribute's kind change nothing. */
static void attributes_take_only_values_of_their_kind(void **state)
{
    (void)state;
    struct gn_norm_options norm = { .eps = 0.5 };
    struct gn_conv_options conv = { .channels = 8 };
    const struct gn_attribute *eps = &gn_op_batch_norm.attributes[0];
    const struct gn_attribute *unbiased = &gn_op_batch_norm.attributes[2];
    const struct gn_attribute *channels = &gn_op_conv.attributes[0];
    assert_false(gn_attribute_set(eps, &norm, (double)NAN));
    assert_false(gn_attribute_set(eps, &norm, (double)INFINITY));
    assert_false(gn_attribute_set(unbiased, &norm, 2));
    assert_false(gn_attribute_set(unbiased, &norm, 0.5));
    assert_false(gn_attribute_set(channels, &conv, 1e10));
    assert_false(gn_attribute_set(channels, &conv, 7.5));
    assert_true(norm.eps == 0.5 && !norm.unbiased && conv.channels == 8);
    assert_true(gn_attribute_set(channels, &conv, -3));
    assert_int_equal(conv.channels, -3);
    assert_null(gn_operator_named("winograd")); /* no layer */
    assert_null(gn_operator_named("conv2"));
}

/* A window written as a pair of equal sides is the square one. */
static void windows_have_one_way_to_be_written(void **state)
{
    (void)state;
    gn_graph *g = gn_graph_create();
    const gn_node x = gn_input(g, 9, 9, 1);
    const gn_node y = gn_conv(g, x, 2, 5, .kernel_h = 3, .kernel_w = 3, .stride_w = 2);
    const gn_node z = gn_max_pool(g, y, 2, .kernel_w = 3);
    const struct gn_conv_options *conv = gn_layer_attributes(&g->layers[y.id]);
    const struct gn_pool_options *pool = gn_layer_attributes(&g->layers[z.id]);
    assert_true(conv->kernel == 3 && conv->kernel_h == 0 && conv->kernel_w == 0);
    assert_true(conv->stride == 0 && conv->stride_h == 1 && conv->stride_w == 2);
    assert_true(pool->kernel == 0 && pool->kernel_h == 2 && pool->kernel_w == 3);
    assert_true(pool->stride == 0 && pool->stride_h == 2 && pool->stride_w == 3); /* the window */
    gn_graph_free(g);
}

static void the_first_error_sticks(void **state)
{
    (void)state;
    gn_graph *g = gn_graph_create();
    gn_node x = gn_input(g, 8, 8, 1);
    x = gn_conv(g, x, -5, 3, .name = "first");
    assert_int_equal(x.id, -1);
    x = gn_conv_relu(g, x, 4, 0, .name = "second");
    x = gn_max_pool(g, x, 99, 1, "third");
    x = gn_concat(g, &x, 1, "fourth");
    x = gn_inception(g, x, "fifth", 1, (gn_pair){ 1, 1 }, (gn_pair){ 1, 1 }, 1);
    gn_stage(g, "stage");
    x = gn_relu(g, x);
    x = gn_dense(g, gn_global_avg_pool(g, x), 0, "sixth");
    assert_int_equal(x.id, -1);
    assert_int_equal(g->n_tensors, 0);
    assert_null(gn_compile(g, x, 0));
    check_error(GN_STATUS_BAD_SHAPE, "first: -5 output channels");
}

/* Every function takes the NULL of a failed constructor and keeps the first message. */
static void null_goes_through_and_keeps_the_message(void **state)
{
    (void)state;
    gn_alloc_fail_after(1, false);
    gn_graph *g = gn_graph_create();
    assert_null(g);
    gn_node x = gn_input(g, 8, 8, 1);
    gn_stage(g, "s");
    x = gn_inception(g, x, "i", 1, (gn_pair){ 1, 1 }, (gn_pair){ 1, 1 }, 1);
    x = gn_dense(g, gn_global_avg_pool(g, x), 2, NULL);
    gn_net *net = gn_compile(g, x, 0);
    assert_null(net);
    struct gn_net_info info;
    struct gn_layer_info layer;
    struct gn_tensor_info tensor;
    assert_int_equal(gn_net_describe(net, &info), GN_STATUS_NO_MEMORY);
    assert_int_equal(gn_net_layer(net, 0, &layer), GN_STATUS_NO_MEMORY);
    assert_int_equal(gn_net_stage(net, 0, &layer), GN_STATUS_NO_MEMORY);
    assert_int_equal(gn_net_tensor(net, 0, &tensor), GN_STATUS_NO_MEMORY);
    assert_int_equal(gn_summary(net, stdout), GN_STATUS_NO_MEMORY);
    assert_int_equal(gn_walk(net, stdout), GN_STATUS_NO_MEMORY);
    assert_int_equal(gn_net_set_labels(net, NULL, 0), GN_STATUS_NO_MEMORY);
    assert_int_equal(gn_net_hash(net), 0);
    gn_free_net(net);
    gn_graph_free(g);
    check_error(GN_STATUS_NO_MEMORY, "a graph");
}

/* NULL without a failed constructor, and NULL for the place of an answer. */
static void null_is_an_error_with_a_sentence(void **state)
{
    (void)state;
    static const char missing[] = "NULL was given";
    struct gn_net_info info;
    gn_clear_error();
    assert_int_equal(gn_net_describe(NULL, &info), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, missing);
    assert_int_equal(gn_save(NULL, "x"), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, missing);
    assert_null(gn_compile(NULL, (gn_node){ 0 }, 0));
    check_error(GN_STATUS_BAD_ARGUMENT, missing);

    gn_net *net = gn_googlenet(.size = 16);
    const gn_status codes[] = { gn_net_describe(net, NULL),
                                gn_net_layer(net, 0, NULL),
                                gn_net_stage(net, 0, NULL),
                                gn_net_tensor(net, 0, NULL),
                                gn_summary(net, NULL),
                                gn_walk(net, NULL),
                                gn_bench(net, NULL, NULL),
                                gn_system_describe(NULL),
                                gn_dataset_known(0, NULL, false, NULL) };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_int_equal(codes[i], GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "no place for");
    gn_free_net(net);

    gn_graph *g = gn_graph_create();
    const gn_node x = gn_input(g, 8, 8, 1);
    assert_int_equal(gn_conv_with(g, x, NULL).id, -1); /* no channels */
    assert_null(gn_compile(g, x, 0));
    g = gn_graph_create();
    assert_int_equal(gn_max_pool_with(g, gn_input(g, 8, 8, 1), NULL).id, -1);
    gn_graph_free(g);
    g = gn_graph_create();
    assert_int_equal(gn_concat(g, NULL, 2, NULL).id, -1);
    gn_graph_free(g);
    gn_clear_error();
}

static void layers_without_a_name_are_numbered_within_the_stage(void **state)
{
    (void)state;
    gn_graph *g = gn_graph_create();
    gn_node x = gn_input(g, 8, 8, 1);
    gn_stage(g, "a");
    x = gn_conv(g, x, 2, 3);
    x = gn_conv(g, x, 2, 3);
    gn_stage(g, "b");
    x = gn_conv(g, x, 2, 3);
    x = gn_max_pool(g, x, 2);
    gn_stage(g, NULL);
    gn_net *net = gn_compile(g, gn_dense(g, gn_global_avg_pool(g, x), 3, NULL), 0);
    static const char *const names[] = { "a.conv", "a.conv_1",    "b.conv",
                                         "b.pool", "global_pool", "dense" };
    for (int i = 0; i < 6; i++) {
        struct gn_layer_info layer;
        assert_int_equal(gn_net_layer(net, i, &layer), GN_OK);
        assert_string_equal(layer.name, names[i]);
    }
    struct gn_net_info info;
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_string_equal(info.preset, "custom");
    assert_int_equal(info.stages, 4); /* a, b, and the two rows behind them */
    gn_free_net(net);
}

/* Building a network with every single allocation failing in turn. */
static void a_failing_allocation_is_reported(void **state)
{
    (void)state;
    for (uint64_t k = 1;; k++) {
        gn_clear_error();
        gn_alloc_fail_after(k, false);
        gn_net *net = gn_googlenet(.size = 32);
        gn_alloc_fail_after(0, false);
        if (net != NULL) {
            assert_true(k > 5);
            gn_free_net(net);
            return;
        }
        check_error(GN_STATUS_NO_MEMORY, "no memory for");
    }
}

static void labels_are_copied_and_counted(void **state)
{
    (void)state;
    gn_net *net = gn_googlenet(.size = 32, .classes = 3);
    char changing[] = "cat";
    const char *const labels[] = { changing, "dog", "" };
    assert_int_equal(gn_net_set_labels(net, labels, 2), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "2 labels for a network of 3 classes");
    assert_int_equal(gn_net_set_labels(net, labels, 3), GN_OK);
    changing[0] = 'b';
    struct gn_net_info info;
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_string_equal(info.labels[0], "cat");
    for (uint64_t k = 1; k <= 4; k++) {
        gn_alloc_fail_after(k, false);
        assert_int_equal(gn_net_set_labels(net, labels, 3), GN_STATUS_NO_MEMORY);
        gn_alloc_fail_after(0, false);
    }
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_string_equal(info.labels[1], "dog"); /* the old ones stay */
    const char *const hole[] = { "cat", NULL, "cow" };
    assert_int_equal(gn_net_set_labels(net, hole, 3), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "label 1 of 3 is NULL");
    assert_string_equal(info.labels[1], "dog");
    assert_int_equal(gn_net_set_labels(net, NULL, 0), GN_OK);
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_null(info.labels);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_cannot_be_shown_are_refused),
        cmocka_unit_test(same_padding_puts_the_odd_pad_behind),
        cmocka_unit_test(misfits_are_refused_with_layer_and_numbers),
        cmocka_unit_test(layers_keep_all_that_they_were_made_from),
        cmocka_unit_test(attributes_take_only_values_of_their_kind),
        cmocka_unit_test(windows_have_one_way_to_be_written),
        cmocka_unit_test(the_first_error_sticks),
        cmocka_unit_test(null_goes_through_and_keeps_the_message),
        cmocka_unit_test(null_is_an_error_with_a_sentence),
        cmocka_unit_test(layers_without_a_name_are_numbered_within_the_stage),
        cmocka_unit_test(a_failing_allocation_is_reported),
        cmocka_unit_test(labels_are_copied_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
